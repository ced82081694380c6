"""One encoder for all results: what is not finite is null, what stands elsewhere is referred to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from plansim.errors import Message
from plansim.output.export.json_text import json_text


class Way(StrEnum):
    UP = "up"


@dataclass(frozen=True)
class Inner:
    values: np.ndarray
    path: Path


@dataclass(frozen=True)
class Outer:
    way: Way
    inner: tuple[Inner, ...]
    by_year: dict[int, float]
    _hidden: int = 1


def test_records_arrays_enums_and_mappings_become_plain_data() -> None:
    record = Outer(Way.UP, (Inner(np.array([1.0, np.inf]), Path("a")),), {2010: float("nan")})
    assert json.loads(json_text(record)) == {
        "way": "up",
        "inner": [{"values": [1.0, None], "path": "a"}],
        "by_year": {"2010": None},
    }
    assert json.loads(
        json_text([np.float32("nan"), np.int8(3), True, Message("no {x}", x="y")])
    ) == [
        None,
        3,
        True,
        "no y",
    ]
