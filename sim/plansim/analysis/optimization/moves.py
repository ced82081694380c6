"""The moves of a search: the range of one or several constants, and the lever of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from plansim.errors import InputError, Message
from plansim.model.records import Model, VariableKind
from plansim.scenario.factors import Apply, FloatArray, neutral_value
from plansim.scenario.references import meant
from plansim.scenario.scenario_file import Scenario
from plansim.targets.labels import reference_named
from plansim.targets.target import Target
from plansim.targets.views import Lever, names_of
from plansim.targets.views_file import load_views

__all__ = ["Move", "lever_named", "ranges_of", "scale_of"]


@dataclass(frozen=True)
class Move:
    """A lever, where it is and where it is moved to, in its own unit."""

    lever: Lever
    present: float
    """The constant's value; 0 of a lever that adds, 1 of one that multiplies."""
    value: float

    @property
    def effort(self) -> float:
        """The part of the lever's range that the move takes."""
        return abs(self.value - self.present) / (self.lever.high - self.lever.low)


def scale_of(target: Target) -> float:
    """Return what the margins of a target are divided by, so that they compare."""
    return abs(target.value or 0.0) or 1.0


def lever_named(model: Model, name: str) -> Lever:
    """Return a constant as a lever that sets it, over its plausible or else admissible range.

    The name of a change (``effort``) stands for what it is set to after the change, a label for
    what it is the label of. A lever of the views has its label.

    Raises:
        InputError: there is no such constant or element, or the name means several.

    >>> lever = plansim.lever_named(plansim.load_model("lake.mdl"), "捕捞强度")
    >>> lever.id, lever.low, lever.high
    ('effort', 0.05, 0.3)
    """
    bare, bracket, inside = name.partition("[")
    try:
        variable, elements = meant(model, reference_named(model, name))
    except InputError as error:
        unknown = InputError(replace(fault, file="--lever") for fault in error.faults)
        try:
            # In Chinese a lever may be called as the variable that it drives.
            lever = load_views(model).lever(name)
            sets = lever is not None and lever.apply is Apply.SET
            after = f"{bare.strip()} after{bracket}{inside}"
            variable, elements = meant(model, lever.constants[0] if lever and sets else after)
        except InputError:
            raise unknown from None
        if variable.name not in model.variables:  # a scenario may bend it, but it has no range
            raise unknown from None
    if variable.kind is VariableKind.CONTROL:
        raise InputError("'{name}' belongs to the clock and is not a lever", name=variable.name)
    references = [f"{variable.name}[{cell}]" if cell else variable.name for cell in elements]
    if len(references) > 1:
        raise InputError(
            "'{name}' has several elements, and one is moved at a time",
            model.path,
            variable.line,
            expected=Message("one of {names}", names=tuple(references)),
            name=variable.name,
        )
    (reference,), (cell,) = references, elements
    low, high = variable.plausible or variable.admissible
    name_zh = names_of(model, variable, cell.split(",") if cell else [])[1]
    labels = {
        lever.constants: (lever.name_en, lever.name_zh)
        for lever in load_views(model).levers
        if lever.apply is Apply.SET
    }
    name_en, name_zh = labels.get((reference,), (reference, name_zh))
    return Lever(
        id=reference,
        name_en=name_en,
        name_zh=name_zh,
        help_en="",
        help_zh="",
        constants=(reference,),
        apply=Apply.SET,
        low=-np.inf if low is None else low,
        high=np.inf if high is None else high,
        unit=variable.unit,
        shown_unit=variable.unit,
        shown_factor=1.0,
    )


def ranges_of(
    model: Model, scenario: Scenario, levers: Sequence[Lever]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the ends of the levers' ranges, and where the scenario has them: ``(lever,)``.

    A lever that is outside of its range has the range extended to where it is; a range without an
    end stops there.
    """
    present = np.array(
        [neutral_value(model, scenario.values, lever.apply, lever.constants) for lever in levers]
    )

    def end(farther: np.ufunc, ends: Sequence[float]) -> FloatArray:
        return np.asarray(np.where(np.isfinite(ends), farther(ends, present), present))

    low = end(np.minimum, [lever.low for lever in levers])
    return low, end(np.maximum, [lever.high for lever in levers]), present
