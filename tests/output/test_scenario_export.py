"""What is exported can be read back by other programs, with the figures of the runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from plansim.engine.simulate import simulate
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.model.units import convert
from plansim.output.export.cf import cf_dataset, udunits
from plansim.output.export.tables import TableForm, table_of, write_scenarios
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import annual
from plansim.targets.catalogue import plan_region

IDS = ("baseline", "slow-growth")


@pytest.fixture(scope="module")
def runs(city: Model, stories: Mapping[str, Scenario]) -> list[xr.Dataset]:
    return [annual(simulate(city, stories[each])) for each in IDS]


def reference(variable: str, element: str) -> str:
    return f"{variable}[{element}]" if element else variable


def figures(runs: list[xr.Dataset]) -> dict[tuple[str, str, int], float]:
    """Give every figure that moves, by scenario, reference and year, by other means."""
    found = {}
    for name, run in zip(IDS, runs, strict=True):
        for name_of, array in run.data_vars.items():
            key = str(name_of)
            if "year" not in array.dims:
                continue
            dims = [str(dim) for dim in array.dims if dim != "year"]
            frame = array.to_series().reset_index()
            for row in frame.itertuples(index=False):
                parts = dict(zip(frame.columns, row, strict=True))
                elements = ",".join(str(parts[dim]) for dim in dims)
                found[name, reference(key, elements), int(parts["year"])] = float(parts[key])
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
    write_scenarios(runs, path, form, plan_region(city), names=wanted)
    table = read(path).rename(columns=str)
    expected = figures([run[wanted].assign_coords(year=run["year"]) for run in runs])
    if form is TableForm.TIDY:
        found = {
            (row["scenario"], reference(row["variable"], row["element"]), row["year"]): row["value"]
            for row in table.fillna({"element": ""}).to_dict("records")
        }
    else:
        years = [each for each in table.columns if each.isdecimal()]
        found = {
            (row["scenario"], row["variable"], int(year)): row[year]
            for _, row in table.iterrows()
            for year in years
        }
    if form is TableForm.IAMC:
        expected = {
            (name, key.removesuffix("]").replace("[", "|").replace(",", "|"), year): value
            for (name, key, year), value in expected.items()
        }
        assert list(table.columns[:5]) == ["model", "scenario", "region", "variable", "unit"]
        assert set(table["region"]) == {plan_region(city).en}
    assert found.keys() == expected.keys()
    # A workbook keeps 16 digits.
    np.testing.assert_allclose(
        [found[key] for key in expected], list(expected.values()), rtol=1e-15
    )
    again = tmp_path / f"again{suffix}"
    write_scenarios(runs, again, form, plan_region(city), names=wanted)
    assert again.read_bytes() == path.read_bytes()


def test_all_that_moves_goes_in_without_names(city: Model, runs: list[xr.Dataset]) -> None:
    table = table_of(runs, TableForm.TIDY, plan_region(city))
    expected = figures(runs)
    assert len(table) == len(expected)
    labels = map(reference, table["variable"], table["element"])
    assert set(labels) == {label for _, label, _ in expected}


def test_netcdf_follows_the_cf_conventions(
    city: Model, runs: list[xr.Dataset], tmp_path: Path
) -> None:
    path = tmp_path / "out.nc"
    some = ["GDP", "registered population", "value added", "energy use", "urbanisation rate"]
    write_scenarios(runs, path, TableForm.WIDE, plan_region(city), names=some)
    with xr.open_dataset(path, engine="h5netcdf") as dataset:  # decodes time by the conventions
        assert dataset.attrs["Conventions"].startswith("CF-1.")
        names = [str(name) for name in dataset.variables]
        assert all(each.isascii() and each.replace("_", "a").isalnum() for each in names)
        years = runs[0]["year"].to_numpy().tolist()
        assert dataset["time"].dt.year.to_numpy().tolist() == years
        assert (dataset["time_end"].dt.year.to_numpy() == np.array(years) + 1).all()
        assert (dataset["time_end"].dt.dayofyear == 1).all()
        bounds = dataset["time_bounds"].to_numpy()
        middle = dataset["time"].to_numpy()
        assert (bounds[:, 0] < middle).all()
        assert (middle < bounds[:, 1]).all()
        assert (bounds[1:, 0] == bounds[:-1, 1]).all()
        by_long = {each.attrs.get("long_name"): each for each in dataset.data_vars.values()}
        for key in ("GDP", "registered population", "value added"):
            array = by_long[key]
            axis = "time_end" if "time_end" in array.dims else "time"
            assert array.attrs["cell_methods"].startswith(f"{axis}: ")
            for place, run in enumerate(runs):
                own = run[key].transpose(*[d for d in run[key].dims if d != "year"], "year")
                np.testing.assert_array_equal(
                    array.isel(scenario=place).to_numpy(), own.to_numpy(), strict=False
                )
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as raw:
        for name in ("time", "time_end"):
            assert raw[name].attrs["standard_name"] == "time"
            assert "_FillValue" not in raw[name].attrs
        assert raw["time"].attrs["bounds"] == "time_bounds"
        for each in raw.data_vars.values():
            if each.name != "time_bounds":
                assert each.attrs["units"], each.name


KNOWN = {"common_year", "kg", "m", "W", "degree"}


def test_units_are_numbers_and_names_that_udunits_knows(city: Model) -> None:
    import re

    for unit in {each.unit for each in city.variables.values()}:
        first, *others = udunits(unit).split()
        names = others if re.fullmatch(r"[\d.e-]+", first) else [first, *others]
        for name in names:
            assert re.sub(r"-?\d+$", "", name) in KNOWN, unit
    # What they measure stays: a thousandth of the unit is a thousandth of the number.
    assert float(udunits("亿元")) == pytest.approx(convert(1.0, "亿元", "元"))
    assert float(udunits("万t").split()[0]) == pytest.approx(convert(1.0, "万t", "kg"))
    assert udunits("apples per basket") == "1"


def test_a_variable_that_has_no_years_is_refused(city: Model, runs: list[xr.Dataset]) -> None:
    with pytest.raises(InputError, match="'a table' is no series: it has no value over time"):
        table_of(runs, TableForm.WIDE, plan_region(city), ["a table"])
    assert cf_dataset(runs[:1], plan_region(city)).sizes["scenario"] == 1
