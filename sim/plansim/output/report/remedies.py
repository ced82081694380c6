"""Remedies: moves of levers, and which other targets they gain and lose, in words and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from plansim.analysis.comparison import Comparison
from plansim.analysis.optimization.problem import Move
from plansim.analysis.optimization.remedies import (
    JointRemedy,
    NearMiss,
    Remedy,
    TargetRemedies,
    Unmet,
)
from plansim.model.units import NO_UNIT
from plansim.output.report.document import Band, Cell, Column, Row, Section, Table, Tone
from plansim.output.report.tables import number_cell, target_cell
from plansim.output.tables.attribution import outward
from plansim.output.text import Text, decimals_for, margin_figure
from plansim.scenario.values import Apply
from plansim.targets.catalogue import Target

__all__ = [
    "joint_in_words",
    "move_in_words",
    "remedies_section",
    "remedy_in_words",
    "shared_in_words",
]

FIRST_YEAR = 1500
"""From here on a number of years is taken for a year."""
MOST_REMEDIES, MOST_NEAREST = 3, 5
MOST_NAMED = 3
"""Levers that are named in short."""


def _moves_in_words(
    moves: Sequence[Move], text: Text, most: int | None = None, *, brief: bool = False
) -> str:
    """Write moves one after the other, each rounded away from where the lever stands.

    Of more than ``most`` the others are counted. ``brief`` is as in `move_in_words`; a move that
    comes with others may not go much further than was found, so its year is to the tenth.
    """
    half = len(moves) == 1
    words = [move_in_words(move, text, brief=brief, half=half) for move in moves[:most]]
    if len(moves) > len(words):
        words.append(text("report.more", count=len(moves) - len(words)))
    return text.join(words)


def move_in_words(move: Move, text: Text, *, brief: bool = False, half: bool = True) -> str:
    """Write ``Tree planting 1 → 1.11``, ``Sewage plants +3.2 %`` or ``Heavy industry × 0.72``.

    In ``brief`` it is as precise as one could order it: a year to the ``half`` or the tenth, an
    index by its change in per cent, all else to about a fifth of the way.
    """
    if brief:
        return _brief(move, text, half=half)
    lever = move.lever
    name = text.pick(lever.name_en, lever.name_zh)
    year = lever.shown_unit == "Year" and move.value >= FIRST_YEAR
    before, after = _figures(
        move.present * lever.shown_factor, move.value * lever.shown_factor, 0.1 if year else 0.0
    )
    # A place in time is written as the year that it is.
    plain = lever.shown_unit == NO_UNIT or year
    unit = "" if plain else f"\u00a0{text.unit(lever.shown_unit)}"
    match lever.apply:
        case Apply.SET:
            return f"{name} {before} → {after}{unit}"
        case Apply.ADD:
            return f"{name} {'+' if move.value > 0 else ''}{after}{unit}"
        case Apply.MULTIPLY:
            return f"{name} × {after}"


def _brief(move: Move, text: Text, *, half: bool) -> str:
    lever, forward = move.lever, move.value > move.present
    factor = lever.shown_factor
    name = text.pick(lever.name_en, lever.name_zh)
    present, value = move.present * factor, move.value * factor
    low, high = lever.low * factor, lever.high * factor
    if lever.shown_unit == "Year" and value >= FIRST_YEAR:
        key = "report.not_before" if forward else "report.by_year"
        return (
            f"{name} {present:g} → {text(key, year=f'{_year(present, value, low, high, half):g}')}"
        )
    if lever.shown_unit == NO_UNIT and present and lever.apply is not Apply.ADD:
        # More than its change in two digits would be an index that nobody can order.
        change = round(100 * (value / present - 1), 9)
        digits = 2 if _within(present * (1 + outward(change, 0, 2) / 100), low, high) else 4
        return f"{name} {'+' if forward else '−'}{abs(outward(change, 0, digits)):g}\u00a0%"
    _, after = _figures(present, value, parts=5)
    if not _within(float(after), low, high):
        _, after = _figures(present, value)
    unit = "" if lever.shown_unit == NO_UNIT else f"\u00a0{text.unit(lever.shown_unit)}"
    match lever.apply:
        case Apply.SET:
            return f"{name} {present:.6g} → {after}{unit}"
        case Apply.ADD:
            return f"{name} {'+' if forward else ''}{after}{unit}"
        case Apply.MULTIPLY:
            return f"{name} × {after}"


def _year(present: float, value: float, low: float, high: float, half: bool) -> float:
    """Round a year outward: to the half if that is in the lever's range, else to the tenth.

    >>> _year(2006.5, 2006.31, 2006, 2009, True), _year(2006.5, 2006.31, 2006.2, 2009, True)
    (2006.0, 2006.3)
    """
    away = math.ceil if value > present else math.floor
    year = away(round(2 * value, 6)) / 2
    return year if half and _within(year, low, high) else away(round(10 * value, 6)) / 10


def _within(value: float, low: float, high: float) -> bool:
    slack = 1e-6 * (high - low)
    return low - slack <= value <= high + slack


def _figures(present: float, value: float, least: float = 0.0, parts: int = 10) -> tuple[str, str]:
    """Round a move to about a tenth of its way, outward, so that it goes far enough.

    ``least`` is the finest step that is shown, ``parts`` another part of the way.

    >>> _figures(1.0, 1.1096), _figures(2007.0, 2006.875, 0.1), _figures(0.0, 8.52301)
    (('1', '1.11'), ('2007', '2006.8'), ('0', '8.6'))
    """
    size = abs(value - present)
    if not size:
        return f"{present:.6g}", f"{value:.6g}"
    unit = max(10.0 ** math.floor(math.log10(size / parts)), least)
    top = math.floor(math.log10(abs(value))) if value else 0
    digits = max(1, round(top - math.log10(unit)) + 1)
    return f"{present:.6g}", f"{outward(value, present, digits):.6g}"


def _margin_in_words(margin: float, target: Target, text: Text) -> str:
    """Write a margin with its unit."""
    assert target.value is not None
    decimals = decimals_for(target.value, slack=target.tolerance or 0.0)
    return f"{margin_figure(margin, decimals)} {text.unit(target.unit)}"


def remedy_in_words(remedies: TargetRemedies, text: Text) -> str:
    """Say in short what meets a target: one lever, several together, or nothing."""
    if remedies.alone:
        best = remedies.alone[0]
        return _moves_in_words(best.moves, text, brief=True) + _price(best, text)
    if remedies.together is not None:
        moves = _moves_in_words(remedies.together.moves, text, MOST_NAMED, brief=True)
        return text("report.together", moves=moves) + _price(remedies.together, text)
    if remedies.nearest is not None:
        return _nothing_in_words(remedies.nearest, remedies.target, text)
    return text("report.no_lever")


def shared_in_words(remedies: Sequence[tuple[str, TargetRemedies]], text: Text) -> str:
    """Say the name once where one and the same lever meets a target in all scenarios; else "".

    ``remedies`` come with the letters of their scenarios.
    """
    best = [remedy.alone[0] for _, remedy in remedies if remedy.alone]
    if len(best) < len(remedies) or any(remedy.lost for remedy in best):
        return ""
    moves = [remedy.moves[0] for remedy in best]
    lever = moves[0].lever
    if any(move.lever != lever for move in moves):
        return ""
    name = text.pick(lever.name_en, lever.name_zh)
    parts = [
        # A letter stays on the line of its figure.
        f"{letter}\u00a0{move_in_words(move, text, brief=True).removeprefix(name).strip()}"
        for (letter, _), move in zip(remedies, moves, strict=True)
    ]
    return name + text("list_sep.colon") + text.join(parts)


def _nothing_in_words(nearest: NearMiss, target: Target, text: Text) -> str:
    """Say how near the best that was tried comes."""
    short = _margin_in_words(nearest.margin, target, text).removeprefix("-")
    return text("report.nothing", margin=short)


def joint_in_words(joint: JointRemedy, scenario: str, levers: int, text: Text) -> str:
    """Say which failing targets can be met at once, by what, and which not and by how much.

    ``levers`` is how many there are.
    """
    words = []
    count, failing = len(joint.targets), len(joint.targets) + len(joint.unmet)
    if joint.remedy is None:
        words.append(text("report.joint_none", scenario=scenario, count=failing))
    else:
        key = "report.joint" if joint.unmet else "report.joint_all"
        words.append(text(key, scenario=scenario, count=count, failing=failing))
        moves = joint.remedy.moves
        ends = sum(move.at_end for move in moves)
        words.append(
            text(
                "report.joint_mix_ends" if ends else "report.joint_mix",
                moved=len(moves),
                levers=levers,
                ends=ends,
                moves=_moves_in_words(moves, text, MOST_NAMED, brief=True),
            )
        )
        words.append(text("report.joint_sure"))
    for never in (True, False):
        unmet = [_unmet(miss, text) for miss in joint.unmet if miss.never is never]
        if unmet:
            key = "report.joint_never" if never else "report.joint_clash"
            words.append(text(key, targets=text.join(unmet)))
    return text("list_sep.sentence").join(words)


def _unmet(unmet: Unmet, text: Text) -> str:
    short = _margin_in_words(unmet.margin, unmet.target, text).removeprefix("-")
    return text("report.joint_short", id=unmet.target.id, margin=short)


def _price(remedy: Remedy, text: Text) -> str:
    return text("report.price", count=len(remedy.lost)) if remedy.lost else ""


def _side_effects(remedy: Remedy, text: Text) -> str:
    """Say which other targets a remedy gains and loses."""
    words = []
    if remedy.gained:
        words.append(text("report.gains", ids=text.join(list(remedy.gained))))
    if remedy.lost:
        words.append(text("report.loses", ids=text.join(list(remedy.lost))))
    return text("list_sep.semicolon").join(words) or "–"


# --- tables --------------------------------------------------------------------------------------


def remedies_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return for each binding target that fails the levers that meet it, and at what price."""
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
        for of_target in remedies.single:
            rows += _remedy_rows(of_target, text)
    if not rows:
        return Section(text("report.remedies"), text("report.remedies_tab"), ())
    table = Table(text("report.remedies_table"), columns, tuple(rows), text("report.remedies_note"))
    blocks = (*_joint_table(comparison, names, text), table)
    return Section(text("report.remedies"), text("report.remedies_tab"), blocks, True)


def _joint_table(comparison: Comparison, names: Sequence[str], text: Text) -> Iterator[Table]:
    """Yield the mixes that meet several targets at once: a lever a row, a scenario a column."""
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
        own = [by_id.get(lever.id) for by_id in moves]
        if not any(own):
            continue
        name = text.pick(lever.name_en, lever.name_zh)
        cells = [
            Cell("–", tone=Tone.FAINT)
            if move is None
            else Cell(
                move_in_words(move, text).removeprefix(name).strip(),
                (text("report.part", share=f"{100 * move.effort:.0f}"),),
            )
            for move in own
        ]
        rows.append(Row((Cell(name), *cells)))
    sums = [Cell(f"{100 * remedy.effort:.0f} %", tone=Tone.STRONG) for _, remedy, _ in mixes]
    rows.append(Row((Cell(text("report.whole"), tone=Tone.STRONG), *sums)))
    others = [Cell(_side_effects(remedy, text)) for _, remedy, _ in mixes]
    rows.append(Row((Cell(text("report.others")), *others)))
    met = [Cell(text.join([target.id for target in joint.targets])) for _, _, joint in mixes]
    rows.insert(0, Row((Cell(text("report.joint_targets")), *met)))
    yield Table(text("report.joint_table"), tuple(columns), tuple(rows), text("report.joint_note"))


def _remedy_rows(remedies: TargetRemedies, text: Text) -> Iterator[Row]:
    target = remedies.target
    head = target_cell(target, _margin_in_words(remedies.margin, target, text), text, Tone.STRONG)
    shown = remedies.alone[:MOST_REMEDIES] or tuple(filter(None, [remedies.together]))
    for number, remedy in enumerate(shown):
        effort = 100 * remedy.effort
        cells = (
            head if number == 0 else Cell(),
            Cell(_moves_in_words(remedy.moves, text)),
            number_cell(effort, f"{effort:.0f} %"),
            Cell(_side_effects(remedy, text)),
        )
        yield Row(cells, joined=number > 0)
    if not shown:
        words = Cell(text("report.no_lever"), tone=Tone.BAD)
        if (nearest := remedies.nearest) is not None:
            moves = _moves_in_words(nearest.moves, text, MOST_NEAREST)
            words = Cell(_nothing_in_words(nearest, target, text), (moves,), Tone.BAD)
        yield Row((head, words, Cell("–"), Cell("–")))
