"""What is imported is declared, what is declared is imported, and nothing that runs is GPL."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import (
    Distribution,
    PackageNotFoundError,
    distribution,
    packages_distributions,
)
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from plansim.errors import InputError
from plansim.files.shipped import vendored

# Declared, but another package imports it, or one file of it is read.
NOT_IMPORTED = {
    "h5netcdf": "xarray reads and writes NetCDF by it",
    "h5py": "h5netcdf works on it",
    "pyarrow": "pandas writes Parquet by it",
    "youplot": "carries uPlot",
    "zhplot": "carries a font",
}

PERMISSIVE = re.compile(
    r"\b(?:MIT|MIT-0|MIT-CMU|BSD|0BSD|BSD-\d-Clause|Apache|PSF|PSFL|Python Software Foundation|"
    r"Zlib|CC0-1\.0|CNRI-Python|Unlicense|MPL|Mozilla)\b"
)
COPYLEFT = re.compile(r"\b(?:[AL]?GPL|General Public|Library or Lesser)", re.IGNORECASE)
# Copyleft of some kind, by name with the reason why it is allowed.
ALLOWED = {
    "odfpy": "Apache-2.0 is one of its three licences; of pandas' extra, which PySD asks for",
    "portion": "LGPL: PySD imports it, a package of its own that anybody may exchange",
    "pyxlsb": "LGPL: of pandas' extra for spreadsheets; never imported, a package of its own",
}


def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text("utf-8"))


def names_of(requirements: Iterable[object]) -> set[str]:
    """Give the names of requirements; groups that include groups leave those out."""
    return {
        canonicalize_name(Requirement(text).name) for text in requirements if isinstance(text, str)
    }


def imports(folder: Path) -> Iterator[str]:
    """Give the top-level packages that the files of a folder import, wherever in them."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def distributions_of(folders: Iterable[Path]) -> set[str]:
    """Give the distributions of what is imported, but for the standard library and our own."""
    own = {"plansim", "tests", "tools"} | set(sys.stdlib_module_names)
    of = packages_distributions()
    modules = {name for folder in folders for name in imports(folder)} - own
    return {canonicalize_name(name) for module in modules for name in of.get(module, [module])[:1]}


def test_the_package_imports_what_it_declares_and_declares_what_it_imports(root: Path) -> None:
    table = project(root)["project"]
    declared = names_of(table["dependencies"])
    extras = names_of(text for texts in table["optional-dependencies"].values() for text in texts)
    imported = distributions_of([root / "sim"])
    assert imported - declared - extras == set()
    assert (declared | extras) - imported == set(NOT_IMPORTED)
    pins = {
        Requirement(text).name: str(Requirement(text).specifier) for text in table["dependencies"]
    }
    for name in ("youplot", "zhplot"):  # a file of theirs is read
        assert re.fullmatch(r"==[\d.]+", pins[name])
    groups = project(root)["dependency-groups"].values()
    known = declared | extras | names_of(text for texts in groups for text in texts)
    assert distributions_of([root / "tests", root / "tools"]) - known == set()


def licence(found: Distribution) -> str:
    """Give all that a distribution says of its licence, but for the text of it."""

    def values(key: str) -> list[str]:
        return [str(text).strip() for text in found.metadata.get_all(key) or []]

    classifiers = [text for text in values("Classifier") if text.startswith("License ::")]
    named = [text.partition("\n")[0] for text in values("License")]
    return "; ".join(values("License-Expression") or classifiers or named)


def test_nothing_that_is_installed_to_run_is_gpl(root: Path) -> None:
    names = re.findall(r"^([a-z0-9._-]+)==", (root / "requirements.lock").read_text("utf-8"), re.M)
    read = {}
    for name in dict.fromkeys(names):
        try:
            read[name] = licence(distribution(name))
        except PackageNotFoundError:
            continue  # for another system or another Python
    assert len(read) > 0.9 * len(set(names))
    copyleft = {name for name, text in read.items() if COPYLEFT.search(text)}
    assert copyleft == set(ALLOWED) & set(read)
    assert "igraph" not in names
    unclear = {name: text for name, text in read.items() if not PERMISSIVE.search(text)}
    assert set(unclear) - copyleft == set()


@pytest.mark.parametrize("file", ["NotoSansSC-Regular.ttf", "nothing.ttf"])
def test_a_file_of_another_package_has_to_be_the_one_that_is_known(file: str) -> None:
    with pytest.raises(InputError, match="'zhplot' does not have the file"):
        vendored("zhplot", f"fonts/{file}", "0" * 64)
