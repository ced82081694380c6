"""The form of a design file, and the factors that its entries define.

``scenarios/sweeps/schema.json`` is the form for editors;
``python -m plansim.analysis.experiments.design_form > scenarios/sweeps/schema.json`` renews it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.analysis.experiments.design import DesignKind
from plansim.analysis.experiments.distributions import (
    Discrete,
    Lognormal,
    Normal,
    Triangular,
    Uniform,
)
from plansim.errors import Fault, InputError, Message
from plansim.files.forms import (
    LAX,
    Entries,
    Form,
    Names,
    Wording,
    Words,
    doubled,
    listed,
    schema_of,
)
from plansim.model.records import Integration, Model, Variable, folded
from plansim.scenario.cells import Cell, number_in
from plansim.scenario.factors import Apply, Distribution, Factor, constants_meant, unit_of
from plansim.scenario.references import chinese_of, series_meant
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario, split_overlays

__all__ = [
    "DesignContext",
    "DesignForm",
    "FactorForm",
    "FactorOrShort",
    "factor_of",
    "scenario_beside",
    "schema_text",
]


@dataclass(frozen=True)
class DesignContext:
    """What a design is validated against."""

    model: Model
    path: Path | None = None
    """Path of the file; None for a design from a command line."""
    overlays: tuple[str, ...] = ()
    """Overlays on every scenario that the file names, beside its own."""

    def beside(self, name: str) -> Path:
        """Return the path that a file means by a name."""
        return (self.path.parent if self.path else Path()) / name

    def named(self, name: str) -> Path | str:
        """Return the path that a file means by a name with an ending, else the name of an id."""
        return self.beside(name) if Path(name).suffix in {".yaml", ".yml"} else name


def scenario_beside(name: str, context: DesignContext) -> Scenario:
    """Return the scenario that a file names: an id, or a path from the file's folder.

    Overlays may stand behind it: ``baseline+drought``.

    Raises:
        InputError: the scenario does not exist, or its file is at fault.
    """
    written = as_written(context.model)
    if name == written.id:
        return written
    scenario, own = split_overlays(name)
    names = [context.named(part) for part in (scenario, *own)]
    return read_scenario(names[0], context.model, overlays=[*names[1:], *context.overlays])


# --- factors --------------------------------------------------------------------------------------


class _Normal(Form):
    mean: Cell
    sd: Cell


class _Lognormal(Form):
    median: Cell
    spread: float


class _Numbers(Form):
    """A discrete distribution: values, with their weights."""

    values: list[Cell] = Field(min_length=1)
    weights: list[Annotated[float, Field(ge=0)]] = Field(default=[])

    def _misfits(self, context: object) -> Iterator[Fault]:
        if self.weights and (len(self.weights) != len(self.values) or sum(self.weights) <= 0):
            expected = Message("as many as there are values, not all of them zero")
            yield Fault("the weights do not fit the values", at=("weights",), expected=expected)


class FactorForm(Form):
    """The form of a factor of a design."""

    constants: Names = Field(
        default=(),
        description="What it acts on, `NAME` or `NAME[element]`; else what it is called.",
    )
    apply: Annotated[Apply, LAX] = Field(
        default=Apply.SET,
        description="Whether its value replaces the constants, is added to or multiplies them.",
    )
    zh: str = ""
    why: Wording = Words(en="", zh="")
    uniform: list[Cell] | None = Field(default=None, description="[low, high]")
    triangular: list[Cell] | None = Field(default=None, description="[low, likeliest, high]")
    normal: _Normal | None = None
    lognormal: _Lognormal | None = Field(
        default=None, description="The median, and the standard deviation of the natural logarithm."
    )
    discrete: _Numbers | None = None
    within: list[Cell] | None = Field(
        default=None, description="[low, high]: where a normal or lognormal distribution is cut."
    )
    levels: int | None = Field(default=None, ge=1, le=1000, description="In a grid.")

    def _misfits(self, context: object) -> Iterator[Fault]:
        shapes = ("uniform", "triangular", "normal", "lognormal", "discrete")
        given = tuple(key for key in shapes if getattr(self, key) is not None)
        if len(given) > 1:
            yield Fault("a factor has one distribution", found=Message("{names}", names=given))
        if self.within is not None and not {"normal", "lognormal"} & set(given):
            yield Fault("only a normal or lognormal distribution is cut", at=("within",))


def factor_of(name: str, form: FactorForm, context: DesignContext) -> Factor:
    """Return the factor that an entry of a design defines.

    Raises:
        InputError: the entry does not fit the model.
    """
    variables = constants_meant(context.model, form.constants or (name,))
    unit = unit_of(name, form.apply, variables.values())
    first = next(iter(variables.values()))
    if "/" in name or name.startswith("_"):
        message = Message("a factor cannot be called '{name}'", name=name)
        raise InputError(message, expected=Message("no slash in it"))
    chinese = chinese_of(context.model, first, *variables) if len(variables) == 1 else ""
    if len(variables) == 1 and not form.constants:
        (name,) = variables
    elif folded(name) in {folded(first.name), folded(first.name_zh)}:
        name = first.name
    return Factor(
        name=name,
        constants=tuple(variables),
        apply=form.apply,
        distribution=_distribution(name, form, unit, first),
        unit=unit,
        name_zh=form.zh or chinese,
        levels=form.levels,
    )


def _distribution(name: str, form: FactorForm, unit: str, variable: Variable) -> Distribution:
    """Return the distribution of an entry; of none, uniform over what is plausible."""

    def numbers(cells: Sequence[Cell], *at: str) -> list[float]:
        return [number_in(unit, name, cell, (*at, index)) for index, cell in enumerate(cells)]

    def rising(key: str, cells: Sequence[Cell], count: int) -> list[float]:
        ends = numbers(cells, key)
        if len(ends) != count or ends != sorted(ends) or ends[0] == ends[-1]:
            raise InputError(
                "'{name}' has no proper {key} range",
                at=(key,),
                expected=Message("{count} rising numbers", count=count),
                found=Message("{names}", names=tuple(f"{end:g}" for end in ends)),
                name=name,
                key=key,
            )
        return ends

    if form.uniform is not None:
        return Uniform(*rising("uniform", form.uniform, 2))
    if form.triangular is not None:
        return Triangular(*rising("triangular", form.triangular, 3))
    if form.discrete is not None:
        values = tuple(numbers(form.discrete.values, "discrete", "values"))
        return Discrete(values, tuple(form.discrete.weights) or (1.0,) * len(values))
    is_set = form.apply is Apply.SET
    if form.normal is None and form.lognormal is None:
        if is_set and len(form.constants) <= 1 and variable.plausible is not None:
            return Uniform(*variable.plausible)
        expected = Message("NAME=LOW..HIGH, or in a file uniform: [low, high] or another one")
        raise InputError("'{name}' needs a distribution", expected=expected, name=name)
    if form.within is None and not is_set:
        raise InputError("'{name}' needs ends", expected=Message("within: [low, high]"), name=name)
    low, high = variable.admissible
    ends = (-math.inf if low is None else low, math.inf if high is None else high)
    if form.within is not None:
        low, high = rising("within", form.within, 2)
        ends = (low, high)
    shape: Normal | Lognormal
    if form.normal is not None:
        mean, sd = numbers([form.normal.mean, form.normal.sd], "normal")
        shape = Normal(mean, sd, *ends)
        is_sound = sd > 0 and shape.low <= mean <= shape.high
    else:
        assert form.lognormal is not None
        (median,) = numbers([form.lognormal.median], "lognormal", "median")
        shape = Lognormal(median, form.lognormal.spread, max(ends[0], 0.0), ends[1])
        is_sound = shape.spread > 0 and shape.low < median <= shape.high
    if not is_sound:
        expected = Message("a middle between the ends, and a spread above zero")
        raise InputError("'{name}' has no proper distribution", expected=expected, name=name)
    return shape


# --- the file -------------------------------------------------------------------------------------


def _short(value: object) -> object:
    """Expand the short forms: nothing, and [low, high]."""
    if value is None:
        return {}
    return {"uniform": value} if isinstance(value, list) else value


FactorOrShort = Annotated[
    FactorForm, BeforeValidator(_short, json_schema_input_type=FactorForm | list[Cell] | None)
]


class Sampling(Form):
    """Sampling of the points."""

    kind: Annotated[DesignKind, LAX] = DesignKind.SOBOL
    samples: int | None = Field(
        default=None, ge=1, description="Points of a sample; trajectories of Morris."
    )
    seed: int = Field(default=0, ge=0)
    levels: int | None = Field(default=None, ge=1, le=1000, description="Of a grid or of Morris.")

    def _misfits(self, context: object) -> Iterator[Fault]:
        if self.kind is DesignKind.MORRIS and self.levels is not None and self.levels % 2:
            yield Fault(
                "Morris trajectories need an even number of levels",
                at=("levels",),
                found=str(self.levels),
            )


class Remaining(Form):
    """The remaining parameters, which vary without being named."""

    without: Annotated[
        tuple[str, ...], listed(list[str], lambda name, context: context.model.find(name).name)
    ] = Field(default=(), description="Constants that do not vary either.")


class DesignForm(Form):
    """The form of a design file."""

    title: Wording = Field(description="What the sweep is called, in English and Chinese.")
    description: Wording = Field(default=Words(en="", zh=""), description="What it is about.")
    scenarios: Annotated[
        tuple[Scenario, ...], listed(Names, scenario_beside), Field(min_length=1)
    ] = Field(
        default_factory=lambda: ["baseline"],
        validate_default=True,
        description="Under which scenarios every point is run: ids or relative paths, with "
        "overlays as `baseline+drought`.",
    )
    design: Sampling = Sampling()
    factors: Annotated[dict[str, Factor], Entries(dict[str, FactorOrShort], factor_of)] = Field(
        default={},
        description="What varies, by name. Nothing more than the name of a constant: uniform over "
        "its plausible range. [low, high]: uniform over that.",
    )
    rest: Remaining | None = Field(
        default=None,
        description="Vary, beside the factors, every single constant that has a plausible range "
        "and is neither a lever nor set by a scenario here, uniformly over that range.",
    )
    integration: Annotated[Integration | None, LAX] = Field(
        default=None,
        description="Method of integration of all runs: euler, midpoint or rk4; else that of the "
        "scenarios.",
    )
    outputs: Annotated[
        tuple[tuple[str, ...], ...],
        listed(list[str], lambda name, context: series_meant(context.model, name)),
    ] = Field(
        default=(),
        description="Series to keep, `NAME` or `NAME[element]`; else those that targets judge.",
    )
    years: list[int] = Field(
        default=[], description="At which to keep them; else those in which targets are due."
    )
    sources: list[str] = Field(default=[], description="Where the ranges come from.")

    def _misfits(self, context: object) -> Iterator[Fault]:
        if self.rest is None and not self.factors:
            yield Fault("a sweep needs factors", at=("factors",))
        ids = (scenario.id for scenario in self.scenarios)
        yield from doubled((("scenarios", index), id) for index, id in enumerate(ids))


def schema_text() -> str:
    """Return the JSON Schema of a design file, as ``scenarios/sweeps/schema.json`` holds it."""
    return schema_of(DesignForm, "Design")


if __name__ == "__main__":
    print(schema_text(), end="")
