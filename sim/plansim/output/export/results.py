"""Results for other programs: verdicts and runs as JSON and CSV, runs as files.

A run is written completely as NetCDF, or its annual figures as CSV, Excel workbook or Parquet.

Files are written atomically. An existing one is kept unless the caller forces it. Equal runs give
equal bytes.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.errors import Fault, Message, OutputError, nearest
from plansim.files import writing_whole
from plansim.output.series import Series, series_of
from plansim.output.text import Lang, read_text
from plansim.output.verdict_words import gap_text

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from plansim.targets.verdict import Verdict

__all__ = [
    "FORMATS",
    "MORE_FIELDS",
    "VERDICT_FIELDS",
    "card_of",
    "check_destination",
    "run_csv",
    "run_json",
    "tidy",
    "verdicts_csv",
    "verdicts_json",
    "write_run",
    "write_text",
]

FORMATS = (".csv", ".nc", ".parquet", ".xlsx")

_EPOCH = datetime(2000, 1, 1)
"""Date in a workbook's properties in place of the time of writing."""


def tidy(series: Iterable[Series], card: Mapping[str, str]) -> pd.DataFrame:
    """Write annual series as one row a figure.

    Columns: scenario, variable, name_zh, unit, year, value. The run card is in ``frame.attrs``.
    """
    import pandas as pd

    frame = pd.DataFrame(list(_rows(series, card)), columns=list(_COLUMNS))
    frame.attrs.update(card)
    return frame


_COLUMNS = ("scenario", "variable", "name_zh", "unit", "year", "value")


def _rows(
    series: Iterable[Series], card: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str, int, float]]:
    for figures in series:
        for year, value in figures.values.items():
            yield card["scenario"], figures.name, figures.name_zh, figures.unit, year, value


def card_of(dataset: xr.Dataset) -> dict[str, str]:
    """Return the run card of a dataset: its attributes, as texts."""
    return {str(key): str(value) for key, value in dataset.attrs.items()}


def check_destination(path: Path, *, force: bool = False, formats: Sequence[str] = FORMATS) -> None:
    """Check, before a run, that its result can be written to ``path``, in one of ``formats``.

    Raises:
        OutputError: unknown suffix, no such folder, folder not writable, or the file exists and
            ``force`` is not given.
    """
    if path.is_dir():
        fault = Fault(
            "cannot write the output",
            file=path,
            expected=Message("a file"),
            found=Message("a folder"),
        )
    elif path.suffix.lower() not in formats:
        fault = Fault(
            "unknown kind of output file",
            file=path,
            expected=Message("a name that ends with {suffixes}", suffixes=tuple(formats)),
            found=path.suffix or Message("no suffix"),
            nearest=nearest(path.suffix, formats) if path.suffix else None,
        )
    elif not path.parent.is_dir():
        fault = Fault(
            "cannot write the output", file=path, expected=Message("an existing folder"),
            found=Message("no folder {folder}", folder=path.parent),
        )  # fmt: skip
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        fault = Fault(
            "cannot write the output", file=path,
            expected=Message("a folder that you may write to"),
            found=Message("no right to write to {folder}", folder=path.parent),
        )  # fmt: skip
    elif path.exists() and not force:
        fault = Fault("the output file exists already; --force replaces it", file=path)
    else:
        return
    raise OutputError(fault)


def write_run(
    dataset: xr.Dataset,
    annual: xr.Dataset,
    path: Path,
    *,
    force: bool = False,
) -> None:
    """Write a run to ``path``, in the format that its suffix names.

    ``.nc`` holds ``dataset``, every saved time; the others hold ``annual``.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force)
    series, card = list(series_of(annual)), card_of(dataset)
    write: dict[str, Callable[[Path], object]] = {
        ".nc": lambda part: part.write_bytes(dataset.to_netcdf(engine="h5netcdf")),
        ".csv": lambda part: part.write_text(run_csv(series, card), "utf-8", newline="\n"),
        ".parquet": lambda part: tidy(series, card).to_parquet(part, index=False),
        ".xlsx": lambda part: _write_workbook(series, card, part),
    }
    with writing_whole(path) as part:
        write[path.suffix.lower()](part)
        check_destination(path, force=force)


def write_text(text: str, path: Path) -> None:
    """Write a text to ``path`` as UTF-8, atomically.

    Raises:
        OutputError: the system refuses to write.
    """
    with writing_whole(path) as part:
        part.write_text(text, "utf-8")


def _write_workbook(series: Sequence[Series], card: Mapping[str, str], path: Path) -> None:
    """Write a sheet with a variable a row and a year a column, and one with the run card."""
    from xlsxwriter import Workbook

    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = Workbook(memory, options)
    book.set_properties({"created": _EPOCH})
    strong = book.add_format({"bold": True})
    sheet = book.add_worksheet("annual")
    years = list(series[0].values) if series else []
    for column, title in enumerate(["variable", "name_zh", "unit", *years]):
        sheet.write(0, column, title, strong)
    for row, figures in enumerate(series, start=1):
        sheet.write_row(row, 0, [figures.name, figures.name_zh, figures.unit])
        for column, value in enumerate(figures.values.values(), start=3):
            if not math.isnan(value):  # a year without a figure stays an empty cell
                sheet.write_number(row, column, value)
    sheet.set_column(0, 1, 32)
    sheet.freeze_panes(1, 3)
    page = book.add_worksheet("run card")
    page.set_column(0, 1, 32)
    for row, (key, text) in enumerate(card.items()):
        page.write_row(row, 0, [key, text])
    book.close()
    path.write_bytes(memory.getvalue())


def run_json(series: Iterable[Series], card: Mapping[str, str]) -> str:
    """Write annual series as JSON: the run card, and a list of variables with their values by year.

    A year without a figure is ``null``.
    """
    keys = ("name", "name_zh", "unit", "timing", "values")
    variables = [{key: getattr(figures, key) for key in keys} for figures in series]
    from plansim.output.export.json_text import json_text  # loads what tables do without

    return json_text({"run": card, "variables": variables})


def run_csv(series: Iterable[Series], card: Mapping[str, str]) -> str:
    """Write annual series as CSV, one row a figure, with the columns of `tidy`.

    A year without a figure has an empty value.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for *labels, value in _rows(series, card):
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
"""Further fields of a verdict; `reason` is a `Gap`, if there is no value."""


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
    """Write verdicts as CSV with a header; missing values are empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, (*VERDICT_FIELDS, *MORE_FIELDS), lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_verdict_record, verdicts))
    return file.getvalue()
