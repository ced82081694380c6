"""What the documentation tells of a variable: its equation and facts with links."""

from __future__ import annotations

from dataclasses import dataclass

from plansim.model.reading.expression import Table, name_key
from plansim.model.records import Variable
from plansim.model.units import NO_UNIT
from plansim.output.variables import Fact, ModelFacts, kind_of, slug, variable_notes
from plansim.output.words.text import typeset

__all__ = ["Entry", "entry_of"]


@dataclass(frozen=True)
class Entry:
    """A variable on its module's page."""

    anchor: str
    name: str
    second: str
    """The name in the other language."""
    meaning: str
    summary: str
    """Kind and unit in a line."""
    facts: tuple[Fact, ...]
    source: str
    """The equation as the file writes it; empty for what holds numbers only."""


def entry_of(variable: Variable, facts: ModelFacts) -> Entry:
    """Return all that the model's file and the tables beside it say of a variable."""
    text, name = facts.text, facts.name(variable)
    unit = "" if variable.unit == NO_UNIT else typeset(text.unit(variable.unit))
    computed = any(
        equation.formula is not None or isinstance(equation.tree, Table)
        for equation in facts.model.scan.equations[name_key(variable.name)]
    )
    return Entry(
        anchor=slug(variable.name),
        name=name,
        second=next((other for other in (variable.name, variable.name_zh) if other != name), ""),
        meaning=text.pick(variable.meaning_en, variable.meaning_zh),
        summary=text("list_sep.comma").join(filter(None, [kind_of(variable, text), unit])),
        facts=tuple(variable_notes(variable, facts, text("list_sep.semicolon"))),
        source=variable.equation.expandtabs(4).replace("\\\n", "\n") if computed else "",
    )
