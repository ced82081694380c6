"""Loop scores: closed forms of logistic growth, paths through arrays, and the shipped model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import plansim.engine.simlin as simlin_module
from plansim.analysis.feedback.loop_scores import LoopScores, partitions_of, path_score, score_loops
from plansim.analysis.feedback.loops import LoopLink, Polarity, load_loops
from plansim.engine.compiled import run_compiled
from plansim.engine.simlin import LinkScores, link_scores
from plansim.errors import SimulationError
from plansim.model.records import Model
from plansim.scenario.scenario_file import as_written, read_scenario
from tests.toys.logistic import CAPACITY, EQUATIONS, LOOPS, STEP, crossing, logistic, stock_at


def scored(model: Model) -> LoopScores:
    found = score_loops(model)
    assert found.missing is None
    return found


def test_scores_of_logistic_growth_are_those_of_the_closed_form(tmp_path: Path) -> None:
    found = scored(logistic(tmp_path))
    assert found.time == pytest.approx(2000 + STEP * np.arange(1, 321))
    # Births change by g·Δx, deaths by g·Δ(x²)/K = g·Δx·(x + x before)/K.
    both = np.array([stock_at(time) + stock_at(time - STEP) for time in found.time])
    assert -found.scores["R"] / found.scores["B"] == pytest.approx(CAPACITY / both, rel=1e-6)
    assert found.relative["R"] == pytest.approx(CAPACITY / (CAPACITY + both), rel=1e-6)
    assert found.relative["B"] == pytest.approx(-both / (CAPACITY + both), rel=1e-6)
    # Crowding dominates from half of the capacity on. A score is of the step that ends at its time.
    ratios = found.relative["R"] / -found.relative["B"]
    at = crossing((found.time - STEP / 2).tolist(), ratios.tolist())
    assert stock_at(round(at / STEP) * STEP) == pytest.approx(CAPACITY / 2, rel=0.01)
    # TIME is the middle of a year: the run begins in the middle of 2000 and ends in that of 2020.
    assert found.years == tuple(range(2001, 2020))
    shift = found.years_led("B")[0]
    assert shift - 1 <= at <= shift
    assert found.years_led("R") + found.years_led("B") == found.years
    inside = (found.time > 2004.5 + STEP / 2) & (found.time < 2005.5 + STEP / 2)
    assert found.yearly["R"][4] == pytest.approx(found.relative["R"][inside].mean())
    frame = found.frame()
    assert len(frame) == 2 * len(found.years)
    assert frame.set_index(["loop", "year"])["share"]["B", 2010] == found.yearly["B"][9]


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


@pytest.fixture
def sectors(tmp_path: Path) -> Model:
    return logistic(tmp_path, SECTORS + EQUATIONS, LOOPS + SECTOR_LOOP)


def test_a_path_through_arrays_is_the_sum_of_the_ways_through_their_elements(
    sectors: Model,
) -> None:
    loop = load_loops(sectors)[-1]
    run, _ = run_compiled(sectors, as_written(sectors))
    links = link_scores(sectors, as_written(sectors), run)
    ways = {
        element: links.scores[f"part[{element}]", "whole"]
        * links.scores["whole", f"gain[{element}]"]
        * links.scores[f"gain[{element}]", f"part[{element}]"]
        for element in "ab"
    }
    assert path_score(sectors, loop.paths[0], links) == pytest.approx(ways["a"] + ways["b"])
    # A quarter of the whole's change is the first part's, three quarters the second's.
    assert links.scores["part[a]", "whole"] == pytest.approx(0.25)
    one = [LoopLink(name, "", 1, True) for name in ("part[a]", "whole", "gain[a]")]
    assert path_score(sectors, one, links) == pytest.approx(ways["a"])
    assert not path_score(sectors, loop.paths[0], LinkScores(links.time, {})).any()


def test_loops_that_cannot_be_reached_from_each_other_are_not_compared(sectors: Model) -> None:
    assert partitions_of(sectors, load_loops(sectors)) == (("R", "B"), ("S",))
    found = scored(sectors)
    assert found.relative["S"] == pytest.approx(1)
    assert np.abs(found.relative["R"]) + np.abs(found.relative["B"]) == pytest.approx(1)
    assert found.years_led("S") == found.years


def test_every_loop_of_the_city_has_its_declared_polarity_at_all_times(city: Model) -> None:
    """By an engine that shares no code of ours, and from what the links do, not from signs."""
    loops = load_loops(city)
    found = score_loops(city, read_scenario("baseline", city), loops)
    assert found.missing is None
    web = tuple(loop.id for loop in loops if loop.id != "B8")
    assert found.partitions == (web, ("B8",))  # nothing answers to emission but effort
    for loop in loops:
        sign = 1 if loop.polarity is Polarity.REINFORCING else -1
        assert (found.scores[loop.id] * sign).min() >= 0, loop.id
    total = np.sum([np.abs(found.relative[id_]) for id_ in web], axis=0)
    assert total == pytest.approx(1)
    asleep = [loop.id for loop in loops if not found.scores[loop.id].any()]
    assert asleep == []


def test_without_pysimlin_there_are_no_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simlin_module, "has_simlin", lambda: False)
    model = logistic(tmp_path)
    found = score_loops(model)
    assert str(found.missing).startswith("pysimlin is not installed; pip install 'plansim[loops]'")
    assert (found.years, dict(found.relative), found.years_led("R")) == ((), {}, ())


@pytest.mark.parametrize(
    ("equation", "why"),
    [
        # pysimlin 0.8.5 rounds to the next lower whole number, Vensim and we towards nil.
        ("INTEGER(-births)", "pysimlin computes another run: 'seen' differs by 2.5e-03"),
        ("FORECAST(births, 2, 3)", "pysimlin cannot compute the model: "),
    ],
)
def test_scores_of_another_run_than_ours_are_not_believed(
    tmp_path: Path, equation: str, why: str
) -> None:
    extra = f"seen= {equation} ~ 1/Year ~ 所见。Of births. |\n"
    model = logistic(tmp_path, extra + EQUATIONS)
    found = score_loops(model)
    assert str(found.missing).startswith(why)


@pytest.mark.parametrize(("shift", "agrees"), [(0.9e-6, True), (1.1e-6, False)])
def test_a_run_may_differ_by_a_millionth(tmp_path: Path, shift: float, agrees: bool) -> None:
    model = logistic(tmp_path)
    scenario = as_written(model)
    run, _ = run_compiled(model, scenario)
    series = dict(run.series)
    series["births"] = series["births"] + shift * series["births"].max()
    moved = replace(run, series=series)
    if agrees:
        assert link_scores(model, scenario, moved).scores
    else:
        with pytest.raises(SimulationError, match=r"'births' differs by 1\.1e-06"):
            link_scores(model, scenario, moved)
