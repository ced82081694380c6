"""Derived parts of the model card: a table of what is in the model, and which tests it fails.

The table has the rows of SDM-Doc (I. J. Martinez-Moyano, System Dynamics Review 28 (2012)
199-208) that can be counted without Vensim.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import plansim
from plansim.analysis.validation.structure import all_causes
from plansim.model.records import Model, VariableKind, cells_of
from plansim.output.words.text import read_text

__all__ = ["counts", "tests"]

PAGE = Path(__file__).parents[1] / "docs" / "results" / "validation.md"
RESULT = re.compile(r"^\| ([✓✗–]) \| (Q\d+) \|", re.M)


def counts(lang: str) -> str:
    """Return the table of the model's counts."""
    model = plansim.load_model()
    heads = ("what | number", "内容 | 数量")
    rows = [(heads[lang == "zh"]), "--- | ---:"]
    rows += [f"{names[lang == 'zh']} | {number}" for names, number in _rows(model)]
    return "".join(f"| {row} |\n" for row in rows)


def _rows(model: Model) -> list[tuple[tuple[str, str], str]]:
    variables = list(model.variables.values())
    kinds = Counter(variable.kind for variable in variables)
    constants = [one for one in variables if one.kind is VariableKind.CONSTANT]
    computed = [one for one in variables if one.kind in _COMPUTED]
    sizes = {one.name: len(cells_of(model, one)) for one in variables}
    stocks = sum(sizes[one.name] for one in variables if one.kind is VariableKind.STOCK)
    sources = Counter(kind for one in variables for kind in {tag[:1] for tag in one.source_ids})
    time = model.time

    def using(*words: str) -> int:
        pattern = re.compile(rf"\b(?:{'|'.join(words)})\s*\(")
        return sum(bool(pattern.search(one.equation)) for one in variables)

    figures: list[tuple[str, str, int | str]] = [
        ("variables", "变量", len(variables)),
        ("— with all elements of arrays", "——数组按元素计", sum(sizes.values())),
        ("stocks", "存量", kinds[VariableKind.STOCK]),
        ("— with all elements: the order of the model", "——按元素计，即模型阶数", stocks),
        ("flows", "流量", kinds[VariableKind.FLOW]),
        ("auxiliaries", "辅助变量", kinds[VariableKind.AUXILIARY]),
        ("constants", "常数", len(constants)),
        ("lookup tables", "表函数", kinds[VariableKind.LOOKUP]),
        ("subscript ranges", "下标", len(model.subscripts)),
        ("modules", "模块", len(model.modules)),
        ("feedback loops that are claimed", "所声明的反馈回路", len(plansim.load_loops(model))),
        ("variables on a loop", "处于回路之中的变量", sum(
            one.name in all_causes(model, one.causes) for one in variables
        )),
        ("time, years", "时间（年）", f"{time.initial:g}–{time.final:g}"),
        ("step, years", "步长（年）", f"{time.step:g}"),
        ("equations without a unit", "无单位的方程", sum(not one.unit for one in variables)),
        ("equations without a meaning in both languages", "缺少中英文含义的方程", sum(
            not (one.meaning_en and one.name_zh) for one in variables
        )),
        ("computed variables with a number in the equation", "方程中含数字的计算变量", sum(
            bool(_NUMBER.search(_NAMES.sub("", one.equation))) for one in computed
        )),
        ("constants with a plausible range", "有合理范围的常数", sum(
            one.plausible is not None for one in constants
        )),
        ("variables with literature or statistics", "有文献或统计来源的变量", sources["E"]),
        ("variables with a figure of the plan", "取自规划的变量", sources["M"]),
        ("variables with an assumption", "含假设的变量", sources["A"]),
        ("equations with IF THEN ELSE", "含IF THEN ELSE的方程", using("IF THEN ELSE")),
        ("equations with MIN or MAX", "含MIN或MAX的方程", using("MIN", "MAX")),
        ("equations with STEP or PULSE", "含STEP或PULSE的方程", using("STEP", "PULSE")),
        ("smoothed or delayed", "平滑或延迟", using(r"SMOOTH\w*", r"DELAY\w*")),
        ("random functions", "随机函数", using(r"RANDOM \w+")),
        ("data read from files", "外部数据", using(r"GET \w+ \w+")),
    ]  # fmt: skip
    return [((en, zh), str(number)) for en, zh, number in figures]


_COMPUTED = (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)
_NUMBER = re.compile(r"(?<![\w.])(?!(?:0|1|1\.0|0\.0)(?![\w.]))\d+(?:\.\d+)?")
"""A number other than 0 and 1."""
_NAMES = re.compile(r'"[^"]*"')


def tests(lang: str) -> str:
    """Say how many tests the model stands, and name those that it fails, by the page on them."""
    results = RESULT.findall(PAGE.read_text("utf-8"))
    failed = [key for mark, key in results if mark == "✗"]
    text = read_text(lang)
    named = text.join([f"{key} {text.word('q_title', key)}" for key in failed])
    passed = sum(mark == "✓" for mark, _ in results)
    if lang == "zh":
        return f"{len(results)}项检验中通过{passed}项，未通过{len(failed)}项：{named}。\n"
    return f"{passed} of {len(results)} tests pass; {len(failed)} fail: {named}.\n"
