"""The form of ``views.yaml``, validated against the model and the plan's targets."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field

from plansim.errors import Fault, InputError, Message, UnitError
from plansim.files.forms import LAX, Form, Names, Words, doubled, form_of, listed
from plansim.files.yaml_document import Plain, YamlDocument, read_document
from plansim.model.records import Model, Variable, VariableKind, cell_name, cells_of
from plansim.model.units import shown_in
from plansim.scenario.cells import outside, range_text
from plansim.scenario.factors import Apply
from plansim.scenario.factors import unit_of as unit_of_factor
from plansim.scenario.references import constant_cells, variable_cells
from plansim.targets.target import (
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


def _meant(text: str, context: _ViewsContext, *, is_lever: bool) -> _Meant:
    """Return the series that a reference means, or the constants that a lever moves."""
    find = constant_cells if is_lever else variable_cells
    variable, cells = find(context.model, text)
    found = Message("a {kind}", kind=variable.kind)
    if is_lever and variable.kind is not VariableKind.CONSTANT:
        raise InputError(
            "'{name}' is not a lever",
            expected=Message("a constant"),
            found=found,
            name=variable.name,
        )
    if not is_lever and not variable.kind.moves:
        raise InputError("'{name}' does not change over time", found=found, name=variable.name)
    return _Meant(text, variable, tuple(tuple(cell.split(",")) if cell else () for cell in cells))


def _factor(unit: str, shown: str, *at: str) -> float:
    """Return the factor from a unit of the model to the one that is shown."""
    try:
        return reported_factor(unit, shown)
    except UnitError as error:
        (fault,) = error.faults
        raise InputError(
            "what is measured in {unit} cannot be shown in {shown}",
            at=at,
            expected=fault.expected,
            nearest=fault.nearest,
            unit=unit,
            shown=shown,
        ) from None


# --- charts ---------------------------------------------------------------------------------------


class _Chart(Form):
    show: Annotated[
        tuple[_Meant, ...], listed(Names, partial(_meant, is_lever=False)), Field(min_length=1)
    ]
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
    lines = [
        ChartSeries(
            cell_name(item.variable.name, cell),
            *names_of(context.model, item.variable, cell),
            _factor(item.variable.unit, unit, *(["unit"] if row.unit else [])),
        )
        for item in row.show
        for cell in item.cells
    ]
    # Of several lines the first variable gives the name.
    cell = first.cells[0] if len(lines) == 1 else ()
    name_en, name_zh = names_of(context.model, first.variable, cell)
    return Chart(
        id=first.text,
        name_en=row.en or name_en,
        name_zh=row.zh or name_zh,
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
    moves: Annotated[
        tuple[_Meant, ...], listed(Names, partial(_meant, is_lever=True)), Field(min_length=1)
    ]
    apply: Annotated[Apply, LAX] = Apply.SET
    range: list[float] | None = None
    unit: str | None = None
    outside: bool = False
    policy: bool = False
    en: str | None = None
    zh: str | None = None
    help: Words | None = None


def _lever(row: _LeverForm, context: _ViewsContext) -> Lever:
    first = row.moves[0]
    variable, sets = first.variable, row.apply is Apply.SET
    constants = tuple(reference for move in row.moves for reference in move.references)
    unit = unit_of_factor(variable.name, row.apply, [move.variable for move in row.moves])
    ends = row.range
    if ends is None and sets and variable.plausible is not None:
        ends = [*variable.plausible]
    if sets and len(constants) > 1:
        expected = Message("one element, or apply: add or multiply")
        found = Message("{count} constants", count=len(constants))
        raise InputError("a lever sets one constant", expected=expected, found=found)
    if row.policy and row.outside:
        raise InputError(
            "a lever is moved by policy or outside of its reach, not both", at=("policy",)
        )
    if ends is None or len(ends) != 2 or ends[0] >= ends[1]:
        found = Message("{ends}", ends=f"{ends}")
        raise InputError(
            "'{name}' has no range",
            at=() if ends is None else ("range",),
            expected=Message("range: [lowest, highest], rising"),
            found=None if ends is None else found,
            name=variable.name,
        )
    if sets and any(outside(end, *variable.admissible) for end in ends):
        raise InputError(
            "the range of '{name}' leaves the admissible one",
            at=("range",),
            expected=range_text(*variable.admissible, variable.unit),
            found=Message("{low:g} to {high:g}{unit}", low=ends[0], high=ends[1], unit=""),
            name=variable.name,
        )
    english, chinese = names_of(context.model, variable, first.cells[0])
    meaning = Words(
        en=variable.meaning_en or variable.meaning_zh, zh=variable.meaning_zh or variable.meaning_en
    )
    help_ = row.help or meaning
    shown, factor = (row.unit, _factor(unit, row.unit, "unit")) if row.unit else shown_in(unit)
    return Lever(
        id=first.text,
        name_en=row.en or english,
        name_zh=row.zh or chinese,
        help_en=help_.en,
        help_zh=help_.zh,
        constants=constants,
        apply=row.apply,
        low=ends[0],
        high=ends[1],
        unit=unit,
        shown_unit=shown,
        shown_factor=factor,
        outside=row.outside,
        policy=row.policy,
    )


class _Group(Words):
    id: str
    levers: Annotated[tuple[Lever, ...], listed(list[_LeverForm], _lever)]


# --- a model without a file -----------------------------------------------------------------------


def _suggested(model: Model, targets: Sequence[Target]) -> Plain:
    """Return what a file would say: a theme and a group for each module.

    Charts are of stocks and of what targets judge, at most `MOST` lines on one. Levers are the
    scalar constants with a plausible range; in a model without such ranges every constant, over its
    finite bounds or from 0.5 to 1.5 of its value.
    """
    judged = {split_reference(name)[0] for name in answering_series(judged_targets(targets))}
    variables = [*model.variables.values()]
    moving = [one for one in variables if one.kind.moves]
    wanted = [one for one in moving if one.kind is VariableKind.STOCK or one.name in judged]
    drawn = [one for one in wanted or moving if len(cells_of(model, one)) <= MOST]
    first = sorted(drawn, key=lambda one: one.name not in judged)[:KEY]
    constants = [
        one for one in variables if one.kind is VariableKind.CONSTANT and not one.subscripts
    ]
    documented = any(one.plausible for one in constants)
    ends = [(one, one.plausible if documented else _around(one)) for one in constants]
    charts: list[tuple[Variable, Plain]] = [
        (one, {"show": one.name, "key": one in first}) for one in drawn
    ]
    levers: list[tuple[Variable, Plain]] = [
        (one, {"moves": one.name, "range": [*end]}) for one, end in ends if end and end[0] < end[1]
    ]

    def sections(key: str, rows: Iterable[tuple[Variable, Plain]]) -> Plain:
        modules: dict[str, list[Plain]] = {}
        for variable, row in rows:
            modules.setdefault(variable.module or model.name, []).append(row)
        titles = {id_: id_[:1].upper() + id_[1:] for id_ in modules}
        return [
            {"id": id_, "en": titles[id_], "zh": titles[id_], key: rows}
            for id_, rows in modules.items()
        ]

    return {"themes": sections("charts", charts), "groups": sections("levers", levers)}


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
