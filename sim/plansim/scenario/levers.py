"""Levers: variables that a few constants drive, and constants that only a variant of a model has.

A model has a lever ``X`` if its equations hold ``X before + STEP(X after - X before, X from
year)``, or a pulse of ``X pulse size``. Scenarios may bend the first in three ways for which no
equation of the model is written; the constants for them are added where they are used (see
`plansim.scenario.variant`):

- a ramp: ``X to year``, up to which the change takes place evenly, instead of at once;
- an end: ``X until year``, from which the value is again that of before;
- a series: ``X in 2006``, ``X in 2007``, … in place of all of that, also for any constant ``X``.

A model with random functions has a constant ``NOISE SEED``, also where its file has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from plansim.errors import Fault, InputError, Message, UnknownNameError, nearest
from plansim.model.records import NOISE_SEED, Model, Timing, Variable, VariableKind, folded

__all__ = [
    "PULSE",
    "RAMP",
    "SERIES",
    "SWITCH",
    "added_constant",
    "added_part",
    "constant_named",
    "lever_constants",
    "lever_of",
    "misdated",
    "setters",
]

SWITCH = {"before": "before", "after": "after", "from": "from year"}
"""Keys of a lever that changes once, and the names of their constants in the model."""
RAMP = {"to": "to year", "until": "until year"}
"""Further keys of such a lever, and the names of their constants in a variant of the model."""
PULSE = {"size": "pulse size", "start": "pulse start", "length": "pulse length"}
"""Keys of a lever that acts for some time, and the names of their constants."""
SERIES = ("series start", "series end")
"""The first and the last year of a series; there is no series if the last is before the first."""

_ADDED = re.compile(rf"(.+) ({'|'.join([*RAMP.values(), *SERIES])}|in -?\d{{1,9}})")
_ADDED_ZH = {
    RAMP["to"]: "渐变完成年份",
    RAMP["until"]: "恢复年份",
    SERIES[0]: "逐年数列起始年份",
    SERIES[1]: "逐年数列末年份",
}
"""What stands behind the Chinese name of a lever for each part that is added."""
_LONG_AGO = -1e9
"""A year before any run."""
_BEFORE = {
    RAMP["to"]: {SWITCH["from"]: True},
    RAMP["until"]: {SWITCH["from"]: False, RAMP["to"]: True},
}
"""The years that come before a year of a lever, and whether they may be the same."""


def lever_of(model: Model, name: str) -> str | None:
    """Return the lever that a constant is a part of, if the model has all parts of it.

    Of the constants of a series, this is the constant in whose place it stands.
    """
    for parts in (SWITCH, PULSE):
        for part in parts.values():
            stem = name.removesuffix(f" {part}")
            if stem != name and all(
                f"{stem} {other}" in model.variables for other in parts.values()
            ):
                return stem
    added = added_constant(model, name)
    return None if added is None else added_part(added.name)[0]


def lever_constants(model: Model, name: str, parts: Mapping[str, str]) -> dict[str, Variable]:
    """Return the constants of a lever by the keys that a file has for them.

    The lever may be named in Chinese too, by the variable that it drives or as its constants are.

    Raises:
        InputError: the model has no such lever.
    """
    if constants := _constants(model, name, parts):
        return constants
    last = " " + list(parts.values())[-1]
    known = [other.removesuffix(last) for other in model.variables if other.endswith(last)]
    raise InputError(
        Fault(
            "the model has no lever '{name}' with {parts}",
            expected=Message("one of {names}", names=tuple(known)) if known else None,
            nearest=nearest(name, known),
            name=name,
            parts=tuple(parts),
        )
    )


def _constants(model: Model, name: str, parts: Mapping[str, str]) -> dict[str, Variable]:
    """Return the constants of a lever by their keys; none if the model has no such lever."""
    for stem in _stems(model, name):
        try:
            return {key: model.find(f"{stem} {part}") for key, part in parts.items()}
        except UnknownNameError:
            continue
    return {}


def _stems(model: Model, base: str) -> Iterator[str]:
    yield base
    for name in (base, f"{base}（前）"):  # of the variable; or of the constant, without one
        with suppress(UnknownNameError):
            yield model.find(name).name.removesuffix(f" {SWITCH['before']}")


def setters(model: Model, variable: Variable) -> list[Variable]:
    """Return the three constants that set a variable; none if it is no lever."""
    for parts in (SWITCH, PULSE):
        names = [f"{variable.name} {part}" for part in parts.values()]
        if all(name in model.variables for name in names):
            return [model.variables[name] for name in names]
    return []


# --- constants that a variant has -----------------------------------------------------------------


def constant_named(model: Model, name: str) -> Variable:
    """Return the variable of a name, or the constant that a variant of the model has by it.

    Raises:
        UnknownNameError: there is no such variable or lever.
    """
    try:
        return model.find(name)
    except UnknownNameError:
        if (added := added_constant(model, name)) is None:
            raise
        return added


def added_part(name: str) -> tuple[str, str]:
    """Split the name of a constant that is added into its lever and its part; else none.

    >>> added_part("water price to year"), added_part("water price in 2006"), added_part("GDP")
    (('water price', 'to year'), ('water price', 'in 2006'), ('GDP', ''))
    """
    match = _ADDED.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def _by_english_part(name: str) -> str:
    """Return a folded name with a part that is in Chinese in English; others as they are.

    >>> _by_english_part("水价恢复年份"), _by_english_part("水价(2006年)")
    ('水价 until year', '水价 in 2006')
    """
    for part, chinese in _ADDED_ZH.items():
        if name.endswith(chinese):
            return f"{name.removesuffix(chinese)} {part}"
    return re.sub(r"\((-?\d{1,9})年\)$", r" in \1", name)


def added_constant(model: Model, name: str) -> Variable | None:
    """Return the constant that variants of a model have by a name; None if they have none.

    Its value is the one with which it changes nothing.
    """
    if folded(name) == folded(NOISE_SEED) and _is_random(model):
        return Variable(
            name=NOISE_SEED,
            kind=VariableKind.CONSTANT,
            unit="Dmnl",
            name_zh="随机数种子",
            meaning_en="Seed of the random functions.",
            meaning_zh="随机函数的种子。",
            sources=(),
            timing=Timing.YEAR,
            module="",
            line=1,
            equation="",
            subscripts=(),
            admissible=(None, None),
            plausible=None,
            value=0.0,
            causes=(),
            initial_causes=(),
        )
    base, part = added_part(_by_english_part(folded(name)))
    if not part:
        return None
    model = model.original or model
    if switch := _constants(model, base, SWITCH):
        before = switch["before"]
        stem, stem_zh = before.name.removesuffix(" before"), before.name_zh.removesuffix("（前）")
        years = switch["from"]
        low = years.admissible[0]
        never = _filled(years, _LONG_AGO if low is None else low)
        if part == RAMP["to"]:
            return _made(
                years, f"{stem} {part}", stem_zh + _ADDED_ZH[part], never,
                "year in which the gradual change is complete", "渐变在该年完成",
            )  # fmt: skip
        if part == RAMP["until"]:
            return _made(
                years, f"{stem} {part}", stem_zh + _ADDED_ZH[part], never,
                "year from which the value is that of before again", "自该年起恢复为变化前的取值",
            )  # fmt: skip
        ranges = [before.plausible, switch["after"].plausible]
    else:
        constant = model.variables.get(_name_of(model, base))
        if constant is None or constant.kind is not VariableKind.CONSTANT or part in RAMP.values():
            return None
        before, stem, stem_zh = constant, constant.name, constant.name_zh
        ranges = [constant.plausible]
    if part in SERIES:
        years = replace(before, unit=model.find("INITIAL TIME").unit, admissible=(None, None))
        is_first = part == SERIES[0]
        return _made(
            years,
            f"{stem} {part}",
            stem_zh + _ADDED_ZH[part],
            _filled(before, 1.0 if is_first else 0.0),
            f"{'first' if is_first else 'last'} year of its series",
            f"逐年数列的{'首' if is_first else '末'}年",
        )
    year = part.removeprefix("in ")
    made = _made(
        before,
        f"{stem} {part}",
        f"{stem_zh}（{year}年）",
        before.value,
        f"its series in {year}",
        f"逐年数列{year}年的取值",
    )
    ends = [end for bounds in ranges if bounds is not None for end in bounds]
    return replace(made, plausible=(min(ends), max(ends)) if all(ranges) else None)


def _is_random(model: Model) -> bool:
    return any(
        key.startswith("random_")
        for equations in model.scan.equations.values()
        for equation in equations
        for key in equation.called
    )


def _name_of(model: Model, base: str) -> str:
    try:
        return model.find(base).name
    except UnknownNameError:
        return ""


def _made(
    pattern: Variable,
    name: str,
    name_zh: str,
    value: float | Mapping[str, float] | None,
    meaning: str,
    meaning_zh: str,
) -> Variable:
    """Return a constant of the unit, the admissible range and the elements of another."""
    return replace(
        pattern,
        name=name,
        name_zh=name_zh,
        value=value,
        meaning_en=f"{added_part(name)[0]}: {meaning}.",
        meaning_zh=f"{meaning_zh}。",
        sources=(),
        plausible=None,
        equation="",
    )


def _filled(variable: Variable, number: float) -> float | Mapping[str, float]:
    """Return a number, or one for each element of a variable."""
    if isinstance(variable.value, Mapping):
        return dict.fromkeys(variable.value, number)
    return number


def misdated(model: Model, values: Mapping[str, float], key: str) -> Message | None:
    """Return what is wrong with the year of a ramp or of an end; None if nothing is.

    Args:
        model: the model.
        values: of the whole scenario.
        key: the constant of the year, ``name`` or ``name[e1,e2]``.
    """
    name, bracket, cell = key.partition("[")
    stem, part = added_part(name)
    year = values[key]
    for other, may_equal in _BEFORE.get(part, {}).items():
        earlier = f"{stem} {other}{bracket}{cell}"
        default = constant_named(model, f"{stem} {other}").value
        written = default[cell[:-1]] if isinstance(default, Mapping) else default
        first = values.get(earlier, written)
        assert first is not None, earlier
        if year < first or (year == first and not may_equal):
            if may_equal:
                return Message(
                    "'{name}' must not be before '{other}', {year:g}",
                    name=key,
                    other=earlier,
                    year=first,
                )
            return Message(
                "'{name}' must come after '{other}', {year:g}", name=key, other=earlier, year=first
            )
    return None
