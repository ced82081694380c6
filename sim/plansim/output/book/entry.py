"""The documentation of a variable: its equation as mathematics, facts with links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plansim.compiler.expression_tree import Table, read_right_side, read_table
from plansim.errors import FaultLog
from plansim.model.comment import read_source
from plansim.model.evidence import Evidence
from plansim.model.records import Model, Variable, VariableKind
from plansim.model.scan import Form, Scan, scan_text
from plansim.model.syntax import name_key
from plansim.output.book.mathml import equation_mathml
from plansim.output.book.run import Run, Sparkline, course_of, years_shown
from plansim.output.describe import ASSUMPTION, DERIVED, NO_UNIT, kind_of, noted, range_of
from plansim.output.evidence import evidence_sentence
from plansim.output.text import Lang, Text, typeset
from plansim.targets.audit import Clash
from plansim.targets.catalogue import Target, split_reference

__all__ = ["Book", "Entry", "Fact", "Fragment", "entry_of"]


@dataclass(frozen=True)
class Fragment:
    """A piece of text, with or without a link."""

    text: str
    link: str = ""


@dataclass(frozen=True)
class Fact:
    """A label with its text."""

    label: str
    parts: tuple[Fragment, ...]
    between: str = ", "
    """What separates the parts."""


@dataclass(frozen=True)
class Entry:
    """A variable on its module's page."""

    anchor: str
    name: str
    second: str
    """The name in the other language."""
    meaning: str
    math: str
    """MathML; empty for a variable of numbers only."""
    summary: str
    """Kind and unit in a line."""
    facts: tuple[Fact, ...]
    source: str
    """The equation as the file writes it."""
    course: Sparkline | None
    """Its values in the run that is shown."""


@dataclass(frozen=True)
class Book:
    """The data of the pages of one language."""

    model: Model
    targets: tuple[Target, ...]
    evidence: Mapping[str, Evidence]
    clashes: tuple[Clash, ...]
    text: Text
    run: Run | None = None
    """None if the model cannot be run."""

    @cached_property
    def years(self) -> tuple[int, ...]:
        """The years of the run whose values are given."""
        return years_shown(self.run.years, self.targets) if self.run else ()

    @cached_property
    def scan(self) -> Scan:
        """The scan of the model's equations."""
        return scan_text(self.model.text, FaultLog(self.model.path))

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """The variables that refer to each variable."""
        readers: dict[str, list[str]] = {}
        for variable in self.model.variables.values():
            for cause in variable.causes:
                readers.setdefault(cause, []).append(variable.name)
        return {name: tuple(names) for name, names in readers.items()}

    @cached_property
    def known(self) -> Mapping[str, str]:
        """The source of each source id."""
        pick = self.text.pick
        return {
            **{target.id: pick(target.name_en, target.name_zh) for target in self.targets},
            **{clash.id: pick(clash.topic_en, clash.topic_zh) for clash in self.clashes},
            **{key: evidence_sentence(row, self.text) for key, row in self.evidence.items()},
        }

    @cached_property
    def _called(self) -> Mapping[str, str]:
        """The names of variables, ranges and elements by key."""
        chinese = self.text.lang is Lang.ZH
        names = {
            name_key(variable.name): self.name(variable)
            for variable in self.model.variables.values()
        }
        for range_ in self.model.subscripts.values():
            translated = range_.elements_zh if chinese and range_.elements_zh else range_.elements
            for element, name in zip(range_.elements, translated, strict=True):
                names.setdefault(name_key(element), name)
            names[name_key(range_.name)] = self.text.pick(range_.name, range_.name_zh)
        return {"time": "t", **names}

    def name(self, variable: Variable) -> str:
        """Return a variable's name in the reader's language."""
        return self.text.pick(variable.name, variable.name_zh)

    def call(self, key: str) -> str:
        """Return the name of a key; the key itself if it is unknown."""
        return self._called.get(key, key)

    def module_title(self, name: str) -> str:
        """Return the title of a module."""
        module = self.model.modules[name]
        title = self.text.pick(module.name, module.name_zh) or self.text("list.no_module")
        return title if self.text.lang is Lang.ZH else title[:1].upper() + title[1:]

    def part(self, name: str) -> Fragment:
        """Return a variable's name as a link to its entry."""
        variable = self.model.variables[name]
        return Fragment(self.name(variable), link_to(variable))

    def cited(self, tag: str) -> Iterator[Fragment]:
        """Yield the sources of a tag, each with a link to the list of sources."""
        source = read_source(tag)
        key, rest = source.id, self.text.pick(source.said_en, source.said_zh)
        if key in (ASSUMPTION, DERIVED):
            label = self.text("show.assumption" if key == ASSUMPTION else "show.derived")
            yield Fragment(f"{label}{self.text('list_sep.colon')}{rest}" if rest else label)
            return
        span = f" [{rest}]" if rest else ""
        # M10 stands for M10a, M10b and M10c.
        family = (
            [key] if key in self.known else [known for known in self.known if known[:-1] == key]
        )
        for source_id in family:
            yield Fragment(
                f"{source_id}{span}  {self.known[source_id]}", f"sources.html#{source_id}"
            )
        if not family:
            yield Fragment(key + span)


def slug(name: str) -> str:
    """Return the file name of a module, or the anchor of a variable."""
    return name_key(name).replace('"', "").replace("'", "") or "model"


def page_of(module: str) -> str:
    """Return the page of a module."""
    return f"module-{slug(module)}.html"


def link_to(variable: Variable) -> str:
    """Return the link to a variable's entry."""
    return f"{page_of(variable.module)}#{slug(variable.name)}"


def entry_of(variable: Variable, book: Book) -> Entry:
    """Return the entry of a variable from the model's file and the tables beside it."""
    text = book.text
    unit = "" if variable.unit == NO_UNIT else typeset(text.unit(variable.unit))
    math = "".join(_mathematics(variable, book))
    names = (variable.name, variable.name_zh)
    parts = [kind_of(variable, text), unit]
    return Entry(
        anchor=slug(variable.name),
        name=book.name(variable),
        second=next((name for name in names if name != book.name(variable)), ""),
        meaning=text.pick(variable.meaning_en, variable.meaning_zh),
        math=math,
        summary=text("list_sep.comma").join(part for part in parts if part),
        facts=tuple(fact for fact in _facts(variable, book) if any(p.text for p in fact.parts)),
        source=variable.equation.expandtabs(4).replace("\\\n", "\n") if math else "",
        course=course_of(variable, book.run.years, book.years, text) if book.run else None,
    )


def _mathematics(variable: Variable, book: Book) -> Iterator[str]:
    for equation in book.scan.equations[name_key(variable.name)]:
        node: Table | None = None
        if equation.form is Form.LOOKUP and not equation.expression.reads_lookup:
            node = read_table(equation)
        elif equation.expression.numbers is not None or equation.form not in (
            Form.EQUATION,
            Form.UNCHANGEABLE,
        ):
            continue
        yield equation_mathml(
            name_key(equation.name),
            tuple(map(name_key, equation.subscripts)),
            node or read_right_side(equation),
            book.call,
        )


def _facts(variable: Variable, book: Book) -> Iterator[Fact]:
    text, comma = book.text, book.text("list_sep.comma")

    def lines(label: str, values: Iterable[str]) -> Fact:
        return Fact(text(label), tuple(map(Fragment, values)), text("list_sep.semicolon"))

    def names(label: str, variables: Iterable[str]) -> Fact:
        return Fact(text(label), tuple(map(book.part, variables)), comma)

    subscripts = [book.model.subscripts.get(name) for name in variable.subscripts]
    yield lines("show.value", values_of(variable, book.call))
    yield lines(
        "show.subscripts", [range_of(subscript, text) for subscript in subscripts if subscript]
    )
    yield lines(
        "show.plausible", [noted("show.plausible_note", variable.plausible, variable, text)]
    )
    yield lines(
        "show.admissible", [noted("show.admissible_note", variable.admissible, variable, text)]
    )
    initial = set(variable.initial_causes)
    yield names("show.causes", (name for name in variable.causes if name not in initial))
    yield names("show.initial_causes", variable.initial_causes)
    yield names("show.uses", book.users.get(variable.name, ()))
    judged = [
        Fragment(
            f"{target.id} {text.pick(target.name_en, target.name_zh)}", f"sources.html#{target.id}"
        )
        for target in book.targets
        if any(split_reference(name)[0] == variable.name for name in target.variables.values())
    ]
    yield Fact(text("show.judged_by"), tuple(judged), comma)
    cited = tuple(part for tag in variable.sources for part in book.cited(tag))
    yield Fact(text("show.sources"), cited, text("list_sep.semicolon"))


def values_of(variable: Variable, call: Callable[[str], str]) -> list[str]:
    """Write the numbers of a constant; equal ones of many elements once."""
    if variable.kind not in (VariableKind.CONSTANT, VariableKind.CONTROL):
        return []
    if not isinstance(variable.value, Mapping):
        return [] if variable.value is None else [f"{variable.value:g}"]
    if len(set(variable.value.values())) == 1:
        return [f"{next(iter(variable.value.values())):g}"]
    return [
        f"{', '.join(call(name_key(part)) for part in element.split(','))} {value:g}"
        for element, value in variable.value.items()
    ]
