"""Figures of runs: each function takes datasets and gives the matplotlib axes that it drew on.

Two take no dataset: `drivers` what `plansim.sensitivity` found out about one target, `loop_phases`
what `plansim.find_dominance` did.

A run is what `simulate` gives, over ``time``, or its annual view; all is drawn by years. ``lang``
is ``en`` or ``zh``; names and units come from the dataset, targets from the catalogue. Without
``axes`` a figure is made; to lay one out yourself, make it within ``with plansim.plot.style():``.
In that style texts are shown as they are written: a ``$`` starts no formula, and an axis that you
make logarithmic needs a formatter of its own, such as ``"{x:g}"``.
"""

from __future__ import annotations

from plansim.present.figure import save_figure, style
from plansim.present.plot_drivers import drivers
from plansim.present.plot_lines import small_multiples, trajectories
from plansim.present.plot_loops import loop_phases
from plansim.present.plot_parts import pyramid, stack
from plansim.present.plot_phase import phase
from plansim.present.plot_sweep import fan
from plansim.present.plot_verdicts import verdict_map

__all__ = [
    "drivers",
    "fan",
    "loop_phases",
    "phase",
    "pyramid",
    "save_figure",
    "small_multiples",
    "stack",
    "style",
    "trajectories",
    "verdict_map",
]
