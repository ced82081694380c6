"""The audit of a plan: clashes between its own figures, recomputed from the catalogue.

The audit is a YAML file beside the model, ``audit.yaml``, whose comments explain its format. Its
arithmetic is a small language, evaluated from the parsed expression; no code of the file is run.
"""

from __future__ import annotations

import ast
import math
import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from plansim.errors import CatalogueError, Fault, InputError, Message, foreign, nearest
from plansim.files import shipped
from plansim.forms import (
    LAX,
    Form,
    Listed,
    Resolved,
    Words,
    YamlDocument,
    form_of,
    noting,
    or_text,
    read_document,
)
from plansim.model.evidence import Evidence, load_evidence
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import Target, load_targets

__all__ = ["Calculation", "Clash", "Nature", "Statement", "audit_plan", "evaluate"]

FILE_NAME = "audit.yaml"


class Nature(StrEnum):
    """In what way figures clash."""

    CONTRADICTION = "contradiction"  # both cannot be true
    TENSION = "tension"  # both can, under conditions that the plan leaves open
    DEFINITION = "definition"  # one name for two things, or two thresholds for one
    ROUNDING = "rounding"
    SLACK = "slack"  # the target is met without any effort
    CONSISTENT = "consistent"  # figures that seem to clash and do not
    SILENT = "silent"  # the plan lacks the figures for a judgement


@dataclass(frozen=True)
class Statement:
    """A figure that a clash rests on."""

    name: str
    """Its name in the arithmetic."""
    reference: str
    """``M03.target``, ``E019``, ``I02.towns``; empty for a figure that the audit itself gives."""
    value: float
    unit: str
    """Empty for results of other clashes and for constants."""
    year: str
    """The year as the source writes it; may be empty."""
    label_en: str
    label_zh: str
    place_en: str
    place_zh: str
    """Place in the source."""


@dataclass(frozen=True)
class Calculation:
    """One line of arithmetic."""

    name: str
    expression: str
    """As the file has it, in names."""
    shown: str
    """The expression in numbers: ``268.7 × (1 + 16 / 100) ^ 5``."""
    value: float

    def __str__(self) -> str:
        return f"{self.name} = {self.shown} = {_figure(self.value)}"


@dataclass(frozen=True)
class Clash:
    """A clash, or an apparent one, between figures of the plan."""

    id: str
    topic_en: str
    topic_zh: str
    nature: Nature
    statements: tuple[Statement, ...]
    arithmetic: tuple[Calculation, ...]
    stands: bool
    """Whether the figures still support the finding."""
    condition: str
    """The condition that `stands` is the value of, in names."""
    finding_en: str
    finding_zh: str
    handling_en: str
    """How the model handles it."""
    handling_zh: str
    file: str = field(compare=False)
    line: int | None = field(compare=False)


def audit_plan(folder: str | Path | None = None) -> tuple[Clash, ...]:
    """Recompute the clashes of a plan, in the order of the file.

    ``folder`` holds ``audit.yaml``, ``targets.yaml`` and ``evidence.csv``; the shipped one if
    none is given.

    Raises:
        CatalogueError: with every fault of the audit, or of the catalogue, each with its line.
        InputError: the evidence is not a table.
    """
    where = shipped("model") if folder is None else Path(folder)
    document = read_document(where / FILE_NAME)
    audit = form_of(_Audit, document)
    sources = _Sources(
        {target.id: target for target in load_targets(where / CATALOGUE)}, load_evidence(where)
    )
    faults: list[Fault] = []
    clashes: list[Clash] = []
    for index, row in enumerate(audit.clashes):
        with noting(faults, "clashes", index):
            clashes.append(_clash(row, audit.constants, sources, document, index))
    if faults:
        placed = (document.placed(fault) for fault in faults)
        raise CatalogueError(sorted(placed, key=lambda fault: fault.line or 0))
    return tuple(clashes)


# --- the form of the file -----------------------------------------------------------------------


class _Constant(Words):
    value: float


class _Figure(Form):
    """A number with its unit and source."""

    value: float
    unit: str = ""
    source: Words


class _Clash(Form):
    id: str
    topic: Words
    nature: Annotated[Nature, LAX]
    figures: dict[str, Annotated[str | _Figure, Resolved(or_text(_Figure), lambda given, _: given)]]
    arithmetic: dict[str, str]
    stands: str
    finding: Words
    handling: Words


class _Audit(Form):
    constants: dict[str, _Constant] = Field(default={})
    clashes: Annotated[tuple[_Clash, ...], Listed(list[_Clash], unique="id")]


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Sources:
    """The sources of figures: the catalogue, the evidence and earlier clashes."""

    targets: Mapping[str, Target]
    evidence: Mapping[str, Evidence]
    clashes: dict[str, Mapping[str, float]] = field(default_factory=dict)
    """Results of the earlier clashes."""

    def statement(self, name: str, reference: str) -> Statement:
        """Return the figure that a reference means, under a name.

        Raises:
            InputError: there is none.
        """
        key, _, part = reference.partition(".")
        if key in self.targets:
            return _from_target(name, self.targets[key], part)
        if key in self.evidence:
            return _from_evidence(name, self.evidence[key], part)
        if part in self.clashes.get(key, {}):
            label = part.replace("_", " ")
            value = self.clashes[key][part]
            return Statement(name, reference, value, "", "", label, "", key, key)
        if key in self.clashes:
            close = nearest(part, self.clashes[key])
            close = close and f"{key}.{close}"
        else:
            close = nearest(key, (*self.targets, *self.evidence, *self.clashes))
        raise InputError(
            Fault(
                "there is no figure {reference}",
                expected=Message("M03.target, M03.base, E019 or a result of a clash above"),
                nearest=close,
                reference=reference,
            )
        )


def _from_target(name: str, target: Target, part: str) -> Statement:
    reference = f"{target.id}.{part}"
    year = target.base_period if part == "base" else target.year
    value = {"base": target.base_value, "target": target.value}.get(part)
    if value is None:
        raise InputError(
            Fault(
                "{id} has no number for '{part}'",
                expected=Message("{id}.base or {id}.target, where it has one", id=target.id),
                found=reference,
                id=target.id,
                part=part,
            )
        )
    return Statement(
        name=name,
        reference=reference,
        value=value,
        unit=target.base_unit if part == "base" else target.unit,
        year=str(year or ""),
        label_en=target.name_en,
        label_zh=target.name_zh,
        place_en=target.place_en,
        place_zh=target.place_zh,
    )


_RANGE = re.compile(r"(-?[\d.]+)–(-?[\d.]+)")


def _from_evidence(name: str, evidence: Evidence, part: str) -> Statement:
    ends = _RANGE.fullmatch(evidence.value)
    text = {"": evidence.value}.get(part, "")
    if ends and part in ("low", "high"):
        text = ends[1] if part == "low" else ends[2]
    try:
        value = float(text)
    except ValueError:
        expected = Message("{id}, or of a range {id}.low or {id}.high", id=evidence.id)
        message = Message("{id} has no such number", id=evidence.id)
        raise InputError(Fault(message, expected=expected, found=evidence.value)) from None
    label_en = f"{evidence.quantity}, {evidence.place}"
    in_chinese = evidence.place_zh and evidence.quantity_zh
    return Statement(
        name=name,
        reference=f"{evidence.id}.{part}".rstrip("."),
        value=value,
        unit=evidence.unit,
        year=evidence.year,
        label_en=label_en,
        label_zh=evidence.place_zh + evidence.quantity_zh if in_chinese else label_en,
        place_en=evidence.source,
        place_zh=evidence.source_zh or evidence.source,
    )


def _given(name: str, figure: _Figure) -> Statement:
    label, source = name.replace("_", " "), figure.source
    return Statement(name, "", figure.value, figure.unit, "", label, "", source.en, source.zh)


# --- clashes --------------------------------------------------------------------------------------


def _clash(
    row: _Clash,
    constants: Mapping[str, _Constant],
    sources: _Sources,
    document: YamlDocument,
    index: int,
) -> Clash:
    """Recompute one entry; its results go to ``sources``.

    Raises:
        InputError: with all faults of the entry.
    """
    values = {name: constant.value for name, constant in constants.items()}
    faults: list[Fault] = []
    statements: list[Statement] = []
    arithmetic: list[Calculation] = []
    stands = False
    for name, figure in row.figures.items():
        with noting(faults, "figures", name):
            _check_name(name, values)
            values[name] = math.nan  # of one that is at fault
            if isinstance(figure, str):
                statements.append(sources.statement(name, figure))
            else:
                statements.append(_given(name, figure))
            values[name] = statements[-1].value
    for name, text in row.arithmetic.items():
        with noting(faults, "arithmetic", name):
            _check_name(name, values)
            values[name] = math.nan
            value = _computed(text, values)
            if isinstance(value, bool):
                expected = Message("a number")
                raise InputError(Fault("'{name}' is a comparison", expected=expected, name=name))
            arithmetic.append(Calculation(name, text, _in_figures(text, values), value))
            values[name] = value
    with noting(faults, "stands"):
        condition = _computed(row.stands, values)
        if not isinstance(condition, bool):
            expected = Message("a comparison")
            raise InputError(Fault("not a comparison", expected=expected, found=row.stands))
        stands = condition
    filled = {}
    for key, words in (("finding", row.finding), ("handling", row.handling)):
        for language, text in (("en", words.en), ("zh", words.zh)):
            with noting(faults, key, language):
                filled[key, language] = _filled(text, values, language)
    sources.clashes[row.id] = values
    if faults:
        raise InputError(faults)
    used = " ".join([*row.arithmetic.values(), row.stands])
    statements += (
        Statement(name, "", constant.value, "", "", constant.en, constant.zh, "", "")
        for name, constant in constants.items()
        if re.search(rf"\b{name}\b", used)
    )
    return Clash(
        id=row.id,
        topic_en=row.topic.en,
        topic_zh=row.topic.zh,
        nature=row.nature,
        statements=tuple(statements),
        arithmetic=tuple(arithmetic),
        stands=stands,
        condition=row.stands,
        finding_en=filled["finding", "en"],
        finding_zh=filled["finding", "zh"],
        handling_en=filled["handling", "en"],
        handling_zh=filled["handling", "zh"],
        file=document.file,
        line=document.line(("clashes", index)),
    )


_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _check_name(name: str, values: Mapping[str, float]) -> None:
    if not _NAME.fullmatch(name) or name in _FUNCTIONS:
        expected = Message("letters, digits and _")
        raise InputError(Fault("'{name}' cannot be a name", expected=expected, name=name))
    if name in values:
        raise InputError(Fault("the name '{name}' stands for something else already", name=name))


def _computed(text: str, values: Mapping[str, float]) -> float | bool:
    try:
        return evaluate(text, values)
    except _NoValueError as error:
        raise InputError(Fault(str(error), found=text, nearest=error.nearest)) from None


_FORMAT = re.compile(r"\.[0-6]f")


def _filled(template: str, values: Mapping[str, float], language: str) -> str:
    """Fill a text with figures; only plain names and formats such as ``.1f`` are allowed."""
    parts: list[str] = []
    try:
        fields = list(string.Formatter().parse(template))
    except ValueError as error:
        raise InputError(Fault("the text cannot be filled: {why}", why=foreign(error))) from None
    for literal, name, form, conversion in fields:
        # A folded text has a space at each line end, which Chinese does not have.
        parts.append(literal.replace(" ", "") if language == "zh" else literal)
        if name is None:
            continue
        if name not in values:
            close = nearest(name, values)
            message = Message("the text names '{name}', which nothing gives", name=name)
            raise InputError(Fault(message, nearest=close))
        if conversion or not _FORMAT.fullmatch(form or ""):
            raise InputError(
                Fault(
                    "the text has a place that cannot be filled",
                    expected=Message("{{{name}:.1f}}, with the number of decimals", name=name),
                    found=f"{{{name}:{form}}}",
                )
            )
        parts.append(format(values[name], form or ""))
    return "".join(parts)


# --- arithmetic ---------------------------------------------------------------------------------

_LONGEST = 400
_OPERATIONS: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {
        ast.Add: lambda a, b: a + b,
        ast.Sub: lambda a, b: a - b,
        ast.Mult: lambda a, b: a * b,
        ast.Div: lambda a, b: a / b,
        ast.Pow: lambda a, b: math.pow(a, b),
    }
)
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[float, float], bool]] = MappingProxyType(
    {
        ast.Lt: lambda a, b: a < b,
        ast.LtE: lambda a, b: a <= b,
        ast.Gt: lambda a, b: a > b,
        ast.GtE: lambda a, b: a >= b,
        ast.Eq: lambda a, b: a == b,
        ast.NotEq: lambda a, b: a != b,
    }
)
_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"sum": math.fsum, "min": min, "max": max}
)


class _NoValueError(ValueError):
    """An expression has no value; with the name that was perhaps meant."""

    def __init__(self, message: Message, nearest: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = nearest


def evaluate(text: str, values: Mapping[str, float]) -> float | bool:
    """Compute an expression in floats, or one comparison of two of them.

    Numbers, names of ``values``, ``+ - * / **``, brackets, ``sum``, ``min``, ``max`` and one
    comparison on the outside; everything else is refused. NaN propagates.

    Raises:
        ValueError: the expression is not understood, or has no finite value.

    >>> evaluate("sum(a, 2) * 10 ** 2", {"a": 1})
    300.0
    >>> evaluate("a <= 1", {"a": 1})
    True
    """
    if len(text) > _LONGEST:
        raise _NoValueError(Message("the expression is too long"))
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _NoValueError(Message("this is not an expression")) from None
    if isinstance(body, ast.Compare) and len(body.ops) == 1 and type(body.ops[0]) in _COMPARISONS:
        compare = _COMPARISONS[type(body.ops[0])]
        return compare(_number(body.left, values), _number(body.comparators[0], values))
    return _number(body, values)


def _number(node: ast.expr, values: Mapping[str, float]) -> float:
    """Evaluate one node; raise an error if it is not allowed."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _finite(lambda a, _: float(a), value, 0)
        case ast.Name(id=name):
            if name not in values:
                raise _NoValueError(
                    Message("nothing is called '{name}'", name=name), nearest(name, values)
                )
            return float(values[name])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _finite(_OPERATIONS[type(op)], _number(left, values), _number(right, values))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if (
            name in _FUNCTIONS and args
        ):
            return float(_FUNCTIONS[name]([_number(argument, values) for argument in args]))
        case _:
            raise _NoValueError(
                Message("only numbers, names, + - * / **, sum, min, max are understood")
            )


def _finite(operation: Callable[[float, float], float], a: float, b: float) -> float:
    try:
        result = operation(a, b)
    except (ArithmeticError, ValueError):
        raise _NoValueError(Message("the expression has no finite value")) from None
    if math.isinf(result):
        raise _NoValueError(Message("the expression has no finite value"))
    return result


def _in_figures(text: str, values: Mapping[str, float]) -> str:
    """Write an expression with numbers in place of its names."""

    def figure(match: re.Match[str]) -> str:
        if match[0] not in values:
            return match[0]
        return (
            _figure(values[match[0]]) if values[match[0]] >= 0 else f"({_figure(values[match[0]])})"
        )

    return re.sub(r"[a-z_]\w*", figure, text).replace("**", "^").replace("*", "×")


def _figure(value: float) -> str:
    """Write a number with four significant digits, and without an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
