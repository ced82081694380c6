"""Results as JSON: one encoder of frozen records for all commands, and what runs and verdicts are.

A `Verdict` is written by the names of its columns in tables, a run as its series by years.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.experiments.design import Design
from plansim.errors import Fault, Message
from plansim.files.escaping import for_json
from plansim.model.records import Model, Variable
from plansim.output.series import Series
from plansim.output.words.text import Lang, read_text
from plansim.output.words.verdicts import gap_text
from plansim.scenario.factors import Factor
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Target
from plansim.targets.verdict import Verdict

__all__ = ["VERDICT_FIELDS", "json_text", "run_json", "verdict_record", "verdicts_json"]


def json_text(record: object) -> str:
    r"""Return a record, or a nest of records, mappings, arrays and lists, as JSON.

    Keys are the names of the fields. A number that is not finite is null. Inputs are referred to: a
    model, a scenario, a factor or a variable by its name or id, a target by its id with its unit, a
    design by its id with its digest and seed.

    >>> json_text({"value": float("nan"), "years": (2005, 2006)})
    '{\n  "value": null,\n  "years": [\n    2005,\n    2006\n  ]\n}'
    """
    return for_json(json.dumps(_plain(record), ensure_ascii=False, indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    match value:
        case np.ndarray() | np.generic():
            return _plain(value.tolist())
        case float():
            return value if math.isfinite(value) else None
        case Enum():
            return value.value
        case Path() | Message() | Fault():
            return str(value)
        case Model() | Variable() | Factor():
            return value.name
        case Scenario():
            return value.id
        case Target():
            return {"id": value.id, "unit": value.unit}
        case Design():
            return {"id": value.id, "sha256": value.sha256, "seed": value.seed}
        case _ if hasattr(type(value), "model_fields"):  # a `Form`, which is slow to load
            return _plain(dict(value))
        case Mapping():
            return {str(_plain(key)): _plain(item) for key, item in value.items()}
        case _ if is_dataclass(value):
            own = (one.name for one in fields(value) if not one.name.startswith("_"))
            return {name: _plain(getattr(value, name)) for name in own}
        case _ if isinstance(value, Iterable) and not isinstance(value, str):
            return [_plain(item) for item in value]
        case _:
            return value


def run_json(runs: Sequence[tuple[Sequence[Series], Mapping[str, str]]]) -> str:
    """Write the annual series of runs as JSON, each run with its card.

    Of each run the card, and a list of variables with their values by year. A year without a figure
    is ``null``. Of several runs there is a list of these.
    """
    keys = ("name", "name_zh", "unit", "timing", "values")
    records = [
        {
            "run": card,
            "variables": [{key: getattr(line, key) for key in keys} for line in series],
        }
        for series, card in runs
    ]
    return json_text(records[0] if len(records) == 1 else records)


# --- verdicts -----------------------------------------------------------------------------------

VERDICT_FIELDS = (
    *("scenario", "target", "name_en", "name_zh", "attribute", "year", "value", "asked"),
    *("direction", "unit", "status", "margin", "margin_pct", "first_breach"),
    *("tolerance", "basis", "second_basis", "second_value"),
    *("reason", "reason_en", "reason_zh", "certainty"),
    *("share", "share_low", "share_high", "ensemble"),
)
"""The columns of verdicts. ``target`` is the id of a target and ``asked`` the figure that the plan
asks for. `reason` is a `Gap`, and only where nothing answers; `Certainty` says how far plausible
models agree; the last four are a `Share` of theirs."""


def verdict_record(verdict: Verdict) -> dict[str, str | int | float | None]:
    """Return a verdict as plain values, by `VERDICT_FIELDS`."""
    bases = [*verdict.bases.items(), (None, None), (None, None)]
    own = {
        "target": verdict.id,
        "asked": verdict.target,
        "basis": bases[0][0],
        "second_basis": bases[1][0],
        "second_value": bases[1][1],
        "reason": verdict.gap,
        **{f"reason_{lang}": gap_text(verdict, read_text(lang)) or None for lang in Lang},
        **{name: getattr(verdict.share, name, None) for name in VERDICT_FIELDS[-4:]},
    }
    return {name: own[name] if name in own else getattr(verdict, name) for name in VERDICT_FIELDS}


def verdicts_json(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as a JSON list of objects with `VERDICT_FIELDS`."""
    return json_text(list(map(verdict_record, verdicts)))
