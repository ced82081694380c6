"""How records look in a notebook, in both languages, and as tables of pandas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "Tabular", "card"]

Table: TypeAlias = tuple[Sequence[str], Iterable[Sequence[object]]]
"""Columns, and the rows."""

MOST = 60
"""Number of rows that a notebook shows."""
_CHINESE = {
    "S1": "单独效应", "S1_high": "区间上端", "S1_low": "区间下端", "ST": "总效应",
    "ST_high": "区间上端", "ST_low": "区间下端", "after": "改后", "all_share": "全部达标",
    "amount": "放宽量", "area": "曲线下面积", "area_error": "标准误", "aspect": "所改内容",
    "before": "改前", "box": "区域", "chance": "同时达标占比", "change": "改动",
    "conflict": "冲突", "coverage": "覆盖率", "density": "密度", "distance": "最近失守",
    "effect": "基本效应", "effort": "力度变动", "element": "元素", "error": "标准误",
    "factor": "因素", "failing": "不达标占比", "false_alarm": "误判不达",
    "false_hope": "误判可达", "frequency": "重抽占比", "growth": "年均增长", "high": "上限",
    "lever": "政策变量", "loop": "回路", "low": "下限", "mass": "占全部运行",
    "mean_met": "平均达标数", "mean_met_error": "标准误", "median": "增速中位数",
    "met": "平均达标数", "met_above": "越大越好", "module": "模块", "name": "名称",
    "named_high": "区间上端", "named_low": "区间下端", "named_share": "指定组全部达标",
    "outcome": "结果", "polarity": "极性", "policy": "政策", "present": "现值",
    "regret_margin": "缺口后悔值", "regret_targets": "达标数后悔值", "share": "占比",
    "statistic": "统计数据", "target": "指标", "targets": "指标组", "threshold": "阈值",
    "tight": "最紧指标", "title": "名称", "unit": "单位", "value": "取值",
    "asked": "规划值", "cases": "检验项", "certainty": "确定程度", "correlation": "秩相关",
    "explained": "解释份额", "fault": "出错变量", "faults": "不符项", "first_breach": "首次突破",
    "margin": "余量", "scenario": "情景", "seconds": "用时（秒）", "share_high": "偏高时达标",
    "share_low": "偏低时达标", "status": "结论", "strongest": "最大变动", "test": "检验",
    "turned": "结论改变的指标",
    "attribute": "属性", "direction": "方向", "found": "与方程相符", "kind": "类别",
    "parent": "母情景", "switch": "开关", "variables": "评判变量",
    "worst_margin": "最小余量", "year": "年份", "cost": "成本",
}  # fmt: skip
"""What columns are called in Chinese."""


class Tabular:
    """A result that is a table too: `frame` for pandas, the same for the eye in a notebook."""

    _parts: tuple[str, ...] = ()
    """Columns of parts of one, which a notebook shows in per cent."""

    def _table(self) -> Table:
        """Return the columns, and the rows."""
        raise NotImplementedError

    def _named(self) -> Mapping[str, tuple[str, str]]:
        """Return the Chinese name and the unit of columns that are levers or series."""
        return {}

    def frame(self) -> pd.DataFrame:
        """Return the result as a table; ``.attrs["units"]`` has the units of whole columns."""
        import pandas as pd

        columns, rows = self._table()
        frame = pd.DataFrame([*rows], columns=[*columns])
        if units := {name: unit for name, (_, unit) in self._named().items()}:
            frame.attrs["units"] = units
        return frame

    def _repr_html_(self) -> str:
        frame, heads = self.frame(), {}
        for name in self._parts:
            frame[name] = frame[name].map("{:.1%}".format)
        named = {name: f"{zh} {unit}".strip() for name, (zh, unit) in self._named().items()}
        for name in map(str, list(frame)):
            stem = name.removesuffix("_en")
            if name in frame and f"{stem}_zh" in frame:
                frame[name] = frame[name].astype(str) + " · " + frame.pop(f"{stem}_zh").astype(str)
            if name in frame:
                heads[name] = f"{stem} {named.get(name) or _CHINESE.get(stem, '')}".strip()
        return frame.rename(columns=heads).to_html(
            max_rows=MOST, index=False, na_rep="–", float_format=_figure
        )


def _figure(value: float) -> str:
    """Write a number with four digits, or all that stand before the point.

    >>> _figure(27500.4), _figure(0.077012)
    ('27,500', '0.07701')
    """
    return f"{value:,.0f}" if 9999.5 <= abs(value) < 1e15 else f"{value:.4g}"


def card(title: str, rows: Iterable[tuple[str, str]]) -> str:
    """Return a record as HTML: its title, and a line for each row whose text is not empty.

    >>> import re
    >>> re.sub("<[^>]*>", "|", card("Lake", [("unit · 单位", "t"), ("source · 来源", "")]))
    '|Lake||||unit · 单位||t|||'
    """
    left = 'style="text-align:left"'
    lines = "".join(
        f"<tr><th {left}>{escape(name)}</th><td {left}>{escape(text)}</td></tr>"
        for name, text in rows
        if text
    )
    return f"<b>{escape(title)}</b><table>{lines}</table>"
