"""Loop scores: closed forms of logistic growth, ways through arrays, and the shipped model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plansim.analysis.feedback.loop_scores as module
from plansim.analysis.feedback.loop_scores import (
    partitions_of,
    score_loops,
    score_loops_if_installed,
    way_round,
)
from plansim.analysis.feedback.loops import Link, Polarity, load_loops
from plansim.compiler.lower import cells_of
from plansim.engine.simlin import LinkScores, link_scores
from plansim.model.records import Model
from plansim.scenario.reader import as_written, read_scenario
from tests.toys.logistic import CAPACITY, EQUATIONS, LOOPS, crossing, logistic, stock_at


def test_scores_of_logistic_growth_are_those_of_the_closed_form(tmp_path: Path) -> None:
    model = logistic(tmp_path)
    links = link_scores(model, as_written(model), 0.25)
    growth, crowding = (way_round(model, each.paths[0], links) for each in load_loops(model))
    # Births change by g·Δx, deaths by g·Δ(x²)/K = g·Δx·(x + x before)/K.
    both = [stock_at(time) + stock_at(time - 0.0625) for time in links.time]
    assert -growth / crowding == pytest.approx(CAPACITY / np.array(both), rel=1e-6)


def test_dominance_shifts_from_growth_to_crowding_at_half_capacity(tmp_path: Path) -> None:
    model = logistic(tmp_path)
    (partition,) = score_loops(model, as_written(model), load_loops(model)).partitions
    ratios = [each.parts["R"] / -each.parts["B"] for each in partition.years]
    at = crossing([each.year + 0.5 for each in partition.years], ratios)
    assert stock_at(round(at * 16) / 16) == pytest.approx(CAPACITY / 2, rel=0.05)
    assert partition.phases[0].leaders == ("R",)
    assert partition.phases[-1].leaders == ("B",)
    for year in partition.years:
        assert year.total == pytest.approx(1)


SECTORS = """
sector: a, b ~ ~ 部门。甲、乙 |
part[sector]= INTEG(gain[sector], 1) ~ Dmnl ~ 部分。Grows. |
gain[sector]= pace[sector]*whole ~ 1/Year ~ 增。By the whole. |
pace[sector]= 0.1, 0.3 ~ 1/Year [0,1] ~ 速度。Of each. [A: 0–1] |
whole= SUM(part[sector!]) ~ Dmnl ~ 整体。Of parts. |
switch S= 1 ~ Dmnl [0,1] ~ 开关。For the file. [A: 0–1] |
"""
SECTOR_LOOP = """\
- id: S
  en: Sectors
  zh: 部门
  polarity: reinforcing
  switch: switch S
  felt: [whole]
  meaning: {en: Parts make a whole., zh: 部分构成整体。}
  paths:
  - {part: 1, whole: 1, gain: 1}
"""


def test_a_way_through_arrays_is_the_sum_of_the_ways_through_their_elements(
    tmp_path: Path,
) -> None:
    model = logistic(tmp_path, SECTORS + EQUATIONS, LOOPS + SECTOR_LOOP)
    loop = load_loops(model)[-1]
    links = link_scores(model, as_written(model), 0.25)
    by_hand = sum(
        links.scores[f"part[{each}]", "whole"]
        * links.scores["whole", f"gain[{each}]"]
        * links.scores[f"gain[{each}]", f"part[{each}]"]
        for each in "ab"
    )
    assert way_round(model, loop.paths[0], links) == pytest.approx(by_hand)
    # A quarter of the whole's change is the first part's, three quarters the second's.
    assert links.scores["part[a]", "whole"] == pytest.approx(0.25)
    # One element alone, and a link that nobody scored.
    one = [Link(f"{each}[a]" if each != "whole" else each, "", 1, True) for each in
           ("part", "whole", "gain")]  # fmt: skip
    assert way_round(model, one, links) == pytest.approx(by_hand * 0 + _way(links, "a"))
    empty = LinkScores(links.time, {})
    assert not way_round(model, loop.paths[0], empty).any()


def _way(links: LinkScores, element: str) -> np.ndarray:
    return (
        links.scores[f"part[{element}]", "whole"]
        * links.scores["whole", f"gain[{element}]"]
        * links.scores[f"gain[{element}]", f"part[{element}]"]
    )


def test_loops_that_cannot_be_reached_from_each_other_are_not_compared(tmp_path: Path) -> None:
    model = logistic(tmp_path, SECTORS + EQUATIONS, LOOPS + SECTOR_LOOP)
    loops = load_loops(model)
    assert partitions_of(model, loops) == (("R", "B"), ("S",))
    found = score_loops(model, as_written(model), loops).partitions[1]
    assert {each.parts["S"] for each in found.years} == {1.0}


def test_every_loop_of_the_city_has_its_declared_polarity_at_all_times(city: Model) -> None:
    """By an engine that shares no code of ours, and from what the links do, not from signs."""
    loops = load_loops(city)
    assert partitions_of(city, loops) == (tuple(each.id for each in loops),)
    links = link_scores(city, read_scenario("baseline", city), 0.5)
    for loop in loops:
        sign = 1 if loop.polarity is Polarity.REINFORCING else -1
        for path in loop.paths:
            for link in path:
                pairs = [
                    (cause, effect)
                    for cause in module._cells(city, link.cause)
                    for effect in module._cells(city, link.effect)
                ]
                assert any(pair in links.scores for pair in pairs), link
            score = way_round(city, path, links) * sign
            assert score.min() >= 0, loop.id


def test_the_model_without_arrays_is_the_model(city: Model, tmp_path: Path) -> None:
    import simlin

    from plansim.compiler.scalars import without_arrays
    from plansim.engine.simulate import simulate

    scenario = read_scenario("accelerated-growth", city)
    plain = without_arrays(city, scenario.values, scenario.time)
    path = tmp_path / "plain.mdl"
    path.write_text(plain.text, "utf-8")
    simulation = simlin.load(path).simulate()
    simulation.run_to_end()
    run = simulate(city, scenario)
    moving = [name for name in run.data_vars if "time" in run[name].dims]
    assert len(moving) > 400
    for name in moving:
        whole = run[name].to_numpy().reshape(run.sizes["time"], -1)
        for place, label in enumerate(cells_of(city, city.variables[str(name)])):
            found = simulation.get_series(plain.names[label])
            assert found == pytest.approx(whole[:, place], rel=1e-6, abs=1e-9), label


def test_without_pysimlin_there_are_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "has_simlin", lambda: False)
    model = logistic(tmp_path)
    assert score_loops_if_installed(model, as_written(model), load_loops(model)) is None
