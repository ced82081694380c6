"""Names that people type: those of variables, and the labels of charts, levers and targets."""

from __future__ import annotations

from collections.abc import Iterator

from plansim.errors import InputError, Message, UnknownNameError, nearest
from plansim.model.records import Model, Variable, folded
from plansim.scenario.levers import constant_named
from plansim.scenario.references import split_name, variable_cells

__all__ = ["elements_named", "reference_named"]


def reference_named(model: Model, name: str) -> str:
    """Return the reference that a name means in a model.

    That is the name itself, with its elements, if a variable has it in either language, or a
    constant that variants of the model have. Otherwise it is what the label of a chart shows, what
    a lever of that label sets, or what the target of that name or id is judged by. Letter case does
    not matter, nor ``_`` for a space.

    Raises:
        UnknownNameError: nothing has the name or label.
        InputError: the label is that of a lever that moves several constants.
    """
    base, inside = split_name(name)
    try:
        constant_named(model, base)
    except UnknownNameError as error:
        if any(fault.nearest is None and fault.expected for fault in error.faults):
            raise  # several variables have the name
        labels = list(_labels(model))
        wanted = folded(base)
        for label, references in labels:
            if folded(label) == wanted:
                return _one(base, references) if inside is None else f"{references[0]}[{inside}]"
        names = [*model.variables, *(v.name_zh for v in model.variables.values() if v.name_zh)]
        close = nearest(base, [*names, *(label for label, _ in labels)])
        raise UnknownNameError(
            "no variable is called '{name}'",
            model.path,
            expected=Message("a name of 'plansim list variables'"),
            nearest=close,
            name=base,
        ) from None
    return name


def elements_named(model: Model, name: str) -> tuple[Variable, tuple[str, ...]]:
    """Return the variable that a name or label means, and the elements that it has in brackets.

    No elements stand for all.

    Raises:
        InputError: as for `reference_named`, or the variable has no such element.
    """
    reference = reference_named(model, name)
    return variable_cells(model, reference) if "[" in reference else (model.find(reference), ())


def _labels(model: Model) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield labels with the references that each stands for, those of charts first."""
    from plansim.scenario.factors import Apply  # names of variables do without these
    from plansim.targets.catalogue import load_targets
    from plansim.targets.target import split_reference
    from plansim.targets.views_file import load_views

    targets = load_targets(model=model)
    views = load_views(model, targets)
    for chart in views.charts:
        if len(chart.lines) == 1:
            shown = (chart.lines[0].reference,)
            yield from ((label, shown) for label in (chart.name_en, chart.name_zh))
    for lever in views.levers:
        one = lever.apply is Apply.SET and len(lever.constants) == 1
        known = lever.constants if one else ("", *lever.constants)
        yield from ((label, known) for label in (lever.name_en, lever.name_zh))
    for target in targets:
        for reference in list(target.variables.values())[:1]:
            if split_reference(reference)[0] not in model.variables:
                continue
            labels = target.name_en, target.name_zh, target.id
            yield from ((label, (reference,)) for label in labels)


def _one(label: str, references: tuple[str, ...]) -> str:
    first, *others = references
    if not others:
        return first
    raise InputError(
        "the lever '{label}' changes several constants; name one of them",
        expected=Message("one of {names}", names=tuple(others)),
        label=label,
    )
