"""A city that is written to start from is one: it is judged, tested and listed in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim.errors import InputError
from plansim.files.scaffold import EN, ZH, new_city
from plansim.files.shipped import packaged, shipped
from plansim.model.reader import load_model
from tests.helpers.command import Call


@pytest.mark.long
def test_a_new_city_is_judged_and_passes_its_tests_in_its_folder(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call("model", "new", "my town", "--lang", "zh")
    assert (made.code, made.err) == (0, "")
    assert "cd 'my town'" in made.out
    monkeypatch.chdir(tmp_path / "my town")
    assert [line.split()[0] for line in call("list", "scenarios").out.splitlines()[:2]] == [
        "baseline",
        "more-saving",
    ]
    judged = call("check", "baseline", "more-saving")
    assert (judged.code, judged.err) == (0, "")
    assert "✗" in judged.out
    assert "✓" in judged.out
    tested = call("model", "validate")
    assert (tested.code, tested.err) == (0, "")
    assert "✗" not in tested.out
    assert call("check", "accelerated-growth").code == 2, "it is of the other city"


def test_its_name_is_in_every_file(tmp_path: Path) -> None:
    path = new_city(tmp_path / "x", "Lower Town 2")
    assert path == tmp_path / "x" / "model" / "lower-town-2.mdl"
    assert load_model(path).warnings == ()
    texts = [file.read_text("utf-8") for file in path.parents[1].rglob("*.*")]
    assert not any(EN in text or ZH in text for text in texts)


@pytest.mark.parametrize("name", ["", "a/b", "a: b", "#1", "~", "a\nb", '"a"'])
def test_a_name_that_files_cannot_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be called"):
        new_city(tmp_path / "x", name)
    assert not (tmp_path / "x").exists()


def test_an_empty_folder_stays_the_same_one_and_a_full_one_is_kept(call: Call) -> None:
    here = Path.cwd()
    assert call("model", "new", ".").code == 0
    assert shipped("model") == here / "model"
    again = call("model", "new", ".", "--name", "Other")
    assert again.code == 2
    assert "expected an empty folder" in again.err


def test_a_folder_without_scenarios_or_with_two_models_is_no_city(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = new_city(tmp_path / "x")
    monkeypatch.chdir(tmp_path / "x" / "scenarios")
    assert shipped("model") == path.parent
    (path.parent / "second.mdl").write_text("")
    assert shipped("model") == packaged("model")
