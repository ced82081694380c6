"""What is written can be read back, appears whole or not at all, and is the same twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.output.export.json_text import run_json
from plansim.output.export.tables import TABLES, write_dataset
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


def test_netcdf_holds_every_saved_time_and_the_same_run_gives_the_same_bytes(
    whole: xr.Dataset, tmp_path: Path
) -> None:
    first, second = tmp_path / "one.nc", tmp_path / "two.nc"
    write_dataset(whole, first)
    write_dataset(whole, second)
    with xr.open_dataset(first, engine="h5netcdf") as back:
        xr.testing.assert_identical(back.load(), whole)
    assert first.read_bytes() == second.read_bytes()


def test_json_has_null_where_there_is_no_figure(annual: xr.Dataset) -> None:
    found = json.loads(run_json([(list(series_of(annual)), annual.attrs)]))
    assert found["run"]["scenario"] == "base"
    assert found["variables"][2] == {
        "name": "output[services]",
        "name_zh": "增加值[服务业]",
        "unit": "亿元/Year",
        "timing": "year",
        "values": {"2005": 10.0, "2006": 20.0, "2007": None},
    }


FULL = """
import resource, sys
from pathlib import Path
import numpy as np, xarray as xr
from plansim.errors import OutputError
from plansim.output.export.tables import TABLES, export, write_dataset

folder = Path(sys.argv[1])
years = np.arange(10_000)
run = xr.Dataset({f"x{i}": ("year", years / (i + 7)) for i in range(9)}, coords={"year": years})
run.attrs["scenario"] = "s"
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # of a file; so a disk fills up
for path in [folder / f"out{suffix}" for suffix in (".nc", *TABLES)]:
    path.write_text("precious")
    write = write_dataset if path.suffix == ".nc" else export
    try:
        write(run, path, force=True)
    except OutputError as error:
        print(error)
"""


@pytest.mark.long
def test_a_disk_that_fills_up_is_an_output_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    for suffix, told in zip((".nc", *TABLES), done.stdout.splitlines(), strict=True):
        assert told.startswith(f"{tmp_path}/out{suffix}: cannot write the output; found ")
        assert told.endswith("File too large")
    assert {path.read_text() for path in tmp_path.iterdir()} == {"precious"}
    assert len(list(tmp_path.iterdir())) == 1 + len(TABLES)
