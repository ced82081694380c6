"""Solve what model/premises.yaml says anew, and write it where it is set.

Premises are constants by which a run grows at the rate that its story assumes; starts are those of
stocks that are led back from the base year. ``python tools/solve_premises.py`` after each change of
equations; it takes half a minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field
from scipy.optimize import least_squares

from plansim.analysis.calibration.observed_past import StartSource
from plansim.analysis.checks_form import EFFECTS
from plansim.analysis.validation.context import ValidationContext, cells, limits, load_context
from plansim.errors import Fault, InputError
from plansim.files.forms import Form, Items, form_of
from plansim.files.yaml_document import Location, read_document
from plansim.model.reader import load_model
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario

FILE = "premises.yaml"


class Growth(Form):
    """A constant by which a run grows at a rate."""

    constant: str
    scenario: str | None = None
    question: str | None = None
    of: str
    first: int = Field(alias="from")
    last: int = Field(alias="to")
    rate: float

    def _misfits(self, _: object) -> Iterator[Fault]:
        if (self.scenario is None) is (self.question is None):
            yield Fault("a premise is set in a scenario or in a question")


class Starts(Form):
    """The starts that are led back."""

    scenario: str
    part: str
    by: dict[str, str] = Field(default_factory=dict)


class Premises(Form):
    """The file ``premises.yaml`` beside a model."""

    growth: Items[Growth] = ()
    starts: Starts | None = None


@dataclass(frozen=True)
class Unknown:
    """Constants that are solved for together, and how far a run is from where it has to arrive."""

    scenario: Scenario
    names: tuple[str, ...]
    """The constants, by element."""
    misfit: Callable[[Mapping[str, float]], FloatArray]
    """Of all constants, ``(name,)``; zero where a run arrives."""


def read_premises(path: Path) -> Premises:
    """Read the file; every fault with its line."""
    return form_of(Premises, read_document(path))


def growth_unknown(context: ValidationContext, premise: Growth) -> Unknown:
    """Return the constant of a premise."""
    scenario = _scenario(context, premise)

    def misfit(setting: Mapping[str, float]) -> FloatArray:
        at = context.compiled.run([setting], scenario.time).yearly(premise.of)
        years = premise.last - premise.first
        grown: FloatArray = (at(premise.last) / at(premise.first)) ** (1 / years) - 1
        return grown - premise.rate

    return Unknown(scenario, (premise.constant,), misfit)


def _scenario(context: ValidationContext, premise: Growth) -> Scenario:
    if premise.scenario is not None:
        return context.scenarios[premise.scenario]
    assert context.effects is not None
    return next(one for one in context.effects.questions if one.id == premise.question).first


def starts_unknown(context: ValidationContext, starts: Starts) -> Unknown:
    """Return the parts at which the stocks start that are led back."""
    assert context.seam is not None
    model, scenario = context.model, context.scenarios[starts.scenario]
    stocks = [item.of for item in context.seam.items if item.mark is StartSource.LED_BACK]
    arriving = [starts.by.get(stock, stock) for stock in stocks]
    parts = [cells(model, f"{starts.part} {stock}") for stock in stocks]
    base = context.runs[context.baseline.id]
    wanted = [base.series(stock)[0, 0] for stock in arriving]

    def misfit(setting: Mapping[str, float]) -> FloatArray:
        run = context.compiled.run([setting], scenario.time)
        at = int(np.argmin(np.abs(run.time - base.time[0])))
        columns = []
        for stock, there, names in zip(arriving, wanted, parts, strict=True):
            here = run.series(stock)[0, at]
            if len(names) == 1:  # one part for all elements: their sum arrives
                here, there = here.sum(), there.sum()
            columns.append(np.ravel(here / there - 1))
        return np.concatenate(columns)

    return Unknown(scenario, tuple(name for names in parts for name in names), misfit)


def solved(context: ValidationContext, unknown: Unknown) -> tuple[FloatArray, FloatArray]:
    """Return the constants by least squares within their admissible ranges, and the misfits.

    What no constant can bring nearer, as an element that is empty, is left as it is.
    """
    base = unknown.scenario.values
    variables = [context.model.variables.get(name.partition("[")[0]) for name in unknown.names]
    low, high = np.array([(-np.inf, np.inf) if v is None else limits(v) for v in variables]).T

    def misfit(point: FloatArray) -> FloatArray:
        with np.errstate(all="ignore"):
            made = unknown.misfit({**base, **dict(zip(unknown.names, point.tolist(), strict=True))})
        return np.nan_to_num(made)

    start = np.clip([base[name] for name in unknown.names], low, high)
    found = least_squares(misfit, start, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12)
    return found.x, found.fun


def written(path: Path, within: Location, values: Mapping[str, Sequence[float]]) -> None:
    """Write constants in a file where it sets them, below an entry, in four digits.

    Raises:
        InputError: the file does not set a constant, or not on one line.
    """
    document, lines = read_document(path), path.read_text("utf-8").split("\n")
    for name, numbers in values.items():
        at = next(_places(document.lines, within, name), None)
        shown = ", ".join(f"{number:.4g}" for number in numbers)
        text = f"[{shown}]" if len(numbers) > 1 else shown
        row = 0 if at is None else document.lines[at] - 1
        pattern = "" if at is None else rf"({re.escape(str(at[-1]))}: )(\[[^]]*\]|[-+.\de]+)"
        if at is None or not re.search(pattern, lines[row]):
            raise InputError(Fault("'{name}' is not set on one line", file=str(path), name=name))
        lines[row] = re.sub(pattern, rf"\g<1>{text}", lines[row], count=1)
    path.write_text("\n".join(lines), "utf-8")


def _places(lines: Mapping[Location, int], within: Location, name: str) -> Iterator[Location]:
    """Yield the entries whose keys, put together, end with a name: a constant, or a lever's."""
    for at in lines:
        keys = [str(key) for key in at[len(within) :]]
        if at[: len(within)] == within and any(
            " ".join(keys[start:]) == name for start in range(len(keys))
        ):
            yield at


def main() -> None:
    """Solve all, write it, and say what changed."""
    model = load_model()
    context = load_context(model)
    premises = read_premises(model.path.with_name(FILE))
    todo: list[tuple[Unknown, Path, Location]] = []
    for premise in premises.growth:
        unknown = growth_unknown(context, premise)
        if premise.question is not None and context.effects is not None:
            index = [one.id for one in context.effects.questions].index(premise.question)
            todo.append((unknown, model.path.with_name(EFFECTS), ("questions", index, "from")))
        elif unknown.scenario.path is not None:
            todo.append((unknown, unknown.scenario.path, ()))
    if premises.starts is not None:
        unknown = starts_unknown(context, premises.starts)
        assert unknown.scenario.path is not None
        todo.append((unknown, unknown.scenario.path, ()))
    for unknown, path, within in todo:
        point, misfits = solved(context, unknown)
        values: dict[str, list[float]] = {}
        for name, number, misfit in zip(unknown.names, point.tolist(), misfits, strict=True):
            values.setdefault(name.partition("[")[0], []).append(number)
            arrives = "" if abs(misfit) < 1e-4 else f"  (misses by {misfit:.2g})"
            old = unknown.scenario.values[name]
            print(f"{unknown.scenario.id}: {name} {old:.4g} -> {number:.4g}{arrives}")
        written(path, within, values)


if __name__ == "__main__":
    main()
