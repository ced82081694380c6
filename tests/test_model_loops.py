"""Q01 and Q14: the declared feedback loops stand in the equations, and a cut shows in the runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from plansim.errors import FaultLog
from plansim.model.expression import (
    NAME,
    Role,
    name_key,
    read_expression,
    read_subscripts,
)
from plansim.model.records import Model, VariableKind
from plansim.model.scan import scan_text
from plansim.model.scenario import Scenario
from plansim.plan.targets import Attribute, Kind, Target, load_targets, split_reference
from tests.pysimlin_engine import (
    Equation,
    FastEngine,
    FloatArray,
    Run,
    assigned,
    shipped_yaml,
)

Loop = dict[str, Any]

LOOPS: list[Loop] = shipped_yaml("loops.yaml")["loops"]
EACH_LOOP = pytest.mark.parametrize("loop", LOOPS, ids=[loop["id"] for loop in LOOPS])
OF_THE_DESIGN = [*(f"R{i}" for i in range(1, 7)), *(f"B{i}" for i in range(1, 10))]

MOVES = 0.01
"""A cut that shifts no binding indicator by more than this part shows a weak loop."""
HORIZON = 2020
NUDGE = 1e-4
"""By what part of itself a cause is raised to see the sign of a link."""
NUDGE_TIMES = (2006.0, 2008.5, 2012.5, 2017.0)


@dataclass(frozen=True)
class Link:
    """A direct link of a path, with its declared sign."""

    cause: str
    effect: str
    sign: int

    @property
    def names(self) -> tuple[str, str]:
        """Give the two variables, without elements."""
        return split_reference(self.cause)[0], split_reference(self.effect)[0]


def paths(loop: Loop) -> Iterator[list[Link]]:
    for path in loop["paths"]:
        names = [*path, next(iter(path))]
        yield [Link(cause, effect, path[cause]) for cause, effect in pairwise(names)]


def links(loop: Loop) -> Iterator[Link]:
    return (link for path in paths(loop) for link in path)


# --- Q01: what is declared stands in the equations ------------------------------------------------


def test_every_loop_of_the_design_is_declared() -> None:
    assert [loop["id"] for loop in LOOPS] == OF_THE_DESIGN


@EACH_LOOP
def test_a_loop_has_names_a_meaning_a_switch_and_its_polarity(loop: Loop, city: Model) -> None:
    for chinese in (loop["zh"], loop["meaning"]["zh"]):
        assert re.search(r"[一-鿿]", chinese)
    assert len(loop["meaning"]["en"].split()) > 5
    switch = city.variables[loop["switch"]]
    assert (switch.kind, switch.value, switch.admissible) == (VariableKind.CONSTANT, 1.0, (0, 1))
    wanted = {"reinforcing": 1, "balancing": -1}[loop["polarity"]]
    assert loop["id"][0] == {1: "R", -1: "B"}[wanted]
    for path in paths(loop):
        assert math.prod(link.sign for link in path) == wanted, f"signs from {path[0].cause} on"


@EACH_LOOP
def test_the_links_of_a_loop_stand_in_the_equations(loop: Loop, city: Model) -> None:
    missing = []
    for link in links(loop):
        cause, effect = (city.variables[name] for name in link.names)
        if cause.name not in set(effect.causes) - set(effect.initial_causes):
            missing.append(link)
    assert not missing


@EACH_LOOP
def test_a_path_runs_through_a_stock_and_through_what_its_switch_freezes(
    loop: Loop, city: Model
) -> None:
    felt = [
        {
            reference.name
            for reference in read_expression(text, 0, len(text)).references
            if loop["switch"] in getattr(city.variables.get(reference.name), "causes", ())
        }
        for text in loop["felt"]
    ]
    assert all(felt), "the switch does not act on what it is said to freeze"
    for path in paths(loop):
        names = {link.names[0] for link in path}
        assert any(names & each for each in felt)
        assert any(
            "INTEG" in city.variables[name].equation or "SMOOTHI" in city.variables[name].equation
            for name in names
        )


# The sign of a link is measured. In a variant of the model each cause of a declared link carries a
# knob: the effect alone sees the cause raised, from a given time on. What the effect does at that
# time, or if it is a stock one step later, is the partial derivative, whatever else hangs on it.

KNOBS = {
    names: f"knob {number}"
    for number, names in enumerate(
        dict.fromkeys(link.names for loop in LOOPS for link in links(loop))
    )
}


@pytest.fixture(scope="module")
def knobbed(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    """The model with its knobs, all at rest."""
    scan = scan_text(city.text, FaultLog(city.path))
    places = [
        (reference.offset, _end(city.text, reference.offset), knob)
        for (cause, effect), knob in KNOBS.items()
        for equation in scan.equations[name_key(effect)]
        for reference in equation.expression.references
        if name_key(reference.name) == name_key(cause) and reference.role is not Role.INITIAL
    ]
    text = city.text
    for start, end, knob in sorted(places, reverse=True):
        cause = text[start:end].rstrip()
        raised = f"({cause} + STEP({knob}, knob time)*(ABS({cause}) + {knob} least))"
        text = text[:start] + raised + text[end:]
    constants = ["knob time", *KNOBS.values(), *(f"{knob} least" for knob in KNOBS.values())]
    added = tuple(Equation(name, "0") for name in constants)
    return FastEngine(city, tmp_path_factory.mktemp("knobs"), added, text)


def _end(text: str, start: int) -> int:
    """Give where a name ends that starts at ``start``, with its subscripts."""
    match = re.compile(NAME).match(text, start)
    assert match is not None
    if text.startswith("[", match.end()):
        return read_subscripts(text, match.end(), len(text))[1]
    return match.end()


@EACH_LOOP
def test_each_link_has_its_sign_and_all_are_at_work_at_once(
    loop: Loop, city: Model, stories: Mapping[str, Scenario], knobbed: FastEngine
) -> None:
    alive = loop.get("alive", {})
    story = stories[alive.get("scenario", "baseline")]
    settings = assigned(city, alive.get("set", {}))
    clock = replace(story.time, saveper=story.time.step)
    plain = knobbed.run(story, settings, clock)
    for path in paths(loop):
        signs = {
            when: [_answer(knobbed, plain, link, when, settings) for link in path]
            for when in NUDGE_TIMES
        }
        wrong = [
            (link, when, found)
            for when, row in signs.items()
            for link, found in zip(path, row, strict=True)
            if not found <= {link.sign}
        ]
        assert not wrong, "signs other than declared"
        idle = {
            when: [link for link, found in zip(path, row, strict=True) if not found]
            for when, row in signs.items()
        }
        assert not all(idle.values()), f"links that are not at work, at each time: {idle}"


def _answer(
    engine: FastEngine, plain: Run, link: Link, when: float, settings: Mapping[str, float]
) -> set[int]:
    """Give the signs in which the elements of an effect answer when its cause is raised."""
    knob = KNOBS[link.names]
    least = 0.01 * np.abs(plain.series(link.names[0])).max()
    knobs = {"knob time": when, knob: NUDGE, f"{knob} least": float(least)}
    clock = replace(plain.scenario.time, saveper=plain.scenario.time.step, final=when + 0.5)
    raised = engine.run(plain.scenario, {**settings, **knobs}, clock)
    before, after = (_part(run, link.effect) for run in (plain, raised))
    here = int(np.argmin(np.abs(plain.time - when)))
    for place in (here, here + 1):
        change = after[place] - before[place]
        moved = np.abs(change) > 1e-11 * np.abs(before).max()
        if moved.any():
            return set(np.sign(change[moved]).astype(int).tolist())
    return set()


def _part(run: Run, reference: str) -> FloatArray:
    """Give a variable, ``(time, *elements)``, of those elements that the reference names."""
    name, chosen = split_reference(reference)
    values = run.series(name)
    ranges = run.engine.model.subscripts
    subscripts = run.engine.model.variables[name].subscripts
    for axis, (subscript, wanted) in enumerate(zip(subscripts, chosen, strict=False), start=1):
        elements = ranges[subscript].elements
        kept = ranges[wanted].elements if wanted in ranges else (wanted,)
        values = values.take([elements.index(each) for each in kept], axis=axis)
    return values


# --- Q14: what a cut does -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engine(city: Model, tmp_path_factory: pytest.TempPathFactory) -> FastEngine:
    """The model, with what each switch freezes computed beside it."""
    felt = tuple(
        _felt(city, f"felt {loop['id']} {place}", text)
        for loop in LOOPS
        for place, text in enumerate(loop["felt"])
    )
    return FastEngine(city, tmp_path_factory.mktemp("cuts"), felt)


def _felt(model: Model, name: str, text: str) -> Equation:
    variable = model.variables.get(text)
    if variable is None or not variable.subscripts:
        return Equation(name, text)
    return Equation(name, f"{text}[{','.join(variable.subscripts)}]", variable.subscripts)


@pytest.fixture(scope="module")
def whole(engine: FastEngine, stories: Mapping[str, Scenario]) -> Mapping[str, Run]:
    """Every scenario with all loops, by its id."""
    return {name: engine.run(story) for name, story in stories.items()}


@pytest.fixture(scope="module")
def cut(engine: FastEngine, stories: Mapping[str, Scenario]) -> Mapping[tuple[str, str], Run]:
    """Every scenario without each loop, by the ids of the two."""
    return {
        (name, loop["id"]): engine.run(story, {loop["switch"]: 0.0})
        for name, story in stories.items()
        for loop in LOOPS
    }


@pytest.fixture(scope="module")
def binding() -> tuple[Target, ...]:
    """The binding targets of the plan."""
    return tuple(
        target
        for target in load_targets()
        if target.kind is Kind.TARGET and target.attribute is Attribute.BINDING
    )


@EACH_LOOP
def test_a_cut_freezes_what_is_felt_at_its_initial_value(
    loop: Loop, whole: Mapping[str, Run], cut: Mapping[tuple[str, str], Run]
) -> None:
    off = {}
    for place, text in enumerate(loop["felt"]):
        for name, run in whole.items():
            start = run.series(f"felt {loop['id']} {place}")[0]
            frozen = cut[name, loop["id"]].series(f"felt {loop['id']} {place}")
            if not np.allclose(frozen, start, rtol=1e-6, atol=1e-9):
                last = frozen[-1]
                off[name, text] = f"{start} is frozen at {frozen[0]}, and ends at {last}"
    assert not off


@EACH_LOOP
def test_the_model_runs_on_without_a_loop(
    loop: Loop, city: Model, cut: Mapping[tuple[str, str], Run]
) -> None:
    stocks = [each.name for each in city.variables.values() if each.kind is VariableKind.STOCK]
    broken = {
        (scenario, stock): f"from {run.time[int(np.argmin(_finite(values)))]:g} on"
        for (scenario, cut_loop), run in cut.items()
        if cut_loop == loop["id"]
        for stock in stocks
        if not _finite(values := run.series(stock)).all()
    }
    assert not broken


def _finite(values: FloatArray) -> NDArray[np.bool_]:
    """Say at which times all elements are numbers: ``(time,)``."""
    return np.array([np.isfinite(each).all() for each in values])


@EACH_LOOP
def test_a_loop_shifts_a_binding_indicator_or_is_listed_as_weak(
    loop: Loop,
    whole: Mapping[str, Run],
    cut: Mapping[tuple[str, str], Run],
    binding: tuple[Target, ...],
) -> None:
    """A shift counts against the larger of the indicator's own value and its base-year value."""
    shifts = {
        (name, target): shift
        for name, run in whole.items()
        for target, shift in _shifts(run, cut[name, loop["id"]], binding)
        if math.isfinite(shift)
    }
    place = max(shifts, key=lambda each: shifts[each])
    strongest = f"at most {shifts[place]:.2%}, of {place[1]} in {place[0]}"
    if "weak" in loop:
        assert shifts[place] <= MOVES, f"listed as weak, and is not: {strongest}"
        assert re.search(r"[一-鿿]", loop["weak"]["zh"])
        assert len(loop["weak"]["en"].split()) > 5
    else:
        assert shifts[place] > MOVES, f"weak, and not listed: {strongest}"


def _shifts(whole: Run, cut: Run, targets: tuple[Target, ...]) -> Iterator[tuple[str, float]]:
    """Give the largest shift of each indicator up to the horizon, as a part of its size."""
    for target in targets:
        for reference in target.variables.values():
            before, after = whole.annual(reference), cut.annual(reference)
            base = abs(before[min(before)])
            yield (
                target.id,
                max(
                    abs(after[year] - value) / max(abs(value), base, 1e-12)
                    for year, value in before.items()
                    if year <= HORIZON
                ),
            )
