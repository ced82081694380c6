"""A scenario as frozen records: the values that one run sets."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from enum import StrEnum
from pathlib import Path

from plansim.errors import Fault
from plansim.files.notebook import card
from plansim.files.shipped import is_file
from plansim.model.records import Integration, Model, TimeSpec

__all__ = [
    "OVER",
    "OVERLAYS",
    "BilingualText",
    "Change",
    "Merged",
    "Scenario",
    "ScenarioHead",
    "ScenarioKind",
    "as_written",
    "digest_of",
    "is_path",
    "scenario_files",
    "split_overlays",
]

OVER = "+"
"""What stands in an id between a scenario and the overlays on it."""
OVERLAYS = "overlays"
"""The folder of the shipped overlays, beside the scenarios."""
MOST_SHOWN = 12
"""Changes that a notebook shows of a scenario."""


@dataclass(frozen=True)
class BilingualText:
    """A text in English and in Chinese."""

    en: str
    zh: str


@dataclass(frozen=True)
class Change:
    """One constant that a scenario sets differently from its parent."""

    name: str
    """``name`` or ``name[element]``."""
    old: float
    """Value in the parent, or in the model if no ancestor sets it."""
    new: float
    unit: str

    def __str__(self) -> str:
        before = "" if math.isnan(self.old) else f"{self.old:g} → "  # what is new has no old value
        unit = "" if self.unit == "Dmnl" else f" {self.unit}"
        return f"{self.name}: {before}{self.new:g}{unit}"


class ScenarioKind(StrEnum):
    """What a scenario file is for."""

    STORY = "story"  # a course that the city might take
    TEST = "test"  # a run that tests the model, whose verdicts mean nothing
    POLICY = "policy"  # values of levers that a search found
    OVERLAY = "overlay"  # a few values to be laid over any scenario


@dataclass(frozen=True)
class ScenarioHead:
    """The id, titles and lineage of a scenario, without its values."""

    id: str
    """With overlays, ``scenario+overlay+overlay``."""
    kind: ScenarioKind
    """What the file is for, whatever is laid over it."""
    title_en: str
    title_zh: str
    description_en: str
    description_zh: str
    parent: str | None
    """The id of the scenario that this one differs from; None for the model."""
    path: Path | None
    """None for the model as written."""


@dataclass(frozen=True)
class Scenario(ScenarioHead):
    """The values that one run sets, with all parents and overrides merged."""

    lineage: tuple[str, ...]
    """The ids from the root to this scenario."""
    values: Mapping[str, float]
    """By ``name`` or ``name[e1,e2]``: the model's own names, in the model's units."""
    time: TimeSpec
    """The clock of the run: the model's, with what `values` changes."""
    assumed: Mapping[str, BilingualText]
    """By target id, the reason why the scenario assumes that target."""
    assumed_lines: Mapping[str, tuple[str, int | None]]
    """By target id, the file and line of the assumption, for messages about an unknown id."""
    changes: tuple[Change, ...]
    overrides: tuple[str, ...]
    """The settings of the command line (``--set``), as given."""
    sources: tuple[BilingualText, ...]
    warnings: tuple[Fault, ...]
    """Values outside their plausible range that files of the user or overrides set."""
    sha256: str
    """Digest of the bytes of all files of the lineage and of the overrides."""
    method_before: Integration | None = None
    """The method of integration of the parent, or of the model; None if nothing is changed."""

    @property
    def settings(self) -> str:
        """All that changes the numbers of a run, as a text, to the last bit."""
        *clock, method = astuple(self.time)
        values = {key: float(value).hex() for key, value in sorted(self.values.items())}
        return json.dumps([values, [float(number).hex() for number in clock], method])

    def _repr_html_(self) -> str:
        changes = list(map(str, self.changes))
        more = f", … ({len(changes)})" if len(changes) > MOST_SHOWN else ""
        return card(
            f"{self.title_en} · {self.title_zh}",
            [
                ("id", self.id),
                ("meaning", self.description_en),
                ("含义", self.description_zh),
                ("from · 上级情景", " → ".join(self.lineage[:-1])),
                ("changes · 改动", "; ".join(changes[:MOST_SHOWN]) + more),
                ("assumes · 设定", ", ".join(self.assumed)),
                ("file · 文件", str(self.path or "")),
            ],
        )


@dataclass(frozen=True)
class Merged:
    """A scenario with the files that it was read from, so that it is cached until one changes."""

    scenario: Scenario
    files: tuple[tuple[str, str], ...]
    """Each file that was looked for and the SHA-256 of its bytes; empty where there was none."""


def as_written(model: Model) -> Scenario:
    """Return the scenario that sets nothing, so that the model runs as its file has it.

    >>> plansim.as_written(plansim.load_model("lake.mdl")).values
    {}
    """
    return Scenario(
        id="as-written",
        kind=ScenarioKind.STORY,
        title_en="The model as written",
        title_zh="模型原值",
        description_en="Every constant has the value that the model file gives it.",
        description_zh="所有常数均取模型文件中的数值。",
        parent=None,
        lineage=("as-written",),
        values={},
        time=model.time,
        assumed={},
        assumed_lines={},
        changes=(),
        overrides=(),
        sources=(),
        warnings=(),
        path=None,
        sha256=digest_of(),
    )


def digest_of(*parts: str) -> str:
    """Return the SHA-256 of the parts of a lineage."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def scenario_files(folder: Path) -> list[Path]:
    """Return the scenario files of a folder, sorted."""
    return sorted(path for path in folder.glob("*.yaml") if path.is_file())


def is_path(name: str) -> bool:
    """Whether a name is the path of a file, and no id."""
    return name.endswith((".yaml", ".yml")) or "/" in name or "\\" in name


def split_overlays(name: str, folder: Path = Path()) -> tuple[str, tuple[str, ...]]:
    """Split a name into that of the scenario and those of the overlays behind it.

    A path, from ``folder``, may hold the sign between them.

    >>> split_overlays("baseline+drought+heavy-cycle")
    ('baseline', ('drought', 'heavy-cycle'))
    """
    if is_path(name) and is_file(folder / name):
        return name, ()
    scenario, *overlays = name.split(OVER)
    return scenario, tuple(overlays)
