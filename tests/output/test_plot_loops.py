"""The picture of loop scores: bands that add up to 100 %, in the loop's own colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from plansim import plot
from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import load_loops
from plansim.errors import Fault
from plansim.output.figures.kinds import draw_scores
from plansim.output.words.text import Lang
from plansim.scenario.scenario_file import as_written
from tests.toys.logistic import logistic

STEPS = 16 * 4
YEARS = (2001, 2002, 2003, 2004)


@pytest.fixture
def drawn(tmp_path: Path) -> LoopScores:
    """Scores of which R and B have four fifths in turn; twelve small loops share the rest."""
    model = logistic(tmp_path)
    growth, crowding = load_loops(model)
    small = [replace(growth, id=f"S{number}") for number in range(12)]
    late = np.arange(STEPS) >= STEPS / 2
    scores = {"R": np.where(late, 1.0, 7.0), "B": np.where(late, -7.0, -1.0)}
    scores |= {loop.id: np.full(STEPS, 1 / 6) for loop in small}
    loops = (growth, *small, crowding)
    ids = tuple(loop.id for loop in loops)
    time = 2000.5 + (1 + np.arange(STEPS)) / 16
    return LoopScores(as_written(model), loops, (ids,), time, scores)


def edges(axes: Axes, at: int) -> list[tuple[float, float, str]]:
    """Return the ends of each band in a year, with its colour; bands of no height are left out."""
    found = []
    for band in axes.collections:
        assert isinstance(band, PolyCollection)
        points = np.asarray(band.get_paths()[0].vertices)
        heights = points[points[:, 0] == at, 1]
        if np.ptp(heights) > 1e-9:
            found.append(
                (
                    heights.min(),
                    heights.max(),
                    str(np.round(np.asarray(band.get_facecolor()), 6).tolist()),
                )
            )
    return found


def test_bands_are_shares_of_the_year_and_add_up(drawn: LoopScores) -> None:
    axes = plot.loop_shares(drawn)
    assert drawn.years == YEARS
    for year in YEARS:
        bands = edges(axes, year)
        assert sum(high - low for low, high, _ in bands) == pytest.approx(100)
    growth, others, crowding = edges(axes, 2001)
    assert growth[:2] == pytest.approx((0, 70))
    assert others[:2] == pytest.approx((70, 90))
    assert crowding[:2] == pytest.approx((-10, 0))
    later = edges(axes, 2004)
    assert [band[2] for band in later] == [growth[2], others[2], crowding[2]]
    assert later[2][:2] == pytest.approx((-70, 0))
    words = {label.get_text() for label in axes.texts}
    assert {"R", "B", "reinforcing ↑", "balancing ↓"} <= words
    legend = axes.get_legend()
    assert legend is not None
    names = [label.get_text() for label in legend.get_texts()]
    assert names == ["R Growth", "B Crowding", "Others (12)"]


def test_a_loop_keeps_its_colour_whatever_else_is_drawn(drawn: LoopScores) -> None:
    alone = replace(drawn, partitions=(("B",), ("R",)))
    crowding = edges(plot.loop_shares(drawn), 2001)[2]
    (only,) = edges(plot.loop_shares(alone), 2001)
    assert only[:2] == pytest.approx((-100, 0))
    assert only[2] == crowding[2]


def test_groups_that_are_not_compared_have_a_panel_each(drawn: LoopScores) -> None:
    assert len(draw_scores([drawn], Lang.EN).axes) == 1
    assert len(draw_scores([replace(drawn, partitions=(("B",), ("R",)))], Lang.EN).axes) == 2


def test_without_scores_a_line_says_why(drawn: LoopScores) -> None:
    none = replace(drawn, missing=Fault("pysimlin is not installed; pip install 'plansim[loops]' "
                                        "brings it"), time=np.empty(0), scores={})  # fmt: skip
    axes = plot.loop_shares(none)
    assert not axes.collections
    (said,) = axes.texts
    assert "No loop scores: pysimlin is not installed; pip install" in said.get_text()
    (chinese,) = plot.loop_shares(none, lang="zh").texts
    assert "未安装 pysimlin" in chinese.get_text()
    assert len(draw_scores([none], Lang.EN).axes) == 1
