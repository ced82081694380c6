"""What is written can be read back, appears whole or not at all, and is the same twice."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from openpyxl import load_workbook

from plansim.output.export.results import (
    FORMATS,
    card_of,
    run_csv,
    run_json,
)
from plansim.output.export.tables import write_run
from plansim.output.series import series_of


@pytest.fixture
def annual() -> xr.Dataset:
    """Two variables, one of them an array, with a year that has no figure."""
    output = np.array([[1.5, 2.5, 3.5], [10.0, 20.0, np.nan]])
    return xr.Dataset(
        {
            "residents": (
                "year",
                [34.0, 34.2, 1 / 3],
                {"units": "万人", "long_name": "residents", "long_name_zh": "常住人口",
                 "timing": "year-end"},
            ),
            "output": (
                ("sector", "year"),
                output,
                {"units": "亿元/Year", "long_name": "output", "long_name_zh": "增加值",
                 "timing": "year"},
            ),
        },
        coords={
            "year": [2005, 2006, 2007],
            "sector": ("sector", ["farming", "services"], {"elements_zh": '["农业", "服务业"]'}),
        },
        attrs={"scenario": "base", "model": "town", "engine": "pysd", "assumed": "[]"},
    )  # fmt: skip


@pytest.fixture
def whole(annual: xr.Dataset) -> xr.Dataset:
    return annual.rename(year="time").assign_coords(time=[2005.0, 2006.0, 2007.0])


EXPECTED = [
    ("residents", "", 2005, 34.0, "万人"),
    ("residents", "", 2006, 34.2, "万人"),
    ("residents", "", 2007, 1 / 3, "万人"),
    ("output", "farming", 2005, 1.5, "亿元/Year"),
    ("output", "farming", 2006, 2.5, "亿元/Year"),
    ("output", "farming", 2007, 3.5, "亿元/Year"),
    ("output", "services", 2005, 10.0, "亿元/Year"),
    ("output", "services", 2006, 20.0, "亿元/Year"),
    ("output", "services", 2007, float("nan"), "亿元/Year"),
]


def expected_frame() -> pd.DataFrame:
    columns = ["variable", "element", "year", "value", "unit"]
    frame = pd.DataFrame(EXPECTED, columns=columns)
    frame.insert(0, "scenario", "base")
    return frame


def read(csv: Path | io.StringIO) -> pd.DataFrame:
    return pd.read_csv(csv, keep_default_na=False, na_values={"value": ""})


def test_csv_reads_back_exactly(annual: xr.Dataset, whole: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_run(whole, annual, path)
    pd.testing.assert_frame_equal(read(path), expected_frame(), check_exact=True)
    shown = io.StringIO(run_csv([(list(series_of(annual)), card_of(annual))]))
    pd.testing.assert_frame_equal(read(shown), expected_frame(), check_exact=True)


def test_parquet_reads_back_exactly_with_the_run_card(
    annual: xr.Dataset, whole: xr.Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "out.parquet"
    write_run(whole, annual, path)
    frame = pd.read_parquet(path)
    pd.testing.assert_frame_equal(frame, expected_frame(), check_exact=True)
    assert frame.attrs["model"] == "town"


def test_netcdf_holds_every_saved_time(
    annual: xr.Dataset, whole: xr.Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "out.nc"
    write_run(whole, annual, path)
    with xr.open_dataset(path, engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), whole)


def test_workbook_has_a_row_a_variable_and_the_run_card(
    annual: xr.Dataset, whole: xr.Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "out.xlsx"
    write_run(whole, annual, path)
    book = load_workbook(path)
    rows = list(book["data"].values)
    assert rows[0] == ("scenario", "variable", "name_zh", "unit", 2005, 2006, 2007)
    assert rows[1] == ("base", "residents", "常住人口", "万人", 34.0, 34.2, 1 / 3)
    services = ("base", "output[services]", "增加值[服务业]", "亿元/Year", 10, 20, None)
    assert rows[3] == services
    assert ("model", "town") in list(book["run card"].values)


def test_json_has_null_where_there_is_no_figure(annual: xr.Dataset) -> None:
    found = json.loads(run_json([(list(series_of(annual)), card_of(annual))]))
    assert found["run"]["scenario"] == "base"
    assert found["variables"][2] == {
        "name": "output[services]",
        "name_zh": "增加值[服务业]",
        "unit": "亿元/Year",
        "timing": "year",
        "values": {"2005": 10.0, "2006": 20.0, "2007": None},
    }


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_run_gives_the_same_bytes(
    annual: xr.Dataset, whole: xr.Dataset, tmp_path: Path, suffix: str
) -> None:
    first, second = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
    write_run(whole, annual, first)
    write_run(whole, annual, second)
    assert first.read_bytes() == second.read_bytes()


FULL = """
import resource, sys
from pathlib import Path
import numpy as np, xarray as xr
from plansim.errors import OutputError
from plansim.output.export.results import FORMATS
from plansim.output.export.tables import write_run

folder = Path(sys.argv[1])
years = np.arange(10_000)
run = xr.Dataset({f"x{i}": ("year", years / (i + 7)) for i in range(9)}, coords={"year": years})
run.attrs["scenario"] = "s"
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # of a file; so a disk fills up
for path in [folder / f"out{suffix}" for suffix in FORMATS]:
    path.write_text("precious")
    try:
        write_run(run, run[["x0"]], path, force=True)
    except OutputError as error:
        print(error)
"""


@pytest.mark.long
def test_a_disk_that_fills_up_is_an_output_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for suffix, told in zip(FORMATS, done.stdout.splitlines(), strict=True):
        assert told.startswith(f"{tmp_path}/out{suffix}: cannot write the output; found ")
        assert told.endswith("File too large")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"precious"}
    assert len(list(tmp_path.iterdir())) == len(FORMATS)
