"""What conditioning came to, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from plansim.analysis.calibration.diagnostics import Diagnostics, ObservationFit, TargetShift
from plansim.output.tables import layout
from plansim.output.words.text import Text

__all__ = ["conditioning_table"]

MOST = 20
"""So many factors are shown, those whose range shrank most."""


def conditioning_table(made: Diagnostics, text: Text) -> layout.RenderableType:
    """Lay out what conditioning did."""
    parts: list[layout.RenderableType] = [
        layout.lines(_waves(made, text)),
        _observations(made, text),
        _factors(made, text),
    ]
    if made.pairs or made.structures:
        parts.append(layout.lines([*_pairs(made, text), *_structures(made, text)]))
    targets = [_targets(made, text)] if made.targets else []
    return layout.blocks([*parts, *targets, text("condition.legend")])


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


def _observations(made: Diagnostics, text: Text) -> layout.Grid:
    def figure(one: ObservationFit) -> str:
        return f"{one.observation.value:.4g} {text.unit(one.observation.unit)}"

    def rejects(one: ObservationFit) -> layout.Prose:
        return layout.Prose(f"{one.rejects:.1%}", layout.Style.DOUBT if one.rejects > 0.5 else "")

    columns = [
        layout.text_column(text("condition.observation"), lambda one: text.name(one.observation)),
        layout.figure_column(text("condition.figure"), figure),
        layout.figure_column(
            text("condition.deviation"), lambda one: f"{one.observation.deviation:.2g}"
        ),
        layout.figure_column(text("condition.prior"), lambda one: _range(one.prior)),
        layout.figure_column(text("condition.conditioned"), lambda one: _range(one.conditioned)),
        layout.figure_column(text("condition.rejects"), rejects),
        layout.figure_column(text("condition.alone"), lambda one: f"{one.alone:.1%}"),
        layout.figure_column(text("condition.least"), lambda one: f"{one.least:.1f}"),
    ]
    return layout.table(columns, sorted(made.observations, key=lambda one: -one.rejects))


def _range(band: tuple[float, ...]) -> str:
    return "–".join(f"{end:.3g}" for end in (band[0], band[-1]))


def _factors(made: Diagnostics, text: Text) -> layout.Grid:
    columns = [
        layout.text_column(
            text("condition.factor"),
            lambda one: text.pick(one.name, one.name_zh) + " *" * one.matched,
        ),
        layout.figure_column(text("condition.width"), lambda one: f"{one.width:.2f}"),
        layout.figure_column(text("condition.middle"), lambda one: f"{one.middle:.2f}"),
    ]
    return layout.table(columns, made.factors[:MOST])


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


def _targets(made: Diagnostics, text: Text) -> layout.Grid:
    """Lay out the shares of members that meet targets: prior, conditioned, by structure."""

    def of_structure(index: int) -> Callable[[TargetShift], str]:
        def cell(one: TargetShift) -> str:
            share = one.structures[index]
            return "–" if math.isnan(share) else f"{share:.2f}"

        return cell

    columns = [
        layout.text_column(
            text("condition.target"), lambda one: f"{one.target.id} {text.name(one.target)}"
        ),
        layout.figure_column(text("condition.prior"), lambda one: f"{one.prior:.2f}"),
        layout.figure_column(text("condition.conditioned"), lambda one: f"{one.conditioned:.2f}"),
        *(
            layout.figure_column(
                f"{text.pick(one.factor, one.factor_zh)} {one.value:g}", of_structure(i)
            )
            for i, one in enumerate(made.structures)
        ),
        layout.text_column("", lambda one: "" if one.moved else text("condition.unmoved")),
    ]
    return layout.table(columns, made.targets)
