"""Programs in JavaScript, run by Node, for the tests that hold them to the compiled engine."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from plansim.compiler.ir import Program
from plansim.compiler.javascript import emit_javascript, runtime
from plansim.compiler.lower import StructuralError, lower
from plansim.compiler.schedule import schedule
from plansim.engine.trajectory import recorded
from plansim.model.records import Model, TimeSpec
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario

# Numbers go in and out as bytes: what is not finite gets through, and nothing is rounded.
_HARNESS = """
const { runs } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const parts = [];
for (const { values, clock } of runs) {
  const bytes = Uint8Array.from(Buffer.from(values, "base64"));
  const numbers = new Float64Array(bytes.buffer);
  const found = clock ? simulate(program, numbers, clock).values : evaluate(program, numbers);
  parts.push(Float64Array.of(found.length), found);
}
for (const part of parts) require("fs").writeSync(1, new Uint8Array(part.buffer));
"""


def run_in_node(
    program: Program, runs: Sequence[tuple[Sequence[float], TimeSpec | None]]
) -> list[FloatArray]:
    """Run a program for each of some inputs; without a clock as a plain function.

    Gives ``(output, time)`` of each run, or ``(output,)``.
    """
    found = shutil.which("node")
    assert found, "Node is missing; `make test` installs it where it may"
    asked = [
        {
            "values": base64.b64encode(np.array(values, dtype=np.float64).tobytes()).decode(),
            "clock": clock and asdict(clock),
        }
        for values, clock in runs
    ]
    text = emit_javascript(program, schedule(program))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "program.js")
        path.write_text(f"{runtime()}\nconst program = {text};\n{_HARNESS}", "utf-8")
        done = subprocess.run(
            [found, str(path)],
            input=json.dumps({"runs": asked}).encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    numbers = np.frombuffer(done.stdout, dtype=np.float64)
    results = []
    for _, clock in runs:
        length, numbers = int(numbers[0]), numbers[1:]
        part, numbers = numbers[:length], numbers[length:]
        results.append(part if clock is None else part.reshape(-1, len(program.outputs)).T)
    return results


def whole_program(model: Model, vary: Sequence[str]) -> Program:
    """Lower a model with some constants as inputs and all variables as outputs.

    What decides on the shape of the program is folded, as in `engine.compiled`.
    """
    names = list(vary)
    outputs = [one.name for one in recorded(model)[0]]
    while True:
        try:
            return lower(model, names, outputs)
        except StructuralError as error:
            names = [name for name in names if name not in error.names]


def inputs_of(program: Program, scenario: Scenario) -> list[float]:
    """Give the inputs of a program under a scenario."""
    return [
        scenario.values.get(name, default)
        for name, default in zip(program.inputs, program.defaults, strict=True)
    ]


def simulate_in_node(
    model: Model, vary: Sequence[str], scenarios: Sequence[Scenario]
) -> tuple[Program, list[FloatArray]]:
    """Run scenarios by the whole program of a model: ``(output, time)`` of each."""
    program = whole_program(model, vary)
    runs = [(inputs_of(program, scenario), scenario.time) for scenario in scenarios]
    return program, run_in_node(program, runs)
