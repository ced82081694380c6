"""Levers by name: a constant, or an element of one, over its range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plansim.errors import InputError, Message, Option
from plansim.model.records import Model, VariableKind
from plansim.model.units import shown_in
from plansim.scenario.factors import Apply
from plansim.scenario.references import constant_cells
from plansim.targets.labels import reference_named
from plansim.targets.views import Lever, names_of
from plansim.targets.views_file import load_views

__all__ = ["lever_named", "lever_of"]


def lever_of(model: Model, lever: Lever | str) -> Lever:
    """Return a lever that is given as a record or by name: one of the views, else a constant.

    Raises:
        InputError: there is no such lever or constant, or the name means several.
    """
    if isinstance(lever, Lever):
        return lever
    return load_views(model).lever(lever) or lever_named(model, lever)


def lever_named(model: Model, name: str) -> Lever:
    """Return a constant as a lever that sets it, over its plausible or else admissible range.

    The name of a change (``effort``) stands for what it is set to after the change, a label for
    what it is the label of. A lever of the views has its label, and the unit in which it is shown.

    Raises:
        InputError: there is no such constant or element, or the name means several.

    >>> lever = plansim.lever_named(plansim.load_model("lake.mdl"), "捕捞强度")
    >>> lever.id, lever.low, lever.high
    ('effort', 0.05, 0.3)
    """
    bare, bracket, inside = name.partition("[")
    try:
        variable, elements = constant_cells(model, reference_named(model, name))
    except InputError as error:
        unknown = InputError(replace(fault, file=Option.LEVER) for fault in error.faults)
        try:
            # In Chinese a lever may be called as the variable that it drives.
            lever = load_views(model).lever(name)
            after = f"{bare.strip()} after{bracket}{inside}"
            sets = lever is not None and lever.apply is Apply.SET
            constant = lever.constants[0] if lever and sets else after
            variable, elements = constant_cells(model, constant)
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
    shown = {one.constants: one for one in load_views(model).levers if one.apply is Apply.SET}
    known, (unit, factor) = shown.get((reference,)), shown_in(variable.unit)
    return Lever(
        id=reference,
        name_en=known.name_en if known else reference,
        name_zh=known.name_zh if known else name_zh,
        help_en="",
        help_zh="",
        constants=(reference,),
        apply=Apply.SET,
        low=-np.inf if low is None else low,
        high=np.inf if high is None else high,
        unit=variable.unit,
        shown_unit=known.shown_unit if known else unit,
        shown_factor=known.shown_factor if known else factor,
    )
