"""Public names of plansim, each with the module that defines it.

Type checkers read this file; `plansim.__getattr__` reads it too, so that a name stands only here.
"""

from plansim.analysis.attribution.assumptions import (
    Attribution as Attribution,
    attribute as attribute,
)
from plansim.analysis.attribution.models import (
    ModelDifference as ModelDifference,
    model_difference as model_difference,
)
from plansim.analysis.comparison import (
    Comparison as Comparison,
    compare as compare,
)
from plansim.analysis.calibration.diagnostics import diagnose as diagnose
from plansim.analysis.calibration.conditioning import read_conditioning as read_conditioning
from plansim.analysis.calibration.history_matching import (
    Conditioned as Conditioned,
    condition as condition,
    draw_members as draw_members,
)
from plansim.analysis.ensemble import (
    check_scenarios as check_scenarios,
    load_ensemble as load_ensemble,
    verdict_shares as verdict_shares,
)
from plansim.analysis.experiments.design import Design as Design
from plansim.analysis.calibration.prior import draw_prior as draw_prior
from plansim.analysis.experiments.design_file import (
    quick_design as quick_design,
    read_design as read_design,
)
from plansim.analysis.experiments.replay import Replay as Replay, replay as replay
from plansim.analysis.experiments.store import open_sweep as open_sweep
from plansim.analysis.experiments.sweep import sweep as sweep
from plansim.analysis.feedback.loop_scores import (
    LoopScores as LoopScores,
    score_loops as score_loops,
)
from plansim.analysis.feedback.loops import (
    Cut as Cut,
    Loop as Loop,
    cut_loops as cut_loops,
    load_loops as load_loops,
)
from plansim.analysis.feedback.polarity import (
    link_signs as link_signs,
)
from plansim.analysis.decisions.conflicts import (
    Conflicts as Conflicts,
    conflicts as conflicts,
)
from plansim.analysis.decisions.discovery import (
    Discoveries as Discoveries,
    Discovery as Discovery,
    discover as discover,
)
from plansim.analysis.decisions.information import (
    Information as Information,
    information as information,
)
from plansim.analysis.decisions.policies import (
    PolicySet as PolicySet,
    policies as policies,
    policy_text as policy_text,
)
from plansim.analysis.decisions.policy_search import (
    Aim as Aim,
)
from plansim.analysis.decisions.robustness import (
    Robustness as Robustness,
    robustness as robustness,
)
from plansim.analysis.decisions.signposts import (
    Adaptation as Adaptation,
    adaptation as adaptation,
    Signpost as Signpost,
    Signposts as Signposts,
    signposts as signposts,
)
from plansim.analysis.optimization.frontier import Frontier as Frontier, frontier as frontier
from plansim.analysis.optimization.levers import lever_named as lever_named
from plansim.analysis.optimization.decision_form import (
    read_frontier_spec as read_frontier_spec,
)
from plansim.analysis.optimization.target_seeking import Solution as Solution, solve as solve
from plansim.analysis.sensitivity.given_data import sensitivity as sensitivity
from plansim.analysis.sensitivity.morris import morris as morris
from plansim.analysis.sensitivity.sobol import Sensitivity as Sensitivity, sobol as sobol
from plansim.analysis.sensitivity.unknowns import (
    DecidedTarget as DecidedTarget,
    DecidingUnknown as DecidingUnknown,
    deciding_unknowns as deciding_unknowns,
)
from plansim.analysis.validation.context import load_context as load_context
from plansim.analysis.validation.suite import validate as validate
from plansim.engine.batch import Ensemble as Ensemble, simulate_ensemble as simulate_ensemble
from plansim.engine.kernel import Kernel as Kernel, compile_model as compile_model
from plansim.engine.simulate import simulate as simulate
from plansim.errors import (
    CatalogueError as CatalogueError,
    DesignError as DesignError,
    Fault as Fault,
    InputError as InputError,
    ModelError as ModelError,
    OutputError as OutputError,
    PlansimError as PlansimError,
    ScenarioError as ScenarioError,
    SimulationError as SimulationError,
    UnitError as UnitError,
    UnknownNameError as UnknownNameError,
)
from plansim.files.scaffold import new_city as new_city
from plansim.model.difference import Differences as Differences
from plansim.model.reader import load_model as load_model
from plansim.model.records import (
    Model as Model,
    SubscriptRange as SubscriptRange,
    TimeSpec as TimeSpec,
    Timing as Timing,
    Variable as Variable,
    VariableKind as VariableKind,
)
from plansim.output.documentation.pages import document as document
from plansim.output.documentation.validation import validation_report as validation_report
from plansim.output.describe import changes_in_short as changes_in_short
from plansim.output.diagrams.draw import (
    module_diagram as module_diagram,
    modules_drawn as modules_drawn,
)
from plansim.output.diagrams.sketch import sketch as sketch, write_sketch as write_sketch
from plansim.output.export.export import export as export
from plansim.output.figures import plot as plot
from plansim.output.page.page import Page as Page, page as page
from plansim.output.report.report import report as report
from plansim.output.words.answer import answer as answer
from plansim.output.words.text import Text as Text, read_text as read_text
from plansim.scenario.members import Members as Members
from plansim.scenario.members_file import write_members as write_members
from plansim.scenario.scenario_file import (
    Change as Change,
    Scenario as Scenario,
    as_written as as_written,
    list_overlays as list_overlays,
    list_scenarios as list_scenarios,
    read_scenario as read_scenario,
)
from plansim.targets.annual import annual as annual, frame as frame
from plansim.targets.audit import Clash as Clash, audit as audit
from plansim.targets.catalogue import load_targets as load_targets
from plansim.targets.target import (
    Attribute as Attribute,
    Basis as Basis,
    Direction as Direction,
    Status as Status,
    Target as Target,
)
from plansim.targets.indicator import Measure as Measure
from plansim.targets.verdict import (
    Certainty as Certainty,
    Share as Share,
    Verdict as Verdict,
    check_targets as check_targets,
)
from plansim.targets.views import Lever as Lever
from plansim.targets.views_file import load_views as load_views

__all__: list[str]
__version__: str
