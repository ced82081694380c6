"""Shipped files are found where they lie; a file is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plansim.errors import InputError, OutputError
from plansim.files import shipped as shipped_files
from plansim.files.shipped import shipped_model
from plansim.files.writing import check_destination, check_folder, write_text, writing_whole


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository in which the package would stand."""
    package = tmp_path / "sim" / "plansim"
    package.mkdir(parents=True)
    monkeypatch.setattr(shipped_files, "__file__", str(package / "files" / "shipped.py"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    return tmp_path


@pytest.mark.parametrize(("names", "found"), [([], "none"), (["a.mdl", "b.mdl"], "a.mdl, b.mdl")])
def test_there_is_exactly_one_shipped_model(checkout: Path, names: list[str], found: str) -> None:
    for name in names:
        (checkout / "model" / name).touch()
    with pytest.raises(InputError, match=f"not one shipped model; .* found {found}$"):
        shipped_model()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.xls", r"unknown kind of output file.*found \.xls; did you mean '\.xlsx'\?"),
        ("out", "expected a name that ends with .csv, .xlsx; found no suffix"),
        ("nowhere/out.csv", "expected an existing folder; found no folder .*nowhere"),
        ("folder.csv", "expected a file; found a folder"),
        ("taken.csv", "exists already; force=True replaces it"),
        ("linked.csv", "exists already; force=True replaces it"),
        ("loop.csv", "expected a file; found a link that leads in a circle"),
        ("pipe.csv", "expected a file; found a device or a pipe"),
        ("lost.csv", "expected an existing folder; found no folder .*nowhere"),
    ],
)
def test_a_destination_that_cannot_be_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "taken.csv").touch()
    os.mkfifo(tmp_path / "pipe.csv")
    for link, target in (("linked", "taken"), ("loop", "loop"), ("lost", "nowhere/x")):
        (tmp_path / f"{link}.csv").symlink_to(f"{target}.csv")
    check_destination(tmp_path / "taken.csv", force=True, formats=(".csv",))
    with pytest.raises(OutputError, match=message):
        check_destination(tmp_path / name, formats=(".csv", ".xlsx"))


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "pages").symlink_to("nowhere")
    with pytest.raises(OutputError, match="expected a folder; found a link that leads nowhere"):
        check_folder(tmp_path / "pages")


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    (tmp_path / "x.txt").symlink_to("large/x.txt")
    write_text("one", tmp_path / "x.txt")
    write_text("two", tmp_path / "x.txt", force=True)
    assert (tmp_path / "large" / "x.txt").read_text() == "two"
    assert [path.name for path in tmp_path.iterdir() if path.is_symlink()] == ["x.txt"]


def test_a_folder_without_the_right_to_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root may write anywhere, so the answer of the system is put in its mouth.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match="expected a folder that you may write to"):
        check_destination(tmp_path / "out.nc")


@pytest.mark.parametrize("error", [ValueError("odd"), OSError(28, "No space left on device")])
def test_a_file_that_cannot_be_finished_leaves_the_one_before(
    tmp_path: Path, error: Exception
) -> None:
    path = tmp_path / "out.csv"
    path.write_text("before")

    def write() -> None:
        with writing_whole(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(OutputError if isinstance(error, OSError) else ValueError):
        write()
    assert [one.read_text() for one in tmp_path.iterdir()] == ["before"]
