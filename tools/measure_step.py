"""Measure what the step of integration costs in accuracy, and write docs/results/step.md.

Points of the design ``uncertainty`` are run under each of its scenarios by several methods and
steps, and compared with the limit of small steps, the midpoint rule at 1/256. The shipped
scenarios themselves are compared likewise. ``python tools/measure_step.py [POINTS]``; 1,000 points
take a minute on an idle machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from plansim.analysis.evaluator import Evaluation, Evaluator, Request
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.sampling import Sampler
from plansim.files.shipped import shipped_model
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model, VariableKind
from plansim.scenario.factors import Factor, FloatArray
from plansim.scenario.scenario_file import Scenario, list_scenarios, read_scenario
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target, judged_targets

PAGE = Path(__file__).parents[1] / "docs" / "results" / "step.md"
POINTS = 1000
LIMIT = (Integration.MIDPOINT, 1 / 256)
CHOICES = (
    (Integration.MIDPOINT, 1 / 2),
    (Integration.MIDPOINT, 1 / 4),
    (Integration.MIDPOINT, 1 / 8),
    (Integration.RK4, 1 / 4),
    (Integration.EULER, 1 / 16),
    (Integration.EULER, 1 / 4),
)
STAGES = {Integration.EULER: 1, Integration.MIDPOINT: 2, Integration.RK4: 4}
SHOWN = 8
"""Number of indicators with the largest errors that are shown."""


@dataclass(frozen=True)
class Judged:
    """Targets judged in runs."""

    status: FloatArray
    """``(run, target)``."""
    value: FloatArray
    """``(run, target)``, in the target's unit."""


def judged(
    model: Model,
    scenarios: Iterable[Scenario],
    choice: tuple[Integration, float],
    factors: Sequence[Factor],
    points: FloatArray,
    targets: tuple[Target, ...],
) -> Judged:
    """Judge the points under each scenario, by a method and a step."""
    method, step = choice
    made: list[Evaluation] = []
    for scenario in scenarios:
        clock = replace(scenario.time, step=step, integration=method)
        request = Request(targets=targets)
        evaluator = Evaluator(model, replace(scenario, time=clock), factors, request)
        made.append(evaluator.evaluate(points))
    status, value = (
        np.concatenate([[getattr(run[t.id], name) for t in targets] for run in made], axis=1).T
        for name in ("status", "value")
    )
    return Judged(status, value)


def errors(got: Judged, limit: Judged, targets: Sequence[Target]) -> FloatArray:
    """Return the errors of values relative to the value or, if larger, the target's figure."""
    figures = np.array([abs(target.value or 0.0) for target in targets])
    size = np.maximum(np.abs(limit.value), figures)
    return np.abs(got.value - limit.value) / np.where(size > 0, size, 1.0)


def label(choice: tuple[Integration, float]) -> str:
    """Return the name of a method and a step."""
    return f"{choice[0].value} {Fraction(choice[1])}"


def table(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table in Markdown; the first row is its head."""
    for number, row in enumerate(rows):
        yield "| " + " | ".join(map(str, row)) + " |"
        if number == 0:
            yield "|" + " --- |" * len(row)


def percent(share: float) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.4f} %"


def comparison(
    model: Model,
    scenarios: Sequence[Scenario],
    factors: Sequence[Factor],
    points: FloatArray,
    targets: tuple[Target, ...],
) -> Iterator[str]:
    """Yield a table of methods and steps, and one of the indicators that err most by each."""
    limit = judged(model, scenarios, LIMIT, factors, points, targets)
    head = ("", "evaluations a year", "verdicts that differ", "largest error", "99 in 100 within")
    rows: list[Sequence[object]] = [head]
    worst: list[Sequence[object]] = [("", "largest error of an indicator (target)")]
    for choice in CHOICES:
        got = judged(model, scenarios, choice, factors, points, targets)
        wrong = errors(got, limit, targets)
        turned = got.status != limit.status
        largest = np.nanmax(wrong, axis=0)
        rows.append(
            (
                label(choice),
                f"{STAGES[choice[0]] / choice[1]:g}",
                f"{int(turned.sum()):,} of {turned.size:,}: {percent(turned.mean())}",
                percent(float(np.nanmax(wrong))),
                percent(float(np.nanquantile(wrong, 0.99))),
            )
        )
        first = np.argsort(-largest)[:SHOWN]
        worst.append(
            (label(choice), ", ".join(f"{targets[i].id} {percent(largest[i])}" for i in first))
        )
    yield from table(rows)
    yield ""
    yield from table(worst)


def shortest_times(model: Model) -> Iterator[Sequence[object]]:
    """Yield the constants in years that may be shorter than a year, and the highest rates."""
    yield ("constant", "unit", "admissible", "plausible")
    for variable in model.variables.values():
        low, high = variable.admissible
        if variable.kind is not VariableKind.CONSTANT or low is None or high is None:
            continue
        is_time = variable.unit == "Year" and 0 < low < 1
        is_rate = variable.unit == "1/Year" and high > 1
        if is_time or is_rate:
            plausible = "–".join(f"{end:g}" for end in variable.plausible or ())
            yield variable.name, variable.unit, f"{low:g}–{high:g}", plausible


def page(points: int) -> str:
    """Measure, and return the page."""
    model = load_model(shipped_model())
    targets = judged_targets(load_targets(model=model))
    design = read_design("uncertainty", model, samples=max(points, 1024))
    drawn = Sampler(design).draw(0, points)
    shipped = [read_scenario(head.path, model) for head in list_scenarios(None)]
    started = time.process_time()
    lines = [
        "# What the step of integration costs",
        "",
        "Written by `python tools/measure_step.py`. All is compared with the midpoint rule at",
        "1/256 of a year. The error of an indicator is that of its value in the target's year,",
        "relative to the value or to the target's figure, whichever is larger.",
        "",
        f"## {points:,} points of the design `uncertainty`",
        "",
        f"Each point under each of the design's {len(design.scenarios)} scenarios.",
        "",
        *comparison(model, design.scenarios, design.factors, drawn, targets),
        "",
        f"## The {len(shipped)} shipped scenarios",
        "",
        *comparison(model, shipped, (), np.empty((1, 0)), targets),
        "",
        "## The shortest times and highest rates that are admissible",
        "",
        "The midpoint rule is stable while the step is less than twice the response time.",
        "",
        *table(shortest_times(model)),
    ]
    print(f"{time.process_time() - started:.0f} s of processor time", file=sys.stderr)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(int(sys.argv[1]) if len(sys.argv) > 1 else POINTS), "utf-8")
