"""Whether the variables of a model or a run fit the targets that are to be judged by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from plansim.errors import CatalogueError, Fault, Message, UnitError, nearest
from plansim.model.records import Model
from plansim.targets.indicator import measured_unit
from plansim.targets.target import Target, split_reference, unit_factor

__all__ = ["VariableShape", "fitting", "misfits"]


@dataclass(frozen=True)
class VariableShape:
    """The subscripts and unit of a variable, which a reference must fit."""

    subscripts: Mapping[str, Sequence[str]]
    """The elements of each dimension, in order."""
    unit: str


def misfits(
    target: Target, holder: Message, shapes: Mapping[str, VariableShape], names: Iterable[str]
) -> Iterator[Fault]:
    """Yield the faults for which a target cannot be judged on a model or a run, the ``holder``.

    ``shapes`` holds at least the variables that the target refers to, as far as they exist;
    ``names`` are those of all variables.
    """
    for reference in target.variables.values():
        name, elements = split_reference(reference)
        if name not in shapes:
            yield Fault(
                "{holder} has no variable '{name}' to judge {target} by",
                target.file,
                target.line,
                nearest=nearest(name, names),
                holder=holder,
                name=name,
                target=target.id,
            )
            continue
        ranges = list(shapes[name].subscripts.values())
        strange = [
            (element, nearest(element, within))
            for element, within in zip(elements, ranges, strict=False)
            if element not in within
        ]
        if strange or len(elements) != len(ranges):
            yield Fault(
                "'{name}' is not one series of {holder}",
                target.file,
                target.line,
                expected=name + "".join(f"[{subscript}]" for subscript in shapes[name].subscripts),
                found=reference,
                nearest=strange[0][1] if strange else None,
                name=reference,
                holder=holder,
            )
            continue
        try:
            unit_factor(shapes[name].unit, target)
        except UnitError:
            yield Fault(
                "the {measure} of '{name}' does not have the unit of {target}",
                target.file,
                target.line,
                expected=Message("a unit that converts to {unit}", unit=target.unit),
                found=measured_unit(target.measure, shapes[name].unit) or Message("no unit"),
                measure=target.measure,
                name=name,
                target=target.id,
            )


def fitting(targets: Iterable[Target], model: Model, *, is_borrowed: bool) -> tuple[Target, ...]:
    """Return the targets of a plan for a model, each of which must fit.

    Of a ``borrowed`` plan, which is that of another model, those that do not fit are untestable.

    Raises:
        CatalogueError: with every fault of a plan of the model's own.
    """
    holder, shapes = Message("the model {name}", name=model.name), _shapes(model)
    if is_borrowed:
        return tuple(_as_answered(target, holder, shapes) for target in targets)
    targets = tuple(targets)
    if faults := [fault for target in targets for fault in misfits(target, holder, shapes, shapes)]:
        raise CatalogueError(faults)
    return targets


def _shapes(model: Model) -> Mapping[str, VariableShape]:
    return {
        name: VariableShape(
            {subscript: model.subscripts[subscript].elements for subscript in variable.subscripts},
            variable.unit,
        )
        for name, variable in model.variables.items()
    }


def _as_answered(target: Target, holder: Message, shapes: Mapping[str, VariableShape]) -> Target:
    """Make a target untestable if the model lacks its variables."""
    if not any(misfits(target, holder, shapes, ())):
        return target
    names = ", ".join(target.variables.values())
    return replace(
        target,
        variables={},
        reason_en=f"This model has no such variable: {names}.",
        reason_zh=f"该模型没有对应变量：{names}。",
    )
