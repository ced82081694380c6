"""Parts of pages that follow from runs, each between ``<!-- NAME -->`` and ``<!-- /NAME -->``.

``docs/derived.yaml`` says of which scenarios and variables. ``make results`` renews the parts,
tests/docs/test_derived.py holds them to the runs. Pages in both languages have the same parts, so
that they say the same figures. In the table of the binding targets the verdicts are derived; what
decides a target was written by hand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field

import plansim
from plansim.analysis.validation.structure import all_causes
from plansim.analysis.validation.suite import validate
from plansim.files.forms import Form, Items, Words, form_of
from plansim.files.yaml_document import read_document
from plansim.model.records import VariableKind
from plansim.output.tables.validation import effect_rows
from plansim.output.words.text import read_text
from plansim.output.words.wrapping import wrap
from plansim.scenario.levers import lever_of
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import answering_series, judged_targets, split_reference
from tools import decided, model_card

ROOT = Path(__file__).parents[1]
WIDTH = 100


class Item(Form):
    """A variable or overlay, as pages call it."""

    of: str
    en: str
    zh: str


class Column(Item):
    """A figure of each story."""

    shown: Literal["growth", "growth of members", "level", "ratio", "constant"] = Field(alias="as")
    times: float = 1
    decimals: int = 0
    signed: bool = False


class Stories(Form):
    """The table of stories."""

    scenarios: Items[str]
    columns: Items[Column]


class Follows(Form):
    """The table of what follows from faster growth."""

    head: Words
    items: Items[Item]


class Energy(Form):
    """The table of a fall by overlay."""

    head: Words
    of: str
    constant: str
    values: Items[float]
    overlays: Items[Item]


class Derived(Form):
    """The file ``docs/derived.yaml``."""

    pages: dict[str, Literal["en", "zh"]]
    years: Items[int]
    growth: Items[str]
    enforced: str
    stories: Stories
    follows: Follows
    energy: Energy
    decided: decided.Decided


SPEC = form_of(Derived, read_document(ROOT / "docs" / "derived.yaml"))
START, END = SPEC.years
JUDGED = (*SPEC.growth, *(f"{name}+{SPEC.enforced}" for name in SPEC.growth))
"""The scenarios of the table of binding targets, in the order of its columns."""
PART = re.compile(r"^<!-- (?P<name>\w+) -->\n(?P<text>(?:.*\n)*?)<!-- /(?P=name) -->$", re.M)
FINDING = re.compile(rf"^(\| (M\d+[ab]?) \| [^|]+ \|)((?: [^|]+ \|){{{len(JUDGED)}}})", re.M)
"""A row on a binding target: its id and name, and a cell for each of `JUDGED`."""


@cache
def model() -> plansim.Model:
    """Return the model of the city."""
    return plansim.load_model()


def scenario(name: str, *overrides: str) -> Scenario:
    """Read a scenario, with ``NAME=VALUE`` over it."""
    return plansim.read_scenario(name, model(), overrides=overrides)


def figures(scenarios: Sequence[Scenario], variable: str) -> list[dict[int, float]]:
    """Return the annual figures of a variable under each scenario."""
    frame = plansim.simulate(model(), scenarios, [variable]).plansim.frame(variable)
    size = len(frame) // len(scenarios)
    parts = (frame.iloc[size * place : size * (place + 1)] for place in range(len(scenarios)))
    return [dict(zip(part["year"], part["value"], strict=True)) for part in parts]


def constant(of: Scenario, name: str) -> float:
    """Return what a scenario sets a constant to, else the model's own value."""
    if name in of.values:
        return of.values[name]
    found = model().variables[name].value
    assert isinstance(found, float | int)
    return float(found)


def growth(start: Any, end: Any) -> Any:
    """Return the mean growth from the first to the last year, % a year."""
    return 100 * ((end / start) ** (1 / (END - START)) - 1)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, its first column to the left."""
    rule = "| --- |" + " ---: |" * (len(head) - 1)
    return "".join(f"{line}\n" for line in (row(head), rule, *map(row, rows)))


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def signed(value: float, decimals: int = 0) -> str:
    """Return a change with its sign; none is 0."""
    text = f"{value:+.{decimals}f}"
    return text if float(text) else text[1:]


def pick(lang: str, en: str, zh: str) -> str:
    """Return the text of a language."""
    return zh if lang == "zh" else en


def title(name: str, lang: str) -> str:
    """Return the title of a scenario."""
    found = scenario(name)
    return pick(lang, found.title_en, found.title_zh)


# --- what targets hold ----------------------------------------------------------------------------


def answer(lang: str) -> str:
    """Say what the plan achieves, as `check` does."""
    titles = {name: title(name, lang) for name in SPEC.growth}
    verdicts = plansim.check_scenarios(model(), [scenario(name) for name in SPEC.growth])
    said = plansim.answer(verdicts, read_text(lang), titles)
    lines = wrap(said, WIDTH) if lang == "zh" else textwrap.wrap(said, WIDTH)
    return "".join(f"{line}\n" for line in lines)


@cache
def binding_verdicts(name: str) -> dict[str, plansim.Verdict]:
    """Return the verdicts on the binding targets under a scenario, by the id of the target."""
    return {
        verdict.id: verdict
        for verdict in plansim.check_scenarios(model(), [scenario(name)])
        if verdict.attribute == "binding" and verdict.status != "untestable"
    }


def verdict_cell(verdict: plansim.Verdict, decimals: int, lang: str) -> str:
    """Return a verdict, its value or both readings, and how many models of 100 meet it."""
    text = read_text(lang)
    word = text("verdicts.open") if verdict.is_open else text.word("status", verdict.status)
    assert verdict.value is not None
    values = verdict.bases.values() if verdict.status == "undecided" else [verdict.value]
    shown = "/".join(f"{value:.{decimals}f}" for value in values)
    met = verdict.share.of_hundred if verdict.share else None
    share = "" if met is None else pick(lang, f" ({met})", f"（{met}）")
    return f"{word} {shown}{share}"


def renewed_row(found: re.Match[str], lang: str) -> str:
    """Return a row on a target with the verdicts of runs, values in as many digits as stood."""
    decimals = len(re.split(r"[/(（]", found[3].split()[1])[0].partition(".")[2])
    cells = [verdict_cell(binding_verdicts(name)[found[2]], decimals, lang) for name in JUDGED]
    return f"{found[1]} {' | '.join(cells)} |"


# --- what growth takes and what follows from it ---------------------------------------------------


def stories(lang: str) -> str:
    """Return what each story takes: growth, investment, productivity, power, enforcement."""
    scenarios = [scenario(name) for name in SPEC.stories.scenarios]
    cells = [story_cells(scenarios, column) for column in SPEC.stories.columns]
    names = [title(name, lang) for name in SPEC.stories.scenarios]
    head = [pick(lang, column.en, column.zh) for column in SPEC.stories.columns]
    return table([pick(lang, "story", "情景"), *head], list(zip(names, *cells, strict=True)))


def story_cells(scenarios: Sequence[Scenario], column: Column) -> list[str]:
    """Return a column of the table of stories."""
    if column.shown == "growth of members":
        ensemble = plansim.load_ensemble(model())
        runs = plansim.simulate(model(), scenarios, [column.of], ensemble=ensemble)
        drawn = runs[column.of].where(runs["sound"])
        grown = growth(drawn.sel(time=START), drawn.sel(time=END))
        bands = np.nanpercentile(grown.transpose("scenario", "member"), [5, 95], axis=1).T
        return [f"{low:.{column.decimals}f}–{high:.{column.decimals}f}" for low, high in bands]
    if column.shown == "constant":
        values = [constant(one, column.of) for one in scenarios]
    else:
        of = figures(scenarios, column.of)
        values = [reading(column, one[START], one[END]) for one in of]
    return [
        signed(column.times * value, column.decimals)
        if column.signed
        else f"{column.times * value:.{column.decimals}f}"
        for value in values
    ]


def reading(column: Column, start: float, end: float) -> float:
    """Return what a column shows of a series."""
    match column.shown:
        case "growth":
            return float(growth(start, end))
        case "ratio":
            return end / start
        case _:
            return end


def follows(lang: str) -> str:
    """Return what faster growth makes of output and burdens, against 2005 and the plan."""
    scenarios = [scenario(name) for name in SPEC.growth]
    spec, rows = SPEC.follows, []
    for item in spec.items:
        plan, fast = figures(scenarios, item.of)
        changes = (plan[END] / plan[START], fast[END] / fast[START], fast[END] / plan[END])
        rows.append((pick(lang, item.en, item.zh), *(signed(100 * (one - 1)) for one in changes)))
    return table(pick(lang, spec.head.en, spec.head.zh).split(" | "), rows)


def price(lang: str) -> str:
    """Say what faster growth brings and costs, in a sentence."""
    scenarios = [scenario(name) for name in SPEC.growth]
    output, percent = SPEC.follows.items[0], pick(lang, " %", "%")
    rates = [growth(series[START], series[END]) for series in figures(scenarios, output.of)]
    more = []
    for item in SPEC.follows.items:
        plan, fast = figures(scenarios, item.of)
        change = signed(100 * (fast[END] / plan[END] - 1))
        more.append((pick(lang, item.en, item.zh), change + percent))
    said = pick(
        lang,
        f"Growing by {rates[1]:.0f} instead of {rates[0]:.0f} % a year changes the results "
        "for 2010 as follows: ",
        f"年均增长{rates[1]:.0f}%而非{rates[0]:.0f}%，2010年各项变化为：",
    )
    listed = pick(lang, ", ", "、").join(f"{name} {change}" for name, change in more)
    said = f"{said}{listed}{pick(lang, '.', '。')}"
    lines = wrap(said, WIDTH) if lang == "zh" else textwrap.wrap(said, WIDTH)
    return "".join(f"{line}\n" for line in lines)


def energy(lang: str) -> str:
    """Return the fall of energy per output by enforcement, growth and structure of demand."""
    spec, rows = SPEC.energy, []
    for overlay in spec.overlays:
        names = [f"{name}+{overlay.of}" if overlay.of else name for name in SPEC.growth]
        falls = [
            100 * (1 - series[END] / series[START])
            for value in spec.values
            for name in names
            for series in figures([scenario(name, f"{spec.constant}={value:g}")], spec.of)
        ]
        rows.append((pick(lang, overlay.en, overlay.zh), *(f"{fall:.1f}" for fall in falls)))
    return table(pick(lang, spec.head.en, spec.head.zh).split(" | "), rows)


def starts(lang: str) -> str:
    """Return the starts of 2000, with where each stock and flow arrives in 2005, by Q17."""
    (made,) = validate(None, ["Q17"])
    text = read_text(lang)
    rows = [
        f"| {case.subject} | {case['start']:.3f} "
        f"| {text.word('start_mark', str(case.values['mark']))} | {case.values['source_en']} "
        f"| {case.values['known'] or '–'} | {case['arrives']:.2f} |\n"
        for case in made.cases
        if case.message == "seam"
    ]
    head = "| stock or flow | 2000 / 2005 | start | source | figures of its own | arrives |\n"
    return f"{head}| --- | ---: | --- | --- | --- | ---: |\n{''.join(rows)}"


def effects(lang: str) -> str:
    """Return the table of what each question changes, over the members of the ensemble."""
    (made,) = validate(None, ["Q26"])
    (first, *questions), rows = effect_rows(made, read_text(lang))
    head = f"| {' | '.join([first, *questions])} |\n| --- |{' ---: |' * len(questions)}\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def boundary(_: str) -> str:
    """Return the chart of the boundary: what of each module feeds back, answers, or is given.

    Fed back is what stands in the largest part of the graph in which each depends on each. A trend
    is a stock that depends on no other, or a constant that is a rate of growth.
    """
    city = model()
    causes = {name: all_causes(city, [name]) for name in city.variables}
    webs = ({other for other in causes[name] if name in causes[other]} for name in causes)
    fed_back = max(webs, key=len)
    stocks = {name for name, one in city.variables.items() if one.kind is VariableKind.STOCK}
    stocks -= {name for name in stocks if not causes[name] & (stocks - {name})}
    judged = answering_series(judged_targets(plansim.load_targets()))
    own = stocks | {split_reference(name)[0] for name in judged}
    rows = []
    for module in dict.fromkeys(one.module for one in city.variables.values()):
        names = [name for name, one in city.variables.items() if one.module == module]
        constants = [name for name in names if city.variables[name].kind is VariableKind.CONSTANT]
        levers = dict.fromkeys(filter(None, (lever_of(city, name) for name in constants)))
        single = [name for name in constants if lever_of(city, name) is None]
        trends = [name for name in single if re.fullmatch(r"(?!base ).* growth", name)]
        inside = [name for name in names if name in stocks & fed_back]
        answers = [name for name in names if name in own and name not in inside]
        if not inside and not answers:
            continue
        given = [*levers, *trends, f"{len(single) - len(trends)} constants"]
        columns = (", ".join(part) or "–" for part in ([module], inside, answers, given))
        rows.append(f"| {' | '.join(columns)} |\n")
    head = "| module | stocks of the one web of feedback | what else it answers with | given |\n"
    return f"{head}| --- | --- | --- | --- |\n{''.join(rows)}"


@cache
def found() -> decided.Found:
    """Return what the commands on decisions find."""
    return decided.find(model(), SPEC.decided)


def policies(lang: str) -> str:
    """Return how robust the policies of the findings are."""
    head, *rows = decided.policies_table(found(), read_text(lang))
    return table(head, rows)


def corners(lang: str) -> str:
    """Return where open targets fail, and what foretells them."""
    head, *rows = decided.corners_table(found(), model(), read_text(lang))
    return table(head, rows)


def conflicts(lang: str) -> str:
    """Return what cannot be had together."""
    head, *rows = decided.conflicts_table(found(), model(), read_text(lang))
    return table(head, rows)


PARTS: Mapping[str, Callable[[str], str]] = {
    made.__name__: made
    for made in (
        *(answer, stories, follows, price, energy, starts, effects, boundary),
        *(model_card.counts, model_card.tests),
        *(policies, corners, conflicts),
    )
}
SLOW = {"policies", "corners", "conflicts"}
"""Parts that take a minute together."""


@cache
def part(name: str, lang: str) -> str:
    """Return a derived part in a language; pages that share it say the same."""
    return PARTS[name](lang)


def renewed_parts(page: str, *, slow: bool = True) -> str:
    """Return the text of a page with its derived parts as runs make them.

    Without ``slow`` those of `SLOW` stay as they are.
    """
    lang, text = SPEC.pages[page], (ROOT / page).read_text("utf-8")

    def renew(found: re.Match[str]) -> str:
        name = found["name"]
        if name in SLOW and not slow:
            return found[0]
        return f"<!-- {name} -->\n{part(name, lang)}<!-- /{name} -->"

    return FINDING.sub(lambda found: renewed_row(found, lang), PART.sub(renew, text))
