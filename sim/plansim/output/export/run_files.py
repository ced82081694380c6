"""Runs as files for other programs: annual figures as one table, every saved time as NetCDF.

A file appears complete or not at all: it is written beside its place under another name and then
moved. An existing one is kept unless the caller forces it. The same runs give the same bytes.

``iamc.yaml`` beside a model says what of it has a name in the templates of the Integrated
Assessment Modeling Consortium, in which unit, and the code of its region. Figures there have twelve
digits, so that a factor leaves no trace of binary fractions.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from plansim.errors import CatalogueError, InputError
from plansim.files.escaping import for_spreadsheet
from plansim.files.forms import LAX, Form, Names, form_of, listed
from plansim.files.writing import check_destination, writing_whole
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.output.series import Series, series_of
from plansim.scenario.references import one_series
from plansim.targets.annual import annual, frame, separate
from plansim.targets.target import split_reference

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = [
    "FILE_NAME",
    "TABLES",
    "IamcNames",
    "TableForm",
    "export",
    "iamc_table",
    "load_iamc",
    "table_of",
    "write_dataset",
]

TABLES = (".csv", ".parquet", ".xlsx")
_EPOCH = datetime(2000, 1, 1)
"""Stands in a workbook's properties instead of the time of writing."""


class TableForm(StrEnum):
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

    ``names`` are the variables that go in; of none, all that change over time. Units are the
    model's. The tidy form is that of `plansim.frame`. In the wide one an array takes a row an
    element. That of the IAMC is `iamc_table`; without names and units for it (``iamc``) all
    variables have the model's. Its sheet must be called ``data``.

    Raises:
        InputError: a variable is not a series.
    """
    import pandas as pd

    runs = [_chosen(run, names) for run in runs]
    if form is TableForm.TIDY:
        return frame(runs, *map(str, runs[0].data_vars))
    if form is TableForm.IAMC:
        own = IamcNames(region=str(runs[0].attrs.get("model", "")))
        return iamc_table(runs, iamc or own, names if iamc else [*map(str, runs[0].data_vars)])
    rows = [(str(run.attrs.get("scenario", "")), row) for run in runs for row in series_of(run)]
    years = sorted({int(year) for run in runs for year in run["year"].to_numpy()})
    return pd.DataFrame(
        {
            "scenario": [scenario for scenario, _ in rows],
            "variable": [row.name for _, row in rows],
            "name_zh": [row.name_zh for _, row in rows],
            "unit": [row.unit for _, row in rows],
            **{str(year): [row.values.get(year, math.nan) for _, row in rows] for year in years},
        }
    )


def _chosen(run: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    for name in names:
        if name not in run:
            raise InputError("'{name}' is not a series: it has no value over time", name=name)
    wanted = list(names) or [str(name) for name in run if "year" in run[name].dims]
    return run[wanted].assign_coords(year=run["year"])


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
        names: variables that are written; by default all that change over time.
        iamc: region, names and units for the IAMC, as `load_iamc` gives them; by default the
            model's own.
        force: whether to replace a file that exists.

    Returns:
        How many runs were written.

    Raises:
        InputError: a variable is not a series.
        OutputError: as for `check_destination`, or the system refuses to write.
        ValueError: no run is given.

    >>> runs = plansim.simulate(plansim.load_model("lake.mdl"), "boats.yaml")
    >>> plansim.export(runs, "runs.csv", form="tidy", names=["fish"], force=True)
    1
    """
    import xarray as xr

    listed = [source] if isinstance(source, xr.Dataset) else list(source)
    apart = (run for dataset in listed for run in separate(dataset))
    runs = [run if "year" in run.coords else annual(run) for run in apart]
    if not runs:
        raise ValueError("there is no run to write")
    check_destination(Path(path), force=force, formats=TABLES)
    _write_table(table_of(runs, TableForm(form), names, iamc), Path(path), force=force)
    return len(runs)


def write_dataset(
    dataset: xr.Dataset, path: Path, *, names: Sequence[str] = (), force: bool = False
) -> None:
    """Write runs, of one scenario or over ``scenario``, as NetCDF: every saved time.

    ``names`` are the variables that are written, if not all.

    Raises:
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    check_destination(path, force=force, formats=(".nc",))
    chosen = dataset[list(names)] if names else dataset
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


FILE_NAME = "iamc.yaml"
"""Beside the model."""
DIGITS = 12


class IamcVariable(Form):
    """What a variable of the templates is in the model."""

    of: Annotated[tuple[str, ...], listed(Names, lambda name, model: one_series(model, name))]
    """Series, ``name`` or ``name[element]``, that are added up."""
    unit: str
    factor: Annotated[float, LAX] = Field(default=1.0, gt=0)
    """From the model's unit to this one."""


class IamcNames(Form):
    """What other tools call a model's region and variables."""

    region: str
    variables: dict[str, IamcVariable] = Field(default_factory=dict)


def load_iamc(model: Model) -> IamcNames | None:
    """Read the file beside a model; None if there is none.

    Raises:
        CatalogueError: with every fault of the file.
    """
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        return None
    return form_of(IamcNames, read_document(path), model, CatalogueError)


def iamc_table(
    runs: Sequence[xr.Dataset], iamc: IamcNames, names: Sequence[str] = ()
) -> pd.DataFrame:
    """Return annual figures of runs with the columns, variables and units of the IAMC.

    Columns: model, scenario, region, variable, unit, and one for each year. Of ``names``, variables
    of the model, what the templates do not name keeps its name, an element after a bar, as in
    ``COD emission`` or ``value added|chemicals``. Without names what they do not name is left out.

    Raises:
        InputError: nothing of the runs is named.
    """
    import pandas as pd

    years = sorted({int(year) for run in runs for year in run["year"].to_numpy()})
    rows = [
        {
            "model": f"plansim {run.attrs.get('model', '')}".strip(),
            "scenario": str(run.attrs.get("scenario", "")),
            "region": iamc.region,
            "variable": row.name,
            "unit": row.unit,
            **{str(year): _rounded(row.values.get(year, math.nan)) for year in years},
        }
        for run in runs
        for row in _rows(run, iamc, names)
    ]
    if not rows:
        raise InputError("the names for the IAMC fit no variable of the runs")
    return pd.DataFrame(rows)


def _rows(run: xr.Dataset, iamc: IamcNames, names: Sequence[str]) -> Iterator[Series]:
    series = {split_reference(row.name): row for row in series_of(run)}
    called: set[tuple[str, tuple[str, ...]]] = set()
    for name, variable in iamc.variables.items():
        keys = [split_reference(reference) for reference in variable.of]
        if all(key in series for key in keys) and (not names or keys[0][0] in names):
            called.update(keys)
            parts: list[Mapping[int, float]] = [series[key].values for key in keys]
            values = {
                year: variable.factor * math.fsum(part[year] for part in parts) for year in parts[0]
            }
            yield Series(name, "", variable.unit, series[keys[0]].timing, values)
    for (name, elements), row in series.items():
        if name in names and (name, elements) not in called:
            bars = "|".join([name.strip('"'), *elements])
            yield Series(bars, "", row.unit, row.timing, row.values)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
