"""Annual figures of scenarios as one table or one NetCDF file for other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.errors import Fault, InputError
from plansim.files import writing_whole
from plansim.output.export.results import FORMATS, card_of, check_destination, tidy
from plansim.output.series import series_of
from plansim.scenario.records import BilingualText
from plansim.targets.catalogue import split_reference

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["TableForm", "table_of", "write_scenarios"]


class TableForm(StrEnum):
    """Format of a table of annual figures."""

    WIDE = "wide"  # a row a variable, a column a year
    TIDY = "tidy"  # a row a figure
    IAMC = "iamc"  # the format of the Integrated Assessment Modeling Consortium


def table_of(
    runs: Sequence[xr.Dataset], form: TableForm, region: BilingualText, names: Sequence[str] = ()
) -> pd.DataFrame:
    """Return annual figures of runs, by years as `annual` gives them, as one table.

    ``names`` are the variables that go in; of none, all that change over time. An array takes a row
    an element. Units are the model's. In the IAMC's form an element stands after a bar, as in
    ``value added|services``; its sheet must be called ``data``.

    Raises:
        InputError: a variable is no series.
    """
    import pandas as pd

    parts = [tidy(series_of(_chosen(run, names)), card_of(run)) for run in runs]
    table = pd.concat(parts, ignore_index=True)
    if form is TableForm.TIDY:
        return table
    keys = ["scenario", "variable", "name_zh", "unit"]
    order = table[keys].drop_duplicates()
    wide = table.pivot(index=keys, columns="year", values="value").loc[
        pd.MultiIndex.from_frame(order)
    ]
    wide = wide.reset_index().rename_axis(columns=None)
    if form is TableForm.IAMC:
        wide.insert(0, "model", f"plansim {runs[0].attrs.get('model', '')}".strip())
        wide.insert(2, "region", region.en)
        wide["variable"] = [_barred(name) for name in wide["variable"]]
        wide = wide.drop(columns="name_zh")
    wide.columns = [str(column) for column in wide.columns]
    return wide


def _chosen(run: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    for name in names:
        if name not in run:
            raise InputError(Fault("'{name}' is no series: it has no value over time", name=name))
    wanted = list(names) or [str(name) for name in run if "year" in run[name].dims]
    return run[wanted].assign_coords(year=run["year"])


def _barred(reference: str) -> str:
    name, elements = split_reference(reference)
    return "|".join([name.strip('"'), *elements])


def write_scenarios(
    runs: Sequence[xr.Dataset],
    path: Path,
    form: TableForm,
    region: BilingualText,
    *,
    names: Sequence[str] = (),
    force: bool = False,
) -> None:
    """Write annual figures of runs to ``path``, in the format that its suffix names.

    ``.csv`` (UTF-8 with a mark, for Excel), ``.xlsx`` and ``.parquet`` hold what `table_of` gives,
    ``.nc`` what `cf_dataset` gives. The same runs give the same bytes.

    Raises:
        InputError: a variable is no series.
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force, formats=FORMATS)
    suffix = path.suffix.lower()
    write: Callable[[Path], object]
    if suffix == ".nc":
        from plansim.output.export.cf import cf_dataset

        dataset = cf_dataset([_chosen(run, names) for run in runs], region)
        write = lambda part: part.write_bytes(dataset.to_netcdf(engine="h5netcdf"))  # noqa: E731
    else:
        table = table_of(runs, form, region, names)
        writers: dict[str, Callable[[Path], object]] = {
            ".csv": lambda part: table.to_csv(
                part, index=False, lineterminator="\n", encoding="utf-8-sig"
            ),
            ".parquet": lambda part: table.to_parquet(part, index=False),
            ".xlsx": lambda part: _write_sheet(table, part),
        }
        write = writers[suffix]
    with writing_whole(path) as part:
        write(part)
        check_destination(path, force=force, formats=FORMATS)


def _write_sheet(table: pd.DataFrame, path: Path) -> None:
    """Write a table as the sheet ``data`` of a workbook, years as numbers."""
    import io
    import math
    from datetime import datetime

    from xlsxwriter import Workbook

    memory = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    book = Workbook(memory, options)
    book.set_properties({"created": datetime(2000, 1, 1)})  # not the time of writing
    sheet = book.add_worksheet("data")
    strong = book.add_format({"bold": True})
    for column, head in enumerate(table.columns):
        sheet.write(0, column, int(head) if head.isdecimal() else head, strong)
    for row, values in enumerate(table.itertuples(index=False), start=1):
        for column, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(row, column, value)
            elif not math.isnan(value):  # a year without a figure stays an empty cell
                sheet.write_number(row, column, value)
    sheet.freeze_panes(1, 0)
    book.close()
    path.write_bytes(memory.getvalue())
