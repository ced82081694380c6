"""The verdicts of one or more scenarios side by side, one line a target, below their answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial

from rich.cells import cell_len, set_cell_size
from rich.text import Text as RichText

from plansim.output.tables.layout import (
    LEAST,
    Band,
    Column,
    FirstFitting,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    section,
    stacked,
    text_column,
)
from plansim.output.words.answer import answer_sentences, binding_first, open_means
from plansim.output.words.text import Text
from plansim.output.words.verdicts import (
    MARKS,
    OPEN_MARKS,
    bases_of,
    bases_words,
    breaks_later,
    by_section,
    gap_text,
    limit_of,
    margin_words,
    others_of,
    outcome_words,
    section_of,
    share_text,
    units_words,
    value_words,
    verdict_mark,
)
from plansim.output.words.wrapping import wrap
from plansim.targets.target import Status, Target
from plansim.targets.verdict import Certainty, Verdict

__all__ = ["STYLES", "letter_of", "verdict_table"]

STYLES = {
    Status.MET: Style.GOOD,
    Status.MISSED: Style.BAD,
    Status.UNDECIDED: Style.DOUBT,
    Status.ASSUMED: Style.DOUBT,
    Status.UNTESTABLE: Style.FAINT,
}
_NAME_WIDTH = 40
"""Wider names are wrapped."""
_NAME_WRAPPED = 30
"""Names are wrapped to this before scenarios are stacked."""


class _Detail(IntEnum):
    """How much a cell tells."""

    MARKS = 0
    WORDS = 1  # open verdicts and bases are named, scenarios by their ids
    MARGINS = 2


ByScenario = Mapping[str, Verdict]


def verdict_table(
    verdicts: Sequence[Verdict],
    targets: Iterable[Target],
    text: Text,
    *,
    titles: Mapping[str, str] | None = None,
    every: bool = False,
) -> RenderableType:
    """Lay out the answer, then the verdicts of one or more scenarios side by side.

    ``targets`` are those that were judged, ``titles`` are the scenarios' by id. Without ``every``
    the binding targets are shown, or all if none is binding; with it all of them, with what they
    come to on their other bases, and those that cannot be judged with their reasons.
    """
    verdicts = list(verdicts)
    by_target: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts if every else binding_first(verdicts):
        by_target.setdefault(verdict.id, {})[verdict.scenario] = verdict
    listed = sorted((target for target in targets if target.id in by_target), key=section_of)
    shown = [
        target
        for target in listed
        if any(one.status is not Status.UNTESTABLE for one in by_target[target.id].values())
    ]
    heads = {verdict.scenario: (titles or {}).get(verdict.scenario, "") for verdict in verdicts}
    note = ""
    if not every and len(shown) < len(listed):
        names = text.join(text.name(target) for target in listed if target not in shown)
        note = text("verdicts.unjudged", names=names)
    if shown:
        said = text("list_sep.sentence").join(answer_sentences(verdicts, text, titles))
        table = _VerdictTable(by_target, heads, text, note, every=every)
        parts: list[RenderableType] = [said, table.layout(shown)]
    else:
        is_any = any(verdict.status is not Status.UNTESTABLE for verdict in verdicts)
        none = text("verdicts.none_binding" if is_any else "verdicts.none")
        parts = [none, *[note] * bool(note)]
    why = partial(gap_text, text=text)
    reasons = [
        (target.id, text.name(target) + text("list_sep.colon") + reason)
        for target in listed
        if every and (reason := next(filter(None, map(why, by_target[target.id].values())), ""))
    ]
    if reasons:
        title = text("verdicts.untestable_title")
        parts.append(Grid([Column(), text_column()], reasons, title=title))
    return blocks(parts)


# --- the table ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _VerdictTable:
    """Verdicts by target and scenario, and how they are shown."""

    by_target: Mapping[str, ByScenario]
    heads: Mapping[str, str]
    """The titles of the scenarios by their ids."""
    text: Text
    note: str
    """Ends the legend."""
    every: bool
    """Whether ids, and the values on other bases, are shown."""

    def layout(self, shown: Sequence[Target]) -> FirstFitting:
        """Lay out targets with all scenarios side by side, or with as many as fit.

        Cells tell as much as there is room for.
        """
        count = len(self.heads)
        sizes = dict.fromkeys(-(-count // panels) for panels in range(1, count + 1))
        return FirstFitting(
            [
                partial(self._panels, shown, size, detail)
                for size in sizes
                for detail in reversed(_Detail)
                if detail or not self.every
            ]
        )

    def _panels(self, shown: Sequence[Target], size: int, detail: _Detail) -> RenderableType:
        ids = list(self.heads)
        groups = [ids[start : start + size] for start in range(0, len(ids), size)]
        panels = (self._panel(shown, group, detail) for group in groups)
        return blocks([*panels, self._legend(shown, margins=detail is _Detail.MARGINS)])

    def _panel(self, shown: Sequence[Target], scenarios: Sequence[str], detail: _Detail) -> Grid:
        text, gap = self.text, 2 if detail else 1
        cells = [
            _aligned([self._parts(target, scenario, detail) for target in shown], gap=gap)
            for scenario in scenarios
        ]
        by_id = {target.id: own for target, *own in zip(shown, *cells, strict=True)}
        sections = list(by_section(shown, text))
        title = sections[0][0] if len(sections) == 1 else text("verdicts.name")
        least = _NAME_WIDTH if detail is _Detail.MARGINS else _NAME_WRAPPED
        columns = [Column(text("verdicts.id"))] * self.every + [
            text_column(title, least=LEAST if self.every else least, most=_NAME_WIDTH),
            figure_column(text("verdicts.target")),
        ]
        for scenario, column in zip(scenarios, cells, strict=True):
            width = max(cell_len(line) for cell in column for line in cell.plain.split("\n"))
            columns.append(Column(self._head(scenario, width, detail)))
        rows: list[Row | Band] = []
        for title, targets in sections:
            rows += [section(title)] * (len(sections) > 1)
            for target in targets:
                limit = f"{limit_of(target, text)} {text.unit(target.unit)}"
                rows.append(
                    [*[target.id] * self.every, text.name(target), limit, *by_id[target.id]]
                )
        return Grid(columns, rows)

    def _head(self, scenario: str, width: int, detail: _Detail) -> RichText:
        """Return a scenario's letter, if there are several, and id; below it its title."""
        title, places = self.heads[scenario], list(self.heads)
        letter = letter_of(places.index(scenario)) if len(places) > 1 else ""
        if detail:
            first = [f"{letter}  {scenario}" if letter else scenario]
            below = wrap(title, max(width, LEAST))
        else:
            first, below = wrap(f"{letter} {title or scenario}".strip(), max(width, 14)), []
        lines = [(part, Style.STRONG.value) for part in first]
        return stacked(lines + [(part, Style.FAINT.value) for part in below if part])

    def _parts(self, target: Target, scenario: str, detail: _Detail) -> list[_LineParts]:
        """Return the lines of a cell: value, mark, share and margin; the other bases below."""
        text, verdict = self.text, self.by_target[target.id][scenario]
        style = Style.DOUBT if verdict.is_open else STYLES[verdict.status]
        if verdict.value is None:
            return [_LineParts("", outcome_words(verdict, text), "", "", style)]
        bases = bases_of(verdict, target, text)
        known = not bases
        first = _LineParts(
            value_words(target, verdict.value, text) if known else "",
            _mark(verdict, text, words=bool(detail)),
            share_text(verdict),
            margin_words(verdict, target, text) if detail is _Detail.MARGINS and known else "",
            style,
        )
        others = bases or (others_of(verdict, target, text) if self.every else [])
        if detail:
            return [first, *(_LineParts(value, basis) for basis, value in others)]
        sides = (value.split() for _, value in others)
        return [first, *(_LineParts(value, mark) for mark, value in sides)]

    def _legend(self, shown: Sequence[Target], *, margins: bool) -> str:
        """Return what the marks mean that the table uses."""
        text = self.text
        verdicts = [verdict for target in shown for verdict in self.by_target[target.id].values()]
        shares = [verdict.share for verdict in verdicts if verdict.share]
        marks = [f"{MARKS[one]} {text.word('status', one)}" for one in (Status.MET, Status.MISSED)]
        marks += [
            f"{OPEN_MARKS[one]} {text.word('certainty', one)}"
            for one in (Certainty.OPEN, Certainty.AGAINST)
            if any(verdict.certainty is one for verdict in verdicts)
        ]
        legend = [text.join(marks) + text("list_sep.end"), *open_means(verdicts, text)]
        statuses = {verdict.status for verdict in verdicts}
        used = {
            "verdicts.legend_margin": margins,
            "verdicts.legend_breach": any(map(breaks_later, verdicts)),
            "verdicts.legend_assumed": Status.ASSUMED in statuses,
        }
        legend += [text(key) for key, is_used in used.items() if is_used]
        legend += bases_words(verdicts, text)
        if shares:
            count = max(share.members + share.unsound for share in shares)
            kind = text.word("ensemble", shares[0].ensemble)
            legend.append(text("verdicts.legend_share", count=count, kind=kind))
        if unsound := max((share.unsound for share in shares), default=0):
            legend.append(text("verdicts.legend_unsound", count=unsound))
        legend += [*units_words(shown, text), *[self.note] * bool(self.note)]
        return text("list_sep.sentence").join(legend)


@dataclass(frozen=True)
class _LineParts:
    """The parts of a line of a cell, each in a column of its own."""

    value: str
    mark: str = ""
    share: str = ""
    margin: str = ""
    style: Style | None = None


def _aligned(cells: Sequence[Sequence[_LineParts]], gap: int) -> list[RichText]:
    """Write the cells of a column with their parts below one another.

    The names of bases, which are in the place of marks, may reach under the shares.
    """

    def width(of: str, lines: Iterable[_LineParts]) -> int:
        return max((cell_len(getattr(line, of)) for line in lines), default=0)

    firsts = [cell[0] for cell in cells]
    value = width("value", (line for cell in cells for line in cell))
    mark = width("mark", (line for line in firsts if line.value or line.share))
    share, margin = width("share", firsts), width("margin", firsts)
    aligned = []
    for cell in cells:
        lines = []
        for line in cell:
            more = [(line.share, share), (line.margin, margin)]
            tail = "".join(" " * gap + _right(part, size) for part, size in more if size)
            whole = set_cell_size(line.mark, mark) + tail if tail.strip() else line.mark
            said = RichText(f"{_right(line.value, value)} " if value else "")
            said.append(whole[: len(line.mark)], line.style and line.style.value)
            said.append(whole[len(line.mark) :].rstrip())
            lines.append(said)
        aligned.append(Prose("\n").join(lines))
    return aligned


def _right(part: str, width: int) -> str:
    return " " * (width - cell_len(part)) + part


def letter_of(place: int) -> str:
    """Return the letter of a scenario by its place.

    >>> letter_of(0), letter_of(27)
    ('A', 'AB')
    """
    more, letter = divmod(place, 26)
    return (letter_of(more - 1) if more else "") + chr(ord("A") + letter)


def _mark(verdict: Verdict, text: Text, *, words: bool) -> str:
    """Write the mark of a verdict, a word if it needs one, and when a limit is broken first.

    Without ``words`` an open verdict has none.
    """
    if breaks_later(verdict):
        return text("verdicts.broken", mark=verdict_mark(verdict), year=verdict.first_breach)
    is_plain = (verdict.stands and verdict.status.judged) or (verdict.is_open and not words)
    return verdict_mark(verdict) if is_plain else outcome_words(verdict, text)
