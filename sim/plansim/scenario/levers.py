"""Levers: inputs that scenarios bend over time, and constants that only a variant of a model has.

A lever ``X`` changes once, from ``X before`` to ``X after`` in ``X from year``, or acts for some
time, as a pulse of ``X pulse size``. One that changes is a lever of the model's *own*, which has
all three constants, or an *input*: any other constant, or a variable that no stock moves. Before it
is what it is.

Scenarios may bend each in three ways for which no equation of the model is written. The constants
for them, and those that the model lacks, are added where they are used (see
`plansim.scenario.variant`):

- a ramp: ``X to year``, up to which the change takes place evenly, instead of at once;
- an end: ``X until year``, from which the value is again that of before;
- a series: ``X in 2006``, ``X in 2007``, … in place of all of that.

A model with random functions has a constant ``NOISE SEED``, also where its file has none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from plansim.errors import InputError, Message, nearest
from plansim.model.records import NOISE_SEED, Model, Timing, Variable, VariableKind, folded

__all__ = [
    "NEVER",
    "PARTS",
    "PULSE",
    "RAMP",
    "SERIES",
    "SWITCH",
    "ModelLever",
    "added_constant",
    "added_part",
    "constant_named",
    "input_of",
    "is_series_part",
    "lever_constants",
    "lever_of",
    "misdated",
    "model_lever",
    "setters",
]

SWITCH = {"before": "before", "after": "after", "from": "from year"}
"""Keys of a lever that changes once, and the names of their constants in the model."""
RAMP = {"to": "to year", "until": "until year"}
"""Further keys of such a lever, and the names of their constants in a variant of the model."""
PULSE = {"size": "pulse size", "start": "pulse start", "length": "pulse length"}
"""Keys of a lever that acts for some time, and the names of their constants."""
PARTS = SWITCH | RAMP
SERIES = ("series start", "series end")
"""The first and the last year of a series; there is no series if the last is before the first."""

NEVER = 1e9
"""A year after any run."""
_LONG_AGO = -1e9
"""A year before any run."""
_WORDS = {
    "after": ("（后）", "its value after it has changed", "变化后的取值"),
    "from year": ("变化起始年份", "year in which it changes", "在该年变化"),
    "to year": (
        "渐变完成年份",
        "year in which the gradual change is complete",
        "渐变在该年完成",
    ),
    "until year": (
        "恢复年份",
        "year from which the value is that of before again",
        "自该年起恢复为变化前的取值",
    ),
    "series start": ("逐年数列起始年份", "first year of its series", "逐年数列的首年"),
    "series end": ("逐年数列末年份", "last year of its series", "逐年数列的末年"),
}
"""What stands behind the Chinese name of a lever for each part; what the part is, in English and
Chinese."""
_ADDED = re.compile(rf"(.+) ({'|'.join(_WORDS)}|in -?\d{{1,9}})")
_STATEFUL = re.compile(r"\b(?:INTEG|SMOOTH\w*|DELAY\w*|TREND|FORECAST)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ModelLever:
    """An input of a model that scenarios can bend."""

    stem: str
    """Its name, behind which the parts stand."""
    stem_zh: str
    own: Mapping[str, Variable]
    """The constants that the model has of it, by part: ``before``, ``after``, ``from year``."""
    pattern: Variable
    """The variable whose unit, range and elements its values have."""
    year_unit: str

    @property
    def is_input(self) -> bool:
        """Whether it is an input, which is bent where it is used."""
        return SWITCH["after"] not in self.own

    def added(self, part: str) -> Variable | None:
        """Return the constant that variants have for a part; None if the model has its own.

        Its value is the one with which it changes nothing.
        """
        if part in self.own or part == SWITCH["before"]:
            return None
        pattern, plausible = self.pattern, None
        value: float | Mapping[str, float] | None = pattern.value
        if part not in _WORDS:
            ranges = [one.plausible for key, one in self.own.items() if key != SWITCH["from"]]
            ends = [end for bounds in ranges if bounds for end in bounds]
            plausible = (min(ends), max(ends)) if ends and all(ranges) else None
        elif part != SWITCH["after"]:
            pattern = replace(pattern, unit=self.year_unit, admissible=(None, None))
            unset = NEVER if self.is_input and part == "from year" else _LONG_AGO
            value = _filled(pattern, {"series start": 1.0, "series end": 0.0}.get(part, unset))
        year = part.removeprefix("in ")
        of_year = (f"（{year}年）", f"its series in {year}", f"逐年数列{year}年的取值")
        behind, meaning, meaning_zh = _WORDS.get(part, of_year)
        return replace(
            pattern,
            kind=VariableKind.CONSTANT,
            name=f"{self.stem} {part}",
            name_zh=self.stem_zh + behind,
            value=value,
            meaning_en=f"{self.stem}: {meaning}.",
            meaning_zh=f"{meaning_zh}。",
            sources=(),
            plausible=plausible,
            equation="",
            causes=(),
            initial_causes=(),
        )


def model_lever(model: Model, name: str) -> ModelLever | None:
    """Return the lever of a name, or the input that can be bent; None if there is none.

    It may be named in Chinese too, by the variable that it drives or as its constants are.
    """
    model = model.original or model
    for stem in _stems(model, name):
        if own := _whole(model, stem, SWITCH):
            first = own[SWITCH["before"]]
            stem_zh = first.name_zh.removesuffix("（前）")
            year_unit = own[SWITCH["from"]].unit
            return ModelLever(first.name.removesuffix(" before"), stem_zh, own, first, year_unit)
    if (variable := model.get(name)) is None:
        return None
    years = model.find("INITIAL TIME").unit
    if variable.kind is VariableKind.CONSTANT:
        own = {SWITCH["before"]: variable}
        return ModelLever(variable.name, variable.name_zh, own, variable, years)
    if _is_exogenous(model, variable):
        cells = itertools.product(*(model.subscripts[r].elements for r in variable.subscripts))
        zero = {",".join(cell): 0.0 for cell in cells} if variable.subscripts else 0.0
        return ModelLever(variable.name, variable.name_zh, {}, replace(variable, value=zero), years)
    return None


def _whole(model: Model, stem: str, parts: Mapping[str, str]) -> dict[str, Variable]:
    """Return the constants of a lever by part, if the model has all of them; else none."""
    found = {part: model.get(f"{stem} {part}") for part in parts.values()}
    constants = {part: constant for part, constant in found.items() if constant is not None}
    return constants if len(constants) == len(parts) else {}


def _is_exogenous(model: Model, variable: Variable) -> bool:
    """Return whether a variable moves by time and constants alone."""
    waiting, seen = [variable.name], {variable.name}
    while waiting:
        one = model.variables[waiting.pop()]
        if one.kind is VariableKind.STOCK or _STATEFUL.search(one.equation):
            return False
        waiting += set(one.causes) - seen
        seen |= {*one.causes}
    return variable.kind.moves


def lever_of(model: Model, name: str) -> str | None:
    """Return the lever that a constant is a part of, if the model has all parts of it.

    Of the constants that are added, this is the lever or input that they bend.
    """
    for parts in (SWITCH, PULSE):
        for part in parts.values():
            stem = name.removesuffix(f" {part}")
            if stem != name and _whole(model, stem, parts):
                return stem
    added = added_constant(model, name)
    return None if added is None else added_part(added.name)[0]


def input_of(model: Model, name: str) -> str:
    """Return the lever that a constant is a part of, or else its name."""
    return lever_of(model, name) or name


def lever_constants(model: Model, name: str, parts: Mapping[str, str]) -> dict[str, Variable]:
    """Return the constants of a lever by the keys that a file has for them, as `PULSE`.

    Raises:
        InputError: the model has no such lever.
    """
    if parts is PULSE:
        for stem in _stems(model, name):
            if pulse := _whole(model, stem, parts):
                return dict(zip(parts, pulse.values(), strict=True))
    elif lever := model_lever(model, name):
        constants = {key: lever.own.get(part) or lever.added(part) for key, part in parts.items()}
        return {key: constant for key, constant in constants.items() if constant}
    last = f" {parts.get('from') or parts['length']}"
    known = [other.removesuffix(last) for other in model.variables if other.endswith(last)]
    raise InputError(
        "the model has no lever '{name}' with {parts}",
        expected=Message("one of {names}", names=tuple(known)) if known else None,
        nearest=nearest(name, known),
        name=name,
        parts=tuple(parts),
    )


def _stems(model: Model, base: str) -> Iterator[str]:
    yield base
    for name in (base, f"{base}（前）"):  # of the variable; or of the constant, without one
        if variable := model.get(name):
            yield variable.name.removesuffix(f" {SWITCH['before']}")


def setters(model: Model, variable: Variable) -> list[Variable]:
    """Return the three constants that set a variable; none if it is not a lever."""
    return list(
        (_whole(model, variable.name, SWITCH) or _whole(model, variable.name, PULSE)).values()
    )


# --- constants that a variant has -----------------------------------------------------------------


def constant_named(model: Model, name: str) -> Variable:
    """Return the variable of a name, or the constant that a variant of the model has by it.

    Raises:
        UnknownNameError: there is no such variable or lever.
    """
    return model.get(name) or added_constant(model, name) or model.find(name)


def added_part(name: str) -> tuple[str, str]:
    """Split the name of a constant into its lever and its part; no part if it has none.

    >>> added_part("water price to year"), added_part("water price in 2006"), added_part("GDP")
    (('water price', 'to year'), ('water price', 'in 2006'), ('GDP', ''))
    """
    match = _ADDED.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def is_series_part(part: str) -> bool:
    """Return whether a part is one of a series."""
    return part in SERIES or part.startswith("in ")


def _by_english_part(name: str) -> str:
    """Return a folded name with a part that is in Chinese in English; others as they are.

    >>> _by_english_part("水价恢复年份"), _by_english_part("水价(2006年)")
    ('水价 until year', '水价 in 2006')
    """
    for part, (chinese, *_) in _WORDS.items():
        if name.endswith(folded(chinese)):
            return f"{name.removesuffix(folded(chinese))} {part}"
    return re.sub(r"\((-?\d{1,9})年\)$", r" in \1", name)


def added_constant(model: Model, name: str) -> Variable | None:
    """Return the constant that variants of a model have by a name; None if they have none.

    Its value is the one with which it changes nothing.
    """
    if (model.original or model).get(name) is not None:
        return None
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
    lever = model_lever(model, base) if part else None
    return lever.added(part) if lever else None


def _is_random(model: Model) -> bool:
    return any(
        key.startswith("random_")
        for equations in model.scan.equations.values()
        for equation in equations
        for key in equation.called
    )


def _filled(variable: Variable, number: float) -> float | Mapping[str, float]:
    """Return a number, or one for each element of a variable."""
    if isinstance(variable.value, Mapping):
        return dict.fromkeys(variable.value, number)
    return number


def misdated(model: Model, values: Mapping[str, float], key: str) -> Message | None:
    """Return what is wrong with a part of a lever, such as the year of a ramp; None if nothing is.

    Args:
        model: the model.
        values: of the whole scenario.
        key: the constant, ``name`` or ``name[e1,e2]``.
    """
    name, bracket, cell = key.partition("[")
    stem, part = added_part(name)
    if name not in (model.original or model).variables and (lever := model_lever(model, stem)):
        needed = SWITCH["from"] if lever.is_input and part in PARTS.values() else ""
        needed = SERIES[1] if is_series_part(part) else needed
        if needed and (other := f"{stem} {needed}{bracket}{cell}") not in values:
            return Message("'{name}' changes nothing without '{other}'", name=key, other=other)
    for earlier in {"to year": ["from year"], "until year": ["from year", "to year"]}.get(part, ()):
        constant = constant_named(model, f"{stem} {earlier}")
        other = constant.name + (bracket + cell if constant.subscripts else "")
        written = constant.value
        first = values.get(other, written[cell[:-1]] if isinstance(written, Mapping) else written)
        assert first is not None, other
        if values[key] < first or (part == "until year" and values[key] == first):
            return Message(
                "'{name}' must come after '{other}', {year:g}", name=key, other=other, year=first
            )
    return None
