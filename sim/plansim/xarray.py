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
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from plansim.analysis.ensemble import check_scenarios, ensemble_fits, shares_of
from plansim.analysis.experiments.design import CARD, nested
from plansim.analysis.experiments.replay import element_of
from plansim.analysis.experiments.states import ids_in
from plansim.analysis.experiments.store import NEVER
from plansim.analysis.experiments.summary import shares
from plansim.engine.dataset import origin_of
from plansim.errors import UnknownNameError
from plansim.output.export.verdict_frame import verdict_frame
from plansim.targets.annual import MANY, annual, check_name, check_runs, frame, named, separate
from plansim.targets.catalogue import targets_of
from plansim.targets.labels import reference_named
from plansim.targets.target import Status, Target, split_reference
from plansim.targets.verdict import CheckedTargets, Verdict, check_targets

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PlansimAccessor", "RunPlots"]


@xr.register_dataset_accessor("plansim")  # type: ignore[no-untyped-call]
class PlansimAccessor:
    """Runs over ``time`` or ``year``: of one scenario or several, of members, or of a sweep.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, [plansim.as_written(model), "boats.yaml"])
    >>> runs.plansim["渔获量"].name  # the plan's name for what the model calls 捕捞量
    'catch'
    """

    def __init__(self, runs: xr.Dataset) -> None:
        # One run of a sweep is still a sweep of one.
        is_one = "verdict" in runs and "run" not in runs.dims
        self._runs = runs.expand_dims("run") if is_one else runs

    def __getitem__(self, name: str) -> xr.DataArray:
        """Return a variable by its English or Chinese name in any letter case, or an element of it.

        Labels of charts, levers and targets are names too, where the dataset is as `simulate`
        returned it or a selection of that.

        Raises:
            UnknownNameError: the runs hold no such variable, or it has no such element.

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"))
        >>> runs.plansim["FISH"].identical(runs.plansim["鱼量"])
        True
        """
        return element_of(self._runs, self._reference(name))

    def annual(self) -> xr.Dataset:
        """Return the runs by years: flows of the year, stocks at its end (see `plansim.annual`).

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"))
        >>> runs.plansim.annual().sizes["year"]
        16
        """
        return annual(self._runs)

    def frame(self, *variables: str) -> pd.DataFrame:
        """Return annual figures as a tidy table, one row a figure (see `plansim.frame`).

        Of a sweep without variables they are those of its outputs.

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), ["boats.yaml"])
        >>> runs.plansim.frame("catch").head(2).round(1)
          scenario variable element  year  value    unit
        0    boats    catch          2005  180.0  t/Year
        1    boats    catch          2006  156.7  t/Year
        """
        if "verdict" not in self._runs:
            return frame(self._runs, *map(self._reference, variables))
        about = self._runs.attrs
        names = variables or nested(about, "layout")["outputs"]
        table = frame(self._runs, *map(self._reference, names))
        scenarios = np.array([*nested(about, CARD)["design"]["scenarios"], ""], dtype=object)
        codes = self._runs["scenario"].fillna(NEVER).astype(int).to_series()
        table["scenario"] = scenarios[codes[~codes.index.duplicated()][table["run"]]]
        return table

    def compare(self, *variables: str) -> pd.DataFrame:
        """Return annual figures beside those of the first scenario.

        The columns of `frame`, then ``difference`` to the first scenario, in the unit, and
        ``change``, the same as a part of the first scenario's figure.

        Raises:
            ValueError: the runs are those of a sweep.

        >>> model = plansim.load_model("lake.mdl")
        >>> runs = plansim.simulate(model, [plansim.as_written(model), "boats.yaml"])
        >>> runs.plansim.compare("fish").query("year == 2020").round(2)[["scenario", "change"]]
              scenario  change
        15  as-written    0.00
        31       boats   -0.32
        """
        if "verdict" in self._runs:
            raise ValueError("the runs of a sweep are no pairs: compare runs of 'simulate'")
        table = self.frame(*variables)
        values = table["value"].to_numpy().reshape(table["scenario"].nunique(), -1)
        table["difference"] = (values - values[0]).ravel()
        table["change"] = ((values - values[0]) / values[0]).ravel()
        return table

    def verdicts(self, targets: Iterable[Target | str] | None = None) -> pd.DataFrame:
        """Return what becomes of targets: a row per scenario and target.

        The columns are those of ``plansim check --format json``: ``scenario`` and ``target`` (ids),
        names, ``value``, ``asked`` (the figure in the plan), ``unit``, ``status``, ``margin`` (in
        the unit; positive is good), ``first_breach``, reasons, ``certainty``, and ``share``,
        ``share_low`` and ``share_high``: in what share of the plausible models beside the model
        the target is met, with the ends of its 95 % interval.
        These are empty where there is no ensemble, where the dataset was read from a file, and for
        values that were changed since the run. A notebook shows the table as `check` does. Of many
        runs the table is that of `shares`.

        Args:
            targets: records or ids; by default all of the plan beside the model.

        Raises:
            CatalogueError: a target is judged by a variable that the runs do not hold.
            UnknownNameError: no target has one of the ids.

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), ["boats.yaml"])
        >>> runs.plansim.verdicts()[["target", "value", "status", "share"]].round(1)
          target  value  status  share
        0     F1  584.3  missed    0.6
        1     F2  119.0     met    1.0
        """
        if self._is_of_many:
            return self.shares(targets)
        return verdict_frame(self._judged(targets), self._targets(targets))

    def shares(self, targets: Iterable[Target | str] | None = None) -> pd.DataFrame:
        """Return in what share of many runs targets are met: a row per scenario and target.

        Columns: ``scenario`` and ``target`` (ids), ``share``, ``share_low`` and ``share_high``, the
        ends of its 95 % interval, ``members``, how many runs are counted, and ``unsound``, how many
        are left out, since they broke down. Of members, undecided ones count as half (see
        `plansim.verdict_shares`). A sweep counts those that are met, and has NaN for intervals
        where its design is no sample.

        Args:
            targets: records or ids; by default all of the plan. Of a sweep those that it judged.

        Raises:
            ValueError: the dataset holds no members or runs.
            UnknownNameError: no target has one of the ids.
            CatalogueError: a target is judged by a variable that the runs do not hold.

        >>> model = plansim.load_model("lake.mdl")
        >>> fan = plansim.simulate(model, "boats.yaml", ensemble=plansim.load_ensemble(model))
        >>> fan.plansim.shares(["F1"])[["scenario", "target", "share", "members"]]
          scenario target  share  members
        0    boats     F1    0.6        5
        """
        if "verdict" in self._runs:
            table = _shares_of_sweep(self._runs)
            return table[table["target"].isin(ids_in(self._runs, targets))]
        check_runs(self._runs)
        if not self._is_of_many:
            raise ValueError("there is nothing to count: no dimension is called member or run")
        return shares_of(self._runs, self._targets(targets))

    @property
    def plot(self) -> RunPlots:
        """Drawings of the runs."""
        return RunPlots(self)

    @property
    def _is_of_many(self) -> bool:
        return any(dim in self._runs.dims for dim in MANY)

    def _reference(self, name: str) -> str:
        """Return the reference that a name means in the runs."""
        check_name(name)
        if name in self._runs:
            return name
        if "verdict" in self._runs:  # a sweep keeps elements by their own
            return named(self._runs, name)
        base, bracket, inside = name.partition("[")
        try:
            return named(self._runs, base) + bracket + inside
        except UnknownNameError:
            origin = origin_of(self._runs)
            if origin is None:
                raise
            reference = reference_named(origin.model, name)
            if split_reference(reference)[0] not in self._runs:
                raise
            return reference

    def _targets(self, targets: Iterable[Target | str] | None) -> tuple[Target, ...]:
        origin = origin_of(self._runs)
        return targets_of(origin.model if origin else None, targets)

    def _judged(self, targets: Iterable[Target | str] | None) -> tuple[Verdict, ...]:
        wanted, origin = self._targets(targets), origin_of(self._runs)
        verdicts = check_targets(self._runs, wanted)
        if origin is None or not ensemble_fits(origin.model):
            return verdicts
        ids = {verdict.scenario for verdict in verdicts}
        scenarios = [scenario for scenario in origin.scenarios if scenario.id in ids]
        own = check_scenarios(origin.model, scenarios, wanted) if scenarios else ()
        shared = {(verdict.scenario, verdict.id): verdict for verdict in own}
        return CheckedTargets(
            replace(one, share=unchanged.share)
            if (unchanged := shared.get((one.scenario, one.id))) and _is_alike(one, unchanged)
            else one
            for one in verdicts
        )


def _is_alike(one: Verdict, other: Verdict) -> bool:
    """Return whether two verdicts rest on the same value: engines agree to within 1e-9."""
    found, expected = (
        np.array([verdict.value, *verdict.bases.values()], dtype=np.float64)
        for verdict in (one, other)
    )
    return np.allclose(found, expected, rtol=1e-6, atol=0, equal_nan=True)


class RunPlots:
    """Drawings of runs; options are those of the functions in `plansim.plot`.

    Targets are records or ids; by default all of the plan that are judged by what is drawn.
    """

    def __init__(self, accessor: PlansimAccessor) -> None:
        self._accessor = accessor

    def lines(
        self, variable: str, targets: Iterable[Target | str] | None = None, **options: Any
    ) -> Axes:
        """Draw a series over years, a line a scenario (see `plansim.plot.trajectories`).

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), ["boats.yaml"])
        >>> runs.plansim.plot.lines("fish", lang="zh").get_title(loc="left")
        '鱼量'
        """
        from plansim.output.figures.lines import trajectories

        runs, name = self._accessor._runs, self._accessor._reference(variable)
        return trajectories(runs, name, self._accessor._targets(targets), **options)

    def fan(
        self, variable: str, targets: Iterable[Target | str] | None = None, **options: Any
    ) -> Axes:
        """Draw where many runs lie in each year (see `plansim.plot.fan`).

        >>> model = plansim.load_model("lake.mdl")
        >>> fan = plansim.simulate(model, "boats.yaml", ensemble=plansim.load_ensemble(model))
        >>> fan.plansim.plot.fan("fish").get_title(loc="left")
        'Fish'
        """
        from plansim.output.figures.lines import fan

        runs, name = self._accessor._runs, self._accessor._reference(variable)
        return fan(runs, name, self._accessor._targets(targets), **options)

    def verdicts(self, targets: Iterable[Target | str] | None = None, **options: Any) -> Axes:
        """Draw verdicts as a coloured table (see `plansim.plot.verdict_map`).

        Columns are headed by the titles of the scenarios, where the runs know them.

        >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), ["boats.yaml"])
        >>> len(runs.plansim.plot.verdicts().texts) > 0
        True
        """
        from plansim.output.figures.verdicts import verdict_map
        from plansim.output.series import titles
        from plansim.output.words.text import Lang, read_text

        runs, text = self._accessor._runs, read_text(options.get("lang", Lang.EN))
        options.setdefault("titles", titles(separate(runs), text))
        return verdict_map(self._accessor._judged(targets), **options)


def _shares_of_sweep(sweep: xr.Dataset) -> pd.DataFrame:
    """Return by scenario and target of a sweep the share of the runs that meet the target."""
    design = nested(sweep.attrs, CARD)["design"]
    status, scenario, verdict = (
        sweep[name].transpose("run", ...).to_numpy() for name in ("status", "scenario", "verdict")
    )
    is_sample = design["kind"] in ("sobol", "latin hypercube")
    tables = []
    for index, name in enumerate(design["scenarios"]):
        done = (scenario == index) & (status >= 0)
        own = verdict[done & (status == 0)]
        counts = np.stack([(own == kind.code).sum(axis=0) for kind in Status], axis=-1)
        share, _, low, high = shares(counts, is_sample=is_sample)
        columns = {
            "scenario": name,
            "target": sweep["target"].to_numpy().astype(object),
            "share": share,
            "share_low": low,
            "share_high": high,
            "members": len(own),
            "unsound": int(done.sum()) - len(own),
        }
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)
