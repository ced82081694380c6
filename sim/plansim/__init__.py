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
    from plansim.engine.dataset import annual
    from plansim.engine.ensemble import Ensemble, simulate_ensemble
    from plansim.engine.kernel import Kernel, compile_model
    from plansim.engine.run import simulate
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
    from plansim.model.mdl import load_model
    from plansim.model.records import (
        Model,
        SubscriptRange,
        TimeSpec,
        Timing,
        Variable,
        VariableKind,
    )
    from plansim.model.scenario import (
        Change,
        Scenario,
        as_written,
        list_scenarios,
        read_scenario,
    )
    from plansim.plan.annual import frame
    from plansim.plan.check import Verdict, check_targets
    from plansim.plan.measure import Measure
    from plansim.plan.targets import Attribute, Basis, Direction, Status, Target, load_targets
    from plansim.plan.views_file import load_views
    from plansim.present import plot
    from plansim.present.describe import changes_in_short
    from plansim.present.diagram import module_diagram, modules_drawn
    from plansim.present.diagram_loops import loop_map
    from plansim.present.page.page import page
    from plansim.present.text import Text, read_text
    from plansim.study.calibrate import Calibration, calibrate
    from plansim.study.calibration_file import read_calibration
    from plansim.study.causes import Attribution, attribute
    from plansim.study.design import Design
    from plansim.study.design_file import read_design
    from plansim.study.dominance import Dominance, find_dominance, indicators_of
    from plansim.study.loop_scores import LoopScores, score_loops
    from plansim.study.loops import Cut, Loop, cut_loops, load_loops
    from plansim.study.sensitivity import sensitivity
    from plansim.study.signs import link_signs
    from plansim.study.solve import Lever, Solution, lever_named, solve
    from plansim.study.sweep import sweep

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
    "model.mdl": ["load_model"],
    "model.records": [
        "Model",
        "SubscriptRange",
        "TimeSpec",
        "Timing",
        "Variable",
        "VariableKind",
    ],
    "model.scenario": ["Change", "Scenario", "as_written", "list_scenarios", "read_scenario"],
    "plan.annual": ["frame"],
    "plan.check": ["Verdict", "check_targets"],
    "plan.measure": ["Measure"],
    "plan.targets": ["Attribute", "Basis", "Direction", "Status", "Target", "load_targets"],
    "plan.views_file": ["load_views"],
    "engine.dataset": ["annual"],
    "engine.ensemble": ["Ensemble", "simulate_ensemble"],
    "engine.kernel": ["Kernel", "compile_model"],
    "engine.run": ["simulate"],
    "present.describe": ["changes_in_short"],
    "present.page.page": ["page"],
    "present.diagram": ["module_diagram", "modules_drawn"],
    "present.diagram_loops": ["loop_map"],
    "present.text": ["Text", "read_text"],
    "study.causes": ["Attribution", "attribute"],
    "study.calibrate": ["Calibration", "calibrate"],
    "study.calibration_file": ["read_calibration"],
    "study.design": ["Design"],
    "study.design_file": ["read_design"],
    "study.dominance": ["Dominance", "find_dominance", "indicators_of"],
    "study.loop_scores": ["LoopScores", "score_loops"],
    "study.loops": ["Cut", "Loop", "cut_loops", "load_loops"],
    "study.solve": ["Lever", "Solution", "lever_named", "solve"],
    "study.sensitivity": ["sensitivity"],
    "study.signs": ["link_signs"],
    "study.sweep": ["sweep"],
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
    "Dominance",
    "Ensemble",
    "Fault",
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
    "find_dominance",
    "frame",
    "indicators_of",
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
        return importlib.import_module(f"{__name__}.present.plot")
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
