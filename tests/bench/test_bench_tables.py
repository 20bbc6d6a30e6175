from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from npnn_cli.bench.parity import Difference
from npnn_cli.bench.process import Entrant
from npnn_cli.bench.race import Outcome, Race
from npnn_cli.bench.tables import console_table, markdown_table, to_json
from npnn_cli.bench.timing import Timing

TIMES = "\N{MULTIPLICATION SIGN}"
NPNN = Outcome(Entrant("npnn", "", 1), [], Timing(200e-6, 190e-6, 210e-6, 50), Timing(0.25, 0.2, 0.3, 3), 100 * 2**20)
SLOW = Outcome(Entrant("[red]rival", "", 1), [], Timing(600e-6, 5e-4, 7e-4, 50), None, 2**30)
FAST = Outcome(
    Entrant("[red]rival", "", 2, {"fused": True}), [], Timing(500e-6, 5e-4, 7e-4, 50), Timing(1, 1, 1, 3), 2**30
)
WRONG = Outcome(Entrant("wrong", "", 2), [Difference("loss", 0.5)])
RACE = Race([NPNN, SLOW, FAST, WRONG], {"absent": "no such thing"})


def test_markdown():
    assert markdown_table(RACE).splitlines() == [
        f"| contender | threads | step (µs) | {TIMES} npnn | epoch (s) | peak memory (MiB) |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| npnn | 1 | 200 (190 to 210) | 1.00 | 0.250 | 100 |",
        "| [red]rival | 2 | 500 (500 to 700) | 2.50 | 1.00 | 1024 |",
        "| wrong | 2 | DIFFERS |  |  |  |",
    ]


def test_the_console_shows_the_same():
    text = io.StringIO()
    Console(file=text, width=120).print(console_table(RACE))

    cells = [" ".join(line.split()) for line in text.getvalue().splitlines()]
    assert cells[2:] == [
        "npnn 1 200 (190 to 210) 1.00 0.250 100",
        "[red]rival 2 500 (500 to 700) 2.50 1.00 1024",
        "wrong 2 DIFFERS",
    ]


def test_a_narrow_console_still_says_who_was_timed():
    text = io.StringIO()
    rival = Outcome(Entrant("scikit-learn MLPClassifier", "", 1), [], NPNN.step, NPNN.epoch, 100 * 2**20)
    Console(file=text, width=50).print(console_table(Race([rival], {})))

    first_column = "".join(line.split(" ")[0] for line in text.getvalue().splitlines())
    assert first_column.replace("\N{BOX DRAWINGS LIGHT HORIZONTAL}", "").endswith("scikit-learnMLPClassifier")


def test_json_holds_every_entrant():
    found = json.loads(json.dumps(to_json(RACE)))

    npnn, slow, fast, wrong = found["contenders"]
    assert found["absent"] == {"absent": "no such thing"}
    assert npnn["step"] == {"median": 200e-6, "low": 190e-6, "high": 210e-6, "count": 50}
    assert npnn["epoch"]["median"] == 0.25
    assert npnn["peak_memory"] == 100 * 2**20
    assert [c["times_npnn"] for c in (npnn, slow, fast, wrong)] == [1, pytest.approx(3), pytest.approx(2.5), None]
    assert [c["best_of_form"] for c in (npnn, slow, fast, wrong)] == [True, False, True, True]
    assert [c["differs"] for c in (npnn, wrong)] == [{}, {"loss": 0.5}]
    assert (fast["options"], slow["epoch"], wrong["step"], wrong["peak_memory"]) == ({"fused": True}, None, None, None)
