"""Verdicts over an ensemble of plausible models: in what share of its members a target is met.

::

    ensemble = load_ensemble(model)
    verdict_shares(model, ["baseline", "slow-growth"], ensemble)  # DataFrame: scenario × target

A share says how sure a verdict is in view of what the model leaves open; it is no probability of
the world.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.engine.simulate import simulate_years
from plansim.engine.trajectory import run_key
from plansim.errors import InputError, Message
from plansim.model.records import Model, check_model
from plansim.scenario.factors import FloatArray
from plansim.scenario.members import FILE_NAME, LIMIT, Members, MembersHead, read_head
from plansim.scenario.scenario_file import Scenario, scenarios_of
from plansim.scenario.variant import for_scenarios
from plansim.targets.annual import separate
from plansim.targets.catalogue import targets_of
from plansim.targets.judging import judge_many
from plansim.targets.target import Status, Target, judged_targets
from plansim.targets.verdict import CheckedTargets, Share, Verdict, verdicts_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from plansim.analysis.evaluator import Evaluation
    from plansim.engine.kernel import Kernel

__all__ = [
    "NORMAL",
    "check_scenarios",
    "ensemble_fits",
    "evaluate_members",
    "load_ensemble",
    "read_ensemble_head",
    "share_of",
    "shares_of",
    "study_key",
    "verdict_shares",
    "wilson",
    "with_shares",
]

NORMAL = 1.959963984540054
"""Half of the width of a 95 % interval, in standard deviations of the normal distribution."""
VIEWS = "views.yaml"
"""The file beside the model that marks the levers of policy."""


def load_ensemble(model: Model) -> Members:
    """Read the ensemble of plausible models that stands beside a model, as ``ensemble.csv``.

    Raises:
        InputError: there is none, it is at fault, or it is of other equations or ranges.

    >>> members = plansim.load_ensemble(plansim.load_model("lake.mdl"))
    >>> len(members), members.head.kind.value
    (5, 'prior')
    """
    from plansim.scenario.members_file import read_members
    from plansim.targets.views_file import load_views

    path = _path(model)
    if not path.is_file():
        command = Message("{command}", command="plansim model condition --prior")
        raise InputError("the model has no ensemble", path, expected=command)
    return read_members(path, model, load_views(model).policy)


def read_ensemble_head(model: Model) -> MembersHead | None:
    """Return the header of the ensemble beside a model; None if there is no ensemble.

    Raises:
        InputError: the header is at fault.
    """
    path = _path(model)
    return read_head(path) if path.is_file() else None


def ensemble_fits(model: Model) -> bool:
    """Return whether an ensemble stands beside a model, and is of its equations and ranges.

    Raises:
        InputError: the header is at fault.
    """
    head = read_ensemble_head(model)
    return head is not None and head.misfit(model) is None


def _path(model: Model) -> Path:
    check_model(model)
    return model.path.with_name(FILE_NAME)


def verdict_shares(
    model: Model,
    scenarios: Scenario | str | Path | Sequence[Scenario | str | Path] | None = None,
    ensemble: Members | None = None,
    targets: Iterable[Target | str] | None = None,
    *,
    threads: int | None = None,
) -> pd.DataFrame:
    """Return in what share of an ensemble's members targets are met: one row a scenario and target.

    Columns: ``scenario`` and ``target`` (ids); ``share``, undecided members counting as half;
    ``share_low`` and ``share_high``, the ends of Wilson's 95 % interval of sampling alone;
    ``members``, how many are counted, and ``unsound``, how many are left out, since a value of
    theirs is not finite or beyond `LIMIT`. A target that the scenario assumes has NaN for shares.

    Args:
        model: the model.
        scenarios: one or several, as for `simulate`.
        ensemble: by default that beside the model.
        targets: records or ids; by default those of the catalogue beside the model.
        threads: number of threads, by default one a processor. The result does not depend on it.

    Raises:
        InputError: the ensemble is at fault, or a scenario.
        ModelError: the compiler does not support the model.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.verdict_shares(model, "boats.yaml")[["scenario", "target", "share", "members"]]
      scenario target  share  members
    0    boats     F1    0.6        5
    1    boats     F2    1.0        5
    """
    members = load_ensemble(model) if ensemble is None else ensemble
    wanted = targets_of(model, targets)
    return _frame_of(
        (scenario.id, target, share)
        for scenario in scenarios_of(model, scenarios)
        for target, share in _shares(model, scenario, wanted, members, threads)
    )


def shares_of(runs: xr.Dataset, targets: Iterable[Target]) -> pd.DataFrame:
    """Do as `verdict_shares` on the runs of members, as `simulate` returns them.

    Raises:
        CatalogueError: a target is judged by a variable that the dataset does not hold.
    """
    rows = []
    for run in separate(runs):
        sound = np.asarray(run["sound"].to_numpy(), dtype=bool)
        for target, verdicts in judge_many(run, targets):
            codes = np.broadcast_to(verdicts.status, sound.shape)[sound]
            share = share_of(codes, str(run.attrs["ensemble"]), int((~sound).sum()))
            rows.append((str(run.attrs["scenario"]), target.id, share))
    return _frame_of(rows)


def _frame_of(rows: Iterable[tuple[str, str, Share]]) -> pd.DataFrame:
    """Return shares as a table, one row a scenario and target."""
    import pandas as pd

    columns = ("share", "share_low", "share_high", "members", "unsound")
    table = [(*ids, *(getattr(share, column) for column in columns)) for *ids, share in rows]
    frame = pd.DataFrame(table, columns=["scenario", "target", *columns])
    return frame.astype(dict.fromkeys(columns[:3], np.float64))


def with_shares(
    verdicts: Iterable[Verdict],
    model: Model,
    scenarios: Iterable[Scenario],
    targets: Sequence[Target],
) -> CheckedTargets:
    """Return verdicts, with their shares over the ensemble beside the model if one fits it.

    Shares are kept in the cache.

    Raises:
        InputError: the ensemble is at fault.
        ModelError: the compiler does not support the model.
    """
    verdicts = CheckedTargets(verdicts)
    if not ensemble_fits(model):
        return verdicts
    judged = {verdict.scenario for verdict in verdicts}
    members = cache(lambda: load_ensemble(model))

    def made(scenario: Scenario) -> dict[str, Share]:
        return dict(_shares(model, scenario, targets, members(), None))

    shares: dict[str, Mapping[str, Share]] = {
        one.id: kept("shares", study_key(model, one, targets), dict, partial(made, one))
        for one in scenarios
        if one.id in judged
    }
    return CheckedTargets(
        verdict  # such as one whose year was cut off
        if verdict.status is Status.UNTESTABLE
        else replace(verdict, share=shares.get(verdict.scenario, {}).get(verdict.id))
        for verdict in verdicts
    )


def study_key(model: Model, scenario: Scenario, *parts: object) -> str:
    """Return the digest of what a study of an ensemble under a scenario depends on.

    ``parts`` are what is asked of it, as records with a complete ``repr``.
    """
    run = run_key(for_scenarios(model, [scenario]), scenario)
    assumed = json.dumps([scenario.id, sorted(scenario.assumed)])
    beside = [file_sha256(path) for path in (_path(model), model.path.with_name(VIEWS))]
    code = code_of("", "model", "scenario", "targets", "compiler", "engine", "analysis")
    return digest("study", run, assumed, *map(repr, parts), *beside, code)


def check_scenarios(
    model: Model,
    scenarios: Scenario | str | Path | Sequence[Scenario | str | Path] | None = None,
    targets: Sequence[Target | str] | None = None,
) -> CheckedTargets:
    """Run scenarios and judge them, as the command ``check`` does.

    Verdicts have shares, if an ensemble beside the model fits it.

    Args:
        model: the model.
        scenarios: one or several, as for `simulate`.
        targets: records or ids; by default those of the catalogue beside the model.

    Raises:
        InputError: a scenario or the ensemble is at fault.
        CatalogueError: a target is judged by a variable that a run does not hold.
        SimulationError: as for `simulate`, as are all other errors.

    >>> verdicts = plansim.check_scenarios(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> [(verdict.id, verdict.status.value, verdict.share.of_hundred) for verdict in verdicts]
    [('F1', 'missed', 60), ('F2', 'met', 100)]
    """
    chosen = scenarios_of(model, scenarios)
    wanted = targets_of(model, targets)
    runs = (simulate_years(model, scenario) for scenario in chosen)
    verdicts = (verdict for run in runs for verdict in verdicts_of(run, wanted))
    return with_shares(verdicts, model, chosen, wanted)


def _shares(
    model: Model,
    scenario: Scenario,
    targets: Iterable[Target],
    members: Members,
    threads: int | None,
) -> Iterator[tuple[str, Share]]:
    """Yield the targets under one scenario, each with its share."""
    judged = judged_targets(targets)
    evaluation = evaluate_members(model, scenario, judged, members, threads)
    unsound = int(evaluation.failed.sum())
    for target in judged:
        yield target.id, share_of(evaluation[target.id].status, members.head.kind.value, unsound)


def share_of(codes: npt.NDArray[np.int8], ensemble: str, unsound: int) -> Share:
    """Return the share of members, by the codes of their status, that meet a target.

    ``ensemble`` is its kind; ``unsound`` members broke down, and have no code that counts.
    """
    counts = np.bincount(codes, minlength=len(Status))
    met, missed, undecided = (
        int(counts[one.code]) for one in (Status.MET, Status.MISSED, Status.UNDECIDED)
    )
    count = met + missed + undecided
    share = low = high = None
    if count:
        good = met + undecided / 2
        share = good / count
        low, high = (float(end) for end in wilson(np.array(good), np.array(float(count))))
    return Share(ensemble, share, low, high, count, unsound)


def evaluate_members(
    model: Model,
    scenario: Scenario,
    targets: Sequence[Target],
    members: Members,
    threads: int | None = None,
    *,
    stop_early: bool = False,
    kernel: Kernel | None = None,
    outputs: Sequence[str] = (),
    years: Iterable[int] = (),
) -> Evaluation:
    """Run the members under a scenario, and judge them: ``(run,)`` is the member.

    With ``stop_early`` runs end with the targets' years: a later breach is not looked for, and what
    breaks down later is sound. ``outputs`` are series that are wanted in ``years``; ``kernel`` is
    the code of single runs, if it is at hand.

    Raises:
        InputError: members change a constant that the shape of the code depends on.
        ModelError: the compiler does not support the model.
    """
    from plansim.analysis.evaluator import Evaluator, Request, processors

    names, constants = members.constants_under(model, scenario)
    request = Request(tuple(targets), outputs=tuple(outputs), years=tuple(years))
    evaluator = Evaluator(
        model, scenario, names, request, shared=kernel or True, limit=LIMIT, stop_early=stop_early
    )
    seeds = np.arange(len(members), dtype=np.float64)
    return evaluator.evaluate(constants, threads or processors(), seeds)


def wilson(successes: npt.NDArray[np.number], count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the 95 % interval of a share of independent draws; the shape stays.

    NaN where ``count`` is NaN. Reference: E. B. Wilson, Journal of the American Statistical
    Association 22 (1927) 209-212.

    >>> low, high = wilson(np.array([5.0]), np.array([10.0]))
    >>> print(low.round(4), high.round(4))
    [0.2366] [0.7634]
    """
    share = np.asarray(successes / count, np.float64)
    more = count + NORMAL**2
    middle = (successes + NORMAL**2 / 2) / more
    half = NORMAL / more * np.sqrt(successes * (1 - share) + NORMAL**2 / 4)
    # Exact where all or none succeed, in spite of rounding.
    low = np.where(successes == 0, 0 * share, middle - half)
    high = np.where(successes == count, share, middle + half)
    return low, high
