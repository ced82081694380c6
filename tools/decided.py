"""Derived tables of the findings on decisions: robust policies, where targets fail, conflicts.

They take a minute together, where all other derived parts take seconds: `make results` renews them,
and `make test-all` holds the pages to them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plansim
from plansim.analysis.decisions.discovery import Outcome
from plansim.analysis.decisions.signposts import Signpost, best_signs
from plansim.files.forms import Form, Items
from plansim.output.tables.decisions import limit_of
from plansim.output.words.text import Text
from plansim.targets.verdict import of_hundred


class Decided(Form):
    """What the tables show."""

    policies: Items[str]
    scenario: str
    fresh: int
    by: int


@dataclass(frozen=True)
class Found:
    """What the commands found."""

    robust: plansim.Robustness
    corners: tuple[plansim.Discovery, ...]
    signs: Mapping[str, Signpost]
    """The best of the year, by target."""
    conflicts: plansim.Conflicts


def find(model: plansim.Model, spec: Decided) -> Found:
    """Ask what `plansim decide robust`, `discover`, `signposts` and `conflicts` ask."""
    signs = plansim.signposts(model, spec.scenario, by=spec.by)
    return Found(
        plansim.robustness(model, list(spec.policies)),
        plansim.discover(model, spec.scenario, fresh=spec.fresh, only_open=True),
        {sign.target: sign for sign in best_signs([one for one in signs if one.year == spec.by])},
        plansim.conflicts(model, spec.scenario),
    )


def policies_table(found: Found, text: Text) -> list[Sequence[str]]:
    """Return of each policy the targets met, and how often all are."""
    head = text.pick(
        "policy | binding targets met, mean of models | all met, of 100 models",
        "政策 | 各模型平均达标项数 | 全部达标（每100个模型）",
    )
    rows = [
        (
            text.pick(one.title_en, one.title_zh),
            f"{one.mean_met:.1f}",
            str(of_hundred(one.all_share)),
        )
        for one in found.robust.policies
    ]
    return [head.split(" | "), *rows]


def corners_table(found: Found, model: plansim.Model, text: Text) -> list[Sequence[str]]:
    """Return of each open target where it fails, and what foretells it."""
    head = text.pick(
        "open target | missed in, of 100 models | where | missed there, of 100 | of 100 fresh ones "
        "| what foretells it | area under the curve",
        "未定指标 | 每100个模型中不达标 | 所在范围 | 该范围内每100个 | 新抽每100个 "
        "| 可预示它的统计 | 曲线下面积",
    )
    rows = [
        (
            text.pick(one.name_en, one.name_zh),
            str(of_hundred(one.failing)),
            *_corner(one, model, text),
            *_sign(found.signs.get(one.target), text),
        )
        for one in found.corners
    ]
    return [head.split(" | "), *rows]


def conflicts_table(found: Found, model: plansim.Model, text: Text) -> list[Sequence[str]]:
    """Return the single targets and pairs that no setting of the levers was found to hold."""
    names = {
        target.id: text.pick(target.name_en, target.name_zh)
        for target in plansim.load_targets(model=model)
    }
    head = text.pick("together | at best in, of 100 models", "同时达标 | 最好时每100个模型中")
    small = [one for one in found.conflicts.conflicts if len(one.targets) <= 2]
    ordered = sorted(small, key=lambda one: (len(one.targets), one.share))
    rows = [
        (" + ".join(names[target] for target in one.targets), str(of_hundred(one.share)))
        for one in ordered
    ]
    return [head.split(" | "), *rows]


def _corner(found: plansim.Discovery, model: plansim.Model, text: Text) -> tuple[str, str, str]:
    if not found.boxes or found.outcome is not Outcome.FAILS:
        return "–", "–", "–"
    box = found.boxes[0]
    limits = (" ".join(filter(None, limit_of(limit, model, text))) for limit in box.asked)
    fresh = "–" if box.test is None else str(of_hundred(box.test.density))
    return text.join(limits), str(of_hundred(box.density)), fresh


def _sign(sign: Signpost | None, text: Text) -> tuple[str, str]:
    if sign is None:
        return "–", "–"
    name = text.pick(sign.statistic_en, sign.statistic_zh)
    unit = text.unit(sign.unit)
    compared = "≥" if sign.is_met_above else "≤"
    area = f"{sign.area:.2f} ± {sign.area_error:.2f}"
    told = f"{name} {compared} {sign.threshold:.4g} {unit}"
    return told, area if sign.is_useful else f"({area})"
