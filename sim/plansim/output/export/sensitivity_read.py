"""The drivers that a study of uncertainty found, read again from the JSON it was saved as.

Only what a figure of drivers needs is read; the other figures of the file are for other programs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plansim.analysis.sensitivity.study import Drivers, Index, Sensitivity
from plansim.errors import Fault, InputError, Message, foreign, nearest
from plansim.targets.catalogue import Target

__all__ = ["Saved", "read_drivers", "saved_of"]


@dataclass(frozen=True)
class Saved:
    """The drivers under the first scenario of a study."""

    scenario: str
    title_en: str
    title_zh: str
    """Empty where it has none."""
    drivers: tuple[Drivers, ...]
    chances: Mapping[str, float]
    """By target, the share of the draws that meet it; NaN where the scenario assumes it."""


def saved_of(found: Sensitivity) -> Saved:
    """Give of a study what is read again."""
    scenario = found.design.scenarios[0]
    return Saved(
        scenario.id,
        scenario.title_en,
        scenario.title_zh,
        found.drivers,
        {
            each.target.id: each.met
            for each in found.chances
            if each.target is not None and each.scenario == scenario.id
        },
    )


def read_drivers(path: Path, targets: Sequence[Target]) -> Saved:
    """Read drivers from the JSON that ``plansim sensitivity -o`` writes.

    Raises:
        InputError: there is no such file, it is not such JSON, or it speaks of a target that the
            catalogue does not have.
    """
    expected = Message("what plansim sensitivity -o FILE.json writes")
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(Fault("no such file", path, expected=expected)) from None
    except OSError as error:
        raise InputError(
            Fault("cannot read the file", path, found=foreign(error.strerror))
        ) from error
    except ValueError as error:
        raise InputError(Fault("not JSON", path, expected=expected, found=str(error))) from None
    known = {each.id: each for each in targets}
    try:
        first = str(content["scenarios"][0])
        title = content.get("titles", {}).get(first, {})
        missing = [each["target"] for each in content["drivers"] if each["target"] not in known]
        drivers = tuple(
            Drivers(
                known[each["target"]],
                _number(each["spread"]),
                tuple(_index(index) for index in each["indices"]),
                None if each["rest"] is None else _index(each["rest"]),
            )
            for each in content["drivers"]
            if each["target"] in known
        )
        chances = {
            str(each["target"]): _number(each["met"])
            for each in content["chances"]
            if each["scenario"] == first and each["target"] is not None
        }
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            Fault(
                "not the result of a study of uncertainty",
                path,
                expected=expected,
                found=Message("no {names}", names=str(error))
                if isinstance(error, KeyError)
                else str(error),
            )
        ) from None
    if missing:
        raise InputError(
            Fault(
                "the catalogue has no target '{id}'",
                path,
                expected=Message("a study of this model"),
                nearest=nearest(missing[0], known),
                id=missing[0],
            )
        )
    return Saved(first, str(title.get("en", "")), str(title.get("zh", "")), drivers, chances)


def _index(content: Mapping[str, Any]) -> Index:
    parts = ("first", "first_low", "first_high", "total", "total_low", "total_high", "effect")
    figures = {part: _number(content[part]) for part in parts}
    return Index(str(content["factor"]), str(content["factor_zh"]), **figures)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
