"""The form of ``decision.yaml`` beside the model: levers to move, and years to search to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import Field

from plansim.analysis.experiments.design_file import design_named
from plansim.analysis.experiments.design_form import DesignContext, scenario_beside
from plansim.errors import DesignError, Fault, InputError, Message, Option, nearest
from plansim.files.forms import LAX, Entries, Form, Resolved, form_of
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.scenario.references import one_series
from plansim.scenario.scenario_file import Scenario, read_overlay
from plansim.targets.views import Lever, Views

__all__ = ["FILE_NAME", "FrontierSpec", "Responses", "read_frontier_spec"]

FILE_NAME = "decision.yaml"
"""Name of the file, beside the model."""


@dataclass(frozen=True, kw_only=True)
class _Context(DesignContext):
    """What the file is read against."""

    views: Views
    scenario: Scenario | None

    def lever(self, name: str) -> Lever:
        if (lever := self.views.lever(name)) is not None:
            return lever
        near = nearest(name, [lever.id for lever in self.views.levers])
        raise InputError("views.yaml has no lever '{name}'", nearest=near, name=name)


_Levers: TypeAlias = Annotated[
    tuple[Lever, ...], Entries(list[str], lambda _, name, context: context.lever(name))
]


class Responses(Form):
    """What takes the rules out of a policy that adapts, and what shows what they do."""

    overlay: Annotated[
        Scenario,
        Resolved(str, lambda name, context: read_overlay(context.named(name), context.model)),
    ]
    effort: Annotated[
        tuple[str, ...],
        Entries(list[str], lambda _, name, context: one_series(context.model, name)),
    ] = ()
    """Series that the rules add to."""


class FrontierSpec(Form):
    """Over which levers, and to which years, a frontier of growth is computed."""

    growth: Annotated[str, Resolved(str, lambda name, context: one_series(context.model, name))]
    """The series whose growth is maximised."""
    years: Annotated[tuple[int, ...], LAX] = Field(min_length=1)
    """The years to which its mean growth is taken."""
    scenario: Annotated[
        Scenario,
        Resolved(str, lambda name, context: context.scenario or scenario_beside(name, context)),
    ]
    growth_levers: _Levers = Field(min_length=1)
    target_levers: _Levers = ()
    uncertainty: Annotated[
        Path | None, Resolved(str, lambda name, context: design_named(context.named(name)))
    ] = None
    """The design file of what is uncertain beside the levers; None for nothing."""
    responses: Responses | None = None
    """None where no policy adapts."""

    @property
    def levers(self) -> tuple[Lever, ...]:
        """All levers."""
        return (*self.growth_levers, *self.target_levers)

    def _misfits(self, _: _Context) -> Iterator[Fault]:
        first, last = self.scenario.time.initial, self.scenario.time.final
        expected = Message("after {first:g}, to {last:g}", first=first, last=last)
        for row, year in enumerate(self.years):
            if not first < year <= last:
                yield Fault("no growth to {year}", at=("years", row), expected=expected, year=year)
        owners: dict[str, str] = {}
        for lever in self.levers:
            for constant in lever.constants:
                if constant in owners:
                    yield Fault(
                        "'{first}' and '{second}' move one constant",
                        found=constant,
                        first=lever.id,
                        second=owners[constant],
                    )
                owners[constant] = lever.id


def read_frontier_spec(
    model: Model, views: Views, *, path: Path | None = None, scenario: Scenario | None = None
) -> FrontierSpec:
    """Read the file at ``path``, else ``decision.yaml`` beside the model.

    Scenario and design are named as those that come with plansim, or are paths beside the file;
    ``scenario`` takes the place of the one that the file names.

    Raises:
        DesignError: with every fault of the file.

    >>> model = plansim.load_model("lake.mdl")
    >>> plansim.read_frontier_spec(model, plansim.load_views(model)).years
    (2010,)
    """
    path = model.path.with_name(FILE_NAME) if path is None else path
    if not path.is_file():
        expected = Message("{name} beside the model, or {spec}", name=FILE_NAME, spec=Option.SPEC)
        raise DesignError("no file states the decision problem", path, expected=expected)
    context = _Context(model, path, views=views, scenario=scenario)
    return form_of(FrontierSpec, read_document(path), context, DesignError)
