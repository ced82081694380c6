"""Q22 and Q23: no target drives the model, and what is assumed never counts as met."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plansim.analysis.validation.context import Dossier, indicators
from plansim.analysis.validation.integration import judged
from plansim.analysis.validation.probe import Runs, probe_of
from plansim.analysis.validation.result import Case, Finding, Number, Said, found
from plansim.analysis.validation.structure import all_causes
from plansim.model.reader import load_model
from plansim.model.records import Model, VariableKind
from plansim.scenario.reader import Scenario, read_scenario
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import Kind, Status, Target, load_targets, split_reference
from plansim.targets.verdict import Findings

__all__ = ["assumed", "no_forcing", "scrambled"]

_FIGURE = re.compile(r"((?:at least|at most|about|value): )(-?\d+(?:\.\d+)?)")
_SCRAMBLE = 1.7
_READING = re.compile(r"GET\s+(?:XLS|DIRECT|VDF|123|ODBC|DATA)|:=|:RAW:|TABBED", re.IGNORECASE)


# --- Q22 ------------------------------------------------------------------------------------------


def no_forcing(dossier: Dossier) -> Finding:
    """Put every figure of the catalogue off, and run every scenario from copies of all files."""
    model = dossier.model
    if readers := list(_readers(model)):  # no engine here would run it
        return found("Q22", readers, {"scenarios": 0, "series": 0, "turned": 0})
    cases = list(_in_disguise(dossier))
    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        copy, targets = scrambled(model, Path(folder))
        stories = {
            each.id: read_scenario(_copied(each, Path(folder)), copy)
            for each in dossier.scenarios.values()
            if each.path is not None
        }
        series, turned = 0, 0
        probes = [probe_of(each) for each in (model, copy)]
        for name, story in stories.items():
            pair = (dossier.scenarios[name], story)
            before, after = (
                probe.run([scenario.values], scenario.time)
                for probe, scenario in zip(probes, pair, strict=True)
            )
            for label, row in before.probe.rows.items():
                series += 1
                other = after.values[0, after.probe.rows[label]]
                if before.values[0, row].tobytes() != other.tobytes():
                    values: dict[str, Number] = {"what": label}
                    cases.append(Case(name, False, Said.FORCED, values))
            turned += _turned(before, dossier, targets, story)
    if not turned:
        cases.append(Case(CATALOGUE, False, Said.NOT_SCRAMBLED))
    figures: dict[str, Number] = {
        "scenarios": len(stories),
        "series": series,
        "turned": turned,
        "faults": len(cases),
    }
    return found("Q22", cases or [Case(CATALOGUE, True, Said.SOUND_MODEL)], figures)


def scrambled(model: Model, folder: Path) -> tuple[Model, tuple[Target, ...]]:
    """Copy what lies beside a model to a folder, with every figure of the catalogue put off."""
    shutil.copytree(model.path.parent, folder / "model")
    catalogue = folder / "model" / CATALOGUE
    text = catalogue.read_text("utf-8")
    catalogue.write_text(
        _FIGURE.sub(lambda found: f"{found[1]}{float(found[2]) * _SCRAMBLE}", text), "utf-8"
    )
    copy = load_model(folder / "model" / model.path.name)
    return copy, load_targets(catalogue, copy)


def _copied(scenario: Scenario, folder: Path) -> Path:
    """Copy the folder of a scenario, once, and give the copy of its file."""
    assert scenario.path is not None
    copy = folder / "scenarios"
    if not copy.is_dir():
        shutil.copytree(scenario.path.parent, copy)
    return copy / scenario.path.name


def _turned(
    runs: Runs, dossier: Dossier, scrambled_targets: tuple[Target, ...], scenario: Scenario
) -> int:
    """Count the verdicts on a run that the scrambling turns: it has to turn some."""
    by_id = {each.id: each for each in scrambled_targets}
    pairs = [(each, by_id[each.id]) for each in dossier.judged]
    return sum(
        _status(judged(runs, before, scenario)) is not _status(judged(runs, after, scenario))
        for before, after in pairs
    )


def _readers(model: Model) -> Iterator[Case]:
    """Find equations that read anything from outside the model's file."""
    for variable in model.variables.values():
        if _READING.search(variable.equation):
            yield Case(variable.name, False, Said.READS)


def _in_disguise(dossier: Dossier) -> Iterator[Case]:
    """Find indicators that no stock bears on but trends, and such as are constants.

    The one would be a target in disguise, the other be met by setting it.
    """
    model = dossier.model
    stocks = {each.name for each in model.variables.values() if each.kind is VariableKind.STOCK}
    # A stock that depends on no other one grows by itself, as a trend does.
    trends = {name for name in stocks if not (all_causes(model, [name]) - {name}) & stocks}
    for reference in indicators(dossier):
        name = split_reference(reference)[0]
        if not all_causes(model, [name]) & (stocks - trends):
            yield Case(reference, False, Said.TREND)


# --- Q23 ------------------------------------------------------------------------------------------


def assumed(dossier: Dossier) -> Finding:
    """See that in every scenario just what it assumes is reported so, and never as met."""
    names = [split_reference(each)[0] for each in indicators(dossier)]
    probe = probe_of(dossier.model, outputs=names)
    cases: list[Case] = []
    count = 0
    ids = {each.id for each in dossier.targets if each.kind is Kind.TARGET}
    for scenario in dossier.scenarios.values():
        for unknown in set(scenario.assumed) - ids:
            cases.append(Case(scenario.id, False, Said.NO_TARGET, {"what": unknown}))
        runs = probe.run([scenario.values], scenario.time)
        for target in dossier.judged:
            status = _status(judged(runs, target, scenario))
            expected = target.id in scenario.assumed
            count += expected
            if (status is Status.ASSUMED) != expected:
                values: dict[str, Number] = {"what": target.id, "status": status.value}
                cases.append(Case(scenario.id, False, Said.NOT_ASSUMED, values))
    if not count:
        cases.append(Case("scenarios", False, Said.NOTHING))
    figures: dict[str, Number] = {"scenarios": len(dossier.scenarios), "assumed": count}
    return found("Q23", cases or [Case("scenarios", True, Said.SOUND_MODEL)], figures)


def _status(found_ones: Findings) -> Status:
    return list(Status)[int(found_ones.status.reshape(-1)[0])]
