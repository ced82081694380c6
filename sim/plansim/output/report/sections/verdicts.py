"""All verdicts, as a picture and a table, and the key charts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from plansim.analysis.comparison import Comparison
from plansim.output.report.document import (
    Cell,
    GroupRow,
    Picture,
    ReportTable,
    Row,
    Section,
    TableColumn,
    Tone,
)
from plansim.output.series import series_in
from plansim.output.words import verdicts as wording
from plansim.output.words.text import Text
from plansim.targets.target import Attribute, Status, Target, binding_targets, split_reference
from plansim.targets.verdict import Verdict
from plansim.targets.views import Chart

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure as Drawing

__all__ = [
    "chart_section",
    "count_cell",
    "number_cell",
    "sectioned",
    "target_cell",
    "target_column",
    "tone_of",
    "verdict_cells",
    "verdict_columns",
    "verdict_section",
]

EN_SPACE = "\u2002"
TONES = MappingProxyType(
    {
        Status.MET: Tone.GOOD,
        Status.MISSED: Tone.BAD,
        Status.UNDECIDED: Tone.DOUBT,
        Status.ASSUMED: Tone.DOUBT,
        Status.UNTESTABLE: Tone.FAINT,
    }
)


def number_cell(
    number: float | None, shown: str, tone: Tone = Tone.PLAIN, decimals: int | None = None
) -> Cell:
    """Return a cell with a number; a workbook shows as many decimals of it, or as ``shown`` has."""
    if decimals is None:
        decimals = len(shown.partition(".")[2])
    return Cell(shown, tone=tone, number=number, decimals=max(decimals, 0))


def count_cell(count: int | None, missing: str = "", tone: Tone = Tone.PLAIN) -> Cell:
    """Return a cell with a whole number, or with what stands where there is none."""
    return number_cell(count, missing if count is None else str(count), tone)


def target_column(text: Text, width: float) -> TableColumn:
    """Return the column of targets, which `target_cell` fills."""
    heads = ("verdicts.name", "verdicts.id", "verdicts.target", "run.unit")
    widths = (width, 0.8, 1.0, 0.9)
    parts = [TableColumn(text(head), width=size) for head, size in zip(heads, widths, strict=True)]
    return TableColumn(text("verdicts.name"), width=width, parts=tuple(parts))


def target_cell(target: Target, text: Text, tone: Tone = Tone.PLAIN) -> Cell:
    """Return what heads the row of a target: its name; below what it asks, and its id."""
    name, limit, unit = text.name(target), wording.limit_of(target, text), text.unit(target.unit)
    behind = text("list_sep.dot").join([f"{limit} {unit}".strip(), target.id])
    parts = (Cell(name), Cell(target.id), number_cell(target.value, limit), Cell(unit))
    return Cell(name, (behind,), tone, parts=parts)


def sectioned(
    targets: Sequence[Target], row: Callable[[Target], Row], text: Text
) -> Iterator[Row | GroupRow]:
    """Yield a row for each target, under a band for each attribute and year."""
    for title, section in wording.by_section(targets, text):
        yield GroupRow(title)
        yield from map(row, section)


# --- verdicts -------------------------------------------------------------------------------------


def verdict_columns(names: Sequence[str], text: Text, width: float) -> list[TableColumn]:
    """Return the columns of scenarios, which `verdict_cells` fills.

    In a workbook the letter alone stands for a scenario, whose name would not fit.
    """
    keys = ("report.verdict", "report.value", "causes.margin", "report.models_head",
            "report.first_breach")  # fmt: skip
    return [
        TableColumn(
            name,
            width=width,
            parts=tuple(
                TableColumn(f"{name[0]} {text(key)}", right=key != "report.verdict") for key in keys
            ),
        )
        for name in names
    ]


def verdict_cells(comparison: Comparison, target: Target, text: Text) -> list[Cell]:
    """Return what becomes of a target under each scenario, and in how many plausible models."""
    return [_verdict_cell(verdicts[target.id], target, text) for verdicts in comparison.verdicts]


def tone_of(verdict: Verdict) -> Tone:
    """Return how a verdict stands out: by its status, if plausible models agree with it."""
    return Tone.DOUBT if verdict.is_open else TONES[verdict.status]


def _verdict_cell(verdict: Verdict, target: Target, text: Text) -> Cell:
    tone = tone_of(verdict)
    word = wording.outcome_words(verdict, text)
    if verdict.value is None:
        return Cell(word, tone=tone, parts=(Cell(word, tone=tone), *[Cell()] * 4))
    share, breach = wording.share_text(verdict), verdict.first_breach
    shown = wording.value_words(target, verdict.value, text)
    below = [wording.margin_words(verdict, target, text)]
    value = number_cell(verdict.value, wording.value_text(target, verdict.value))
    margin = number_cell(verdict.margin, wording.margin_text(verdict, target))
    if bases := wording.bases_of(verdict, target, text):
        shown, below = "", [text.join([side for _, side in bases])]
        value, margin = Cell(below[0]), Cell()
    if wording.breaks_later(verdict):
        below.append(text("report.fails_first", year=breach))
    parts = (
        Cell(word, tone=tone),
        value,
        margin,
        count_cell(verdict.share.of_hundred if verdict.share else None),
        count_cell(None if bases else breach),  # each basis has its own
    )
    line = f"{wording.verdict_mark(verdict)} {shown}{EN_SPACE}{share}".rstrip()
    return Cell(line, (text("list_sep.clause").join(below),), tone, parts=parts)


def verdict_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the matrix of all targets that are judged, with a picture of the binding ones."""
    judged = [
        target
        for target in comparison.targets
        if any(v[target.id].status is not Status.UNTESTABLE for v in comparison.verdicts)
    ]
    rows = sectioned(
        judged,
        lambda target: (target_cell(target, text), *verdict_cells(comparison, target, text)),
        text,
    )
    columns = (target_column(text, 4.0), *verdict_columns(names, text, 2.4))
    listed = text.join(names)
    note = listed + text("list_sep.stop") + text("report.matrix_note")
    table = ReportTable(
        text("report.matrix"), columns, tuple(rows), note, titles=text("report.attribute")
    )
    picture = Picture(
        text("report.map"),
        text("report.map_alt", scenarios=listed),
        lambda: _map(comparison, names, text),
    )
    title = text("report.verdicts")
    is_drawn = bool(binding_targets(judged))
    return Section(title, title, (picture, table) if is_drawn else (table,), new_page=True)


def _map(comparison: Comparison, names: Sequence[str], text: Text) -> Drawing:
    from plansim.output.figures.canvas import figure_of
    from plansim.output.figures.verdicts import verdict_map

    everything = [verdict for by_id in comparison.verdicts for verdict in by_id.values()]
    binding = [verdict for verdict in everything if verdict.attribute is Attribute.BINDING]
    return figure_of(verdict_map(binding, titles=names, lang=text.lang))


# --- charts ---------------------------------------------------------------------------------------


def _in_units_of(charts: Iterable[Chart], run: xr.Dataset, targets: Iterable[Target]) -> xr.Dataset:
    """Return a run in which what the plan has no unit for is in its chart's, as on the page."""
    shown = {}
    for chart in charts:
        for line in chart.lines:
            array = run[split_reference(line.reference)[0]]
            if series_in(run, line.reference, targets).unit == array.attrs["units"] != chart.unit:
                scaled = (array * line.factor).assign_attrs(array.attrs | {"units": chart.unit})
                shown[array.name] = scaled
    return run.assign(shown)


def chart_section(comparison: Comparison, names: Sequence[str], text: Text) -> Section:
    """Return the key charts of the views; nothing where there are none."""
    charts = [chart for chart in comparison.views.charts if chart.key]
    series = [line.reference for chart in charts for line in chart.lines]

    def draw() -> Drawing:
        from plansim.output.figures.canvas import figure_of
        from plansim.output.figures.lines import small_multiples

        targets = comparison.targets
        runs = [_in_units_of(charts, run, targets) for run in comparison.runs]
        panels = small_multiples(runs, series, targets, titles=names, lang=text.lang)
        return figure_of(panels[0])

    called = text.join([text.name(chart) for chart in charts])
    alt = text("report.charts_alt", names=called, scenarios=text.join(names))
    picture = Picture(text("report.charts_caption"), alt, draw)
    title = text("report.charts")
    return Section(title, title, (picture,) if series else ())
