"""Reading ``views.yaml``, and holding it to the model and to the plan's targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from plansim.errors import CatalogueError, Fault, InputError, Message, UnitError, nearest
from plansim.forms import Document, read_document
from plansim.forms import Location as Place
from plansim.model.records import Model, Variable, VariableKind
from plansim.scenario.values import Apply, Entry, meant, outside, range_text
from plansim.targets.catalogue import Target, reported_factor, split_reference
from plansim.targets.form import Form, Words, fault_at, form_of
from plansim.targets.views import Chart, Lever, LeverGroup, Line, Theme, Views
from plansim.targets.views_default import STILL, default_views, names_of, reference_of, unit_of

__all__ = ["FILE_NAME", "load_views"]

FILE_NAME = "views.yaml"
"""Beside the model."""


def load_views(model: Model, targets: Sequence[Target] = ()) -> Views:
    """Read what people are shown of a model; where no file says it, derive it.

    ``targets`` decide in which unit a chart is shown whose unit the file leaves out.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        return default_views(model, targets)
    document = read_document(path)
    reader = _Reader(model, targets, document)
    views = reader.views(form_of(_File, document))
    if reader.faults:
        raise CatalogueError(sorted(reader.faults, key=lambda fault: fault.line or 0))
    return views


# --- the form of the file -----------------------------------------------------------------------


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


_Names = Annotated[list[str], BeforeValidator(_listed)]


class _Chart(Form):
    show: _Names
    unit: str | None = None
    key: bool = False
    en: str | None = None
    zh: str | None = None


class _Theme(Words):
    id: str
    charts: list[_Chart]


class _Lever(Form):
    moves: _Names
    apply: Annotated[Apply, Field(strict=False)] = Apply.SET
    range: list[float] | None = None
    unit: str | None = None
    outside: bool = False
    en: str | None = None
    zh: str | None = None
    help: Words | None = None


class _Group(Words):
    id: str
    levers: list[_Lever]


class _File(Form):
    themes: list[_Theme]
    groups: list[_Group]


# --- against the model ----------------------------------------------------------------------------

Known = TypeVar("Known", _Theme, _Group)


@dataclass
class _Reader:
    """Turns the form into records, noting what does not fit the model."""

    model: Model
    targets: Sequence[Target]
    document: Document
    faults: list[Fault] = field(default_factory=list)

    def fault(
        self,
        place: Place,
        message: str | Message,
        expected: str | Message | None = None,
        found: str | Message | None = None,
        nearest: str | None = None,
    ) -> None:
        self.faults.append(fault_at(self.document, place, message, expected, found, nearest))

    def views(self, file: _File) -> Views:
        drawn: dict[str, int] = {}
        moved: dict[str, int] = {}
        themes = []
        for number, theme in self._with_ids("themes", file.themes):
            charts = (
                self._chart(row, ("themes", number, "charts", place), drawn)
                for place, row in enumerate(theme.charts)
            )
            themes.append(Theme(theme.id, theme.en, theme.zh, tuple(filter(None, charts))))
        groups = []
        for number, group in self._with_ids("groups", file.groups):
            levers = (
                self._lever(row, ("groups", number, "levers", place), moved)
                for place, row in enumerate(group.levers)
            )
            groups.append(LeverGroup(group.id, group.en, group.zh, tuple(filter(None, levers))))
        return Views(tuple(themes), tuple(groups))

    def _with_ids(self, key: str, rows: Sequence[Known]) -> Iterator[tuple[int, Known]]:
        seen: set[str] = set()
        for number, row in enumerate(rows):
            if row.id in seen:
                self.fault((key, number, "id"), Message("the id '{id}' stands twice", id=row.id))
            seen.add(row.id)
            yield number, row

    # Charts

    def _chart(self, row: _Chart, place: Place, drawn: dict[str, int]) -> Chart | None:
        shown = [
            each
            for number, text in enumerate(row.show)
            for each in self._shown(text, (*place, "show", number))
        ]
        if not shown:
            if not row.show:
                self.fault(
                    (*place, "show"),
                    Message("a chart shows nothing"),
                    expected=Message("a variable"),
                )
            return None
        variables = [variable for variable, _ in shown]
        first = row.show[0]
        line = self.document.line(place) or 0
        if drawn.setdefault(first, line) != line:
            self.fault(
                place,
                Message("'{name}' is shown twice", name=first),
                found=Message("a first time on line {number}", number=drawn[first]),
            )
        unit = row.unit or unit_of(self.targets, [reference_of(*each) for each in shown])
        unit = variables[0].unit if unit is None else unit
        lines = []
        for variable, elements in shown:
            try:
                factor = reported_factor(variable.unit, unit)
            except UnitError as error:
                message = Message(
                    "'{name}' cannot be shown in {unit}", name=variable.name, unit=unit
                )
                what = error.faults[0]
                if row.unit is not None:
                    place = (*place, "unit")
                self.fault(place, message, what.expected, variable.unit, what.nearest)
                return None
            english, chinese = names_of(self.model, variable, elements)
            lines.append(Line(reference_of(variable, elements), english, chinese, factor))
        alone = len(lines) == 1
        name = variables[0]
        return Chart(
            id=first,
            name_en=row.en or (lines[0].name_en if alone else name.name),
            name_zh=row.zh or (lines[0].name_zh if alone else name.name_zh or name.name),
            lines=tuple(lines),
            unit=unit,
            key=row.key,
        )

    def _shown(self, text: str, place: Place) -> Iterator[tuple[Variable, tuple[str, ...]]]:
        """Give each series that a reference means."""
        name, elements = split_reference(text)
        variables = self.model.variables
        variable = variables.get(name)
        if variable is None or variable.kind in STILL:
            known = [each.name for each in variables.values() if each.kind not in STILL]
            message = Message(
                "the model has no variable '{name}' that changes over time", name=name
            )
            found = None if variable is None else Message("a {kind}", kind=variable.kind)
            self.fault(place, message, None, found, nearest(name, known))
            return
        ranges = [self.model.subscripts[each].elements for each in variable.subscripts]
        if not elements:
            for each in product(*ranges):
                yield variable, each
            return
        strange = [e for e, within in zip(elements, ranges, strict=False) if e not in within]
        if strange or len(elements) != len(ranges):
            wanted = name + "".join(f"[{each}]" for each in variable.subscripts)
            known = [e for within in ranges for e in within]
            close = nearest(strange[0], known) if strange else None
            self.fault(place, Message("'{name}' is not one series", name=text), wanted, text, close)
            return
        yield variable, elements

    # Levers

    def _lever(self, row: _Lever, place: Place, moved: dict[str, int]) -> Lever | None:
        found = [
            each
            for number, text in enumerate(row.moves)
            for each in self._moved(text, (*place, "moves", number))
        ]
        if not found:
            if not row.moves:
                self.fault(
                    (*place, "moves"),
                    Message("a lever moves nothing"),
                    expected=Message("a constant"),
                )
            return None
        references = [reference_of(*each) for each in found]
        line = self.document.line(place) or 0
        for each in references:
            if moved.setdefault(each, line) != line:
                self.fault(
                    place,
                    Message("'{name}' is moved twice", name=each),
                    found=Message("a first time on line {number}", number=moved[each]),
                )
        variable = found[0][0]
        if row.apply is Apply.SET and len(found) > 1:
            self.fault(
                place,
                Message("a lever sets one constant"),
                expected=Message(
                    "one element, or apply: {first} or {second}",
                    first=Apply.ADD,
                    second=Apply.MULTIPLY,
                ),
                found=Message("{count} constants", count=len(found)),
            )
        if units := {each.unit for each, _ in found} - {variable.unit}:
            self.fault(
                place,
                Message("a lever moves constants of one unit"),
                variable.unit,
                Message("{units}", units=tuple(units)),
            )
        ends = self._range(row, variable, place)
        unit = "Dmnl" if row.apply is Apply.MULTIPLY else variable.unit
        shown = row.unit or unit
        try:
            factor = reported_factor(unit, shown)
        except UnitError as error:
            what = error.faults[0]
            self.fault(
                (*place, "unit"),
                Message("the lever cannot be shown in {unit}", unit=shown),
                None,
                unit,
                what.nearest,
            )
            factor = 1.0
        if ends is None:
            return None
        english, chinese = names_of(self.model, *found[0])
        return Lever(
            id=row.moves[0],
            name_en=row.en or english,
            name_zh=row.zh or chinese,
            help_en=row.help.en if row.help else variable.meaning_en or variable.meaning_zh,
            help_zh=row.help.zh if row.help else variable.meaning_zh or variable.meaning_en,
            constants=tuple(references),
            apply=row.apply,
            low=ends[0],
            high=ends[1],
            unit=unit,
            shown_unit=shown,
            shown_factor=factor,
            outside=row.outside,
        )

    def _moved(self, text: str, place: Place) -> Iterator[tuple[Variable, tuple[str, ...]]]:
        """Give each constant that a reference means."""
        try:
            variable, elements = meant(self.model, Entry(text, 0.0, self.document, place))
        except InputError as error:
            self.faults += error.faults
            return
        if variable.kind is not VariableKind.CONSTANT:
            self.fault(
                place,
                Message("'{name}' is no lever", name=variable.name),
                Message("a constant"),
                Message("a {kind}", kind=variable.kind),
            )
            return
        for each in elements:
            yield variable, tuple(each.split(",")) if each else ()

    def _range(self, row: _Lever, variable: Variable, place: Place) -> tuple[float, float] | None:
        """Give the ends of a lever: those of the file, else the plausible ones."""
        given = row.range
        if given is None:
            if row.apply is Apply.SET and variable.plausible is not None:
                return variable.plausible
            why = (
                Message("'{name}' has no plausible range", name=variable.name)
                if row.apply is Apply.SET
                else Message("a lever that changes what stands there has no range of its own")
            )
            self.fault(place, why, expected=Message("range: [lowest, highest]"))
            return None
        if len(given) != 2 or not given[0] < given[1]:
            listed = ", ".join(f"{each:g}" for each in given)
            self.fault(
                (*place, "range"),
                Message("not a range"),
                Message("[lowest, highest], rising"),
                f"[{listed}]",
            )
            return None
        if row.apply is Apply.SET:
            for end in given:
                if outside(end, *variable.admissible):
                    self.fault(
                        (*place, "range"),
                        Message(
                            "the range of '{name}' leaves the admissible one", name=variable.name
                        ),
                        range_text(*variable.admissible, variable.unit),
                        f"{end:g}",
                    )
        return given[0], given[1]
