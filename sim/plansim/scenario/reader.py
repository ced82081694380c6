"""A scenario: the values that one run sets, read from a file and merged with its parents.

A scenario file names only what differs from its parent; the root of a family has none and
differs from the model itself. Names of variables and elements may be English or Chinese; values
may carry a unit, which is converted to the model's or refused. ``scenarios/schema.json``
describes the form of a file to editors.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.cache import code_of, digest, file_sha256, keep, kept, recall
from plansim.errors import Fault, Message, ScenarioError, UnknownNameError, nearest
from plansim.files import shipped, shipped_model
from plansim.model.records import Model, folded
from plansim.model.units import units_sha256
from plansim.scenario.records import (
    BilingualText,
    Change,
    Merged,
    Scenario,
    ScenarioHead,
    as_written,
    is_path,
    scenario_files,
    unsound_clock,
)

__all__ = [
    "BilingualText",
    "Change",
    "Scenario",
    "ScenarioHead",
    "as_written",
    "list_scenarios",
    "read_scenario",
    "scenario_of",
    "shipped_roots",
    "unsound_clock",
    "with_shipped",
]

SUFFIXES = (".yaml", ".yml")


def read_scenario(
    name_or_path: str | Path, model: Model, overrides: Sequence[str] = ()
) -> Scenario:
    """Read a scenario, merge it with its parents, and check it against the model.

    ``name_or_path`` is the id or a title of a shipped scenario, or the path of a file.
    ``overrides`` are texts ``NAME=VALUE`` that take precedence. The result is cached until a file
    of the lineage changes.

    Raises:
        UnknownNameError: no scenario bears the name.
        ScenarioError: with every fault of the file, its ancestors and the overrides.
    """
    path = _locate(str(name_or_path))
    key = digest(
        "scenario",
        json.dumps([str(path), str(path.absolute()), list(overrides)]),
        json.dumps([model.sha256, str(model.path)]),
        units_sha256(),
        code_of("", "model", "scenario"),
    )
    overlaid = recall("parsed", key, Merged)
    if overlaid is None or any(file_sha256(Path(file)) != known for file, known in overlaid.files):
        from plansim.scenario.inheritance import merged

        overlaid = merged(path, model, overrides)
        keep("parsed", key, overlaid)
    return overlaid.scenario


def scenario_of(model: Model, scenario: Scenario | str | Path | None) -> Scenario:
    """Return a scenario that is given as a record, a name or a path; of None the model as written.

    Raises:
        ScenarioError: as for `read_scenario`.
        TypeError: it is none of these.
    """
    if scenario is None:
        return as_written(model)
    if isinstance(scenario, str | Path):
        return read_scenario(scenario, model)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"expected a Scenario or the name of one, found {type(scenario).__name__}")
    return scenario


def list_scenarios(folder: Path | None = None) -> tuple[ScenarioHead, ...]:
    """Return the heads of all scenarios in a folder, by default the shipped one, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.
    """
    directory = shipped("scenarios") if folder is None else folder
    files = [(str(path), file_sha256(path)) for path in scenario_files(directory)]
    key = digest("heads", json.dumps([str(directory), files]), code_of("", "model", "scenario"))

    def make() -> _Heads:
        from plansim.scenario.inheritance import read_heads

        return _Heads(read_heads(directory))

    return kept("parsed", key, _Heads, make).heads


def shipped_roots() -> list[str]:
    """Return the ids of the shipped scenarios that descend from no other."""
    return [head.id for head in list_scenarios() if head.parent is None]


def with_shipped(scenarios: Sequence[Scenario], model: Model) -> list[Scenario]:
    """Return scenarios, then the shipped ones that are not among them; of none the roots first.

    For a model that is not the shipped one, only the scenarios themselves.
    """
    if model.path.resolve() != shipped_model().resolve():
        return list(scenarios)
    first = list(scenarios) or [read_scenario(name, model) for name in shipped_roots()]
    known = {scenario.id for scenario in first}
    others = [head.id for head in list_scenarios() if head.id not in known]
    return [*first, *(read_scenario(name, model) for name in others)]


@dataclass(frozen=True)
class _Heads:
    heads: tuple[ScenarioHead, ...]


def _locate(name: str) -> Path:
    """Return the file of a scenario that a user names."""
    path = Path(name)
    if is_path(name) or (path.suffix and path.is_file()):
        if path.suffix and path.suffix.lower() not in SUFFIXES:
            fault = Message("a scenario is a YAML file")
            expected = Message("a name that ends with .yaml")
            raise ScenarioError(Fault(fault, path, expected=expected, found=path.suffix))
        return path
    files = scenario_files(shipped("scenarios"))
    wanted = folded(name)
    for file in files:
        if folded(file.stem) == wanted:
            return file
    heads = list_scenarios()
    for head in heads:
        if wanted in {folded(head.title_en), folded(head.title_zh)}:
            return head.path
    titles = [title for head in heads for title in (head.title_en, head.title_zh)]
    # A user who writes Chinese is offered the Chinese titles, which are names too.
    part = next((title for title in titles if wanted in folded(title)), None)
    known = [head.id if name.isascii() else f"{head.id}（{head.title_zh}）" for head in heads]
    raise UnknownNameError(
        Fault(
            "no scenario is called '{name}'",
            expected=Message("one of {names}, or a path", names=tuple(known)),
            nearest=nearest(name, [*(head.id for head in heads), *titles])
            or (None if name.isascii() else part),
            name=name,
        )
    )
