"""The summary of a sweep: shares of runs, quantiles, worst margins, failed runs."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr

from plansim.analysis.ensemble import NORMAL, wilson
from plansim.analysis.evaluator import RunStatus
from plansim.analysis.experiments.design import DesignKind
from plansim.analysis.experiments.store import Store, array_of
from plansim.targets.indicator import Floats
from plansim.targets.target import Status

__all__ = ["QUANTILES", "shares", "summarise"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

MOST_SORTED = 2**22
"""Maximum number of values for exact quantiles; of more, every k-th run is taken."""


def summarise(store: Store, threads: int = 1) -> xr.Dataset:
    """Summarise the runs that a store holds; the result does not depend on ``threads``.

    It has, by scenario: ``p_met`` (scenario, target), the share of the sound runs that meet a
    target, with its standard error ``p_met_se`` and its 95 % interval from ``p_met_low`` to
    ``p_met_high``, all NaN where the scenario assumes the target;
    ``verdicts`` (scenario, target, verdict), counts of runs; ``worst_margin`` (scenario, target)
    in the target's unit and the run ``worst_run`` that has it; ``quantiles`` (scenario, output,
    year, quantile) of the outputs over the sound runs; ``runs`` (scenario, outcome), counts, with
    those never run. The variables that bad runs broke down at are in the attribute
    ``bad_variables``.

    Error and interval are those of independent draws, an upper estimate for a Sobol sample or a
    Latin hypercube. They are positive even where no run or every run meets a target, and NaN for
    designs that are no sample of a distribution.

    References: E. B. Wilson, Journal of the American Statistical Association 22 (1927) 209-212
    (the interval); A. Agresti, B. A. Coull, The American Statistician 52 (1998) 119-126 (the
    standard error).
    """
    group = store.group()
    scenarios = list(store.card["design"]["scenarios"])
    targets = [str(key) for key in _read(group, "target", slice(None))]
    shape = (len(scenarios), len(targets))
    verdicts = np.zeros((*shape, len(Status)), np.int64)
    worst = np.full(shape, np.inf)
    worst_run = np.full(shape, -1, np.int64)
    runs = np.zeros((len(scenarios), len(RunStatus) + 1), np.int64)
    failures: Counter[int] = Counter()
    for start, stop in _spans(store):
        span = slice(start, stop)
        status, belongs = _read(group, "status", span), _read(group, "scenario", span)
        verdict, margin = _read(group, "verdict", span), _read(group, "margin", span)
        failures.update(_read(group, "bad_variable", span)[status > RunStatus.OK].tolist())
        for index in range(len(scenarios)):
            rows = np.flatnonzero(belongs == index)
            runs[index, :-1] += np.bincount(status[rows], minlength=len(RunStatus))
            sound = rows[status[rows] == RunStatus.OK]
            if not sound.size:
                continue
            everything = sound.size == len(status)
            ours = verdict if everything else verdict[sound]
            for code in Status:
                verdicts[index, :, code.code] += np.count_nonzero(ours == code.code, axis=0)
            _keep_worst(margin if everything else margin[sound], sound + start, worst[index],
                        worst_run[index])  # fmt: skip
    total = [store.runs // len(scenarios)] * len(scenarios)
    runs[:, -1] = np.array(total) - runs[:, :-1].sum(axis=1)
    is_sample = DesignKind(store.card["design"]["kind"]).is_sample
    names = list(group["bad_variable"].attrs["names"])  # type: ignore[arg-type]
    years = _read(group, "year", slice(None))
    quantiles, stride = _quantiles(store, group, len(scenarios), len(years), threads)
    share, error, low, high = shares(verdicts, is_sample=is_sample)
    worst_run[np.isinf(worst)] = -1
    by_target = ("scenario", "target")
    about = {
        "p_met": "Share of the sound runs.",
        "p_met_se": "Its standard error, by Agresti and Coull: never nil.",
        "p_met_low": "Lower end of its 95 % interval, by Wilson.",
        "p_met_high": "Upper end of it.",
        "worst_margin": "In the target's unit; + is good.",
    }
    numbers = (share, error, low, high, np.where(np.isinf(worst), np.nan, worst))
    every = {"every": stride, "description": "Of the sound runs; of every k-th if many."}
    outcomes = [*(kind.name.lower() for kind in RunStatus), "never_run"]
    bad = {names[index]: count for index, count in failures.most_common() if index >= 0}
    return xr.Dataset(
        {
            **{
                name: (by_target, values, {"description": about[name]})
                for name, values in zip(about, numbers, strict=True)
            },
            "verdicts": ((*by_target, "verdict"), verdicts),
            "worst_run": (by_target, worst_run),
            "quantiles": (("scenario", "output", "year", "quantile"), quantiles, every),
            "runs": (("scenario", "outcome"), runs),
        },
        {
            "scenario": _texts("scenario", scenarios),
            "target": _texts("target", targets),
            "verdict": _texts("verdict", [status.value for status in Status]),
            "outcome": _texts("outcome", outcomes),
            "output": _texts("output", store.outputs),
            "output_unit": _texts(
                "output", [array_of(group, n).attrs["units"] for n in store.outputs]
            ),
            "year": years,
            "quantile": list(QUANTILES),
        },
        {"bad_variables": json.dumps(bad, ensure_ascii=False)},
    )


def _texts(dim: str, values: Sequence[Any]) -> xr.Variable:
    """Make a coordinate of variable-length texts: Zarr 3 does not specify fixed-length ones."""
    return xr.Variable(dim, np.array([str(value) for value in values], dtype=object))


def _spans(store: Store) -> Iterator[tuple[int, int]]:
    return map(store.span, sorted(store.done()))


def _read(group: zarr.Group, name: str, span: slice) -> npt.NDArray[Any]:
    return np.asarray(array_of(group, name)[span])


def _keep_worst(
    margin: npt.NDArray[np.float32],
    runs: npt.NDArray[np.int64],
    worst: Floats,
    worst_run: npt.NDArray[np.int64],
) -> None:
    """Keep the smallest margin of each target, ``(run, target)`` → ``(target,)``, and its run."""
    margin = np.where(np.isnan(margin), np.float32(np.inf), margin)
    rows = margin.argmin(axis=0)
    result = margin[rows, np.arange(margin.shape[1])].astype(np.float64)
    better = result < worst
    worst[better], worst_run[better] = result[better], runs[rows[better]]


def shares(verdicts: npt.NDArray[np.int64], *, is_sample: bool) -> tuple[Floats, ...]:
    """Return the share of runs that meet each target, its standard error, and its interval's ends.

    ``verdicts`` (…, verdict) are counts; each array is (…). See `summarise`.
    """
    count = verdicts.sum(axis=-1).astype(np.float64)
    count[verdicts[..., Status.ASSUMED.code] > 0] = np.nan
    count[count == 0] = np.nan
    met = verdicts[..., Status.MET.code]
    share: Floats = met / count
    more = count + NORMAL**2
    middle = (met + NORMAL**2 / 2) / more
    error = np.sqrt(middle * (1 - middle) / more)
    low, high = wilson(met, count)
    nothing = np.full_like(share, np.nan)
    return (share, error, low, high) if is_sample else (share, nothing, nothing, nothing)


def _quantiles(
    store: Store, group: zarr.Group, scenarios: int, years: int, threads: int
) -> tuple[Floats, int]:
    """Return quantiles of each output, few outputs at a time: ``(scenario, output, …)``."""
    result = np.full((scenarios, len(store.outputs), years, len(QUANTILES)), np.nan)
    stride = math.ceil(store.runs / MOST_SORTED)
    spans = [slice(*span) for span in _spans(store)]
    if not spans:
        return result, stride
    # Every k-th run counted from the first, whatever the blocks are.
    firsts = [-span.start % stride for span in spans]
    parts = list(zip(spans, firsts, strict=True))
    status = _column(group, "status", parts, stride)
    belongs = _column(group, "scenario", parts, stride)
    sound = [(status == RunStatus.OK) & (belongs == scenario) for scenario in range(scenarios)]

    def one(index: int) -> None:
        values = _column(group, store.outputs[index], parts, stride)
        for scenario, rows in enumerate(sound):
            ours = values if rows.all() else values[rows]
            if len(ours):
                # By columns, each in one piece.
                result[scenario, index] = _sorted_quantiles(np.ascontiguousarray(ours.T))

    # Each takes some hundred megabytes for millions of runs.
    with ThreadPoolExecutor(min(threads, 2)) as pool:
        list(pool.map(one, range(len(store.outputs))))
    return result, stride


def _sorted_quantiles(values: Floats) -> Floats:
    """Return `QUANTILES` of each row, which is sorted in place: ``(row, value)`` → ``(row, …)``.

    Straight between values, as `numpy.quantile`, which parts where sorting by vectors is four
    times as quick. NaN for a row with NaN.
    """
    values.sort(axis=1)
    parts = np.array(QUANTILES) * (values.shape[1] - 1)
    below = np.floor(parts).astype(np.intp)
    low, high = values[:, below], values[:, np.ceil(parts).astype(np.intp)]
    result: Floats = np.where(low == high, low, low + (high - low) * (parts - below))
    result[np.isnan(values[:, -1])] = np.nan
    return result


def _column(
    group: zarr.Group, name: str, parts: Sequence[tuple[slice, int]], stride: int
) -> npt.NDArray[Any]:
    return np.concatenate([_read(group, name, span)[first::stride] for span, first in parts])
