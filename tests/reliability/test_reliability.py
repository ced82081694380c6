"""Nothing breaks it: a part of what ``make reliability`` tries; ``make test-all`` tries all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plansim.cli.main import INTERNAL
from plansim.engine.simlin import vdf_as_csv
from plansim.files.escaping import for_spreadsheet, for_terminal
from tests.helpers.command import Call
from tests.helpers.vensim_text import MODELS
from tests.reliability import commands, fuzz
from tests.reliability.trials import TRIALS

LITTLE = {"fuzz": 0.004, "limits": 0.05, "command lines": 1.0}
"""What is tried of some in ``make test``; the others wait for ``make test-all``."""


@pytest.mark.parametrize("name", LITTLE)
def test_nothing_breaks_it(name: str, tmp_path: Path) -> None:
    wrong = {tried.what: tried.failed for tried in TRIALS[name](tmp_path, LITTLE[name])}
    assert not any(wrong.values()), {what: failed for what, failed in wrong.items() if failed}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in TRIALS if name != "command lines"])
def test_nothing_breaks_it_however_often_it_is_tried(name: str, tmp_path: Path) -> None:
    wrong = {tried.what: tried.failed for tried in TRIALS[name](tmp_path, 1.0)}
    assert not any(wrong.values()), {what: failed for what, failed in wrong.items() if failed}


def test_every_kind_of_input_has_seeds_that_are_read(tmp_path: Path) -> None:
    """Else nothing but refusals would be tried."""
    readers = fuzz.Readers.of(tmp_path)
    for name, kind in fuzz.KINDS.items():
        for seed in kind.seeds:
            text = seed.read_text("utf-8") if isinstance(seed, Path) else seed
            with fuzz.in_place(readers.folder / kind.file, text.encode()):
                kind.read(readers, readers.folder / kind.file)
        assert fuzz.mutated(kind, 7) == fuzz.mutated(kind, 7), name


def test_an_error_of_plansim_itself_is_reported(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANSIM_CACHE", str(tmp_path / "cache"))

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug \udce4")

    monkeypatch.setattr("plansim.scenario.scenario_file.read_scenario", broken)
    done = call("check", "baseline")
    (report,) = (tmp_path / "cache" / "reports").iterdir()
    assert done == (
        INTERNAL,
        "",
        f"plansim: internal error (ZeroDivisionError); please send the report {report} to the "
        "authors\n",
    )
    assert "plansim check baseline\n" in report.read_text("utf-8")
    assert "ZeroDivisionError: a bug \\udce4" in report.read_text("utf-8")
    assert report.stat().st_mode & 0o77 == 0
    done = call("--debug", "check", "baseline")
    assert (done.code, "Traceback" in done.err) == (INTERNAL, True)
    assert "内部错误" in call("check", "baseline", "--lang", "zh").err
    monkeypatch.setattr("plansim.scenario.scenario_file.read_scenario", _no_memory)
    done = call("check", "baseline")
    assert done == (2, "", "plansim: the memory of this machine is not enough\n")


def _no_memory(*_: object, **__: object) -> None:
    raise MemoryError


def test_who_cannot_be_told_is_not_told(tmp_path: Path) -> None:
    """Standard output and error are closed, or a full disk."""
    for streams, code in ((">&- 2>&-", (0, 2)), (">/dev/full 2>/dev/full", (2,)), ("2>&-", (0,))):
        shell = f'"{sys.executable}" -c "{commands.CODE}" list scenarios {streams}'
        done = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False,
                              cwd=tmp_path, env=commands.environment())  # fmt: skip
        assert done.returncode in code, (streams, done)
        assert "Traceback" not in done.stderr


def test_where_nothing_is_written_no_resume_is_offered(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("plansim.analysis.experiments.layout.lay_out", full)
    done = call("sweep", "growth-investment", "-n", "4", "-o", "r.zarr")
    assert (done.code, "the disk is full" in done.err, "--resume" in done.err) == (2, True, False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_run_of_vensim_gives_data_whether_or_not_the_cache_can_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    monkeypatch.setenv("PLANSIM_CACHE", str(tmp_path / "cache"))
    rows = vdf_as_csv(MODELS / "run.vdf").read_text().split()
    assert rows == ["time,saveper,sold", "2000.0,1.0,1.0", "2001.0,1.0,2.5"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1", "a\x1b[31m", "\u202eb"])
def test_no_text_is_obeyed(text: str) -> None:
    cell = for_spreadsheet(text)
    assert isinstance(cell, str)
    assert cell[0] not in "=+-@\t\r"
    assert for_terminal(cell) == cell
    assert for_spreadsheet('"Aged >=65"') == '"Aged >=65"'
