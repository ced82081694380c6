"""What calibration and conditioning came to, for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.calibration.calibrate import Calibration, Estimate
from plansim.analysis.calibration.diagnostics import Diagnostics
from plansim.model.units import NO_UNIT
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

__all__ = ["calibration_table", "conditioning_table"]

MOST = 20
"""So many factors are shown, those whose range shrank most."""
FAR = 2.0
"""Standard deviations from which a residual is highlighted."""


def calibration_table(calibration: Calibration, text: Text) -> RenderableType:
    """Lay out parameters, their identifiability, and every observation."""
    spec, best = calibration.spec, calibration.best
    head = text(
        "calibration.title",
        title=text.pick(spec.title_en, spec.title_zh),
        scenario=spec.scenario.id,
    )
    fitted = text(
        "calibration.fitted",
        before=f"{calibration.chi_squared_before:.1f}",
        after=f"{best.chi_squared:.1f}",
        observations=len(calibration.residuals),
        parameters=len(calibration.estimates),
        agreed=best.agreed,
        starts=best.starts,
    )
    inflated = [text("calibration.inflated", ratio=f"{best.inflation:.2f}")]
    return blocks(
        [
            head,
            fitted,
            *(inflated if best.inflation > 1 else []),
            Grid(
                [
                    text_column(text("calibration.parameter")),
                    *figure_columns(
                        text,
                        "calibration.range",
                        "calibration.present",
                        "calibration.value",
                        "calibration.interval",
                    ),
                    text_column(text("calibration.verdict"), least=12),
                ],
                _parameters(calibration, text),
            ),
            lines(_known(calibration, text)),
            Grid(
                [
                    text_column(text("calibration.observation")),
                    *figure_columns(
                        text,
                        "calibration.line",
                        "calibration.observed",
                        "calibration.error",
                        "calibration.before",
                        "calibration.after",
                        "calibration.miss",
                    ),
                ],
                _residuals(calibration, text),
            ),
            text("calibration.unchanged"),
        ]
    )


def _name(estimate: Estimate, text: Text) -> str:
    return text.pick(estimate.parameter.name, estimate.parameter.name_zh)


def _parameters(calibration: Calibration, text: Text) -> Iterator[Row]:
    for estimate in calibration.estimates:
        unit, interval = estimate.parameter.unit, estimate.interval
        low = f"{'≤' if interval.open_low else ''}{interval.low:.4g}"
        high = f"{'≥' if interval.open_high else ''}{interval.high:.4g}"
        verdict = _verdict(estimate)
        yield (
            _name(estimate, text) + ("" if unit == NO_UNIT else f" ({text.unit(unit)})"),
            f"{estimate.low:.4g}–{estimate.high:.4g}",
            f"{estimate.present:.4g}",
            f"{estimate.value:.4g}",
            f"{low}–{high}",
            Prose(
                text.word("determined", verdict),
                Style.GOOD if verdict == "determined" else Style.DOUBT,
            ),
        )


def _verdict(estimate: Estimate) -> str:
    if estimate.interval.open_low and estimate.interval.open_high:
        return "unknown"
    if estimate.on_edge:
        return "edge"
    return "determined" if estimate.determined else "one_side"


def _known(calibration: Calibration, text: Text) -> list[str]:
    known, names = calibration.known, [_name(estimate, text) for estimate in calibration.estimates]
    condition = f"{known.condition:.0f}" if math.isfinite(known.condition) else "∞"
    lines = [text("calibration.rank", rank=known.rank, of=len(names), condition=condition)]
    for way in known.loose:
        weights = text.join([f"{names[index]} {way.weights[index]:+.2f}" for index in way.named()])
        lines.append("  " + text("calibration.loose", way=weights))
    for pair in known.pairs:
        key = "calibration.pair_same" if pair.cosine > 0 else "calibration.pair_against"
        lines.append("  " + text(key, first=names[pair.first], second=names[pair.second]))
    return lines


def _residuals(calibration: Calibration, text: Text) -> Iterator[Row]:
    for residual in calibration.residuals:
        seen = residual.observation
        miss = f"{residual.miss:+.1f}"
        yield (
            text.pick(seen.name_en, seen.name_zh),
            str(seen.row.line) if seen.row else "",
            f"{seen.value:.4g} {text.unit(seen.unit)}",
            f"{seen.error:.3g}",
            f"{residual.before:.4g}",
            f"{residual.after:.4g}",
            Prose(miss, Style.BAD) if abs(residual.miss) > FAR else miss,
        )


# --- conditioning ---------------------------------------------------------------------------------


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
            text.pick(seen.name_en, seen.name_zh),
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
            f"{target.id} {text.pick(target.name_en, target.name_zh)}",
            f"{one.prior:.2f}",
            f"{one.conditioned:.2f}",
            *("–" if math.isnan(share) else f"{share:.2f}" for share in one.structures),
            "" if one.moved else text("condition.unmoved"),
        )
