"""The picture of which loop dominates when: each band lies on its years, in the loop's colour."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from plansim import plot
from plansim.analysis.feedback.dominance import Dominance, Indicator, Row, Year, find_dominance
from plansim.analysis.feedback.loop_scores import score_loops
from plansim.analysis.feedback.loops import Loop, load_loops
from plansim.model.records import Model
from plansim.output.figures.canvas import figure_of
from plansim.scenario.reader import as_written
from tests.toys.logistic import logistic

STOCK = Indicator("stock", "stock of things", "物品存量", ("T1",))


@pytest.fixture
def small(tmp_path: Path) -> Model:
    return logistic(tmp_path)


@pytest.fixture
def loops(small: Model) -> tuple[Loop, ...]:
    return load_loops(small)


def drawn(parts: list[dict[str, float]], small: Model, loops: tuple[Loop, ...]) -> Dominance:
    years = tuple(Year(2000 + place, 1.0, 100.0, each) for place, each in enumerate(parts))
    rows = (Row(STOCK, "Dmnl", years),)
    return Dominance(as_written(small), 3, loops, (), rows, 0)


def bands(axes: Axes) -> list[tuple[float, float, float, tuple[float, ...]]]:
    return [
        (each.get_x(), each.get_width(), each.get_height(), to_rgb(each.get_facecolor()))
        for each in axes.patches
        if isinstance(each, Rectangle)
    ]


def test_bands_lie_on_their_years(small: Model, loops: tuple[Loop, ...]) -> None:
    parts = [{"R": 3.0}, {"R": 2.0}, {"R": 0.0}, {"B": -1.0, "R": 1.0}]
    axes = plot.loop_phases(drawn(parts, small, loops))
    clear, weak, upper, lower = bands(axes)
    assert clear[:2] == pytest.approx((1999.53, 1.94))
    assert weak[:2] == pytest.approx((2001.53, 0.94))
    assert upper[:3] == lower[:3] == pytest.approx((2002.53, 0.94, 0.4))
    # B stands above R, as in the table, and R has one colour throughout.
    assert lower[3] == clear[3] != upper[3]
    assert weak[3] not in (clear[3], upper[3])
    words = [each.get_text() for each in axes.texts]
    assert {"R ↑", "B ↓", "T1", "Stock of things"} <= set(words)
    (legend,) = figure_of(axes).legends
    assert [each.get_text() for each in legend.get_texts()] == ["R Growth", "B Crowding"]


def test_in_chinese_with_scores(small: Model, loops: tuple[Loop, ...]) -> None:
    scenario = as_written(small)
    found = find_dominance(small, scenario, loops, [STOCK])
    axes = plot.loop_phases(found, score_loops(small, scenario, loops), lang="zh")
    words = {each.get_text() for each in axes.texts}
    assert {"物品存量", "回路得分", "R +", "B −"} <= words
    # Scores go on to the last year, contributions end three years before.
    ends = [x + width for x, width, _, _ in bands(axes)]
    assert max(ends) == pytest.approx(2019.47)


def test_a_loop_keeps_its_colour_whatever_else_leads(small: Model, loops: tuple[Loop, ...]) -> None:
    both = bands(plot.loop_phases(drawn([{"R": 3.0}, {"B": 3.0}], small, loops)))
    alone = bands(plot.loop_phases(drawn([{"B": 3.0}], small, loops)))
    assert both[1][3] == alone[0][3] != both[0][3]


def test_nothing_to_draw_is_an_error(small: Model, loops: tuple[Loop, ...]) -> None:
    with pytest.raises(ValueError, match="no indicator to draw"):
        plot.loop_phases(Dominance(as_written(small), 3, loops, (), (), 0))
