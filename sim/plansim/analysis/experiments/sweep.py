"""Run a design block by block and store every run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import xarray as xr

from plansim.analysis.evaluator import Progress, Request, processors
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.layout import SweepJob, new_store, old_store
from plansim.analysis.experiments.store import RunBlock, open_sweep
from plansim.analysis.experiments.summary import Summary, write_summary
from plansim.analysis.experiments.workers import SweepRuns, connected, run_blocks
from plansim.engine.dataset import Origin, with_origin
from plansim.errors import DesignError, Fault, nearest
from plansim.model.records import Model, Timing, VariableKind, cells_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import targets_of
from plansim.targets.indicator import moment
from plansim.targets.target import Target, answering_series, judged_targets

__all__ = ["block_size", "request_of", "run_sweep", "sweep"]

_MOST_OUTPUTS = 40
"""Number of series that are kept at most where nothing says which."""
_MOST_YEARS = 12
"""And of years."""


def sweep(
    model: Model,
    design: Design | str | Path,
    path: str | Path,
    *,
    targets: Sequence[Target | str] | None = None,
    samples: int | None = None,
    seed: int | None = None,
    resume: bool = False,
    force: bool = False,
    threads: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run a design, store every run at ``path``, and return the runs, as `open_sweep` does.

    The result of a run depends only on the design, its seed and the run's number: not on
    ``threads``, the ``scheduler``, or on interruptions.

    Args:
        model: the model.
        design: a design, or the name or path of one (`read_design`).
        path: a folder, by custom called ``….zarr``.
        targets: records or ids; by default those of the catalogue beside the model.
        samples: points of a sample, if ``design`` is named; by default those of its file.
        seed: of its random numbers, if it is named; by default that of its file.
        resume: keep the blocks that are there already.
        force: replace an earlier result.
        threads: by default one a processor.
        scheduler: address of a Dask scheduler whose workers run the blocks.
        progress: is told how many runs are done, of how many.

    Raises:
        DesignError: the result at ``path`` was begun with another design, model or version, or a
            scenario assumes an unknown target.
        InputError: there is nothing to resume, or a worker does not see the result.
        OutputError: ``path`` exists, or the system refuses to write.
        ModelError: the model cannot be compiled.

    >>> model = plansim.load_model("lake.mdl")
    >>> study = plansim.sweep(model, "design.yaml", "lake.zarr", force=True, threads=1)
    >>> study.plansim.shares()[["target", "share", "members"]].round(2)
      target  share  members
    0     F1   0.36       64
    1     F2   1.00       64
    """
    if not isinstance(design, Design):
        design = read_design(design, model, samples=samples, seed=seed)
    run_sweep(
        design,
        model,
        targets_of(model, targets),
        Path(path),
        resume=resume,
        force=force,
        threads=threads,
        scheduler=scheduler,
        progress=progress,
    )
    return with_origin(open_sweep(path), Origin(model, design.scenarios))


def run_sweep(
    design: Design,
    model: Model,
    targets: Sequence[Target],
    path: Path,
    *,
    resume: bool = False,
    force: bool = False,
    threads: int | None = None,
    scheduler: str | None = None,
    block: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Do as `sweep`, by ``block``s of so many runs; return the summary, which is stored too.

    Raises:
        DesignError: as for `sweep`, as are all other errors.
    """
    _check_assumed(design, targets)
    model = for_scenarios(
        model, design.scenarios, (name for factor in design.factors for name in factor.constants)
    )
    job = SweepJob(model, design, request_of(design, targets, model), path.absolute())
    with ExitStack() as stack:
        # What is refused is refused before anything is written, or replaced. What draws is slow to
        # load; meanwhile LLVM, which needs no lock of Python, compiles.
        with ThreadPoolExecutor(1) as pool:
            if design.kind.is_sample:
                pool.submit(import_module, "scipy.stats")
            runs = SweepRuns(job)
        client = stack.enter_context(connected(scheduler))
        size = block or block_size(design)
        stored = old_store(job) if resume else new_store(job, size, force=force)
        store = stack.enter_context(stored)
        todo = sorted(set(range(store.blocks)) - store.done())
        summary, made = Summary(store), store.made()

        def told(more: int) -> None:
            nonlocal made
            made += more
            if progress is not None:
                progress(made, store.runs)

        def done(number: int, block: RunBlock | None) -> None:
            store.mark(number)
            told(len(range(store.runs)[store.span(number)]))
            if block is not None:
                summary.add(number, block)

        told(0)
        run_blocks(runs, store, todo, done, threads=threads, client=client)
        dataset = summary.dataset(processors() if threads is None else threads)
        write_summary(store, dataset)
    return dataset


def block_size(design: Design) -> int:
    """Return a block size, a power of two small enough for memory, threads and interruptions.

    >>> import types
    >>> [block_size(types.SimpleNamespace(runs=n)) for n in (100, 10**5, 10**6, 10**8)]
    [512, 8192, 32768, 131072]
    """
    wished = max(min(design.runs // 16, 32768), min(design.runs // 1024, 131072), 512)
    return 1 << (wished - 1).bit_length()


def request_of(design: Design, targets: Sequence[Target], model: Model) -> Request:
    """Return what a design keeps of each run.

    These are the design's outputs and years, or else the series that targets are judged by in the
    years of the targets and of their horizons. Without targets either they are stocks, then other
    variables that move, in years that the runs save.
    """
    judged = judged_targets(targets)
    due = {target.year for target in judged if target.year is not None}
    if not judged and not design.outputs:
        return _unasked(design, model)
    return Request(
        # They are pickled for other processes, which mapping proxies do not support.
        tuple(replace(target, variables=dict(target.variables)) for target in judged),
        outputs=design.outputs or answering_series(judged),
        years=design.years or tuple(sorted(due | {target.horizon for target in judged})),
    )


def _unasked(design: Design, model: Model) -> Request:
    """Return what a design keeps that names nothing, of a model without targets."""
    time = design.scenarios[0].time
    years = range(math.floor(time.initial), math.floor(time.final) + 1)

    def saved(timing: Timing) -> list[int]:
        asked = [((moment(timing, year) - time.initial) / time.saveper, year) for year in years]
        last = (time.final - time.initial) / time.saveper
        return [year for at, year in asked if 0 <= at <= last and abs(at - round(at)) < 1e-9]

    reached = {timing: saved(timing) for timing in Timing}
    moving = [v for v in model.variables.values() if v.kind.moves and reached[v.timing]]
    moving.sort(key=lambda variable: variable.kind is not VariableKind.STOCK)
    cells = [cell for variable in moving for cell in cells_of(model, variable)]
    due = sorted({year for variable in moving for year in reached[variable.timing]})
    step = max(1, -(-len(due) // _MOST_YEARS))
    return Request(
        (), outputs=tuple(cells[:_MOST_OUTPUTS]), years=design.years or tuple(due[::-step][::-1])
    )


def _check_assumed(design: Design, targets: Sequence[Target]) -> None:
    """Check that the targets that scenarios assume exist."""
    ids = [target.id for target in targets]
    faults = [
        Fault("no target has the id '{id}'", file, line, nearest=nearest(key, ids), id=key)
        for scenario in design.scenarios
        for key, (file, line) in scenario.assumed_lines.items()
        if key not in ids
    ]
    if faults:
        raise DesignError(dict.fromkeys(faults))
