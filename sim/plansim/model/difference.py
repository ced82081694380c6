"""What differs between two versions of a model, and models that have only a part of it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from plansim.files.notebook import Table, Tabular
from plansim.model.reader import parse_model
from plansim.model.reading.entries import SKETCH
from plansim.model.reading.equations import Equation, spliced
from plansim.model.reading.expression import name_key
from plansim.model.records import Model, SubscriptRange, Variable, VariableKind
from plansim.model.rewrite import unparse

__all__ = [
    "Aspect",
    "Detail",
    "Differences",
    "EntryDifference",
    "differences",
    "hybrid",
    "units_of_change",
]


_BRACKETS = re.compile(r"\[([^\]]*)\]")


class Aspect(StrEnum):
    """In what a variable may differ between two versions of a model."""

    EQUATION = "equation"
    VALUE = "value"
    UNIT = "unit"
    RANGE = "range"
    COMMENT = "comment"


@dataclass(frozen=True)
class Detail:
    """One thing in which a variable differs, as either file has it."""

    aspect: Aspect
    before: str
    after: str
    element: str = ""
    """The element of an array of constants that differs; empty for the whole variable."""


@dataclass(frozen=True)
class EntryDifference:
    """A variable, or a subscript range, that differs between two versions of a model."""

    name: str
    before: Variable | SubscriptRange | None
    """None if only the new version has it."""
    after: Variable | SubscriptRange | None
    """None if only the old version has it."""
    details: tuple[Detail, ...]

    @property
    def either(self) -> Variable | SubscriptRange:
        """What the new version has, or else the old one."""
        record = self.after or self.before
        assert record is not None
        return record

    @property
    def name_zh(self) -> str:
        """The Chinese name."""
        return self.either.name_zh

    @property
    def module(self) -> str:
        """The module it is in; empty for a range."""
        return self.either.module if isinstance(self.either, Variable) else ""

    @property
    def aspects(self) -> frozenset[Aspect]:
        """In what it differs."""
        return frozenset(one.aspect for one in self.details)

    @property
    def is_range(self) -> bool:
        """Whether it is a subscript range."""
        return isinstance(self.either, SubscriptRange)

    @property
    def moves(self) -> bool:
        """Whether values in a run may differ by it."""
        one_sided = self.before is None or self.after is None
        return one_sided or bool({Aspect.EQUATION, Aspect.VALUE} & self.aspects)

    @property
    def rescales(self) -> bool:
        """Whether its own values may be read in another way: in another unit, at another time."""
        before, after = self.before, self.after
        if not (isinstance(before, Variable) and isinstance(after, Variable)):
            return False
        return (before.unit, before.timing) != (after.unit, after.timing)

    @property
    def is_number(self) -> bool:
        """Whether it is the numbers of a constant that differ, which can be set for a run."""
        before, after = self.before, self.after
        if not (isinstance(before, Variable) and isinstance(after, Variable)):
            return False
        same = before.subscripts == after.subscripts and not self.rescales
        if isinstance(before.value, Mapping) and isinstance(after.value, Mapping):
            same = same and before.value.keys() == after.value.keys()
        is_constant = {before.kind, after.kind} == {VariableKind.CONSTANT}
        return same and is_constant and Aspect.VALUE in self.aspects


class Differences(Tabular, tuple[EntryDifference, ...]):
    """What differs between two versions of a model: as a table, a row for each thing."""

    def _table(self) -> Table:
        rows = (
            (one.name, one.name_zh, one.module, detail.element, detail.aspect.value,
             detail.before, detail.after)
            for one in self
            for detail in one.details
        )  # fmt: skip
        return ("name", "name_zh", "module", "element", "aspect", "before", "after"), rows


def differences(old: Model, new: Model) -> Differences:
    """Return what differs between two versions of a model, in the order of the new one's file.

    Spacing, letter case of names, the order of entries and drawings make no difference.

    >>> lake = plansim.load_model("lake.mdl")
    >>> other = parse_model(lake.text.replace("effort= 0.1", "effort= 0.2"), lake.path)
    >>> (change,) = differences(lake, other)
    >>> change.name, change.details[0].before, change.details[0].after
    ('effort', '0.1', '0.2')
    >>> differences(lake, other).frame()[["name", "aspect", "before", "after"]]
         name aspect before after
    0  effort  value    0.1   0.2
    """
    return Differences(_differences(old, new))


def _differences(old: Model, new: Model) -> Iterator[EntryDifference]:
    for name in dict.fromkeys([*new.subscripts, *old.subscripts]):
        one, other = old.subscripts.get(name), new.subscripts.get(name)
        if one != other:
            parts = [(Aspect.EQUATION, _elements(one), _elements(other))]
            parts += [(Aspect.COMMENT, _elements(one, zh=True), _elements(other, zh=True))]
            yield EntryDifference(name, one, other, _unlike(parts))
    for name in dict.fromkeys([*new.variables, *old.variables]):
        before, after = old.variables.get(name), new.variables.get(name)
        if before is None or after is None:
            texts = [one.equation if one else "" for one in (before, after)]
            yield EntryDifference(name, before, after, (Detail(Aspect.EQUATION, *texts),))
        elif details := tuple(_details(old, new, before, after)):
            yield EntryDifference(name, before, after, details)


def _elements(range_: SubscriptRange | None, *, zh: bool = False) -> str:
    if range_ is None:
        return ""
    return ", ".join((range_.name_zh, *range_.elements_zh) if zh else range_.elements)


def _unlike(parts: Iterable[tuple[Aspect, str, str]]) -> tuple[Detail, ...]:
    return tuple(Detail(*part) for part in parts if part[1] != part[2])


def _details(old: Model, new: Model, before: Variable, after: Variable) -> Iterator[Detail]:
    kinds = {before.kind, after.kind}
    if kinds == {VariableKind.CONSTANT} and before.subscripts == after.subscripts:
        numbers, others = _numbers(before), _numbers(after)
        for element in dict.fromkeys([*others, *numbers]):
            one, other = numbers.get(element, ""), others.get(element, "")
            if one != other:
                yield Detail(Aspect.VALUE, one, other, element)
    elif before.equation.split() != after.equation.split() and _meant(old, before) != _meant(
        new, after
    ):
        aspect = Aspect.VALUE if kinds == {VariableKind.CONTROL} else Aspect.EQUATION
        yield Detail(aspect, before.equation, after.equation)
    yield from _unlike(
        [
            (Aspect.UNIT, before.unit, after.unit),
            (Aspect.RANGE, _bounds(before), _bounds(after)),
            (Aspect.COMMENT, _comment(before), _comment(after)),
        ]
    )


def _numbers(constant: Variable) -> dict[str, str]:
    if isinstance(constant.value, Mapping):
        return {element: repr(number) for element, number in constant.value.items()}
    return {"": repr(constant.value)}


def _bounds(variable: Variable) -> str:
    low, high = ("?" if end is None else f"{end:g}" for end in variable.admissible)
    plausible = variable.plausible
    return f"[{low},{high}]" + (f" {plausible[0]:g}–{plausible[1]:g}" if plausible else "")


def _comment(variable: Variable) -> str:
    words = (variable.name_zh, variable.meaning_zh, variable.meaning_en)
    tags = (*(f"[{tag}]" for tag in variable.sources), variable.timing.value)
    return " ".join(word for word in (*words, *tags) if word)


def _meant(model: Model, variable: Variable) -> list[str]:
    """Return the equations of a variable, whatever their spacing and letter case."""
    return sorted(
        " ".join(
            [
                str([name_key(one) for one in equation.subscripts]),
                str([[name_key(one) for one in cell] for cell in equation.exceptions]),
                name_key(unparse(equation.tree)) if equation.tree else "",
            ]
        )
        for equation in model.scan.equations[name_key(variable.name)]
    )


# --- one change with all that it newly needs ------------------------------------------------------


def units_of_change(
    changes: Iterable[EntryDifference], read: Container[str] = ()
) -> tuple[tuple[EntryDifference, ...], ...]:
    """Return the changes that can be made one without the other, each with all that it needs.

    A variable that is changed goes with those that its new equation needs and the old version does
    not have, and with those that only its old equation needs. Subscript ranges go with all that is
    changed over them. What is new or gone and needed by nothing else that changes is left out:
    nothing can differ by it. Another unit counts for those variables that are ``read``.
    """
    moving = {one.name: one for one in changes if one.moves or (one.rescales and one.name in read)}
    groups = {name: {name} for name in moving}
    for one in moving.values():
        for name in _needed(one, moving):
            joined = groups[one.name] | groups[name]
            for member in joined:
                groups[member] = joined
    order = {name: position for position, name in enumerate(moving)}
    unlike = {id(group): sorted(group, key=order.__getitem__) for group in groups.values()}
    whole = (tuple(moving[name] for name in group) for group in unlike.values())
    return tuple(
        group
        for group in sorted(whole, key=lambda group: order[group[0].name])
        if any(one.before is not None and one.after is not None for one in group)
    )


def _needed(change: EntryDifference, moving: Mapping[str, EntryDifference]) -> Iterator[str]:
    """Yield the names of the other changes that cannot be made without one, or it without them."""
    ranges = dict(_range_words(moving.values()))
    for record, is_before in ((change.before, True), (change.after, False)):
        if not isinstance(record, Variable):
            continue
        for name in record.causes:
            other = moving.get(name)
            if other is not None and (other.after if is_before else other.before) is None:
                yield name
        words = (name_key(word) for word in _subscript_words(record))
        yield from (ranges[word] for word in words if word in ranges)


def _range_words(changes: Iterable[EntryDifference]) -> Iterator[tuple[str, str]]:
    """Yield, by `name_key`, what equations may say of ranges that change, and of which."""
    for change in changes:
        if change.is_range:
            sets = [{*one.elements} if isinstance(one, SubscriptRange) else set()
                    for one in (change.before, change.after)]  # fmt: skip
            for word in (change.name, *(sets[0] ^ sets[1])):
                yield name_key(word), change.name


def _subscript_words(variable: Variable) -> Iterator[str]:
    """Yield the names between brackets in the equations of a variable."""
    for inside in _BRACKETS.findall(variable.equation):
        yield from (word.strip().removesuffix("!").strip() for word in inside.split(","))


# --- a model between the two ----------------------------------------------------------------------


def hybrid(old: Model, new: Model, taken: Iterable[EntryDifference]) -> Model:
    """Return the old version of a model with some of the changes of the new one.

    Raises:
        ModelError: that is not a model.

    >>> lake = plansim.load_model("lake.mdl")
    >>> hybrid(lake, lake, []).equations_sha256 == lake.equations_sha256
    True
    """
    chosen = {one.name: one for one in taken}
    base, other, wanted = old, new, chosen
    if any(one.is_range for one in chosen.values()):
        every = {one.name: one for one in differences(old, new)}
        base, other = new, old
        wanted = {name: one for name, one in every.items() if name not in chosen}
    names = [name for name, one in wanted.items() if not one.is_range]
    entries = [_entry(base.text, one) for one in _equations(base, names)]
    text = spliced(base.text, ((start, end, "") for start, end in entries))
    entries = [_entry(other.text, one) for one in _equations(other, names)]
    body, mark, sketch = text.partition(SKETCH)
    body = "\n\n".join([body, *(other.text[start:end] for start, end in entries)])
    return parse_model(f"{body}\n\n{mark}{sketch}", base.path)


def _equations(model: Model, names: Iterable[str]) -> Iterator[Equation]:
    for name in names:
        yield from model.scan.equations.get(name_key(name), ())


def _entry(text: str, equation: Equation) -> tuple[int, int]:
    """Return where the entry of an equation begins and ends, its unit and comment with it."""
    return equation.start, text.index("|", equation.end) + 1
