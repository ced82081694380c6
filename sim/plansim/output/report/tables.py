"""The tables behind a decision: all verdicts, what differs, and remedies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from plansim.analysis.comparison import Comparison
from plansim.analysis.optimization.remedies import Remedy, TargetRemedies
from plansim.model.units import NO_UNIT
from plansim.output.report.causes import levers_by_constants
from plansim.output.report.document import (
    Band,
    Cell,
    Column,
    Figure,
    Medium,
    Paragraph,
    Row,
    Section,
    Table,
    Tone,
)
from plansim.output.report.remedies import (
    margin_in_words,
    move_in_words,
    moves_in_words,
    nothing_in_words,
    side_effects,
)
from plansim.output.text import (
    Text,
    percent,
)
from plansim.output.verdict_words import (
    MARKS,
    bases_of,
    limit_of,
    margin_text,
    section_of,
    value_text,
)
from plansim.scenario.values import Apply
from plansim.targets.catalogue import Attribute, Status, Target
from plansim.targets.verdict import Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["assumption_section", "remedies_section", "verdict_section"]

MOST_REMEDIES = 3
MOST_NEAREST = 5
_TONES = {
    Status.MET: Tone.GOOD,
    Status.MISSED: Tone.BAD,
    Status.UNDECIDED: Tone.DOUBT,
    Status.ASSUMED: Tone.DOUBT,
    Status.UNTESTABLE: Tone.FAINT,
}


# --- verdicts -------------------------------------------------------------------------------------


def verdict_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Give the matrix of all targets that are judged, with margins; binding ones as a picture."""
    judged = [
        each
        for each in comparison.targets
        if any(v[each.id].status is not Status.UNTESTABLE for v in comparison.verdicts)
    ]
    columns = [
        Column(text("verdicts.id"), width=0.8),
        Column(text("verdicts.name"), width=4.0),
        Column(text("verdicts.target"), right=True, width=1.6),
    ]
    for name in names:
        columns += [
            Column(name, right=True, width=2.4, medium=Medium.PAGE),
            *(
                # The name itself would not fit; the note says whose letter it is.
                Column(name[0], text(key), medium=Medium.BOOK)
                for key in ("report.verdict", "report.value", "causes.margin",
                            "report.margin_pct", "report.first_breach")
            ),
        ]  # fmt: skip
    rows: list[Row | Band] = []
    for (_, year), group in groupby(sorted(judged, key=section_of), section_of):
        section = list(group)
        rows.append(Band(text.word("section", section[0].attribute).format(year=year)))
        for target in section:
            cells = [
                Cell(target.id),
                Cell(text.pick(target.name_en, target.name_zh)),
                Cell(f"{limit_of(target, text)} {text.unit(target.unit)}"),
            ]
            for verdicts in comparison.verdicts:
                cells += _verdict_cells(verdicts[target.id], target, text)
            rows.append(Row(tuple(cells)))
    note = text.join(list(names)) + text("list_sep.stop") + text("report.matrix_note")
    table = Table(text("report.matrix"), tuple(columns), tuple(rows), note)
    everything = [each for found in comparison.verdicts for each in found.values()]
    picture = Figure(
        text("report.map"),
        text("report.map_alt", scenarios=text.join(list(names))),
        lambda: _map(everything, names, text),
    )
    return Section(text("report.verdicts"), text("report.verdicts"), (picture, table), True)


def _map(verdicts: Sequence[Verdict], names: Sequence[str], text: Text) -> Drawing:
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.verdicts import verdict_map

    binding = [each for each in verdicts if each.attribute is Attribute.BINDING]
    return figure_of(verdict_map(binding, titles=names, lang=text.lang))


def _verdict_cells(verdict: Verdict, target: Target, text: Text) -> list[Cell]:
    """Give one cell for a page, and for a workbook what stands in it one by one."""
    tone = _TONES[verdict.status]
    mark = MARKS[verdict.status]
    word = Cell(f"{mark} {text.word('status', verdict.status)}", tone=tone)
    if verdict.value is None or verdict.margin is None:
        return [word, word, *[Cell()] * 4]
    if bases := bases_of(verdict, target, text):
        page = Cell(word.text, tuple(f"{name} {value}" for name, value in bases), tone)
    else:
        below = f"{margin_text(verdict, target)} ({percent(verdict.margin_pct)})"
        # That a target which is missed in its year is first missed then goes without saying.
        if verdict.first_breach is not None and verdict.status is Status.MET:
            below += text("list_sep.comma") + text("report.fails_first", year=verdict.first_breach)
        page = Cell(f"{mark} {value_text(target, verdict.value)}", (below,), tone)
    breach_year = verdict.first_breach
    return [
        page,
        word,
        _number(verdict.value, value_text(target, verdict.value)),
        _number(verdict.margin, margin_text(verdict, target)),
        Cell(percent(verdict.margin_pct), number=verdict.margin_pct, decimals=1),
        Cell("" if breach_year is None else str(breach_year), number=breach_year),
    ]


def _number(value: float, shown: str) -> Cell:
    """Make a cell of a number with as many decimals as are shown."""
    return Cell(shown, number=value, decimals=len(shown.partition(".")[2]))


# --- remedies -------------------------------------------------------------------------------------


def remedies_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Give for each binding target that fails the levers that meet it, and at what price."""
    columns = (
        Column(text("verdicts.name"), text("causes.margin"), width=3.2),
        Column(text("report.moves"), width=4.4),
        Column(text("report.effort"), right=True, width=1.2),
        Column(text("report.others"), width=2.6),
    )
    rows: list[Row | Band] = []
    for name, remedies in zip(names, comparison.remedies, strict=True):
        if remedies.single:
            rows.append(Band(name))
        for each in remedies.single:
            rows += _remedy_rows(each, text)
    if not rows:
        return Section(text("report.remedies"), text("report.remedies_tab"), ())
    table = Table(text("report.remedies_table"), columns, tuple(rows), text("report.remedies_note"))
    blocks = (*_joint_table(comparison, names, text), table)
    return Section(text("report.remedies"), text("report.remedies_tab"), blocks, True)


def _joint_table(comparison: Comparison, names: Sequence[str], text: Text) -> Iterator[Table]:
    """Give the mixes that meet several targets at once: a lever a row, a scenario a column."""
    mixes = [
        (name, remedies.joint.remedy, remedies.joint)
        for name, remedies in zip(names, comparison.remedies, strict=True)
        if remedies.joint is not None and remedies.joint.remedy is not None
    ]
    if not mixes:
        return
    moves = [{move.lever.id: move for move in remedy.moves} for _, remedy, _ in mixes]
    columns = [Column(text("report.moves"), width=3.0)]
    columns += [Column(name, right=True, width=2.4) for name, _, _ in mixes]
    rows: list[Row] = []
    for lever in comparison.views.levers:
        found = [each.get(lever.id) for each in moves]
        if not any(found):
            continue
        name = text.pick(lever.name_en, lever.name_zh)
        cells = [
            Cell("–", tone=Tone.FAINT)
            if move is None
            else Cell(
                move_in_words(move, text).removeprefix(name).strip(),
                (text("report.part", share=f"{100 * move.effort:.0f}"),),
            )
            for move in found
        ]
        rows.append(Row((Cell(name), *cells)))
    sums = [Cell(f"{100 * remedy.effort:.0f} %", tone=Tone.STRONG) for _, remedy, _ in mixes]
    rows.append(Row((Cell(text("report.whole"), tone=Tone.STRONG), *sums)))
    others = [Cell(side_effects(remedy, text)) for _, remedy, _ in mixes]
    rows.append(Row((Cell(text("report.others")), *others)))
    met = [Cell(text.join([each.id for each in joint.targets])) for _, _, joint in mixes]
    rows.insert(0, Row((Cell(text("report.joint_targets")), *met)))
    yield Table(text("report.joint_table"), tuple(columns), tuple(rows), text("report.joint_note"))


def _remedy_rows(found: TargetRemedies, text: Text) -> Iterator[Row]:
    target = found.target
    head = Cell(
        f"{target.id}  {text.pick(target.name_en, target.name_zh)}",
        (margin_in_words(found.margin, target, text),),
        Tone.STRONG,
    )
    remedies = found.alone[:MOST_REMEDIES] or tuple(filter(None, [found.together]))
    for place, each in enumerate(remedies):
        cells = _remedy_cells(each, text)
        yield Row((head if place == 0 else Cell(), *cells), joined=bool(place))
    if not remedies and found.nearest is not None:
        moves = moves_in_words(found.nearest.moves, text, MOST_NEAREST)
        said = Cell(nothing_in_words(found.nearest, target, text), (moves,), Tone.BAD)
        yield Row((head, said, Cell("–"), Cell("–")))
    elif not remedies:
        yield Row((head, Cell(text("report.no_lever"), tone=Tone.BAD), Cell("–"), Cell("–")))


def _remedy_cells(remedy: Remedy, text: Text) -> tuple[Cell, Cell, Cell]:
    effort = 100 * remedy.effort
    return (
        Cell(moves_in_words(remedy.moves, text)),
        Cell(f"{effort:.0f} %", number=effort),
        Cell(side_effects(remedy, text)),
    )


# --- assumptions ----------------------------------------------------------------------------------


def assumption_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Give the assumptions that differ, with their values; and what scenarios take as given."""
    columns = (
        Column(text("report.assumption"), width=4.0),
        Column(text("run.unit"), width=1.4),
        *(Column(name, right=True, width=1.6) for name in names),
    )
    levers = levers_by_constants(comparison)
    rows = []
    for each in comparison.assumptions:
        unit = "" if each.unit == NO_UNIT else text.unit(each.unit)
        lever = levers.get(frozenset([each.reference]))
        # A lever that adds or multiplies is no name for the value that results.
        if lever is not None and lever.apply is Apply.SET:
            name = text.pick(lever.name_en, lever.name_zh)
        else:
            name = text.pick(each.name_en, each.name_zh)
        cells = [
            Cell(
                f"{value:.6g}",
                tone=Tone.PLAIN if value == each.values[0] else Tone.STRONG,
                number=value,
                decimals=len(f"{value:.6g}".partition(".")[2]),
            )
            for value in each.values
        ]
        rows.append(Row((Cell(name[:1].upper() + name[1:]), Cell(unit), *cells)))
    note = [
        text("report.given", scenario=name, ids=text.join(list(each.assumed)))
        for name, each in zip(names, comparison.scenarios, strict=True)
        if each.assumed
    ]
    title = text("report.assumptions")
    if not rows:
        said = text("report.no_assumptions")
        return Section(title, text("report.assumptions_tab"), (Paragraph(said),))
    table = Table(text("report.assumptions_table"), columns, tuple(rows),
                  text("list_sep.sentence").join(note))  # fmt: skip
    return Section(title, text("report.assumptions_tab"), (table,), True)
