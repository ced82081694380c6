"""Results for other programs: verdicts and runs as JSON and CSV, runs as files.

A run as a file is NetCDF whole, or its annual figures as CSV, Excel workbook or Parquet.

A file appears complete or not at all: it is written beside its place under another name and then
moved. An existing one is kept unless the caller forces it. The same run gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from plansim.files import check_destination, writing_whole
from plansim.output.series import Series, series_of
from plansim.output.text import Lang, read_text
from plansim.output.verdict_words import gap_text
from plansim.targets.annual import separate

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from plansim.targets.verdict import Verdict

__all__ = [
    "FORMATS",
    "MORE_FIELDS",
    "VERDICT_FIELDS",
    "Run",
    "card_of",
    "run_csv",
    "run_json",
    "tidy",
    "verdicts_csv",
    "verdicts_json",
    "write_run",
]

FORMATS = (".csv", ".nc", ".parquet", ".xlsx")

_EPOCH = datetime(2000, 1, 1)
"""Stands in a workbook's properties instead of the time of writing."""


Run: TypeAlias = tuple[Sequence[Series], Mapping[str, str]]
"""Annual series of a run, and its run card."""


def tidy(runs: Sequence[Run]) -> pd.DataFrame:
    """Write annual series as one row a figure.

    Columns: scenario, variable, name_zh, unit, year, value. The run card of a single run is
    in ``frame.attrs``.
    """
    import pandas as pd

    frame = pd.DataFrame(list(_rows(runs)), columns=list(_COLUMNS))
    if len(runs) == 1:
        frame.attrs.update(runs[0][1])
    return frame


_COLUMNS = ("scenario", "variable", "name_zh", "unit", "year", "value")


def _rows(runs: Iterable[Run]) -> Iterator[tuple[str, str, str, str, int, float]]:
    for series, card in runs:
        for each in series:
            for year, value in each.values.items():
                yield card["scenario"], each.name, each.name_zh, each.unit, year, value


def card_of(dataset: xr.Dataset) -> dict[str, str]:
    """Give the run card of a dataset: its attributes, as texts."""
    return {str(key): str(value) for key, value in dataset.attrs.items()}


def write_run(
    dataset: xr.Dataset,
    annual: xr.Dataset,
    path: Path,
    *,
    names: Sequence[str] | None = None,
    force: bool = False,
) -> None:
    """Write runs to ``path``, in the format that its suffix names.

    ``.nc`` holds ``dataset``, every saved time; the others hold what changes over time of
    ``annual``. ``names`` are the variables that are written, if not all. Datasets are of one
    scenario or over ``scenario``.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force, formats=FORMATS)
    if names is not None:
        dataset = dataset[list(names)]
    chosen = names or [str(name) for name in annual if "year" in annual[name].dims]
    yearly = annual[list(chosen)].assign_coords(year=annual["year"])
    cards = [card_of(run) for run in separate(dataset)]
    series = [list(series_of(run)) for run in separate(yearly)]
    runs = list(zip(series, cards, strict=True))
    write: dict[str, Callable[[Path], object]] = {
        ".nc": lambda part: part.write_bytes(dataset.to_netcdf(engine="h5netcdf")),
        ".csv": lambda part: part.write_text(run_csv(runs), "utf-8", newline="\n"),
        ".parquet": lambda part: tidy(runs).to_parquet(part, index=False),
        ".xlsx": lambda part: _write_workbook(runs, part),
    }
    with writing_whole(path) as part:
        write[path.suffix.lower()](part)
        check_destination(path, force=force, formats=FORMATS)


def _write_workbook(runs: Sequence[Run], path: Path) -> None:
    """Write a sheet with a variable a row and a year a column, and one with the run cards."""
    from xlsxwriter import Workbook

    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = Workbook(memory, options)
    book.set_properties({"created": _EPOCH})
    strong = book.add_format({"bold": True})
    sheet = book.add_worksheet("annual")
    several = ["scenario"] if len(runs) > 1 else []
    labels = [*several, "variable", "name_zh", "unit"]
    years = sorted({year for series, _ in runs for each in series[:1] for year in each.values})
    for column, title in enumerate([*labels, *years]):
        sheet.write(0, column, title, strong)
    rows = ((each, card) for series, card in runs for each in series)
    for row, (each, card) in enumerate(rows, start=1):
        scenario = [card["scenario"]] if several else []
        sheet.write_row(row, 0, [*scenario, each.name, each.name_zh, each.unit])
        for column, year in enumerate(years, start=len(labels)):
            value = each.values.get(year, math.nan)
            if not math.isnan(value):  # a year without a figure stays an empty cell
                sheet.write_number(row, column, value)
    sheet.set_column(0, 1, 32)
    sheet.freeze_panes(1, len(labels))
    page = book.add_worksheet("run card")
    page.set_column(0, len(runs), 32)
    for row, key in enumerate(runs[0][1]):
        page.write_row(row, 0, [key, *(card[key] for _, card in runs)])
    book.close()
    path.write_bytes(memory.getvalue())


def run_json(runs: Sequence[Run]) -> str:
    """Write annual series as JSON: the run card, and a list of variables with their values by year.

    A year without a figure is ``null``. Of several runs there is a list of these.
    """
    keys = ("name", "name_zh", "unit", "timing", "values")
    records = [
        {
            "run": card,
            "variables": [{key: getattr(each, key) for key in keys} for each in series],
        }
        for series, card in runs
    ]
    from plansim.output.export.json_text import json_text  # loads what tables do without

    return json_text(records[0] if len(records) == 1 else records)


def run_csv(runs: Sequence[Run]) -> str:
    """Write annual series as CSV, one row a figure, with the columns of `tidy`.

    A year without a figure has an empty value.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for *labels, value in _rows(runs):
        writer.writerow([*labels, "" if math.isnan(value) else value])
    return file.getvalue()


# --- verdicts -----------------------------------------------------------------------------------

VERDICT_FIELDS = (
    "scenario",
    "id",
    "name_en",
    "name_zh",
    "attribute",
    "year",
    "value",
    "target",
    "direction",
    "unit",
    "status",
    "margin",
    "margin_pct",
    "first_breach",
)


MORE_FIELDS = (
    "tolerance",
    "basis",
    "second_basis",
    "second_value",
    "followed_to",
    "reason",
    "reason_en",
    "reason_zh",
)
"""What is said of a verdict beyond that; `reason` is a `Gap`, and only where nothing answers."""


def _verdict_record(verdict: Verdict) -> dict[str, str | int | float | None]:
    record = {name: getattr(verdict, name) for name in VERDICT_FIELDS}
    bases = [*verdict.bases.items(), (None, None), (None, None)]
    reasons = {f"reason_{lang}": gap_text(verdict, read_text(lang)) or None for lang in Lang}
    return {
        **record,
        "tolerance": verdict.tolerance,
        "basis": bases[0][0],
        "second_basis": bases[1][0],
        "second_value": bases[1][1],
        "followed_to": verdict.followed_to,
        "reason": verdict.gap,
        **reasons,
    }


def verdicts_json(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as a JSON list of objects: `VERDICT_FIELDS`, then `MORE_FIELDS`."""
    records = [_verdict_record(verdict) for verdict in verdicts]
    from plansim.output.export.json_text import json_text

    return json_text(records)


def verdicts_csv(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as CSV with a header; what there is no value for is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, (*VERDICT_FIELDS, *MORE_FIELDS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_verdict_record, verdicts))
    return file.getvalue()
