"""What plansim says of a dataset of runs, as its accessor ``plansim``.

::

    runs = plansim.simulate(model, ["baseline", "accelerated-growth"])
    runs.plansim["地区生产总值"].sel(scenario="baseline")
    runs.plansim.frame("GDP")
    runs.plansim.verdicts()
    runs.plansim.plot.lines("GDP")

It is registered by ``import plansim.xarray``, and when a public function that returns a dataset is
first used. It holds nothing of its own: each method calls the function that does the work.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from plansim.analysis.experiments.summary import shares
from plansim.engine.dataset import annual
from plansim.targets.annual import frame, named, separate
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Status, Target, split_reference
from plansim.targets.verdict import Verdict, check_targets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PlansimAccessor", "RunPlots"]

VERDICT_COLUMNS = [field.name for field in fields(Verdict) if field.name != "bases"]
"""Columns of a frame of verdicts."""
KEYS = ["variable", "element", "year"]


@xr.register_dataset_accessor("plansim")  # type: ignore[no-untyped-call]
class PlansimAccessor:
    """Runs over ``time`` or ``year``, of one scenario or of several, or the runs of a sweep."""

    def __init__(self, runs: xr.Dataset) -> None:
        self._runs = runs

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return a variable by its English or Chinese name in any letter case, or an element of it.

        Raises:
            UnknownNameError: the runs hold no such variable.
            KeyError: the variable has no such element.
        """
        if name in self._runs:
            return self._runs[name]
        base, elements = split_reference(name)
        variable = self._runs[named(self._runs, base)]
        ranges = [dim for dim in variable.dims if dim not in ("scenario", "time", "year")]
        return variable.sel(dict(zip(ranges, elements, strict=True))) if elements else variable

    def annual(self) -> xr.Dataset:
        """Return the runs by years: flows of the year, stocks at its end (see `plansim.annual`)."""
        return self._runs if "year" in self._runs.coords else annual(self._runs)

    def frame(self, *variables: str) -> pd.DataFrame:
        """Return annual figures as a tidy table, one row a figure (see `plansim.frame`)."""
        return frame(self._runs, *variables)

    def compare(self, *variables: str) -> pd.DataFrame:
        """Return annual figures beside those of the first scenario.

        The columns of `frame`, then ``difference`` to the first scenario, in the unit, and
        ``change``, the same as a part of the first scenario's figure.
        """
        table = self.frame(*variables)
        first = table[table["scenario"] == table["scenario"].iloc[0]].set_index(KEYS)["value"]
        base = first.reindex(pd.MultiIndex.from_frame(table[KEYS])).to_numpy()
        table["difference"] = table["value"] - base
        table["change"] = table["difference"] / base
        return table

    def verdicts(self, targets: Iterable[Target] | None = None) -> pd.DataFrame:
        """Return what becomes of targets: a row a scenario and target.

        Of the runs of a sweep, a row has the number of ``runs`` that did not fail, the ``share`` of
        them that meets the target, and the ends ``share_low`` and ``share_high`` of its 95 %
        interval (see `summary.shares`).

        Args:
            targets: by default those of the shipped plan; those of a sweep are stored with it.

        Raises:
            CatalogueError: a target is judged by a variable that the runs do not hold.
        """
        if "verdict" in self._runs:
            return _shares(self._runs)
        rows = [[getattr(one, key) for key in VERDICT_COLUMNS] for one in self._judged(targets)]
        return pd.DataFrame(rows, columns=VERDICT_COLUMNS)

    @property
    def plot(self) -> RunPlots:
        """Drawings of the runs."""
        return RunPlots(self)

    def _judged(self, targets: Iterable[Target] | None) -> tuple[Verdict, ...]:
        return check_targets(self._runs, load_targets() if targets is None else targets)


class RunPlots:
    """Drawings of runs; options are those of the functions in `plansim.plot`."""

    def __init__(self, accessor: PlansimAccessor) -> None:
        self._accessor = accessor

    def lines(self, variable: str, targets: Iterable[Target] = (), **options: Any) -> Axes:
        """Draw a series over years, a line a scenario (see `plansim.plot.trajectories`)."""
        from plansim.output.figures.lines import trajectories

        runs = self._accessor._runs
        base, bracket, inside = variable.partition("[")
        name = variable if variable in runs else named(runs, base) + bracket + inside
        return trajectories(separate(runs), name, targets, **options)

    def verdicts(self, targets: Iterable[Target] | None = None, **options: Any) -> Axes:
        """Draw verdicts as a coloured table (see `plansim.plot.verdict_map`)."""
        from plansim.output.figures.verdicts import verdict_map

        return verdict_map(self._accessor._judged(targets), **options)


def _shares(sweep: xr.Dataset) -> pd.DataFrame:
    """Return by scenario and target of a sweep the share of the runs that meet the target."""
    card = sweep.attrs["plansim"]["design"]
    status, scenario = sweep["status"].to_numpy(), sweep["scenario"].to_numpy()
    verdict, parts = sweep["verdict"].to_numpy(), []
    for index, name in enumerate(card["scenarios"]):
        own = verdict[(scenario == index) & (status == 0)]
        counts = np.stack([(own == kind.code).sum(axis=0) for kind in Status], axis=-1)
        is_sample = card["kind"] in ("sobol", "latin hypercube")
        share, _, low, high = shares(counts, is_sample=is_sample)
        columns = {"runs": len(own), "share": share, "share_low": low, "share_high": high}
        parts.append(pd.DataFrame({"scenario": name, "id": sweep["target"].to_numpy(), **columns}))
    return pd.concat(parts, ignore_index=True)
