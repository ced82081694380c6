"""Where a plan's own figures meet: recomputed from the catalogue, never stored.

The audit is a YAML file beside the model, ``audit.yaml``. It says itself how it reads. Its
arithmetic is written as the equations of a model are.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from plansim.errors import CatalogueError, Fault, InputError, Message, nearest
from plansim.files.forms import LAX, Form, Resolved, Words, form_of, listed, noting, or_text
from plansim.files.shipped import shipped
from plansim.files.yaml_document import read_document
from plansim.model.comment import load_evidence
from plansim.model.reading import expression
from plansim.model.reading.expression import (
    COMPARISONS,
    EquationSyntaxError,
    Name,
    Operation,
    references,
)
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Model
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target

__all__ = ["Calculation", "Clash", "Nature", "Statement", "audit", "clashes_beside", "evaluate"]

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
    shown: str
    """In figures: ``268.7 × (1 + 16 / 100) ^ 5``."""
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
    file: str = field(default="", compare=False)
    line: int | None = field(default=None, compare=False)


def clashes_beside(model: Model) -> tuple[Clash, ...]:
    """Return the clashes of the plan beside a model; none if no audit stands there."""
    folder = model.path.parent
    return audit(folder) if (folder / FILE_NAME).is_file() else ()


def audit(folder: str | Path | None = None) -> tuple[Clash, ...]:
    """Recompute the clashes of a plan, in the order of the file.

    ``folder`` holds ``audit.yaml``, ``targets.yaml`` and ``evidence.csv``; the shipped one if
    none is given.

    Raises:
        CatalogueError: with every fault of the audit, or of the catalogue, each with its line.
        InputError: the evidence is not a table.

    >>> [clash.id for clash in plansim.audit()][:3]
    ['I01', 'I02', 'I03']
    """
    where = shipped("model") if folder is None else Path(folder)
    document = read_document(where / FILE_NAME)
    audit = form_of(_Audit, document)
    known = {one.reference: one for one in _known(load_targets(where / CATALOGUE), where)}
    faults: list[Fault] = []
    clashes: list[Clash] = []
    for index, row in enumerate(audit.clashes):
        at = ("clashes", index)
        with noting(faults, *at):
            clash, results = _clash(row, audit.constants, known)
            clashes.append(replace(clash, file=document.file, line=document.line(at)))
            known |= {one.reference: one for one in results}
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
    clashes: Annotated[tuple[_Clash, ...], listed(list[_Clash], unique="id")]


# --- figures --------------------------------------------------------------------------------------

_RANGE = re.compile(r"(-?[\d.]+)–(-?[\d.]+)")


def _known(targets: Iterable[Target], folder: Path) -> Iterator[Statement]:
    """Yield the figures of a plan and of its evidence by their references, without a name."""
    for target in targets:
        row = Statement(
            name="",
            reference=f"{target.id}.target",
            value=math.nan if target.value is None else target.value,
            unit=target.unit,
            year=str(target.year or ""),
            label_en=target.name_en,
            label_zh=target.name_zh,
            place_en=target.place_en,
            place_zh=target.place_zh,
        )
        if target.value is not None:
            yield row
        if target.base_value is not None:
            yield replace(
                row,
                reference=f"{target.id}.base",
                value=target.base_value,
                unit=target.base_unit,
                year=str(target.base_period or ""),
            )
    for evidence in load_evidence(folder).values():
        label = f"{evidence.quantity}, {evidence.place}"
        in_chinese = evidence.place_zh and evidence.quantity_zh
        ends = _RANGE.fullmatch(evidence.value)
        parts = {".low": ends[1], ".high": ends[2]} if ends else {"": evidence.value}
        for part, text in parts.items():
            with contextlib.suppress(ValueError):  # of words, which are no figure
                yield Statement(
                    name="",
                    reference=evidence.id + part,
                    value=float(text),
                    unit=evidence.unit,
                    year=evidence.year,
                    label_en=label,
                    label_zh=evidence.place_zh + evidence.quantity_zh if in_chinese else label,
                    place_en=evidence.source,
                    place_zh=evidence.source_zh or evidence.source,
                )


def _stated(name: str, figure: str | _Figure, known: Mapping[str, Statement]) -> Statement:
    """Return a figure under a name.

    Raises:
        InputError: there is none of its reference.
    """
    label = name.replace("_", " ")
    if isinstance(figure, _Figure):
        source = figure.source
        return Statement(name, "", figure.value, figure.unit, "", label, "", source.en, source.zh)
    if figure not in known:
        raise InputError(
            "there is no figure {reference}",
            expected=Message("M03.target, M03.base, E019, E102.low or a result of a clash above"),
            nearest=nearest(figure, known),
            reference=figure,
        )
    return replace(known[figure], name=name)


# --- clashes --------------------------------------------------------------------------------------


def _clash(
    row: _Clash, constants: Mapping[str, _Constant], known: Mapping[str, Statement]
) -> tuple[Clash, list[Statement]]:
    """Recompute one entry; return it, and all its figures as those below may refer to them.

    Raises:
        InputError: with all that does not fit together.
    """
    values = {name: constant.value for name, constant in constants.items()}
    faults: list[Fault] = []
    statements: list[Statement] = []
    arithmetic: list[Calculation] = []
    stands = False
    filled: dict[str, str] = {}
    for name, figure in row.figures.items():
        with noting(faults, "figures", name):
            _check_name(name, values)
            values[name] = math.nan  # of one that is at fault
            statements.append(_stated(name, figure, known))
            values[name] = statements[-1].value
    for name, text in row.arithmetic.items():
        with noting(faults, "arithmetic", name):
            _check_name(name, values)
            values[name] = math.nan
            values[name] = evaluate(text, values)
            arithmetic.append(Calculation(name, _in_figures(text, values), values[name]))
    with noting(faults, "stands"):
        stands = bool(evaluate(row.stands, values, condition=True))
    for key, words in (("finding", row.finding), ("handling", row.handling)):
        # A folded text has a blank at each line end, which Chinese does not know.
        for language, text in (("en", words.en), ("zh", words.zh.replace(" ", ""))):
            with noting(faults, key, language):
                filled[f"{key}_{language}"] = _filled(text, values)
    if faults:
        raise InputError(faults)
    used = " ".join([*row.arithmetic.values(), row.stands])
    statements += (
        Statement(name, "", constant.value, "", "", constant.en, constant.zh, "", "")
        for name, constant in constants.items()
        if re.search(rf"\b{name}\b", used)
    )
    clash = Clash(
        id=row.id,
        topic_en=row.topic.en,
        topic_zh=row.topic.zh,
        nature=row.nature,
        statements=tuple(statements),
        arithmetic=tuple(arithmetic),
        stands=stands,
        condition=row.stands,
        finding_en=filled["finding_en"],
        finding_zh=filled["finding_zh"],
        handling_en=filled["handling_en"],
        handling_zh=filled["handling_zh"],
    )
    return clash, [
        Statement("", f"{row.id}.{name}", value, "", "", name.replace("_", " "), "", row.id, row.id)
        for name, value in values.items()
    ]


_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _check_name(name: str, values: Mapping[str, float]) -> None:
    if not _NAME.fullmatch(name) or name in _FUNCTIONS:
        expected = Message("letters, digits and _")
        raise InputError("'{name}' cannot be a name", expected=expected, name=name)
    if name in values:
        raise InputError("the name '{name}' is already used for something else", name=name)


def _filled(template: str, values: Mapping[str, float]) -> str:
    """Fill a text with figures; only plain names and ``.1f`` are understood."""

    def figure(match: re.Match[str]) -> str:
        name, _, form = match[1].partition(":")
        if name not in values or not re.fullmatch(r"\.[0-6]f", form):
            raise InputError(
                "the text has a place that cannot be filled",
                expected=Message(
                    "a name with a number of decimals, as {example}", example="{x:.1f}"
                ),
                found=match[0],
                nearest=nearest(name, values.keys() - {name}),
            )
        return format(values[name], form)

    return re.sub(r"\{([^}]*)\}?", figure, template)


# --- arithmetic ---------------------------------------------------------------------------------

_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"sum": math.fsum, "min": min, "max": max}
)


def evaluate(text: str, values: Mapping[str, float], *, condition: bool = False) -> float:
    """Return the value of an expression in the model's language; of a condition whether it holds.

    Numbers, names of ``values``, ``+ - * / ^``, brackets, ``sum``, ``min``, ``max``; a condition
    is one comparison of two such. All else is refused. What rests on a NaN is NaN.

    Raises:
        InputError: the text cannot be read, has an unknown name, or has no finite value.

    >>> evaluate("sum(a, 2) * 10 ^ 2", {"a": 1})
    300.0
    >>> evaluate("a <= 1", {"a": 1}, condition=True)
    True
    """

    def value_of(name: Name) -> float:
        called = name.written[0]
        if called in values:
            return values[called]
        near = nearest(called, values)
        raise InputError("nothing is called '{name}'", found=text, nearest=near, name=called)

    try:
        tree = read_expression(text)
        is_comparison = isinstance(tree, Operation) and tree.operator in COMPARISONS
        if is_comparison != condition:
            expected = Message("a comparison") if condition else Message("a number")
            raise InputError("not what is wanted here", expected=expected, found=text)
        if not isinstance(tree, Operation) or not is_comparison:
            return expression.evaluate(tree, value_of, _FUNCTIONS)
        both = [expression.evaluate(side, value_of, _FUNCTIONS) for side in tree.operands]
        return COMPARISONS[tree.operator](*both)
    except EquationSyntaxError as error:
        found = error.found or text
        raise InputError(error.message, expected=error.expected, found=found) from None
    except expression.NoValueError as error:
        raise InputError(error.message, found=text) from None


def _in_figures(text: str, values: Mapping[str, float]) -> str:
    """Return a readable expression with figures for its names."""
    parts: list[str] = []
    end = 0
    for name, _ in references(read_expression(text)):
        if isinstance(name, Name):
            value = values[name.written[0]]
            figure = _figure(value)
            parts += [text[end : name.start], figure if value >= 0 else f"({figure})"]
            end = name.end
    return "".join([*parts, text[end:]]).replace("*", "×")


def _figure(value: float) -> str:
    """Write a number with four significant digits, and without an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
