"""A variable: what the model's file and the tables beside it say, in one language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from plansim.model.comment import Evidence, read_source
from plansim.model.reading.expression import name_key
from plansim.model.records import Model, SubscriptRange, Timing, Variable, VariableKind
from plansim.model.units import NO_UNIT
from plansim.output.describe import both_names, noted, range_words, with_text
from plansim.output.words.text import Lang, Text, target_figure
from plansim.scenario.factors import Apply
from plansim.targets.target import Target, split_reference

if TYPE_CHECKING:
    from plansim.targets.audit import Clash
    from plansim.targets.views import Lever

__all__ = [
    "Fact",
    "ModelFacts",
    "Part",
    "evidence_sentence",
    "kind_of",
    "link_to",
    "page_of",
    "slug",
    "values_of",
    "variable_facts",
    "variable_notes",
]

ASSUMPTION = "A"
DERIVED = "D"
"""The source ids that have no entry in a table, by the convention of the model."""
_CONSTANT = (VariableKind.CONSTANT, VariableKind.CONTROL)


@dataclass(frozen=True)
class Part:
    """A piece of text, that may lead somewhere."""

    text: str
    link: str = ""
    name: str = ""
    """The English name of a variable that ``text`` names."""


@dataclass(frozen=True)
class Fact:
    """A label with what it says."""

    label: str
    parts: tuple[Part, ...]
    between: str = ", "
    """What separates the parts."""


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model, in one language."""

    model: Model
    targets: tuple[Target, ...]
    evidence: Mapping[str, Evidence]
    clashes: tuple[Clash, ...]
    text: Text

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
        text = self.text
        return {
            **{target.id: _target_source(target, text) for target in self.targets},
            **{clash.id: text.pick(clash.topic_en, clash.topic_zh) for clash in self.clashes},
            **{key: evidence_sentence(row, text) for key, row in self.evidence.items()},
        }

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Names of variables, ranges and elements by their keys."""
        names = {name_key(one.name): self.name(one) for one in self.model.variables.values()}
        for range_ in self.model.subscripts.values():
            for pair in range_.pairs:
                names.setdefault(name_key(pair[0]), self.text.pick(*pair))
            names[name_key(range_.name)] = self.text.pick(range_.name, range_.name_zh)
        return {"time": "t", **names}

    def name(self, variable: Variable) -> str:
        """Name a variable in the reader's language."""
        return self.text.pick(variable.name, variable.name_zh)

    def name_of(self, key: str) -> str:
        """Name the variable, range or element of a key; the key itself if there is none."""
        return self._names.get(key, key)

    def module_title(self, name: str) -> str:
        """Name a module."""
        module = self.model.modules[name]
        title = self.text.pick(module.name, module.name_zh) or self.text("list.no_module")
        return title if self.text.lang is Lang.ZH else title[:1].upper() + title[1:]

    def part(self, name: str) -> Part:
        """Return a variable's name as a link to its entry."""
        variable = self.model.variables[name]
        return Part(self.name(variable), link_to(variable), name)

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


def variable_facts(variable: Variable, facts: ModelFacts) -> list[tuple[str, str]]:
    """Return the facts of a variable in the model's file and the tables beside it."""
    text = facts.text

    def words(part: Part) -> str:
        both = text.lang is Lang.ZH and part.name not in ("", part.text)
        return f"{part.text}（{part.name}）" if both else part.text

    module = facts.model.modules.get(variable.module)
    about = [
        ("show.variable", both_names(variable.name, variable.name_zh, text)),
        ("show.meaning", text.pick(variable.meaning_en, variable.meaning_zh)),
        ("show.kind", kind_of(variable, text)),
        ("show.unit", text.unit(variable.unit)),
    ]
    notes = [
        (fact.label, fact.between.join(map(words, fact.parts)))
        for fact in variable_notes(variable, facts, "\n")
    ]
    if variable.name in facts.model.added:
        # Where a variant of the model has it, and with which value, is nobody's affair.
        notes = [fact for fact in notes if fact[0] != text("show.value")]
        place = [("show.value", text("show.by_scenario"))]
    else:
        about.insert(
            3, ("show.module", text.pick(variable.module, module.name_zh if module else ""))
        )
        if variable.kind is VariableKind.CONSTANT:
            about.append(("show.lever", _levers(variable, facts.model, text)))
        about.append(("show.equation", variable.equation.expandtabs(4).replace("\\\n", "\n")))
        place = [("show.place", f"{facts.model.path}:{variable.line}")]
    return [*with_text(about, text), *notes, *with_text(place, text)]


def _levers(variable: Variable, model: Model, text: Text) -> str:
    """Name the levers that move a variable, and the range of one that sets it."""
    from plansim.targets.views_file import load_views  # loads what most facts do without

    def told(lever: Lever) -> str:
        if lever.apply is not Apply.SET:
            return text.name(lever)
        ends = range_words((lever.low * lever.shown_factor, lever.high * lever.shown_factor))
        return text.amount(text.name(lever) + text("list_sep.colon") + ends, lever.shown_unit)

    return "\n".join(
        told(lever)
        for lever in load_views(model).levers
        if any(split_reference(constant)[0] == variable.name for constant in lever.constants)
        and lever.name_en != variable.name  # as levers are called that no file of views names
    )


def variable_notes(variable: Variable, facts: ModelFacts, between: str) -> list[Fact]:
    """Return what a variable is made of, used and judged by; ``between`` separates sentences."""
    text, comma, initial = facts.text, facts.text("list_sep.comma"), variable.initial_causes
    judged = (
        Part(f"{target.id} {text.name(target)}", f"sources.html#{target.id}")
        for target in facts.targets
        if any(split_reference(name)[0] == variable.name for name in target.variables.values())
    )
    ranges = (facts.model.subscripts.get(name) for name in variable.subscripts)
    subscripts = (_range_of(subscript, text) for subscript in ranges if subscript)
    plausible = noted("show.plausible_note", variable.plausible, variable.unit, text)
    admissible = noted("show.admissible_note", variable.admissible, variable.unit, text)
    causes = (name for name in variable.causes if name not in initial)
    rows: list[tuple[str, Iterable[Part], str]] = [
        ("show.value", map(Part, values_of(variable, facts)), between),
        ("show.subscripts", map(Part, subscripts), between),
        ("show.plausible", [Part(plausible)], between),
        ("show.admissible", [Part(admissible)], between),
        ("show.causes", map(facts.part, causes), comma),
        ("show.initial_causes", map(facts.part, initial), comma),
        ("show.uses", map(facts.part, facts.users.get(variable.name, ())), comma),
        ("show.judged_by", judged, between),
        ("show.sources", chain.from_iterable(map(facts.cited, variable.sources)), between),
    ]
    noted_facts = [Fact(text(label), tuple(parts), by) for label, parts, by in rows]
    return [fact for fact in noted_facts if any(part.text for part in fact.parts)]


def values_of(variable: Variable, facts: ModelFacts) -> list[str]:
    """Write the numbers of a constant; those of many elements that are equal once."""
    values, colon = variable.value, facts.text("list_sep.colon")
    if values is None or variable.kind not in _CONSTANT:
        return []
    if isinstance(values, Mapping):
        if len(values) == 1 or len(set(values.values())) > 1:
            return [f"{_element(name, facts)}{colon}{value:g}" for name, value in values.items()]
        values = next(iter(values.values()))
    return [facts.text.amount(f"{values:g}", variable.unit)]


def _element(reference: str, facts: ModelFacts) -> str:
    """Name the elements ``e1,e2`` in the reader's language."""
    return ",".join(facts.name_of(name_key(part)) for part in reference.split(","))


def kind_of(variable: Variable, text: Text) -> str:
    """Return a variable's kind in words, with the instant of its yearly value."""
    if variable.kind in (*_CONSTANT, VariableKind.LOOKUP):
        return text.word("kind", variable.kind)  # no year has a value of its own
    timing = "show.timing_year_end" if variable.timing is Timing.YEAR_END else "show.timing_year"
    return text.word("kind", variable.kind) + text("list_sep.comma") + text(timing)


def _range_of(subscript: SubscriptRange, text: Text) -> str:
    """Return the name of a range with its elements."""
    elements = text.join(text.pick(*pair) for pair in subscript.pairs)
    return text.pick(subscript.name, subscript.name_zh) + text("list_sep.colon") + elements


def _target_source(target: Target, text: Text) -> str:
    """Return what a row of the plan is the source of: its figure for the base, not its target."""
    name = text.name(target)
    place = text.pick(target.place_en, target.place_zh)
    if target.base_value is None or target.base_period is None:
        return name + text("list_sep.stop") + place
    figure = f"{target_figure(target.base_value)} {text.unit(target.base_unit)}"
    return text(
        "show.plan_figure", period=target.base_period, figure=figure, name=name, place=place
    )


# --- evidence ------------------------------------------------------------------------------------


def evidence_sentence(row: Evidence, text: Text) -> str:
    """Return a row's quantity, place, year, figure, source and confidence as a sentence.

    Cells without Chinese are given in English.

    >>> from plansim.output.words.text import read_text
    >>> row = Evidence("E1", "growth", "Town", "2003", "9", "%", "Yearbook", "high", "context",
    ...                quantity_zh="增长率", place_zh="某市", confidence_zh="高")
    >>> evidence_sentence(row, read_text(Lang.EN))
    'growth, Town 2003: 9 %. Yearbook (confidence: high)'
    >>> evidence_sentence(row, read_text(Lang.ZH))
    '某市2003年，增长率：9%。Yearbook（可信度：高）'
    """
    pick, year = text.pick, row.year
    if text.lang is Lang.ZH:
        year = row.year_zh or (text("cited.year", year=year) if year.isdigit() else year)
    quantity = pick(row.quantity, row.quantity_zh)
    where = _joined(pick(row.place, row.place_zh), year)
    both = where and quantity
    sentence = text("cited.what", quantity=quantity, where=where) if both else quantity or where
    if figure := _figure_of(row, text):
        sentence += text("list_sep.colon") + figure
    if source := pick(row.source, row.source_zh):
        sentence += text("list_sep.stop") + source
    if level := pick(row.confidence, row.confidence_zh):
        sentence += text("cited.confidence", level=level)
    return sentence


def _figure_of(row: Evidence, text: Text) -> str:
    value, unit = text.pick(row.value, row.value_zh), "" if row.unit == NO_UNIT else row.unit
    if text.lang is Lang.EN:
        return " ".join(part for part in (value, unit) if part)
    return _joined(value, row.unit_zh or text.unit(unit))


def _joined(first: str, second: str) -> str:
    """Join two parts as in Chinese: with a space only between two Western words."""
    gap = " " if first[-1:].isascii() and second[:1].isascii() and second[:1].isalnum() else ""
    return first + gap + second
