"""The constants that a design varies without naming them: all else that is uncertain.

A study of uncertainty is to leave out nothing by oversight. What remains when the named factors
are taken away is every single constant with a plausible range, apart from levers, which are
chosen and not uncertain, and from what the scenarios themselves set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from plansim.analysis.experiments.factors import Apply, Factor, Uniform
from plansim.model.records import Model, VariableKind
from plansim.scenario.reader import Scenario
from plansim.scenario.references import lever_of

__all__ = ["remaining_factors"]


def remaining_factors(
    model: Model, taken: Collection[str], scenarios: Iterable[Scenario], without: Collection[str]
) -> Iterator[Factor]:
    """Give a factor, uniform over its plausible range, for each constant that remains.

    Args:
        model: the model.
        taken: constants that other factors act on, ``name`` or ``name[e1,e2]``.
        scenarios: what any of these sets is its assumption, and stays.
        without: names of constants that stay as well.

    Arrays remain fixed: their range is that of all elements together, not of one.
    """
    fixed = {*taken, *without}
    for scenario in scenarios:
        fixed |= scenario.values.keys()
    for variable in model.variables.values():
        if (
            variable.kind is VariableKind.CONSTANT
            and isinstance(variable.value, float)
            and variable.plausible is not None
            and variable.plausible[0] < variable.plausible[1]
            and variable.name not in fixed
            and lever_of(model, variable.name) is None
        ):
            yield Factor(
                name=variable.name,
                constants=(variable.name,),
                apply=Apply.SET,
                distribution=Uniform(*variable.plausible),
                unit=variable.unit,
                name_zh=variable.name_zh,
            )
