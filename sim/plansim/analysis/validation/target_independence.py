"""Q22 and Q23: no target drives the model, and no assumed target counts as met."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from plansim.analysis.validation.context import ValidationContext, status_of, verdicts
from plansim.analysis.validation.probe import Runs, probe_of
from plansim.analysis.validation.result import Case, CaseTemplate, Result, case, result
from plansim.analysis.validation.structure import all_causes
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.reader import Scenario, read_scenario
from plansim.targets.catalogue import FILE_NAME as CATALOGUE
from plansim.targets.catalogue import Kind, Status, Target, load_targets, split_reference

__all__ = ["assumed_targets", "scaled_catalogue", "target_independence"]

_FIGURE = re.compile(r"((?:at least|at most|about|value): )(-?\d+(?:\.\d+)?)")
_SCALE = 1.7
_READING = re.compile(r"GET\s+(?:XLS|DIRECT|VDF|123|ODBC|DATA)|:=|:RAW:|TABBED", re.IGNORECASE)


# --- Q22 ------------------------------------------------------------------------------------------


def target_independence(context: ValidationContext) -> Result:
    """Q22: scale every figure of the catalogue and run every scenario from copies of all files."""
    model = context.model
    readers = [name for name, v in model.variables.items() if _READING.search(v.equation)]
    if readers:  # no engine could run it
        faults = [case(name, False, CaseTemplate.READS_FILE) for name in readers]
        return result("Q22", faults, scenarios=0, series=0, turned=0)
    cases = list(_trends(context))
    series, changed, scenarios = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        copy, targets = scaled_catalogue(model, Path(folder))
        probe = probe_of(copy)
        for original in context.scenarios.values():
            if original.path is None:
                continue
            scenario = read_scenario(_copied(original.path, Path(folder)), copy)
            before = context.runs[original.id]
            after = probe.run([scenario.values], scenario.time)
            cases += [
                case(original.id, False, CaseTemplate.DEPENDS, what=label)
                for label in context.series
                if _bits(before, label) != _bits(after, label)
            ]
            scenarios, series = scenarios + 1, series + len(context.series)
            changed += _changed_verdicts(context, targets, before, scenario)
    if not changed:
        cases.append(case(CATALOGUE, False, CaseTemplate.INEFFECTIVE))
    return result("Q22", cases, sound=CATALOGUE, scenarios=scenarios, series=series, turned=changed)


def scaled_catalogue(model: Model, folder: Path) -> tuple[Model, tuple[Target, ...]]:
    """Copy what lies beside a model to a folder, with every figure of the catalogue scaled."""
    shutil.copytree(model.path.parent, folder / "model")
    catalogue = folder / "model" / CATALOGUE
    text = catalogue.read_text("utf-8")
    scaled = _FIGURE.sub(lambda match: f"{match[1]}{float(match[2]) * _SCALE}", text)
    catalogue.write_text(scaled, "utf-8")
    copy = load_model(folder / "model" / model.path.name)
    return copy, load_targets(catalogue, copy)


def _copied(scenario: Path, folder: Path) -> Path:
    """Copy the folder of a scenario, once, and return the copy of its file."""
    copy = folder / "scenarios"
    if not copy.is_dir():
        shutil.copytree(scenario.parent, copy)
    return copy / scenario.name


def _bits(runs: Runs, label: str) -> bytes:
    values: bytes = runs.values[0, runs.probe.rows[label]].tobytes()
    return values


def _changed_verdicts(
    context: ValidationContext, scaled: tuple[Target, ...], runs: Runs, scenario: Scenario
) -> int:
    """Return how many verdicts on a run change with the catalogue; some must."""
    by_id = {target.id: target for target in scaled}
    return sum(
        status_of(verdicts(runs, target, scenario))
        is not status_of(verdicts(runs, by_id[target.id], scenario))
        for target in context.judged
    )


def _trends(context: ValidationContext) -> Iterator[Case]:
    """Return indicators that depend on no stock but trends, and those that are constants.

    The former may be targets in disguise; the latter could be met by setting them.
    """
    model, stocks = context.model, set(context.stocks)
    # A stock that depends on no other one grows by itself, as a trend does.
    trends = {name for name in stocks if not (all_causes(model, [name]) - {name}) & stocks}
    for reference in context.indicators:
        name = split_reference(reference)[0]
        if not all_causes(model, [name]) & (stocks - trends):
            yield case(reference, False, CaseTemplate.TREND)


# --- Q23 ------------------------------------------------------------------------------------------


def assumed_targets(context: ValidationContext) -> Result:
    """Q23: require that the targets a scenario assumes, and no others, are reported as assumed."""
    ids = {target.id for target in context.targets if target.kind is Kind.TARGET}
    cases: list[Case] = []
    count = 0
    for scenario in context.scenarios.values():
        for unknown in set(scenario.assumed) - ids:
            cases.append(case(scenario.id, False, CaseTemplate.UNKNOWN, what=unknown))
        for target in context.judged:
            status = status_of(verdicts(context.runs[scenario.id], target, scenario))
            expected = target.id in scenario.assumed
            count += expected
            if (status is Status.ASSUMED) != expected:
                values = {"what": target.id, "status": status.value}
                cases.append(case(scenario.id, False, CaseTemplate.WRONG_STATUS, **values))
    if not count:
        cases.append(case("scenarios", False, CaseTemplate.NOTHING))
    scenarios = len(context.scenarios)
    return result("Q23", cases, sound="scenarios", scenarios=scenarios, assumed=count)
