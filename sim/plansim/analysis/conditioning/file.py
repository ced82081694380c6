"""The file ``conditioning.yaml`` beside a model: what its plausible members have to fit.

``model/conditioning.schema.json`` is the form for editors; ``python -m
plansim.analysis.conditioning.file > model/conditioning.schema.json`` renews it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plansim.analysis.calibration.observations import (
    ASSUMED,
    OBSERVATIONS,
    ObservationTable,
    read_table,
)
from plansim.analysis.experiments.design import Design, DesignKind
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.design_form import (
    DesignContext,
    FactorOrShort,
    factor_of,
    scenario_beside,
)
from plansim.analysis.validation.checks import CHECKS, load_checks
from plansim.analysis.validation.observed import (
    HISTORY,
    Observed,
    ObservedPoint,
    Seam,
    StartSource,
    load_history,
    load_seam,
)
from plansim.errors import DesignError, Fault, Message, nearest
from plansim.files.forms import (
    Entries,
    Form,
    Items,
    Location,
    Names,
    Resolved,
    Wording,
    Words,
    YamlDocument,
    doubled,
    form_of,
    read_document,
    schema_of,
)
from plansim.files.shipped import shipped
from plansim.model.records import Model, Timing, VariableKind
from plansim.model.rewrite import AddedEquation, with_equations
from plansim.scenario.factors import Factor, apart
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.values import range_text
from plansim.targets.catalogue import load_targets
from plansim.targets.indicator import moment
from plansim.targets.target import Target

__all__ = [
    "CONDITIONING",
    "ConditioningSpec",
    "HistoryRun",
    "Observation",
    "read_conditioning",
    "schema_text",
    "uncertainty_design",
]

CONDITIONING = "conditioning.yaml"
SET_BY_DATA = (StartSource.OBSERVED, StartSource.RATE)
"""Marks of starts that were read off a figure, which therefore tests nothing."""


# --- the form -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sources(DesignContext):
    """What the file is validated against."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    observations: ObservationTable | None = None
    place: str = ""


class ObservationForm(Form):
    """An observed series, and how far off a plausible member may be."""

    series: str = Field(description="Its id in history.yaml, or in the list of this file.")
    years: Items[int] = Field(default=(), description="Of its points; else all of them.")
    error: float | None = Field(
        default=None, gt=0, description="Standard deviation of the figure, in its unit."
    )
    relative_error: float | None = Field(
        default=None, alias="relative error", gt=0, description="The same as a part of the figure."
    )
    discrepancy: float | None = Field(
        default=None,
        ge=0,
        description="Standard deviation of what even the best member misses, in the same unit.",
    )
    relative_discrepancy: float | None = Field(
        default=None,
        alias="relative discrepancy",
        ge=0,
        description="The same as a part of the figure.",
    )
    stated: bool = Field(
        default=False,
        description="Whether a base constant states the figure, so that it tests no forecast.",
    )
    why: Wording = Words(en="", zh="")

    def _misfits(self, context: object) -> Iterator[Fault]:
        if (self.error is None) == (self.relative_error is None):
            expected = Message("either error or relative_error")
            yield Fault("an observation has one error", expected=expected)
        if self.discrepancy is not None and self.relative_discrepancy is not None:
            yield Fault("an observation has one discrepancy", at=("discrepancy",))


_Factors = Annotated[dict[str, Factor], Entries(dict[str, FactorOrShort], factor_of)]


class RunForm(Form):
    """A run of the past, and what is compared with it."""

    scenario: Annotated[Scenario, Resolved(str, scenario_beside)] = Field(
        description="An id or a relative path."
    )
    without: Names = Field(
        default=(), description="Factors that say nothing of these years and stay out of this run."
    )
    factors: _Factors = Field(
        default={}, description="What is unknown of this run alone, and no part of a member."
    )
    observations: list[ObservationForm] = Field(min_length=1)


class ConditioningFile(Form):
    """The form of ``conditioning.yaml``."""

    members: int = Field(default=500, ge=1, le=100_000, description="So many are kept.")
    seed: int = Field(default=0, ge=0)
    waves: int = Field(default=2, ge=2, le=20)
    draws: int = Field(default=131_072, ge=64, le=2**24, description="A wave.")
    limit: float = Field(
        default=3, gt=0, description="The implausibility up to which an observation is fitted."
    )
    matched: int = Field(
        default=12, ge=1, description="So many factors, those that matter most, waves narrow."
    )
    design: str | None = Field(
        default=None,
        description="What varies: the name or relative path of a sweep's design; else that of "
        "uncertainty which checks.yaml names.",
    )
    factors: _Factors = Field(default={}, description="What varies beside that, as base values.")
    structures: Items[str] = Field(
        default=(), description="Factors that are switches between structures, to be told apart."
    )
    series: Items[Observed] = Field(
        default=(), description="Series beside those of history.yaml, in the same form."
    )
    runs: list[RunForm] = Field(min_length=1)
    hold_out: int | None = Field(
        default=None,
        alias="hold out from",
        description="The year from which figures test a forecast of those before.",
    )


# --- what it says ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Observation:
    """One figure that members have to fit."""

    id: str
    name_en: str
    name_zh: str
    variable: str
    """Name of the equation that answers for it."""
    year: int
    since: int | None
    """If not None, `value` is the mean yearly growth from that year."""
    value: float
    unit: str
    scale: float
    """What makes a figure in `unit` one of the model's."""
    error: float
    """Standard deviation of the figure, in `unit`."""
    discrepancy: float
    """Standard deviation of what even the best member misses, in `unit`."""
    stated: bool
    """Whether a base constant of the model states the figure."""
    held_out: bool = False
    """Whether it is forecast rather than fitted."""

    @property
    def deviation(self) -> float:
        """Standard deviation of the difference to a member, in `unit`."""
        return math.hypot(self.error, self.discrepancy)


@dataclass(frozen=True)
class HistoryRun:
    """A run of the past with its observations."""

    scenario: Scenario
    without: frozenset[str]
    """Factors of the design that stay out of this run."""
    factors: tuple[Factor, ...]
    """What is unknown of this run alone."""
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class ConditioningSpec:
    """A validated ``conditioning.yaml``."""

    path: Path
    design: Design
    """Of the prior: what members change."""
    runs: tuple[HistoryRun, ...]
    equations: tuple[AddedEquation, ...]
    """What answers for the observations."""
    timing: Mapping[str, Timing]
    """When in the year each of these equations is read."""
    members: int
    seed: int
    waves: int
    draws: int
    limit: float
    matched: int
    structures: tuple[str, ...]
    hold_out: int | None
    prior_files: tuple[Path, ...]
    """The files that say what members change."""

    def files(self, model: Model) -> tuple[Path, ...]:
        """Return the files that decide which members are plausible, but the model itself."""
        beside = (model.path.with_name(name) for name in (HISTORY, OBSERVATIONS))
        past = (
            run.scenario.path.with_name(f"{name}.yaml")
            for run in self.runs
            if run.scenario.path is not None
            for name in run.scenario.lineage
        )
        return (*self.prior_files, *beside, *past)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Those of all runs."""
        return tuple(one for run in self.runs for one in run.observations)

    def held_out(self, year: int) -> ConditioningSpec:
        """Return what is to be fitted if figures from a year on are forecast."""
        return replace(self, runs=tuple(
            replace(run, observations=tuple(
                replace(one, held_out=one.year >= year) for one in run.observations))
            for run in self.runs))  # fmt: skip


def uncertainty_design(model: Model) -> Design | None:
    """Return the design of uncertainty that ``checks.yaml`` beside a model names; None if none."""
    if not model.path.with_name(CHECKS).is_file():
        return None
    name = load_checks(model).scenarios.uncertainty
    return None if name is None else read_design(shipped("scenarios") / name, model)


def schema_text() -> str:
    """Return the JSON Schema of ``conditioning.yaml``, as the shipped schema holds it."""
    return schema_of(ConditioningFile, "Conditioning")


def read_conditioning(model: Model, path: Path | None = None) -> ConditioningSpec:
    """Read what members have to fit, by default ``conditioning.yaml`` beside the model.

    Raises:
        DesignError: with every fault of the file, each with its line.
    """
    path = path or model.path.with_name(CONDITIONING)
    document = read_document(path)
    targets = load_targets(model=model)
    table = model.path.with_name(OBSERVATIONS)
    history = load_history(model, targets)
    context = _Sources(
        model,
        path,
        targets={target.id: target for target in targets},
        observations=read_table(table) if table.is_file() else None,
        place=history.place if history else "",
    )
    form = form_of(ConditioningFile, document, context, DesignError)
    reader = _Reader(model, document, form, history.series if history else (), [])
    design = reader.design(path)
    runs = tuple(reader.run(index, run, design) for index, run in enumerate(form.runs))
    if reader.faults:
        raise DesignError(dict.fromkeys(document.placed(fault) for fault in reader.faults))
    used = {one.variable for run in runs for one in run.observations}
    series = [one for one in reader.series.values() if one.variable in used]
    return ConditioningSpec(
        path,
        design,
        runs,
        tuple(reader.equations(path, used)),
        {s.variable: Timing.YEAR_END if s.end_of_year else Timing.YEAR for s in series},
        form.members,
        form.seed,
        form.waves,
        form.draws,
        form.limit,
        form.matched,
        form.structures,
        form.hold_out,
        tuple(reader.files),
    )


class _Reader:
    """Resolves what a form refers to, and collects what is at fault in it."""

    def __init__(
        self,
        model: Model,
        document: YamlDocument,
        form: ConditioningFile,
        history: tuple[Observed, ...],
        faults: list[Fault],
    ) -> None:
        self.model, self.document, self.form, self.faults = model, document, form, faults
        self.history = history
        self.files: list[Path] = []
        names = [("series", i, one.id) for i, one in enumerate(form.series)]
        known = {one.id for one in history}
        faults += doubled((("series", i), name) for _, i, name in names)
        faults += (
            Fault("'{name}' stands twice", at=("series", i), name=name)
            for _, i, name in names
            if name in known
        )
        self.series = {one.id: one for one in (*history, *form.series)}

    def design(self, path: Path) -> Design:
        """Return the design with the factors of the file."""
        form, name = self.form, self.form.design
        beside = path.parent / name if name and Path(name).suffix in {".yaml", ".yml"} else name
        read = read_design(beside, self.model) if beside else uncertainty_design(self.model)
        if read is not None and not read.kind.is_sample:
            kinds = Message("{names}", names=(DesignKind.SOBOL, DesignKind.LATIN_HYPERCUBE))
            self.faults.append(
                Fault("members are points of a sample", read.path, None, kinds, read.kind.value)
            )
        self.files += [path, *((read.path,) if read and read.path else ())]
        factors = (*(read.factors if read else ()), *form.factors.values())
        self.faults += apart("factors", factors)
        for index, structure in enumerate(form.structures):
            self._known(structure, factors, ("structures", index))
        if not factors:
            self.faults.append(Fault("no constant of the model has a plausible range"))
        scenarios = () if read is None else read.scenarios
        return Design(
            path.stem, "", "", DesignKind.SOBOL, scenarios, factors, 1, form.seed, 0, (), (),
            path=path,
        )  # fmt: skip

    def _known(self, name: str, factors: tuple[Factor, ...], at: Location) -> None:
        names = [factor.name for factor in factors]
        if name not in names:
            close = nearest(name, names)
            self.faults.append(Fault("unknown factor '{name}'", at=at, nearest=close, name=name))

    def run(self, index: int, form: RunForm, design: Design) -> HistoryRun:
        """Return a run with the observations that its entries mean."""
        at: Location = ("runs", index)
        for number, name in enumerate(form.without):
            self._known(name, design.factors, (*at, "without", number))
        acting = [factor for factor in design.factors if factor.name not in form.without]
        own = tuple(form.factors.values())
        self.faults += (
            replace(fault, at=(*at, *fault.at)) for fault in apart("factors", [*acting, *own])
        )
        observations: list[Observation] = []
        for number, entry in enumerate(form.observations):
            where = (*at, "observations", number)
            made = list(self._observations(entry, form.scenario, where))
            earlier = {one.id for one in observations}
            self.faults += (
                Fault("'{name}' stands twice", at=where, name=one.id)
                for one in made
                if one.id in earlier
            )
            observations += made
        return HistoryRun(form.scenario, frozenset(form.without), own, tuple(observations))

    def _observations(
        self, entry: ObservationForm, scenario: Scenario, at: Location
    ) -> Iterator[Observation]:
        """Yield the figures that an entry means."""
        series = self.series.get(entry.series)
        if series is None:
            close = nearest(entry.series, self.series)
            message = Message("no observed series is called '{name}'", name=entry.series)
            self.faults.append(Fault(message, at=(*at, "series"), nearest=close))
            return
        known = [point.year for point in series.observations]
        for year in entry.years:
            if year not in known:
                expected = Message("{years}", years=", ".join(map(str, known)))
                self.faults.append(
                    Fault("'{name}' has no figure of {year}", at=(*at, "years"),
                          expected=expected, name=series.id, year=year)
                )  # fmt: skip
        for point in series.observations:
            if entry.years and point.year not in entry.years:
                continue
            if fault := self._refused(series, point, scenario):
                self.faults.append(replace(fault, at=at))
                continue
            size = abs(point.value)
            error = entry.error or size * (entry.relative_error or 0)
            if not error:
                self.faults.append(Fault("a figure of nil has no relative error", at=at))
                continue
            span = str(point.year) if point.since is None else f"{point.since}–{point.year}"
            yield Observation(
                f"{series.id} {span}",
                series.en if span in series.en else f"{series.en}: {span}",
                series.zh if span in series.zh else f"{series.zh}：{span}",
                series.variable,
                point.year,
                point.since,
                point.value,
                series.unit,
                series.scale,
                error,
                entry.discrepancy or size * (entry.relative_discrepancy or 0),
                entry.stated,
            )

    def _refused(self, series: Observed, point: ObservedPoint, scenario: Scenario) -> Fault | None:
        """Return why a figure is no observation of a run; None if it is one."""
        label = f"{series.id} {point.year}"
        last = int(self.model.time.initial)
        if point.year > last:
            expected = Message("a year up to {year}", year=last)
            return Fault("an observation is of the past: {label}", expected=expected, label=label)
        if any(source.casefold().startswith(ASSUMED) for source in point.sources):
            return Fault("an assumption is no observation: {label}", label=label)
        timing = Timing.YEAR_END if series.end_of_year else Timing.YEAR
        clock = scenario.time
        first = point.year if point.since is None else point.since
        begin, end = moment(timing, first), moment(timing, point.year)
        if not clock.initial <= begin <= end <= clock.final:
            return Fault(
                "no run of '{scenario}' has '{series}' of {first}–{last}",
                expected=range_text(clock.initial, clock.final, ""),
                scenario=scenario.id,
                series=series.id,
                first=first,
                last=point.year,
            )
        if begin - clock.initial < 1 and (stock := self._set_start(series, point, scenario)):
            return Fault(
                "a figure that sets a start is no observation: {label}",
                expected=Message("a figure that did not set the start of '{name}'", name=stock),
                label=label,
            )
        return None

    def _set_start(self, series: Observed, point: ObservedPoint, scenario: Scenario) -> str:
        """Return the stock whose start a figure of the first year set; empty if none.

        Either ``seam.yaml`` names its source as that of a start, or the series is computed from
        nothing but stocks whose starts were observed.
        """
        seam = self._seam(scenario)
        if seam is None:
            return ""
        marked = {item.of: item for item in seam.items if item.mark in SET_BY_DATA}
        for item in marked.values():
            words = set(re.split(r"[^A-Za-z0-9]+", item.source.en))
            if words & {source for source in point.sources if re.fullmatch(r"\w+", source)}:
                return item.of
        if point.since is not None:
            return ""
        stocks = self._stocks(series.of)
        return min(stocks) if stocks and stocks <= marked.keys() else ""

    def _seam(self, scenario: Scenario) -> Seam | None:
        """Return the table of starts, if it is that of a scenario."""
        if not self.model.path.with_name(CHECKS).is_file():
            return None
        if load_checks(self.model).scenarios.history != scenario.id:
            return None
        return load_seam(self.model, load_targets(model=self.model))

    def _stocks(self, expression: str) -> set[str]:
        """Return the stocks that an expression depends on at one time."""
        probe = with_equations(self.model, [AddedEquation("probe of a start", expression)])
        stocks, seen = set(), {"probe of a start"}
        ahead = list(probe.variables["probe of a start"].causes)
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            if probe.variables[name].kind is VariableKind.STOCK:
                stocks.add(name)
            else:
                ahead += probe.variables[name].causes
        return stocks

    def equations(self, path: Path, used: set[str]) -> Iterator[AddedEquation]:
        """Yield the equations that answer for the series, each with its line."""
        files = ((self.model.path.with_name(HISTORY), self.history), (path, self.form.series))
        for file, series in files:
            document = read_document(file) if series else None
            for index, one in enumerate(series):
                if document is not None and one.variable in used:
                    line = document.line(("series", index, "of"))
                    yield AddedEquation(one.variable, one.of, (), document.file, line)


if __name__ == "__main__":
    print(schema_text(), end="")
