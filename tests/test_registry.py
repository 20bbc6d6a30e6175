"""The registry: names, options, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import pytest

from npnn_cli.examples import classes, constant, distinct, example, nonzero, normal, positive, uniform
from npnn_cli.options import Component, Written, option_parameters, takes_rng
from npnn_cli.registry import Kind, Slot, UnknownNameError, did_you_mean, slots


class Brush(Component):
    injected = frozenset({"canvas"})

    def __init__(self, canvas, width: int, colour: str = "red", *, rng: np.random.Generator | None = None) -> None:
        self.canvas = canvas


class Pencil(Component):
    pass


tools, inks = Kind("tool"), Kind("ink")


@inks.register(example())
def black(page, /, depth: float = 1.0, *, rng: np.random.Generator):
    return ("black", page, depth, rng)


@tools.register(example())
class Pen(Component):
    injected = frozenset({"canvas"})

    def __init__(self, canvas, ink: Annotated[Written, inks] = "black", *, rng=None) -> None:
        self.canvas, self.drop = canvas, inks.build(ink, "page", rng=rng)


@tools.register(example())
class Case(Component):
    injected = frozenset({"canvas"})

    def __init__(
        self,
        canvas,
        *parts: Annotated[Component, tools],
        best: Annotated[Component, tools] | None = None,  # keyword-only: given by the program
    ) -> None:
        self.canvas, self.parts = canvas, parts


@tools.register(example())
class Set(Component):
    injected = frozenset({"canvas"})

    def __init__(
        self,
        canvas,
        parts: Sequence[Annotated[Component, tools]] | None,
        best: Annotated[Component, tools] | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        self.canvas, self.parts, self.best = canvas, parts, best


@pytest.fixture
def kind():
    kind = Kind("tool")
    kind.register(example(width=3), alias="Paintbrush")(Brush)
    kind.register(example(), example(normal(2)))(Pencil)
    return kind


class TestKind:
    def test_gives_components_by_name_and_alias(self, kind):
        assert kind["Brush"].component is Brush
        assert kind["Paintbrush"] is kind["Brush"]
        assert [entry.name for entry in kind.values()] == list(kind) == ["Brush", "Pencil"]
        assert len(kind) == 2
        assert "Paintbrush" in kind
        assert "Chisel" not in kind
        assert len(kind["Pencil"].examples) == 2

    def test_registering_gives_the_component_back(self):
        assert Kind("tool").register(example())(Pencil) is Pencil

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("Brsh", "unknown tool 'Brsh': did you mean 'Brush'?"),
            ("paintbrush", "did you mean 'Paintbrush'?"),
            ("Zzz", "unknown tool 'Zzz'; known are Brush, Pencil"),
        ],
    )
    def test_answers_an_unknown_name_with_the_nearest(self, kind, name, hint):
        with pytest.raises(UnknownNameError) as error:
            kind[name]
        assert hint in str(error.value)

    def test_refuses_what_has_no_example(self):
        with pytest.raises(ValueError, match="tool Pencil is registered without an example"):
            Kind("tool").register()(Pencil)

    @pytest.mark.parametrize("alias", [None, "Eraser"])
    def test_refuses_a_name_that_is_taken(self, kind, alias):
        with pytest.raises(ValueError, match="a tool named Pencil is registered already"):
            kind.register(example(), alias=alias)(type("Pencil", (Component,), {}))
        assert kind["Pencil"].component is Pencil

    @pytest.mark.parametrize("alias", ["Pencil", "Paintbrush"])
    def test_refuses_an_alias_that_is_taken(self, kind, alias):
        with pytest.raises(ValueError, match=f"named {alias} is registered already"):
            kind.register(example(), alias=alias)(type("Crayon", (Component,), {}))
        assert "Crayon" not in kind

    def test_refuses_a_name_that_is_an_alias(self, kind):
        with pytest.raises(ValueError, match="named Paintbrush is registered already"):
            kind.register(example())(type("Paintbrush", (Component,), {}))


class TestComponent:
    @pytest.mark.parametrize(
        ("arguments", "named", "options"),
        [
            (("c", 3), {}, {"width": 3, "colour": "red"}),
            (("c",), {"width": 3, "colour": "blue"}, {"width": 3, "colour": "blue"}),
            (("c", 3, "green"), {"rng": None}, {"width": 3, "colour": "green"}),
        ],
    )
    def test_remembers_its_options_defaults_included(self, arguments, named, options):
        assert Brush(*arguments, **named).options == options

    def test_without_a_constructor_has_no_options(self):
        assert Pencil().options == {}

    def test_options_are_the_constructors_parameters_that_a_spec_may_set(self):
        parameters = option_parameters(Brush)

        assert list(parameters) == ["width", "colour"]
        assert parameters["width"].annotation is int
        assert parameters["colour"].default == "red"
        assert takes_rng(Brush)
        assert not takes_rng(Pencil)

    @pytest.mark.parametrize(
        ("arguments", "named", "message"),
        [
            (("c", 3), {"size": 4}, "Brush: .*'size'"),
            (("c", 3, "red", 5), {}, "Brush: too many positional"),
            (("c", 3), {"width": 4}, "Brush: multiple values for argument 'width'"),
            (("c",), {}, "width"),
        ],
    )
    def test_a_wrong_call_is_named(self, arguments, named, message):
        with pytest.raises(TypeError, match=message):
            Brush(*arguments, **named)

    @pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda brush: pickle.loads(pickle.dumps(brush))])
    def test_a_copy_has_the_same_options(self, duplicate):
        twin = duplicate(Brush("c", 3, colour="blue"))

        assert twin.options == {"width": 3, "colour": "blue"}
        assert twin.canvas == "c"

    def test_options_are_the_subclass_constructors_own(self):
        class WideBrush(Brush):
            def __init__(self, canvas, bristles: int = 100) -> None:
                super().__init__(canvas, 50)

        assert WideBrush("c").options == {"bristles": 100}


class TestComponentsInside:
    def test_an_annotation_says_which_options_hold_components(self):
        assert slots(Pen) == {"ink": Slot(inks, many=False, as_written=True)}
        assert slots(Case) == {"parts": Slot(tools, many=True, as_written=False)}
        assert slots(Set) == {
            "parts": Slot(tools, many=True, as_written=False),
            "best": Slot(tools, many=False, as_written=False),
        }
        assert slots(Brush) == slots(Pencil) == slots(black) == {}

    def test_the_options_of_a_function_are_its_parameters_by_name(self):
        assert list(option_parameters(black)) == ["depth"]
        assert takes_rng(black)

    def test_what_is_written_is_built_at_all_depths(self):
        rng = np.random.default_rng(0)
        written = {
            "type": "Set",
            "parts": ["Pen", {"type": "Case", "parts": ["Pen", {"type": "Pen", "ink": {"type": "black", "depth": 2}}]}],
            "best": {"type": "Pen"},
        }

        built = tools.build(written, "canvas", rng=rng)

        pen, case = built.parts
        assert [type(part) for part in (built, pen, case, *case.parts, built.best)] == [Set, Pen, Case, Pen, Pen, Pen]
        assert {tool.canvas for tool in (built, pen, case, *case.parts, built.best)} == {"canvas"}
        assert case.parts[1].drop == ("black", "page", 2, rng)
        assert case.options == {"parts": tuple(case.parts)}

    def test_what_is_built_already_stays(self):
        pen = Pen("canvas", rng=np.random.default_rng(0))
        built = tools["Set"].build("canvas", parts=[pen, "Case"], best=pen)

        assert built.parts[0] is built.best is pen
        assert built.parts[1].parts == ()
        assert tools["Set"].build("canvas", parts=None).parts is None

    @pytest.mark.parametrize("written", [{"ink": "black"}, {"type": 3}, 7, None])
    def test_what_names_nothing_is_refused(self, written):
        with pytest.raises(ValueError, match=r"tool: expected a name or \{type: Name, option: value\}, got"):
            tools.build(written)

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        with pytest.raises(UnknownNameError, match="unknown tool 'Pne': did you mean 'Pen'"):
            tools["Set"].build("canvas", parts=["Pne"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("linear", ": did you mean 'Linear'?"),
        ("LINAER", ": did you mean 'Linear'?"),
        ("Conv2D", ": did you mean 'Conv2d'?"),
        ("qqq", ""),
    ],
)
def test_did_you_mean(name, hint):
    assert did_you_mean(name, ["Linear", "Conv2d"]) == hint


class TestExamples:
    @pytest.mark.parametrize(
        ("draw", "holds"),
        [
            (uniform(-1, 3, 50, 4), lambda x: (x >= -1) & (x < 3)),
            (positive(50, 4), lambda x: (x >= 0.5) & (x < 2)),
            (nonzero(50, 4), lambda x: (np.abs(x) >= 0.1) & (np.abs(x) < 2)),
            (constant(2.5, 50, 4), lambda x: x == 2.5),
            (classes(3, 50, 4), lambda x: np.isin(x, [0, 1, 2])),
            (normal(50, 4), np.isfinite),
        ],
    )
    def test_draws_stay_in_their_domain_and_follow_the_generator(self, draw, holds):
        drawn = draw(np.random.default_rng(0))

        assert drawn.shape == (50, 4)
        assert holds(drawn).all()
        assert np.array_equal(drawn, draw(np.random.default_rng(0)))

    @pytest.mark.parametrize(
        "draw", [normal(), uniform(0, 1), positive(), nonzero(), constant(1.0), classes(3), distinct()]
    )
    def test_a_single_number_is_an_array(self, draw):
        assert type(draw(np.random.default_rng(0))) is np.ndarray
        assert draw(np.random.default_rng(0)).shape == ()

    @pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 4)])
    def test_distinct_numbers_are_apart_from_one_another_and_from_zero(self, shape):
        drawn = distinct(*shape)(np.random.default_rng(0))

        assert np.diff(np.sort([*drawn.ravel(), 0.0])).min() >= 0.05 - 1e-12

    def test_nonzero_numbers_have_either_sign(self):
        assert set(np.sign(nonzero(50)(np.random.default_rng(0)))) == {-1, 1}

    def test_an_example_holds_inputs_and_options(self):
        draw = normal(3)
        assert example(draw, dim=1).inputs == (draw,)
        assert example(draw, dim=1).options == {"dim": 1}
