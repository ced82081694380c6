"""What conditioning did: to observations, to factors, to the shares of targets."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.calibration.diagnostics import Diagnostics, ObservationFit, TargetShift
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Style,
    blocks,
    figure_column,
    lines,
    table,
    text_column,
)
from plansim.output.words.text import Text
from plansim.scenario.factors import Factor

__all__ = ["conditioning_table"]


def conditioning_table(made: Diagnostics, text: Text) -> RenderableType:
    """Lay out what conditioning did, wave by wave and by observation, factor and target."""
    factors = [
        text_column("condition.factor", lambda one: _name(one.factor, text) + " *" * one.matched),
        figure_column("condition.width", lambda one: f"{one.width:.2f}"),
        figure_column("condition.middle", lambda one: f"{one.middle:.2f}"),
    ]
    parts: list[RenderableType] = [
        lines(_waves(made, text)),
        _observations(made, text),
        table(text, factors, made.factors[:20]),  # those whose range shrank most
    ]
    if made.pairs or made.structures:
        parts.append(lines(_together(made, text)))
    if made.targets:
        parts.append(_targets(made, text))
    return blocks([*parts, text("condition.legend")])


def _name(factor: Factor, text: Text) -> str:
    return text.pick(factor.name, factor.name_zh)


def _waves(made: Diagnostics, text: Text) -> Iterator[str]:
    for number, wave in enumerate(made.waves, start=1):
        yield text(
            "condition.wave",
            number=number,
            draws=f"{wave.draws:,}",
            accepted=f"{wave.accepted:,}",
            share=f"{wave.accepted / wave.draws:.2%}",
            volume=f"{wave.volume:.3g}",
            broken=wave.broken,
        )


def _together(made: Diagnostics, text: Text) -> Iterator[str]:
    """Yield which factors trade off, and what is left of each structure."""
    for pair in made.pairs:
        first, second = _name(pair.first, text), _name(pair.second, text)
        size = f"{pair.correlation:+.2f}"
        yield text("condition.pair", first=first, second=second, correlation=size)
    for one in made.structures:
        yield text(
            "condition.structure",
            name=_name(one.factor, text),
            value=f"{one.value:g}",
            prior=f"{one.prior:.0%}",
            conditioned=f"{one.conditioned:.1%}",
        )


def _observations(made: Diagnostics, text: Text) -> Grid:
    def figure(one: ObservationFit) -> str:
        return f"{one.observation.value:.4g} {text.unit(one.observation.unit)}"

    def band(ends: tuple[float, ...]) -> str:
        return f"{ends[0]:.3g}–{ends[-1]:.3g}"

    def rejects(one: ObservationFit) -> Prose:
        return Prose(f"{one.rejects:.1%}", Style.DOUBT if one.rejects > 0.5 else "")

    columns = [
        text_column("condition.observation", lambda one: text.name(one.observation)),
        figure_column("condition.figure", figure),
        figure_column("condition.deviation", lambda one: f"{one.observation.deviation:.2g}"),
        figure_column("condition.prior", lambda one: band(one.prior)),
        figure_column("condition.conditioned", lambda one: band(one.conditioned)),
        figure_column("condition.rejects", rejects),
        figure_column("condition.alone", lambda one: f"{one.alone:.1%}"),
        figure_column("condition.least", lambda one: f"{one.least:.1f}"),
    ]
    return table(text, columns, sorted(made.observations, key=lambda one: -one.rejects))


def _targets(made: Diagnostics, text: Text) -> Grid:
    """Lay out the shares of members that meet targets: prior, conditioned, by structure."""

    def of_structure(index: int) -> Column:
        def cell(one: TargetShift) -> str:
            share = one.structures[index]
            return "–" if math.isnan(share) else f"{share:.2f}"

        known = made.structures[index]
        return figure_column(f"{_name(known.factor, text)} {known.value:g}", cell)

    columns = [
        text_column("condition.target", lambda one: f"{one.target.id} {text.name(one.target)}"),
        figure_column("condition.prior", lambda one: f"{one.prior:.2f}"),
        figure_column("condition.conditioned", lambda one: f"{one.conditioned:.2f}"),
        *map(of_structure, range(len(made.structures))),
        text_column("", lambda one: "" if one.moved else text("condition.unmoved")),
    ]
    return table(text, columns, made.targets)
