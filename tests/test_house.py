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
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))

# No room imports a later one.
ROOMS = [
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
ENGINE = {"examples", "options", "registry", "autograd", "functional", "nn", "optim"}
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


@every_file
def test_rooms_import_forward_only(file):
    room = room_of(file)
    if room == FRONT_DOOR:
        return
    own = [name.split(".")[1] for name, _ in imports(file) if name.startswith(f"{PACKAGE.name}.")]

    reached_back_into = [other for other in own if other in ROOMS and ROOMS.index(other) > ROOMS.index(room)]
    assert reached_back_into == []


@pytest.mark.parametrize("file", [file for file in FILES if room_of(file) in ENGINE], ids=lambda file: file.stem)
def test_the_engine_needs_only_numpy_and_touches_no_file(file):
    assert foreign(file) <= {"numpy"}
    assert {name.split(".")[1] for name, _ in imports(file) if name.startswith(f"{PACKAGE.name}.")} <= ENGINE
    assert not {name for name in calls(file) if name in {"open", "print", "input", "exec", "eval"}}
    assert not {name for name, _ in imports(file)} & {"pathlib", "os", "io", "logging", "subprocess"}


@every_file
def test_torch_and_matplotlib_are_imported_by_one_room_each_and_inside_functions(file):
    for library, room in (("torch", "torch_reference"), ("matplotlib", "reports")):
        of_library = [
            in_function for name, in_function in imports(file, typing_too=False) if name.split(".")[0] == library
        ]
        assert not of_library or room_of(file) == room
        assert all(of_library)


@every_file
def test_only_commands_print_and_exit(file):
    if room_of(file) == "commands":
        return
    assert not calls(file) & {"print", "exit", "quit", "sys.exit", "os._exit", "input", "SystemExit", "typer.Exit"}
    assert not {name for name, _ in imports(file)} & {"typer", "click", "rich.console", "rich.progress", "rich.live"}
    assert not [name for name in calls(file) if name.startswith(("sys.stdout.write", "sys.stderr.write", "rich.print"))]


@every_file
def test_randomness_comes_from_generators_alone(file):
    attributes = [node for node in ast.walk(tree_of(file)) if isinstance(node, ast.Attribute)]
    of_numpy = {node.attr for node in attributes if ast.unparse(node.value) in {"np.random", "numpy.random"}}

    assert of_numpy <= SEEDED
    assert not {name for name, _ in imports(file)} & {"random", "numpy.random", "secrets"}


@every_file
def test_no_failure_is_swallowed(file):
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            assert again or not {"everything", "Exception", "BaseException"} & set(caught.strip("()").split(", "))
            assert not all(isinstance(statement, ast.Pass) for statement in node.body)
    assert "Exception" not in "".join(name for name in calls(file) if name.endswith("suppress"))


@every_file
def test_a_file_fits_into_a_head(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 350


@every_file
def test_names_are_honest(file):
    assert file.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "base"}


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
