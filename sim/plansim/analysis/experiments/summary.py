"""The summary of a sweep: shares of runs, quantiles, worst margins, failed runs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr

from plansim.analysis.ensemble import NORMAL, wilson
from plansim.analysis.evaluator import RunStatus
from plansim.analysis.experiments.design import DesignKind
from plansim.analysis.experiments.integrity import SUMMARY, consolidate, write_manifest, writing
from plansim.analysis.experiments.store import CHECKSUM, RunBlock, Store, array_of
from plansim.files.writing import sync
from plansim.scenario.factors import FloatArray
from plansim.targets.target import Status

__all__ = ["QUANTILES", "Summary", "shares", "write_summary"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

MOST_VALUES = 2**25
"""Maximum number of values that quantiles are taken of, in 256 MiB; of more, every k-th point."""


class Summary:
    """The summary of a sweep as its blocks are filled. It is not safe for threads."""

    def __init__(self, store: Store) -> None:
        """Begin a summary of no runs."""
        self._store, group = store, store.group()
        self._scenarios = list(store.card["design"]["scenarios"])
        self._targets = [str(key) for key in _read(group, "target")]
        self._years = _read(group, "year")
        self._added: set[int] = set()
        shape = (len(self._scenarios), len(self._targets))
        self._verdicts = np.zeros((*shape, len(Status)), np.int64)
        self._worst = np.full(shape, np.inf)
        self._worst_run = np.full(shape, -1, np.int64)
        self._runs = np.zeros((len(self._scenarios), len(RunStatus) + 1), np.int64)
        self._failures: Counter[int] = Counter()
        points, columns = store.runs // shape[0], len(store.outputs) * len(self._years)
        self._stride = _stride(points, math.ceil(store.runs * columns / MOST_VALUES))
        self._values = np.empty((shape[0], columns, math.ceil(points / self._stride)))
        self._counts = [0] * shape[0]

    def add(self, number: int, block: RunBlock) -> None:
        """Add a block; the order of blocks makes no difference."""
        start = self._store.span(number).start
        status = block["status"]
        self._failures.update(block["bad_variable"][status > RunStatus.OK].tolist())
        for index in range(len(self._scenarios)):
            ours = np.flatnonzero(block["scenario"] == index)
            self._runs[index, :-1] += np.bincount(status[ours], minlength=len(RunStatus))
            sound = ours[status[ours] == RunStatus.OK]
            if sound.size:
                rows = slice(None) if sound.size == len(status) else sound
                for code in Status:
                    equal = (block["verdict"][rows] == code.code).view(np.uint8)
                    self._verdicts[index, :, code.code] += equal.sum(axis=0, dtype=np.int32)
                self._add_margins(index, block["margin"][rows], sound + start)
                kept = sound[(sound + start) // len(self._scenarios) % self._stride == 0]
                first = self._counts[index]
                self._counts[index] = last = first + len(kept)
                if outputs := [block[name][kept].T for name in self._store.outputs]:
                    np.concatenate(outputs, out=self._values[index, :, first:last])
        self._added.add(number)

    def _add_margins(
        self, scenario: int, margin: npt.NDArray[np.float32], runs: npt.NDArray[np.int64]
    ) -> None:
        """Keep the smallest margin of each target, and the first run that has it."""
        worst, worst_run = self._worst[scenario], self._worst_run[scenario]
        least = np.fmin.reduce(margin, axis=0).astype(np.float64)
        for target in np.flatnonzero((least <= worst) & (least < np.inf)):
            run = runs[np.argmax(margin[:, target] == least[target])]
            if least[target] < worst[target] or run < worst_run[target]:
                worst[target], worst_run[target] = least[target], run

    def dataset(self, threads: int = 1) -> xr.Dataset:
        """Return the summary, after blocks of the store that were not added; then it is complete.

        It has, by scenario: ``p_met`` (scenario, target), the share of the sound runs that meet a
        target, with its standard error ``p_met_se`` and its 95 % interval from ``p_met_low`` to
        ``p_met_high``, all NaN where the scenario assumes the target or no run judges it;
        ``verdicts`` (scenario, target, verdict), counts of runs; ``worst_margin`` (scenario,
        target) in the target's unit and the run ``worst_run`` that has it; ``quantiles`` (scenario,
        output, year, quantile) of the outputs over the sound runs; ``runs`` (scenario, outcome),
        counts, with those never run. The variables that bad runs broke down at are in the attribute
        ``bad_variables``.

        Error and interval are those of independent draws, an upper estimate for a Sobol sample or a
        Latin hypercube. They are positive even where no run or every run meets a target, and NaN
        for designs that are no sample of a distribution.

        References: E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212
        (the interval); A. Agresti, B. A. Coull, The American Statistician 52 (1998) 119-126 (the
        standard error).
        """
        group = self._store.group()
        for number in sorted(self._store.done() - self._added):
            span = self._store.span(number)
            names = (*_SUMMARISED, *self._store.outputs)
            self.add(number, {name: _read(group, name, span) for name in names})
        runs = self._runs
        runs[:, -1] = self._store.runs // len(runs) - runs[:, :-1].sum(axis=1)
        is_sample = DesignKind(self._store.card["design"]["kind"]).is_sample
        share, error, low, high = shares(self._verdicts, is_sample=is_sample)
        worst = np.where(np.isinf(self._worst), np.nan, self._worst)

        def by_target(values: npt.NDArray[Any], description: str) -> tuple[Any, ...]:
            return ("scenario", "target"), values, {"description": description}

        every = {"every": self._stride, "description": "Of the sound runs; of every k-th if many."}
        variables: Any = group["bad_variable"].attrs["names"]
        failures = sorted(self._failures.items(), key=lambda item: (-item[1], item[0]))
        bad = {variables[index]: times for index, times in failures if index >= 0}
        outcomes = [*(kind.name.lower() for kind in RunStatus), "never_run"]
        units = [array_of(group, name).attrs["units"] for name in self._store.outputs]
        quantiles = self._quantiles(threads)
        return xr.Dataset(
            {
                "p_met": by_target(share, "Share of the sound runs."),
                "p_met_se": by_target(error, "Its standard error, after Agresti and Coull."),
                "p_met_low": by_target(low, "Lower end of its 95 % interval, by Wilson."),
                "p_met_high": by_target(high, "Upper end of it."),
                "worst_margin": by_target(worst, "In the target's unit; + is good."),
                "worst_run": by_target(self._worst_run, "The run that has it."),
                "verdicts": (("scenario", "target", "verdict"), self._verdicts),
                "quantiles": (("scenario", "output", "year", "quantile"), quantiles, every),
                "runs": (("scenario", "outcome"), runs),
            },
            {
                "scenario": _texts("scenario", self._scenarios),
                "target": _texts("target", self._targets),
                "verdict": _texts("verdict", [status.value for status in Status]),
                "outcome": _texts("outcome", outcomes),
                "output": _texts("output", self._store.outputs),
                "output_unit": _texts("output", units),
                "year": self._years,
                "quantile": list(QUANTILES),
            },
            {"bad_variables": json.dumps(bad, ensure_ascii=False)},
        )

    def _quantiles(self, threads: int) -> FloatArray:
        """Return the quantiles of each output: ``(scenario, output, year, quantile)``."""
        rows = [
            values[:kept]
            for kept, columns in zip(self._counts, self._values, strict=True)
            for values in columns
        ]
        with ThreadPoolExecutor(threads) as pool:
            result = np.array(list(pool.map(_sorted_quantiles, rows)))
        shape = (len(self._scenarios), len(self._store.outputs), len(self._years), len(QUANTILES))
        return result.reshape(shape)


_SUMMARISED = ("status", "scenario", "bad_variable", "verdict", "margin")
"""The arrays that a summary is made of, beside those of the outputs."""


def _stride(points: int, least: int) -> int:
    """Return of which points to take one, for no more than one in ``least``.

    It has no divisor in common with the levels of a grid, the length of a trajectory or the powers
    of two of Sobol's sequence, of which it would take a corner.

    >>> _stride(1000, 1), _stride(1000, 2), _stride(3**8, 3)
    (1, 3, 5)
    """
    if least <= 1:
        return 1
    return next(stride for stride in count(least) if math.gcd(stride, 2 * points) == 1)


def _texts(dim: str, values: Sequence[Any]) -> xr.Variable:
    """Make a coordinate of variable-length texts: Zarr 3 does not specify fixed-length ones."""
    return xr.Variable(dim, np.array([str(value) for value in values], dtype=object))


def _read(group: zarr.Group, name: str, span: slice = slice(None)) -> npt.NDArray[Any]:
    return np.asarray(array_of(group, name)[span])


def shares(verdicts: npt.NDArray[np.int64], *, is_sample: bool) -> tuple[FloatArray, ...]:
    """Return the share of runs that meet each target, its standard error, and its interval's ends.

    ``verdicts`` (…, verdict) are counts; each array is (…). See `Summary.dataset`.
    """
    count = verdicts.sum(axis=-1).astype(np.float64)
    judged = count - verdicts[..., Status.UNTESTABLE.code]
    count[(verdicts[..., Status.ASSUMED.code] > 0) | (judged == 0)] = np.nan
    met = verdicts[..., Status.MET.code]
    more = count + NORMAL**2
    middle = (met + NORMAL**2 / 2) / more
    error = np.sqrt(middle * (1 - middle) / more)
    chance = 1.0 if is_sample else np.nan
    return (met / count, *(chance * part for part in (error, *wilson(met, count))))


def _sorted_quantiles(values: FloatArray) -> FloatArray:
    """Return `QUANTILES` of some values, which are sorted in place: ``(value,)`` → ``(quantile,)``.

    Straight between values, as `numpy.quantile`, which parts where sorting by vectors is four
    times as quick. NaN without values, or if one is NaN.
    """
    if not len(values):
        return np.full(len(QUANTILES), np.nan)
    values.sort()
    parts = np.array(QUANTILES) * (len(values) - 1)
    below = np.floor(parts).astype(np.intp)
    low, high = values[below], values[np.ceil(parts).astype(np.intp)]
    result: FloatArray = np.where(low == high, low, low + (high - low) * (parts - below))
    return np.full_like(result, np.nan) if np.isnan(values[-1]) else result


def write_summary(store: Store, summary: xr.Dataset) -> None:
    """Write a summary into a group of its own, which is replaced as a whole.

    Raises:
        OutputError: the system refuses to write.
    """
    path = store.path / SUMMARY
    with writing(store.path), TemporaryDirectory(".partial", dir=store.path) as folder:
        new = Path(folder, SUMMARY)
        summary.to_zarr(
            new,
            mode="w",
            zarr_format=3,
            consolidated=False,
            write_empty_chunks=True,
            encoding={name: {"compressors": CHECKSUM} for name in summary.variables},
        )
        write_manifest(new, store.identity)
        for file in new.rglob("*"):
            sync(file)
        if path.exists():
            path.rename(Path(folder, "old"))
        new.rename(path)
        consolidate(store.path)
