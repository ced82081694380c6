"""How long a million runs take, as a user has them: by the command, and stage by stage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from plansim.analysis.evaluator import TILE, Evaluator, Request
from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.layout import SweepJob, new_store
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.experiments.summary import Summary
from plansim.analysis.experiments.sweep import SweepRuns, request_of
from plansim.engine.readings import CompiledRuns
from plansim.files.shipped import shipped
from plansim.model.records import Model
from plansim.scenario.factors import FloatArray, constants_of
from plansim.targets.catalogue import load_targets

__all__ = ["FEW", "MILLION", "design_of", "stages", "whole"]

MILLION = 1_000_000
FEW = 512
PATH = shipped("scenarios", "sweeps") / "growth-investment.yaml"
BLOCK = 32768


def design_of(model: Model, runs: int) -> Design:
    return replace(read_design(PATH, model), points=runs)


def stages(model: Model) -> dict[str, float]:
    """Give the processor time of each stage of a block, in microseconds a run, on one thread."""
    design = design_of(model, 2 * BLOCK)
    request = request_of(design, load_targets(model=model), model)
    simulate = _simulation(model, design, request)
    found: dict[str, list[float]] = {}

    def cpu(name: str, work: Callable[[], object]) -> None:
        start = time.process_time()  # files are written by a thread of their own
        work()
        found.setdefault(name, []).append((time.process_time() - start) / BLOCK * 1e6)

    with tempfile.TemporaryDirectory() as folder:
        job = SweepJob(model, design, request, Path(folder, "r.zarr"))
        runs = SweepRuns(job)
        with new_store(job, BLOCK) as store:
            summary = Summary(store)
            Summary(store).dataset()  # loads what others have loaded long ago
            for number in range(store.blocks):
                span = store.span(number)
                points = Sampler(design).draw(span.start, span.stop)
                cpu("drawn", lambda s=span: Sampler(design).draw(s.start, s.stop))  # type: ignore[misc]
                cpu("simulated", lambda p=points: simulate(p))  # type: ignore[misc]
                block, tasks = runs.begin(store, number)
                cpu("simulated and judged", lambda t=tasks: [task() for task in t])  # type: ignore[misc]
                cpu("written", lambda n=number, f=block: store.write(n, f))  # type: ignore[misc]
                store.mark(number)
                cpu("summarised", lambda n=number, f=block: summary.add(n, f))  # type: ignore[misc]
            cpu("summarised at the end", summary.dataset)
    least = {name: min(times) for name, times in found.items()}
    least["summarised"] += least.pop("summarised at the end") / store.blocks
    least["judged"] = least.pop("simulated and judged") - least["simulated"]
    return least


def _simulation(model: Model, design: Design, request: Request) -> Callable[[FloatArray], None]:
    """Return what simulates points tile by tile, without judging them."""
    scenario = design.scenarios[0]
    readings = Evaluator(model, scenario, design.factors, request).readings
    constants = [name for factor in design.factors for name in factor.constants]
    runs = CompiledRuns(model, scenario, constants, readings)

    def run(points: FloatArray) -> None:
        for first in range(0, len(points), TILE):
            tile = points[first : first + TILE]
            runs.simulate(constants_of(model, scenario.values, design.factors, tile))

    return run


def whole(runs: int, threads: int, cache: str | None = None) -> tuple[float, float, float, int]:
    """Run ``plansim sweep`` in a process of its own, with an empty cache if none is given.

    Gives its wall time and processor time in seconds, its most memory in GiB, and the bytes that
    it wrote.
    """
    code = (
        "import json, resource, sys\nfrom plansim.cli.main import main\ncode = main(sys.argv[1:])\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss]), file=sys.stderr)\n"
        "sys.exit(code)"
    )
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.zarr")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code, "sweep", str(PATH), "-n", str(runs), "-o", str(result),
             "--threads", str(threads)],
            env={**os.environ, "PLANSIM_CACHE": cache or folder},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        wall = time.perf_counter() - start
        size = sum(path.stat().st_size for path in result.rglob("*") if path.is_file())
    used, most = json.loads(done.stderr.splitlines()[-1])
    kilo = 1 if sys.platform == "darwin" else 1024
    return wall, used, most * kilo / 2**30, size
