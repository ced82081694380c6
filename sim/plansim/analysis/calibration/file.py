"""The file of a calibration: which constants are fitted, inside which ranges, to which figures.

``scenarios/calibration/schema.json`` is the form for editors;
``python -m plansim.analysis.calibration.file > scenarios/calibration/schema.json`` writes it anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field

from plansim.analysis.calibration.observations import (
    EVIDENCE,
    OBSERVATIONS,
    Row,
    Table,
    datum,
    read_table,
    why_not,
)
from plansim.analysis.experiments.design_file import factors_of
from plansim.analysis.experiments.design_form import FactorForm
from plansim.errors import (
    CatalogueError,
    DesignError,
    Fault,
    InputError,
    Message,
    UnitError,
    UnknownNameError,
    nearest,
)
from plansim.files import shipped
from plansim.forms import Document, read_document
from plansim.model.records import Model, Timing, VariableKind, folded
from plansim.scenario.factors import Apply, Factor, constants_of, default_of
from plansim.scenario.reader import Scenario, read_scenario
from plansim.scenario.schema import Cell, Wording
from plansim.scenario.values import outside, range_text
from plansim.targets.catalogue import load_targets, reported_factor, split_reference, variable_of
from plansim.targets.form import Form, form_of
from plansim.targets.indicator import Measure, measured_unit

__all__ = ["CalibrationFile", "Observation", "Spec", "read_calibration", "schema_text"]

STARTS = 8
SEED = 0


# --- the form -------------------------------------------------------------------------------------


class ParameterForm(Form):
    """What a calibration may say of a parameter."""

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
    range: list[Cell] | None = Field(
        default=None,
        description="[low, high], inside the evidence range of what it acts on; else that range.",
    )
    zh: str = ""
    why: Wording = ""


class ObservationForm(Form):
    """One figure that the model is fitted to, and what in the model answers for it."""

    id: str | None = Field(default=None, description="Of a row in evidence.csv beside the model.")
    quantity: str | None = Field(default=None, description="As the table of data has it.")
    place: str | None = None
    part: str | None = None
    year: int | None = None
    variable: str = Field(description="What answers for it, `NAME` or `NAME[element]`.")
    measure: Annotated[Measure, Field(strict=False)] = Measure.LEVEL
    since: int | None = Field(
        default=None, description="The base year of a growth, sum, mean or reduction."
    )
    error: float | None = Field(
        default=None, gt=0, description="Standard deviation, in the unit of the row."
    )
    relative_error: float | None = Field(
        default=None, gt=0, description="The same as a share of the figure."
    )
    weight: float = Field(default=1.0, gt=0, description="By which the squared miss counts.")
    why: Wording = ""


class CalibrationFile(Form):
    """What a calibration file may say."""

    title: Wording = Field(description="What the calibration is called, in English and Chinese.")
    description: Wording = Field(default="", description="What it is about.")
    scenario: str = Field(description="Under which it is run: an id or a relative path.")
    parameters: dict[
        str,
        Annotated[
            ParameterForm, BeforeValidator(lambda x: {} if x is None else x)
        ],
    ] = Field(description="What is fitted, by name. Nothing more than the name of a constant: over "
              "its evidence range.")  # fmt: skip
    data: str | None = Field(
        default=None,
        description="A table of data (CSV), relative to this file; else observations.csv beside "
        "the model.",
    )
    observations: list[ObservationForm] = Field(description="What it is fitted to.")
    starts: int = Field(default=STARTS, ge=1, le=1024, description="From how many points.")
    seed: int = Field(default=SEED, ge=0, description="Of those points.")
    sources: list[str] = Field(default=[], description="Where the ranges come from.")


def schema_text() -> str:
    """Give the JSON Schema of a calibration file, as the shipped schema.json holds it."""
    schema = CalibrationFile.model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    text = json.dumps(head | schema | {"title": "Calibration"}, indent=2, ensure_ascii=False)
    return text.replace('"oneOf":', '"anyOf":') + "\n"


# --- the record -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observation:
    """A figure, and what in the model answers for it."""

    label: str
    """As the table of data has it, without the place."""
    label_zh: str
    """As the table of data has it (`quantity_zh`); else what answers for it in the model."""
    file: Path
    line: int
    year: int
    value: float
    unit: str
    error: float
    """Standard deviation, in ``unit``."""
    weight: float
    series: str
    """``name`` or ``name[element]``."""
    measure: Measure
    since: int
    factor: float
    """From the measure of the series, in the model's unit, to ``unit``."""


@dataclass(frozen=True)
class Spec:
    """A calibration that fits the model."""

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


def read_calibration(path: str | Path, model: Model, *, seed: int | None = None) -> Spec:
    """Read a calibration file and check it against the model and its tables.

    ``path`` may be the name of one that comes with plansim.

    Raises:
        DesignError: with every fault of the file, the scenario and the rows it names.
        UnknownNameError: no calibration bears the name.
    """
    path = _placed(path)
    document = read_document(path)
    try:
        form = form_of(CalibrationFile, document)
    except CatalogueError as error:
        raise DesignError(error.faults) from None
    return _Reader(model, document, form, path).spec(seed)


def _placed(name: str | Path) -> Path:
    """Give the path of a calibration file, or of the shipped one of that name."""
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        return path
    folder = shipped("scenarios", "calibration")
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = sorted(each.stem for each in folder.glob("*.yaml"))
        raise UnknownNameError(
            Fault(
                "no calibration is called '{name}'",
                expected=Message("one of {names}, or a path", names=tuple(known)),
                nearest=nearest(str(name), known),
                name=name,
            )
        )
    return path


@dataclass
class _Reader:
    """Turns the form into the record, noting what does not fit."""

    model: Model
    document: Document
    form: CalibrationFile
    path: Path

    def __post_init__(self) -> None:
        self.faults: list[Fault] = []
        self.tables: dict[Path, Table] = {}
        self.last = int(self.model.time.initial)

    def spec(self, seed: int | None) -> Spec:
        form = self.form
        scenario = self._scenario()
        parameters = self._parameters(scenario) if scenario else ()
        observations = tuple(self._observations(scenario))
        if not form.observations:
            self.fault(Message("a calibration needs observations"), "observations")
        if self.faults or scenario is None:
            raise DesignError(dict.fromkeys(self.faults))
        title = form.title
        return Spec(
            id=self.path.stem,
            title_en=title if isinstance(title, str) else title.en,
            title_zh=title if isinstance(title, str) else title.zh,
            scenario=scenario,
            parent=form.scenario,
            parameters=parameters,
            observations=observations,
            starts=form.starts,
            seed=form.seed if seed is None else seed,
            path=self.path,
            sha256=self.document.sha256,
            tables={each.path.name: each.sha256 for each in self.tables.values()},
        )

    def fault(
        self,
        message: Message,
        *place: str | int,
        expected: str | Message | None = None,
        found: str | Message | None = None,
        nearest: str | None = None,
    ) -> None:
        line = self.document.line(place)
        self.faults.append(Fault(message, self.document.file, line, expected, found, nearest))

    def _relay(self, error: InputError, *place: str | int) -> None:
        line = self.document.line(place)
        self.faults += [replace(each, file=self.document.file, line=line) for each in error.faults]

    def _scenario(self) -> Scenario | None:
        name = self.form.scenario
        path = self.path.parent / name
        try:
            return read_scenario(path if path.suffix in {".yaml", ".yml"} else name, self.model)
        except InputError as error:
            self._relay(error, "scenario")
            return None

    # --- parameters ---

    def _parameters(self, scenario: Scenario) -> tuple[Factor, ...]:
        if not self.form.parameters:
            self.fault(Message("a calibration needs parameters"), "parameters")
            return ()
        forms = {
            name: FactorForm(
                constants=each.constants, apply=each.apply, uniform=each.range, zh=each.zh
            )
            for name, each in self.form.parameters.items()
        }
        # Factors say where they stand under the key of a sweep's design.
        lines = {
            ("factors", *place[1:]) if place[:1] == ("parameters",) else place: line
            for place, line in self.document.lines.items()
        }
        try:
            factors = factors_of(forms, replace(self.document, lines=lines), scenario, self.model)
        except DesignError as error:
            self.faults += error.faults
            return ()
        for factor in factors:
            self._hold(factor, scenario)
        return factors

    def _hold(self, factor: Factor, scenario: Scenario) -> None:
        """Hold what a parameter makes of its constants to their evidence.

        A sweep may look beyond what is plausible; a fit that does has lost its evidence. What the
        scenario sets otherwise than the model is of another year or place, of which the evidence
        does not speak: there the file's own range has to do.
        """
        assert factor.distribution is not None
        ends = np.array([[factor.distribution.low], [factor.distribution.high]])
        constants = constants_of(self.model, scenario.values, [factor], ends)
        for reference, values in zip(factor.constants, constants.T, strict=True):
            variable = variable_of(self.model, reference)
            known = variable.plausible
            own = default_of(self.model, {}, reference)
            if known is None or default_of(self.model, scenario.values, reference) != own:
                continue
            low, high = sorted(map(float, values))
            if outside(low, *known) or outside(high, *known):
                self.fault(
                    Message(
                        "'{name}' takes '{reference}' outside its evidence range",
                        name=factor.name,
                        reference=reference,
                    ),
                    "parameters",
                    factor.name,
                    expected=range_text(*known, variable.unit),
                    found=range_text(low, high, variable.unit),
                )

    # --- observations ---

    def _observations(self, scenario: Scenario | None) -> Iterator[Observation]:
        taken: dict[tuple[Path, int], int] = {}
        for place, form in enumerate(self.form.observations):
            try:
                row = self._row(form)
                first = taken.setdefault((row.file, row.line), place)
                if first != place:
                    self.fault(
                        Message("the row stands twice: {row}", row=str(row)), "observations", place
                    )
                yield self._observation(form, row, place, scenario)
            except InputError as error:
                for fault in error.faults:
                    # What is wrong with a row is told where the row stands.
                    if fault.file in self.tables:
                        self.faults.append(fault)
                    else:
                        self._relay(InputError(fault), "observations", place)

    def _table(self, path: Path) -> Table:
        if path not in self.tables:
            self.tables[path] = read_table(path)
        return self.tables[path]

    def _row(self, form: ObservationForm) -> Row:
        """Find the one row that a form names.

        Raises:
            InputError: there is none, there are several, or it is no data for a fit.
        """
        targets = {each.id: each for each in load_targets(model=self.model)}
        asked = form.id or form.quantity
        if asked is None or (form.id and form.quantity):
            raise InputError(
                Fault("an observation names a row", expected=Message("either a quantity or an id"))
            )
        if asked in targets:
            raise InputError(
                Fault(
                    "{id} is a target of the plan, not an observation",
                    expected=Message(
                        "a row of {first} or {second}", first=OBSERVATIONS, second=EVIDENCE
                    ),
                    id=asked,
                )
            )
        folder = self.model.path.parent
        if form.id:
            table, wanted = self._table(folder / EVIDENCE), {"id": form.id}
        else:
            own = folder / OBSERVATIONS if self.form.data is None else None
            table = self._table(own or self.path.parent / str(self.form.data))
            wanted = {"quantity": asked}
        wanted |= {key: str(text) for key in ("place", "part", "year")
                   if (text := getattr(form, key)) is not None}  # fmt: skip
        rows = table.find(wanted)
        if not rows:
            column = "id" if form.id else "quantity"
            raise InputError(
                Fault(
                    "no row of {name} has {names}",
                    nearest=None if table.find({column: asked})
                    else nearest(asked, table.words(column)),
                    name=table.path.name, names=tuple(map(": ".join, wanted.items())),
                )
            )  # fmt: skip
        if len(rows) > 1:
            raise InputError(
                Fault(
                    "{count} rows of {name} have {names}",
                    expected=Message("one row; say place, part and year"),
                    found="; ".join(f"line {row.line}: {row}" for row in rows[:4]),
                    count=len(rows),
                    name=table.path.name,
                    names=tuple(map(": ".join, wanted.items())),
                )
            )
        (row,) = rows
        if refusal := why_not(row, self.last, tuple(targets)):
            raise InputError(refusal)
        return row

    def _observation(
        self, form: ObservationForm, row: Row, place: int, scenario: Scenario | None
    ) -> Observation:
        series = self._series(form.variable)
        year, value, unit = datum(row)
        if form.since is None and form.measure is not Measure.LEVEL:
            raise InputError(
                Fault(
                    "a {measure} needs a base year",
                    expected=Message("since: YEAR"),
                    measure=form.measure,
                )
            )
        if form.since is not None and form.measure is Measure.LEVEL:
            raise InputError(
                Fault(
                    "a {measure} has no base year",
                    expected=Message("no 'since'"),
                    measure=form.measure,
                )
            )
        since = year if form.since is None else form.since
        if form.measure is not Measure.LEVEL and since >= year:
            raise InputError(
                Fault(
                    "the base year comes too late",
                    expected=Message("before {year}", year=year),
                    found=str(since),
                )
            )
        if (form.error is None) == (form.relative_error is None):
            raise InputError(
                Fault(
                    "an observation has one error",
                    expected=Message("either error or relative_error"),
                )
            )
        error = form.error if form.error is not None else abs(value) * (form.relative_error or 0.0)
        if error <= 0:
            raise InputError(
                Fault(
                    "a figure of nil has no relative error",
                    expected=Message("an error in the unit of the figure"),
                )
            )
        variable = variable_of(self.model, series)
        try:
            factor = reported_factor(measured_unit(form.measure, variable.unit), unit)
        except UnitError as wrong:
            raise InputError(replace(each, file=None, line=None) for each in wrong.faults) from None
        if scenario is not None:
            clock, shift = scenario.time, 0.5 if variable.timing is Timing.YEAR_END else 0.0
            if not clock.initial <= min(since, year) + shift <= year + shift <= clock.final:
                raise InputError(
                    Fault(
                        "no run of '{scenario}' has '{name}' of {first}–{last}",
                        expected=Message(
                            "{low:g} to {high:g}", low=clock.initial, high=clock.final
                        ),
                        scenario=scenario.id,
                        name=series,
                        first=min(since, year),
                        last=year,
                    )
                )
        said = (row.cells.get(key, "") for key in ("quantity", "part", "year"))
        return Observation(
            label=", ".join(filter(None, said)),
            label_zh=row.cells.get("quantity_zh") or self._in_chinese(series),
            file=row.file,
            line=row.line,
            year=year,
            value=value,
            unit=unit,
            error=error,
            weight=form.weight,
            series=series,
            measure=form.measure,
            since=since,
            factor=factor,
        )

    def _in_chinese(self, series: str) -> str:
        """Name a series in Chinese, elements too, for a row that does not say what it is."""
        name, elements = split_reference(series)
        variable = self.model.find(name)
        ranges = [self.model.subscripts[each] for each in variable.subscripts]
        said = [
            (each.elements_zh or each.elements)[each.elements.index(element)]
            for element, each in zip(elements, ranges, strict=True)
        ]
        return variable.name_zh + (f"[{','.join(said)}]" if said else "")

    def _series(self, reference: str) -> str:
        name, elements = split_reference(reference)
        variable = self.model.find(name)
        if variable.kind not in {VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY}:
            raise InputError(
                Fault(
                    "'{name}' does not move in a run",
                    found=Message("a {kind}", kind=variable.kind),
                    name=variable.name,
                )
            )
        ranges = [self.model.subscripts[each].elements for each in variable.subscripts]
        if len(ranges) != len(elements):
            raise InputError(
                Fault(
                    "'{name}' has the wrong number of subscripts",
                    expected=_form_of(variable.name, variable.subscripts),
                    name=reference,
                )
            )
        found = []
        for element, within in zip(elements, ranges, strict=True):
            known = {folded(each): each for each in within}
            if folded(element) not in known:
                raise InputError(
                    Fault(
                        "'{name}' has no element '{element}'",
                        expected=Message("one of {names}", names=tuple(within)),
                        nearest=nearest(element, within),
                        name=variable.name,
                        element=element,
                    )
                )
            found.append(known[folded(element)])
        return f"{variable.name}[{','.join(found)}]" if found else variable.name


def _form_of(name: str, subscripts: Sequence[str]) -> str:
    return f"{name}[{', '.join(subscripts)}]" if subscripts else name


if __name__ == "__main__":
    print(schema_text(), end="")
