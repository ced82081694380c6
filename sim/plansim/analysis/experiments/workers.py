"""Blocks of a study on threads of this machine, or on the workers of a Dask scheduler."""

from __future__ import annotations

import importlib
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

from plansim.analysis.evaluator import processors
from plansim.analysis.experiments.store import RunBlock
from plansim.errors import Fault, InputError, Message, OutputError, foreign
from plansim.scenario.factors import FloatArray

__all__ = ["BlockRunner", "Done", "Job", "Task", "connected", "run_blocks"]

Task: TypeAlias = Callable[[], None]
"""Fills a part of a block; any thread may run it."""

Done: TypeAlias = Callable[[int, "RunBlock | None"], None]
"""Called with the number of a block that was stored, and the block if this process filled it."""


class BlockRunner(Protocol):
    """Runs the blocks of a study. Threads may share it."""

    def drawer(self) -> Callable[[int], FloatArray]:
        """Return a function that draws the points of a block, by its number.

        It is not safe for threads, and quickest where blocks are drawn in their order.
        """

    def begin(self, number: int, points: FloatArray) -> tuple[RunBlock, Sequence[Task]]:
        """Return a block that is still empty, and the tasks that fill it, in any order.

        ``points`` are what was drawn for it.
        """

    def write(self, number: int, block: RunBlock) -> None:
        """Store a block that was filled."""


class Job(Protocol):
    """A study as it is sent to the processes that run its blocks: it can be pickled."""

    def open(self) -> BlockRunner:
        """Make ready to run blocks in this process."""


def run_blocks(
    job: Job, numbers: Sequence[int], done: Done, *, threads: int | None = None, client: Any = None
) -> None:
    """Run blocks of a study.

    Args:
        job: the study.
        numbers: the blocks, in rising order.
        done: is called in this thread for each block that was stored.
        threads: how many threads of this process simulate; None for as many as there are
            processors.
        client: of a Dask scheduler whose workers run the blocks instead; see `connected`.

    Raises:
        OutputError: the workers or their scheduler died.
    """
    if numbers and client is None:
        _run_on_threads(job, numbers, done, processors() if threads is None else threads)
    elif numbers:
        _run_on_workers(job, numbers, done, client)


def _run_on_threads(job: Job, todo: Sequence[int], done: Done, threads: int) -> None:
    """Fill blocks on threads: neither the engine nor numpy holds the interpreter's lock.

    This thread draws the points of blocks ahead, and stores those that are filled, in their order:
    what waits for the disk does not simulate, and the last block is filled by all threads.
    """
    runner = job.open()
    draw = runner.drawer()
    waiting: deque[tuple[int, RunBlock, list[Future[None]]]] = deque()

    def store_first() -> None:
        number, block, parts = waiting[0]
        for part in parts:
            part.result()
        runner.write(number, block)
        done(number, block)
        waiting.popleft()

    pool = ThreadPoolExecutor(threads)
    try:
        for number in todo:
            block, tasks = runner.begin(number, draw(number))
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

PER_TASK = 8
"""Maximum number of blocks in a task: one worker runs them one after the other."""


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


def _run_on_workers(job: Job, todo: Sequence[int], done: Done, client: Any) -> None:
    """Run blocks on the workers of a Dask scheduler, which store the results themselves.

    A task that is lost with its worker is run again by another.
    """
    distributed: Any = importlib.import_module("distributed")
    address = client.scheduler.address
    # As a task, the job stays known to the scheduler and survives any worker.
    sent = client.submit(_same, job, key=f"plansim-job-{os.urandom(8).hex()}")
    tasks = [
        client.submit(_run_task, sent, numbers, retries=2, pure=False)
        for numbers in _portions(todo, sum(client.ncores().values()))
    ]
    try:
        for task in distributed.as_completed(tasks, loop=client.loop):
            for number in task.result():
                done(number, None)
    except (distributed.KilledWorker, distributed.CancelledError, OSError) as error:
        lost = Message("the workers or their scheduler died; --resume goes on from there")
        raise OutputError(lost, address, found=foreign(error)) from None
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


def _run_task(job: Job, numbers: Sequence[int]) -> list[int]:
    """Run some blocks in a worker process."""
    from distributed import get_worker

    worker: Any = get_worker()
    # A job is opened once in each worker process, not once for each task.
    opened = getattr(worker, "plansim_job", None)
    if opened is None or opened[0] is not job:
        opened = worker.plansim_job = (job, job.open())
    runner: BlockRunner = opened[1]
    draw = runner.drawer()
    for number in numbers:
        block, tasks = runner.begin(number, draw(number))
        for task in tasks:
            task()
        runner.write(number, block)
    return list(numbers)
