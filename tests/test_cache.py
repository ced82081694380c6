"""What is kept is what was made; what was altered, or made of something else, is made anew."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from plansim import cache, load_model, load_targets, read_scenario
from plansim.cache import keep, kept, load_sealed, recall, save_sealed
from plansim.engine.compiled import run_compiled
from plansim.engine.kernel import compile_model
from plansim.engine.pysd import run_reference
from plansim.errors import ScenarioError
from plansim.model.units import convert
from plansim.output.words.text import Lang, _text_in
from plansim.scenario.scenario_file import as_written


@dataclass(frozen=True)
class Note:
    text: str


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("PLANSIM_CACHE", str(folder))
    return folder


def test_a_record_is_made_once() -> None:
    made: list[str] = []

    def make() -> Note:
        made.append("once")
        return Note("天")

    assert kept("notes", "key", Note, make) == kept("notes", "key", Note, make) == Note("天")
    assert made == ["once"]
    assert recall("notes", "other", Note) is None


def test_only_the_latest_used_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "KEEP", 2)
    for key in ("first", "second", "first", "third"):
        kept("notes", key, Note, lambda: Note("天"))
        time.sleep(0.02)  # a file's time is as coarse as the system's tick
    found = [recall("notes", key, Note) is not None for key in ("first", "second", "third")]
    assert found == [True, False, True]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"",
        lambda raw: raw[:-3],
        lambda raw: b"foreign",
        lambda raw: raw.replace(b"sound", b"other"),
        lambda raw: b"\xff" + raw,
    ],
    ids=["emptied", "cut off", "foreign", "altered", "binary"],
)
def test_a_damaged_record_is_made_anew(own_cache: Path, damage: Callable[[bytes], bytes]) -> None:
    keep("notes", "key", Note("sound"))
    (path,) = own_cache.rglob("*.pickle")
    path.write_bytes(damage(path.read_bytes()))
    assert recall("notes", "key", Note) is None
    assert kept("notes", "key", Note, lambda: Note("anew")) == Note("anew")


def test_a_record_moved_to_another_key_is_not_taken(own_cache: Path) -> None:
    keep("notes", "key", Note("mine"))
    (path,) = own_cache.rglob("*.pickle")
    shutil.copy(path, path.with_name("other.pickle"))
    assert recall("notes", "other", Note) is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
@pytest.mark.parametrize("inside", ["", "notes"])
def test_a_folder_that_others_may_write_to_is_neither_read_nor_written_to(
    own_cache: Path, mode: int, inside: str
) -> None:
    keep("notes", "key", Note("planted"))
    (own_cache / inside).chmod(mode)
    before = sorted(own_cache.rglob("*"))
    assert recall("notes", "key", Note) is None
    keep("notes", "other", Note("mine"))
    assert sorted(own_cache.rglob("*")) == before
    (own_cache / inside).chmod(0o755)
    assert recall("notes", "key", Note) == Note("planted")


TOWN = load_model(Path(__file__).parent / "toys" / "models" / "toy_town.mdl")
USES: list[tuple[str, Callable[[], object]]] = [
    ("notes/*.pickle", lambda: kept("notes", "key", Note, lambda: Note("sound"))),
    ("kernels/*.pickle", lambda: compile_model(TOWN, outputs=["GDP"])),
    ("runs/*.pickle", lambda: list(run_compiled(TOWN, as_written(TOWN)).time)),
    ("models/*.pickle", lambda: list(run_reference(TOWN, as_written(TOWN), cache=False).time)),
]


@pytest.mark.parametrize(("files", "use"), USES, ids=[files for files, _ in USES])
def test_a_file_that_others_may_write_to_or_of_another_form_is_made_anew(
    own_cache: Path, files: str, use: Callable[[], object]
) -> None:
    first = use()
    (path,) = own_cache.glob(files)
    assert load_sealed(path)
    for content in (b"[]", b'{"times": 3, "notes": []}\n' + bytes(16), b"5", b"{", b"\xff"):
        save_sealed(path, content)
        assert use() == first
        assert load_sealed(path) != content
    path.chmod(0o666)
    assert load_sealed(path) is None
    assert use() == first
    assert load_sealed(path)


def test_what_is_read_from_the_cache_is_what_was_read_from_the_files(own_cache: Path) -> None:
    def everything() -> list[object]:
        model = load_model()
        scenarios = [read_scenario(each, model, ["FINAL TIME=2020.5"]) for each in ("baseline",)]
        texts = [_text_in.__wrapped__(lang).phrases for lang in Lang]
        return [model, model.warnings, scenarios, load_targets(model=model), texts]

    first = everything()
    assert list(own_cache.rglob("*.pickle"))
    assert everything() == first
    assert convert(12, "%/Year", "1/Year") == pytest.approx(0.12)


def test_a_scenario_is_read_again_when_its_parent_changes_or_appears(tmp_path: Path) -> None:
    model, head = TOWN, "title: {en: a, zh: 甲}\n"
    parent, child = tmp_path / "ground.yaml", tmp_path / "child.yaml"
    parent.write_text(f"{head}values: {{capital life: 21}}\n", "utf-8")
    child.write_text(f"{head}parent: ground\n", "utf-8")
    assert read_scenario(child, model).values == {"capital life": 21}
    parent.write_text(f"{head}values: {{capital life: 22}}\n", "utf-8")
    assert read_scenario(child, model).values == {"capital life": 22}
    parent.unlink()
    for _ in range(2):
        with pytest.raises(ScenarioError, match="there is no parent 'ground'"):
            read_scenario(child, model)
    parent.write_text(head, "utf-8")
    assert read_scenario(child, model).lineage == ("ground", "child")


def test_a_folder_that_is_exchanged_after_its_check_is_not_used(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder is opened once: a link that takes its place meanwhile leads nowhere."""
    keep("notes", "key", Note("mine"))
    foreign = own_cache.parent / "foreign"
    shutil.copytree(own_cache / "notes", foreign)
    check = cache._is_ours

    def exchange(status: os.stat_result) -> bool:
        if status.st_ino == (own_cache / "notes").stat().st_ino:
            (own_cache / "notes").rename(own_cache / "moved")
            (own_cache / "notes").symlink_to(foreign)
        return check(status)

    monkeypatch.setattr(cache, "_is_ours", exchange)
    keep("notes", "key", Note("mine as well"))
    assert sorted(path.name for path in foreign.iterdir()) == ["key.pickle"]
    monkeypatch.setattr(cache, "_is_ours", check)
    assert recall("notes", "key", Note) is None  # a link is no folder of ours
    shutil.rmtree(foreign)
    (own_cache / "notes").unlink()
    (own_cache / "moved").rename(own_cache / "notes")
    assert recall("notes", "key", Note) == Note("mine as well")


def test_what_dead_writers_began_is_cleaned(own_cache: Path) -> None:
    keep("notes", "key", Note("mine"))
    old, young = own_cache / "notes" / "old.part", own_cache / "notes" / "young.part"
    for path in (old, young):
        path.touch()
    os.utime(old, (0, 0))
    keep("notes", "key", Note("mine"))
    assert not old.exists()
    assert young.exists()
