"""pysimlin, where it is installed: unit check, second engine, XMILE, scores of links."""

from __future__ import annotations

import atexit
import importlib.util
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plansim.engine.trajectory import Trajectory, cells, largest_difference
from plansim.errors import InputError, Message, SimulationError, foreign
from plansim.files.reading import read_regular, reason_of
from plansim.model.records import Model, VariableKind, cells_of
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.variant import for_scenarios

__all__ = [
    "AGREE",
    "LinkScores",
    "check_units",
    "has_simlin",
    "link_scores",
    "run_simlin",
    "to_xmile",
    "vdf_as_csv",
]


AGREE = 1e-6
"""The largest difference of pysimlin's run to ours, of the largest value of a series."""


def has_simlin() -> bool:
    """Return whether pysimlin is installed; it runs on Linux and macOS alone."""
    return importlib.util.find_spec("simlin") is not None


def _require_simlin() -> None:
    if not has_simlin():
        raise InputError("pysimlin is not installed; pip install 'plansim[loops]' brings it")


def _loaded(text: str) -> Any:
    """Return what pysimlin reads from a model's text."""
    import simlin

    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        path = Path(folder) / "model.mdl"
        path.write_text(text, "utf-8")
        return simlin.load(path)


def check_units(path: Path) -> tuple[str, ...]:
    """Return what pysimlin finds wrong with a model, units before all. It skips blank ones."""
    import simlin

    return tuple(str(issue) for issue in simlin.load(path).check())


def vdf_as_csv(path: Path) -> Path:
    """Write a run that Vensim keeps in a ``.vdf`` file as a CSV table, and return its path.

    It lies in a folder that is removed when the process ends. What is missing has no number in it.

    Raises:
        InputError: pysimlin is not installed, or cannot read the file.
    """
    _require_simlin()
    import simlin

    folder = tempfile.mkdtemp(prefix="plansim-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    table = Path(folder, "run.csv")
    try:
        read_regular(path)  # a pipe or a device would never end
        simlin.load_vdf(path).to_csv(table)
    except (simlin.SimlinError, OSError, ValueError) as error:
        why = reason_of(error)
        raise InputError("the table cannot be read", path, found=why) from None
    return table


def run_simlin(model: Model, scenario: Scenario, method: str = "euler") -> Mapping[str, FloatArray]:
    """Run a model by pysimlin: ``(time,)`` of what changes, by ``name`` or ``name[e1,e2]``.

    Stocks are integrated by ``euler`` or ``rk4``, whatever the scenario says: pysimlin has no
    midpoint rule. Times are those that the scenario saves; constants are left out.
    """
    model = for_scenarios(model, [scenario])
    loaded = _loaded(model.text)
    time = scenario.time
    loaded.project.set_sim_specs(
        start=time.initial,
        stop=time.final,
        dt=time.step,
        save_step=time.saveper,
        sim_method=method,
    )
    clock = {v.name for v in model.variables.values() if v.kind is VariableKind.CONTROL}
    overrides = {name: value for name, value in scenario.values.items() if name not in clock}
    simulation = loaded.simulate(overrides=overrides)
    simulation.run_to_end()
    return {
        label: _series(simulation, label)
        for variable in model.variables.values()
        if variable.kind.moves
        for label in cells_of(model, variable)
    }


def to_xmile(model: Model) -> bytes:
    """Return a model as XMILE, as pysimlin writes it.

    Raises:
        InputError: pysimlin is not installed, or cannot read the model.
    """
    _require_simlin()
    import simlin

    try:
        return bytes(_loaded(model.text).project.to_xmile())
    except simlin.SimlinError as error:
        raise InputError(
            "pysimlin cannot read the model", model.path, found=foreign(error)
        ) from None


@dataclass(frozen=True)
class LinkScores:
    """How much of each variable's change at a time is due to each of its causes."""

    time: FloatArray
    """``(time,)``: the saved times but the first, at which nothing has changed yet."""
    scores: Mapping[tuple[str, str], FloatArray]
    """``(time,)`` by cause and effect, each ``name`` or ``name[e1,e2]``; the sign is the link's.
    0 where the effect does not move."""


def link_scores(model: Model, scenario: Scenario, run: Trajectory) -> LinkScores:
    """Return the scores of all links between elements of variables, by *Loops That Matter*.

    pysimlin 0.8.5 gives the scores of a link between arrays for their first element alone, and none
    where a sum is taken. So it is given the model without arrays (`model.rewrite`). A stock of
    which it splits off the net flow has the product of both links. ``run`` is our run at the times
    that the scenario saves.

    Reference: Schoenberg, Davidsen, Eberlein (2020), System Dynamics Review 36:158-190.

    Raises:
        InputError: pysimlin is not installed.
        ModelError: the model cannot be written without arrays.
        SimulationError: pysimlin fails, or its run differs from ours by more than `AGREE`.
    """
    _require_simlin()
    import simlin

    from plansim.model.rewrite import without_arrays

    plain = without_arrays(model, scenario.values, scenario.time)
    try:
        simulation = _loaded(plain.text).simulate(enable_ltm=True)
        simulation.run_to_end()
        links = simulation.get_links()
        ours = cells(model, run)
        theirs = {label: _series(simulation, plain.names[label]) for label in ours}
        time = _series(simulation, "time")[1:]
    except simlin.SimlinError as error:
        raise SimulationError(
            "pysimlin cannot compute the model: {error}", error=str(error)
        ) from None
    worst = largest_difference(ours, theirs)
    if not worst.error <= AGREE:
        raise SimulationError(
            "pysimlin computes another run: '{series}' differs by {error:.1e} of its size",
            series=worst.series,
            error=worst.error,
            expected=Message("at most {limit:g}", limit=AGREE),
        )
    return LinkScores(time, _scores(links, {name: label for label, name in plain.names.items()}))


def _series(simulation: Any, name: str) -> FloatArray:
    return np.asarray(simulation.get_series(name), dtype=np.float64)


def _scores(
    links: Sequence[Any], labels: Mapping[str, str]
) -> Mapping[tuple[str, str], FloatArray]:
    """Return the scores by cause and effect; those by way of a net flow are multiplied."""
    found: dict[tuple[str, str], FloatArray] = {}
    into: dict[str, list[tuple[str, FloatArray]]] = {}
    out_of: dict[str, tuple[str, FloatArray]] = {}
    for link in links:
        if link.score is None:
            continue
        score = np.nan_to_num(np.asarray(link.score, dtype=np.float64)[1:])
        if link.to_var.endswith(_NET_FLOW):
            into.setdefault(link.to_var, []).append((link.from_var, score))
        elif link.from_var.endswith(_NET_FLOW):
            out_of[link.from_var] = link.to_var, score
        elif link.to_var in labels and link.from_var in labels:
            found[labels[link.from_var], labels[link.to_var]] = score
    for flow, (stock, last) in out_of.items():
        for cause, first in into.get(flow, ()):
            pair = labels[cause], labels[stock]
            found[pair] = found.get(pair, 0.0) + first * last
    return found


_NET_FLOW = "_net_flow"
"""How pysimlin calls the rate of a stock that is more than a sum of flows."""
