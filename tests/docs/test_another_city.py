"""The example of another city is complete: exactly what the page shows is read, judged, printed."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from plansim import load_model, load_targets
from plansim.errors import CatalogueError

Command = Callable[..., "subprocess.CompletedProcess[str]"]

PAGE = (Path(__file__).parents[2] / "docs" / "another-city.md").read_text("utf-8")
SESSION = re.compile(r"^```console\n\$ plansim ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """Give each file of the page by its name."""
    before_sessions = re.sub(SESSION, "", PAGE)
    found = {}
    for block in re.finditer(r"^```(vensim|yaml)\n(.*?)^```$", before_sessions, re.M | re.S):
        name = re.findall(r"`(lakeside/[\w.]+)`", before_sessions[: block.start()])[-1]
        found[name] = block[2]
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("elsewhere")
    for name, text in files().items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, "utf-8")
    return place


def test_the_page_has_a_model_a_catalogue_and_a_scenario() -> None:
    assert list(files()) == [
        "lakeside/lakeside.mdl",
        "lakeside/targets.yaml",
        "lakeside/boom.yaml",
    ]
    assert len(SESSION.findall(PAGE)) == 2


@pytest.mark.parametrize(("command", "shown"), SESSION.findall(PAGE))
def test_a_command_prints_what_the_page_shows(
    plansim_command: Command, folder: Path, command: str, shown: str
) -> None:
    done = plansim_command(*shlex.split(command), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert [line.rstrip() for line in done.stdout.splitlines()] == shown.splitlines()
    assert "warning" not in done.stderr


def test_the_model_is_sound_and_its_units_agree(folder: Path) -> None:
    model = load_model(folder / "lakeside" / "lakeside.mdl", strict=True)
    assert model.warnings == ()
    assert len(load_targets(model=model)) == 3


@pytest.mark.parametrize("key", ["title", "base_year", "horizon", "places", "reasons"])
def test_each_key_of_the_head_is_needed(folder: Path, tmp_path: Path, key: str) -> None:
    whole = (folder / "lakeside" / "targets.yaml").read_text("utf-8")
    path = tmp_path / "targets.yaml"
    path.write_text(re.sub(rf"^{key}:.*\n(?:  .*\n)*", "", whole, flags=re.M), "utf-8")
    with pytest.raises(CatalogueError, match=f"the key '{key}' is missing"):
        load_targets(path)
