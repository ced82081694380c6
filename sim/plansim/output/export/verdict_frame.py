"""Verdicts as a table of pandas, which a notebook shows as `check` does."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
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
YEARS = ("year", "first_breach", "followed_to")
_SHOWN = {"scenario", "name_en", "name_zh", "target", "value", "asked", "unit", "status", "share"}
_HUES = {"✓": "#1a7f37", "✗": "#b42318"}
_OPEN = "#9a6700"
_CELL = "text-align:left;vertical-align:top;"


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
        rows: dict[str, dict[str, Any]] = {}
        for row in self.to_dict("records"):
            rows.setdefault(row["target"], {})[row["scenario"]] = row
        scenarios = list(dict.fromkeys(self["scenario"]))
        heads = ("target · 指标", "plan · 规划", *scenarios)
        top = "".join(f'<th style="{_CELL}">{escape(head)}</th>' for head in heads)
        body = "".join(_row(by_scenario, scenarios) for by_scenario in rows.values())
        note = (
            "60/100: of so many of 100 plausible models met; ? open: fewer than 80 agree. "
            "60/100：100个合理模型中达标的个数；?：未定，意见一致的不足80个。"
        )
        return (
            f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
            f"<small>{note}</small>"
        )


def _row(by_scenario: dict[str, dict[str, Any]], scenarios: Iterable[str]) -> str:
    first = next(iter(by_scenario.values()))
    unit = "" if first["unit"] in (None, "Dmnl") else f" {first['unit']}"
    plan = f"{_limit(first)}{unit}"
    name = f"{escape(first['name_en'])}<br><small>{escape(first['name_zh'])}</small>"
    cells = [name, escape(plan), *(_verdict(by_scenario.get(name)) for name in scenarios)]
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _limit(row: dict[str, Any]) -> str:
    if not row["direction"] or pd.isna(row["asked"]):
        return "–"
    value = target_figure(row["asked"])
    if not pd.isna(row["tolerance"]):
        return f"{value} ± {target_figure(row['tolerance'])}"
    return f"{SIGNS[Direction(row['direction'])]} {value}"


def _verdict(row: dict[str, Any] | None) -> str:
    """Write a verdict: the value, its mark, the share, the margin, and a later breach."""
    if row is None:
        return ""
    mark = MARKS[Status(row["status"])]
    if isinstance(row["certainty"], str):
        mark = OPEN_MARKS.get(Certainty(row["certainty"]), mark)
    parts = []
    if not pd.isna(row["value"]):
        slack = 0.0 if pd.isna(row["tolerance"]) else row["tolerance"]
        decimals = decimals_for(row["asked"], row["value"], slack)
        parts.append(figure(row["value"], decimals).replace("-", "−"))
    later = "" if pd.isna(row["first_breach"]) or row["first_breach"] == row["year"] else (
        f" ✗{row['first_breach']}"
    )  # fmt: skip
    hue = _HUES.get(mark, _OPEN if mark in OPEN_MARKS.values() else "inherit")
    parts.append(f'<b style="color:{hue}">{mark}{later}</b>')
    if not pd.isna(row["share"]):
        parts.append(f"<small>{of_hundred(row['share'])}/100</small>")
    if not pd.isna(row["margin"]) and not pd.isna(row["value"]):
        parts.append(
            f"<small>({signed(row['margin'], max(decimals, 1)).replace('-', '−')})</small>"
        )
    return " ".join(parts)
