"""Verdicts as a table of pandas, which a notebook shows as `check` does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from plansim.output.export.json_text import VERDICT_FIELDS, verdict_record
from plansim.output.words import verdicts as wording
from plansim.output.words.text import Lang, read_text
from plansim.targets.target import Target
from plansim.targets.verdict import Verdict

__all__ = ["VerdictFrame", "verdict_frame"]

NUMBERS = (
    *("value", "asked", "margin", "margin_pct", "tolerance", "second_value"),
    *("share", "share_low", "share_high"),
)
YEARS = ("year", "first_breach")
HEADS = ["target · 指标", "plan · 规划"]
NOTE = (
    "60/100: of so many of 100 plausible models met; ? open: fewer than 80 agree. "
    "60/100：100个合理模型中达标的个数；?：未定，意见一致的不足80个。"
)


def verdict_frame(verdicts: Iterable[Verdict], targets: Iterable[Target]) -> VerdictFrame:
    """Return verdicts on targets as a table: a row per scenario and target.

    The columns are `VERDICT_FIELDS`; numbers that there are not are NaN, texts None.
    """
    listed, by_id = list(verdicts), {target.id: target for target in targets}
    records = list(map(verdict_record, listed))
    types = dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(YEARS, "Int64")
    frame = VerdictFrame(records, columns=VERDICT_FIELDS).astype(types)
    frame.shown = {(one.scenario, one.id): _in_words(one, by_id[one.id]) for one in listed}
    return frame


class VerdictFrame(pd.DataFrame):
    """A table of verdicts; a notebook shows whole rows as a row a target, a column a scenario."""

    shown: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({})
    """By scenario and target the target's names, what the plan asks for, and the verdict."""
    _metadata = ["shown"]  # noqa: RUF012, what pandas hands on to parts of the table

    @property
    def _constructor(self) -> type[VerdictFrame]:
        return VerdictFrame

    def _repr_html_(self) -> str | None:
        is_whole = tuple(self.columns) == VERDICT_FIELDS
        keys = list(zip(self["scenario"], self["target"], strict=True)) if is_whole else []
        if len(set(keys)) != len(self) or not self.shown.keys() >= set(keys):
            shown: str | None = super()._repr_html_()  # type: ignore[misc]
            return shown
        cells = pd.DataFrame([self.shown[key] for key in keys], columns=[*HEADS, "verdict"])
        table = cells.assign(scenario=[scenario for scenario, _ in keys]).pivot_table(
            "verdict", HEADS, "scenario", aggfunc="first", sort=False
        )
        plain = table.fillna("").rename_axis(columns=None).reset_index()
        html = plain.to_html(index=False, justify="left").replace("\\n", "<br>")
        return f"{html}<small>{NOTE}</small>"


def _in_words(verdict: Verdict, target: Target) -> tuple[str, str, str]:
    text = read_text(Lang.EN)
    bases = wording.bases_of(verdict, target, text)
    margin = "" if bases else wording.margin_text(verdict, target)
    later = f"✗{verdict.first_breach}" if wording.breaks_later(verdict) else ""
    value = "" if verdict.value is None else wording.value_text(target, verdict.value)
    value = " / ".join(each for _, each in bases) or value
    said = (
        *(value, wording.verdict_mark(verdict), margin and f"({margin})"),
        *(later, wording.share_text(verdict)),
    )
    asked = f"{wording.limit_of(target, text) or '–'} {text.unit(target.unit)}".strip()
    name = f"{target.id} {target.name_en}\n{target.name_zh}"
    return name, asked, " ".join(filter(None, said)).replace("-", "−")
