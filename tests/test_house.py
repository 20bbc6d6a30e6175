"""The rules of the house that a test can check, by reading the source and by watching imports."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import npnn_cli

PACKAGE = Path(npnn_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# No room imports a later one.
ROOMS = [
    "aligned",
    "examples",
    "options",
    "registry",
    "autograd",
    "functional",
    "nn",
    "optim",
    "data",
    "spec",
    "training",
    "reports",
    "torch_reference",
    "proofs",
    "bench",
    "commands",
]
ENGINE = {"aligned", "examples", "options", "registry", "autograd", "functional", "nn", "optim"}
FRONT_DOOR = "__init__"  # npnn_cli itself, which loads the public names from their rooms when they are asked for

SEEDED = {"default_rng", "Generator", "SeedSequence", "BitGenerator", "PCG64"}


def room_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@functools.cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(file: Path, *, typing_too: bool = True) -> Iterator[tuple[str, bool]]:
    """Every module that a file imports, by its full name, and whether a function does it."""

    def walk(node: ast.AST, in_function: bool) -> Iterator[tuple[str, bool]]:
        if is_type_checking(node) and not typing_too:
            return
        if isinstance(node, ast.Import):
            yield from ((alias.name, in_function) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = [PACKAGE.name, *file.relative_to(PACKAGE).parts]
            start = ".".join(package[: -node.level]) + "." if node.level else ""
            module = start + (node.module or "")
            # "from npnn_cli import nn" imports npnn_cli.nn
            yield from (
                (f"{module}.{alias.name}" if module == PACKAGE.name else module, in_function) for alias in node.names
            )
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((arg.value, in_function) for arg in node.args if isinstance(arg, ast.Constant))
        deeper = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, deeper)

    return walk(tree_of(file), False)


def foreign(file: Path) -> set[str]:
    """Top-level packages outside the standard library and npnn that a file imports."""
    names = {name.partition(".")[0] for name, _ in imports(file)}
    return names - set(sys.stdlib_module_names) - {PACKAGE.name}


def calls(file: Path) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree_of(file)) if isinstance(node, ast.Call)}


def test_the_reader_of_imports_sees_them_all(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "npnn_cli")
    file = tmp_path / "npnn_cli" / "nn" / "sly.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import torch.nn, os\n"
        "from npnn_cli import spec\n"
        "from ..training import loop\n"
        "from . import module\n"
        "if TYPE_CHECKING:\n    import yaml\n"
        "class A:\n    def f(self):\n        import matplotlib.pyplot as plt\n        importlib.import_module('rich')\n"
    )

    assert set(imports(file)) == {
        ("torch.nn", False),
        ("os", False),
        ("npnn_cli.spec", False),
        ("npnn_cli.training", False),
        ("npnn_cli.nn.", False),
        ("yaml", False),
        ("matplotlib.pyplot", True),
        ("rich", True),
    }
    assert foreign(file) == {"torch", "yaml", "matplotlib", "rich"}


def test_every_file_is_in_a_room():
    assert {room_of(file) for file in FILES} <= {*ROOMS, FRONT_DOOR}
    assert {room for room in ROOMS if any(room_of(file) == room for file in FILES)} == set(ROOMS)


def test_tests_mirror_the_rooms():
    directories = {
        path.name for path in Path(__file__).parent.iterdir() if path.is_dir() and not path.name.startswith("_")
    }

    assert {name for name in directories if not name.startswith(".")} <= set(ROOMS)


def reached_back_into(file: Path) -> set[str]:
    if (room := room_of(file)) == FRONT_DOOR:
        return set()
    own = {name.split(".")[1] for name, _ in imports(file) if name.startswith(f"{PACKAGE.name}.")}
    return {other for other in own if other in ROOMS and ROOMS.index(other) > ROOMS.index(room)}


def beyond_the_engine(file: Path) -> set[str]:
    if room_of(file) not in ENGINE:
        return set()
    own = {name.split(".")[1] for name, _ in imports(file) if name.startswith(f"{PACKAGE.name}.")}
    of_files = {name for name, _ in imports(file)} & {"pathlib", "os", "io", "logging", "subprocess"}
    return (
        foreign(file) - {"numpy"} | own - ENGINE | of_files | calls(file) & {"open", "print", "input", "exec", "eval"}
    )


def out_of_their_room(file: Path) -> set[str]:
    """PyTorch and Matplotlib where they do not belong, or imported before they are needed."""
    return {
        name
        for library, room in (("torch", "torch_reference"), ("matplotlib", "reports"))
        for name, in_function in imports(file, typing_too=False)
        if name.split(".")[0] == library and not (in_function and room_of(file) == room)
    }


def printing(file: Path) -> set[str]:
    if room_of(file) == "commands":
        return set()
    words = calls(file) & {"print", "exit", "quit", "sys.exit", "os._exit", "input", "SystemExit", "typer.Exit"}
    words |= {name for name in calls(file) if name.startswith(("sys.stdout.write", "sys.stderr.write", "rich.print"))}
    return words | {name for name, _ in imports(file)} & {
        "typer",
        "click",
        "rich.console",
        "rich.progress",
        "rich.live",
    }


def unseeded_randomness(file: Path) -> set[str]:
    attributes = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.Attribute)]
    of_numpy = {node.attr for node in attributes if ast.unparse(node.value) in {"np.random", "numpy.random"}}
    return of_numpy - SEEDED | {name for name, _ in imports(file)} & {"random", "numpy.random", "secrets"}


def swallowed_failures(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
            found |= {f"line {node.lineno}" for argument in node.args if "Exception" in ast.unparse(argument)}
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            of_all = {"everything", "Exception", "BaseException"} & set(caught.strip("()").split(", "))
            if (of_all and not again) or all(isinstance(statement, ast.Pass) for statement in node.body):
                found.add(f"line {node.lineno}: {caught}")
    return found


def more_than_fits_into_a_head(file: Path) -> bool:
    return len(file.read_text(encoding="utf-8").splitlines()) > 350


def dishonest_name(file: Path) -> bool:
    return file.stem in {"utils", "util", "helpers", "helper", "common", "misc", "base"}


@pytest.mark.parametrize(
    "offence",
    [
        reached_back_into,
        beyond_the_engine,
        out_of_their_room,
        printing,
        unseeded_randomness,
        swallowed_failures,
        more_than_fits_into_a_head,
        dishonest_name,
    ],
    ids=lambda offence: offence.__name__,
)
def test_no_file_breaks_a_rule(offence):
    assert {str(file.relative_to(PACKAGE)): found for file in FILES if (found := offence(file))} == {}


@pytest.mark.parametrize(
    ("offence", "path", "text"),
    [
        (reached_back_into, "nn/sly.py", "from npnn_cli import spec"),
        (beyond_the_engine, "optim/sly.py", "import yaml"),
        (beyond_the_engine, "nn/sly.py", "from npnn_cli.data import DataLoader"),
        (beyond_the_engine, "nn/sly.py", "import os"),
        (beyond_the_engine, "nn/sly.py", "open('file')"),
        (out_of_their_room, "nn/sly.py", "def f():\n    import torch"),
        (out_of_their_room, "reports/sly.py", "import matplotlib"),
        (printing, "training/sly.py", "print(1)"),
        (printing, "training/sly.py", "from rich.console import Console"),
        (printing, "training/sly.py", "sys.stdout.write('')"),
        (unseeded_randomness, "nn/sly.py", "np.random.normal()"),
        (unseeded_randomness, "nn/sly.py", "import random"),
        (swallowed_failures, "nn/sly.py", "try:\n    f()\nexcept Exception:\n    g()"),
        (swallowed_failures, "nn/sly.py", "try:\n    f()\nexcept KeyError:\n    pass"),
        (swallowed_failures, "nn/sly.py", "with contextlib.suppress(Exception):\n    f()"),
        (more_than_fits_into_a_head, "nn/sly.py", "\n" * 351),
        (dishonest_name, "nn/utils.py", ""),
    ],
)
def test_a_file_that_breaks_a_rule_is_found(offence, path, text, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "npnn_cli")
    file = tmp_path / "npnn_cli" / path
    file.parent.mkdir(parents=True)
    file.write_text(text)

    assert offence(file)


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    program = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import npnn_cli", {"numpy", "matplotlib", "torch", "pydantic", "typer", "rich", "yaml"}),
        ("import npnn_cli.nn", {"matplotlib", "torch", "pydantic", "typer", "rich", "yaml"}),
        ("import npnn_cli.optim", {"matplotlib", "torch", "pydantic", "typer", "rich", "yaml"}),
        ("from npnn_cli import Tensor, no_grad, DataLoader, EarlyStopping", {"matplotlib", "torch"}),
        ("import npnn_cli.commands.app", {"matplotlib", "torch"}),
        ("import npnn_cli.reports.curves, npnn_cli.proofs.differentiation", {"matplotlib", "torch"}),
    ],
)
def test_an_import_loads_no_more_than_it_needs(statement, absent):
    assert modules_after(statement) & absent == set()


def test_the_front_door_offers_what_it_says():
    assert all(getattr(npnn_cli, name) is not None for name in npnn_cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'tensor'"):
        _ = npnn_cli.tensor
