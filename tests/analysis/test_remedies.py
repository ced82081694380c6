"""A remedy just meets its target; a lever that is moved less does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from plansim.analysis.optimization.problem import Move
from plansim.analysis.optimization.remedies import TargetRemedies, seek_remedies
from plansim.analysis.optimization.target_seeking import solve
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.scenario.scenario_file import Scenario, read_scenario
from plansim.targets.target import Attribute, Status, Target, judged_targets
from plansim.targets.verdict import check_targets
from plansim.targets.views_file import load_views


def binding(
    city: Model, scenario: Scenario, targets: tuple[Target, ...], status: Status
) -> list[Target]:
    """Return the binding targets with a status under a scenario."""
    verdicts = {each.id: each for each in check_targets(simulate(city, scenario), targets)}
    return [
        target
        for target in targets
        if target.attribute is Attribute.BINDING and verdicts[target.id].status is status
    ]


@pytest.fixture(scope="module")
def failing(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...]
) -> list[Target]:
    return binding(city, stories["baseline"], targets, Status.MISSED)


@pytest.fixture(scope="module")
def kept(city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...]) -> list[Target]:
    return binding(city, stories["baseline"], targets, Status.MET)


@pytest.fixture(scope="module")
def remedies(
    city: Model,
    stories: Mapping[str, Scenario],
    targets: tuple[Target, ...],
    failing: list[Target],
) -> tuple[TargetRemedies, ...]:
    levers = [each for each in load_views(city, targets).levers if not each.outside]
    return seek_remedies(city, stories["baseline"], levers, failing, judged_targets(targets))


def moved(model: Model, scenario: Scenario, moves: tuple[Move, ...], part: float) -> Scenario:
    """Give the scenario with a part of the moves made, by the scenario's own values."""
    values = dict(scenario.values)
    for move in moves:
        size = move.present + part * (move.value - move.present)
        for constant in move.lever.constants:
            name, _, element = constant.removesuffix("]").partition("[")
            own = model.variables[name].value
            old = values.get(constant, own[element] if isinstance(own, Mapping) else own)
            assert old is not None
            match move.lever.apply:
                case Apply.SET:
                    values[constant] = size
                case Apply.ADD:
                    values[constant] = old + size
                case Apply.MULTIPLY:
                    values[constant] = old * size
    return replace(scenario, values=values)


def test_every_failing_target_is_answered(
    remedies: tuple[TargetRemedies, ...], failing: list[Target]
) -> None:
    assert [each.target for each in remedies] == failing
    for each in remedies:
        assert each.margin < 0
        assert sum([bool(each.alone), each.together is not None, each.nearest is not None]) == 1
        for remedy in each.alone:
            assert remedy.margin >= 0
        for earlier, later in zip(each.alone, each.alone[1:], strict=False):
            first, second = ((bool(e.lost), e.moves[0].effort) for e in (earlier, later))
            assert first <= second


def test_a_remedy_meets_its_target_in_a_run_of_its_own_and_less_does_not(
    city: Model,
    stories: Mapping[str, Scenario],
    targets: tuple[Target, ...],
    remedies: tuple[TargetRemedies, ...],
) -> None:
    base = {e.id: e.status for e in check_targets(simulate(city, stories["baseline"]), targets)}
    tried = 0
    for one in remedies:
        remedy = one.alone[0] if one.alone else one.together
        if remedy is None:
            continue
        tried += 1
        full = moved(city, stories["baseline"], remedy.moves, 1 + 1e-9)
        found = {e.id: e.status for e in check_targets(simulate(city, full), targets)}
        assert found[one.target.id] is Status.MET
        assert set(remedy.lost) == {
            key for key, status in base.items()
            if status is Status.MET and found[key] is not Status.MET
        }  # fmt: skip
        less = moved(city, stories["baseline"], remedy.moves, 0.97)
        verdicts = check_targets(simulate(city, less), targets)
        status = next(e.status for e in verdicts if e.id == one.target.id)
        assert status is not Status.MET
    assert tried


def test_a_single_lever_agrees_with_solve(
    city: Model,
    stories: Mapping[str, Scenario],
    targets: tuple[Target, ...],
    remedies: tuple[TargetRemedies, ...],
) -> None:
    scenario = stories["baseline"]
    remedy, target = next(
        (remedy, one.target)
        for one in remedies
        for remedy in one.alone
        if remedy.moves[0].lever.apply is Apply.SET and "from year" not in remedy.moves[0].lever.id
    )
    move = remedy.moves[0]
    found = solve(city, scenario, [move.lever.constants[0]], [target])
    assert found.values is not None
    # The two look over grids of different fineness, but close in on the same place.
    assert found.values[0] == pytest.approx(move.value, rel=1e-6)


def test_outside_levers_are_known_and_nothing_is_said_without_levers(
    city: Model, stories: Mapping[str, Scenario], targets: tuple[Target, ...], failing: list[Target]
) -> None:
    views = load_views(city, targets)
    assert any(each.outside for each in views.levers)
    assert not all(each.outside for each in views.levers)
    (found,) = seek_remedies(city, stories["baseline"], [], failing[:1])
    assert (found.alone, found.together, found.nearest) == ((), None, None)
    assert seek_remedies(city, read_scenario("baseline", city), list(views.levers), []) == ()
