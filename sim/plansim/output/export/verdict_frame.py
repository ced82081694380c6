"""Verdicts as a table of pandas, which a notebook shows as `check` does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from plansim.output.export.json_text import VERDICT_FIELDS, verdict_record
from plansim.output.words.text import decimals_for, figure, signed, target_figure
from plansim.output.words.verdicts import MARKS, OPEN_MARKS, SIGNS
from plansim.targets.target import Direction, Status
from plansim.targets.verdict import Certainty, Verdict, of_hundred

__all__ = ["VerdictFrame", "verdict_frame"]

NUMBERS = (
    *("value", "asked", "margin", "margin_pct", "tolerance", "second_value"),
    *("share", "share_low", "share_high"),
)
YEARS = ("year", "first_breach")
_SHOWN = {"scenario", "name_en", "name_zh", "target", "value", "asked", "unit", "status", "share"}
NOTE = (
    "60/100: of so many of 100 plausible models met; ? open: fewer than 80 agree. "
    "60/100：100个合理模型中达标的个数；?：未定，意见一致的不足80个。"
)


def verdict_frame(verdicts: Iterable[Verdict]) -> VerdictFrame:
    """Return verdicts as a table: a row per scenario and target.

    The columns are `VERDICT_FIELDS`; numbers that there are not are NaN, texts None.
    """
    frame = VerdictFrame(list(map(verdict_record, verdicts)), columns=VERDICT_FIELDS)
    types = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(YEARS, "Int64")
    return frame.astype(types)


class VerdictFrame(pd.DataFrame):
    """A table of verdicts; shown in a notebook with a row per target and a column per scenario."""

    @property
    def _constructor(self) -> type[VerdictFrame]:
        return VerdictFrame

    def _repr_html_(self) -> str | None:
        if not set(self.columns) >= _SHOWN or self.duplicated(["scenario", "target"]).any():
            shown: str | None = super()._repr_html_()  # type: ignore[misc]
            return shown
        cells = pd.DataFrame(
            {
                "target · 指标": self["target"] + " " + self["name_en"] + "\n" + self["name_zh"],
                "plan · 规划": [_plan(row) for row in self.to_dict("records")],
                "scenario": self["scenario"],
                "verdict": [_verdict(row) for row in self.to_dict("records")],
            }
        )
        heads = ["target · 指标", "plan · 规划"]
        table = cells.pivot_table("verdict", heads, "scenario", aggfunc="first", sort=False)
        plain = table.fillna("").rename_axis(columns=None).reset_index()
        html = plain.to_html(index=False, justify="left").replace("\\n", "<br>")
        return f"{html}<small>{NOTE}</small>"


def _plan(row: dict[Any, Any]) -> str:
    """Write what the plan asks for, with its unit."""
    if not row["direction"] or pd.isna(row["asked"]):
        return "–"
    unit = "" if row["unit"] in (None, "Dmnl") else f" {row['unit']}"
    value = target_figure(row["asked"])
    if not pd.isna(row["tolerance"]):
        return f"{value} ± {target_figure(row['tolerance'])}{unit}"
    return f"{SIGNS[Direction(row['direction'])]} {value}{unit}"


def _verdict(row: dict[Any, Any]) -> str:
    """Write a verdict: the value, its mark, a later breach, the share, and the margin."""
    mark = MARKS[Status(row["status"])]
    if isinstance(row["certainty"], str):
        mark = OPEN_MARKS.get(Certainty(row["certainty"]), mark)
    parts, value, margin = [mark], row["value"], row["margin"]
    if not pd.isna(value):
        slack = 0.0 if pd.isna(row["tolerance"]) else row["tolerance"]
        decimals = decimals_for(row["asked"], value, slack)
        parts.insert(0, figure(value, decimals))
        if not pd.isna(margin):
            parts.append(f"({signed(margin, max(decimals, 1))})")
    if not pd.isna(row["first_breach"]) and row["first_breach"] != row["year"]:
        parts.append(f"✗{row['first_breach']}")
    if not pd.isna(row["share"]):
        parts.append(f"{of_hundred(row['share'])}/100")
    return " ".join(parts).replace("-", "−")
