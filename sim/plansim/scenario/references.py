"""Resolving ``NAME`` or ``NAME[elements]`` of a file or command to a variable and its elements.

Names and elements may be English or Chinese, and a range means all of its elements.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from plansim.errors import InputError, Message, nearest
from plansim.model.records import Model, Variable, VariableKind, folded
from plansim.scenario.levers import constant_named, setters

if TYPE_CHECKING:
    from plansim.files.yaml_document import Location

__all__ = [
    "chinese_of",
    "constant_cells",
    "constant_ranges",
    "elements_meant",
    "one_series",
    "reference_of",
    "series_meant",
    "split_name",
    "variable_cells",
]


def constant_cells(model: Model, name: str) -> tuple[Variable, tuple[str, ...]]:
    """Return the constant that a name means, and its elements, ``"e1,e2"``; of a scalar, one empty.

    Raises:
        InputError: the model has no such constant or element.
    """
    variable, ranges = constant_ranges(model, name)
    return variable, _cells(ranges)


def _cells(ranges: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(",".join(elements) for elements in itertools.product(*ranges))


def variable_cells(model: Model, name: str) -> tuple[Variable, tuple[str, ...]]:
    """Return any variable that a name means, and its elements, as `constant_cells` does.

    Raises:
        InputError: the model has no such variable or element.
    """
    base, inside = split_name(name)
    variable = model.find(base)
    return variable, _cells(_ranges(model, name, variable, inside))


def series_meant(model: Model, name: str) -> tuple[str, ...]:
    """Return the references to all series of a run that a name means, ``name`` or ``name[e1,e2]``.

    Raises:
        InputError: the model has no such variable or element, or a run does not compute it.
    """
    variable, cells = variable_cells(model, name)
    if not variable.kind.moves:
        raise InputError(
            "'{name}' does not move in a run",
            expected=Message("a variable that a run computes"),
            found=Message("a {kind}", kind=variable.kind),
            name=variable.name,
        )
    return tuple(f"{variable.name}[{cell}]" if cell else variable.name for cell in cells)


def one_series(model: Model, name: str) -> str:
    """Return the reference to the one series of a run that a name means.

    Raises:
        InputError: as `series_meant`, or the name means several.
    """
    series = series_meant(model, name)
    if len(series) > 1:
        expected = Message("one of {names}", names=series)
        raise InputError("'{name}' is not one series", expected=expected, name=name)
    return series[0]


def reference_of(model: Model, name: str) -> str:
    """Return ``name`` or ``name[elements]`` of a variable, named as the model does.

    Raises:
        UnknownNameError: the model has no such variable.
    """
    base, inside = split_name(name)
    variable = model.find(base)
    return variable.name if inside is None else f"{variable.name}[{inside}]"


def chinese_of(model: Model, variable: Variable, reference: str) -> str:
    """Return the Chinese of a variable's ``name`` or ``name[element]``; empty if it has none."""
    _, inside = split_name(reference)
    if inside is None or not variable.name_zh:
        return variable.name_zh
    elements = (model.elements_zh.get(one, one) for one in inside.split(","))
    return f"{variable.name_zh}[{','.join(elements)}]"


def split_name(name: str) -> tuple[str, str | None]:
    """Split ``NAME[elements]``; Vensim's quoted names are taken whole.

    >>> split_name("share[services]"), split_name("share"), split_name('"a [b]"')
    (('share', 'services'), ('share', None), ('"a [b]"', None))
    """
    if name.startswith('"'):
        return name, None
    match = re.fullmatch(r"\s*(.*?)\s*\[(.*)\]\s*", name, re.DOTALL)
    return (match[1], match[2]) if match else (name, None)


def constant_ranges(model: Model, name: str) -> tuple[Variable, list[tuple[str, ...]]]:
    """Return the constant that a name means, and the elements of each of its subscripts.

    Raises:
        InputError: the model has no such constant or element.
    """
    base, inside = split_name(name)
    variable = constant_named(model, base)
    if constants := setters(model, variable):
        raise InputError(
            "'{name}' is a lever, which constants set",
            expected=Message("one of {names}", names=tuple(one.name for one in constants)),
            name=variable.name,
        )
    if variable.kind not in {VariableKind.CONSTANT, VariableKind.CONTROL}:
        others = (one.name for one in model.variables.values() if _sets(one, variable))
        raise InputError(
            "'{name}' cannot be set: its equation gives its value",
            expected=Message("a constant"),
            found=Message("a variable of kind {kind}", kind=variable.kind),
            nearest=next(others, None),
            name=variable.name,
        )
    return variable, _ranges(model, name, variable, inside)


def _sets(constant: Variable, variable: Variable) -> bool:
    """Return whether a user may have meant a constant by naming the variable that it drives."""
    is_constant = constant.kind is VariableKind.CONSTANT
    return is_constant and constant.name.startswith(f"{variable.name} ")


def _ranges(
    model: Model, name: str, variable: Variable, inside: str | None
) -> list[tuple[str, ...]]:
    """Return the elements meant of each subscript; all if none is named."""
    whole = [model.subscripts[subscript].elements for subscript in variable.subscripts]
    if inside is None:
        return whole
    parts = [part.strip() for part in inside.split(",")]
    if len(parts) != len(whole):
        right = f"{variable.name}[{', '.join(variable.subscripts)}]"
        raise InputError(
            "'{name}' has the wrong number of subscripts",
            expected=right if whole else Message("none"),
            found=str(len(parts)),
            name=name,
        )
    pairs = zip(parts, variable.subscripts, strict=True)
    return [elements_meant(model, part, subscript) for part, subscript in pairs]


def elements_meant(model: Model, text: str, subscript: str, at: Location = ()) -> tuple[str, ...]:
    """Return the elements that a text means: one by its name, or all of a range within.

    Raises:
        InputError: the range has no such element.
    """
    whole = model.subscripts[subscript]
    by_name: dict[str, tuple[str, ...]] = {folded(zh): (one,) for one, zh in whole.pairs}
    by_name |= {folded(element): (element,) for element in whole.elements}
    for part in model.subscripts.values():
        if set(part.elements) <= set(whole.elements):
            by_name.setdefault(folded(part.name), part.elements)
            by_name.setdefault(folded(part.name_zh), part.elements)
    if text.strip() and folded(text) in by_name:
        return by_name[folded(text)]
    raise InputError(
        "'{name}' has no element '{element}'",
        at=at,
        expected=Message("one of {names}", names=tuple(whole.elements)),
        nearest=nearest(text, [*whole.elements, *whole.elements_zh, *by_name]),
        name=subscript,
        element=text,
    )
