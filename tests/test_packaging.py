"""The wheel holds what it should and nothing else, and works away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from tests.helpers.command import Command

# Where each folder of the repository lies in the wheel.
PLACES = {
    "sim/plansim": "plansim",
    "model": "plansim/_data/model",
    "scenarios": "plansim/_data/scenarios",
}
KINDS = {".csv", ".css", ".html", ".js", ".json", ".md", ".mdl", ".mplstyle", ".py", ".txt"}
KINDS |= {".j2", ".pyi", ".svg", ".typ", ".typed", ".yaml"}


def output(command: Sequence[str | Path], cwd: Path) -> str:
    """Run a command that has to succeed, without the checkout on its import path."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the source distribution, so that the latter is held to be complete."""
    built = tmp_path_factory.mktemp("built")
    build: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "-d", built]
    output([*build, "-t", "sdist"], cwd=root)
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extraction_filter = getattr(tarfile, "data_filter", None)  # none before Python 3.11.4
        tar.extractall(built)
    output([*build, "-t", "wheel"], cwd=built / archive.name.removesuffix(".tar.gz"))
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel in it, and the dependencies of this one."""
    place = tmp_path_factory.mktemp("elsewhere")
    venv.create(place / "venv", with_pip=False)
    python = place / "venv" / "bin" / "python"
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        python,
    ]
    output([*pip, "install", "--quiet", "--no-deps", "--no-index", wheel], cwd=place)
    # Only now: pip would take the editable install of this environment for the one to replace.
    packages = output(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], cwd=place
    )
    Path(packages.strip(), "dependencies.pth").write_text(
        sysconfig.get_path("purelib") + "\n", encoding="utf-8"
    )
    return place


def test_the_wheel_holds_the_package_the_model_and_the_scenarios(root: Path, wheel: Path) -> None:
    listed = output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PLACES], cwd=root
    )
    expected = {
        name.replace(folder, place, 1)
        for name in listed.split("\0")
        for folder, place in PLACES.items()
        if name.startswith(f"{folder}/") and Path(root, name).exists()
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected
    assert {"plansim/py.typed", "plansim/_data/model/targets.yaml"} <= names
    assert {PurePosixPath(name).suffix for name in names} <= KINDS


def test_the_wheel_holds_the_licences_of_what_pages_carry(root: Path, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        licences = {
            PurePosixPath(name).name: archive.read(name).decode()
            for name in archive.namelist()
            if ".dist-info/licenses/" in name
        }
    assert licences["LICENSE"] == (root / "LICENSE").read_text("utf-8")
    assert "Copyright (c) 2022 Leon Sorokin" in licences["uPlot.txt"]
    assert "SIL OPEN FONT LICENSE" in licences["NotoSansSC.txt"]
    assert "Bitstream" in licences["DejaVuSans.txt"]


def test_the_installed_command_judges_as_the_checkout_does(
    elsewhere: Path, plansim_command: Command
) -> None:
    arguments = ("check", "baseline", "--format", "json")
    binaries = elsewhere / "venv" / "bin"
    code = "import plansim; print(plansim.__file__)"
    assert output([binaries / "python", "-c", code], cwd=elsewhere).startswith(str(binaries.parent))
    installed = output([binaries / "plansim", *arguments], cwd=elsewhere)
    here = plansim_command(*arguments)
    assert here.returncode == 0, here.stderr
    assert json.loads(installed) == json.loads(here.stdout)
    assert len(json.loads(installed)) > 0
