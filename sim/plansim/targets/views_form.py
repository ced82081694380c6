"""The form of ``views.yaml``, validated against the model and the plan's targets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plansim.errors import Fault, InputError, Message, UnitError
from plansim.files.forms import LAX, Form, Names, Words, doubled, form_of, listed
from plansim.files.yaml_document import Plain, YamlDocument, read_document
from plansim.model.records import Model, Variable, VariableKind, cell_name, cells_of
from plansim.scenario.cells import outside, range_text
from plansim.scenario.factors import Apply
from plansim.scenario.references import cells_meant, meant
from plansim.targets.target import (
    Attribute,
    Target,
    answering_series,
    judged_targets,
    reported_factor,
    split_reference,
)
from plansim.targets.views import (
    KEY,
    MOST,
    Chart,
    ChartSeries,
    Cost,
    Lever,
    LeverGroup,
    Theme,
    Views,
    names_of,
    unit_of,
)

__all__ = ["read_views"]


def read_views(path: Path | None, model: Model, targets: Sequence[Target] = ()) -> Views:
    """Read the views of a model from a file; without one, take those that the model suggests.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    if path is None:
        document = YamlDocument(model.name, "", _suggested(model, targets), {}, ())
    else:
        document = read_document(path)
    file = form_of(_ViewsForm, document, _ViewsContext(model, targets))
    return Views(file.themes, file.groups)


@dataclass(frozen=True)
class _ViewsContext:
    """What the file is validated against."""

    model: Model
    targets: Sequence[Target]


@dataclass(frozen=True)
class _Meant:
    """The variable and elements that a text of the file refers to."""

    text: str
    variable: Variable
    cells: tuple[tuple[str, ...], ...]
    """The elements of each series; of a scalar, one empty."""

    @property
    def references(self) -> list[str]:
        return [cell_name(self.variable.name, cell) for cell in self.cells]


def _referred(text: str, variable: Variable, cells: Sequence[str]) -> _Meant:
    return _Meant(text, variable, tuple(tuple(cell.split(",")) if cell else () for cell in cells))


def _shown(text: str, context: _ViewsContext) -> _Meant:
    """Return the series that a reference means."""
    variable, cells = cells_meant(context.model, text)
    if not variable.kind.moves:
        raise InputError(
            "'{name}' does not change over time",
            found=Message("a {kind}", kind=variable.kind),
            name=variable.name,
        )
    return _referred(text, variable, cells)


def _moved(text: str, context: _ViewsContext) -> _Meant:
    """Return the constants that a reference means."""
    variable, cells = meant(context.model, text)
    if variable.kind is not VariableKind.CONSTANT:
        raise InputError(
            "'{name}' is not a lever",
            expected=Message("a constant"),
            found=Message("a {kind}", kind=variable.kind),
            name=variable.name,
        )
    return _referred(text, variable, cells)


# --- charts ---------------------------------------------------------------------------------------


class _Chart(Form):
    show: Annotated[tuple[_Meant, ...], listed(Names, _shown), Field(min_length=1)]
    unit: str | None = None
    key: bool = False
    cost: Annotated[Cost | None, LAX] = None
    en: str | None = None
    zh: str | None = None


def _chart(row: _Chart, context: _ViewsContext) -> Chart:
    first = row.show[0]
    references = [reference for shown in row.show for reference in shown.references]
    unit = row.unit or unit_of(context.targets, references)
    unit = first.variable.unit if unit is None else unit
    lines = []
    for item in row.show:
        try:
            factor = reported_factor(item.variable.unit, unit)
        except UnitError as error:
            raise InputError(
                "'{name}' cannot be shown in {unit}",
                at=() if row.unit is None else ("unit",),
                expected=error.faults[0].expected,
                found=item.variable.unit,
                nearest=error.faults[0].nearest,
                name=item.variable.name,
                unit=unit,
            ) from None
        for cell, reference in zip(item.cells, item.references, strict=True):
            lines.append(
                ChartSeries(reference, *names_of(context.model, item.variable, cell), factor)
            )
    alone = len(lines) == 1
    return Chart(
        id=first.text,
        name_en=row.en or (lines[0].name_en if alone else first.variable.name),
        name_zh=row.zh
        or (lines[0].name_zh if alone else first.variable.name_zh or first.variable.name),
        lines=tuple(lines),
        unit=unit,
        key=row.key,
        cost=row.cost,
    )


class _Theme(Words):
    id: str
    charts: Annotated[tuple[Chart, ...], listed(list[_Chart], _chart)]


# --- levers ---------------------------------------------------------------------------------------


class _LeverForm(Form):
    moves: Annotated[tuple[_Meant, ...], listed(Names, _moved), Field(min_length=1)]
    apply: Annotated[Apply, LAX] = Apply.SET
    range: list[float] | None = None
    unit: str | None = None
    outside: bool = False
    policy: bool = False
    en: str | None = None
    zh: str | None = None
    help: Words | None = None

    def _misfits(self, context: object) -> Iterator[Fault]:
        first = self.moves[0].variable
        count = sum(len(move.cells) for move in self.moves)
        if self.apply is Apply.SET and count > 1:
            yield Fault(
                "a lever sets one constant",
                expected=Message(
                    "one element, or apply: {add} or {multiply}",
                    add=Apply.ADD.value,
                    multiply=Apply.MULTIPLY.value,
                ),
                found=Message("{count} constants", count=count),
            )
        if self.policy and self.outside:
            yield Fault(
                "a lever is moved by policy or outside of its reach, not both", at=("policy",)
            )
        if units := {move.variable.unit for move in self.moves} - {first.unit}:
            yield Fault(
                "a lever moves constants of one unit",
                expected=first.unit,
                found=Message("{units}", units=tuple(units)),
            )
        if self.range is None and (self.apply is not Apply.SET or first.plausible is None):
            message = Message("a lever that changes the present value has no range of its own")
            if self.apply is Apply.SET:
                message = Message("'{name}' has no plausible range", name=first.name)
            yield Fault(message, expected=Message("range: [lowest, highest]"))
        if self.range is not None and (len(self.range) != 2 or self.range[0] >= self.range[1]):
            listed = ", ".join(f"{end:g}" for end in self.range)
            expected = Message("[lowest, highest], rising")
            yield Fault("not a range", at=("range",), expected=expected, found=f"[{listed}]")
        for end in self.range or ():
            if self.apply is Apply.SET and outside(end, *first.admissible):
                yield Fault(
                    "the range of '{name}' leaves the admissible one",
                    at=("range",),
                    expected=range_text(*first.admissible, first.unit),
                    found=f"{end:g}",
                    name=first.name,
                )
        try:
            reported_factor(self.model_unit, self.unit or self.model_unit)
        except UnitError as error:
            yield Fault(
                "the lever cannot be shown in {unit}",
                at=("unit",),
                found=self.model_unit,
                nearest=error.faults[0].nearest,
                unit=str(self.unit),
            )

    @property
    def model_unit(self) -> str:
        """The unit of the ends of the range."""
        return "Dmnl" if self.apply is Apply.MULTIPLY else self.moves[0].variable.unit


def _lever(row: _LeverForm, context: _ViewsContext) -> Lever:
    first = row.moves[0]
    variable = first.variable
    english, chinese = names_of(context.model, variable, first.cells[0])
    ends = variable.plausible if row.range is None else row.range
    assert ends is not None
    shown_unit = row.unit or row.model_unit
    return Lever(
        id=first.text,
        name_en=row.en or english,
        name_zh=row.zh or chinese,
        help_en=row.help.en if row.help else variable.meaning_en or variable.meaning_zh,
        help_zh=row.help.zh if row.help else variable.meaning_zh or variable.meaning_en,
        constants=tuple(reference for move in row.moves for reference in move.references),
        apply=row.apply,
        low=ends[0],
        high=ends[1],
        unit=row.model_unit,
        shown_unit=shown_unit,
        shown_factor=reported_factor(row.model_unit, shown_unit),
        outside=row.outside,
        policy=row.policy,
    )


class _Group(Words):
    id: str
    levers: Annotated[tuple[Lever, ...], listed(list[_LeverForm], _lever)]


# --- a model without a file -----------------------------------------------------------------------


def _suggested(model: Model, targets: Sequence[Target]) -> Plain:
    """Return what a file would say: a theme and a group for each module.

    Charts are of stocks and of what targets judge, at most `MOST` lines on one, with binding
    targets first. Levers are the scalar constants with a plausible range; in a model without such
    ranges every constant, over its finite bounds or from 0.5 to 1.5 of its value.
    """
    judged = _judged(targets)
    moving = [variable for variable in model.variables.values() if variable.kind.moves]
    wanted = [
        variable
        for variable in moving
        if variable.kind is VariableKind.STOCK or variable.name in judged
    ] or moving
    drawn = [variable for variable in wanted if len(cells_of(model, variable)) <= MOST]
    first = sorted(drawn, key=lambda variable: judged.get(variable.name, len(judged) + 1))[:KEY]
    constants = [
        variable
        for variable in model.variables.values()
        if variable.kind is VariableKind.CONSTANT and not variable.subscripts
    ]
    documented = any(variable.plausible for variable in constants)
    ends = {
        variable.name: variable.plausible if documented else _around(variable)
        for variable in constants
    }

    def sections(key: str, rows: Mapping[str, tuple[str, Plain]]) -> Plain:
        modules: dict[str, list[Plain]] = {}
        for module, row in rows.values():
            modules.setdefault(module or model.name, []).append(row)
        titles = {id_: id_[:1].upper() + id_[1:] for id_ in modules}
        return [
            {"id": id_, "en": titles[id_], "zh": titles[id_], key: rows}
            for id_, rows in modules.items()
        ]

    charts: dict[str, tuple[str, Plain]] = {
        variable.name: (variable.module, {"show": variable.name, "key": variable in first})
        for variable in drawn
    }
    levers: dict[str, tuple[str, Plain]] = {
        variable.name: (variable.module, {"moves": variable.name, "range": [*end]})
        for variable in constants
        if (end := ends[variable.name]) and end[0] < end[1]  # a single value moves nothing
    }
    return {"themes": sections("charts", charts), "groups": sections("levers", levers)}


def _judged(targets: Iterable[Target]) -> dict[str, int]:
    """Return the variables that targets judge, each with its rank of importance."""
    judging = judged_targets(targets)
    ordered = sorted(judging, key=lambda target: target.attribute is not Attribute.BINDING)
    names = (split_reference(reference)[0] for reference in answering_series(ordered))
    return {name: position for position, name in enumerate(dict.fromkeys(names))}


def _around(variable: Variable) -> tuple[float, float] | None:
    low, high = variable.admissible
    if low is not None and high is not None:
        return low, high
    value = variable.value
    if not isinstance(value, float) or not value or not math.isfinite(value):
        return None
    lower, upper = sorted((0.5 * value, 1.5 * value))
    return (lower if low is None else max(lower, low), upper if high is None else min(upper, high))


# --- the file -------------------------------------------------------------------------------------


class _ViewsForm(Form):
    themes: Annotated[
        tuple[Theme, ...],
        listed(list[_Theme], lambda row, _: Theme(row.id, row.en, row.zh, row.charts), unique="id"),
    ]
    groups: Annotated[
        tuple[LeverGroup, ...],
        listed(
            list[_Group], lambda row, _: LeverGroup(row.id, row.en, row.zh, row.levers), unique="id"
        ),
    ]

    def _misfits(self, context: object) -> Iterator[Fault]:
        yield from doubled(
            (("themes", i, "charts", j), chart.id)
            for i, theme in enumerate(self.themes)
            for j, chart in enumerate(theme.charts)
        )
        yield from doubled(
            (("groups", i, "levers", j), constant)
            for i, group in enumerate(self.groups)
            for j, lever in enumerate(group.levers)
            for constant in lever.constants
        )
