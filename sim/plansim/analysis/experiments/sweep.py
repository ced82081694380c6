"""Run a design block by block and store every run."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import xarray as xr

from plansim.analysis.evaluator import TILE, Evaluation, Evaluator, Progress, Request, processors
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.layout import SweepJob, new_store, old_store, open_same
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.experiments.store import NO_BREACH, RunBlock, Store, open_sweep
from plansim.analysis.experiments.summary import Summary, write_summary
from plansim.engine.dataset import Origin, with_origin
from plansim.errors import (
    DesignError,
    Fault,
    InputError,
    Message,
    Option,
    OutputError,
    foreign,
    nearest,
)
from plansim.model.records import Model, Timing, VariableKind, cells_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import targets_of
from plansim.targets.indicator import year_indices
from plansim.targets.target import Target, answering_series, judged_targets

__all__ = ["SweepRuns", "block_size", "request_of", "sweep"]


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
    block: int | None = None,
    progress: Progress = lambda done, steps: None,
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
        block: number of runs that are stored together; by default by the number of all.
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
    wanted, origin = targets_of(model, targets), Origin(model, design.scenarios)
    _check_assumed(design, wanted)
    model = for_scenarios(
        model, design.scenarios, (name for factor in design.factors for name in factor.constants)
    )
    job = SweepJob(model, design, request_of(design, wanted, model), Path(path).absolute())
    threads = threads or processors()
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
        progress(made, store.runs)
        blocks: Generator[tuple[int, RunBlock | None]] = (
            _run_on_threads(runs, store, todo, threads)
            if client is None
            else _run_on_workers(job, todo, client)
        )
        for number, results in stack.enter_context(closing(blocks)):
            store.mark(number)
            if results is not None:
                summary.add(number, results)
            made += store.size(number)
            progress(made, store.runs)
        write_summary(store, summary.dataset(threads))
    return with_origin(open_sweep(path), origin)


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
    """Return what a design keeps that names nothing, of a model without targets.

    At most 40 series, in at most 12 of the years that they are saved in.
    """
    clock = design.scenarios[0].time
    times = np.arange(clock.initial, clock.final + clock.saveper / 2, clock.saveper)
    saved = {timing: tuple(year_indices(times, timing)) for timing in Timing}
    moving = [v for v in model.variables.values() if v.kind.moves and saved[v.timing]]
    moving.sort(key=lambda variable: variable.kind is not VariableKind.STOCK)
    cells = [cell for variable in moving for cell in cells_of(model, variable)]
    due = sorted({year for variable in moving for year in saved[variable.timing]})
    step = max(1, -(-len(due) // 12))
    return Request((), tuple(cells[:40]), design.years or tuple(due[::-step][::-1]))


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


# --- blocks ---------------------------------------------------------------------------------------

Task: TypeAlias = Callable[[], None]
"""Fills a part of a block; any thread may run it."""


class SweepRuns:
    """The runs of a design, by blocks of its store: run i is point i // s under scenario i % s.

    ``s`` is the number of scenarios. Random functions of point i draw by NOISE SEED + i.
    """

    def __init__(self, job: SweepJob) -> None:
        """Compile what runs each scenario.

        Raises:
            InputError: a constant that the shape of the code depends on cannot vary.
            ModelError: the compiler does not support the model.
        """
        self.job = job
        self._evaluators = [
            Evaluator(job.model, scenario, job.design.factors, job.request)
            for scenario in job.design.scenarios
        ]
        self._sampler, self._drawing = Sampler(job.design), threading.Lock()

    def begin(self, store: Store, number: int) -> tuple[RunBlock, list[Task]]:
        """Return an empty block of runs, whose points are drawn, and the tasks that fill it."""
        span, scenarios = store.span(number), len(self._evaluators)
        runs = np.arange(span.start, span.stop)
        numbers = runs // scenarios
        with self._drawing:  # quickest where blocks are drawn in their order
            points = self._sampler.draw(int(numbers[0]), int(numbers[-1]) + 1)
        inputs = points[numbers - numbers[0]]  # runs may share the block's first point
        block = store.empty_block(number) | dict(zip(store.factors, inputs.T, strict=True))
        block["scenario"][:] = runs % scenarios

        def fill(evaluator: Evaluator, rows: slice) -> None:
            evaluation = evaluator.evaluate(inputs[rows], seeds=numbers[rows].astype(np.float64))
            _fill(evaluation, {name: array[rows] for name, array in block.items()})

        tasks: list[Task] = [
            partial(fill, evaluator, slice(first, first + TILE * scenarios, scenarios))
            for index, evaluator in enumerate(self._evaluators)
            for first in range((index - span.start) % scenarios, len(runs), TILE * scenarios)
        ]
        return block, tasks


def _fill(evaluation: Evaluation, rows: RunBlock) -> None:
    """Write the results of some runs into their rows of a block.

    The outputs of a failed run are as the engine gives them.
    """
    request = evaluation.request
    for name, readings in zip(request.outputs, evaluation.output_rows, strict=True):
        rows[name][:] = evaluation.values[readings].T
    for column, target in enumerate(request.targets):
        verdicts = evaluation[target.id]
        rows["verdict"][:, column] = verdicts.status
        rows["margin"][:, column] = verdicts.margin
    for column, target in enumerate(request.binding):
        breach = evaluation[target.id].first_breach
        rows["first_breach"][:, column] = np.nan_to_num(breach, nan=NO_BREACH)
    rows["status"][:] = evaluation.status
    rows["bad_variable"][:] = evaluation.failed_variable
    rows["bad_time"][:] = evaluation.failed_time


def _run_on_threads(
    runs: SweepRuns, store: Store, todo: Sequence[int], threads: int
) -> Generator[tuple[int, RunBlock]]:
    """Fill blocks on threads: neither the engine nor numpy holds the interpreter's lock.

    This thread draws the points of blocks ahead, and stores those that are filled, in their order:
    what waits for the disk does not simulate, and the last block is filled by all threads.
    """
    waiting: deque[tuple[int, RunBlock, list[Future[None]]]] = deque()

    def first_stored() -> tuple[int, RunBlock]:
        number, block, parts = waiting.popleft()
        for part in parts:
            part.result()
        store.write(number, block)
        return number, block

    pool = ThreadPoolExecutor(threads)
    try:
        for number in todo:
            block, tasks = runs.begin(store, number)
            waiting.append((number, block, [pool.submit(task) for task in tasks]))
            if len(waiting) > threads:
                yield first_stored()
        while waiting:
            yield first_stored()
    finally:
        pool.shutdown(cancel_futures=True)


PATIENCE = "20s"
"""How long a scheduler may take to answer."""


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """Yield a client of the Dask scheduler at an address; None without an address.

    Raises:
        InputError: no scheduler answers, or the package for it is missing.
    """
    if address is None:
        yield None
        return
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        raise InputError(
            "a scheduler needs the extra 'distributed'", expected="plansim[distributed]"
        ) from None
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError("no scheduler answers", address, found=str(error)) from None
    with client:
        yield client


def _run_on_workers(job: SweepJob, todo: Sequence[int], client: Any) -> Generator[tuple[int, None]]:
    """Run blocks on the workers of a Dask scheduler, which store the results themselves.

    A task that is lost with its worker is run again by another.
    """
    distributed: Any = import_module("distributed")
    address = client.scheduler.address
    # As a task, the job stays known to the scheduler and survives any worker.
    sent = client.submit(_same, job, key=f"plansim-job-{os.urandom(8).hex()}")
    tasks = [client.submit(_run_block, sent, number, retries=2, pure=False) for number in todo]
    try:
        for task in distributed.as_completed(tasks, loop=client.loop):
            yield task.result(), None
    except (distributed.KilledWorker, distributed.CancelledError, OSError) as error:
        lost = Message(
            "the workers or their scheduler died; {resume} goes on from there",
            resume=Option.RESUME,
        )
        raise OutputError(lost, address, found=foreign(error)) from None
    except BaseException:
        client.cancel(tasks)
        raise


def _same(job: SweepJob) -> SweepJob:
    return job


def _run_block(job: SweepJob, number: int) -> int:
    """Run a block in a worker process."""
    from distributed import get_worker

    worker: Any = get_worker()
    # What runs is compiled once in each worker process, not once for each task.
    opened = getattr(worker, "plansim_runs", None)
    if opened is None or opened[0].job is not job:
        opened = worker.plansim_runs = (SweepRuns(job), open_same(job))
    runs, store = opened
    block, tasks = runs.begin(store, number)
    for task in tasks:
        task()
    store.write(number, block)
    return number
