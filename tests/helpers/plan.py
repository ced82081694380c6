"""Catalogues of targets as text, for small models."""

from __future__ import annotations

HEAD = """\
title: {{en: A plan, zh: 规划}}
base_year: {base_year}
horizon: {horizon}
places:
  ch 1: {{en: Chapter 1, zh: 第一章}}
reasons:
  detail: {{en: Too fine., zh: 过细。}}
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
