"""The catalogue of a plan: its targets, and the title of the plan.

The catalogue is a YAML file beside the model, ``targets.yaml``, whose comments explain its format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.errors import CatalogueError, Fault, InputError, Message, UnitError, nearest
from plansim.files.notebook import Table, Tabular
from plansim.files.shipped import shipped
from plansim.model.records import Model, check_model, several
from plansim.model.units import units_sha256
from plansim.scenario.records import BilingualText
from plansim.targets.indicator import measured_unit
from plansim.targets.target import (
    Target,
    binding_targets,
    split_reference,
    target_named,
    unit_factor,
)

__all__ = [
    "Shapes",
    "TargetList",
    "binding_targets_of",
    "load_targets",
    "misfits",
    "plan_title",
    "targets_of",
]


Shapes: TypeAlias = Mapping[str, tuple[Mapping[str, Sequence[str]], str]]
"""By variable the elements of each of its dimensions, in order, and its unit."""


def misfits(
    target: Target, holder: Message, shapes: Shapes, names: Iterable[str]
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
        subscripts, unit = shapes[name]
        ranges = list(subscripts.values())
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
                expected=name + "".join(f"[{subscript}]" for subscript in subscripts),
                found=reference,
                nearest=strange[0][1] if strange else None,
                name=reference,
                holder=holder,
            )
            continue
        try:
            unit_factor(unit, target)
        except UnitError:
            yield Fault(
                "the {measure} of '{name}' does not have the unit of {target}",
                target.file,
                target.line,
                expected=Message("a unit that converts to {unit}", unit=target.unit),
                found=measured_unit(target.measure, unit) or Message("no unit"),
                measure=target.measure,
                name=name,
                target=target.id,
            )


def _fitting(targets: Iterable[Target], model: Model, *, is_borrowed: bool) -> tuple[Target, ...]:
    """Return the targets of a plan for a model, each of which must fit.

    Of a ``borrowed`` plan, which is that of another model, those that do not fit are untestable.

    Raises:
        CatalogueError: with every fault of a plan of the model's own.
    """
    holder = Message("the model {name}", name=model.name)
    shapes = {
        name: ({one: model.subscripts[one].elements for one in variable.subscripts}, variable.unit)
        for name, variable in model.variables.items()
    }
    names = () if is_borrowed else shapes  # to look for the nearest of so many would take long
    found = [(target, list(misfits(target, holder, shapes, names))) for target in targets]
    if is_borrowed:
        return tuple(_unanswered(target) if faults else target for target, faults in found)
    if faults := [fault for _, those in found for fault in those]:
        raise CatalogueError(faults)
    return tuple(target for target, _ in found)


def _unanswered(target: Target) -> Target:
    """Return a target as one that cannot be judged: the model lacks its variables."""
    names = ", ".join(target.variables.values())
    return replace(
        target,
        variables={},
        reason_en=f"This model has no such variable: {names}.",
        reason_zh=f"该模型没有对应变量：{names}。",
    )


FILE_NAME = "targets.yaml"


class TargetList(Tabular, tuple[Target, ...]):
    """Targets of a plan; as a table a row each."""

    def _table(self) -> Table:
        columns = ("target", "name_en", "name_zh", "attribute", "year", "direction", "asked",
                   "unit", "variables")  # fmt: skip
        rows = [
            (one.id, one.name_en, one.name_zh, one.attribute.value, one.year,
             one.direction and one.direction.value, one.value, one.unit,
             ", ".join(one.variables.values()))
            for one in self
        ]  # fmt: skip
        return columns, rows


def load_targets(path: str | Path | Model | None = None, model: Model | None = None) -> TargetList:
    """Read a catalogue: the one at ``path``, else the one beside the model, else the shipped one.

    A model alone may be given in place of the path.

    With a model, each variable by which a target is judged must be in it, with a unit that converts
    to the target's. When the shipped catalogue is read for a model without one, targets that the
    model cannot be judged by become untestable instead.

    Raises:
        CatalogueError: with every fault of the file, each with its line.

    >>> [target.id for target in plansim.load_targets(plansim.load_model("lake.mdl"))]
    ['F1', 'F2']
    """
    if isinstance(path, Model):
        path, model = None, path
    return TargetList(_loaded(path, model).targets)


def targets_of(
    model: Model | None, targets: Target | str | Iterable[Target | str] | None
) -> tuple[Target, ...]:
    """Return targets that are given as records, ids or names; of None all of the catalogue.

    That is the one beside the model; of no model the shipped one.

    Raises:
        CatalogueError: with every fault of the catalogue.
        UnknownNameError: no target has one of the ids.
        InputError: nothing in the model answers for one of them.
        TypeError: one is neither a record nor a text.
    """
    if targets is None:
        return load_targets(model=model)
    chosen: dict[str, Target] = {}
    for target in several(targets):
        if not isinstance(target, str | Target):
            kind = type(target).__name__
            raise TypeError(f"expected a Target or the id of one, found {kind}")
        if isinstance(target, str):
            target = target_named(target, load_targets(model=model))
        chosen[target.id] = target
    return tuple(chosen.values())


@dataclass(frozen=True)
class _Catalogue:
    title: BilingualText
    targets: tuple[Target, ...]


def _loaded(path: str | Path | None, model: Model | None) -> _Catalogue:
    """Return a catalogue, read before or now: reading it takes as long as a run and its check."""
    if model is not None:
        check_model(model)
    own = Path(path) if path is not None else _beside(model)
    file = own or shipped("model", FILE_NAME)
    key = digest(
        "targets",
        json.dumps([str(file), own is None, model and [model.sha256, str(model.path)]]),
        file_sha256(file),
        units_sha256(),
        code_of("", "model", "targets"),
    )

    def make() -> _Catalogue:
        from plansim.targets.catalogue_form import read_catalogue

        form, targets = read_catalogue(file)
        if model is not None:
            targets = _fitting(targets, model, is_borrowed=own is None)
        return _Catalogue(BilingualText(form.title.en, form.title.zh), targets)

    return kept("parsed", key, _Catalogue, make)


def binding_targets_of(
    model: Model, targets: Target | str | Iterable[Target | str] | None
) -> tuple[Target, ...]:
    """Return the binding ones of targets that are given as for `targets_of`.

    Raises:
        InputError: none of them is binding; otherwise as for `targets_of`.
    """
    if not (binding := binding_targets(targets_of(model, targets))):
        raise InputError("no binding target is given")
    return binding


def plan_title(model: Model) -> BilingualText:
    """Return the title of the plan beside a model; the model's name if there is none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    return _loaded(None, model).title if _beside(model) else BilingualText(model.name, model.name)


def _beside(model: Model | None) -> Path | None:
    if model is None:
        return None
    path = model.path.with_name(FILE_NAME)
    return path if path.is_file() else None
