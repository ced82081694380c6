"""Simulate a city under its five-year plan and judge every target of the plan.

::

    model = plansim.load_model()
    scenario = plansim.read_scenario("baseline", model)
    dataset = plansim.simulate(model, scenario)
    verdicts = plansim.check_targets(dataset, plansim.load_targets())

Names are loaded when they are first used, so that ``import plansim`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plansim.analysis.attribution import Attribution, attribute
    from plansim.analysis.calibration.calibrate import Calibration, calibrate
    from plansim.analysis.calibration.file import read_calibration
    from plansim.analysis.experiments.design import Design
    from plansim.analysis.experiments.design_file import read_design
    from plansim.analysis.experiments.sweep import sweep
    from plansim.analysis.feedback.loop_scores import LoopScores, score_loops
    from plansim.analysis.feedback.loops import Cut, Loop, cut_loops, load_loops
    from plansim.analysis.feedback.polarity import link_signs
    from plansim.analysis.optimization.frontier import Frontier, frontier
    from plansim.analysis.optimization.problem import Lever, lever_named, read_frontier_spec
    from plansim.analysis.optimization.target_seeking import Solution, solve
    from plansim.analysis.sensitivity.study import sensitivity
    from plansim.engine.batch import Ensemble, simulate_ensemble
    from plansim.engine.dataset import annual
    from plansim.engine.kernel import Kernel, compile_model
    from plansim.engine.simulate import simulate
    from plansim.errors import (
        CatalogueError,
        DesignError,
        Fault,
        InputError,
        ModelError,
        OutputError,
        PlansimError,
        ScenarioError,
        SimulationError,
        UnitError,
        UnknownNameError,
    )
    from plansim.model.reader import load_model
    from plansim.model.records import (
        Model,
        SubscriptRange,
        TimeSpec,
        Timing,
        Variable,
        VariableKind,
    )
    from plansim.output.describe import changes_in_short
    from plansim.output.diagrams.loops import loop_map
    from plansim.output.diagrams.modules import module_diagram, modules_drawn
    from plansim.output.figures import plot
    from plansim.output.page.page import page
    from plansim.output.text import Text, read_text
    from plansim.scenario.reader import (
        Change,
        Scenario,
        as_written,
        list_scenarios,
        read_scenario,
    )
    from plansim.targets.annual import frame
    from plansim.targets.catalogue import Attribute, Basis, Direction, Status, Target, load_targets
    from plansim.targets.indicator import Measure
    from plansim.targets.verdict import Verdict, check_targets
    from plansim.targets.views_file import load_views

    __version__: str

_HOMES = {
    "errors": [
        "CatalogueError",
        "DesignError",
        "Fault",
        "InputError",
        "ModelError",
        "OutputError",
        "PlansimError",
        "ScenarioError",
        "SimulationError",
        "UnitError",
        "UnknownNameError",
    ],
    "model.reader": ["load_model"],
    "model.records": [
        "Model",
        "SubscriptRange",
        "TimeSpec",
        "Timing",
        "Variable",
        "VariableKind",
    ],
    "scenario.reader": ["Change", "Scenario", "as_written", "list_scenarios", "read_scenario"],
    "targets.annual": ["frame"],
    "targets.verdict": ["Verdict", "check_targets"],
    "targets.indicator": ["Measure"],
    "targets.catalogue": ["Attribute", "Basis", "Direction", "Status", "Target", "load_targets"],
    "targets.views_file": ["load_views"],
    "engine.dataset": ["annual"],
    "engine.batch": ["Ensemble", "simulate_ensemble"],
    "engine.kernel": ["Kernel", "compile_model"],
    "engine.simulate": ["simulate"],
    "output.describe": ["changes_in_short"],
    "output.page.page": ["page"],
    "output.diagrams.modules": ["module_diagram", "modules_drawn"],
    "output.diagrams.loops": ["loop_map"],
    "output.text": ["Text", "read_text"],
    "analysis.attribution": ["Attribution", "attribute"],
    "analysis.calibration.calibrate": ["Calibration", "calibrate"],
    "analysis.calibration.file": ["read_calibration"],
    "analysis.experiments.design": ["Design"],
    "analysis.experiments.design_file": ["read_design"],
    "analysis.feedback.loop_scores": ["LoopScores", "score_loops"],
    "analysis.feedback.loops": ["Cut", "Loop", "cut_loops", "load_loops"],
    "analysis.optimization.frontier": ["Frontier", "frontier"],
    "analysis.optimization.problem": ["Lever", "lever_named", "read_frontier_spec"],
    "analysis.optimization.target_seeking": ["Solution", "solve"],
    "analysis.sensitivity.study": ["sensitivity"],
    "analysis.feedback.polarity": ["link_signs"],
    "analysis.experiments.sweep": ["sweep"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Attribute",
    "Attribution",
    "Basis",
    "Calibration",
    "CatalogueError",
    "Change",
    "Cut",
    "Design",
    "DesignError",
    "Direction",
    "Ensemble",
    "Fault",
    "Frontier",
    "InputError",
    "Kernel",
    "Lever",
    "Loop",
    "LoopScores",
    "Measure",
    "Model",
    "ModelError",
    "OutputError",
    "PlansimError",
    "Scenario",
    "ScenarioError",
    "SimulationError",
    "Solution",
    "Status",
    "SubscriptRange",
    "Target",
    "Text",
    "TimeSpec",
    "Timing",
    "UnitError",
    "UnknownNameError",
    "Variable",
    "VariableKind",
    "Verdict",
    "__version__",
    "annual",
    "as_written",
    "attribute",
    "calibrate",
    "changes_in_short",
    "check_targets",
    "compile_model",
    "cut_loops",
    "frame",
    "frontier",
    "lever_named",
    "link_signs",
    "list_scenarios",
    "load_loops",
    "load_model",
    "load_targets",
    "load_views",
    "loop_map",
    "module_diagram",
    "modules_drawn",
    "page",
    "plot",
    "read_calibration",
    "read_design",
    "read_frontier_spec",
    "read_scenario",
    "read_text",
    "score_loops",
    "sensitivity",
    "simulate",
    "simulate_ensemble",
    "solve",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("plansim")
    if name == "plot":  # a module: its functions are plansim.plot.trajectories and so on
        return importlib.import_module(f"{__name__}.output.figures.plot")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
