"""The file beside a model that says what a frontier is sought over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from plansim.analysis.experiments.design import Design
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.distributions import Uniform
from plansim.errors import CatalogueError, DesignError, Fault, InputError, Message, nearest
from plansim.forms import Document, read_document
from plansim.model.records import Model, VariableKind, folded
from plansim.scenario.factors import Factor
from plansim.scenario.reader import Scenario, read_scenario
from plansim.targets.form import Form, form_of
from plansim.targets.views import Lever, Views

__all__ = ["FILE_NAME", "Quest", "read_quest"]

FILE_NAME = "frontier.yaml"
"""Beside the model."""

Read = TypeVar("Read")


@dataclass(frozen=True)
class Quest:
    """What a frontier is sought over."""

    growth: str
    """The series whose growth is pushed."""
    years: tuple[int, ...]
    """To which it is counted, rising."""
    scenario: Scenario
    push: tuple[Lever, ...]
    """Levers that make growth."""
    mend: tuple[Lever, ...]
    """Levers that keep targets."""
    uncertainty: Design | None
    """Over which chances are counted; None for none."""

    @property
    def levers(self) -> tuple[Lever, ...]:
        """All levers."""
        return (*self.push, *self.mend)

    @property
    def factors(self) -> tuple[Factor, ...]:
        """All levers as factors, uniform over their ranges, in the model's units."""
        return tuple(
            Factor(
                name=lever.name_en,
                constants=lever.constants,
                apply=lever.apply,
                distribution=Uniform(lever.low, lever.high),
                unit=lever.unit,
                name_zh=lever.name_zh,
            )
            for lever in self.levers
        )


class _File(Form):
    growth: str
    years: list[int] = Field(min_length=1)
    scenario: str
    push: list[str] = Field(min_length=1)
    mend: list[str] = Field(default=[])
    uncertainty: str = ""


def read_quest(
    model: Model,
    views: Views,
    designs: Callable[[str], Path],
    *,
    path: Path | None = None,
    scenario: Scenario | None = None,
    samples: int | None = None,
) -> Quest:
    """Read what a frontier is sought over: the file at ``path``, else that beside the model.

    Scenario and design are named, or paths beside the file. ``designs`` finds a design by its name;
    ``scenario`` and ``samples`` go over what files say.

    Raises:
        DesignError: with every fault of the file.
        UnknownNameError: there is no such design.
    """
    path = model.path.with_name(FILE_NAME) if path is None else path
    if not path.is_file():
        message = Message("no file says over which levers a frontier is to be sought")
        raise DesignError(
            Fault(
                message,
                path,
                expected=Message("{path} beside the model, or --spec", path=FILE_NAME),
            )
        )
    document = read_document(path)
    try:
        form = form_of(_File, document)
    except CatalogueError as error:
        raise DesignError(error.faults) from None
    faults: list[Fault] = []

    def noted(read: Callable[[], Read], *place: str | int) -> Read | None:
        try:
            return read()
        except InputError as error:
            line = document.line(place)
            faults.extend(replace(each, file=document.file, line=line) for each in error.faults)
            return None

    def beside(name: str) -> Path | None:
        return path.parent / name if Path(name).suffix in {".yaml", ".yml"} else None

    chosen = scenario or noted(
        lambda: read_scenario(beside(form.scenario) or form.scenario, model), "scenario"
    )
    growth = noted(lambda: _series(model, form.growth), "growth")
    push = list(_levers(form.push, "push", views, document, faults))
    mend = list(_levers(form.mend, "mend", views, document, faults))
    if chosen is not None:
        faults += _misplaced(form, chosen, document)
    faults += _doubles([*push, *mend], document)
    if faults or chosen is None or growth is None:
        raise DesignError(dict.fromkeys(faults))
    design = None
    if form.uncertainty:
        file = beside(form.uncertainty) or designs(form.uncertainty)
        design = read_design(file, model, samples=samples, scenarios=[chosen])
    years = tuple(sorted(set(form.years)))
    return Quest(growth, years, chosen, tuple(push), tuple(mend), design)


def _series(model: Model, name: str) -> str:
    variable = model.find(name)
    moving = {VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY}
    if variable.kind not in moving or variable.subscripts:
        raise InputError(
            Fault(
                "'{name}' has no growth rate",
                expected=Message("one series that a run computes"),
                name=variable.name,
            )
        )
    return variable.name


def _levers(
    names: Sequence[str], key: str, views: Views, document: Document, faults: list[Fault]
) -> Iterator[Lever]:
    known = {folded(lever.id): lever for lever in views.levers}
    ids = [lever.id for lever in views.levers]
    for place, name in enumerate(names):
        if (lever := known.get(folded(name))) is not None:
            yield lever
            continue
        near = nearest(name, ids)
        line = document.line((key, place))
        faults.append(
            Fault("views.yaml has no lever '{name}'", document.file, line, nearest=near, name=name)
        )


def _doubles(levers: Sequence[Lever], document: Document) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for lever in levers:
        for constant in lever.constants:
            if constant in owners:
                message = Message(
                    "'{id}' and '{owner}' move one constant", id=lever.id, owner=owners[constant]
                )
                yield Fault(message, document.file, found=constant)
            owners[constant] = lever.id


def _misplaced(form: _File, scenario: Scenario, document: Document) -> Iterator[Fault]:
    first, last = scenario.time.initial, scenario.time.final
    for place, year in enumerate(form.years):
        if not first < year <= last:
            line = document.line(("years", place))
            expected = Message("after {first:g}, to {last:g}", first=first, last=last)
            yield Fault("no growth to {year}", document.file, line, expected=expected, year=year)
