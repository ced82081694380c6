"""How fast the engines are, side by side: ``make bench`` prints this and writes it to docs.

Rates depend on the machine and on what else it does. Ratios are medians over rounds in which every
engine has its turn; nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import simlin

from plansim.analysis.evaluator import Evaluator
from plansim.analysis.experiments.design import Design, Sampler
from plansim.analysis.experiments.sweep import request_of
from plansim.compiler.llvm.writer import LANES
from plansim.compiler.native import Platform, Processor, host_platform, processors
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.engine.simulate import simulate
from plansim.model.reader import load_model
from plansim.model.records import Model, TimeSpec, VariableKind
from plansim.scenario.factors import FloatArray, constants_of
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from plansim.targets.target import variable_of
from tests.bench.sweeps import FEW, MILLION, PATH, design_of, stages, whole
from tests.bench.tables import (
    RUNS_WITH_TABLES,
    TABLES,
    compiled,
    model_with_tables,
    seconds_of_tables,
)

YEARS = [2010, 2015, 2020]
ROUNDS, RUNS = 7, 8192
PAGE = Path(__file__).parents[2] / "docs" / "results" / "performance.md"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def cpu_of_children(work: Callable[[], object]) -> float:
    """Give the processor time of the processes that some work starts and awaits."""
    start = os.times()
    work()
    end = os.times()
    return end.children_user - start.children_user + end.children_system - start.children_system


def drawn(kernel: Kernel, design: Design, runs: int) -> FloatArray:
    """Give inputs as the design draws them."""
    constants = [each for factor in design.factors for each in factor.constants]
    values = design.scenarios[0].values
    points = Sampler(design).draw(0, runs)
    table = constants_of(load_model(), values, design.factors, points)
    return np.ascontiguousarray(table[:, [constants.index(name) for name in kernel.inputs]])


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


@dataclass(frozen=True)
class Case:
    """What is measured: the kernel of a shipped sweep."""

    model: Model
    design: Design
    vary: list[str]
    outputs: list[str]

    @property
    def clock(self) -> TimeSpec:
        return self.design.scenarios[0].time

    @property
    def values(self) -> dict[str, float]:
        return dict(self.design.scenarios[0].values)

    def kernel(self, processor: Processor | None = None) -> Kernel:
        target = None if processor is None else Platform(host_platform().triple, processor)
        return compile_model(self.model, vary=self.vary, outputs=self.outputs, values=self.values,
                             cache=False, target=target)  # fmt: skip


def case(runs: int) -> Case:
    model = load_model()
    design = design_of(model, runs)
    request = request_of(design, load_targets(model=model), model)
    evaluator = Evaluator(model, design.scenarios[0], design.factors, request)
    names = (variable_of(model, each.series).name for each in evaluator.readings)
    vary = [each for factor in design.factors for each in factor.constants]
    return Case(model, design, vary, list(dict.fromkeys(names)))


def steps(clock: TimeSpec) -> int:
    return round((clock.final - clock.initial) / clock.step) + 1


def measured() -> list[tuple[str, str]]:
    runs = RUNS
    it = case(runs)
    model, clock = it.model, it.clock
    made: list[Kernel] = []
    compile_time = seconds(lambda: made.append(it.kernel()))
    constants = [v.name for v in model.variables.values() if v.kind is VariableKind.CONSTANT]
    every = seconds(lambda: compile_model(model, vary=constants, effort=0, cache=False))
    kernel = made[0]
    inputs = drawn(kernel, it.design, runs)
    project = simlin.load(model.path)
    simulate(model, cache=False, engine="pysd")
    rates: dict[str, list[float]] = {}

    def note(name: str, runs: int, work: Callable[[], object]) -> None:
        rates.setdefault(name, []).append(runs / seconds(work))

    def run(k: Kernel, table: FloatArray, time: TimeSpec, threads: int = 1) -> None:
        simulate_ensemble(k, table, time, keep=YEARS, threads=threads)

    others = {each: it.kernel(each) for each in processors()[1:]}
    for _ in range(ROUNDS):
        for threads in (1, 2):
            note(f"{threads}", runs, lambda n=threads: run(kernel, inputs, clock, n))  # type: ignore[misc]
        for name, other in others.items():
            few = inputs[: runs // 8]
            note(f"on {name}", len(few), lambda k=other, i=few: run(k, i, clock))  # type: ignore[misc]
        # The file's own clock, as the other engines have it.
        few = inputs[: runs // 8]
        note("file's step", len(few), lambda i=few: run(kernel, i, model.time))  # type: ignore[misc]
        note("simlin", 1, lambda: project.run(analyze_loops=False))
    for _ in range(2):
        note("pysd", 1, lambda: simulate(model, as_written(model), cache=False, engine="pysd"))
    median = {name: statistics.median(found) for name, found in rates.items()}

    def ratio(a: str, b: str) -> str:
        """Give the median of ratios within rounds, and the ends of what they were."""
        found = [x / y for x, y in zip(rates[a], rates[b], strict=False)]
        middle = statistics.median(found)
        digits = 2 if middle < 10 else 0
        return f"{middle:,.{digits}f} ({min(found):,.{digits}f} to {max(found):,.{digits}f})"

    rows = [
        ("machine", f"{processor()}, {os.cpu_count()} cores, {host_platform().processor}"),
        ("versions", ", ".join(f"{name} {version(name)}" for name in
                               ("llvmlite", "numpy", "pysd", "pysimlin"))
         + f", Python {platform.python_version()}"),
        ("model", f"{model.name} under `{PATH.name}`: {kernel.equations} of its scalar equations "
                  f"are needed at each of {steps(clock)} steps; {len(kernel.outputs)} outputs at "
                  f"{len(YEARS)} years, {len(kernel.inputs)} inputs, vectors of {LANES} runs"),
        ("compiled for these inputs and outputs", f"{compile_time:.2f} s"),
        ("compiled for one run (all constants in, all variables out)", f"{every:.2f} s"),
        ("one thread", f"{median['1']:,.0f} runs/s, "
                       f"{median['1'] * kernel.equations * steps(clock):.2e} equations/s"),
        ("two threads over one", ratio("2", "1")),
        *((f"one thread over code for {each.value or 'any processor of the family'}",
           ratio("1", f"on {each}")) for each in others),
        (f"one thread over pysimlin, both at the file's {steps(model.time)} steps",
         ratio("file's step", "simlin")),
        ("one thread over PySD, likewise", ratio("file's step", "pysd")),
    ]  # fmt: skip
    return [*rows, table_row(), *sweep_rows(model, MILLION), *command_times()]


def table_row() -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        model = model_with_tables(Path(folder))
    kernel = compiled(model)
    took = statistics.median(seconds_of_tables(kernel, model) for _ in range(ROUNDS))
    read = TABLES * RUNS_WITH_TABLES * steps(model.time)
    return (f"a toy with {TABLES} tables and as many stocks, one thread",
            f"{RUNS_WITH_TABLES / took:,.0f} runs/s, {read / took:.2e} tables read/s")  # fmt: skip


def sweep_rows(model: Model, runs: int) -> list[tuple[str, str]]:
    told = stages(model)
    with tempfile.TemporaryDirectory() as cache:
        (start, start_used, *_), (again, *_) = (whole(FEW, 2, cache) for _ in range(2))
    wall, used, most, size = whole(runs, 2)
    cores = (used - start_used) / (wall - start)
    code = runs * told["simulated"] / 2e6
    return [
        ("a run of the sweep, ten outputs at three years and all verdicts (µs of one core)",
         ", ".join(f"{name} {each:.1f}" for name, each in told.items())
         + f"; together {sum(told.values()):.1f}"),
        (f"`plansim sweep`, {runs:,} runs on two threads, nothing cached",
         f"{wall:.1f} s, {used:.1f} s of processor time, {most:.2f} GiB, "
         f"{size / 1e9:.2f} GB written"),
        (f"the same without what {FEW} runs take: start, compilation, an empty result",
         f"{wall - start:.1f} s, {used - start_used:.1f} s of processor time: "
         f"{cores:.2f} cores busy"),
        ("what stands between these runs and none",
         f"start and end {start:.1f} s ({again:.1f} s where the model was run before), code of the "
         f"model {code:.1f} s, all else {wall - start - code:.1f} s"),
    ]  # fmt: skip


def command_times() -> list[tuple[str, str]]:
    """Time the command as a user has it, from an empty cache and again."""
    code = "import sys; from plansim.cli.main import main; sys.exit(main(sys.argv[1:]))"
    wide = next(v for v in load_model().variables.values() if v.plausible and not v.subscripts
                and v.kind is VariableKind.CONSTANT)  # fmt: skip
    low, high = wide.plausible or (0.0, 0.0)
    run = ("run", "baseline")

    def call(folder: str, *words: str) -> None:
        subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True,
                       env={**os.environ, "PLANSIM_CACHE": folder})  # fmt: skip

    with tempfile.TemporaryDirectory() as folder:
        report = "compare", "baseline", "accelerated-growth", "--force", "-o", f"{folder}/r.docx"
        used = [cpu_of_children(partial(call, folder, *report)) for _ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        first = seconds(partial(call, folder, *run))
        again = statistics.median(seconds(partial(call, folder, *run)) for _ in range(ROUNDS))
        news = [low + (high - low) * (i + 1) / (ROUNDS + 1) for i in range(ROUNDS)]
        other = statistics.median(
            seconds(partial(call, folder, *run, "--set", f"{wide.name}={new!r}")) for new in news
        )
    rows = [
        ("`plansim run baseline`, nothing cached", f"{first:.1f} s"),
        ("the same again, its numbers kept on disk", f"{again:.2f} s"),
        ("a run with a value that is new", f"{other:.2f} s"),
        ("a report on two scenarios with remedies, nothing cached",
         f"{used[0]:.1f} s of processor time; again {used[1]:.1f} s"),
    ]  # fmt: skip
    rows.append(("load of the machine at the end", f"{os.getloadavg()[0]:.1f}"))
    return rows


START, END = "<!-- measured -->", "<!-- /measured -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    chosen = parser.parse_args()
    rows = measured()
    table = "\n".join(["| what | measured |", "| --- | --- |",
                       *(f"| {name} | {value} |" for name, value in rows)])  # fmt: skip
    print(table)
    if chosen.write:
        before, _, rest = PAGE.read_text("utf-8").partition(START)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
