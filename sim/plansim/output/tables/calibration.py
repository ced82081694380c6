"""What conditioning came to, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.calibration.diagnostics import Diagnostics
from plansim.output.tables.layout import (
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    figure_columns,
    lines,
    text_column,
)
from plansim.output.words.text import Text

__all__ = ["conditioning_table"]

MOST = 20
"""So many factors are shown, those whose range shrank most."""


def conditioning_table(made: Diagnostics, text: Text) -> RenderableType:
    """Lay out what conditioning did."""
    heads = (
        "condition.figure", "condition.deviation", "condition.prior", "condition.conditioned",
        "condition.rejects", "condition.alone", "condition.least",
    )  # fmt: skip
    observations = Grid(
        [text_column(text("condition.observation")), *figure_columns(text, *heads)],
        _observations(made, text),
    )
    factors = Grid(
        [
            text_column(text("condition.factor")),
            *figure_columns(text, "condition.width", "condition.middle"),
        ],
        _factors(made, text),
    )
    structures = (f"{text.pick(one.factor, one.factor_zh)} {one.value:g}"
                  for one in made.structures)  # fmt: skip
    targets = Grid(
        [
            text_column(text("condition.target")),
            *figure_columns(text, "condition.prior", "condition.conditioned"),
            *map(figure_column, structures),
            text_column(),
        ],
        _targets(made, text),
    )
    parts: list[RenderableType] = [lines(_waves(made, text)), observations, factors]
    if made.pairs or made.structures:
        parts.append(lines([*_pairs(made, text), *_structures(made, text)]))
    return blocks([*parts, *([targets] if made.targets else []), text("condition.legend")])


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


def _observations(made: Diagnostics, text: Text) -> Iterator[Row]:
    for one in sorted(made.observations, key=lambda one: -one.rejects):
        seen = one.observation
        share = f"{one.rejects:.1%}"
        yield (
            text.name(seen),
            f"{seen.value:.4g} {text.unit(seen.unit)}",
            f"{seen.deviation:.2g}",
            _range(one.prior),
            _range(one.conditioned),
            Prose(share, Style.DOUBT) if one.rejects > 0.5 else share,
            f"{one.alone:.1%}",
            f"{one.least:.1f}",
        )


def _range(band: tuple[float, ...]) -> str:
    return "–".join(f"{end:.3g}" for end in (band[0], band[-1]))


def _factors(made: Diagnostics, text: Text) -> Iterator[Row]:
    for one in made.factors[:MOST]:
        name = text.pick(one.name, one.name_zh)
        yield f"{name} *" if one.matched else name, f"{one.width:.2f}", f"{one.middle:.2f}"


def _pairs(made: Diagnostics, text: Text) -> Iterator[str]:
    for one in made.pairs:
        yield text(
            "condition.pair",
            first=text.pick(one.first, one.first_zh),
            second=text.pick(one.second, one.second_zh),
            correlation=f"{one.correlation:+.2f}",
        )


def _structures(made: Diagnostics, text: Text) -> Iterator[str]:
    for one in made.structures:
        yield text(
            "condition.structure",
            name=text.pick(one.factor, one.factor_zh),
            value=f"{one.value:g}",
            prior=f"{one.prior:.0%}",
            conditioned=f"{one.conditioned:.1%}",
        )


def _targets(made: Diagnostics, text: Text) -> Iterator[Row]:
    for one in made.targets:
        target = one.target
        yield (
            f"{target.id} {text.name(target)}",
            f"{one.prior:.2f}",
            f"{one.conditioned:.2f}",
            *("–" if math.isnan(share) else f"{share:.2f}" for share in one.structures),
            "" if one.moved else text("condition.unmoved"),
        )
