"""The views beside a model, ``views.yaml``, or derived: read once, and then from the cache."""

from __future__ import annotations

from collections.abc import Sequence

from plansim.cache import code_of, digest, file_sha256, kept
from plansim.model.records import Model, check_model
from plansim.model.units import units_sha256
from plansim.targets.target import Target
from plansim.targets.views import Views

__all__ = ["FILE_NAME", "load_views"]

FILE_NAME = "views.yaml"
"""Name of the file beside the model."""


def load_views(model: Model, targets: Sequence[Target] = ()) -> Views:
    """Return the views of a model; without a file, derive them.

    ``targets`` determine the unit of a chart whose unit the file leaves out.

    Raises:
        CatalogueError: with every fault of the file, each with its line.

    >>> [lever.name_en for lever in plansim.load_views(plansim.load_model("lake.mdl")).levers]
    ['effort', 'growth rate']
    """
    check_model(model)
    path = model.path.with_name(FILE_NAME)
    key = digest(
        "views",
        str(path),
        model.sha256,
        repr(sorted(model.variables)),
        file_sha256(path),
        repr(targets),
        units_sha256(),
        code_of("", "model", "scenario", "targets"),
    )

    def make() -> Views:
        from plansim.targets.views_form import read_views  # loads what the cache does without

        return read_views(path if path.is_file() else None, model, targets)

    return kept("parsed", key, Views, make)
