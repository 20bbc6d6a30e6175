"""The command as a process: on a terminal, in a pipe, and when it is told to stop."""

from __future__ import annotations

import csv
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_specs import write_spec

import npnn_cli
from npnn_cli.training.checkpoints import load_checkpoint

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and terminals as POSIX has them")

# Ctrl-C is ignored in what a script starts in the background, and that would be passed on to the command.
HEED_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
NPNN = [sys.executable, "-c", f"{HEED_CTRL_C}; from npnn_cli.commands.app import main; main()"]
SECONDS = 60  # that a slow machine may take at most
LONG = {"training": "{epochs: 100000, batch_size: 50}"}


@pytest.fixture
def environment():
    plain = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    package = Path(npnn_cli.__file__).parents[1]
    return {**plain, "PYTHONPATH": str(package), "TERM": "xterm-256color"}


@pytest.fixture
def spec(tmp_path):
    return write_spec(tmp_path / "small.yaml", training="{epochs: 3, batch_size: 1}")


def on_a_terminal(arguments, environment, folder):
    """All that a program writes to a terminal, and its exit code."""
    terminal, program_side = os.openpty()
    process = subprocess.Popen(
        [*NPNN, *arguments], stdin=program_side, stdout=program_side, stderr=program_side, cwd=folder, env=environment
    )
    os.close(program_side)
    output, deadline = b"", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                output += os.read(terminal, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
        elif process.poll() is not None:
            break
    os.close(terminal)
    return output.decode(), process.wait(SECONDS)


def test_on_a_terminal_there_is_a_progress_bar_and_colour(environment, tmp_path, spec):
    output, code = on_a_terminal(["train", spec], environment, tmp_path)
    assert code == 0, output
    assert "\x1b[1m" in output
    assert re.search(r"epoch \d.*━", output)
    assert "/288" in output
    assert "npnn eval runs/" in output


def test_no_color_is_honoured(environment, tmp_path, spec):
    output, code = on_a_terminal(["train", spec], environment | {"NO_COLOR": "1"}, tmp_path)
    assert code == 0, output
    assert "━" in output
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", output)  # a colour of the text


def test_an_error_on_a_terminal(environment, tmp_path):
    output, code = on_a_terminal(["train", "nowhere.yaml"], environment, tmp_path)
    assert code == 2
    assert "nowhere.yaml  no such file" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("wish", [{}, {"FORCE_COLOR": "1"}], ids=["", "FORCE_COLOR"])  # as CI systems set it
def test_in_a_pipe_there_are_only_plain_lines(environment, tmp_path, spec, wish):
    process = subprocess.run(
        [*NPNN, "train", spec], cwd=tmp_path, env=environment | wish, capture_output=True, timeout=SECONDS, check=True
    )
    output = process.stdout.decode()
    assert process.stderr == b""
    assert not set(output) & {"\r", "\x1b", "\x08"}
    assert re.findall(r"^ *(\d)/3", output, re.MULTILINE) == ["1", "2", "3"]


def test_a_training_goes_on_when_nobody_reads_what_it_prints(environment, tmp_path, spec):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*NPNN, "train", spec], cwd=tmp_path, env=environment, text=True, **pipes) as process:
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (0, "")
    (folder,) = (tmp_path / "runs").iterdir()
    assert json.loads((folder / "summary.json").read_text())["test"] is not None


def test_the_output_may_be_closed(environment, tmp_path, spec):
    closed = ["sh", "-c", 'exec "$@" >&-', "sh"]
    subprocess.run([*closed, *NPNN, "train", spec], cwd=tmp_path, env=environment, timeout=SECONDS, check=True)


def test_what_the_encoding_of_the_output_does_not_know_is_escaped(environment, tmp_path):
    spec = write_spec(tmp_path / "süß.yaml", name="small")
    process = subprocess.run(
        [*NPNN, "train", spec.name],
        cwd=tmp_path,
        env=environment | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "1"},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()
    assert process.stdout.decode("ascii").startswith("spec    s\\xfc\\xdf.yaml\n")


def test_a_spec_may_come_from_a_pipe(environment, tmp_path, spec):
    process = subprocess.run(
        [*NPNN, "train", "/dev/stdin"],
        input=spec.read_bytes(),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert process.returncode == 0, process.stderr.decode()


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_interrupted_is_saved(environment, tmp_path, sent, code):
    spec = write_spec(tmp_path / "small.yaml", **LONG)
    process = subprocess.Popen(
        [*NPNN, "train", spec], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not process.stdout.readline().lstrip().startswith("3/100000"):
            assert process.poll() is None, process.stderr.read()
        process.send_signal(sent)
        output, errors = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == code
    assert "Traceback" not in output + errors
    (folder,) = (tmp_path / "runs").iterdir()
    summary = json.loads((folder / "summary.json").read_text())
    with (folder / "metrics.csv").open() as file:
        metrics = list(csv.DictReader(file))
    assert summary["ending"] == "interrupted"
    assert summary["epochs"] == len(metrics) >= 3
    last = load_checkpoint(folder / "checkpoints" / "last.npz").about
    assert last["epoch"] == len(metrics) + ("batches" in last)  # the epoch in progress, if there is one
    assert load_checkpoint(folder / "checkpoints" / "best.npz").about == summary["best"]
    assert errors.startswith("error: interrupted; the weights as they were are in runs/")
    assert f"the best weights, of epoch {summary['best_epoch']}, are in runs/" in errors
    assert not list(folder.rglob("*.tmp"))
