"""Verdicts: what they must be whatever the numbers, and that a sweep is judged as one run is."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from plansim.errors import CatalogueError
from plansim.model.records import Timing
from plansim.targets.indicator import Measure
from plansim.targets.judging import judge_many, percent_of
from plansim.targets.target import Attribute, Basis, Direction, Gap, Kind, Status, Target
from plansim.targets.verdict import Verdict, check_targets
from tests.helpers.plan import target

quickly = settings(deadline=None, max_examples=30)
NUMBERS = st.floats(-1e6, 1e6).map(lambda number: round(number, 3))
YEARS = np.arange(2005, 2021)


def run(
    values: Mapping[str, object], unit: str = "亿元/Year", assumed: tuple[str, ...] = ()
) -> xr.Dataset:
    """One run, saved each half year: a number stays, a mapping says what comes from a year on."""
    time = np.arange(2005, 2021, 0.5)
    arrays = {}
    for name, value in values.items():
        steps = value if isinstance(value, dict) else {2005: value}
        line = [
            next(steps[year] for year in sorted(steps, reverse=True) if t >= year) for t in time
        ]
        arrays[name] = xr.DataArray(
            np.array(line, dtype=float),
            dims="time",
            attrs={"units": unit, "timing": Timing.YEAR.value},
        )
    attrs = {"scenario": "trial", "assumed": json.dumps(assumed)}
    return xr.Dataset(arrays, coords={"time": time}, attrs=attrs)


def verdict(dataset: xr.Dataset, wanted: Target) -> Verdict:
    (found,) = check_targets(dataset, [wanted])
    return found


def judged(output: float, **changes: object) -> Verdict:
    return verdict(run({"out put": output}), target(**changes))


# --- one basis ----------------------------------------------------------------------------------


@quickly
@given(NUMBERS, NUMBERS, st.sampled_from(list(Direction)), st.floats(0.1, 1e3))
def test_the_sign_of_the_margin_is_the_status(
    value: float, wanted: float, direction: Direction, tolerance: float
) -> None:
    within = tolerance if direction is Direction.ABOUT else None
    found = judged(value, value=wanted, direction=direction, tolerance=within)
    margin = found.margin
    assert margin is not None
    assert found.status is (Status.MET if margin >= 0 else Status.MISSED)
    distance = {
        Direction.AT_LEAST: value - wanted,
        Direction.AT_MOST: wanted - value,
        Direction.ABOUT: tolerance - abs(value - wanted),
    }[direction]
    assert margin == pytest.approx(distance, abs=1e-9 * abs(wanted))
    if wanted:
        assert found.margin_pct == pytest.approx(margin / abs(wanted) * 100)
    else:
        assert found.margin_pct is None
    assert (found.value, found.target, found.unit) == (value, wanted, "亿元")


def test_a_value_that_misses_by_rounding_alone_meets() -> None:
    share = run({"out put": 0.55 * (1 + 1e-15)}, unit="Dmnl")
    cap = target(unit="%", value=55, direction=Direction.AT_MOST)
    assert (verdict(share, cap).margin, verdict(share, cap).status) == (0, Status.MET)
    less = run({"out put": 0.55 * (1 + 1e-6)}, unit="Dmnl")
    assert verdict(less, cap).status is Status.MISSED


@pytest.mark.parametrize(
    ("kind", "unit", "wanted", "expected"),
    [
        (Measure.LEVEL, "亿元/Year", "亿元", 200),
        (Measure.LEVEL, "亿元/(万人*Year)", "元/人", 2_000_000),
        (Measure.SUM, "亿元/Year", "亿元", 1000),
        (Measure.MEAN, "1/Year", "‰", 200_000),
        (Measure.GROWTH, "亿元/Year", "%/Year", (2 ** (1 / 5) - 1) * 100),
        (Measure.REDUCTION, "tce/万元", "%", -100),
    ],
)
def test_a_measure_is_given_in_the_unit_of_the_target(
    kind: Measure, unit: str, wanted: str, expected: float
) -> None:
    dataset = run({"out put": {2005: 100, 2006: 200}}, unit=unit)
    found = verdict(dataset, target(measure=kind, unit=wanted))
    assert found.value == pytest.approx(expected)


# --- several bases ------------------------------------------------------------------------------


@quickly
@given(NUMBERS, NUMBERS, NUMBERS)
def test_undecided_means_that_the_bases_disagree(
    first: float, second: float, wanted: float
) -> None:
    dataset = run({"first": first, "second": second})
    bases = {Basis.CONSTANT: "first", Basis.CURRENT: "second"}
    one, two = (verdict(dataset, target(variables={None: name}, value=wanted)) for name in dataset)
    found = verdict(dataset, target(variables=bases, value=wanted))
    assert found.status is (one.status if one.status is two.status else Status.UNDECIDED)
    assert dict(found.bases) == {"constant": first, "current": second}
    assert (found.value, found.margin, one.bases) == (one.value, one.margin, {})


# --- assumed, untestable ------------------------------------------------------------------------


def test_an_assumed_target_is_never_met() -> None:
    dataset = run({"out put": 120}, assumed=("G1",))
    assert (verdict(dataset, target()).status, judged(120).status) == (Status.ASSUMED, Status.MET)
    assert verdict(dataset, target()).value == 120


@pytest.mark.parametrize(
    ("changes", "gap", "year"),
    [
        ({"variables": MappingProxyType({})}, Gap.NOT_MODELLED, None),
        ({"value": None, "direction": None}, Gap.NOT_MODELLED, None),
        ({"year": 2021}, Gap.NO_YEAR, 2021),
        ({"measure": Measure.SUM, "since": 2002}, Gap.NO_YEAR, 2003),
        (
            {"measure": Measure.GROWTH, "unit": "%", "variables": {None: "debt"}},
            Gap.NO_NUMBER,
            None,
        ),
    ],
)
def test_what_nothing_answers_is_untestable_and_says_why(
    changes: dict[str, object], gap: Gap, year: int | None
) -> None:
    found = verdict(run({"out put": 120, "debt": -1}), target(**changes))
    assert (found.status, found.gap, found.gap_year) == (Status.UNTESTABLE, gap, year)
    assert judged(120).gap is None
    assert (found.value, found.margin, found.margin_pct, found.first_breach) == (None,) * 4


def test_a_number_that_is_none_is_no_verdict_and_figures_of_the_past_are_not_judged() -> None:
    bases = {Basis.CONSTANT: "fine", Basis.CURRENT: "broken"}
    for number in (math.nan, math.inf):
        found = verdict(run({"fine": 120, "broken": number}), target(variables=bases))
        assert (found.status, found.value) == (Status.UNTESTABLE, 120)
    rows = [target(kind=kind, id=kind.value) for kind in Kind]
    assert [verdict.id for verdict in check_targets(run({"out put": 1}), rows)] == ["target"]


# --- until when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ({2005: 120}, None),
        ({2005: 0}, 2010),
        ({2005: 0, 2010: 120}, None),
        ({2005: 120, 2011: 99, 2012: 120}, 2011),
        ({2005: 120, 2020: 99}, 2020),
        ({2005: 0, 2010: 120, 2017: 0}, 2017),
    ],
)
def test_the_first_breach_is_from_the_year_of_the_target_on(
    steps: dict[float, float], expected: int | None
) -> None:
    dataset = run({"out put": steps})
    assert verdict(dataset, target()).first_breach == expected
    mirrored = run({"out put": {year: -value for year, value in steps.items()}})
    cap = target(value=-100, direction=Direction.AT_MOST)
    assert verdict(mirrored, cap).first_breach == expected


def test_only_binding_caps_and_floors_are_followed_to_the_horizon_or_the_end_of_the_run() -> None:
    dataset = run({"out put": {2005: 120, 2018: 0}})
    for changes, first in (
        ({"horizon": 2018}, 2018),
        ({"horizon": 2017}, None),
        ({"attribute": Attribute.EXPECTED}, None),
        ({"direction": Direction.ABOUT, "tolerance": 1.0}, None),
    ):
        assert verdict(dataset, target(**changes)).first_breach == first
    assert verdict(dataset.sel(time=slice(2005, 2017.5)), target()).first_breach is None


def test_a_mean_is_followed_over_as_many_years_and_a_reduction_from_its_base() -> None:
    # 1 until 2010, 7 after: the mean of five years passes 4 when three of them are high.
    dataset = run({"out put": {2005: 1, 2011: 7}}, unit="Dmnl")
    cap = target(measure=Measure.MEAN, unit="Dmnl", value=4, direction=Direction.AT_MOST)
    assert (verdict(dataset, cap).value, verdict(dataset, cap).first_breach) == (1, 2013)
    # A fall of half since 2005 stays one, though nothing falls any more.
    fall = verdict(
        run({"out put": {2005: 10, 2008: 5}}), target(measure=Measure.REDUCTION, unit="%", value=50)
    )
    assert (fall.value, fall.first_breach) == (50, None)


# --- many runs ----------------------------------------------------------------------------------


def many(runs: int = 40) -> xr.Dataset:
    random = np.random.default_rng(11)
    arrays = {
        name: (("run", "year"), random.normal(100, 20, (runs, len(YEARS))), {"units": "亿元/Year"})
        for name in ("first", "second")
    }
    dataset = xr.Dataset(arrays, coords={"year": YEARS, "run": np.arange(runs)})
    dataset["first"][3, 5] = math.nan  # in 2010
    return dataset


@pytest.mark.parametrize("kind", list(Measure))
@pytest.mark.parametrize("direction", list(Direction))
def test_a_sweep_is_judged_as_each_of_its_runs(kind: Measure, direction: Direction) -> None:
    units = {Measure.GROWTH: ("%/Year", 0.0), Measure.REDUCTION: ("%", 0.0)}
    unit, limit = units.get(kind, ("亿元", 500.0 if kind is Measure.SUM else 100.0))
    wanted = target(
        variables={Basis.CONSTANT: "first", Basis.CURRENT: "second"},
        measure=kind,
        direction=direction,
        tolerance=3.0 if direction is Direction.ABOUT else None,
        unit=unit,
        value=limit,
    )
    dataset = many()
    ((_, found),) = judge_many(dataset.assign_attrs(scenario="trial"), [wanted])
    numbers = {"value": found.value, "margin": found.margin, "first_breach": found.first_breach}
    numbers["margin_pct"] = percent_of(found.margin, wanted)
    for run in range(dataset.sizes["run"]):
        alone = verdict(dataset.isel(run=run), wanted)
        assert found.status_of(run) is alone.status
        for name, over_runs in numbers.items():
            number = float(over_runs[run])
            # Powers of an array may differ from those of a number in the last bit.
            expected = pytest.approx(number, rel=1e-12) if math.isfinite(number) else None
            assert getattr(alone, name) == expected
        for basis, values in found.bases.items():
            assert alone.bases[basis] == pytest.approx(float(values[run]), nan_ok=True)
    seen = {Status.of(code) for code in found.status}
    assert Status.UNTESTABLE in seen
    assert len(seen) >= 3
    with pytest.raises(ValueError, match=r"more than one run \(run\): select one of them"):
        check_targets(dataset, [wanted])


# --- what a run lacks ---------------------------------------------------------------------------


def test_all_variables_that_a_run_lacks_come_at_once() -> None:
    wanted = [
        target(id="G1", variables={None: "out putt"}, line=3),
        target(id="G2", variables={None: "out put[farming]"}, line=4),
        target(id="G3", unit="万人", line=5),
        target(id="G4"),
    ]
    with pytest.raises(CatalogueError) as caught:
        check_targets(run({"out put": 1}), wanted)
    assert str(caught.value).splitlines() == [
        "targets.yaml:3: the run has no variable 'out putt' to judge G1 by; "
        "did you mean 'out put'?",
        "targets.yaml:4: 'out put[farming]' is not one series of the run; expected out put; "
        "found out put[farming]",
        "targets.yaml:5: the level of 'out put' does not have the unit of G3; "
        "expected a unit that converts to 万人; found 亿元/Year",
    ]
