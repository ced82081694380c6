"""Runs as files for other programs: annual figures as one table, every saved time as NetCDF.

A file appears complete or not at all: it is written beside its place under another name and then
moved. An existing one is kept unless the caller forces it. The same runs give the same bytes.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from plansim.analysis.experiments.replay import element_of
from plansim.errors import Choice
from plansim.files.escaping import for_spreadsheet
from plansim.files.writing import check_destination, writing_whole
from plansim.model.records import several
from plansim.output.export.iamc import IamcNames, iamc_table
from plansim.output.series import is_named, rows_of
from plansim.targets.annual import annual, annual_of, check_name, check_runs, frame, named, separate
from plansim.targets.target import split_reference

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "TABLES",
    "TableForm",
    "export",
    "table_of",
    "write_dataset",
]

TABLES = (".csv", ".parquet", ".xlsx")
_EPOCH = datetime(2000, 1, 1)
"""Stands in a workbook's properties instead of the time of writing."""


class TableForm(Choice):
    """How a table is laid out."""

    WIDE = "wide"  # a row per variable, a column per year
    TIDY = "tidy"  # a row per figure
    IAMC = "iamc"  # as the Integrated Assessment Modeling Consortium exchanges scenarios


def table_of(
    runs: Sequence[xr.Dataset],
    form: TableForm,
    names: Sequence[str] = (),
    iamc: IamcNames | None = None,
) -> pd.DataFrame:
    """Return annual figures of runs, by years as `annual` returns them, as one table.

    ``names`` are the variables, or elements of them, that go in; of none, all that change over
    time. Units are the model's. The tidy form is that of `plansim.frame`. In the wide one an array
    takes a row an element. That of the IAMC is `iamc_table`; without names and units for it
    (``iamc``) all variables have the model's. Its sheet must be called ``data``.

    Raises:
        UnknownNameError: a run holds no such variable.
    """
    import pandas as pd

    names = [_reference(runs[0], name) for name in several(names)]
    runs = [_chosen(run, names) for run in runs]
    if form is TableForm.TIDY:
        table = frame(runs, *map(str, runs[0].data_vars))
        series = zip(table["variable"], table["element"].str.split(","), strict=True)
        asked = [is_named(*one, names) for one in series] if names else slice(None)
        return table[asked].reset_index(drop=True)
    if form is TableForm.IAMC:
        own = IamcNames(region=str(runs[0].attrs.get("model", "")))
        return iamc_table(
            runs, iamc or own, names or ([] if iamc else [*map(str, runs[0].data_vars)])
        )
    by_years = list(map(annual_of, runs))
    rows = [
        (run.scenario, row)
        for run in by_years
        for row in rows_of(run)
        if not names or is_named(*split_reference(row.name), names)
    ]
    years = sorted({year for run in by_years for year in run.years})
    return pd.DataFrame(
        {
            "scenario": [scenario for scenario, _ in rows],
            "variable": [row.name for _, row in rows],
            "name_zh": [row.name_zh for _, row in rows],
            "unit": [row.unit for _, row in rows],
            **{str(year): [row.values.get(year, math.nan) for _, row in rows] for year in years},
        }
    )


def _reference(run: xr.Dataset, name: str) -> str:
    """Return the variable, or the element of one, that a name means in a run."""
    check_name(name)
    if name in run:
        return name
    base, bracket, inside = name.partition("[")
    return named(run, base) + bracket + inside


def _chosen(run: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    wanted = dict.fromkeys(split_reference(name)[0] for name in names)
    wanted = wanted or dict.fromkeys(str(name) for name in run if "year" in run[name].dims)
    return run[list(wanted)].assign_coords(year=run["year"])


def export(
    source: xr.Dataset | Sequence[xr.Dataset],
    path: str | Path,
    *,
    form: TableForm | str = TableForm.WIDE,
    names: Sequence[str] = (),
    iamc: IamcNames | None = None,
    force: bool = False,
) -> int:
    """Write annual figures of runs for other programs.

    Args:
        source: datasets as `simulate` or `annual` returns them, each of one scenario or of several.
        path: FILE.csv, .xlsx or .parquet.
        form: of a table: a row per variable (wide), a row per figure (tidy), or that of the IAMC.
        names: variables that are written, or elements of them as ``output[farming]``; by default
            all that change over time.
        iamc: region, names and units for the IAMC, as `load_iamc` gives them; by default the
            model's own.
        force: whether to replace a file that exists.

    Returns:
        How many runs were written.

    Raises:
        UnknownNameError: a run holds no such variable.
        OutputError: as for `check_destination`, or the system refuses to write.
        ValueError: no run is given.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> plansim.export(runs, "runs.csv", form="tidy", names=["fish"], force=True)
    1
    """
    listed = several(source)
    for dataset in listed:
        check_runs(dataset)
    apart = (run for dataset in listed for run in separate(dataset))
    runs = [annual(run) for run in apart]
    if not runs:
        raise ValueError("there is no run to write")
    check_destination(Path(path), force=force, formats=TABLES)
    _write_table(table_of(runs, TableForm(form), names, iamc), Path(path), force=force)
    return len(runs)


def write_dataset(
    dataset: xr.Dataset, path: Path, *, names: Sequence[str] = (), force: bool = False
) -> None:
    """Write runs, of one scenario or over ``scenario``, as NetCDF: every saved time.

    ``names`` are the variables that are written, if not all, or elements ``name[element]``.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force, formats=(".nc",))
    import_module("h5py")  # h5netcdf hides why it cannot be loaded, as if memory is short
    series = {name: element_of(dataset, name).variable for name in names}
    chosen = dataset.assign(series)[list(names)] if names else dataset
    with writing_whole(path) as part:
        # To memory, then to disk: HDF5 ends the process where a disk is full.
        part.write_bytes(_without_slashes(chosen).to_netcdf(engine="h5netcdf"))
        check_destination(path, force=force, formats=(".nc",))


def _without_slashes(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset whose names NetCDF allows; the model's own stay in ``long_name``."""
    taken = {str(name) for name in (*dataset.variables, *dataset.dims)}
    names = {}
    for name in sorted(name for name in taken if "/" in name):
        new = name.replace("/", "_")
        while new in taken:
            new += "_"
        names[name] = new
        taken.add(new)
    return dataset.rename(names)


def _write_table(table: pd.DataFrame, path: Path, *, force: bool) -> None:
    with writing_whole(path) as part:
        match path.suffix.lower():
            case ".csv":  # with a mark, by which Excel knows UTF-8
                table = table.map(for_spreadsheet).rename(columns=for_spreadsheet)
                table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8-sig")
            case ".parquet":
                table.to_parquet(part, index=False)
            case _:
                part.write_bytes(_workbook(table))
        check_destination(path, force=force, formats=TABLES)


def _workbook(table: pd.DataFrame) -> bytes:
    """Return a workbook: a table as the sheet ``data``, with years as numbers."""
    import pandas as pd

    memory = io.BytesIO()
    heads = {head: int(head) for head in table.columns if head.isdecimal()}
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    settings = {"options": options}
    with pd.ExcelWriter(memory, engine="xlsxwriter", engine_kwargs=settings) as writer:
        writer.book.set_properties({"created": _EPOCH})
        frozen = (1, len(table.columns) - len(heads))
        shown = table.rename(columns=heads)
        shown.to_excel(writer, sheet_name="data", index=False, freeze_panes=frozen)
        writer.sheets["data"].set_row(0, None, writer.book.add_format({"bold": True}))
    return memory.getvalue()
