"""Where a plan's own figures meet: recomputed from the catalogue, never stored.

The audit is a YAML file beside the model, ``audit.yaml``. It says itself how it reads. Its
arithmetic is a small language of its own, computed from the parsed expression: nothing in the
file is ever run.
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

from pydantic import BeforeValidator, Field

from plansim.errors import CatalogueError, Fault, Message, foreign, nearest
from plansim.files import shipped
from plansim.forms import Document, read_document
from plansim.forms import Location as Place
from plansim.model.evidence import Evidence, load_evidence
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import Target, load_targets
from plansim.targets.form import Form, Words, fault_at, form_of

__all__ = ["Calculation", "Clash", "Nature", "Statement", "audit_plan", "evaluate"]

FILE_NAME = "audit.yaml"


class Nature(StrEnum):
    """In what way figures clash."""

    CONTRADICTION = "contradiction"  # both cannot be true
    TENSION = "tension"  # both can, under conditions that the plan leaves open
    DEFINITION = "definition"  # one name for two things, or two thresholds for one
    ROUNDING = "rounding"
    SLACK = "slack"  # the target asks for nothing
    CONSISTENT = "consistent"  # they look at odds and are not
    SILENT = "silent"  # the plan does not give what a judgement would need


@dataclass(frozen=True)
class Statement:
    """A figure that a clash rests on."""

    name: str
    """What the arithmetic calls it."""
    reference: str
    """``M03.target``, ``E019``, ``I02.towns``; empty for a figure that the audit itself gives."""
    value: float
    unit: str
    """Empty for what another clash computes, and for constants."""
    year: str
    """As the source writes it; may be empty."""
    label_en: str
    label_zh: str
    place_en: str
    place_zh: str
    """Where it stands."""


@dataclass(frozen=True)
class Calculation:
    """One line of arithmetic."""

    name: str
    expression: str
    """As the file has it, in names."""
    shown: str
    """The same in figures: ``268.7 × (1 + 16 / 100) ^ 5``."""
    value: float

    def __str__(self) -> str:
        return f"{self.name} = {self.shown} = {_figure(self.value)}"


@dataclass(frozen=True)
class Clash:
    """A place where figures of the plan meet."""

    id: str
    topic_en: str
    topic_zh: str
    nature: Nature
    statements: tuple[Statement, ...]
    arithmetic: tuple[Calculation, ...]
    stands: bool
    """Whether the figures still bear the finding out."""
    condition: str
    """What `stands` was computed from, in names."""
    finding_en: str
    finding_zh: str
    handling_en: str
    """What the model does about it."""
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
        targets={target.id: target for target in load_targets(where / CATALOGUE)},
        evidence=load_evidence(where),
        clashes={},
    )
    faults: list[Fault] = []
    clashes: list[Clash] = []
    for index, row in enumerate(audit.clashes):
        reader = _ClashReader(row, audit.constants, sources, document, ("clashes", index), faults)
        if row.id in sources.clashes:
            reader.fault(Message("the id {id} stands twice", id=row.id), "id")
        clash = reader.clash()
        clashes.append(clash)
        sources.clashes[row.id] = reader.values
    if faults:
        raise CatalogueError(sorted(faults, key=lambda fault: fault.line or 0))
    return tuple(clashes)


# --- the form of the file -----------------------------------------------------------------------


class _Constant(Words):
    value: float


class _Figure(Form):
    """A reference, or a number with its unit and source."""

    reference: str = ""
    value: float = math.nan
    unit: str = ""
    source: Words | None = None


def _reference_alone(value: object) -> object:
    return {"reference": value} if isinstance(value, str) else value


class _Clash(Form):
    id: str
    topic: Words
    nature: Annotated[Nature, Field(strict=False)]
    figures: dict[str, Annotated[_Figure, BeforeValidator(_reference_alone)]]
    arithmetic: dict[str, str]
    stands: str
    finding: Words
    handling: Words


class _Audit(Form):
    constants: dict[str, _Constant] = Field(default={})
    clashes: list[_Clash]


# --- from the form to the record ----------------------------------------------------------------


@dataclass(frozen=True)
class _Sources:
    """Where figures come from."""

    targets: Mapping[str, Target]
    evidence: Mapping[str, Evidence]
    clashes: dict[str, Mapping[str, float]]
    """What the clashes above computed."""


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RANGE = re.compile(r"(-?[\d.]+)–(-?[\d.]+)")
_FORMAT = re.compile(r"\.[0-6]f")


@dataclass
class _ClashReader:
    """Turns one entry into a `Clash`, noting what does not fit together."""

    row: _Clash
    constants: Mapping[str, _Constant]
    sources: _Sources
    document: Document
    place: Place
    faults: list[Fault]
    values: dict[str, float] = field(default_factory=dict)
    """The figures and results so far, by name; NaN for one that is at fault."""

    def fault(
        self,
        message: Message,
        *keys: str | int,
        expected: str | Message | None = None,
        found: str | Message | None = None,
        nearest: str | None = None,
    ) -> None:
        place = (*self.place, *keys)
        self.faults.append(fault_at(self.document, place, message, expected, found, nearest))

    def clash(self) -> Clash:
        row = self.row
        self.values |= {name: constant.value for name, constant in self.constants.items()}
        statements = [self._statement(name, figure) for name, figure in row.figures.items()]
        arithmetic = [self._calculation(name, text) for name, text in row.arithmetic.items()]
        stands = self._value(row.stands, "stands")
        if not isinstance(stands, bool):
            self.fault(
                Message("not a comparison"),
                "stands",
                expected=Message("a comparison"),
                found=row.stands,
            )
        used = " ".join([*row.arithmetic.values(), row.stands])
        constants = [
            Statement(name, "", each.value, "", "", each.en, each.zh, "", "")
            for name, each in self.constants.items()
            if re.search(rf"\b{name}\b", used)
        ]
        return Clash(
            id=row.id,
            topic_en=row.topic.en,
            topic_zh=row.topic.zh,
            nature=row.nature,
            statements=(*statements, *constants),
            arithmetic=tuple(arithmetic),
            stands=bool(stands),
            condition=row.stands,
            finding_en=self._filled("finding", "en", row.finding.en),
            finding_zh=self._filled("finding", "zh", row.finding.zh),
            handling_en=self._filled("handling", "en", row.handling.en),
            handling_zh=self._filled("handling", "zh", row.handling.zh),
            file=self.document.file,
            line=self.document.line(self.place),
        )

    def _statement(self, name: str, figure: _Figure) -> Statement:
        self._check_name("figures", name)
        statement = self._quoted(name, figure) if figure.reference else self._given(name, figure)
        self.values[name] = statement.value
        return statement

    def _check_name(self, key: str, name: str) -> None:
        if not _NAME.fullmatch(name) or name in _FUNCTIONS:
            self.fault(
                Message("'{name}' cannot be a name", name=name),
                key,
                name,
                expected=Message("letters, digits and _"),
            )
        elif name in self.values:
            self.fault(
                Message("the name '{name}' stands for something else already", name=name), key, name
            )

    def _given(self, name: str, figure: _Figure) -> Statement:
        if math.isnan(figure.value) or figure.source is None:
            self.fault(
                Message(
                    "the figure '{name}' says neither where it stands nor what it is", name=name
                ),
                "figures",
                name,
                expected=Message("a reference, or value, unit and source"),
            )
        source = figure.source or Words(en="", zh="")
        return Statement(
            name=name,
            reference="",
            value=figure.value,
            unit=figure.unit,
            year="",
            label_en=name.replace("_", " "),
            label_zh="",
            place_en=source.en,
            place_zh=source.zh,
        )

    def _quoted(self, name: str, figure: _Figure) -> Statement:
        if not math.isnan(figure.value):
            self.fault(
                Message("the figure '{name}' has both a reference and a value", name=name),
                "figures",
                name,
            )
        key, _, part = figure.reference.partition(".")
        if key in self.sources.targets:
            return self._from_target(name, self.sources.targets[key], part)
        if key in self.sources.evidence:
            return self._from_evidence(name, self.sources.evidence[key], part)
        if key in self.sources.clashes:
            known = self.sources.clashes[key]
            if part not in known:
                close = nearest(part, known)
                self._unknown(name, figure.reference, close and f"{key}.{close}")
            value = known.get(part, math.nan)
            label = part.replace("_", " ")
            return Statement(name, figure.reference, value, "", "", label, "", key, key)
        every = (*self.sources.targets, *self.sources.evidence, *self.sources.clashes)
        self._unknown(name, figure.reference, nearest(key, every))
        return Statement(name, figure.reference, math.nan, "", "", "", "", "", "")

    def _unknown(self, name: str, reference: str, close: str | None) -> None:
        self.fault(
            Message("there is no figure {reference}", reference=reference),
            "figures",
            name,
            expected=Message("M03.target, M03.base, E019 or a result of a clash above"),
            nearest=close,
        )

    def _from_target(self, name: str, target: Target, part: str) -> Statement:
        reference = f"{target.id}.{part}"
        year = target.base_period if part == "base" else target.year
        value = {"base": target.base_value, "target": target.value}.get(part)
        if value is None:
            self.fault(
                Message("{id} has no number for '{part}'", id=target.id, part=part),
                "figures",
                name,
                expected=Message("{id}.base or {id}.target, where it has one", id=target.id),
                found=reference,
            )
        return Statement(
            name=name,
            reference=reference,
            value=math.nan if value is None else value,
            unit=target.base_unit if part == "base" else target.unit,
            year=str(year or ""),
            label_en=target.name_en,
            label_zh=target.name_zh,
            place_en=target.place_en,
            place_zh=target.place_zh,
        )

    def _from_evidence(self, name: str, evidence: Evidence, part: str) -> Statement:
        ends = _RANGE.fullmatch(evidence.value)
        text = {"": evidence.value}.get(part, "")
        if ends and part in ("low", "high"):
            text = ends[1] if part == "low" else ends[2]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
            self.fault(
                Message("{id} has no such number", id=evidence.id),
                "figures",
                name,
                expected=Message("{id}, or of a range {id}.low or {id}.high", id=evidence.id),
                found=evidence.value,
            )
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

    def _calculation(self, name: str, text: str) -> Calculation:
        self._check_name("arithmetic", name)
        value = self._value(text, "arithmetic", name)
        if isinstance(value, bool):
            self.fault(
                Message("'{name}' is a comparison", name=name),
                "arithmetic",
                name,
                expected=Message("a number"),
            )
        shown = _in_figures(text, self.values)
        self.values[name] = float(value)
        return Calculation(name, text, shown, float(value))

    def _value(self, text: str, *keys: str) -> float | bool:
        try:
            return evaluate(text, self.values)
        except _NoValueError as error:
            self.fault(error.message, *keys, found=text, nearest=error.nearest)
            return math.nan

    def _filled(self, key: str, language: str, template: str) -> str:
        """Fill a text with figures; only plain names and ``.1f`` are understood."""
        parts: list[str] = []
        try:
            fields = list(string.Formatter().parse(template))
        except ValueError as error:
            why = Message("the text cannot be filled: {reason}", reason=foreign(error))
            self.fault(why, key, language)
            return template
        for literal, name, form, conversion in fields:
            # A folded text has a blank at each line end, which Chinese does not know.
            parts.append(literal.replace(" ", "") if language == "zh" else literal)
            if name is None:
                continue
            if name not in self.values:
                self.fault(
                    Message("the text names '{name}', which nothing gives", name=name),
                    key,
                    language,
                    nearest=nearest(name, self.values),
                )
            elif conversion or not _FORMAT.fullmatch(form or ""):
                self.fault(
                    Message("the text has a place that cannot be filled"),
                    key,
                    language,
                    expected=Message("{{{name}:.1f}}, with the number of decimals", name=name),
                    found=f"{{{name}:{form}}}",
                )
            else:
                parts.append(format(self.values[name], form or ""))
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
    """An expression that has no value, with the name that was perhaps meant."""

    def __init__(self, message: Message, nearest: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.nearest = nearest


def evaluate(text: str, values: Mapping[str, float]) -> float | bool:
    """Compute an expression in floats, or one comparison of two of them.

    Numbers, names of ``values``, ``+ - * / **``, brackets, ``sum``, ``min``, ``max`` and one
    comparison on the outside: all else is refused. What rests on a NaN is NaN.

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
    """Compute one node; a refused one raises, whatever it holds."""
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
        found = operation(a, b)
    except (ArithmeticError, ValueError):
        raise _NoValueError(Message("the expression has no finite value")) from None
    if math.isinf(found):
        raise _NoValueError(Message("the expression has no finite value"))
    return found


def _in_figures(text: str, values: Mapping[str, float]) -> str:
    """Write an expression with figures for its names."""

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
