"""The ensemble of plausible models inside a page: what members change, and what they decide.

Members travel as whole numbers of two bytes: of each factor the lowest change, the step, and the
number of steps of each member.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

import numpy as np

from plansim.analysis.ensemble import ensemble_fits, load_ensemble
from plansim.compiler.ir import Program
from plansim.model.records import Model
from plansim.output.page.data import BOTH, Data
from plansim.output.words.text import read_text
from plansim.scenario.levers import constant_named
from plansim.scenario.members import LIMIT, Members, When
from plansim.scenario.references import split_name
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Status, Target
from plansim.targets.verdict import SURE, Share, Verdict, certainty_of

__all__ = ["certainty_data", "members_data", "members_of", "shares_data", "varied"]

STEPS = 65535
"""Number of steps between the lowest and the highest change of a factor."""
BAND = (0.1, 0.9)
"""The quantiles of the members between which the band of a chart lies."""


def members_of(model: Model) -> Members | None:
    """Return the ensemble beside a model; None if there is none, or none that fits it."""
    return load_ensemble(model) if ensemble_fits(model) else None


def varied(members: Members | None, model: Model, scenarios: Iterable[Scenario]) -> list[str]:
    """Return the constants that members move under some of the scenarios."""
    if members is None:
        return []
    moved = members.moved(model, _set_by(scenarios))
    return list(dict.fromkeys(one.constant for some in moved for one in some))


def _set_by(scenarios: Iterable[Scenario]) -> list[str]:
    return list(dict.fromkeys(name for scenario in scenarios for name in scenario.values))


def members_data(
    members: Members | None, model: Model, scenarios: Sequence[Scenario], program: Program
) -> Data:
    """Return the members as data; None without members, or where the program lacks an input."""
    inputs = {name: index for index, name in enumerate(program.inputs)}
    if members is None or not set(varied(members, model, scenarios)) <= inputs.keys():
        return None
    moved = members.moved(model, _set_by(scenarios))
    low = members.values.min(axis=0)
    step = (members.values.max(axis=0) - low) / STEPS
    steps = np.rint((members.values - low) / np.where(step > 0, step, 1)).astype("<u2")
    whens = list(When)
    return {
        "kind": [read_text(lang).word("ensemble", members.head.kind) for lang in BOTH],
        "count": len(members),
        "limit": LIMIT,
        "band": list(BAND),
        "factors": [
            {
                "adds": factor.apply.value == "add",
                "low": float(low[column]),
                "step": float(step[column]),
                "moves": [
                    [
                        inputs[one.constant],
                        whens.index(one.when),
                        *constant_named(model, split_name(one.constant)[0]).admissible,
                    ]
                    for one in moved[column]
                ],
            }
            for column, factor in enumerate(members.factors)
        ],
        "steps": base64.b64encode(steps.T.tobytes()).decode(),
    }


def certainty_data() -> Data:
    """Return `certainty_of` as a table: by status, a letter for each share of 100 and for none."""
    return {
        "sure": SURE,
        "by_status": {
            status.value: [
                certainty.value if (certainty := certainty_of(status, share)) else None
                for share in [*(_share(count) for count in range(101)), None]
            ]
            for status in Status
            if status.judged
        },
    }


def _share(of_hundred: int) -> Share:
    return Share("", of_hundred / 100, None, None, 100, 0)


def shares_data(verdicts: Iterable[Verdict], targets: Sequence[Target]) -> Data:
    """Return by scenario how many of 100 members meet each target, as `check` shows it."""
    shares: dict[str, dict[str, int | None]] = {}
    for verdict in verdicts:
        count = verdict.share.of_hundred if verdict.share else None
        shares.setdefault(verdict.scenario, {})[verdict.id] = count
    return {
        scenario: [counts.get(target.id) for target in targets]
        for scenario, counts in shares.items()
    }
