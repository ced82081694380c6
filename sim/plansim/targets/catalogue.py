"""The catalogue of a plan: its targets, and the series by which a run is judged.

The catalogue is a YAML file beside the model, ``targets.yaml``, whose comments explain its format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.errors import CatalogueError, Message
from plansim.files import shipped
from plansim.model.records import Model
from plansim.model.units import units_sha256
from plansim.scenario.records import BilingualText
from plansim.targets.target import (
    Attribute,
    Basis,
    Direction,
    Gap,
    Kind,
    Period,
    Status,
    Target,
    TargetPart,
    VariableShape,
    answering_series,
    in_year,
    indicator_of,
    judged_targets,
    misfits,
    reported_factor,
    split_reference,
    target_named,
    unit_factor,
    variable_of,
)

__all__ = [
    "Attribute",
    "Basis",
    "Direction",
    "Gap",
    "Kind",
    "Period",
    "Status",
    "Target",
    "TargetPart",
    "VariableShape",
    "answering_series",
    "in_year",
    "indicator_of",
    "judged_targets",
    "load_targets",
    "misfits",
    "plan_region",
    "plan_title",
    "reported_factor",
    "split_reference",
    "target_named",
    "targets_of",
    "unit_factor",
    "variable_of",
]

FILE_NAME = "targets.yaml"


def load_targets(path: str | Path | None = None, model: Model | None = None) -> tuple[Target, ...]:
    """Read a catalogue: the one at ``path``, else the one beside the model, else the shipped one.

    With a model, each variable by which a target is judged must be in it, with a unit that converts
    to the target's. When the shipped catalogue is read for a model without one, targets that the
    model cannot be judged by become untestable instead.

    Raises:
        CatalogueError: with every fault of the file, each with its line.
    """
    own = Path(path) if path is not None else _beside(model)
    file = own or shipped("model", FILE_NAME)
    key = digest(
        "targets",
        json.dumps([str(file), own is None, model and [model.sha256, str(model.path)]]),
        file_sha256(file),
        units_sha256(),
        code_of("", "model", "targets"),
    )
    read = kept("parsed", key, _Catalogue, lambda: _read(file, model, is_borrowed=own is None))
    return read.targets


def targets_of(model: Model, targets: Iterable[Target | str] | None) -> tuple[Target, ...]:
    """Return targets that are given as records or ids; of None all of the catalogue.

    Raises:
        CatalogueError: with every fault of the catalogue.
        UnknownNameError: no target has one of the ids.
        InputError: nothing in the model answers for one of them.
    """
    plan = load_targets(model=model) if targets is None else tuple(targets)
    if not any(isinstance(target, str) for target in plan):
        return tuple(target for target in plan if isinstance(target, Target))
    all_targets = load_targets(model=model)
    chosen = {
        found.id: found
        for target in plan
        for found in [target_named(target, all_targets) if isinstance(target, str) else target]
    }
    return tuple(chosen.values())


@dataclass(frozen=True)
class _Catalogue:
    targets: tuple[Target, ...]


def _read(file: Path, model: Model | None, *, is_borrowed: bool) -> _Catalogue:
    from plansim.targets.catalogue_file import read_catalogue

    _, targets = read_catalogue(file)
    if model is None:
        return _Catalogue(targets)
    holder, shapes = Message("the model {name}", name=model.name), _shapes(model)
    if is_borrowed:
        return _Catalogue(tuple(_as_answered(target, holder, shapes) for target in targets))
    if faults := [fault for target in targets for fault in misfits(target, holder, shapes, shapes)]:
        raise CatalogueError(faults)
    return _Catalogue(targets)


def plan_title(model: Model) -> BilingualText | None:
    """Return the title of the plan whose catalogue stands beside a model; None if there is none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    path = _beside(model)
    return None if path is None else _heading(path).title


def plan_region(model: Model) -> BilingualText:
    """Return the region of the plan beside a model; the model's name if the plan names none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    path = _beside(model)
    return (path and _heading(path).region) or BilingualText(model.name, model.name)


@dataclass(frozen=True)
class _Heading:
    title: BilingualText
    region: BilingualText | None


def _heading(path: Path) -> _Heading:
    def read() -> _Heading:
        from plansim.targets.catalogue_file import read_catalogue

        file, _ = read_catalogue(path)
        region = None if file.region is None else BilingualText(file.region.en, file.region.zh)
        return _Heading(BilingualText(file.title.en, file.title.zh), region)

    key = digest("heading", str(path), file_sha256(path), code_of("", "model", "targets"))
    return kept("parsed", key, _Heading, read)


def _beside(model: Model | None) -> Path | None:
    if model is None:
        return None
    path = model.path.with_name(FILE_NAME)
    return path if path.is_file() else None


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
        variables=MappingProxyType({}),
        reason_en=f"This model has no such variable: {names}.",
        reason_zh=f"该模型没有对应变量：{names}。",
    )
