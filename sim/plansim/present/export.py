"""A run as a file: NetCDF whole, or its annual figures as CSV, Excel workbook or Parquet.

A file appears complete or not at all: it is written beside its place under another name and then
moved. An existing one is kept unless the caller forces it. The same run gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plansim.errors import Fault, OutputError, nearest

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["FORMATS", "Trajectory", "check_destination", "tidy", "trajectories", "write_run"]

FORMATS = (".csv", ".nc", ".parquet", ".xlsx")

_EPOCH = datetime(2000, 1, 1)
"""Stands in a workbook's properties instead of the time of writing."""


@dataclass(frozen=True)
class Trajectory:
    """One variable, or one element of an array, year by year."""

    name: str
    """English, with elements as in Vensim: ``value added[services]``."""
    name_zh: str
    unit: str
    timing: str
    values: Mapping[int, float]


def trajectories(
    annual: xr.Dataset, elements_zh: Mapping[str, str] | None = None
) -> Iterator[Trajectory]:
    """Take an annual dataset apart, in the order of its variables.

    Args:
        annual: variables with dimension ``year`` and, for arrays, the subscript ranges.
        elements_zh: Chinese names of subscript elements; where one is missing the English stands.
    """
    chinese = elements_zh or {}
    years = [int(year) for year in annual["year"].values]
    for key, array in annual.data_vars.items():
        dims = [str(dim) for dim in array.dims if dim != "year"]
        ordered = array.transpose(*dims, "year")
        choices = [[str(element) for element in array[dim].values] for dim in dims]
        for chosen in product(*choices):
            values = ordered.sel(dict(zip(dims, chosen, strict=True))).values
            name_zh = str(array.attrs.get("long_name_zh", ""))
            in_chinese = [chinese.get(element, element) for element in chosen]
            yield Trajectory(
                name=_labelled(str(array.attrs.get("long_name", key)), chosen),
                name_zh=_labelled(name_zh, in_chinese) if name_zh else "",
                unit=str(array.attrs.get("units", "")),
                timing=str(array.attrs.get("timing", "")),
                values=dict(zip(years, map(float, values), strict=True)),
            )


def _labelled(name: str, elements: tuple[str, ...] | list[str]) -> str:
    return f"{name}[{','.join(elements)}]" if elements else name


def tidy(annual: xr.Dataset, elements_zh: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Write an annual dataset as one row a figure.

    Columns: scenario, variable, name_zh, unit, year, value. The run card is in ``frame.attrs``.
    """
    import pandas as pd

    scenario = str(annual.attrs.get("scenario", ""))
    rows = [
        (scenario, each.name, each.name_zh, each.unit, year, value)
        for each in trajectories(annual, elements_zh)
        for year, value in each.values.items()
    ]
    frame = pd.DataFrame(
        rows, columns=["scenario", "variable", "name_zh", "unit", "year", "value"]
    )
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
    elements_zh: Mapping[str, str] | None = None,
) -> None:
    """Write a run to ``path``, in the format that its suffix names.

    ``.nc`` holds ``dataset``, every saved time; the others hold ``annual``.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force)
    write: dict[str, Callable[[Path], object]] = {
        ".nc": lambda part: dataset.to_netcdf(part, engine="h5netcdf"),
        ".csv": lambda part: tidy(annual, elements_zh).to_csv(
            part, index=False, lineterminator="\n"
        ),
        ".parquet": lambda part: tidy(annual, elements_zh).to_parquet(part, index=False),
        ".xlsx": lambda part: _write_workbook(annual, part, elements_zh),
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


def _write_workbook(
    annual: xr.Dataset, path: Path, elements_zh: Mapping[str, str] | None
) -> None:
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
    for row, each in enumerate(trajectories(annual, elements_zh), start=1):
        sheet.write_row(row, 0, [each.name, each.name_zh, each.unit])
        for column, year in enumerate(years, start=3):
            value = each.values[year]
            if value == value:  # a year without a figure stays an empty cell
                sheet.write_number(row, column, value)
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


def run_json(annual: xr.Dataset, elements_zh: Mapping[str, str] | None = None) -> str:
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
        for each in trajectories(annual, elements_zh)
    ]
    return json.dumps(
        {"run": _card(annual), "years": years, "variables": variables},
        ensure_ascii=False,
        indent=2,
        allow_nan=False,
    )


def _number(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None
