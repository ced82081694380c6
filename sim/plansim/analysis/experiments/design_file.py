"""Reading the file of a sweep's design into a `Design` that fits the model.

The form is in `design_form`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from plansim.analysis.experiments.design import Design, DesignKind, remaining_factors
from plansim.analysis.experiments.design_form import DesignContext, DesignForm
from plansim.analysis.experiments.sampling import MOST_HYPERCUBE, MOST_RUNS, grid_axes
from plansim.errors import DesignError, Fault, InputError, Message, check_counts
from plansim.files.forms import form_of
from plansim.files.shipped import is_shipped, named_file
from plansim.files.yaml_document import Plain, YamlDocument, read_document
from plansim.model.records import Model, several
from plansim.scenario.cells import outside, range_text
from plansim.scenario.factors import Factor, clashing, constants_of
from plansim.scenario.scenario_file import Scenario, as_written, read_scenario
from plansim.scenario.variant import for_scenarios
from plansim.targets.labels import reference_named
from plansim.targets.target import variable_of

__all__ = ["LEVELS", "TRAJECTORIES", "design_named", "quick_design", "read_design"]

SAMPLE = 1024
"""Default number of points of a sample."""
TRAJECTORIES = 50
"""Default number of Morris trajectories."""
LEVELS = 4
"""Default number of levels of a factor in a grid or on a trajectory."""


def design_named(name: str | Path) -> Path:
    """Return the path of a design that comes with plansim, or the path that ``name`` is.

    Raises:
        UnknownNameError: there is no such design.
    """
    return named_file(name, "sweeps", Message("no design is called '{name}'", name=str(name)))


def read_design(
    path: str | Path,
    model: Model,
    *,
    samples: int | None = None,
    seed: int | None = None,
    scenarios: Sequence[Scenario] | None = None,
    overlays: Sequence[str] = (),
) -> Design:
    """Read a design file, or the design of a name that comes with plansim, for a model.

    ``samples``, ``seed`` and ``scenarios`` override the file; ``overlays`` are laid over its
    scenarios. Constants that the file's own
    scenarios set are not remaining parameters under other scenarios either.

    Raises:
        DesignError: with every fault of the file, its table and its scenarios.
        UnknownNameError: no design that comes with plansim has the name.

    >>> design = plansim.read_design("design.yaml", plansim.load_model("lake.mdl"), samples=32)
    >>> design.runs, [factor.name for factor in design.factors]
    (32, ['growth rate', 'room'])
    """
    path = design_named(path)
    document = read_document(path)
    context = DesignContext(model, path, overlays=several(overlays))
    return _design(document, context, samples, seed, scenarios)


def quick_design(
    scenario: str | None,
    factors: Sequence[str] | Mapping[str, tuple[float, float]],
    model: Model,
    *,
    samples: int | None = None,
    seed: int | None = None,
    overlays: Sequence[str] = (),
) -> Design:
    """Make a Sobol design of some factors under one scenario (None: the model as it is written).

    A factor is a text, ``NAME`` for its plausible range or ``NAME=LOW..HIGH``, or a name with the
    ends of its range in the model's unit. ``overlays`` are laid over the scenario.

    Raises:
        DesignError: a factor cannot be read, or does not fit the model.
        UnknownNameError: no scenario bears the name.
        ScenarioError: the scenario's file is at fault.

    >>> model = plansim.load_model("lake.mdl")
    >>> design = plansim.quick_design("boats.yaml", {"room": (900, 1100)}, model, samples=16)
    >>> design.runs, design.factors[0].distribution
    (16, Uniform(low=900.0, high=1100.0))
    """
    if isinstance(factors, Mapping):
        factors = [f"{name}={'..'.join(map(str, several(ends)))}" for name, ends in factors.items()]
    bounds: dict[str, Plain] = {}
    faults = []
    for text in several(factors):
        name, given, ends = (part.strip() for part in text.partition("="))
        low, dots, high = (part.strip() for part in ends.partition(".."))
        if not name or (given and not (low and dots and high)):
            expected = Message("NAME or NAME=LOW..HIGH")
            faults.append(Fault("not a factor", "--factor", expected=expected, found=text))
            continue
        try:
            name = reference_named(model, name)
        except InputError as error:
            faults += [replace(fault, file="--factor") for fault in error.faults]
            continue
        if name in bounds:
            faults.append(Fault("the factor '{name}' is given twice", "--factor", name=name))
        else:
            bounds[name] = [low, high] if given else None
    if faults:
        raise DesignError(faults)
    read = as_written(model)
    if scenario is not None or overlays:
        read = read_scenario(scenario or read.id, model, overlays=overlays)
    data: Plain = {"title": "", "scenarios": scenario or read.id, "factors": bounds}
    document = YamlDocument("--factor", "", data, {}, ())
    design = _design(document, DesignContext(model), samples, seed, [read])
    return replace(design, id=read.id, title_en=read.title_en, title_zh=read.title_zh)


def _design(
    document: YamlDocument,
    context: DesignContext,
    samples: int | None,
    seed: int | None,
    scenarios: Sequence[Scenario] | None,
) -> Design:
    check_counts(samples=samples)
    check_counts(0, seed=seed)
    model, path = context.model, context.path
    form = form_of(DesignForm, document, context, DesignError)
    read = list(form.scenarios if scenarios is None else scenarios)
    if method := form.integration:
        read = [replace(one, time=replace(one.time, integration=method)) for one in read]
    factors = list(form.factors.values())
    if form.rest is not None:
        taken = {constant for factor in factors for constant in factor.constants}
        fixed = [*form.scenarios, *read]
        factors += remaining_factors(model, taken, fixed, form.rest.without)
    model = for_scenarios(model, read, (name for factor in factors for name in factor.constants))
    outputs = tuple(reference for series in form.outputs for reference in series)
    kind, levels = form.design.kind, form.design.levels or LEVELS
    ranged = [fault for one in read for fault in _out_of_range(kind, factors, one, model)]
    wanted = form.design.samples if samples is None else samples
    points = _points(kind, factors, levels, wanted)
    faults = [
        *clashing("factors", factors, outputs),
        *_unreached(form.years, read),
        *(fault for is_refused, fault in ranged if is_refused),
    ]
    if kind is DesignKind.GRID and wanted is not None:
        faults.append(Fault("how many points a grid has, levels say", at=("design", "samples")))
    most = MOST_HYPERCUBE if kind is DesignKind.LATIN_HYPERCUBE else MOST_RUNS // len(read)
    if points > most:
        expected, found = Message("at most {count} points", count=most), str(points)
        message = Message("the design has too many runs")
        faults.append(Fault(message, None, None, expected, found, at=("design",)))
    if faults:
        raise DesignError(dict.fromkeys(document.placed(fault) for fault in faults))
    warnings = [warning for scenario in read for warning in scenario.warnings]
    if path is None or not is_shipped(path):
        warnings += [document.placed(fault) for is_refused, fault in ranged if not is_refused]
    return Design(
        id=path.stem if path else "",
        title_en=form.title.en,
        title_zh=form.title.zh,
        kind=kind,
        scenarios=tuple(read),
        factors=tuple(factors),
        points=points,
        seed=form.design.seed if seed is None else seed,
        levels=levels,
        outputs=outputs,
        years=tuple(sorted(set(form.years))),
        path=path,
        sha256=document.sha256,
        warnings=tuple(dict.fromkeys(warnings)),
    )


# --- consistency ---------------------------------------------------------------------


def _unreached(years: Sequence[int], scenarios: Sequence[Scenario]) -> Iterator[Fault]:
    for index, year in enumerate(years):
        if scenarios and not any(s.time.initial <= year <= s.time.final for s in scenarios):
            first = min(scenario.time.initial for scenario in scenarios)
            last = max(scenario.time.final for scenario in scenarios)
            expected = Message("{low:g} to {high:g}{unit}", low=first, high=last, unit="")
            yield Fault("no run reaches {year}", at=("years", index), expected=expected, year=year)


def _out_of_range(
    kind: DesignKind, factors: Sequence[Factor], scenario: Scenario, model: Model
) -> Iterator[tuple[bool, Fault]]:
    """Yield a fault for each constant that leaves its range, with whether it is to be refused.

    What is admissible is held to; what is only implausible is warned of.
    """
    for factor in factors:
        at = ("factors", factor.name)
        assert factor.distribution is not None
        ends = np.array([[factor.distribution.low], [factor.distribution.high]])
        if kind is DesignKind.MORRIS and not np.isfinite(ends).all():
            expected = Message("within: [low, high]")
            yield True, Fault("'{name}' needs ends", at=at, expected=expected, name=factor.name)
            continue
        reached = constants_of(model, scenario.values, [factor], ends)
        for constant, column in zip(factor.constants, reached.T, strict=True):
            low, high = sorted(map(float, column))
            variable = variable_of(model, constant)
            own = {"name": factor.name, "constant": constant}
            refused = Message("'{name}' takes '{constant}' outside its admissible range", **own)
            warned = Message("'{name}' takes '{constant}' outside its plausible range", **own)
            for message, bounds in (refused, variable.admissible), (warned, variable.plausible):
                if bounds is not None and _leaves(low, high, bounds):
                    expected = range_text(*bounds, variable.unit)
                    found = range_text(low, high, variable.unit)
                    yield message is refused, Fault(message, None, None, expected, found, at=at)
                    break


def _leaves(low: float, high: float, bounds: tuple[float | None, float | None]) -> bool:
    return any(math.isfinite(end) and outside(end, *bounds) for end in (low, high))


def _points(kind: DesignKind, factors: Sequence[Factor], levels: int, wanted: int | None) -> int:
    """Return the number of points of a design, of which so many are wanted."""
    match kind:
        case DesignKind.GRID:
            return math.prod(len(axis) for axis in grid_axes(factors, levels))
        case DesignKind.MORRIS:
            return (wanted or TRAJECTORIES) * (len(factors) + 1)
        case DesignKind.SOBOL | DesignKind.LATIN_HYPERCUBE:
            return wanted or SAMPLE
