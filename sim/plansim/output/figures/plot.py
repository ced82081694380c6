"""Figures of runs: each function takes datasets and gives the matplotlib axes that it drew on.

The other modules of the folder draw them; this one is `plansim.plot`, and named as users name it.
Some take no dataset: `loop_shares` takes what `plansim.score_loops` gives, and the sheets of
decisions what `plansim.discover`, `robustness`, `policies` and `signposts` give.

A run is what `simulate` gives, over ``time``, or its annual view; all is drawn by years. ``lang``
is ``en`` or ``zh``; names and units come from the dataset, targets from the catalogue. Without
``axes`` a figure is made; to lay one out yourself, make it within ``with plansim.plot.style():``.
In that style texts are shown as they are written: a ``$`` starts no formula, and an axis that you
make logarithmic needs a formatter of its own, such as ``"{x:g}"``.
"""

from __future__ import annotations

from plansim.output.figures.canvas import save_figure, style
from plansim.output.figures.decisions import (
    discovery_sheet,
    robustness_sheet,
    signpost_sheet,
)
from plansim.output.figures.lines import fan, small_multiples, trajectories
from plansim.output.figures.loops import loop_shares
from plansim.output.figures.policies import policy_sheet
from plansim.output.figures.verdicts import verdict_map

__all__ = [
    "discovery_sheet",
    "fan",
    "loop_shares",
    "policy_sheet",
    "robustness_sheet",
    "save_figure",
    "signpost_sheet",
    "small_multiples",
    "style",
    "trajectories",
    "verdict_map",
]
