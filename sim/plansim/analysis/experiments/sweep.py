"""Run a design block by block: on threads of this machine, or on the workers of a scheduler."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import xarray as xr

from plansim.analysis.experiments.block import Bench, Wants, wants_of
from plansim.analysis.experiments.design import Design, Sampler, describe
from plansim.analysis.experiments.store import (
    Store,
    check_same,
    create_store,
    open_store,
    remove_store,
    write_summary,
)
from plansim.analysis.experiments.summary import summarise
from plansim.analysis.runs import Engine, compiled
from plansim.engine.trajectory import version_of
from plansim.errors import DesignError, Fault, InputError, OutputError, nearest
from plansim.model.records import Model
from plansim.targets.catalogue import Target

__all__ = ["Progress", "block_size", "processors", "sweep"]

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many runs are done, and how many there are in all."""


def sweep(
    design: Design,
    model: Model,
    targets: Sequence[Target],
    path: Path,
    *,
    engine: Engine = compiled,
    resume: bool = False,
    force: bool = False,
    threads: int | None = None,
    scheduler: str | None = None,
    block: int | None = None,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Run a design and store every run at ``path``; give the summary, which is stored too.

    What a run gives depends on the design, its seed and the run's number alone: not on
    ``threads`` (None: as many as there are processors), on the ``scheduler`` of Dask whose workers
    run the blocks, on the size of a ``block``, or on what was interrupted and resumed. With
    ``resume``, the blocks that are there already are kept; with ``force``, an earlier result is
    replaced.

    Raises:
        DesignError: the result at ``path`` was begun with another design, model or version, or a
            scenario takes a target as given that there is not.
        InputError: there is nothing to resume, or a worker does not see the result.
        OutputError: something stands at ``path``, or the system refuses to write.
        ModelError: the engine cannot run the model.
    """
    _check_assumed(design, targets)
    wants = wants_of(model, design, targets)
    card = _card(design, model, wants, engine)
    store = _store(design, model, wants, card, path, resume, force, block or block_size(design))
    todo = sorted(set(range(store.blocks)) - store.done())
    job = Job(model, design, wants, engine)
    report = _Reporter(store, progress)
    threads = processors() if threads is None else threads
    if todo and scheduler is None:
        _run_here(job, store, todo, threads, report)
    elif todo:
        _run_there(job, store, todo, str(scheduler), report)
    summary = summarise(store, threads)
    write_summary(store, summary)
    return summary


def block_size(design: Design) -> int:
    """Give a size of blocks, a power of two: small enough for memory, for threads and a loss.

    >>> import types
    >>> [block_size(types.SimpleNamespace(runs=n)) for n in (100, 10**5, 10**6, 10**8)]
    [512, 8192, 32768, 131072]
    """
    wished = max(min(design.runs // 16, 32768), min(design.runs // 1024, 131072), 512)
    return 1 << (wished - 1).bit_length()


def processors() -> int:
    """Give the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_assumed(design: Design, targets: Sequence[Target]) -> None:
    """See that what the scenarios take as given are targets."""
    ids = [target.id for target in targets]
    faults = [
        Fault(f"no target has the id '{key}'", file, line, nearest=nearest(key, ids))
        for scenario in design.scenarios
        for key, (file, line) in scenario.assumed_lines.items()
        if key not in ids
    ]
    if faults:
        raise DesignError(dict.fromkeys(faults))


def _card(design: Design, model: Model, wants: Wants, engine: Engine) -> dict[str, Any]:
    """Say all that the stored values depend on."""
    return {
        "design": describe(design),
        "model": {"name": model.name, "sha256": model.sha256},
        "method": "Euler",
        "targets": {each.id: _described(each) for each in wants.targets},
        "versions": {
            "engine": f"{engine.__module__}.{getattr(engine, '__qualname__', '')}",
            **{name: version_of(name) for name in ("plansim", "numpy", "scipy")},
        },
    }


def _described(target: Target) -> list[Any]:
    """Give what a verdict depends on."""
    return [
        target.value,
        target.direction,
        target.tolerance,
        target.unit,
        target.measure,
        target.since,
        target.year,
        target.horizon,
        target.attribute,
        {str(basis or ""): name for basis, name in target.variables.items()},
    ]


def _store(
    design: Design,
    model: Model,
    wants: Wants,
    card: Mapping[str, Any],
    path: Path,
    resume: bool,
    force: bool,
    block: int,
) -> Store:
    """Create the store, or open the one to be resumed."""
    if resume:
        store = open_store(path)
        check_same(store, card)
        store.mend()
        return store
    if path.exists():
        if not force:
            message = "the result exists already; --resume goes on with it, --force replaces it"
            raise OutputError(Fault(message, path))
        remove_store(path)
    return create_store(path, model, design, wants, card, block)


@dataclass(frozen=True)
class Job:
    """What it takes to run any block of a sweep, in this process or another."""

    model: Model
    design: Design
    wants: Wants
    engine: Engine

    def bench(self) -> Bench:
        """Make ready to run."""
        return Bench(self.model, self.design, self.wants, self.engine)


class _Reporter:
    """Marks blocks as done and says how far a sweep is. One thread at a time may call it."""

    def __init__(self, store: Store, progress: Progress | None) -> None:
        self._store = store
        self._progress = progress
        spans = map(store.span, store.done())
        self._done = sum(stop - start for start, stop in spans)
        self._tell()

    def done(self, number: int) -> None:
        self._store.mark(number)
        start, stop = self._store.span(number)
        self._done += stop - start
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(self._done, self._store.runs)


# --- on this machine ------------------------------------------------------------------------------


def _run_here(job: Job, store: Store, todo: Iterable[int], threads: int, report: _Reporter) -> None:
    """Run blocks on threads: neither the engine nor numpy holds the interpreter's lock."""
    bench, writer, sampler = job.bench(), store.writer(), Sampler(job.design)
    turn, stop = threading.Lock(), threading.Event()
    numbers = iter(todo)
    errors: list[BaseException] = []

    def work() -> None:
        try:
            while not stop.is_set():
                with turn:  # points are drawn in the order of the runs
                    number = next(numbers, None)
                    if number is None:
                        return
                    points = bench.draw(sampler, *store.span(number))
                writer.write(number, bench.block(*store.span(number), points))
                with turn:
                    report.done(number)
        except BaseException as error:
            errors.append(error)
            stop.set()

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(0.1)  # a wait without end would not hear Ctrl-C
    except KeyboardInterrupt:
        stop.set()
        for worker in workers:
            worker.join()  # the blocks in hand are finished and kept
        raise
    if errors:
        raise errors[0]


# --- on the workers of a scheduler ----------------------------------------------------------------

PATIENCE = "20s"
"""How long a scheduler may take to answer."""

PER_TASK = 8
"""Blocks in a task at most: they are run one after the other, by one worker."""


def _run_there(
    job: Job, store: Store, todo: Sequence[int], address: str, report: _Reporter
) -> None:
    """Run blocks on the workers of a Dask scheduler, which write to the store themselves.

    A task that is lost with its worker is run again by another: it writes the same values to the
    same place. Only this process notes what is done.
    """
    try:
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        fault = Fault("--scheduler needs the extra 'distributed'", expected="plansim[distributed]")
        raise InputError(fault) from None
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(Fault("no scheduler answers", address, found=str(error))) from None
    with client:
        # As a task, the job stays known to the scheduler and survives any worker.
        sent = client.submit(_same, job, key=f"plansim-job-{os.urandom(8).hex()}")
        path = str(store.path.absolute())
        tasks = [
            client.submit(_run_blocks, sent, path, numbers, retries=2, pure=False)
            for numbers in _portions(todo, sum(client.ncores().values()))
        ]
        try:
            for task in distributed.as_completed(tasks, loop=client.loop):
                for number in task.result():
                    report.done(number)
        except BaseException:
            client.cancel(tasks)
            raise


def _portions(todo: Sequence[int], processors: int) -> Iterator[list[int]]:
    """Cut blocks into tasks: as large as may be, with some for each processor to the end."""
    size = max(1, min(PER_TASK, len(todo) // (4 * max(processors, 1))))
    for first in range(0, len(todo), size):
        yield list(todo[first : first + size])


def _same(job: Job) -> Job:
    return job


def _run_blocks(job: Job, path: str, numbers: Sequence[int]) -> list[int]:
    """Run some blocks in a worker process."""
    store = open_store(Path(path))
    expected = _card(job.design, job.model, job.wants, job.engine)
    check_same(store, expected)
    bench, writer, sampler = _bench(job), store.writer(), Sampler(job.design)
    for number in numbers:
        points = bench.draw(sampler, *store.span(number))
        writer.write(number, bench.block(*store.span(number), points))
    return list(numbers)


def _bench(job: Job) -> Bench:
    """Make a job ready once for each worker process, not once for each task."""
    from distributed import get_worker

    worker: Any = get_worker()
    kept = getattr(worker, "plansim_bench", None)
    if kept is None or kept[0] is not job:
        kept = (job, job.bench())
        worker.plansim_bench = kept
    bench: Bench = kept[1]
    return bench
