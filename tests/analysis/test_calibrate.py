"""Calibration against closed formulas and known truths; what is no data is refused where it is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from plansim.analysis.calibration.calibrate import Calibration, calibrate, overlay_text
from plansim.analysis.calibration.calibration_file import read_calibration
from plansim.analysis.calibration.identifiability import identifiability
from plansim.analysis.calibration.least_squares import fit, profile
from plansim.engine.simulate import simulate
from plansim.errors import DesignError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.scenario_file import read_scenario
from tests.helpers.command import Call
from tests.helpers.vensim_text import writer

EQUATIONS = """
level= 2 ~ Dmnl [-10,20] ~ 水平。A. [A: 0–5] |
slope= 0.3 ~ 1/Year [-5,5] ~ 斜率。B. [A: 0–1] |
twin= 0 ~ 1/Year [-5,5] ~ 孪生。Acts where the slope does. [A: -0.5–0.5] |
idle= 1 ~ Dmnl [0,5] ~ 闲置。Acts on nothing. [A: 0–2] |
other= 3 ~ Dmnl [0,9] ~ 另一。No evidence. [D: as it is] |
start= 1.0 ~ Dmnl [0.001,9] ~ 初值。Where it begins. [A: 0.5–2] |
rate= 0.4 ~ 1/Year [0,5] ~ 增长率。Of the herd. [A: 0.1–1] |
roof= 10 ~ Dmnl [1,99] ~ 上限。Of the herd. [A: 5–30] |
base year= 1990 ~ Year [1900,2100] ~ 基年。Zero of the line. [D: as it is] |
line= level + (slope + twin)*(Time - base year) + 0*idle + 0*other ~ Dmnl ~ 直线。Straight. |
herd= INTEG(rate*herd*(1 - herd/roof), start) ~ Dmnl ~ 畜群。Logistic. |
"""
HISTORY = """\
title: {en: History, zh: 历史}
values:
  INITIAL TIME: 1990
  FINAL TIME: 2000
"""
TABLE = "place,quantity,part,year,value,unit,source,use\n"
LINE = {1991: 2.4, 1993: 2.9, 1996: 4.2, 1999: 4.6, 2000: 5.3}


@pytest.fixture
def town(tmp_path: Path) -> Model:
    (tmp_path / "history.yaml").write_text(HISTORY, "utf-8")
    rows = [f"here,line,,{year},{value},Dmnl,seen,calibration\n" for year, value in LINE.items()]
    rows += [
        "here,line,,2001,5.5,Dmnl,seen,calibration\n",
        "here,line,,1998,5.0,Dmnl,seen,context\n",
        "here,line,,1997,4.4,Dmnl,assumption,\n",
        "here,line,,1995,,Dmnl,seen,\n",
    ]
    (tmp_path / "observations.csv").write_text(TABLE + "".join(rows), "utf-8")
    (tmp_path / "evidence.csv").write_text(
        "id,quantity,place,year,value,unit,source,confidence,use\n"
        "E1,line,here,1994,3.2,Dmnl,seen,high,calibration\n"
        "E2,line,here,1994,3.3,Dmnl,seen,high,context\n",
        "utf-8",
    )
    return load_model(writer(tmp_path)(EQUATIONS))


@pytest.fixture
def fitted(town: Model, tmp_path: Path) -> Callable[..., Calibration]:
    def run(parameters: str, observations: list[str], **more: object) -> Calibration:
        return calibrate(town, written(tmp_path, parameters, observations, **more))

    return run


def written(folder: Path, parameters: str, observations: list[str], **more: object) -> Path:
    lines = ["title: A fit", "scenario: history.yaml", f"parameters: {{{parameters}}}"]
    lines += [f"{key}: {value}" for key, value in more.items()]
    lines += ["observations:", *(f"  - {{{each}}}" for each in observations)]
    path = folder / "fit.yaml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def seen(year: int, error: str = "error: 0.2", variable: str = "line") -> str:
    return f"quantity: line, year: {year}, variable: {variable}, {error}"


def straight(years: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([np.ones(len(years)), years - 1990.0], axis=1)


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_of_a_linear_model_value_and_interval_are_those_of_the_textbook(
    fitted: Callable[..., Calibration], scale: float
) -> None:
    errors = scale * np.array([0.2, 0.3, 0.2, 0.4, 0.2])
    weights = [1.0, 1.0, 2.0, 1.0, 1.0]
    found = fitted(
        "level, slope",
        [
            seen(year, f"error: {error}, weight: {weight}")
            for year, error, weight in zip(LINE, errors, weights, strict=True)
        ],
    )
    scaled = np.sqrt(weights) / errors
    design = straight(np.array(list(LINE))) * scaled[:, np.newaxis]
    wanted = np.array(list(LINE.values())) * scaled
    inverse = np.linalg.inv(design.T @ design)
    best = inverse @ design.T @ wanted
    left = wanted - design @ best
    inflation = max(1.0, float(left @ left) / (len(LINE) - 2))
    half = norm.ppf(0.975) * np.sqrt(inflation * np.diag(inverse))
    assert (inflation > 1) == (scale < 1), "both cases are looked at"
    for estimate, value, width in zip(found.estimates, best, half, strict=True):
        assert estimate.value == pytest.approx(value, rel=1e-7)
        assert estimate.interval.low == pytest.approx(value - width, rel=1e-6)
        assert estimate.interval.high == pytest.approx(value + width, rel=1e-6)
        assert estimate.determined
        assert not estimate.on_edge
    assert found.best.chi_squared == pytest.approx(float(left @ left))
    spread = np.sqrt(np.diag(inverse))
    assert found.known.correlation[0, 1] == pytest.approx(inverse[0, 1] / np.prod(spread))
    assert found.known.rank == 2
    assert not found.known.pairs


def test_known_parameters_are_recovered_from_a_noisy_run(town: Model, tmp_path: Path) -> None:
    truth = {"rate": 0.55, "roof": 14.0, "start": 0.8}
    scenario = read_scenario(
        tmp_path / "history.yaml", town, [f"{name}={value}" for name, value in truth.items()]
    )
    herd = simulate(town, scenario)["herd"]
    noise = np.random.default_rng(1).normal(0, 0.2, 10)
    rows = [
        # A stock stands at the end of its year.
        f"here,herd,,{year},{float(herd.sel(time=year + 0.5)) + miss},Dmnl,seen,\n"
        for year, miss in zip(range(1990, 2000), noise, strict=True)
    ]
    (tmp_path / "herd.csv").write_text(TABLE + "".join(rows), "utf-8")
    path = written(
        tmp_path,
        "rate, roof, start",
        [f"quantity: herd, year: {year}, variable: herd, error: 0.2" for year in range(1990, 2000)],
        data="herd.csv",
    )
    told: list[tuple[int, int]] = []
    spec = read_calibration(path, town)
    found = calibrate(town, spec, progress=lambda done, steps: told.append((done, steps)))
    steps = spec.starts + len(spec.parameters)
    assert told == [(done, steps) for done in range(1, steps + 1)]
    for estimate in found.estimates:
        low, high = estimate.interval.low, estimate.interval.high
        assert low < truth[estimate.parameter.name] < high
        assert high - low < 0.6 * (estimate.high - estimate.low), "the data say something"
    assert found.best.agreed >= 2
    assert found.best.chi_squared < found.chi_squared_before


@pytest.mark.long
def test_what_cannot_be_told_apart_is_named(fitted: Callable[..., Calibration]) -> None:
    found = fitted("level, slope, twin, idle", [seen(year) for year in LINE])
    names = [each.parameter.name for each in found.estimates]
    (pair,) = found.known.pairs
    assert {names[pair.first], names[pair.second]} == {"slope", "twin"}
    assert pair.cosine == pytest.approx(1)
    assert found.known.rank == 2
    assert math.isinf(found.known.condition)
    ways = {tuple(sorted(names[each] for each in way.named())) for way in found.known.loose}
    assert ways == {("slope", "twin"), ("idle",)}
    idle = found.estimates[names.index("idle")]
    assert idle.interval.open_low
    assert idle.interval.open_high
    assert (idle.interval.low, idle.interval.high) == (0, 2)


def test_a_value_on_the_edge_of_its_evidence_is_marked(fitted: Callable[..., Calibration]) -> None:
    found = fitted("level: {range: [0, 1]}", [seen(1991), seen(1993)])
    (estimate,) = found.estimates
    assert estimate.on_edge
    assert estimate.value == 1
    assert estimate.interval.open_high
    assert not estimate.determined


def test_a_reported_growth_is_fitted_as_growth(
    fitted: Callable[..., Calibration], tmp_path: Path
) -> None:
    (tmp_path / "growth.csv").write_text(TABLE + "here,growth,,1999,9,%,seen,\n", "utf-8")
    found = fitted(
        "slope",
        ["quantity: growth, variable: line, measure: growth, since: 1990, error: 1"],
        data="growth.csv",
    )
    slope = found.estimates[0].value
    assert slope == pytest.approx((2 * 1.09**9 - 2) / 9)
    assert found.residuals[0].before == pytest.approx(100 * ((4.7 / 2) ** (1 / 9) - 1))
    assert found.residuals[0].after == pytest.approx(9)


def test_the_interval_of_a_flat_profile_is_the_range() -> None:
    best = fit(lambda points: points[:, :1] - 0.4, np.array([0.5, 0.5]))
    assert best.point[0] == pytest.approx(0.4)
    flat = profile(lambda points: points[:, :1] - 0.4, best, 1)
    assert (flat.low, flat.high, flat.open_low, flat.open_high) == (0, 1, True, True)
    assert identifiability(best).sensitivity[1] == 0


def test_other_starts_find_the_better_of_two_valleys() -> None:
    def valleys(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x = points[:, 0]
        return np.stack([10 * (x - 0.2) * (x - 0.8), 0.5 * (x - 0.8)], axis=1)

    alone = fit(valleys, np.array([0.1]))
    assert alone.point[0] == pytest.approx(0.2, abs=0.02)
    several = fit(valleys, np.array([0.1]), starts=8)
    assert several.point[0] == pytest.approx(0.8)
    assert 1 <= several.agreed < 8
    assert fit(valleys, np.array([0.1]), starts=8).point == several.point


def test_broken_runs_are_kept_out() -> None:
    def partly(points: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(points > 0.7, np.nan, points - 0.6)

    assert fit(partly, np.array([0.5]), starts=4).point[0] == pytest.approx(0.6)


def test_the_overlay_is_a_scenario_that_gives_the_fitted_run(
    fitted: Callable[..., Calibration], town: Model, tmp_path: Path
) -> None:
    found = fitted("level, slope", [seen(year) for year in LINE])
    path = tmp_path / "overlay.yaml"
    path.write_text(overlay_text(found, "history.yaml", town), "utf-8")
    scenario = read_scenario(path, town)
    assert scenario.parent == "history"
    run = simulate(town, scenario)["line"]
    for residual in found.residuals:
        assert float(run.sel(time=residual.observation.year)) == pytest.approx(residual.after)
    assert found.card["rows"] == [f"observations.csv:{line}" for line in range(2, 7)]
    assert found.card["model"]["sha256"] == town.sha256


def test_a_row_says_in_chinese_what_it_is_else_its_variable_does(
    fitted: Callable[..., Calibration], tmp_path: Path
) -> None:
    rows = ["here,line,,1991,2.4,Dmnl,seen,,直线之高", "here,line,,1993,2.9,Dmnl,seen,,"]
    head = TABLE.strip() + ",quantity_zh"
    (tmp_path / "observations.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    found = fitted("level", [seen(1991), seen(1993)])
    said = [each.observation for each in found.residuals]
    assert [each.name_zh for each in said] == ["直线之高，1991", "直线，1993"]
    assert [each.name_en for each in said] == ["line, 1991", "line, 1993"]


@pytest.mark.parametrize(
    ("observation", "place", "said"),
    [
        (seen(2001), "observations.csv:7", "context, not data.*up to 2000.*2001"),
        (seen(1998), "observations.csv:8", "not for calibration.*use: calibration.*use: context"),
        (seen(1997), "observations.csv:9", "an assumption, not an observation"),
        (seen(1995), "observations.csv:10", "no value to fit to"),
        ("id: E3, variable: line, error: 1", "fit.yaml:5", "no row of evidence.csv has id: E3"),
        ("id: M28, variable: line, error: 1", "fit.yaml:5", "M28 is a target of the plan"),
        (seen(1992), "fit.yaml:5", "no row of observations.csv has quantity: line, year: 1992"),
        ("quantity: lin, variable: line, error: 1", "fit.yaml:5", "did you mean 'line'"),
        ("quantity: line, variable: line, error: 1", "fit.yaml:5", "9 rows.*say place.*lines 2"),
        (seen(1991, variable="lime"), "fit.yaml:5", "no variable is called 'lime'.*'line'"),
        (seen(1991, variable="level"), "fit.yaml:5", "'level' does not move"),
        (seen(1991, "relative error: 0.1, error: 1"), "fit.yaml:5", "one error"),
        (seen(1991, "error: -1"), "fit.yaml:5", "more than 0"),
        (seen(1991, "error: 1, measure: growth"), "fit.yaml:5", "a growth needs a base year"),
        (seen(1991, "error: 1, since: 1990"), "fit.yaml:5", "a level has no base year"),
        (seen(1991, "error: 1, measure: sum, since: 1991"), "fit.yaml:5", "comes too late"),
        (seen(1991, "error: 1, measure: mean, since: 1980"), "fit.yaml:5", "no run of 'history'"),
        (seen(1991, "eror: 1"), "fit.yaml:5", "unknown key 'eror'.*'error'"),
    ],
)
def test_what_is_no_data_is_refused_with_its_place(
    town: Model, tmp_path: Path, observation: str, place: str, said: str
) -> None:
    path = written(tmp_path, "level", [observation])
    with pytest.raises(DesignError, match=said) as raised:
        read_calibration(path, town)
    fault = raised.value.faults[0]
    assert f"{Path(str(fault.file)).name}:{fault.line}" == place


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ("", "'parameters' has the wrong value; expected at least one entry"),
        ("lvel", "'lvel'.*did you mean 'level'"),
        ("level: {range: [0, 9]}", "outside its evidence range.*0 to 5.*0 to 9"),
        ("level: {range: [3, 1]}", "no proper uniform range"),
        ("other", "no plausible range"),
        ("level, x: {constants: level, range: [0, 1]}", "act on one constant"),
        ("FINAL TIME", "the clock"),
        ("level: {rnge: [0, 1]}", "unknown key 'rnge'.*'range'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused_on_their_line(
    town: Model, tmp_path: Path, parameters: str, said: str
) -> None:
    path = written(tmp_path, parameters, [seen(1991)])
    with pytest.raises(DesignError, match=said) as raised:
        read_calibration(path, town)
    assert raised.value.faults[0].line == 3


# --- the command ----------------------------------------------------------------------------------


@pytest.mark.city
def test_the_shipped_calibration_says_what_history_can_tell(call: Call, tmp_path: Path) -> None:
    overlay = tmp_path / "fitted.yaml"
    done = call("model", "calibrate", "history", "--format", "json", "-o", str(overlay))
    assert done.code == 0
    told = json.loads(done.out)
    assert sum(miss**2 for miss in told["best"]["misses"]) < told["chi_squared_before"]
    assert all(each["observation"]["year"] <= 2005 for each in told["residuals"])
    for each in told["estimates"]:
        assert each["low"] <= each["interval"]["low"] <= each["value"] + 1e-9
        assert each["value"] - 1e-9 <= each["interval"]["high"] <= each["high"]
    assert read_scenario(overlay, load_model()).parent == told["spec"]["scenario"]
