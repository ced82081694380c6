"""Results for other programs: verdicts and runs as JSON and CSV, runs as files.

A run as a file is NetCDF whole, or its annual figures as CSV, Excel workbook or Parquet.

A file appears complete or not at all: it is written beside its place under another name and then
moved. An existing one is kept unless the caller forces it. The same run gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plansim.errors import Fault, OutputError, nearest
from plansim.present.series import series_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from plansim.plan.check import Verdict

__all__ = [
    "FORMATS",
    "VERDICT_FIELDS",
    "check_destination",
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


def tidy(annual: xr.Dataset) -> pd.DataFrame:
    """Write an annual dataset as one row a figure.

    Columns: scenario, variable, name_zh, unit, year, value. The run card is in ``frame.attrs``.
    """
    import pandas as pd

    scenario = str(annual.attrs.get("scenario", ""))
    rows = [
        (scenario, each.name, each.name_zh, each.unit, year, value)
        for each in series_of(annual)
        for year, value in each.values.items()
    ]
    frame = pd.DataFrame(rows, columns=["scenario", "variable", "name_zh", "unit", "year", "value"])
    frame.attrs.update(_card(annual))
    return frame


def _card(dataset: xr.Dataset) -> dict[str, str]:
    return {str(key): str(value) for key, value in dataset.attrs.items()}


def check_destination(path: Path, *, force: bool = False) -> None:
    """See, before a run, that its result can be written to ``path``.

    Raises:
        OutputError: unknown suffix, no such folder, folder not writable, or the file exists and
            ``force`` is not given.
    """
    if path.suffix.lower() not in FORMATS:
        fault = Fault(
            "unknown kind of output file",
            file=path,
            expected="a name that ends with " + ", ".join(FORMATS),
            found=path.suffix or "no suffix",
            nearest=nearest(path.suffix, FORMATS) if path.suffix else None,
        )
    elif path.is_dir():
        fault = Fault("cannot write the output", file=path, expected="a file", found="a folder")
    elif not path.parent.is_dir():
        fault = Fault(
            "cannot write the output", file=path, expected="an existing folder",
            found=f"no folder {path.parent}",
        )  # fmt: skip
    elif not os.access(path.parent, os.W_OK | os.X_OK):
        fault = Fault(
            "cannot write the output", file=path, expected="a folder that you may write to",
            found=f"no right to write to {path.parent}",
        )  # fmt: skip
    elif path.exists() and not force:
        fault = Fault("the output file exists already; --force replaces it", file=path)
    else:
        return
    raise OutputError(str(fault))


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
    write: dict[str, Callable[[Path], object]] = {
        ".nc": lambda part: dataset.to_netcdf(part, engine="h5netcdf"),
        ".csv": lambda part: tidy(annual).to_csv(part, index=False, lineterminator="\n"),
        ".parquet": lambda part: tidy(annual).to_parquet(part, index=False),
        ".xlsx": lambda part: _write_workbook(annual, part),
    }
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write[path.suffix.lower()](part)
        check_destination(path, force=force)
        part.replace(path)
    except OSError as error:
        why = error.strerror or str(error)
        raise OutputError(str(Fault("cannot write the output", file=path, found=why))) from error
    finally:
        part.unlink(missing_ok=True)


def _write_workbook(annual: xr.Dataset, path: Path) -> None:
    """Write a sheet with a variable a row and a year a column, and one with the run card."""
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import XlsxWriterException

    book = Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _EPOCH})
    strong = book.add_format({"bold": True})
    sheet = book.add_worksheet("annual")
    years = [int(year) for year in annual["year"].values]
    for column, title in enumerate(["variable", "name_zh", "unit", *years]):
        sheet.write(0, column, title, strong)
    for row, each in enumerate(series_of(annual), start=1):
        sheet.write_row(row, 0, [each.name, each.name_zh, each.unit])
        for column, year in enumerate(years, start=3):
            if not math.isnan(each.values[year]):  # a year without a figure stays an empty cell
                sheet.write_number(row, column, each.values[year])
    sheet.set_column(0, 1, 32)
    sheet.freeze_panes(1, 3)
    card = book.add_worksheet("run card")
    card.set_column(0, 1, 32)
    for row, (key, value) in enumerate(_card(annual).items()):
        card.write_row(row, 0, [key, value])
    try:
        book.close()
    except XlsxWriterException as error:
        raise OSError(str(error)) from error


def run_json(annual: xr.Dataset) -> str:
    """Write an annual dataset as JSON: the run card, the years, and a list of variables.

    A year without a figure is ``null``.
    """
    years = [int(year) for year in annual["year"].values]
    variables: list[dict[str, Any]] = [
        {
            "name": each.name,
            "name_zh": each.name_zh,
            "unit": each.unit,
            "timing": each.timing,
            "values": [_number(each.values[year]) for year in years],
        }
        for each in series_of(annual)
    ]
    return json.dumps(
        {"run": _card(annual), "years": years, "variables": variables},
        ensure_ascii=False,
        indent=2,
        allow_nan=False,
    )


def run_csv(annual: xr.Dataset) -> str:
    """Write an annual dataset as CSV, one row a figure; see `tidy`."""
    return str(tidy(annual).to_csv(index=False, lineterminator="\n"))


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


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


def _verdict_record(verdict: Verdict) -> dict[str, str | int | float | None]:
    return {name: getattr(verdict, name) for name in VERDICT_FIELDS}


def verdicts_json(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as a JSON list of objects with the fields of `VERDICT_FIELDS`."""
    records = [_verdict_record(verdict) for verdict in verdicts]
    return json.dumps(records, ensure_ascii=False, indent=2, allow_nan=False)


def verdicts_csv(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as CSV with a header; what there is no value for is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, VERDICT_FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(_verdict_record, verdicts))
    return file.getvalue()
