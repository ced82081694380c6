"""History matching on a pond whose plausible values are known in closed form."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from scipy.stats import binomtest, kstest, norm

import plansim
from plansim.analysis.calibration.conditioning import read_conditioning
from plansim.analysis.calibration.diagnostics import diagnose, forecast_held_out
from plansim.analysis.calibration.history_matching import condition, implausibility, screened
from plansim.analysis.validation.context import ValidationContext
from plansim.analysis.validation.result import ValidationOutcome
from plansim.analysis.validation.uncertainty import held_out
from plansim.errors import DesignError, InputError
from plansim.model.records import Model
from plansim.scenario.members import EnsembleKind
from plansim.scenario.members_file import write_members
from plansim.scenario.scenario_file import read_scenario
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model

# From 1995 on the pond holds 10*part + rate*(t - 1995), and the gauge shows that and its offset.
_EQUATIONS = """
rate= 1 ~ 亿m3/Year [-5,5] ~ 速率。What flows in. [A: 0–2] |
offset= 0 ~ 亿m3 [-9,9] ~ 偏移。Of the gauge. [A: -1–1] |
idle= 1 ~ Dmnl [0,3] ~ 闲置。Nothing depends on it. [A: 0.5–1.5] |
switch= 0 ~ Dmnl [0,1] ~ 开关。Between two gauges. [A: 0–1] |
part at start= 1 ~ Dmnl [0,2] ~ 起点比例。Of the pond. |
pond= INTEG(rate, 10.0*part at start) ~ 亿m3 ~ 池塘。Holds water. |
gauge= pond + offset + 5*switch + 0*idle ~ 亿m3 ~ 水位计。Shows the water. |
"""
_TARGETS = plan(
    aim("S1", "at least: 19.5, year: 2009", "pond", unit="亿m3"),
    aim("S2", "at least: 20, year: 2009", "gauge", unit="亿m3"),
    horizon=2010,
)
_HISTORY = """\
place: Pond
series:
  - {id: water, en: Water, zh: 水量, of: pond, unit: 亿m3, points: [
      {year: 1995, observation: [water, ""]}, {year: 1997, observation: [water, ""]},
      {year: 2000, observation: [water, ""]}, {year: 2003, observation: [water, ""]}]}
  - {id: gap, en: Gap, zh: 差额, of: gauge - pond, unit: 亿m3, points: [
      {year: 2000, observation: [gap, ""]}]}
  - {id: guess, en: Guess, zh: 猜测, of: pond, unit: 亿m3, points: [
      {year: 2000, observation: [guess, ""]}]}
"""
_OBSERVED = """\
place,quantity,part,year,value,unit,source
Pond,water,,1995,10,亿m3,E9
Pond,water,,1997,12,亿m3,books
Pond,water,,2000,15,亿m3,books
Pond,water,,2003,18,亿m3,books
Pond,gap,,2000,0.4,亿m3,books
Pond,guess,,2000,1,亿m3,assumption
"""
_SPEC = """\
members: 400
seed: 5
draws: 16384
matched: 2
factors:
  rate:
  offset:
  idle:
runs:
  - scenario: past.yaml
    observations:
      - {series: water, years: [2000], error: 0.3, discrepancy: 0.4}
      - {series: gap, error: 0.2}
"""
_CHECKS = (
    "scenarios: {baseline: past, history: past}\nyears: [2010]\nmain table: {rows: S1}\nsize: 9\n"
)
_SEAM = """\
most: 0.1
by element: 0.3
least: 1
known: 1
items: [{of: pond, mark: observed, source: E9}]
"""


def pond(folder: Path, *changes: tuple[str, str], spec: str = _SPEC) -> Model:
    """Write the pond with a changed specification, and read it."""
    for old, new in changes:
        assert old in spec, old
        spec = spec.replace(old, new)
    past = "title: Past\nvalues: {INITIAL TIME: 1995, FINAL TIME: 2000.5}\n"
    texts = {"targets": _TARGETS, "history": _HISTORY, "conditioning": spec, "past": past}
    (folder / "observations.csv").write_text(_OBSERVED, "utf-8")
    return small_model(folder, _EQUATIONS, **texts)


SWITCHED = ("  idle:\n", "  idle:\n  switch: {discrete: {values: [0, 1]}}\nstructures: [switch]\n")
OWN = (
    "    observations:\n",
    "    factors: {start: {constants: part at start, apply: multiply, uniform: [0.9, 1.1]}}\n"
    "    observations:\n",
)


# --- acceptance -----------------------------------------------------------------------------------


def test_members_are_even_over_what_the_observations_leave(tmp_path: Path) -> None:
    """|10 + 5 rate - 15| is at most 3 times 0.5, and |offset - 0.4| at most 3 times 0.2."""
    model = pond(tmp_path)
    made = condition(model)
    rate, offset, idle = made.members.values.T  # changes of 1, 0 and 1
    assert kstest(rate, "uniform", (0.7, 0.6)).pvalue > 1e-3
    assert kstest(offset, "uniform", (-0.2, 1.2)).pvalue > 1e-3
    assert kstest(idle, "uniform", (0.5, 1)).pvalue > 1e-3
    assert np.abs(5 * rate - 5).max() <= 3 * 0.5
    assert np.abs(offset - 0.4).max() <= 3 * 0.2
    first, last = made.waves
    assert binomtest(first.accepted, first.draws, 0.3 * 0.6).pvalue > 1e-3
    assert set(made.matched) == {"rate", "offset"}
    # The box is a twentieth wider on each side, but for the end of the prior.
    assert last.volume == pytest.approx(0.33 * 0.63, rel=0.01)
    assert binomtest(last.accepted, last.draws, 0.18 / last.volume).pvalue > 1e-3
    assert made.members.head.kind is EnsembleKind.CONDITIONED
    assert made.members.head.draws == last.draws
    again = plansim.draw_prior(model, 400)
    assert np.array_equal(again.values, made.prior.values)
    assert again.head.drawn.endswith("3 factors of conditioning.yaml")


def test_what_the_file_holds_is_accepted_and_what_is_accepted_follows_the_rule(
    tmp_path: Path,
) -> None:
    model = pond(tmp_path, SWITCHED)
    made = condition(model)
    path = model.path.with_name("ensemble.csv")
    write_members(made.members, model, path)
    members = plansim.load_ensemble(model)
    assert np.array_equal(members.values, made.members.values)
    past = read_scenario(tmp_path / "past.yaml", model)
    runs = plansim.simulate(model, past, ensemble=members).isel(scenario=0).sel(time=2000)
    pond_, gauge = runs["pond"].to_numpy(), runs["gauge"].to_numpy()
    simulated = np.stack([pond_, gauge - pond_], axis=1)
    np.testing.assert_allclose(simulated, made.simulated, rtol=1e-12)
    distances = implausibility(simulated, made.spec.observations)
    assert distances.max() <= 3
    np.testing.assert_allclose(distances[:, 0], np.abs(pond_ - 15) / 0.5, atol=1e-12)
    assert distances.max(axis=0).min() > 2.9, "the rule leaves nothing out that it need not"
    prior = implausibility(made.prior_simulated, made.spec.observations)
    assert int((prior <= 3).all(axis=1).sum()) == made.waves[0].accepted


def test_a_rerun_gives_the_same_file_and_other_seeds_the_same_distribution(tmp_path: Path) -> None:
    model = pond(tmp_path)
    texts = set()
    for threads in (1, 2):
        path = tmp_path / f"{threads}.csv"
        write_members(condition(model, threads=threads).members, model, path)
        texts.add(path.read_text("utf-8"))
    assert len(texts) == 1
    fresh = plansim.draw_members(model, 300, seed=77)
    assert len(fresh) == 300
    assert fresh.head.draws == 16384
    assert not set(map(bytes, fresh.values)) & set(map(bytes, condition(model).members.values))
    assert kstest(fresh.values[:, 0], "uniform", (0.7, 0.6)).pvalue > 1e-3
    many = plansim.draw_members(model, 20_000, seed=77)
    assert many.head.draws == 2 * 16384, "the last wave goes on until there are enough"
    assert np.array_equal(many.values[:300], fresh.values)


def test_what_is_unknown_of_the_run_alone_widens_what_is_plausible(tmp_path: Path) -> None:
    """|10 part + 5 rate - 15| is at most 1.5 with a part between 0.9 and 1.1."""
    made = condition(pond(tmp_path, OWN))
    rate = made.members.values[:, 0]
    assert rate.min() < 0.65 < 1.35 < rate.max()
    assert 0.5 <= rate.min() <= rate.max() <= 1.5
    part = made.points[:, 3]
    assert np.abs(10 * part + 5 * rate - 15).max() <= 1.5 + 1e-9
    (first,), second = diagnose(pond(tmp_path, OWN), made).pairs, made.factors[3].name
    assert {first.first.name, first.second.name} == {"rate", second}
    assert first.correlation < -0.3


def test_a_factor_that_says_nothing_of_the_past_stays_as_it_was(tmp_path: Path) -> None:
    model = pond(tmp_path, ("    observations:\n", "    without: rate\n    observations:\n"))
    rate = condition(model).members.values[:, 0]
    assert kstest(rate, "uniform", (0, 2)).pvalue > 1e-3


def test_factors_are_screened_by_the_statistic_of_kolmogorov_and_smirnov() -> None:
    shares = np.random.default_rng(3).random((20, 200))
    distances = [kstest(column, "uniform").statistic for column in shares.T]
    assert screened(shares, 50).tolist() == np.argsort(distances)[::-1][:50].tolist()


def test_runs_of_the_past_are_read_as_their_series_say(tmp_path: Path) -> None:
    """In their unit, at the end of a year or as growth; few draws fit, and they are found."""
    model = pond(
        tmp_path,
        ("{series: gap, error: 0.2}", "{series: gap, error: 0.2}\n"
         "      - {series: late, error: 5000}\n      - {series: pace, error: 0.4}"),
        ("error: 0.3, discrepancy: 0.4", "error: 0.03, discrepancy: 0.04"), *[OWN],
    )  # fmt: skip
    path = tmp_path / "history.yaml"
    path.write_text(
        path.read_text("utf-8")
        + "  - {id: late, en: L, zh: 甲, of: pond, unit: 万m3, scale: 0.0001, end_of_year: true,"
        ' points: [{year: 2000, observation: [late, ""]}]}\n'
        "  - {id: pace, en: P, zh: 乙, of: pond, unit: '%', scale: 0.01, points: [\n"
        '      {year: 2000, since: 1997, observation: [pace, ""]}]}\n',
        "utf-8",
    )
    with (tmp_path / "observations.csv").open("a", encoding="utf-8") as table:
        table.write("Pond,late,,2000,155000,万m3,books\nPond,pace,,2000,7.72,%,books\n")
    made = condition(model)
    (rate, offset, _), first = made.members.values.T, 10 * made.points[:, 3]
    pace = 100 * (((first + 5 * rate) / (first + 2 * rate)) ** (1 / 3) - 1)
    by_hand = [first + 5 * rate, offset, 1e4 * (first + 5.5 * rate), pace]
    np.testing.assert_allclose(made.simulated, np.stack(by_hand, axis=1), rtol=1e-9, atol=1e-9)
    wave, last = made.waves
    assert wave.accepted < 500, "the box is around the 500 that are least implausible"
    assert last.volume < 0.2
    assert (last.broken, made.matched[0]) == (0, "rate")
    beyond = np.abs(made.prior_simulated - [15, 0.4, 155000, 7.72]) / [0.05, 0.2, 5000, 0.4] > 3
    for column, one in enumerate(diagnose(model, made).observations):
        alone = beyond[:, column] & (beyond.sum(axis=1) == 1)
        assert (one.rejects, one.alone) == (beyond[:, column].mean(), alone.mean())


# --- diagnostics ----------------------------------------------------------------------------------


def test_each_structure_has_the_share_of_its_own_members(tmp_path: Path) -> None:
    wide = ("gap, error: 0.2", "gap, error: 2"), ("matched: 2", "matched: 1")
    model = pond(tmp_path, SWITCHED, *wide)
    made = condition(model)
    (tmp_path / "now.yaml").write_text("title: Now\n", "utf-8")
    told = diagnose(model, made, [read_scenario(tmp_path / "now.yaml", model)])
    rate, offset, _, switch = made.points.T
    met = {"S1": 10 + 9.5 * rate >= 19.5, "S2": 10 + 9 * rate + offset + 5 * switch >= 20}
    assert 0.1 < switch.mean() < 0.9
    for one in told.targets:
        holds = met[one.target.id]
        assert one.conditioned == pytest.approx(holds.mean(), abs=0.005)  # members are rounded
        parts = [holds[switch == value].mean() for value in (0, 1)]
        assert one.structures == pytest.approx(parts, abs=0.01)


def test_diagnostics_say_what_conditioning_did(tmp_path: Path) -> None:
    model = pond(tmp_path, SWITCHED)
    made = condition(model)
    (tmp_path / "now.yaml").write_text("title: Now\n", "utf-8")
    told = diagnose(model, made, [read_scenario(tmp_path / "now.yaml", model)])
    water, gap = told.observations
    assert water.rejects == pytest.approx(0.7, abs=0.02)
    assert gap.rejects == pytest.approx(0.7, abs=0.02)  # half by the switch
    assert water.alone == pytest.approx(0.7 * 0.3, abs=0.02)
    assert water.prior == pytest.approx([10.5, 15, 19.5], abs=0.2)
    assert water.conditioned == pytest.approx([13.65, 15, 16.35], abs=0.2)
    assert 0 <= water.least < 0.01
    widths = {one.factor.name: one for one in told.factors}
    assert widths["rate"].width == pytest.approx(0.3, abs=0.02)
    assert widths["offset"].width == pytest.approx(0.6, abs=0.03)
    assert widths["offset"].middle == pytest.approx(0.7, abs=0.02)
    assert widths["idle"].width == pytest.approx(1, abs=0.03)
    assert [(one.value, one.prior) for one in told.structures] == [(0, 0.5), (1, 0.5)]
    assert [one.conditioned for one in told.structures] == [1, 0]
    shifts = {one.target.id: one for one in told.targets}
    # 10 + 9.5 rate is at least 19.5 where the rate is 1 or more: half before and after.
    assert not shifts["S1"].moved
    assert shifts["S1"].conditioned == pytest.approx(0.5, abs=0.08)
    assert shifts["S2"].moved
    assert shifts["S2"].structures[0] == shifts["S2"].conditioned
    assert np.isnan(shifts["S2"].structures[1])


def test_errors_are_parts_of_figures_and_what_is_no_number_is_never_plausible(
    tmp_path: Path,
) -> None:
    relative = "gap, relative error: 0.5, relative discrepancy: 0.375"
    model = pond(tmp_path, ("gap, error: 0.2", relative))
    path, scaled = tmp_path / "history.yaml", "of: gauge - pond, unit: 万m3, scale: 0.0001"
    text = path.read_text("utf-8").replace("of: gauge - pond, unit: 亿m3", scaled)
    path.write_text(text, "utf-8")
    water, gap = read_conditioning(model).observations
    assert (water.deviation, gap.deviation) == pytest.approx((0.5, 0.25))  # 3:4:5 of 0.05
    assert gap.factor == pytest.approx(10_000)
    found = implausibility(np.array([[15.5, 0.4], [np.nan, 1.4], [np.inf, 0.9]]), [water, gap])
    expected = np.array([[1.0, 0.0], [np.inf, 4.0], [np.inf, 2.0]])
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_a_forecast_is_a_mixture_of_normal_distributions_about_the_members(tmp_path: Path) -> None:
    model = pond(tmp_path, ("years: [2000]", "years: [1997, 2000]"), ("  idle:\n", ""))
    spec = read_conditioning(model)
    _, (water, _) = forecast_held_out(model, spec, 2000)  # that year is not fitted
    conditioned = condition(model, replace(spec, until=1998))
    column = [one.id for one in spec.observations].index("water 2000")
    after, before = conditioned.simulated[:, column], conditioned.prior_simulated[:, column]
    assert water.position == pytest.approx(norm(after, 0.5).cdf(15).mean())
    assert water.score == pytest.approx(math.log(norm(after, 0.5).pdf(15).mean()))
    assert water.prior_score == pytest.approx(math.log(norm(before, 0.5).pdf(15).mean()))
    assert water.band == pytest.approx(np.quantile(after, [0.05, 0.5, 0.95]))


def test_figures_that_are_held_out_are_forecast_or_the_test_fails(tmp_path: Path) -> None:
    spec = ("years: [2000]", "years: [1997, 2000]"), ("matched: 2", "hold out from: 1998")
    model = pond(tmp_path, *spec)
    _, (water, gap) = forecast_held_out(model, read_conditioning(model), 1998)
    assert water.observation.year == 2000
    assert water.score > water.prior_score
    assert gap.score == pytest.approx(gap.prior_score, abs=0.1), "nothing before says of it"
    context = cast("ValidationContext", SimpleNamespace(model=model))
    made = held_out(context)
    assert made.status is ValidationOutcome.PASS
    assert made.figures["inside"] == made.figures["forecasts"] == 2
    assert (made.figures["year"], made.figures["fitted"]) == (1998, 1)
    gains = [one.score - one.prior_score for one in (water, gap)]
    assert made.figures["gain"] == pytest.approx(np.mean(gains))
    assert made.figures["error"] == pytest.approx(np.std(gains, ddof=1) / math.sqrt(2))
    observed = _OBSERVED.replace("1997,12", "1997,11").replace("2000,0.4", "2000,1.9")
    (tmp_path / "observations.csv").write_text(observed, "utf-8")
    made = held_out(context)
    assert made.status is ValidationOutcome.FAIL
    assert [fault.message for fault in made.faults] == ["forecast_band", "forecast_score"]
    pond(tmp_path, *spec, ("gap, error: 0.2", "gap, error: 0.2, stated: true"))
    assert held_out(context).figures["forecasts"] == 1
    (tmp_path / "conditioning.yaml").unlink()
    assert held_out(context).status is ValidationOutcome.NOT_APPLICABLE


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[2000], error", "[2003], error",
         r"conditioning\.yaml:12: an observation is of the past: water 2003; "
         "expected a year up to 2000"),
        ("series: gap", "series: gab",
         r":13: no observed series is called 'gab'; did you mean 'gap'"),
        ("series: gap", "series: guess", r":13: an assumption is not an observation: guess 2000"),
        ("gap, error: 0.2}", "gap}", r":13: an observation has one error"),
        ("series: gap, error: 0.2", "series: water, years: [2000], error: 1",
         r":13: 'water 2000' is given twice"),
        ("  idle:\n", "  idel:\n", r":8: .*'idel'"),
        ("matched: 2", "structures: [rate]", r":4: 'rate' is not a switch; expected a discrete"),
        ("matched: 2", "hold out from: 2000", r":4: no figures to fit, or none to forecast"),
        ("    observations:\n", "    factors: {rate: }\n    observations:\n",
         r":11: .*'rate'.*"),
    ],
)  # fmt: skip
def test_what_is_at_fault_is_named_with_its_line(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DesignError, match=message):
        condition(pond(tmp_path, (old, new)))


@pytest.mark.parametrize("source", ["E9", "T1"])
def test_a_figure_that_set_a_start_is_no_observation(source: str, tmp_path: Path) -> None:
    """Named as its source, or read off a stock that starts where it was observed."""
    model = pond(tmp_path, ("years: [2000]", "years: [1995, 2000]"))
    (tmp_path / "checks.yaml").write_text(_CHECKS, "utf-8")
    (tmp_path / "seam.yaml").write_text(_SEAM.replace("E9", source), "utf-8")
    with pytest.raises(DesignError, match=r":12: a figure that sets a start is not an observation: "
                       r"water 1995; expected .* the start of 'pond'"):  # fmt: skip
        read_conditioning(model)
    (tmp_path / "seam.yaml").write_text(
        _SEAM.replace("E9", "T1").replace("observed", "inventory"), "utf-8"
    )
    assert len(read_conditioning(model).observations) == 3


def test_the_observation_that_empties_a_wave_is_named(tmp_path: Path) -> None:
    near = ("years: [2000], error: 0.3, discrepancy: 0.4", "years: [1997], error: 0.01")
    far = pond(tmp_path, near, ("  rate:\n", "  rate: [1.5, 2]\n"))
    asked = r"expected 11\.97 to 12\.03 亿m3; found 13 to 14 亿m3"
    with pytest.raises(InputError, match=f"only 0 of .*'water 1997' rejects most; {asked}"):
        condition(far)
    scarce = pond(tmp_path, ("error: 0.3, discrepancy: 0.4", "error: 0.001"))
    few = r"only \d+ of \d+ draws are accepted; 'water 2000' rejects most; expected 15 to 15 亿m3"
    with pytest.raises(InputError, match=few):
        condition(scarce, members=5000)
    twice = "years: [2000], error: 0.3}\n      - {series: same, error: 0.3}"
    double = pond(tmp_path, ("years: [2000], error: 0.3, discrepancy: 0.4}", twice), OWN,
                  ("matched: 2", "matched: 1"))  # fmt: skip
    path = tmp_path / "history.yaml"
    again = path.read_text("utf-8").replace("id: guess", "id: same").replace("[guess,", "[water,")
    path.write_text(again, "utf-8")
    with pytest.raises(InputError, match=r"'gap 2000' rejects most; expected -0\.2 to 1 亿m3"):
        condition(double, members=100_000)  # without one of two that are the same none is gained
    coarse = pond(
        tmp_path,
        ("  rate:\n  offset:\n  idle:\n", "  rate: {discrete: {values: [0.9, 1, 1.1]}}\n"),
        ("      - {series: gap, error: 0.2}\n", ""),
    )
    with pytest.raises(InputError, match="too few values for 400 members"):
        condition(coarse)
