"""How fast the engines are, side by side: ``make bench`` prints this and writes it to docs.

Rates depend on the machine and on what else it does. Ratios are medians over rounds in which every
engine has its turn; nothing here is a test.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import simlin

from plansim.analysis.evaluator import Evaluator
from plansim.analysis.experiments.sampling import Sampler
from plansim.analysis.experiments.sweep import request_of
from plansim.compiler.llvm.writer import LANES
from plansim.compiler.native import Platform, host_platform, processors
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.engine.simulate import simulate
from plansim.model.reader import load_model
from plansim.model.records import Model, TimeSpec, VariableKind
from plansim.scenario.factors import FloatArray, constants_of
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from plansim.targets.target import variable_of
from tests.bench.page import PAGE, write_table
from tests.bench.sweeps import FEW, MILLION, PATH, design_of, stages, whole

YEARS = [2010, 2015, 2020]
ROUNDS, RUNS = 7, 8192
TABLES, RUNS_WITH_TABLES = 50, 2048

Row = tuple[str, str]


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def cpu_of_children() -> float:
    """Give the processor time of processes that were started and awaited."""
    used = os.times()
    return used.children_user + used.children_system


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def steps(clock: TimeSpec) -> int:
    return round((clock.final - clock.initial) / clock.step) + 1


def engine_rows(model: Model) -> Iterator[Row]:
    """Measure the kernel of a shipped sweep, and single runs of the other engines beside it."""
    design = design_of(model, RUNS)
    scenario = design.scenarios[0]
    clock, values = scenario.time, dict(scenario.values)
    request = request_of(design, load_targets(model=model), model)
    evaluator = Evaluator(model, scenario, design.factors, request)
    names = (variable_of(model, each.series).name for each in evaluator.readings)
    outputs = list(dict.fromkeys(names))
    vary = [each for factor in design.factors for each in factor.constants]

    def compiled(target: Platform | None = None) -> Kernel:
        return compile_model(
            model, vary=vary, outputs=outputs, values=values, cache=False, target=target
        )

    compile_time, kernel = seconds(compiled), compiled()
    constants = [v.name for v in model.variables.values() if v.kind is VariableKind.CONSTANT]
    every = seconds(lambda: compile_model(model, vary=constants, effort=0, cache=False))
    points = Sampler(design).draw(0, RUNS)
    table = constants_of(model, values, design.factors, points)
    inputs = np.ascontiguousarray(table[:, [vary.index(name) for name in kernel.inputs]])
    few = inputs[: RUNS // 8]
    others = {each: compiled(Platform(host_platform().triple, each)) for each in processors()[1:]}
    project = simlin.load(model.path)
    rates: dict[str, list[float]] = {}

    def note(name: str, runs: int, work: Callable[[], object]) -> None:
        rates.setdefault(name, []).append(runs / seconds(work))

    def run(kernel: Kernel, table: FloatArray, time: TimeSpec, threads: int = 1) -> object:
        return simulate_ensemble(kernel, table, time, keep=YEARS, threads=threads)

    for _ in range(ROUNDS):
        for threads in (1, 2):
            note(f"{threads}", RUNS, partial(run, kernel, inputs, clock, threads))
        for name, other in others.items():
            note(f"on {name}", len(few), partial(run, other, few, clock))
        # The file's own clock, as the other engines have it.
        note("file's step", len(few), partial(run, kernel, few, model.time))
        note("simlin", 1, lambda: project.run(analyze_loops=False))
    simulate(model, cache=False, engine="pysd")
    for _ in range(2):
        note("pysd", 1, lambda: simulate(model, as_written(model), cache=False, engine="pysd"))

    def ratio(a: str, b: str) -> str:
        """Give the median of ratios within rounds, and the ends of what they were."""
        found = [x / y for x, y in zip(rates[a], rates[b], strict=False)]
        middle = statistics.median(found)
        digits = 2 if middle < 10 else 0
        return f"{middle:,.{digits}f} ({min(found):,.{digits}f} to {max(found):,.{digits}f})"

    packages = (f"{name} {version(name)}" for name in ("llvmlite", "numpy", "pysd", "pysimlin"))
    rate = statistics.median(rates["1"])
    yield "machine", f"{processor()}, {os.cpu_count()} cores, {host_platform().processor}"
    yield "versions", ", ".join([*packages, f"Python {platform.python_version()}"])
    needed = (
        f"{kernel.equations} of its scalar equations are needed at each of {steps(clock)} steps"
    )
    sizes = f"{len(kernel.outputs)} outputs at {len(YEARS)} years, {len(kernel.inputs)} inputs"
    under = f"{model.name} under `{PATH.name}`"
    yield "model", f"{under}: {needed}; {sizes}, vectors of {LANES} runs"
    yield "compiled for these inputs and outputs", f"{compile_time:.2f} s"
    yield "compiled for one run (all constants in, all variables out)", f"{every:.2f} s"
    computed = f"{rate * kernel.equations * steps(clock):.2e} equations/s"
    yield "one thread", f"{rate:,.0f} runs/s, {computed}"
    yield "two threads over one", ratio("2", "1")
    for each in others:
        named = each.value or "any processor of the family"
        yield f"one thread over code for {named}", ratio("1", f"on {each}")
    both = f"both at the file's {steps(model.time)} steps"
    yield f"one thread over pysimlin, {both}", ratio("file's step", "simlin")
    yield "one thread over PySD, likewise", ratio("file's step", "pysd")


def model_with_tables(folder: Path) -> Model:
    """Return a model of stocks whose flows are read from tables, as models of the field have them.

    Of five tables two have even grids, two nearly even ones, one an uneven one; of 5 to 13 points.
    """
    random = np.random.default_rng(1)
    lines = []
    for i in range(TABLES):
        points = int(random.integers(5, 14))
        x = np.linspace(0, 2, points)
        if i % 5 >= 2:
            x[1:-1] += random.uniform(-1, 1, points - 2) * (0.02 if i % 5 < 4 else 0.9) / points
        y = random.uniform(0.5, 1.5, points)
        pairs = ",".join(f"({a:.4f},{b:.3f})" for a, b in zip(x, y, strict=True))
        scale = random.uniform(0.9, 1.1)
        before, after = f"level {(i - 1) % TABLES}", f"level {i}"
        lines += [
            f"effect {i}= WITH LOOKUP({before}/{scale:.3f}, ({pairs})) ~ Dmnl ~|",
            f"level {i}= INTEG((effect {i} - {after})/{random.uniform(3, 9):.2f} + push, "
            f"{random.uniform(0.5, 1.5):.3f}) ~ Dmnl ~|",
        ]
    lines += ["push= 0.01 ~ 1/Year ~|", "INITIAL TIME= 0 ~ Year ~|", "FINAL TIME= 100 ~ Year ~|"]
    lines += ["TIME STEP= 0.25 ~ Year ~|", "SAVEPER= 10 ~ Year ~|"]
    path = folder / "tables.mdl"
    path.write_text("{UTF-8}\n" + "\n".join(lines) + "\n", "utf-8")
    return load_model(path, strict=False)


def table_rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        model = model_with_tables(Path(folder))
    kernel = compile_model(model, vary=["push"], outputs=["level 0"], cache=False)
    inputs = {"push": np.linspace(0, 0.02, RUNS_WITH_TABLES)}
    run = partial(simulate_ensemble, kernel, inputs, model.time)
    took = statistics.median(seconds(run, time.thread_time) for _ in range(ROUNDS))
    read = f"{TABLES * RUNS_WITH_TABLES * steps(model.time) / took:.2e} tables read/s"
    name = f"a toy with {TABLES} tables and as many stocks, one thread"
    yield name, f"{RUNS_WITH_TABLES / took:,.0f} runs/s, {read}"


def sweep_rows(model: Model, runs: int) -> Iterator[Row]:
    told = stages(model)
    with tempfile.TemporaryDirectory() as cache:
        (start, start_used, *_), (again, *_) = (whole(FEW, 2, cache) for _ in range(2))
    wall, used, most, size = whole(runs, 2)
    cores = (used - start_used) / (wall - start)
    code = runs * told["simulated"] / 2e6
    each = ", ".join(f"{name} {took:.1f}" for name, took in told.items())
    yield ("a run of the sweep, ten outputs at three years and all verdicts (µs of one core)",
           f"{each}; together {sum(told.values()):.1f}")  # fmt: skip
    yield (f"`plansim sweep`, {runs:,} runs on two threads, nothing cached",
           f"{wall:.1f} s, {used:.1f} s of processor time, {most:.2f} GiB, "
           f"{size / 1e9:.2f} GB written")  # fmt: skip
    yield (f"the same without what {FEW} runs take: start, compilation, an empty result",
           f"{wall - start:.1f} s, {used - start_used:.1f} s of processor time: "
           f"{cores:.2f} cores busy")  # fmt: skip
    yield ("what stands between these runs and none",
           f"start and end {start:.1f} s ({again:.1f} s where the model was run before), code of "
           f"the model {code:.1f} s, all else {wall - start - code:.1f} s")  # fmt: skip


def command_rows(model: Model) -> Iterator[Row]:
    """Time the command as a user has it, from an empty cache and again."""
    code = "import sys; from plansim.cli.main import main; sys.exit(main(sys.argv[1:]))"
    wide = next(v for v in model.variables.values() if v.plausible and not v.subscripts
                and v.kind is VariableKind.CONSTANT)  # fmt: skip
    low, high = wide.plausible or (0.0, 0.0)

    def call(folder: str, *words: str, clock: Callable[[], float] = time.perf_counter) -> float:
        command, environment = [sys.executable, "-c", code, *words], {"PLANSIM_CACHE": folder}
        work = partial(subprocess.run, command, capture_output=True, check=True,
                       env={**os.environ, **environment})  # fmt: skip
        return seconds(work, clock)

    with tempfile.TemporaryDirectory() as folder:
        first = call(folder, "run", "baseline")
        again = statistics.median(call(folder, "run", "baseline") for _ in range(ROUNDS))
        news = [low + (high - low) * (i + 1) / (ROUNDS + 1) for i in range(ROUNDS)]
        settings = (f"{wide.name}={new!r}" for new in news)
        other = statistics.median(call(folder, "run", "baseline", "--set", one) for one in settings)
    with tempfile.TemporaryDirectory() as folder:
        report = "compare", "baseline", "accelerated-growth", "--force", "-o", f"{folder}/r.docx"
        used = [call(folder, *report, clock=cpu_of_children) for _ in range(2)]
    yield "`plansim run baseline`, nothing cached", f"{first:.1f} s"
    yield "the same again, its numbers kept on disk", f"{again:.2f} s"
    yield "a run with a value that is new", f"{other:.2f} s"
    yield ("a report on two scenarios with remedies, nothing cached",
           f"{used[0]:.1f} s of processor time; again {used[1]:.1f} s")  # fmt: skip


def main() -> None:
    """Print the table; with ``--write`` put it into the page."""
    model = load_model()
    rows = [*engine_rows(model), *table_rows(), *sweep_rows(model, MILLION), *command_rows(model)]
    rows.append(("load of the machine at the end", f"{os.getloadavg()[0]:.1f}"))
    write_table("measured", [("what", "measured"), *rows], PAGE)


if __name__ == "__main__":
    main()
