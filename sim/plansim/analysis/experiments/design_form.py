"""The form of a design file: what may stand in it.

``scenarios/sweeps/schema.json`` is the form for editors;
``python -m plansim.analysis.experiments.design_form > scenarios/sweeps/schema.json`` renews it.
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.analysis.experiments.design import Kind
from plansim.scenario.factors import Apply
from plansim.scenario.schema import Cell, Wording
from plansim.targets.form import Form

__all__ = ["DesignFile", "FactorForm", "NumbersForm", "Rest", "schema_text"]


class _Normal(Form):
    mean: Cell
    sd: Cell


class _Lognormal(Form):
    median: Cell
    spread: float


class NumbersForm(Form):
    """Numbers of which one is taken, each with its weight."""

    values: list[Cell]
    weights: list[float] = Field(default=[])


class FactorForm(Form):
    """What a design may say of a factor."""

    constants: Annotated[list[str], BeforeValidator(lambda x: [x] if isinstance(x, str) else x)] = (
        Field(
            default=[],
            description="What it acts on, `NAME` or `NAME[element]`; else what it is called.",
        )
    )
    apply: Annotated[Apply, Field(strict=False)] = Field(
        default=Apply.SET,
        description="Whether its value replaces the constants, is added to or multiplies them.",
    )
    uniform: list[Cell] | None = Field(default=None, description="[low, high]")
    triangular: list[Cell] | None = Field(default=None, description="[low, likeliest, high]")
    normal: _Normal | None = None
    lognormal: _Lognormal | None = Field(
        default=None, description="The median, and the standard deviation of the natural logarithm."
    )
    discrete: NumbersForm | None = None
    within: list[Cell] | None = Field(
        default=None, description="[low, high]: where a normal or lognormal distribution is cut."
    )
    levels: int | None = Field(default=None, ge=1, le=1000, description="In a grid.")
    zh: str = ""
    why: Wording = ""


def _short(value: object) -> object:
    """Understand the short forms: nothing, and [low, high]."""
    if value is None:
        return {}
    return {"uniform": value} if isinstance(value, list) else value


_FactorOrShort = Annotated[
    FactorForm, BeforeValidator(_short, json_schema_input_type=FactorForm | list[Cell] | None)
]


class Sampling(Form):
    """How the points are laid."""

    kind: Annotated[Kind, Field(strict=False)] = Kind.SOBOL
    samples: int | None = Field(
        default=None, ge=1, description="Points of a sample; trajectories of Morris."
    )
    seed: int = Field(default=0, ge=0)
    levels: int | None = Field(default=None, ge=1, le=1000, description="Of a grid or of Morris.")
    table: str | None = Field(
        default=None, description="A CSV file, one factor a column and one run a row."
    )


class Rest(Form):
    """Which constants vary without being named."""

    without: list[str] = Field(default=[], description="Constants that do not vary either.")


class DesignFile(Form):
    """What a design file may say."""

    title: Wording = Field(description="What the sweep is called, in English and Chinese.")
    description: Wording = Field(default="", description="What it is about.")
    scenarios: Annotated[list[str], BeforeValidator(lambda x: [x] if isinstance(x, str) else x)] = (
        Field(
            default=["baseline"],
            description="Under which scenarios every point is run: ids or relative paths.",
        )
    )
    design: Sampling = Sampling()
    factors: dict[str, _FactorOrShort] = Field(
        default={},
        description="What varies, by name. Nothing more than the name of a constant: uniform over "
        "its plausible range. [low, high]: uniform over that.",
    )
    rest: Rest | None = Field(
        default=None,
        description="Vary, beside the factors, every single constant that has a plausible range "
        "and is neither a lever nor set by a scenario here, uniformly over that range.",
    )
    step: float | None = Field(
        default=None,
        gt=0,
        description="TIME STEP of all runs, in the model's unit of time; else that of the "
        "scenarios. A coarser one is quicker: many draws average out what it adds to each.",
    )
    outputs: list[str] = Field(
        default=[],
        description="Series to keep, `NAME` or `NAME[element]`; else those that targets judge.",
    )
    years: list[int] = Field(
        default=[], description="At which to keep them; else those in which targets are due."
    )
    sources: list[str] = Field(default=[], description="Where the ranges come from.")


def schema_text() -> str:
    """Give the JSON Schema of a design file, as ``scenarios/sweeps/schema.json`` holds it."""
    schema = DesignFile.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    text = json.dumps(head | schema | {"title": "Design"}, indent=2, ensure_ascii=False)
    return text.replace('"oneOf":', '"anyOf":') + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
