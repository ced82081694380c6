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
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import simlin

from plansim.compiler.emit_llvm import LANES
from plansim.compiler.machine import Target, host_target, processors
from plansim.engine import reference
from plansim.engine.ensemble import simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.model.mdl import load_model
from plansim.model.records import Model, VariableKind
from plansim.model.scenario import as_written
from plansim.plan.targets import load_targets, split_reference

ROUNDS = 7
RUNS = 8192
YEARS = [2010, 2015, 2020]
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def judged(model: Model) -> list[str]:
    """Give the variables that targets judge."""
    names = {name for each in load_targets(model=model) for name in each.variables.values()}
    return sorted({split_reference(name)[0] for name in names} & set(model.variables))


def drawn(kernel: Kernel, runs: int) -> np.ndarray:
    random = np.random.default_rng(1)
    return np.array(kernel.defaults) * random.uniform(0.95, 1.05, (runs, len(kernel.inputs)))


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if sys.platform == "linux" else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def measured() -> list[tuple[str, str]]:
    model = load_model()
    outputs = judged(model)
    vary = [
        each.name
        for each in model.variables.values()
        if each.kind is VariableKind.CONSTANT and each.plausible and not each.subscripts
    ][:12]
    made: list[Kernel] = []
    compile_time = seconds(
        lambda: made.append(compile_model(model, vary=vary, outputs=outputs, cache=False))
    )
    every = seconds(lambda: compile_model(
        model, vary=[v.name for v in model.variables.values() if v.kind is VariableKind.CONSTANT],
        effort=0, cache=False))  # fmt: skip
    kernel = made[0]
    steps = round((model.time.final - model.time.initial) / model.time.step) + 1
    inputs = drawn(kernel, RUNS)
    project = simlin.load(model.path)
    reference.simulate(model, cache=False)
    rates: dict[str, list[float]] = {}

    def note(name: str, runs: int, work: Callable[[], object]) -> None:
        rates.setdefault(name, []).append(runs / seconds(work))

    others = {each: compile_model(model, vary=vary, outputs=outputs, cache=False,
                                  target=Target(host_target().triple, each))
              for each in processors()[1:]}  # fmt: skip
    for _ in range(ROUNDS):
        for threads in (1, 2):
            note(f"{threads}", RUNS, lambda n=threads: simulate_ensemble(  # type: ignore[misc]
                kernel, inputs, model.time, keep=YEARS, threads=n))  # fmt: skip
        for each, other in others.items():
            note(f"on {each}", RUNS // 8, lambda k=other: simulate_ensemble(  # type: ignore[misc]
                k, inputs[: RUNS // 8], model.time, keep=YEARS))  # fmt: skip
        note("simlin", 1, lambda: project.run(analyze_loops=False))
    for _ in range(3):
        note("pysd", 1, lambda: reference.simulate(model, as_written(model), cache=False))
    median = {name: statistics.median(found) for name, found in rates.items()}

    def ratio(a: str, b: str) -> float:
        return statistics.median(x / y for x, y in zip(rates[a], rates[b], strict=False))

    rows = [
        ("machine", f"{processor()}, {os.cpu_count()} cores, {host_target().processor}"),
        ("versions", ", ".join(f"{name} {version(name)}" for name in
                               ("llvmlite", "numpy", "pysd", "pysimlin"))
         + f", Python {platform.python_version()}"),
        ("model", f"{model.name}: {kernel.equations} of its scalar equations are needed at each of "
                  f"{steps} steps; {len(kernel.outputs)} outputs at {len(YEARS)} years, "
                  f"{len(kernel.inputs)} inputs, blocks of {LANES}"),
        ("compiled for these inputs and outputs", f"{compile_time:.2f} s"),
        ("compiled for one run (all constants in, all variables out)", f"{every:.2f} s"),
        ("one thread", f"{median['1']:,.0f} runs/s, "
                       f"{median['1'] * kernel.equations * steps:.2e} equations/s"),
        ("two threads over one", f"{ratio('2', '1'):.2f}"),
        *((f"one thread, code for {each.value or 'any processor of the family'}",
           f"{median[f'on {each}']:,.0f} runs/s") for each in others),
        ("pysimlin", f"{median['simlin']:,.1f} runs/s; one thread is "
                     f"{ratio('1', 'simlin'):,.0f} times as fast"),
        ("PySD", f"{median['pysd']:.3f} runs/s; one thread is "
                 f"{ratio('1', 'pysd'):,.0f} times as fast"),
    ]  # fmt: skip
    load = os.getloadavg()[0]
    rows.append(("load of the machine at the end", f"{load:.1f}"))
    rows += command_times()
    return rows


def command_times() -> list[tuple[str, str]]:
    """Time the command as a user has it, from an empty cache and again."""
    import tempfile

    code = "import sys; from plansim.cli import main; sys.exit(main(['run', 'baseline']))"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PLANSIM_CACHE": folder}

        def call() -> None:
            subprocess.run(
                [sys.executable, "-c", code], env=environment, check=True, capture_output=True
            )

        rows.append(("`plansim run baseline`, nothing cached", f"{seconds(call):.1f} s"))
        again = statistics.median(seconds(call) for _ in range(ROUNDS))
        rows.append(("`plansim run baseline`, again", f"{again:.1f} s"))
    return rows


START, END = "<!-- measured -->", "<!-- /measured -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.name}")
    table = "\n".join(["| what | measured |", "| --- | --- |",
                       *(f"| {name} | {value} |" for name, value in measured())])  # fmt: skip
    print(table)
    if parser.parse_args().write:
        before, _, rest = PAGE.read_text("utf-8").partition(START)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n{table}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
