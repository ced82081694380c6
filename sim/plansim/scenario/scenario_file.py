"""Scenarios by name: found, read from the cache or by `inheritance`, listed, and written.

A scenario file names only what differs from its parent; the root of a family has none and
differs from the model itself. Names of variables and elements may be English or Chinese; values
may carry a unit, which is converted to the model's or refused. ``scenarios/schema.json``
describes the form of a file to editors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from plansim.cache import code_of, digest, file_sha256, keep, kept, recall
from plansim.errors import InputError, Message, UnknownNameError, nearest
from plansim.files.notebook import Table, Tabular
from plansim.files.shipped import is_file, is_folder, shipped, shipped_model
from plansim.model.records import Integration, Model, check_model, folded, several
from plansim.model.units import units_sha256
from plansim.scenario.levers import added_constant
from plansim.scenario.records import (
    OVERLAYS,
    BilingualText,
    Change,
    Merged,
    Scenario,
    ScenarioHead,
    ScenarioKind,
    as_written,
    is_path,
    scenario_files,
    split_overlays,
)

__all__ = [
    "BilingualText",
    "Change",
    "Scenario",
    "ScenarioHead",
    "ScenarioKind",
    "as_written",
    "list_overlays",
    "list_scenarios",
    "read_overlay",
    "read_scenario",
    "scenario_of",
    "scenario_text",
    "scenarios_of",
    "shipped_overlays",
    "split_overlays",
    "with_shipped",
]


def read_scenario(
    name_or_path: str | Path | None,
    model: Model,
    overrides: Sequence[str] | Mapping[str, float | str] = (),
    *,
    overlays: Sequence[str | Path] = (),
) -> Scenario:
    """Read a scenario, merge it with its parents, and check it against the model.

    Args:
        name_or_path: the id or a title of a shipped scenario, or the path of a file; overlays may
            stand behind it, ``baseline+drought``, as in the ids of the results. None for the model
            as it is written.
        model: the model.
        overrides: what takes precedence: texts ``NAME=VALUE``, or values by name.
        overlays: what else is laid over the scenario: ids or titles of shipped overlays, or paths.

    The result is cached until a file of the lineage changes.

    Raises:
        UnknownNameError: no scenario, or no overlay, bears the name.
        ScenarioError: with every fault of the file, its ancestors, the overlays and the overrides.
        TypeError: the model is no `Model`, or the scenario neither a name nor a path.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.read_scenario("boats.yaml", model, {"room": 900}).values
    {'effort': 0.2, 'room': 900.0}
    """
    check_model(model)
    if not isinstance(name_or_path, str | Path | None):
        kind = type(name_or_path).__name__
        raise TypeError(f"expected the name or the path of a scenario, found {kind}")
    name, laid = split_overlays(str(name_or_path or ""))
    path = None if name_or_path is None else _locate(name)
    over = [_locate(str(overlay), is_overlay=True) for overlay in (*laid, *several(overlays))]
    if isinstance(overrides, Mapping):
        overrides = [f"{name}={value}" for name, value in overrides.items()]
    return _merged(path, model, several(overrides), over)


def _merged(
    path: Path | None, model: Model, overrides: Sequence[str], over: Sequence[Path]
) -> Scenario:
    key = digest(
        "scenario",
        json.dumps([[str(file), str(file.absolute())] for file in (path, *over) if file]),
        json.dumps([path is None, *overrides]),
        json.dumps([model.sha256, str(model.path)]),
        units_sha256(),
        code_of("", "model", "scenario"),
    )
    known: Merged | None = recall("parsed", key, Merged)
    if known is None or any(file_sha256(Path(file)) != digest for file, digest in known.files):
        from plansim.scenario.inheritance import merged

        known = merged(path, model, overrides, over)
        keep("parsed", key, known)
    return known.scenario


def read_overlay(name_or_path: str | Path, model: Model) -> Scenario:
    """Read an overlay by itself: a scenario that sets only what the overlay does.

    Raises:
        UnknownNameError: no overlay bears the name.
        ScenarioError: with every fault of the file.
    """
    return _merged(None, model, (), [_locate(str(name_or_path), is_overlay=True)])


def scenario_of(model: Model, scenario: Scenario | str | Path | None) -> Scenario:
    """Return a scenario that is given as a record, a name or a path; of None the model as written.

    Raises:
        ScenarioError: as for `read_scenario`.
        InputError: the record was read for a model with other constants or another clock.
        TypeError: it is none of these.
    """
    check_model(model)
    if scenario is None:
        return as_written(model)
    if isinstance(scenario, str | Path):
        return read_scenario(scenario, model)
    if not isinstance(scenario, Scenario):
        raise TypeError(f"expected a Scenario or the name of one, found {type(scenario).__name__}")
    names = {key.partition("[")[0] for key in scenario.values}
    strange = {name for name in names - model.variables.keys() if not added_constant(model, name)}
    sets_clock = any(name.upper() in model.time.controls for name in names)
    ends, own = ((time.initial, time.final) for time in (scenario.time, model.time))
    if strange or (ends != own and not sets_clock):
        raise InputError("the scenario '{name}' was read for another model", name=scenario.id)
    return scenario


def scenarios_of(
    model: Model, scenarios: Scenario | str | Path | Sequence[Scenario | str | Path] | None
) -> list[Scenario]:
    """Return the scenarios that are given, one or several, as `scenario_of` each of them.

    Raises:
        InputError: none is given, or one twice.
    """
    chosen = [scenario_of(model, scenario) for scenario in several(scenarios)]
    names = tuple(scenario.id for scenario in chosen)
    if not names:
        raise InputError("no scenario is given")
    if len(set(names)) < len(names):
        raise InputError("a scenario is given twice", found=Message("{names}", names=names))
    return chosen


class ScenarioList(Tabular, tuple[ScenarioHead, ...]):
    """Heads of scenarios; as a table a row each."""

    def _table(self) -> Table:
        columns = ("scenario", "title_en", "title_zh", "kind", "parent")
        return columns, [
            (one.id, one.title_en, one.title_zh, one.kind.value, one.parent) for one in self
        ]


def list_scenarios(folder: str | Path | None = None) -> ScenarioList:
    """Return the heads of all scenarios in a folder, by default the shipped one, sorted by id.

    Raises:
        ScenarioError: with the faults of every file that is not a scenario.

    >>> "baseline" in [scenario.id for scenario in plansim.list_scenarios()]
    True
    """
    directory = shipped("scenarios") if folder is None else Path(folder)
    files = [(str(path), file_sha256(path)) for path in scenario_files(directory)]
    key = digest("heads", json.dumps([str(directory), files]), code_of("", "model", "scenario"))

    def make() -> tuple[ScenarioHead, ...]:
        from plansim.scenario.scenario_form import read_heads

        return read_heads(directory)

    return ScenarioList(kept("parsed", key, tuple, make))


def with_shipped(scenarios: Sequence[Scenario], model: Model) -> list[Scenario]:
    """Return scenarios, then the shipped stories that are not among them; of none the roots first.

    For a model that is not the shipped one, only the scenarios themselves.
    """
    if model.path.resolve() != shipped_model().resolve():
        return list(scenarios)
    known = {scenario.id for scenario in scenarios}
    stories = [head for head in list_scenarios() if head.kind is ScenarioKind.STORY]
    if not scenarios:
        stories.sort(key=lambda head: head.parent is not None)
    return [*scenarios, *(read_scenario(h.id, model) for h in stories if h.id not in known)]


def shipped_overlays(model: Model) -> list[Scenario]:
    """Return the shipped overlays, each as what it sets by itself; of another model none."""
    if model.path.resolve() != shipped_model().resolve():
        return []
    return [read_overlay(head.id, model) for head in list_overlays()]


def list_overlays() -> ScenarioList:
    """Return the heads of the shipped overlays, sorted by id.

    Raises:
        ScenarioError: as for `list_scenarios`.

    >>> [overlay.id for overlay in plansim.list_overlays()][:3]
    ['credit-squeeze', 'dear-energy', 'drought']
    """
    return list_scenarios(shipped("scenarios", OVERLAYS))


def _locate(name: str, *, is_overlay: bool = False) -> Path:
    """Return the file of a scenario, or of an overlay, that a user names by path, id or title."""
    path = Path(name)
    if (is_path(name) and not is_folder(path)) or (path.suffix and is_file(path)):
        return path
    folders = [shipped("scenarios"), shipped("scenarios", OVERLAYS)]
    folder, other = reversed(folders) if is_overlay else folders
    if file := _file_called(name, folder):
        return file
    heads = list_scenarios(folder)
    names = [known for head in heads for known in (head.id, head.title_en, head.title_zh)]
    message = Message("no scenario is called '{name}'", name=name)
    if is_overlay:
        message = Message("no overlay is called '{name}'", name=name)
    expected = Message("a name of 'plansim list scenarios', or a path")
    if (file := _file_called(name, other)) and is_overlay:
        message = Message("'{name}' is a scenario, and no overlay", name=file.stem)
    elif file:
        message = Message("'{name}' is an overlay, and no scenario", name=file.stem)
        expected = Message("SCENARIO+{name}, or with: [{name}]", name=file.stem)
    elif is_folder(path) and not is_overlay:
        message = Message("'{name}' is a folder, and no scenario", name=name)
        expected = Message(
            "a scenario: 'plansim replay' makes one of a run of a sweep, "
            "'plansim plot --kind fan' draws the sweep"
        )
    raise UnknownNameError(message, expected=expected, nearest=nearest(name, names))


def _file_called(name: str, folder: Path) -> Path | None:
    """Return the file in a folder that bears an id or a title, in any letter case."""
    wanted = folded(name)
    for file in scenario_files(folder):
        if folded(file.stem) == wanted:
            return file
    titles = {folded(t): h.path for h in list_scenarios(folder) for t in (h.title_en, h.title_zh)}
    return titles.get(wanted)


# --- writing one --------------------------------------------------------------------------------


def scenario_text(
    title: BilingualText,
    description: BilingualText,
    values: Mapping[str, float],
    *,
    kind: ScenarioKind = ScenarioKind.STORY,
    parent: str = "",
    integration: Integration | None = None,
    assumes: Mapping[str, BilingualText] | None = None,
) -> str:
    """Return the text of a scenario file, with all values to the last bit.

    Args:
        title: the title.
        description: the description.
        values: of constants, ``name`` or ``name[e1,e2]``, in the model's units.
        kind: what the file is for.
        parent: the file's name for its parent; empty if it changes the model.
        integration: the method of integration; None if it is that of the parent or the model.
        assumes: the targets that the scenario assumes, with the reason.
    """
    lines = [f"title: {_both(title)}", f"description: {_both(description)}"]
    if kind is not ScenarioKind.STORY:
        lines.append(f"kind: {kind}")
    if parent:
        lines.append(f"parent: {_quoted(parent)}")
    if integration is not None:
        lines.append(f"integration: {integration}")
    lines.append("values:" if values else "values: {}")
    lines += [f"  {_quoted(name)}: {value!r}" for name, value in values.items()]
    if assumes:
        lines += ["assumes:", *(f"  {key}: {_both(why)}" for key, why in assumes.items())]
    return "\n".join(lines) + "\n"


def _both(text: BilingualText) -> str:
    return f"{{en: {_quoted(text.en)}, zh: {_quoted(text.zh)}}}"


def _quoted(text: str) -> str:
    """Quote for YAML, of which JSON's strings are a subset."""
    return json.dumps(text, ensure_ascii=False)
