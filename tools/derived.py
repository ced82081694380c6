"""Parts of pages that follow from runs, each between ``<!-- NAME -->`` and ``<!-- /NAME -->``.

``make results`` renews them, tests/docs/test_derived.py holds them to the runs. Pages in both
languages have the same parts, so that they say the same figures. In the table of the binding
targets the verdicts are derived; what decides a target was written by hand.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

import plansim
from plansim.analysis.validation.result import CaseTemplate
from plansim.analysis.validation.structure import all_causes
from plansim.analysis.validation.suite import validate
from plansim.model.records import VariableKind
from plansim.output.tables.validation import effect_rows
from plansim.output.words.text import read_text
from plansim.output.words.wrapping import wrap
from plansim.scenario.levers import lever_of
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import answering_series, judged_targets, split_reference
from tools import model_card

ROOT = Path(__file__).parents[1]
WIDTH = 100

SHOWN = ("baseline", "accelerated-growth")
"""The scenarios of ``make run``."""
STRICT, LAX = "strict-enforcement", "lax-enforcement"
JUDGED = (*SHOWN, *(f"{name}+{STRICT}" for name in SHOWN))
"""The scenarios of the table of binding targets, in the order of its columns."""
STORIES = (
    *SHOWN,
    "momentum",
    "plan-floor",
    "slow-growth",
    "green-transition",
    "high-investment-late-abatement",
    "external-shock-2008",
)
START, END = 2005, 2010
"""The years between which the plan lies."""

PAGES: Mapping[str, str] = {
    "README.md": "en",
    "model/README.md": "en",
    "docs/scenarios.md": "en",
    "docs/index.md": "en",
    "docs/index.zh.md": "zh",
    "docs/model-card.md": "en",
    "docs/model-card.zh.md": "zh",
    "docs/findings.md": "en",
    "docs/findings.zh.md": "zh",
    "docs/guide/en/3-your-own-scenario.md": "en",
    "docs/guide/zh/3-your-own-scenario.md": "zh",
}
"""The language of each page that has derived parts."""
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


def growth(start: float | np.ndarray, end: float | np.ndarray) -> float | np.ndarray:
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
    titles = {name: title(name, lang) for name in SHOWN}
    verdicts = plansim.check_scenarios(model(), [scenario(name) for name in SHOWN])
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
    """Return a verdict, its value and of how many plausible models in 100 it is the better end."""
    text = read_text(lang)
    word = text("verdicts.open") if verdict.is_open else text.word("status", verdict.status)
    assert verdict.value is not None
    met = verdict.share.of_hundred if verdict.share else None
    share = "" if met is None else pick(lang, f" ({met})", f"（{met}）")
    return f"{word} {verdict.value:.{decimals}f}{share}"


def renewed_row(found: re.Match[str], lang: str) -> str:
    """Return a row on a target with the verdicts of runs, values in as many digits as stood."""
    decimals = len(found[3].split()[1].partition("(")[0].partition("（")[0].partition(".")[2])
    cells = [verdict_cell(binding_verdicts(name)[found[2]], decimals, lang) for name in JUDGED]
    return f"{found[1]} {' | '.join(cells)} |"


# --- what growth takes and what follows from it ---------------------------------------------------


def stories(lang: str) -> str:
    """Return what each story takes: growth, investment, productivity, power, enforcement."""
    scenarios = [scenario(name) for name in STORIES]
    ensemble = plansim.load_ensemble(model())
    fan = plansim.simulate(model(), scenarios, ["GDP"], ensemble=ensemble)
    columns = {
        name: figures(scenarios, name)
        for name in (
            "GDP",
            "reported investment",
            "investment rate",
            "private investment scale",
            "electricity use",
        )
    }
    rows = []
    for place, name in enumerate(STORIES):
        of = {key: series[place] for key, series in columns.items()}
        drawn = fan["GDP"].isel(scenario=place).where(fan["sound"].isel(scenario=place))
        grown = growth(drawn.sel(time=START).values, drawn.sel(time=END).values)
        low, high = np.nanpercentile(grown, [5, 95])
        rows.append(
            (
                title(name, lang),
                f"{growth(of['GDP'][START], of['GDP'][END]):.1f}",
                f"{low:.0f}–{high:.0f}",
                f"{growth(of['reported investment'][START], of['reported investment'][END]):.1f}",
                f"{100 * of['investment rate'][END]:.0f}",
                f"{of['private investment scale'][END]:.2f}",
                signed(100 * constant(scenarios[place], "added productivity growth before"), 1),
                f"{of['electricity use'][END] / of['electricity use'][START]:.2f}",
                f"{100 * constant(scenarios[place], 'entry enforcement after'):.0f}",
                f"{100 * constant(scenarios[place], 'abatement effort after'):.0f}",
            )
        )
    head = pick(
        lang,
        "story | output grows, % a year | in 90 of 100 models | investment grows, % a year "
        "| investment in output of 2010, % | firms invest, times what they would "
        "| added productivity, points a year | power used, times 2005 "
        "| entry standards enforced, % | abatement effort, %",
        "情景 | 产出年均增长（%） | 百个合理模型中九十个 | 投资年均增长（%） | 2010年投资率（%） "
        "| 企业投资与其自愿投资之比 | 附加生产率（百分点/年） | 用电量与2005年之比 "
        "| 准入标准执行（%） | 治污力度（%）",
    )
    return table(head.split(" | "), rows)


FOLLOWS: Sequence[tuple[str, str, str]] = (
    ("GDP", "output", "产出"),
    ("reported investment", "investment", "投资"),
    ("fiscal revenue", "revenue of the city", "财政收入"),
    ("urban income per head", "urban income a head", "城镇居民人均收入"),
    ("rural income per head", "rural income a head", "农村居民人均收入"),
    ("total energy use", "energy", "能源消费"),
    ("energy intensity of GDP", "energy per output", "单位产出能耗"),
    ("SO2 emission", "sulphur dioxide", "二氧化硫"),
    ("COD emission", "COD", "化学需氧量"),
    ("water demand", "water", "用水"),
    ("built up land", "built-up land", "建设用地"),
)
"""What is followed from the plan's growth to faster growth: variable, English, Chinese."""


def follows(lang: str) -> str:
    """Return what faster growth makes of output and burdens, against 2005 and the plan."""
    scenarios = [scenario(name) for name in SHOWN]
    rows = []
    for variable, en, zh in FOLLOWS:
        plan, fast = figures(scenarios, variable)
        changes = (plan[END] / plan[START], fast[END] / fast[START], fast[END] / plan[END])
        rows.append((pick(lang, en, zh), *(signed(100 * (change - 1)) for change in changes)))
    head = pick(
        lang,
        "2010, % | the plan, against 2005 | accelerated, against 2005 "
        "| accelerated, against the plan",
        "2010年，% | 规划基准，与2005年相比 | 加速增长，与2005年相比 | 加速增长与规划基准相比",
    )
    return table(head.split(" | "), rows)


def price(lang: str) -> str:
    """Say what faster growth brings and costs, in a sentence."""
    scenarios = [scenario(name) for name in SHOWN]
    rates = [growth(each[START], each[END]) for each in figures(scenarios, "GDP")]
    more = []
    for variable, en, zh in FOLLOWS:
        plan, fast = figures(scenarios, variable)
        more.append(
            (pick(lang, en, zh), signed(100 * (fast[END] / plan[END] - 1)) + pick(lang, " %", "%"))
        )
    said = pick(
        lang,
        f"Growing by {rates[1]:.0f} instead of {rates[0]:.0f} % a year changes 2010 by so much: ",
        f"年均增长{rates[1]:.0f}%而非{rates[0]:.0f}%，2010年各项变化为：",
    )
    listed = pick(lang, ", ", "、").join(f"{name} {change}" for name, change in more)
    said = f"{said}{listed}{pick(lang, '.', '。')}"
    lines = wrap(said, WIDTH) if lang == "zh" else textwrap.wrap(said, WIDTH)
    return "".join(f"{line}\n" for line in lines)


def energy(lang: str) -> str:
    """Return the fall of energy per output by enforcement, growth and structure of demand."""
    saves = "part of productivity that saves energy"
    rows = []
    for over, en, zh in (
        (LAX, "lax", "宽松"),
        ("", "as the plan", "按规划"),
        (STRICT, "strict", "严格"),
    ):
        names = [f"{name}+{over}" if over else name for name in SHOWN]
        scenarios = [scenario(name, f"{saves}={part}") for part in (0, 0.5) for name in names]
        falls = [
            100 * (1 - series[END] / series[START])
            for each in scenarios
            for series in figures([each], "energy intensity of GDP")
        ]
        rows.append((pick(lang, en, zh), *(f"{fall:.1f}" for fall in falls)))
    head = pick(
        lang,
        "fall of energy per output, % | the plan, technique saves none | accelerated, none "
        "| the plan, technique saves half | accelerated, half",
        "单位产出能耗下降（%） | 规划基准，技术不节能 | 加速增长，技术不节能 "
        "| 规划基准，节能一半 | 加速增长，节能一半",
    )
    return table(head.split(" | "), rows)


def starts(lang: str) -> str:
    """Return the starts of 2000, with where each stock and flow arrives in 2005, by Q17."""
    (made,) = validate(None, ["Q17"])
    text = read_text(lang)
    rows = [
        f"| {case.subject} | {case['start']:.3f} "
        f"| {text.word('start_mark', str(case.values['mark']))} | {case.values['source_en']} "
        f"| {case.values['known'] or '–'} | {case['arrives']:.2f} |\n"
        for case in made.cases
        if case.message is CaseTemplate.SEAM
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


PARTS: Mapping[str, Callable[[str], str]] = {
    made.__name__: made
    for made in (
        *(answer, stories, follows, price, energy, starts, effects, boundary),
        *(model_card.counts, model_card.tests),
    )
}


@cache
def part(name: str, lang: str) -> str:
    """Return a derived part in a language; pages that share it say the same."""
    return PARTS[name](lang)


def renewed_parts(page: str) -> str:
    """Return the text of a page with its derived parts as runs make them."""
    lang, text = PAGES[page], (ROOT / page).read_text("utf-8")

    def renew(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- {name} -->\n{part(name, lang)}<!-- /{name} -->"

    return FINDING.sub(lambda found: renewed_row(found, lang), PART.sub(renew, text))
