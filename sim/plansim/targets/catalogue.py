"""The catalogue of a plan: its targets, and the title and region of the plan.

The catalogue is a YAML file beside the model, ``targets.yaml``, whose comments explain its format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.files.shipped import shipped
from plansim.model.records import Model
from plansim.model.units import units_sha256
from plansim.scenario.records import BilingualText
from plansim.targets.target import Target, target_named

__all__ = ["load_targets", "plan_region", "plan_title", "targets_of"]

FILE_NAME = "targets.yaml"


def load_targets(path: str | Path | None = None, model: Model | None = None) -> tuple[Target, ...]:
    """Read a catalogue: the one at ``path``, else the one beside the model, else the shipped one.

    With a model, each variable by which a target is judged must be in it, with a unit that converts
    to the target's. When the shipped catalogue is read for a model without one, targets that the
    model cannot be judged by become untestable instead.

    Raises:
        CatalogueError: with every fault of the file, each with its line.

    >>> [target.id for target in plansim.load_targets(model=plansim.load_model("lake.mdl"))]
    ['F1', 'F2']
    """
    return _loaded(path, model).targets


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
        record.id: record
        for target in plan
        for record in [target_named(target, all_targets) if isinstance(target, str) else target]
    }
    return tuple(chosen.values())


@dataclass(frozen=True)
class _Catalogue:
    title: BilingualText
    region: BilingualText | None
    targets: tuple[Target, ...]


def _loaded(path: str | Path | None, model: Model | None) -> _Catalogue:
    """Return a catalogue, read before or now: reading it takes as long as a run and its check."""
    own = Path(path) if path is not None else _beside(model)
    file = own or shipped("model", FILE_NAME)
    key = digest(
        "targets",
        json.dumps([str(file), own is None, model and [model.sha256, str(model.path)]]),
        file_sha256(file),
        units_sha256(),
        code_of("", "model", "targets"),
    )
    return kept("parsed", key, _Catalogue, lambda: _read(file, model, is_borrowed=own is None))


def _read(file: Path, model: Model | None, *, is_borrowed: bool) -> _Catalogue:
    from plansim.targets.catalogue_file import read_catalogue
    from plansim.targets.fit import fitting

    form, targets = read_catalogue(file)
    if model is not None:
        targets = fitting(targets, model, is_borrowed=is_borrowed)
    region = BilingualText(form.region.en, form.region.zh) if form.region else None
    return _Catalogue(BilingualText(form.title.en, form.title.zh), region, targets)


def plan_title(model: Model) -> BilingualText | None:
    """Return the title of the plan whose catalogue stands beside a model; None if there is none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    return _loaded(None, model).title if _beside(model) else None


def plan_region(model: Model) -> BilingualText:
    """Return the region of the plan beside a model; the model's name if the plan names none.

    Raises:
        CatalogueError: with every fault of the form of the file.
    """
    own = _loaded(None, model).region if _beside(model) else None
    return own or BilingualText(model.name, model.name)


def _beside(model: Model | None) -> Path | None:
    if model is None:
        return None
    path = model.path.with_name(FILE_NAME)
    return path if path.is_file() else None
