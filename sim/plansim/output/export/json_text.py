"""Results as JSON: one encoder of frozen records for all commands."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

from plansim.analysis.experiments.design import Design
from plansim.errors import Fault, Message
from plansim.files.escaping import for_json
from plansim.model.records import Model, Variable
from plansim.scenario.factors import Factor
from plansim.scenario.scenario_file import Scenario
from plansim.targets.target import Target

__all__ = ["json_text"]


def json_text(record: object) -> str:
    r"""Return a record, or a nest of records, mappings, arrays and lists, as JSON.

    Keys are the names of the fields. A number that is not finite is null. Inputs are referred to: a
    model, a scenario, a factor or a variable by its name or id, a target by its id with its unit, a
    design by its id with its digest and seed.

    >>> json_text({"value": float("nan"), "years": (2005, 2006)})
    '{\n  "value": null,\n  "years": [\n    2005,\n    2006\n  ]\n}'
    """
    return for_json(json.dumps(_plain(record), ensure_ascii=False, indent=2, allow_nan=False))


@singledispatch
def _plain(value: object) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)
                if not field.name.startswith("_")}  # fmt: skip
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value


@_plain.register
def _(value: float) -> float | None:
    return value if math.isfinite(value) else None


@_plain.register(np.ndarray)
@_plain.register(np.generic)
def _(value: Any) -> Any:
    return _plain(value.tolist())


@_plain.register
def _(value: Enum) -> Any:
    return value.value


@_plain.register(Path)
@_plain.register(Message)
@_plain.register(Fault)
def _(value: object) -> str:
    return str(value)


@_plain.register(Model)
@_plain.register(Variable)
@_plain.register(Factor)
def _(value: Any) -> str:
    return str(value.name)


@_plain.register
def _(value: Scenario) -> str:
    return value.id


@_plain.register
def _(value: Target) -> dict[str, str]:
    return {"id": value.id, "unit": value.unit}


@_plain.register
def _(value: Design) -> dict[str, Any]:
    return {"id": value.id, "sha256": value.sha256, "seed": value.seed}
