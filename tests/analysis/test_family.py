"""Another place under the same structure: figures against sums done here, and what is refused."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from plansim.analysis.calibration.family import load_family
from plansim.analysis.evaluator import Trajectories, compile_whole
from plansim.analysis.validation.context import assigned
from plansim.analysis.validation.history import family_cases, past_cases
from plansim.engine.simulate import simulate
from plansim.errors import CatalogueError
from plansim.model.comment import load_evidence
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.scenario_file import as_written, read_scenario
from tests.helpers.vensim_text import writer

EQUATIONS = """
pace= 0.1 ~ 1/Year [-9,9] ~ 速度。Of growth. [A: 0–1] |
herd= INTEG(pace*herd, 10) ~ 万t ~ 畜群。Grows. |
milk= herd*yield ~ 万t/Year ~ 奶。Of the herd. |
yield= 2 ~ 1/Year [0,9] ~ 单产。A head. [A: 1–3] |
"""
EVIDENCE = """\
id,quantity,place,year,value,unit,source,confidence,use
E1,milk,there,2005,60,万t,seen,high,context
E2,milk,there,2005,12,万t,seen,high,context
E3,price,there,2005,1.2,Dmnl,seen,high,context
E4,milk,there,2005,much,万t,seen,high,context
E5,milk,there,2005,7,亿kWh,seen,high,context
"""
FAMILY = """\
scenario: there
size: 2
most: 0.1
compare:
  - {id: milk, en: Milk, zh: 奶, of: milk, year: 2005, evidence: [E1, E2], deflator: E3}
"""


@pytest.fixture
def town(tmp_path: Path) -> Model:
    (tmp_path / "evidence.csv").write_text(EVIDENCE, "utf-8")
    (tmp_path / "family.yaml").write_text(FAMILY, "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


def _run(model: Model, **values: float) -> Trajectories:
    return compile_whole(model).run([values], as_written(model).time)


@pytest.mark.parametrize(("most", "holds"), [(0.08, False), (0.09, True)])
def test_a_run_is_held_to_the_deflated_sum(town: Model, most: float, holds: bool) -> None:
    family = load_family(town)
    assert family is not None
    (case,) = family_cases(family.model_copy(update={"most": most}), _run(town))
    assert case["stated"] == pytest.approx(72 / 1.2)
    milk = 2 * 2 * 10 * 1.05**10  # two parts, ten steps of half a year
    assert case["value"] == pytest.approx(milk)
    assert case["error"] == pytest.approx(milk / 60 - 1)
    assert case.holds is holds


def test_a_broken_run_does_not_hold(town: Model) -> None:
    family = load_family(town)
    assert family is not None
    (case,) = family_cases(family, _run(town, pace=math.inf))
    assert not case.holds


PAST = """\
past:
  scenario: once
  windows:
    - {id: rise, en: Rise, zh: 增, of: milk, first: 2004, last: 2006, change: 20, within: 1.5}
    - {id: pace, en: Pace, zh: 速, of: milk, first: 2004, last: 2006, yearly: true, change: 9,
       within: 1}
  variants:
    - {id: shrunk, en: it shrinks, zh: 减, set: {pace: -0.1}, signs: true}
    - {id: still, en: it stands, zh: 停, set: {pace: 0}}
"""


def test_the_past_is_held_to_changes_and_variants_to_their_signs(
    town: Model, tmp_path: Path
) -> None:
    (tmp_path / "family.yaml").write_text(FAMILY + PAST, "utf-8")
    family = load_family(town)
    assert family is not None
    past = family.past
    assert past is not None
    settings = [{}, *(assigned(town, variant.set) for variant in past.variants)]
    runs = compile_whole(town).run(settings, as_written(town).time)
    rise, shrunk, still, pace, *_ = past_cases(past, runs)
    once = 1.05**4  # four steps of half a year
    assert rise["value"] == pytest.approx(100 * (once - 1))
    assert rise.holds is (abs(rise["value"] - 20) <= 1.5)
    assert pace["value"] == pytest.approx(100 * (once**0.5 - 1))
    assert not pace.holds
    assert shrunk["value"] < 0
    assert not shrunk.holds
    assert still.holds


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("size: 2", "past: {scenario: a, windows: []}\nsize: 2", "at least one"),
        ("of: milk", "of: mlik", "5: no variable is called 'mlik'.*did you mean 'milk'"),
        ("[E1, E2]", "[E1, E9]", "5: no row of the evidence is 'E9'"),
        ("[E1, E2]", "[E1, E4]", "5: the row E4 has no number; found much"),
        ("[E1, E2]", "[E1, E5]", "5: the rows have different units"),
        ("[E1, E2]", "[E5]", "5: .*do not measure the same thing"),
        ("[E1, E2]", "[]", "at least one"),
        ("size: 2", "sise: 2", "2: unknown key 'sise'.*'size'"),
        ("most: 0.1", "most: -1", "3: 'most'.*more than 0"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    town: Model, tmp_path: Path, before: str, after: str, said: str
) -> None:
    (tmp_path / "family.yaml").write_text(FAMILY.replace(before, after), "utf-8")
    with pytest.raises(CatalogueError, match=said):
        load_family(town)


def test_without_a_file_there_is_no_family(town: Model, tmp_path: Path) -> None:
    (tmp_path / "family.yaml").unlink()
    assert load_family(town) is None


# --- the shipped one ------------------------------------------------------------------------------


@pytest.mark.long
def test_the_shipped_figures_are_context_and_the_base_year_is_that_of_the_observations(
    root: Path,
) -> None:
    model = load_model()
    family = load_family(model)
    assert family is not None
    rows = {source for figure in family.figures for source in figure.sources}
    evidence = load_evidence(root / "model")
    uses = {(evidence[row].use, int(evidence[row].year)) for row in rows}
    assert uses
    assert all(use == "context" and year > 2005 for use, year in uses)
    with (root / "model" / "observations.csv").open(encoding="utf-8", newline="") as file:
        seen = [row for row in csv.DictReader(file)
                if row["place"] == "Henan" and row["year"] == "2005"]  # fmt: skip

    def observed(quantity: str) -> float:
        return math.fsum(float(row["value"]) for row in seen if row["quantity"] == quantity)

    run = simulate(model, read_scenario(family.scenario, model)).sel(time=2005)
    size = family.size
    assert float(run["GDP"]) * size == pytest.approx(
        observed("value added at current prices"), rel=1e-3
    )
    assert float(run["total energy use"]) * size == pytest.approx(observed("energy use"), rel=5e-3)
    assert float(run["reported investment"]) * size == pytest.approx(
        observed("reported fixed investment"), rel=1e-3
    )
    assert float(run["urbanisation rate"]) == pytest.approx(observed("urbanisation rate"), abs=0.01)


def test_the_province_keeps_every_rate_elasticity_and_trend_of_the_model() -> None:
    model = load_model()
    family = load_family(model)
    assert family is not None
    baseline = read_scenario("baseline", model)
    scenario = read_scenario(family.scenario, model)
    changed = {
        name.partition("[")[0]
        for name, value in scenario.values.items()
        if baseline.values.get(name) != value
    }
    levels = {
        # Levels of the base year that bear no `base` in their name, and one that is a target's.
        "resident share of registered population",
        "seasonal migrants",
        "farm income part",
        "household energy per head",
        "water sources",
        "farmland floor",
        "planting programme",
        "policy emphasis",
        # A work of the city that its plan names.
        "announced landfill",
    }
    assert {name for name in changed if not name.startswith("base ")} == levels
    assert not {"base growth", "base investment growth", "base wage growth"} & changed
