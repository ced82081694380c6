"""What was observed: ``history.yaml`` and ``seam.yaml`` beside a model; see `family` for others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import Field

from plansim.analysis.checks_form import (
    Check,
    ConstantName,
    ConstantSettings,
    SeriesName,
    VariableName,
)
from plansim.analysis.experiments.design_form import DesignContext
from plansim.errors import Fault, InputError, Message, nearest
from plansim.files.forms import LAX, Form, Items, Resolved, Wording, form_of, listed
from plansim.files.reading import read_csv
from plansim.files.yaml_document import read_document
from plansim.model.comment import Evidence, load_evidence
from plansim.model.records import Model, folded
from plansim.model.rewrite import AddedEquation
from plansim.scenario.cells import number_in
from plansim.targets.indicator import Measure
from plansim.targets.target import Target, reported_factor, variable_of

__all__ = [
    "HISTORY",
    "OBSERVATIONS",
    "SEAM",
    "Capital",
    "Free",
    "FreeFigure",
    "HeldSeries",
    "History",
    "Observed",
    "ObservedContext",
    "ObservedPoint",
    "PointKind",
    "Published",
    "Seam",
    "SeamItem",
    "StartSource",
    "load_history",
    "load_seam",
    "not_rising",
    "observed_context",
    "read_beside",
    "read_observations",
    "series_equations",
]

AnyForm = TypeVar("AnyForm", bound=Form)

HISTORY = "history.yaml"
SEAM = "seam.yaml"
OBSERVATIONS = "observations.csv"
_KEYS = ("place", "quantity", "part", "year")
_COLUMNS = ("place", "quantity", "source", "unit", "value", "year")


@dataclass(frozen=True)
class ObservedContext(DesignContext):
    """Where the figures are that a file beside a model names."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    observations: Mapping[tuple[str, ...], Mapping[str, str]] = field(default_factory=dict)
    """Figures as `read_observations` returns them."""
    place: str = ""
    """The place that is observed, where an entry does not say."""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)


def observed_context(
    model: Model, path: Path, targets: Sequence[Target], place: str = ""
) -> ObservedContext:
    """Return where the figures are that a file beside a model names."""
    return ObservedContext(
        model,
        path,
        targets={target.id: target for target in targets},
        observations=read_observations(model.path.with_name(OBSERVATIONS)),
        place=place,
        evidence=load_evidence(model.path.parent),
    )


def read_observations(path: Path) -> dict[tuple[str, ...], Mapping[str, str]]:
    """Read a table of figures of the past; none if there is no such file.

    Returns:
        Its rows, by place, quantity, part and year; of rows that share them the last.

    Raises:
        InputError: as `read_csv`.
    """
    rows = read_csv(path, _COLUMNS).records() if path.is_file() else ()
    return {_key(row.get(name, "") for name in _KEYS): row for _, row in rows}


def _key(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(folded, parts))


# --- history.yaml ---------------------------------------------------------------------------------


def not_rising(first: int, last: int, key: str) -> Fault:
    """Return the fault of years of which the first, under a key, is not before the last."""
    found = Message("{first}–{last}", first=first, last=last)
    return Fault("the years do not rise", at=(key,), found=found)


class PointKind(StrEnum):
    """Where a figure of the past comes from; only what was observed is drawn as such."""

    OBSERVED = "observed"
    DERIVED = "derived"
    """Led back from the figure of a later year at a mean rate."""
    OTHERWISE = "measured otherwise"
    """Measured in another way than what the model has."""


@dataclass(frozen=True)
class ObservedPoint:
    """One observation, or what stands for one."""

    year: int
    since: int | None
    """If not None, `value` is the mean yearly growth from that year."""
    value: float
    """In the unit of the observations; of growth, per cent a year."""
    sources: tuple[str, ...] = ()
    """Ids of the targets that it is made of, or the source of a row of the observations."""
    kind: PointKind = PointKind.OBSERVED

    @property
    def measure(self) -> Measure:
        """What was observed of the series."""
        return Measure.LEVEL if self.since is None else Measure.GROWTH

    @property
    def base(self) -> int:
        """Base year of the growth; of a level its own year."""
        return self.year if self.since is None else self.since


class _PointForm(Form):
    year: int
    since: int | None = None
    target: str | None = None
    rate: str | None = None
    """The figure of the target is led back to the year at this mean yearly rate."""
    measured_otherwise: bool = False
    observation: Items[str] | None = None
    place: str | None = None
    """The place that was observed; by default that of the file."""

    def _misfits(self, _: object) -> Iterator[Fault]:
        if self.since is not None and self.since >= self.year:
            yield not_rising(self.since, self.year, "since")


def _point(form: _PointForm, sources: ObservedContext) -> ObservedPoint:
    kind = PointKind.OBSERVED
    match form.target, form.observation:
        case str(name), None:
            target, value = _base_figure(name, sources)
            ids: tuple[str, ...] = (name,)
            if form.rate is not None:
                ids = (name, form.rate)
                growth = 1 + _base_figure(form.rate, sources)[1] / 100
                if target.base_period is not None and target.base_period.last != form.year:
                    value /= growth ** (target.base_period.last - form.year)
                    kind = PointKind.DERIVED
        case None, (quantity, part):
            key = _key((form.place or sources.place, quantity, part, str(form.year)))
            if (row := sources.observations.get(key)) is None:
                raise InputError(
                    "{table} has no '{quantity}' of {year}",
                    table=OBSERVATIONS,
                    quantity=", ".join(filter(None, (quantity, part))),
                    year=form.year,
                )
            value, ids = number_in("", quantity, row["value"]), (row["source"],)
        case _:
            either = Message("target: ID, or observation: [quantity, part]")
            raise InputError("an observation has one source", expected=either)
    kind = PointKind.OTHERWISE if form.measured_otherwise else kind
    return ObservedPoint(form.year, form.since, value, ids, kind)


def _base_figure(name: str, sources: ObservedContext) -> tuple[Target, float]:
    target = sources.targets.get(name)
    if target is None or target.base_value is None:
        close = nearest(name, sources.targets)
        raise InputError("the catalogue has no base figure '{name}'", nearest=close, name=name)
    return target, target.base_value


class Observed(Check):
    """One observed series, and what in the model answers for it."""

    of: str
    """The series in Vensim's language, over the variables of the model."""
    unit: str
    """The unit of the figures."""
    scale: float = Field(default=1, gt=0)
    """What makes a figure in `unit` one of the model's."""
    end_of_year: bool = False
    most: float | None = None
    """The mean absolute relative error that passes; None where it is not judged."""
    points: Annotated[
        tuple[ObservedPoint, ...], listed(list[_PointForm], _point), Field(min_length=1)
    ]

    @property
    def variable(self) -> str:
        """Name of the equation that answers for the series."""
        return f"observed {self.id}"


class Capital(Form):
    """An array that is not well known at the start, as a whole."""

    constant: ConstantName
    low: float
    """The smallest multiple of the scenario's own values."""
    high: float
    points: int = Field(ge=1)


class FreeFigure(Check):
    """A figure that the run answers for in which nothing is given."""

    of: SeriesName
    unit: str
    most: float = Field(gt=0)
    """The relative error that passes."""
    observed: Annotated[ObservedPoint, Resolved(_PointForm, _point)]
    """The figure; with `since` the sum over the years after it."""

    def _misfits(self, context: ObservedContext) -> Iterator[Fault]:
        # Raises where the units do not convert.
        reported_factor(variable_of(context.model, self.of).unit, self.unit)
        return iter(())


class HeldSeries(Check):
    """A series of history that is held at its value of the base year, to show what it explains."""

    set: ConstantSettings
    """The value of a constant, and of every year of a series that stands in its place."""


class Free(Form):
    """The past with what it gives left to the model."""

    scenario: str
    figures: Items[FreeFigure] = Field(min_length=1)
    held: Items[HeldSeries] = ()


class Published(Check):
    """A statistic that the city publishes year by year, and the series that answers for it."""

    of: SeriesName
    unit: str
    scale: float = Field(default=1, gt=0)
    """What makes a figure in `unit` one of the model's."""


class History(Form):
    """What is known of a model's past."""

    capital: Capital | None = None
    place: str
    series: Items[Observed]
    published: Items[Published] = ()
    """What can be watched from year to year."""
    free: Free | None = None


def load_history(model: Model, targets: Sequence[Target]) -> History | None:
    """Read what is known of a model's past; None if no file says.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    return read_beside(HISTORY, History, model, targets)


def series_equations(path: Path, series: Sequence[Observed]) -> Iterator[AddedEquation]:
    """Yield what answers for the series of a file, as equations beside the model's own."""
    document = read_document(path)
    for index, one in enumerate(series):
        line = document.line(("series", index, "of"))
        timing = "[year-end]" if one.end_of_year else ""
        yield AddedEquation(one.variable, one.of, (), document.file, line, comment=timing)


# --- seam.yaml ------------------------------------------------------------------------------------


class StartSource(StrEnum):
    """Where the start of a stock in the run from the past is from."""

    OBSERVED = "observed"
    RATE = "growth rate"
    INVENTORY = "inventory"
    STEADY = "steady"
    ASSUMED = "assumed"
    UNCHANGED = "unchanged"
    LED_BACK = "led back"
    FLOW = "flow"


def _known(name: str, sources: ObservedContext) -> str:
    if name not in sources.targets and name not in sources.evidence:
        raise InputError(
            "neither a target nor a row of the evidence is '{id}'",
            nearest=nearest(name, [*sources.targets, *sources.evidence]),
            id=name,
        )
    return name


class SeamItem(Form):
    """A stock or flow that is compared where the run from the past reaches the base year."""

    of: VariableName
    mark: Annotated[StartSource, LAX]
    source: Wording
    known: Annotated[tuple[str, ...], listed(list[str], _known)] = ()
    """Figures of the first year, or growth rates since, that did not set the start."""


class Seam(Form):
    """Where stocks start in the run from the past, and how near they come to the base year."""

    most: float = Field(gt=0)
    """The relative error of a sum over all elements that passes."""
    element: float = Field(gt=0, alias="by element")
    """The relative error of one element, beyond which it is named."""
    least: int
    """Minimum number of items that pass; what is led back does not count."""
    known: int
    """Minimum number of these that have a figure that did not set their start."""
    items: Items[SeamItem] = Field(min_length=1)


def load_seam(model: Model, targets: Sequence[Target]) -> Seam | None:
    """Read what the run from the past is compared with at the base year; None if no file says.

    Raises:
        InputError: with every fault of the file, each with its line.
    """
    return read_beside(SEAM, Seam, model, targets)


def read_beside(
    name: str, form: type[AnyForm], model: Model, targets: Sequence[Target]
) -> AnyForm | None:
    """Read a file beside a model; None if there is no such file."""
    path = model.path.with_name(name)
    if not path.is_file():
        return None
    document = read_document(path)
    place = document.data.get("place") if isinstance(document.data, dict) else ""
    return form_of(form, document, observed_context(model, path, targets, str(place or "")))
