"""What is written can be read back by other programs, whole or not at all, twice the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import plansim.xarray  # noqa: F401  (the accessor)
from plansim.engine.simulate import simulate
from plansim.errors import CatalogueError, InputError
from plansim.model.records import Model
from plansim.output.export.export import TableForm, export, table_of, write_dataset
from plansim.output.export.iamc import IamcNames, load_iamc
from plansim.output.series import series_in
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import annual
from plansim.targets.target import variable_of

IDS = ("baseline", "slow-growth")


@pytest.fixture(scope="module")
def runs(city: Model, stories: Mapping[str, Scenario]) -> list[xr.Dataset]:
    return [annual(simulate(city, stories[name])) for name in IDS]


def test_netcdf_holds_every_saved_time_and_the_same_run_gives_the_same_bytes(
    town: Model, tmp_path: Path
) -> None:
    run = simulate(town)
    first, second = tmp_path / "one.nc", tmp_path / "two.nc"
    write_dataset(run, first)
    write_dataset(run, second)
    with xr.open_dataset(first, engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), run)
    assert first.read_bytes() == second.read_bytes()
    array = next(one for one in run.data_vars.values() if len(one.dims) == 2 and "time" in one.dims)
    (dim,) = {*array.dims} - {"time"}
    names = [reference(str(array.name), str(array[dim][at].item())) for at in (0, -1)]
    write_dataset(run, first, names=names, force=True)
    with xr.open_dataset(first, engine="h5netcdf") as back:
        assert [*back] == names
        np.testing.assert_array_equal(back[names[1]], array.isel({dim: -1}))
        pd.testing.assert_frame_equal(back.plansim.frame(), run.plansim.frame(*names))


def reference(variable: str, element: str) -> str:
    return f"{variable}[{element}]" if element else variable


def figures(runs: list[xr.Dataset]) -> dict[tuple[str, str, int], float]:
    """Give every figure by scenario, reference and year, by other means."""
    found = {}
    for name, run in zip(IDS, runs, strict=True):
        for key, array in run.data_vars.items():
            for place, value in array.transpose("year", ...).to_series().items():
                year, *elements = place if isinstance(place, tuple) else (place,)
                found[name, reference(str(key), ",".join(elements)), int(year)] = float(value)
    return found


def read(path: Path) -> pd.DataFrame:
    match path.suffix:
        case ".csv":
            assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "Excel would not see UTF-8"
            return pd.read_csv(path, encoding="utf-8-sig")
        case ".xlsx":
            return pd.read_excel(path, sheet_name="data", engine="openpyxl")
        case _:
            return pd.read_parquet(path)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
@pytest.mark.parametrize("form", list(TableForm))
def test_tables_hold_every_figure(
    city: Model, runs: list[xr.Dataset], tmp_path: Path, form: TableForm, suffix: str
) -> None:
    wanted = ["GDP", "value added", "registered population"]
    path = tmp_path / f"out{suffix}"
    export(runs, path, form=form, names=wanted)
    table = read(path).rename(columns=str)
    expected = figures([run[wanted].assign_coords(year=run["year"]) for run in runs])
    if form is TableForm.TIDY:
        named = table.fillna({"element": ""})
        references = map(reference, named["variable"], named["element"])
        keys = zip(table["scenario"], references, table["year"], strict=True)
        found = dict(zip(keys, table["value"], strict=True))
    else:
        years = [column for column in table.columns if column.isdecimal()]
        rows = table.melt(["scenario", "variable"], years, "year")
        keys = zip(rows["scenario"], rows["variable"], rows["year"].astype(int), strict=True)
        found = dict(zip(keys, rows["value"], strict=True))
    if form is TableForm.IAMC:
        expected = {
            (name, key.removesuffix("]").replace("[", "|").replace(",", "|"), year): value
            for (name, key, year), value in expected.items()
        }
        assert list(table.columns[:5]) == ["model", "scenario", "region", "variable", "unit"]
        assert set(table["region"]) == {city.name}
    assert found.keys() == expected.keys()
    # A workbook keeps 16 digits, the IAMC's form 12.
    digits = 5e-12 if form is TableForm.IAMC else 1e-15
    np.testing.assert_allclose(
        [found[key] for key in expected], list(expected.values()), rtol=digits
    )
    again = tmp_path / f"again{suffix}"
    export(runs, again, form=form, names=wanted)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("form", list(TableForm))
def test_of_an_array_one_element_can_be_written(runs: list[xr.Dataset], form: TableForm) -> None:
    whole = table_of(runs, form, ["GDP", "value added"])
    series = whole["variable"] + (whole["element"] if form is TableForm.TIDY else "")
    wanted = whole[series.str.contains("GDP|services")].reset_index(drop=True)
    found = table_of(runs, form, ["GDP", "value added[services]"])
    pd.testing.assert_frame_equal(found, wanted)
    assert 0 < len(found) < len(whole)


def test_a_variable_that_has_no_years_is_refused(city: Model, runs: list[xr.Dataset]) -> None:
    with pytest.raises(InputError, match="the run holds no variable 'a table'"):
        table_of(runs, TableForm.WIDE, ["a table"])


SIGNS = {"Dmnl": "1", "m3": "m**3", "千": "1e3*", "万": "1e4*", "亿": "1e8*"}
PLAIN = {
    "Mt SO2": "Mt",
    "billion CNY_2005": "1e9 元",
    "million": "1e6 人",
    "million ha": "1e6 ha",
    "%": "0.01",
}
"""What a unit of the templates counts, where pint does not know it."""


def test_iamc_names_units_and_figures_are_those_that_other_tools_know(
    city: Model, runs: list[xr.Dataset]
) -> None:
    import pint

    iamc = load_iamc(city)
    assert iamc is not None
    table = table_of(runs, TableForm.IAMC, iamc=iamc)
    assert {"GDP", "Population|Urban", "Emissions|Sulfur"} <= set(table["variable"])
    assert set(table["variable"]) == set(iamc.variables)
    assert set(table["region"]) == {"CN-410800"}
    registry: Any = pint.UnitRegistry()
    for word, coal in (("元", "[money]"), ("人", "[people]"), ("tce", "29.3076 GJ")):
        registry.define(f"{word} = {coal}")
    years = [str(year) for year in runs[0]["year"].to_numpy()]
    for name, variable in iamc.variables.items():
        head, slash, _ = variable.unit.partition("/yr")
        unit = registry.parse_expression(PLAIN.get(head, head.replace("km3", "km**3")))
        (reference,) = variable.of
        own = variable_of(city, reference).unit
        for sign, plain in SIGNS.items():
            own = own.replace(sign, plain)
        ours = registry.parse_expression(own.replace("/Year", ""))
        ratio = (1 * ours / unit).to_base_units()
        assert ratio.dimensionless, name
        assert variable.factor == pytest.approx(float(ratio.magnitude), rel=1e-12), name
        assert bool(slash) is ("/Year" in own), name
        for run in runs:
            rows = table[(table["variable"] == name) & (table["scenario"] == run.attrs["scenario"])]
            (row,) = rows[years].to_numpy()
            series = series_in(run, reference, ()).values
            expected = [variable.factor * series[int(year)] for year in years]
            np.testing.assert_allclose(row, expected, rtol=5e-12)
            assert all(
                len(repr(float(figure)).strip("-0.").replace(".", "")) <= 12 for figure in row
            )


def test_without_templates_names_are_the_models_and_named_ones_stay(
    city: Model, runs: list[xr.Dataset]
) -> None:
    iamc = load_iamc(city)
    table = table_of(runs, TableForm.IAMC, ["COD emission", "value added"], iamc)
    names = set(table["variable"])
    assert {"COD emission", "Value Added|Services", "value added|chemicals"} <= names
    assert "value added|services" not in names


def test_a_name_that_is_no_variable_of_the_model_is_a_fault_with_its_line(
    city: Model, tmp_path: Path
) -> None:
    model = replace(city, path=tmp_path / "city.mdl")
    (tmp_path / "iamc.yaml").write_text(
        "region: X\nvariables:\n  GDP: {of: GPD, unit: billion CNY_2005/yr}\n", "utf-8"
    )
    with pytest.raises(CatalogueError, match=r"iamc\.yaml:3: .*'GPD'"):
        load_iamc(model)


def test_no_run_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no run to write"):
        export([], tmp_path / "none.csv", form="tidy")


def test_names_that_fit_nothing_of_a_run_are_no_empty_file(runs: list[xr.Dataset]) -> None:
    with pytest.raises(InputError, match="the names for the IAMC fit no variable"):
        table_of(runs, TableForm.IAMC, iamc=IamcNames(region="X"))
