"""Shipped files are found in a checkout and in a wheel, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim import files
from plansim.errors import InputError
from plansim.files import shipped, shipped_model


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository in which the package would stand."""
    package = tmp_path / "sim" / "plansim"
    package.mkdir(parents=True)
    monkeypatch.setattr(files, "__file__", str(package / "files.py"))
    (tmp_path / "model").mkdir()
    return tmp_path


def test_a_checkout_has_its_files_at_its_root(checkout: Path) -> None:
    (checkout / "model" / "town.mdl").touch()
    assert shipped("model") == checkout / "model"
    assert shipped_model() == checkout / "model" / "town.mdl"


def test_a_wheel_has_its_files_in_the_package(checkout: Path) -> None:
    inside = checkout / "sim" / "plansim" / "_data" / "model"
    inside.mkdir(parents=True)
    assert shipped("model") == inside


def test_a_missing_file_is_named(checkout: Path) -> None:
    with pytest.raises(InputError, match=r"units\.txt: a file that comes with plansim is missing"):
        shipped("model", "units.txt")


@pytest.mark.parametrize(("names", "found"), [([], "none"), (["a.mdl", "b.mdl"], "a.mdl, b.mdl")])
def test_there_is_exactly_one_shipped_model(checkout: Path, names: list[str], found: str) -> None:
    for name in names:
        (checkout / "model" / name).touch()
    with pytest.raises(InputError, match=f"not one shipped model; .* found {found}$"):
        shipped_model()
