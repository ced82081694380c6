"""Blocks of a sweep on threads of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

import importlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from plansim.analysis.evaluator import TILE, Evaluation, Evaluator, processors
from plansim.analysis.experiments.layout import SweepJob, open_same
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.experiments.store import NO_BREACH, RunBlock, Store
from plansim.errors import Fault, InputError, Message, OutputError, foreign

__all__ = ["Done", "SweepRuns", "Task", "connected", "run_blocks"]

Task: TypeAlias = Callable[[], None]
"""Fills a part of a block; any thread may run it."""

Done: TypeAlias = Callable[[int, "RunBlock | None"], None]
"""Called with the number of a block that was stored, and the block if this process filled it."""


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
        rows[name][:] = evaluation.readings[readings].T
    binding = {target.id: column for column, target in enumerate(request.binding)}
    for column, target in enumerate(request.targets):
        verdicts = evaluation[target.id]
        rows["verdict"][:, column] = verdicts.status
        rows["margin"][:, column] = verdicts.margin
        if target.id in binding:
            breach = verdicts.first_breach
            rows["first_breach"][:, binding[target.id]] = np.where(
                np.isnan(breach), NO_BREACH, breach
            )
    rows["status"][:] = evaluation.status
    rows["bad_variable"][:] = evaluation.failed_variable
    rows["bad_time"][:] = evaluation.failed_time


def run_blocks(
    runs: SweepRuns,
    store: Store,
    numbers: Sequence[int],
    done: Done,
    *,
    threads: int | None = None,
    client: Any = None,
) -> None:
    """Run blocks of a sweep.

    Args:
        runs: the runs.
        store: where they are stored.
        numbers: the blocks, in rising order.
        done: is called in this thread for each block that was stored.
        threads: how many threads of this process simulate; None for as many as there are
            processors.
        client: of a Dask scheduler whose workers run the blocks instead; see `connected`.

    Raises:
        OutputError: the workers or their scheduler died.
    """
    if numbers and client is None:
        _run_on_threads(runs, store, numbers, done, threads or processors())
    elif numbers:
        _run_on_workers(runs.job, numbers, done, client)


def _run_on_threads(
    runs: SweepRuns, store: Store, todo: Sequence[int], done: Done, threads: int
) -> None:
    """Fill blocks on threads: neither the engine nor numpy holds the interpreter's lock.

    This thread draws the points of blocks ahead, and stores those that are filled, in their order:
    what waits for the disk does not simulate, and the last block is filled by all threads.
    """
    waiting: deque[tuple[int, RunBlock, list[Future[None]]]] = deque()

    def store_first() -> None:
        number, block, parts = waiting[0]
        for part in parts:
            part.result()
        store.write(number, block)
        done(number, block)
        waiting.popleft()

    pool = ThreadPoolExecutor(threads)
    try:
        for number in todo:
            block, tasks = runs.begin(store, number)
            waiting.append((number, block, [pool.submit(task) for task in tasks]))
            if len(waiting) > threads:
                store_first()
        while waiting:
            store_first()
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        while waiting and not any(part.cancelled() for part in waiting[0][2]):
            store_first()  # what is filled is kept
        raise
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
        distributed: Any = importlib.import_module("distributed")
    except ImportError:
        fault = Fault("--scheduler needs the extra 'distributed'", expected="plansim[distributed]")
        raise InputError(fault) from None
    try:
        client = distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError("no scheduler answers", address, found=str(error)) from None
    with client:
        yield client


def _run_on_workers(job: SweepJob, todo: Sequence[int], done: Done, client: Any) -> None:
    """Run blocks on the workers of a Dask scheduler, which store the results themselves.

    A task that is lost with its worker is run again by another.
    """
    distributed: Any = importlib.import_module("distributed")
    address = client.scheduler.address
    # As a task, the job stays known to the scheduler and survives any worker.
    sent = client.submit(_same, job, key=f"plansim-job-{os.urandom(8).hex()}")
    tasks = [client.submit(_run_block, sent, number, retries=2, pure=False) for number in todo]
    try:
        for task in distributed.as_completed(tasks, loop=client.loop):
            done(task.result(), None)
    except (distributed.KilledWorker, distributed.CancelledError, OSError) as error:
        lost = Message("the workers or their scheduler died; --resume goes on from there")
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
