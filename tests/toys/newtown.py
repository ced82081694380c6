"""The city of `plansim model new`, with more beside it, as texts: so that each can be broken."""

from __future__ import annotations

from pathlib import Path

from plansim.analysis.validation.context import ValidationContext, load_context
from plansim.files.scaffold import TEMPLATE
from plansim.model.reader import load_model

__all__ = ["newtown"]

_SEAM = """\
most: 0.1
by element: 0.3
least: 1
known: 1
items:
  - {of: capital, mark: inventory, source: books}
  - {of: output, mark: flow, source: books, known: [M01]}
  - {of: expected output, mark: led back, source: "–"}
"""
_EFFECTS = """\
questions:
  - {id: saving, en: Saving, zh: 储蓄, from: {scenario: baseline, set: {saving: 0.25}},
     to: baseline}
  - {id: rest, en: Rest, zh: 静止, from: baseline, to: equilibrium}
beside: [expected output]
least: {M01: 0.02}
margins: {question: saving, least: 1, part: 0.02, deviations: 9}
"""
_FREE = """\
free:
  scenario: baseline
  figures:
    - id: two years
      en: What was produced in two years
      zh: 两年产出
      of: output
      unit: 亿元
      most: 0.05
      observed: {year: 2026, since: 2024, observation: [produced in two years, ""]}
  held:
    - {id: saving, en: Saving, zh: 储蓄, set: {saving: 0}}
"""
_FAMILY = """\
scenario: baseline
size: 2
most: 0.1
compare:
  - {id: output, en: Output, zh: 产出, of: output, year: 2030, evidence: [E11, E12], deflator: E13}
past:
  scenario: more-saving
  windows:
    - {id: rise, en: Rise, zh: 增, of: output, first: 2025, last: 2030, change: 12, within: 0.5}
    - {id: pace, en: Pace, zh: 速, of: output, first: 2030, last: 2040, yearly: true, change: 2.8,
       within: 0.1}
  variants:
    - {id: less, en: less is saved, zh: 少储蓄, set: {saving: 0.3}, signs: true}
    - {id: none, en: nothing is saved, zh: 不储蓄, set: {saving: 0}}
"""
_EVIDENCE = """\
E11,output,Elsewhere,2030,40,亿元,books,none,context
E12,output,Elsewhere,2030,10,亿元,books,none,context
E13,price,Elsewhere,2030,1.2,Dmnl,books,none,context
E14,output,Elsewhere,2030,much,亿元,books,none,context
"""
_OBSERVED = "Newtown,produced in two years,,2026,40.2,亿元,books,\n"


def newtown(folder: Path, *changes: tuple[str, str, str]) -> ValidationContext:
    """Write the city to a folder and read it, with changes: (file, text, other text)."""
    texts = {
        path.relative_to(TEMPLATE).as_posix(): path.read_text("utf-8")
        for path in TEMPLATE.rglob("*.*")
    }
    texts |= {
        "model/seam.yaml": _SEAM,
        "model/effects.yaml": _EFFECTS,
        "model/family.yaml": _FAMILY,
    }
    texts["model/evidence.csv"] += _EVIDENCE
    texts["model/history.yaml"] += _FREE
    texts["model/observations.csv"] += _OBSERVED
    for file, old, new in changes:
        assert old in texts[file], f"{file} has no {old!r}"
        texts[file] = texts[file].replace(old, new)
    for file, text in texts.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return load_context(
        load_model(folder / "model" / "newtown.mdl", strict=False), folder / "scenarios"
    )
