"""The file of a calibration: the constants to fit, their ranges, and the observations.

``scenarios/calibration/schema.json`` is the form for editors; ``python -m
plansim.analysis.calibration.calibration_file > scenarios/calibration/schema.json`` renews it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from plansim.analysis.calibration.observations import (
    EVIDENCE,
    OBSERVATIONS,
    ErrorForm,
    Observation,
    ObservationRow,
    ObservationTable,
    datum,
    read_table,
    unreached,
    why_not,
)
from plansim.analysis.experiments.design_file import reached
from plansim.analysis.experiments.design_form import (
    ActingForm,
    DesignContext,
    FactorForm,
    factor_of,
    scenario_beside,
)
from plansim.errors import (
    DesignError,
    Fault,
    InputError,
    Message,
    nearest,
)
from plansim.files.forms import (
    LAX,
    Entries,
    Form,
    Listed,
    Resolved,
    Wording,
    Words,
    form_of,
    schema_of,
)
from plansim.files.shipped import named_file
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.scenario.factors import Factor, apart, default_of
from plansim.scenario.references import one_series
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.values import Cell, outside, range_text
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import Measure, measured_unit
from plansim.targets.target import reported_factor, split_reference, variable_of
from plansim.targets.views import names_of

__all__ = ["CalibrationFile", "Spec", "read_calibration", "schema_text"]

STARTS = 8
SEED = 0


# --- the form -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CalibrationContext(DesignContext):
    """What the file is validated against."""

    tables: dict[Path, ObservationTable] = field(default_factory=dict)
    """The tables of data that were read, by path."""
    data: str = ""
    """The table that the file names, if it names one."""
    taken: set[tuple[Path, int]] = field(default_factory=set)
    """The rows that earlier observations of the file use."""

    @cached_property
    def targets(self) -> frozenset[str]:
        """The ids of the plan's targets."""
        return frozenset(target.id for target in load_targets(model=self.model))

    def table(self, path: Path) -> ObservationTable:
        """Return a table of data."""
        if path not in self.tables:
            self.tables[path] = read_table(path)
        return self.tables[path]


class ParameterForm(ActingForm):
    """A parameter of a calibration."""

    range: list[Cell] | None = Field(
        default=None,
        description="[low, high], inside the evidence range of what it acts on; else that range.",
    )


_ParameterOrNothing = Annotated[ParameterForm, BeforeValidator(lambda x: {} if x is None else x)]


def _parameter(name: str, form: ParameterForm, context: _CalibrationContext) -> Factor:
    return factor_of(
        name,
        FactorForm(constants=form.constants, apply=form.apply, uniform=form.range, zh=form.zh),
        context,
    )


class FigureForm(ErrorForm):
    """One figure that the model is fitted to, and the series that is compared with it."""

    id: str | None = Field(default=None, description="Of a row in evidence.csv beside the model.")
    quantity: str | None = Field(default=None, description="As the table of data has it.")
    place: str | None = None
    part: str | None = None
    year: int | None = None
    variable: Annotated[
        str, Resolved(str, lambda name, context: one_series(context.model, name))
    ] = Field(description="What answers for it, `NAME` or `NAME[element]`.")
    measure: Annotated[Measure, LAX] = Measure.LEVEL
    since: int | None = Field(
        default=None, description="The base year of a growth, sum, mean or reduction."
    )
    weight: float = Field(default=1.0, gt=0, description="By which the squared miss counts.")

    def _misfits(self, context: object) -> Iterator[Fault]:
        if (self.id is None) == (self.quantity is None):
            expected = Message("either a quantity or an id")
            yield Fault("an observation names a row", expected=expected)
        if self.since is None and self.measure is not Measure.LEVEL:
            expected = Message("since: YEAR")
            yield Fault("a {measure} needs a base year", expected=expected, measure=self.measure)
        if self.since is not None and self.measure is Measure.LEVEL:
            expected = Message("no 'since'")
            yield Fault("a {measure} has no base year", expected=expected, measure=self.measure)
        yield from super()._misfits(context)


def _row(form: FigureForm, context: _CalibrationContext) -> ObservationRow:
    """Return the one row that a form names.

    Raises:
        InputError: no or several rows match, or the row is no data for a fit.
    """
    asked = form.id or form.quantity
    assert asked is not None
    if asked in context.targets:
        raise InputError(
            Fault(
                "{id} is a target of the plan, not an observation",
                expected=Message(
                    "a row of {first} or {second}", first=OBSERVATIONS, second=EVIDENCE
                ),
                id=asked,
            )
        )
    folder = context.model.path.parent
    if form.id:
        path, column = folder / EVIDENCE, "id"
    else:
        path = context.beside(context.data) if context.data else folder / OBSERVATIONS
        column = "quantity"
    table = context.table(path)
    given = {key: getattr(form, key) for key in ("place", "part", "year")}
    wanted = {column: asked} | {key: str(v) for key, v in given.items() if v is not None}
    listed = ", ".join(map(": ".join, wanted.items()))
    rows = table.find(wanted)
    if not rows:
        known = table.find({column: asked})
        raise InputError(
            Fault(
                "no row of {table} has {cells}",
                nearest=None if known else nearest(asked, table.words(column)),
                table=table.path.name,
                cells=listed,
            )
        )
    if len(rows) > 1:
        raise InputError(
            Fault(
                "{count} rows of {table} have {cells}",
                expected=Message("one row; say place, part and year"),
                found=Message(
                    "lines {rows}", rows=tuple(f"{row.line} ({row})" for row in rows[:4])
                ),
                count=len(rows),
                table=table.path.name,
                cells=listed,
            )
        )
    (row,) = rows
    if refusal := why_not(row, int(context.model.time.initial), tuple(context.targets)):
        raise InputError(refusal)
    return row


def _observation(form: FigureForm, context: _CalibrationContext) -> Observation:
    """Return the figure that an entry names, with the series that is compared with it."""
    model, row = context.model, _row(form, context)
    if (row.file, row.line) in context.taken:
        raise InputError(Fault("the row stands twice: {row}", row=str(row)))
    context.taken.add((row.file, row.line))
    series = form.variable
    year, value, unit = datum(row)
    since = year if form.since is None else form.since
    if form.measure is not Measure.LEVEL and since >= year:
        expected = Message("before {year}", year=year)
        raise InputError(Fault("the base year comes too late", expected=expected, found=str(since)))
    variable = variable_of(model, series)
    labels = (row.cells.get(key, "") for key in ("quantity", "part", "year"))
    name = ", ".join(filter(None, labels))
    _, series_zh = names_of(model, variable, split_reference(series)[1])
    return Observation(
        id=name,
        name_en=name,
        name_zh=f"{row.cells.get('quantity_zh') or series_zh}，{year}",
        series=series,
        measure=form.measure,
        since=since,
        year=year,
        value=value,
        unit=unit,
        factor=reported_factor(measured_unit(form.measure, variable.unit), unit),
        error=form.error_of(value),
        row=row,
        weight=form.weight,
    )


class CalibrationFile(Form):
    """The form of a calibration file."""

    title: Wording = Field(description="What the calibration is called, in English and Chinese.")
    description: Wording = Field(default=Words(en="", zh=""), description="What it is about.")
    scenario: Annotated[Scenario, Resolved(str, scenario_beside)] = Field(
        description="Under which it is run: an id or a relative path."
    )
    parameters: Annotated[
        dict[str, Factor], Entries(dict[str, _ParameterOrNothing], _parameter), Field(min_length=1)
    ] = Field(
        description="What is fitted, by name. Nothing more than the name of a constant: over "
        "its evidence range.",
    )
    data: str | None = Field(
        default=None,
        description="A table of data (CSV), relative to this file; else observations.csv beside "
        "the model.",
    )
    observations: Annotated[
        tuple[Observation, ...], Listed(list[FigureForm], _observation), Field(min_length=1)
    ] = Field(description="What it is fitted to.")
    starts: int = Field(default=STARTS, ge=1, le=1024, description="From how many points.")
    seed: int = Field(default=SEED, ge=0, description="Of those points.")
    sources: list[str] = Field(default=[], description="Where the ranges come from.")

    def _misfits(self, context: _CalibrationContext) -> Iterator[Fault]:
        factors = list(self.parameters.values())
        yield from apart("parameters", factors)
        for name, factor in self.parameters.items():
            yield from _beyond_evidence(name, factor, self.scenario, context.model)
        for index, observation in enumerate(self.observations):
            timing = variable_of(context.model, observation.series).timing
            if fault := unreached(observation, self.scenario, timing):
                yield replace(fault, at=("observations", index))


def _beyond_evidence(
    name: str, factor: Factor, scenario: Scenario, model: Model
) -> Iterator[Fault]:
    """Yield faults of parameters that take constants out of their plausible ranges.

    A sweep may go beyond what is plausible; a fit may not. For constants that the scenario sets to
    another value, of another year or place, the model's evidence does not apply, and the file's own
    range is used.
    """
    assert factor.distribution is not None
    for constant, variable, low, high in reached(
        factor, (factor.distribution.low, factor.distribution.high), scenario, model
    ):
        set_anew = scenario.values.get(constant, default_of(model, {}, constant))
        is_its_own = set_anew == default_of(model, {}, constant)
        message = Message(
            "'{name}' takes '{constant}' outside its admissible range", name=name, constant=constant
        )
        bounds = variable.admissible
        if variable.plausible is not None and is_its_own:
            message = Message(
                "'{name}' takes '{constant}' outside its evidence range",
                name=name,
                constant=constant,
            )
            bounds = variable.plausible
        if outside(low, *bounds) or outside(high, *bounds):
            yield Fault(
                message,
                at=("parameters", name),
                expected=range_text(*bounds, variable.unit),
                found=range_text(low, high, variable.unit),
            )


# --- reading it -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spec:
    """A validated calibration file."""

    id: str
    title_en: str
    title_zh: str
    scenario: Scenario
    parent: str
    """How the file names the scenario."""
    parameters: tuple[Factor, ...]
    observations: tuple[Observation, ...]
    starts: int
    seed: int
    path: Path
    sha256: str
    tables: Mapping[str, str]
    """SHA-256 of each table of data, by its name."""


def schema_text() -> str:
    """Return the JSON Schema of a calibration file, as the shipped schema.json holds it."""
    return schema_of(CalibrationFile, "Calibration")


def read_calibration(path: str | Path, model: Model, *, seed: int | None = None) -> Spec:
    """Read a calibration file and check it against the model and its tables.

    ``path`` may be the name of one that comes with plansim.

    Raises:
        DesignError: with every fault of the file, the scenario and the rows it names.
        UnknownNameError: no calibration bears the name.

    >>> len(plansim.read_calibration("fit.yaml", plansim.load_model("lake.mdl")).observations)
    2
    """
    path = named_file(
        path, "calibration", Message("no calibration is called '{name}'", name=str(path))
    )
    document = read_document(path)
    data = document.data if isinstance(document.data, dict) else {}
    context = _CalibrationContext(model, path, data=str(data.get("data") or ""))
    form = form_of(CalibrationFile, document, context, DesignError)
    return Spec(
        id=path.stem,
        title_en=form.title.en,
        title_zh=form.title.zh,
        scenario=form.scenario,
        parent=str(data["scenario"]),
        parameters=tuple(form.parameters.values()),
        observations=form.observations,
        starts=form.starts,
        seed=form.seed if seed is None else seed,
        path=path,
        sha256=document.sha256,
        tables={table.path.name: table.sha256 for table in context.tables.values()},
    )


if __name__ == "__main__":
    print(schema_text(), end="")
