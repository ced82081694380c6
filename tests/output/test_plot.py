"""Figures say what they show, put targets where they are met, and need nothing of the machine."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.markers import CARETDOWNBASE, CARETUPBASE
from matplotlib.text import Text as MatplotlibText
from numpy.typing import NDArray

import plansim
from plansim import InputError, Target, UnknownNameError, plot
from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import load_loops
from plansim.cli.commands.plot_page import KINDS
from plansim.model.records import Model
from plansim.output.figures.canvas import figure_of
from plansim.output.figures.kinds import FIGURES
from plansim.output.series import marks_on, series_in
from plansim.scenario.scenario_file import as_written
from plansim.targets.target import judged_targets, split_reference
from tests.toys.logistic import logistic

Runs = list[xr.Dataset]


@pytest.fixture(scope="module")
def runs(city: Model) -> Runs:
    return [plansim.simulate(city, name) for name in ("baseline", "accelerated-growth")]


@pytest.fixture(scope="module")
def run(runs: Runs) -> xr.Dataset:
    return runs[0]


def floats(values: Any) -> NDArray[np.float64]:
    """Give what matplotlib holds, whose types promise little, as numbers."""
    return np.asarray(values, dtype=np.float64)


def corners(area: Any) -> NDArray[np.float64]:
    """Give the corners of a filled area: ``(corner, 2)``."""
    return floats(area.get_paths()[0].vertices)


def all_texts(figure: Figure) -> str:
    found: Any = figure.findobj(MatplotlibText)
    return "\n".join(label.get_text() for label in found)


def sheet(kind: str, runs: Runs, targets: tuple[Target, ...], lang: str) -> Axes:
    match kind:
        case "trajectories":
            return plot.trajectories(runs, "GDP", targets, lang=lang)
        case "small multiples":
            both = ["SO2 emission", "urbanisation rate"]
            return plot.small_multiples(runs, both, targets, lang=lang)[0]
        case "verdicts":
            return plot.verdict_map(verdicts_on(runs, targets), lang=lang)
        case _:
            return plot.fan(sweep_of(runs), "GDP", targets, lang=lang)


SAID = {
    "trajectories": (["GDP", "亿元", "Accelerated growth", "M01: ≥ 1020 亿元"],
                     ["地区生产总值", "亿元", "加速增长情景", "M01g：年均增长 ≥ 12 %/年"]),
    "small multiples": (["SO₂ emission", "万t/year", "M34a: fall ≥ 10 %", "Urbanisation rate"],
                        ["二氧化硫排放总量", "万吨/年", "城镇化率"]),
    "verdicts": (["M27", "Total population", "≤ 370 万人", "Binding targets", "Baseline"],
                 ["总人口", "约束性指标", "✓ 达标"]),
    "fan": (["GDP", "亿元", "90 % and 50 %"], ["地区生产总值", "中位数"]),
}  # fmt: skip


def verdicts_on(runs: Runs, targets: tuple[Target, ...]) -> list[plansim.Verdict]:
    return [verdict for run in runs for verdict in plansim.check_targets(run, targets)]


def sweep_of(runs: Runs) -> xr.Dataset:
    """Make 21 runs of one: its GDP, from a tenth less to a tenth more."""
    gdp = plansim.annual(runs[0])["GDP"]
    scaled = gdp * xr.DataArray(np.linspace(0.9, 1.1, 21), dims="run")
    return scaled.assign_attrs(gdp.attrs).to_dataset(name="GDP")


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", SAID)
def test_a_figure_names_what_it_shows_with_units_and_every_glyph(
    kind: str, lang: str, runs: Runs, targets: tuple[Target, ...], tmp_path: Path
) -> None:
    figure = figure_of(sheet(kind, runs, targets, lang))
    path = tmp_path / "figure.png"
    plot.save_figure(figure, path)  # a glyph that no font has is a warning, and those are errors
    written = all_texts(figure)
    assert [words for words in SAID[kind][lang == "zh"] if words not in written] == []
    assert imread(path).std() > 0.02


@pytest.mark.parametrize("hostile", ["costs $5 and $6", r"\$ $x_{"])
def test_a_dollar_starts_no_formula(hostile: str, runs: Runs, tmp_path: Path) -> None:
    """In the title of a scenario, the name of a variable and its unit."""
    named = [run.assign_attrs(scenario_title_en=hostile) for run in runs]
    for run in named:
        run["GDP"] = run["GDP"].assign_attrs(long_name=hostile, units=hostile)
    figure = figure_of(plot.trajectories(named, "GDP"))
    plot.save_figure(figure, tmp_path / "drawn.png")  # a broken formula is an error
    shown: Any = figure.findobj(MatplotlibText)
    texts = [text for text in shown if "$" in text.get_text()]
    assert texts
    assert not [text.get_text() for text in texts if text.get_parse_math()]


def test_the_style_and_the_font_change_nothing_outside(run: xr.Dataset) -> None:
    before = dict(mpl.rcParams)
    plot.trajectories(run, "GDP")
    assert dict(mpl.rcParams) == before
    assert "zhplot" not in sys.modules, "importing it changes matplotlib's settings"


# --- targets --------------------------------------------------------------------------------------


def test_a_series_on_a_mark_just_meets_its_target(
    run: xr.Dataset, targets: tuple[Target, ...]
) -> None:
    """For each target of the plan, whatever its measure: by the verdicts, which know no marks."""
    held = []
    for target in judged_targets(targets):
        for basis, reference in target.variables.items():
            raw, shown = series_in(run, reference), series_in(run, reference, targets)
            factor = shown.values[2005] / raw.values[2005] if raw.values[2005] else 1.0
            found = [drawn for drawn in marks_on(run, reference, targets) if drawn.target is target]
            (mark,) = found
            level = mark.low if mark.low is not None else mark.high
            assert level is not None
            values = {
                year: level / factor if mark.first <= year <= mark.year else value
                for year, value in raw.values.items()
            }
            name, _ = split_reference(reference)
            series = xr.DataArray([*values.values()], {"year": [*values]}, attrs=run[name].attrs)
            alone = replace(target, variables={basis: name})
            (judged,) = plansim.check_targets(series.to_dataset(name=name), [alone])
            assert judged.margin is not None
            assert target.value is not None
            slack = abs(target.tolerance or 0.0)
            assert abs(judged.margin) <= 1e-9 * max(abs(target.value), slack), target.id
            held.append(target.measure)
    assert len(held) > 50
    assert set(held) == {*plansim.Measure}


def test_marks_are_drawn_at_their_level_and_point_to_the_good_side(
    run: xr.Dataset, targets: tuple[Target, ...]
) -> None:
    axes = plot.trajectories(run, "registered population", targets)
    arrows: dict[Any, Any] = {line.get_marker(): line for line in axes.lines}
    assert CARETUPBASE not in arrows
    assert floats(arrows[CARETDOWNBASE].get_xydata()).tolist() == [[2010.0, 370.0]]
    lasting = [line for line in axes.lines if line.get_linestyle() not in ("-", "None")]
    assert [floats(line.get_xydata()).tolist() for line in lasting] == [
        [[2010.0, 370.0], [2020.0, 370.0]]
    ]
    low, high = axes.get_ylim()
    assert low < 370 < high


def test_lines_are_the_annual_figures_with_a_band_between_two(
    runs: Runs, targets: tuple[Target, ...]
) -> None:
    axes = plot.trajectories(runs, "value added[services]", targets)
    for line, run in zip(axes.lines, runs, strict=False):
        expected = plansim.annual(run)["value added"].sel(sector="services")
        np.testing.assert_array_equal(floats(line.get_ydata()), expected)
        np.testing.assert_array_equal(floats(line.get_xdata()), expected["year"])
    assert len(axes.collections) == 1
    assert len(plot.trajectories(runs[0], "GDP", targets).collections) == 0


def test_long_titles_and_many_lines_leave_room_for_the_chart(
    runs: Runs, targets: tuple[Target, ...]
) -> None:
    title = (
        "Cheap credit and a drought of three years while the grid orders twice as much coal " * 2
    )
    named = [run.assign_attrs(scenario_title_en=title) for run in runs]
    for axes in (
        plot.trajectories(named, "GDP", targets),
        plot.small_multiples(named, ["GDP", "SO2 emission"], targets)[0],
        plot.small_multiples([*runs] * 5, ["GDP", "SO2 emission"], targets)[0],
    ):
        figure = figure_of(axes)
        figure.draw_without_rendering()  # that there is no room is a warning, and so an error
        box = figure.get_tightbbox()
        assert box.x1 <= figure.get_figwidth() * 1.01
        assert axes.get_window_extent().height > 0.8 * figure.dpi


# --- parts, fans, verdicts ------------------------------------------------------------------------


def test_a_fan_has_the_quantiles_of_the_sound_runs(runs: Runs) -> None:
    sweep = sweep_of(runs)
    broken = sweep.copy(deep=True)
    broken["GDP"][{"run": 0}] = np.nan
    broken["status"] = ("run", np.where(np.arange(21) == 20, 1, 0))
    median = floats(plot.fan(broken, "GDP").lines[0].get_ydata())
    np.testing.assert_allclose(median, sweep["GDP"].isel(run=slice(1, 20)).median("run"))
    outer = corners(plot.fan(sweep, "GDP").collections[0])
    last = outer[outer[:, 0] == 2020.0][:, 1]
    np.testing.assert_allclose(
        sorted({round(float(height), 6) for height in last}),
        sweep["GDP"].sel(year=2020).quantile([0.05, 0.95], "run"),
        rtol=1e-6,
    )


def test_a_fan_of_an_element_is_that_of_its_runs(runs: Runs) -> None:
    whole = sweep_of(runs).assign(GDP=lambda made: made["GDP"] * runs[0]["value added"][0])
    whole = whole.rename(GDP="value added").drop_vars("time", errors="ignore")
    alone = xr.Dataset({"value added[services]": whole["value added"].sel(sector="services")})
    for one in (whole, alone):
        median = floats(plot.fan(one, "value added[services]").lines[0].get_ydata())
        np.testing.assert_allclose(median, alone.to_array()[0].median("run"))


def test_a_fan_names_the_targets_whose_base_a_sweep_lacks(
    runs: Runs, targets: tuple[Target, ...]
) -> None:
    late = sweep_of(runs).sel(year=slice(2006, None))
    note = plot.fan(late, "GDP", targets).get_xlabel()
    assert "counted from 2005, a year that the sweep does not keep" in note


def test_the_verdict_map_has_a_cell_for_each_verdict(
    runs: Runs, targets: tuple[Target, ...]
) -> None:
    verdicts = verdicts_on(runs, targets)
    axes = plot.verdict_map(verdicts, titles=["A", "B"])
    judged = {verdict.id for verdict in verdicts if verdict.status != "untestable"}
    assert len(axes.patches) == 2 * len(judged)
    texts = [label.get_text() for label in axes.texts]
    met = sum(verdict.status == "met" for verdict in verdicts)
    assert sum(text.startswith("✓") for text in texts) == met > 0
    with pytest.raises(ValueError, match="there is no verdict to draw"):
        plot.verdict_map([])


# --- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda run: plot.trajectories(run, "GDPP"), UnknownNameError,
         "the run holds no variable 'GDPP'; did you mean 'GDP'?"),
        (lambda run: plot.trajectories(run, "value added"), UnknownNameError,
         "'value added' is not one series; expected an element, as value added"),
        (lambda run: plot.trajectories([], "GDP"), ValueError, "there is no run to draw"),
        (lambda run: plot.fan(run, "GDP"), InputError, "expected a variable over runs and years"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(
    draw: Callable[[xr.Dataset], object], error: type[Exception], message: str, run: xr.Dataset
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        draw(run)


# --- files ----------------------------------------------------------------------------------------


def test_what_differs_from_zero_by_rounding_alone_is_zero(run: xr.Dataset) -> None:
    noisy = plansim.annual(run)[["GDP"]]
    noisy["GDP"] = noisy["GDP"] * 1e-18
    assert set(series_in(noisy, "GDP").values.values()) == {0.0}
    assert max(series_in(run, "GDP").values.values()) > 1


STEPS = 16 * 4
YEARS = (2001, 2002, 2003, 2004)


@pytest.fixture
def drawn(tmp_path: Path) -> LoopScores:
    """Scores of which R and B have four fifths in turn; twelve small loops share the rest."""
    model = logistic(tmp_path)
    growth, crowding = load_loops(model)
    small = [growth.model_copy(update={"id": f"S{number}"}) for number in range(12)]
    late = np.arange(STEPS) >= STEPS / 2
    scores = {"R": np.where(late, 1.0, 7.0), "B": np.where(late, -7.0, -1.0)}
    scores |= {loop.id: np.full(STEPS, 1 / 6) for loop in small}
    loops = (growth, *small, crowding)
    ids = tuple(loop.id for loop in loops)
    time = 2000.5 + (1 + np.arange(STEPS)) / 16
    return LoopScores(as_written(model), loops, (ids,), time, scores)


def test_bands_are_shares_of_the_year_and_add_up(drawn: LoopScores) -> None:
    axes = plot.loop_shares(drawn)
    assert drawn.years == YEARS

    def edges(year: int) -> list[tuple[float, float, tuple[float, ...]]]:
        """Give the ends of each band with its colour; bands of no height are left out."""
        ends = [(corners(band), band) for band in axes.collections]
        heights = [(points[points[:, 0] == year, 1], band) for points, band in ends]
        return [
            (high.min(), high.max(), tuple(floats(band.get_facecolor()).ravel()))
            for high, band in heights
            if np.ptp(high) > 1e-9
        ]

    for year in YEARS:
        assert sum(high - low for low, high, _ in edges(year)) == pytest.approx(100)
    growth, others, crowding = edges(2001)
    for band, ends in ((growth, (0, 70)), (others, (70, 90)), (crowding, (-10, 0))):
        assert band[:2] == pytest.approx(ends)
    later = edges(2004)
    assert [band[2] for band in later] == [growth[2], others[2], crowding[2]]
    assert later[2][:2] == pytest.approx((-70, 0))
    assert {"R", "B", "reinforcing ↑", "balancing ↓"} <= {text.get_text() for text in axes.texts}
    legend = axes.get_legend()
    assert legend is not None
    names = [label.get_text() for label in legend.get_texts()]
    assert names == ["R Growth", "B Crowding", "Others (12)"]


def test_groups_of_loops_are_told_apart(drawn: LoopScores) -> None:
    (ids,) = drawn.partitions
    apart = replace(drawn, partitions=(ids[:1], ids[1:]))
    heads = [plot.loop_shares(apart, number).get_title(loc="left") for number in (0, 1)]
    assert [head.partition(", ")[2] for head in heads] == ["group 1 of 2", "group 2 of 2"]


def test_the_command_offers_every_kind_of_figure() -> None:
    assert sorted(KINDS) == sorted(FIGURES)
