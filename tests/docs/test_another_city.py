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
from tests.docs.examples import SESSIONS, Example, files_of, pattern_of, read_examples

Command = Callable[..., "subprocess.CompletedProcess[str]"]

SESSION = SESSIONS["another-city"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elsewhere")
    for name, text in files_of(SESSION).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def test_the_page_has_a_model_a_catalogue_and_a_scenario() -> None:
    assert list(files_of(SESSION)) == [
        "lakeside/lakeside.mdl",
        "lakeside/targets.yaml",
        "lakeside/boom.yaml",
    ]
    assert len(read_examples(SESSION)) == 2


@pytest.mark.parametrize("example", read_examples(SESSION), ids=lambda example: example.command)
def test_a_command_prints_what_the_page_shows(
    plansim_command: Command, folder: Path, example: Example
) -> None:
    done = plansim_command(*shlex.split(example.command)[1:], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(pattern_of(example.shown), done.stdout), done.stdout
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
