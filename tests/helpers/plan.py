"""Targets and verdicts for tests: a catalogue of a small model as text, and single records."""

from __future__ import annotations

from dataclasses import replace

from plansim.targets.indicator import Measure
from plansim.targets.target import Attribute, Direction, Gap, Kind, Period, Status, Target
from plansim.targets.verdict import Verdict

HEAD = """\
title: {{en: A plan, zh: 规划}}
base_year: {base_year}
horizon: {horizon}
places:
  ch 1: {{en: Chapter 1, zh: 第一章}}
reasons:
  detail: {{en: Too fine for the model., zh: 过细。}}
targets:
"""


def aim(
    key: str, limit: str, judged_by: str, *, unit: str = "Dmnl", attribute: str = "binding",
    name: str = "Aim, zh: 目标",
) -> str:  # fmt: skip
    """Return a row: ``limit`` with its year, and ``variable: x`` or what else it is judged by."""
    if ":" not in judged_by:
        judged_by = f"variable: {judged_by}"
    return (
        f"- {{id: {key}, en: {name}, unit: '{unit}', attribute: {attribute}, place: [ch 1],"
        f" target: {{{limit}}}, {judged_by}}}\n"
    )


def plan(*rows: str, base_year: int = 2000, horizon: int = 2008) -> str:
    """Return a catalogue with these rows."""
    return HEAD.format(base_year=base_year, horizon=horizon) + "".join(rows)


def target(**changes: object) -> Target:
    """A floor of 100 亿元 for the output of 2010, but for what is changed."""
    plain = Target(
        id="G1",
        kind=Kind.TARGET,
        name_en="Output",
        name_zh="产出",
        unit="亿元",
        attribute=Attribute.BINDING,
        base_period=Period(2005, 2005),
        base_value=50,
        base_unit="亿元",
        year=2010,
        value=100,
        direction=Direction.AT_LEAST,
        tolerance=None,
        parts=(),
        measure=Measure.LEVEL,
        since=2005,
        horizon=2020,
        basis=(),
        variables={None: "out put"},
        reason_en="",
        reason_zh="",
        place_en="Chapter 1",
        place_zh="第一章",
        wording="",
        note_en="",
        note_zh="",
        file="targets.yaml",
        line=7,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def verdict(
    target: Target,
    scenario: str = "base",
    value: float | None = 362.0,
    status: Status = Status.MET,
    first_breach: int | None = None,
    bases: dict[str, float] | None = None,
) -> Verdict:
    """Return the verdict on a target at a value, met if nothing else is said."""
    margin = None
    if value is not None and target.value is not None:
        margin = (
            target.value - value if target.direction is Direction.AT_MOST else value - target.value
        )
    return Verdict(
        scenario=scenario,
        id=target.id,
        name_en=target.name_en,
        name_zh=target.name_zh,
        attribute=target.attribute,
        year=target.year,
        value=value,
        target=target.value,
        direction=target.direction,
        unit=target.unit,
        status=status,
        margin=margin,
        margin_pct=None if margin is None or not target.value else margin / target.value * 100,
        first_breach=first_breach,
        bases=bases or {},
        gap=Gap.NOT_MODELLED if status is Status.UNTESTABLE else None,
        reason_en=target.reason_en,
        reason_zh=target.reason_zh,
    )
