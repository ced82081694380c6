"""The commands sweep, replay and export, as a user gives them."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import xarray as xr

from plansim import open_sweep
from tests.helpers.command import Call
from tests.toys.lake import lake

FACTORS = ("--factor", "credit ease after", "--factor", "外部需求增长率（前）=8 %/Year..0.14")


def test_a_sweep_over_factors_is_summarised_and_stored(call: Call, tmp_path: Path) -> None:
    code, out, err = call("sweep", "momentum", *FACTORS, "-n", "64", "--seed", "3")
    assert code == 0, err
    assert "64 runs ended well" in out
    shares = r"(\d+\.\d ± [\d.<]+|[\d.<>]+(–[\d.<>]+)?) %( +–| +[\d.<>]+ %)+"
    assert re.search(rf"^M01 .* ≥ 1020 亿元 +{shares} +[-+][\d.]+ +\d+$", out, re.M)
    assert max(map(len, out.splitlines())) <= 100
    assert "64 runs are stored in momentum.zarr." in err
    with xr.open_zarr(tmp_path / "momentum.zarr", chunks=None) as found:
        assert found.sizes["run"] == 64
        assert float(found["external demand growth before"].min()) >= 0.08
        assert float(found["external demand growth before"].max()) <= 0.14
        met = (found["verdict"] == 0).mean("run")
        found_shares = dict(zip(met["target"].values.tolist(), met.values.tolist(), strict=True))
    between = {name: share for name, share in found_shares.items() if 0 < share < 1}
    assert between
    for name, share in between.items():
        assert re.search(rf"^{name} .* {share * 100:.1f} ±", out, re.M), "the table shows the store"


def _started(folder: Path, root: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start plansim with a terminal for its remarks; give the terminal's other end."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(root / "sim"), "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        [sys.executable, "-m", "plansim.cli.main", *arguments],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=theirs,
        # A shell starts what runs in the background with this signal ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    os.close(theirs)
    return process, ours


def _read_until(terminal: int, wanted: bytes, seconds: float = 60) -> bytes:
    """Read a terminal until something shows, or until its other end is closed."""
    seen, deadline = b"", time.monotonic() + seconds
    while not re.search(wanted, seen) and time.monotonic() < deadline:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        seen += part
    return seen


def test_progress_is_shown_and_ctrl_c_keeps_what_is_done(tmp_path: Path, root: Path) -> None:
    lake(tmp_path)
    arguments = ("-n", "5000000", "-o", "r.zarr", "--threads", "1", "--model", "lake.mdl")
    process, terminal = _started(tmp_path, root, "sweep", "design.yaml", *arguments)
    try:
        shown = rb"[1-9][\d,]+ of 5,000,000, to go: \S*\d:\d\d:\d\d"
        seen = _read_until(terminal, shown)
        assert re.search(shown, seen), seen
        process.send_signal(signal.SIGINT)
        rest = _read_until(terminal, b"--resume goes on")
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
        os.close(terminal)
    told = re.search(rb"Stopped: ([\d,]+) of 5,000,000 runs are stored in r\.zarr", rest)
    assert told, rest
    assert b"Traceback" not in seen + rest
    done = int((open_sweep(tmp_path / "r.zarr")["status"] == 0).sum())
    assert f"{done:,}".encode() == told[1]
    assert 0 < done < 5_000_000


# --- any model ------------------------------------------------------------------------------------


ANY = """{UTF-8}
people= INTEG(births - people/life span, start) ~~|
births= people*birth rate*weather ~~|
birth rate= 0.03 ~~|
life span= 50 ~~|
weather ~ Dmnl ~|
start= GET DIRECT CONSTANTS('start.csv', ',', 'B2') ~~|
span= 8 ~~|
INITIAL TIME= 0 ~ Day ~|
FINAL TIME= INITIAL TIME + IF THEN ELSE(span > 5, span, 5) ~ Day ~|
TIME STEP= 0.5 ~ Day ~|
SAVEPER= MAX(1, TIME STEP) ~ Day ~|
"""


def test_any_model_is_run_and_swept_without_scenario_targets_units_or_chinese(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "any.mdl").write_text(ANY, "utf-8")
    (tmp_path / "start.csv").write_text("what,number\nstart,100\n", "utf-8")
    (tmp_path / "weather.csv").write_text("time,weather\n0,1\n8,2\n", "utf-8")
    model = ("--model", "any.mdl", "--data", "weather.csv")
    done = call("run", *model, "--set", "life span=40", "--variable", "people")
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert "6 variables have no unit, 'people' first" in done.err
    assert " 100 " in done.out
    assert call("run", *model, "--strict-units").code == 2
    done = call("run", "--model", "any.mdl")
    assert "any.mdl:6: 'weather' has no data: it is missing (:NA:)" in done.err
    done = call("sweep", *model, "--factor", "birth rate=0.02..0.04", "-n", "8", "-o", "x.zarr")
    assert done.code == 0, done.err
    assert "people" in done.out
    assert call("replay", "x.zarr", "3", *model).code == 0
