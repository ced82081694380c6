"""A calibration for a terminal: values with intervals, identifiability, residuals."""

from __future__ import annotations

import math
from collections.abc import Iterator

from plansim.analysis.calibration.calibrate import Calibration, Estimate
from plansim.output.tables.layout import (
    Column,
    Grid,
    Prose,
    RenderableType,
    Row,
    Style,
    blocks,
    figure_column,
    lines,
    text_column,
)
from plansim.output.words.text import Text

__all__ = ["calibration_table"]

_NO_UNIT = "Dmnl"
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
            Grid(_parameter_columns(text), _parameters(calibration, text)),
            lines(_known(calibration, text)),
            Grid(_residual_columns(text), _residuals(calibration, text)),
            text("calibration.unchanged"),
        ]
    )


def _name(estimate: Estimate, text: Text) -> str:
    return text.pick(estimate.parameter.name, estimate.parameter.name_zh)


def _parameter_columns(text: Text) -> list[Column]:
    figures = (
        "calibration.range", "calibration.present", "calibration.value", "calibration.interval",
    )  # fmt: skip
    return [
        text_column(text("calibration.parameter")),
        *(figure_column(text(key)) for key in figures),
        text_column(text("calibration.verdict"), least=12),
    ]


def _parameters(calibration: Calibration, text: Text) -> Iterator[Row]:
    for estimate in calibration.estimates:
        unit, interval = estimate.parameter.unit, estimate.interval
        low = f"{'≤' if interval.open_low else ''}{interval.low:.4g}"
        high = f"{'≥' if interval.open_high else ''}{interval.high:.4g}"
        verdict = _verdict(estimate)
        yield (
            _name(estimate, text) + ("" if unit == _NO_UNIT else f" ({text.unit(unit)})"),
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


def _residual_columns(text: Text) -> list[Column]:
    figures = (
        "calibration.line", "calibration.observed", "calibration.error",
        "calibration.before", "calibration.after", "calibration.miss",
    )  # fmt: skip
    return [
        text_column(text("calibration.observation")),
        *(figure_column(text(key)) for key in figures),
    ]


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
