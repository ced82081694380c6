"""The page on the tests of a model and their results (docs/validation.md)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from plansim.analysis.validation.parameters import RangeEffect, TargetRange
from plansim.analysis.validation.result import Case, Message, Number, Result, Status
from plansim.model.records import Model
from plansim.output.tables.validation import (
    case_text,
    criterion_text,
    figure_text,
    mark_of,
    title_text,
)
from plansim.output.text import Text, decimals_for, figure

__all__ = ["HISTORY_PICTURE", "RANGES_PICTURE", "Report", "validation_page"]

HISTORY_PICTURE = "validation-history.png"
RANGES_PICTURE = "validation-ranges.png"
MOST_DECIDING = 4
"""Constants that turn a verdict are named up to so many."""
MOST_MOVING = 3
FEWEST_SIGNS = 5


@dataclass(frozen=True)
class Report:
    """What the page is about."""

    model: Model
    version: str
    results: tuple[Result, ...]
    ranges: tuple[TargetRange, ...]


def validation_page(tested: Report, pictures: str, text: Text) -> str:
    """Write the page as Markdown; ``pictures`` is the folder of its pictures, as it links to it."""
    by_id = {each.id: each for each in tested.results}
    parts: list[str] = [
        f"# {text('validation_page.title')}",
        text("validation_page.intro"),
        text(
            "validation_page.card",
            name=tested.model.path.name,
            sha=tested.model.sha256[:16],
            version=tested.version,
            step=tested.model.time.step,
        ),
        f"## {text('validation_page.summary')}",
        _summary(tested.results, text),
        f"## {text('validation_page.fails')}",
        *_failures(tested.results, text),
    ]
    if past := by_id.get("Q15"):
        parts += [
            f"## {text('validation_page.past')}",
            text("validation_page.past_text"),
            _picture(text("validation_page.past_picture"), f"{pictures}/{HISTORY_PICTURE}"),
            _past(past, text),
        ]
    parts += [
        f"## {text('validation_page.hangs')}",
        text("validation_page.hangs_text"),
        _picture(text("validation_page.hangs_picture"), f"{pictures}/{RANGES_PICTURE}"),
        _hangs(tested.ranges, by_id, text),
    ]
    for test, head, said in (
        ("Q20", "validation_page.rank", "validation_page.rank_text"),
        ("Q14", "validation_page.loops", "validation_page.loops_text"),
    ):
        if (each := by_id.get(test)) and each.figures:
            parts += [f"## {text(head)}", text(said), _cases(each.cases, text)]
    if signs := by_id.get("Q13"):
        parts += [f"## {text('validation_page.signs')}", *_signs(signs, text)]
    parts += [
        f"## {text('validation_page.demands')}",
        _items(
            f"**{each.id}** {title_text(each, text)}: {criterion_text(each, text)}."
            for each in tested.results
        ),
        f"## {text('validation_page.limits')}",
        text("validation_page.limits_text"),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _summary(results: Sequence[Result], text: Text) -> str:
    rows = [
        (mark_of(each), each.id, title_text(each, text), figure_text(each, text))
        for each in results
    ]
    counted = Counter(each.status for each in results)
    said = text(
        "validation_page.count",
        passed=counted[Status.PASS],
        failed=counted[Status.FAIL],
        left=counted[Status.NOT_APPLICABLE],
    )
    return f"{said}\n\n{_table(text('validation_page.head'), rows)}"


def _failures(results: Sequence[Result], text: Text) -> Iterator[str]:
    failing = [each for each in results if each.status is Status.FAIL]
    if not failing:
        yield text("validation_page.nothing_fails")
    for each in failing:
        yield f"**{each.id}. {title_text(each, text)}.** " + text(
            "validation_page.asked", criterion=criterion_text(each, text)
        )
        yield _cases(each.faults, text)


def _past(made: Result, text: Text) -> str:
    rows = []
    for case in made.cases:
        if case.message not in (Message.SERIES, Message.SERIES_SHOWN):
            continue
        values = case.values
        shares = [_plain(values[name], 2) for name in ("r2", "um", "us", "uc")]
        rows.append(
            (
                text.pick(case.name_en, case.name_zh),
                str(values["years"]),
                f"{values['simulated']} {text.unit(str(values['unit']))}",
                str(values["observed"]),
                f"{_percent(values['mape'])} {'' if case.holds else '✗'}",
                f"{_percent(values['mape_low'])} – {_percent(values['mape_high'])}",
                _plain(values["rmse"], 2),
                *shares,
            )
        )
    return _table(text("validation_page.past_head"), rows)


def _hangs(ranges: Sequence[TargetRange], by_id: Mapping[str, Result], text: Text) -> str:
    chances = _by_subject(by_id.get("Q19"), Message.PROBABILITY)
    drivers = _by_subject(by_id.get("Q18"), Message.DRIVERS)
    rows = []
    for each in ranges:
        target = each.target
        assert target.value is not None
        decimals = max(decimals_for(target.value, each.value, target.tolerance or 0.0), 1)
        chance = chances.get(target.id)
        due = drivers.get(target.id)
        value = f"{figure(each.value, decimals)} {text.unit(target.unit)}"
        rows.append(
            (
                target.id,
                text.pick(target.name_en, target.name_zh),
                f"{text.word('status', each.status)} {value}",
                "–"
                if chance is None
                else f"{_percent(chance.values['met'])} ± {_percent(chance.values['error'])}",
                _deciding(each, decimals, text),
                "–" if due is None else "; ".join(str(due.values["drivers"]).split("; ")[:3]),
            )
        )
    return _table(text("validation_page.hangs_head"), rows)


def _deciding(of: TargetRange, decimals: int, text: Text) -> str:
    turning = of.deciding
    if not turning:
        said = "; ".join(_effect(each, decimals, text) for each in of.effects[:MOST_MOVING])
        return f"– ({said})"
    said = "; ".join(_effect(each, decimals, text) for each in turning[:MOST_DECIDING])
    more = len(turning) - MOST_DECIDING
    return said if more <= 0 else f"{said}; {text('validation_page.more', count=more)}"


def _effect(effect: RangeEffect, decimals: int, text: Text) -> str:
    name = text.pick(effect.constant, effect.constant_zh)
    return f"{name} {figure(effect.low, decimals)} … {figure(effect.high, decimals)}"


def _signs(made: Result, text: Text) -> Iterator[str]:
    shares = [case for case in made.cases if case.message is Message.SIGN_SHARE]
    shares.sort(key=lambda case: float(case.values["share"]))
    if shares:
        yield text("validation_page.signs_text", draws=shares[0].values["draws"])
        yield _cases(shares[:FEWEST_SIGNS], text)


def _by_subject(made: Result | None, message: Message) -> dict[str, Case]:
    cases = () if made is None else made.cases
    return {case.subject: case for case in cases if case.message is message}


def _cases(cases: Iterable[Case], text: Text) -> str:
    return _items(case_text(case, text) for case in cases)


def _items(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: str, rows: Iterable[Sequence[str]]) -> str:
    rule = "|" + " --- |" * (head.count("|") - 1)
    body = ["| " + " | ".join(each.replace("|", "\\|") for each in row) + " |" for row in rows]
    return "\n".join([head, rule, *body])


def _picture(words: str, path: str) -> str:
    return f"![{words}]({path})"


def _percent(value: Number) -> str:
    return _plain(float(value) * 100, 1) + " %"


def _plain(value: Number, decimals: int) -> str:
    number = float(value)
    return f"{number:.{decimals}f}" if math.isfinite(number) else "–"
