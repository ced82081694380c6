"""What the documentation tells of a variable: its equation as mathematics, facts with links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from plansim.analysis.feedback.polarity import SignedRun
from plansim.model.comment import read_source
from plansim.model.evidence import Evidence
from plansim.model.expression import Table
from plansim.model.records import Model, Variable, VariableKind
from plansim.model.syntax import name_key
from plansim.output.book.mathml import equation_mathml
from plansim.output.book.run import Course, course_of, years_shown
from plansim.output.describe import ASSUMPTION, DERIVED, NO_UNIT, kind_of, noted, range_of
from plansim.output.evidence import evidence_sentence
from plansim.output.text import Lang, Text, typeset
from plansim.targets.audit import Clash
from plansim.targets.catalogue import Target, split_reference

__all__ = ["Book", "Entry", "Fact", "Part", "entry_of"]


@dataclass(frozen=True)
class Part:
    """A piece of text, that may lead somewhere."""

    text: str
    link: str = ""


@dataclass(frozen=True)
class Fact:
    """A label with what it says."""

    label: str
    parts: tuple[Part, ...]
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
    """MathML; empty for what holds numbers only."""
    summary: str
    """Kind and unit in a line."""
    facts: tuple[Fact, ...]
    source: str
    """The equation as the file writes it."""
    course: Course | None
    """What became of it in the run that is shown."""


@dataclass(frozen=True)
class Book:
    """What the pages of one language are made of."""

    model: Model
    targets: tuple[Target, ...]
    evidence: Mapping[str, Evidence]
    clashes: tuple[Clash, ...]
    text: Text
    run: SignedRun | None = None
    """None if the model cannot be run."""

    @cached_property
    def years(self) -> tuple[int, ...]:
        """The years of the run whose values are told."""
        return years_shown(self.run.years, self.targets) if self.run else ()

    @cached_property
    def users(self) -> Mapping[str, tuple[str, ...]]:
        """Of each variable those that refer to it."""
        result: dict[str, list[str]] = {}
        for variable in self.model.variables.values():
            for cause in variable.causes:
                result.setdefault(cause, []).append(variable.name)
        return {name: tuple(names) for name, names in result.items()}

    @cached_property
    def known(self) -> Mapping[str, str]:
        """What each source id stands for."""
        pick = self.text.pick
        return {
            **{target.id: pick(target.name_en, target.name_zh) for target in self.targets},
            **{clashe.id: pick(clashe.topic_en, clashe.topic_zh) for clashe in self.clashes},
            **{key: evidence_sentence(row, self.text) for key, row in self.evidence.items()},
        }

    @cached_property
    def _called(self) -> Mapping[str, str]:
        """What to call what a key stands for."""
        chinese = self.text.lang is Lang.ZH
        names = {
            name_key(variable.name): self.name(variable)
            for variable in self.model.variables.values()
        }
        for range_ in self.model.subscripts.values():
            translated = range_.elements_zh if chinese and range_.elements_zh else range_.elements
            for element, words in zip(range_.elements, translated, strict=True):
                names.setdefault(name_key(element), words)
            names[name_key(range_.name)] = self.text.pick(range_.name, range_.name_zh)
        return {"time": "t", **names}

    def name(self, variable: Variable) -> str:
        """Name a variable in the reader's language."""
        return self.text.pick(variable.name, variable.name_zh)

    def call(self, key: str) -> str:
        """Name what a key stands for; the key itself if nothing does."""
        return self._called.get(key, key)

    def module_title(self, name: str) -> str:
        """Name a module."""
        module = self.model.modules[name]
        title = self.text.pick(module.name, module.name_zh) or self.text("list.no_module")
        return title if self.text.lang is Lang.ZH else title[:1].upper() + title[1:]

    def part(self, name: str) -> Part:
        """Return a variable's name as a link to its entry."""
        variable = self.model.variables[name]
        return Part(self.name(variable), link_to(variable))

    def cited(self, tag: str) -> Iterator[Part]:
        """Yield what a source tag names, each with a link to the list of sources."""
        source = read_source(tag)
        key, rest = source.id, self.text.pick(source.said_en, source.said_zh)
        if key in (ASSUMPTION, DERIVED):
            label = self.text("show.assumption" if key == ASSUMPTION else "show.derived")
            yield Part(f"{label}{self.text('list_sep.colon')}{rest}" if rest else label)
            return
        span = f" [{rest}]" if rest else ""
        # M10 stands for M10a, M10b and M10c.
        family = [key] if key in self.known else [item for item in self.known if item[:-1] == key]
        for item in family:
            yield Part(f"{item}{span}  {self.known[item]}", f"sources.html#{item}")
        if not family:
            yield Part(key + span)


def slug(name: str) -> str:
    """Make a file's name of a module's, or an anchor of a variable's."""
    return name_key(name).replace('"', "").replace("'", "") or "model"


def page_of(module: str) -> str:
    """Return the page of a module."""
    return f"module-{slug(module)}.html"


def link_to(variable: Variable) -> str:
    """Return where a variable's entry stands."""
    return f"{page_of(variable.module)}#{slug(variable.name)}"


def entry_of(variable: Variable, book: Book) -> Entry:
    """Tell all that the model's file and the tables beside it say of a variable."""
    text = book.text
    unit = "" if variable.unit == NO_UNIT else typeset(text.unit(variable.unit))
    math = "".join(_mathematics(variable, book))
    names = (variable.name, variable.name_zh)
    words = [kind_of(variable, text), unit]
    return Entry(
        anchor=slug(variable.name),
        name=book.name(variable),
        second=next((item for item in names if item != book.name(variable)), ""),
        meaning=text.pick(variable.meaning_en, variable.meaning_zh),
        math=math,
        summary=text("list_sep.comma").join(item for item in words if item),
        facts=tuple(fact for fact in _facts(variable, book) if any(p.text for p in fact.parts)),
        source=variable.equation.expandtabs(4).replace("\\\n", "\n") if math else "",
        course=course_of(variable, book.run.years, book.years, text) if book.run else None,
    )


def _mathematics(variable: Variable, book: Book) -> Iterator[str]:
    for equation in book.model.scan.equations[name_key(variable.name)]:
        shown = equation.tree if isinstance(equation.tree, Table) else equation.formula
        if shown is not None:
            subscripts = tuple(map(name_key, equation.subscripts))
            yield equation_mathml(name_key(equation.name), subscripts, shown, book.call)


def _facts(variable: Variable, book: Book) -> Iterator[Fact]:
    text, comma = book.text, book.text("list_sep.comma")

    def lines(label: str, words: Iterable[str]) -> Fact:
        return Fact(text(label), tuple(map(Part, words)), text("list_sep.semicolon"))

    def names(label: str, result: Iterable[str]) -> Fact:
        return Fact(text(label), tuple(map(book.part, result)), comma)

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
        Part(
            f"{target.id} {text.pick(target.name_en, target.name_zh)}", f"sources.html#{target.id}"
        )
        for target in book.targets
        if any(split_reference(name)[0] == variable.name for name in target.variables.values())
    ]
    yield Fact(text("show.judged_by"), tuple(judged), comma)
    cited = tuple(part for tag in variable.sources for part in book.cited(tag))
    yield Fact(text("show.sources"), cited, text("list_sep.semicolon"))


def values_of(variable: Variable, call: Callable[[str], str]) -> list[str]:
    """Write the numbers of a constant; those of many elements that are equal once."""
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
