"""A store that was damaged is never read as if it were whole; one writer at a time."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from plansim.analysis.experiments.integrity import LOCK, alone
from plansim.analysis.experiments.replay import stored_run
from plansim.analysis.experiments.store import Store, open_store, open_summary, open_sweep, verify
from plansim.analysis.experiments.summary import Summary, write_summary
from plansim.errors import InputError, OutputError
from tests.analysis.test_sweep import Town, arrays, town, town_in
from tests.reliability.stores import DAMAGES

__all__ = ["town"]


Damage = Callable[[Path], object]
FLIP, TRUNCATE, FOREIGN, PIPE, NO_TEXT = (
    DAMAGES[kind] for kind in ("flipped", "truncated", "foreign", "a pipe", "no text")
)


def copy_of(name: str) -> Damage:
    """Return the damage that something else of the result, or of another one, stands in a place."""

    def copy(path: Path) -> None:
        result = next(parent for parent in path.parents if parent.suffix == ".zarr")
        if path.is_dir():
            shutil.rmtree(path)
            shutil.copytree(result / name, path)
        else:
            assert path.read_bytes() != (result / name).read_bytes()
            shutil.copy(result / name, path)

    return copy


CHUNKS = ["stock/c/1/0", "growth/c/0", "verdict/c/0/0", "bad_variable/c/1", "bad_time/c/1"]
TRIED: list[tuple[str, Damage]] = [
    *((name, damage) for name in CHUNKS for damage in (Path.unlink, FLIP)),
    (CHUNKS[0], TRUNCATE), (CHUNKS[0], PIPE), ("status/blocks.done", PIPE),
    # From another place of the array, from another array of its kind, or from another result.
    *((name, copy_of(other)) for name, other in (
        ("stock/c/1/0", "stock/c/0/0"), ("growth/c/0", "level/c/0"),
        ("growth/c/0", "../other.zarr/growth/c/0"), ("summary", "../other.zarr/summary"),
        ("status/blocks.done", "../other.zarr/status/blocks.done"))),
    *((f"{name}/zarr.json", damage)
      for name in ("stock", "status") for damage in (Path.unlink, TRUNCATE, FOREIGN)),
    *((name, damage) for name in ("year/c/0", "target/c/0") for damage in (Path.unlink, FLIP)),
    *(("status/blocks.done", damage) for damage in
      (Path.unlink, NO_TEXT,
       lambda path: path.write_text("0\n1\n17\n"), lambda path: path.write_text("0\n-1\n"),
       lambda path: path.write_text(path.read_text().replace("1 ", "0 ")))),
    *(("target/manifest.json", damage) for damage in (Path.unlink, TRUNCATE, FOREIGN)),
    *(("summary/p_met/zarr.json", damage) for damage in (Path.unlink, TRUNCATE, FOREIGN)),
    *(("summary/quantiles/c/0/0/0/0", damage) for damage in (Path.unlink, FLIP)),
    ("zarr.json", lambda path: path.write_text(path.read_text().replace("A sweep", "A sweap"))),
]  # fmt: skip
READERS: list[Callable[[Town, Store], object]] = [
    lambda town, store: [stored_run(store.path, index, town.model) for index in (0, 19)],
    lambda town, store: Summary(store).dataset(),
    lambda town, store: open_sweep(store.path).load(),
]


def refusal(read: Callable[[Town, Store], object], town: Town, path: Path) -> str:
    """Return how a reader refuses a store; empty if it does not."""
    try:
        read(town, open_store(path))
    except InputError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a small sweep, of which each test gets a copy."""
    town = town_in(tmp_path_factory.mktemp("made"))
    town.sweep(town.design(samples=10), block=10)
    town.sweep(town.design(samples=10, seed=6), town.folder / "other.zarr", block=10)
    return town.path


@pytest.fixture
def whole(town: Town, made: Path) -> Path:
    shutil.copytree(made.with_name("other.zarr"), town.folder / "other.zarr")
    return shutil.copytree(made, town.path)


@pytest.mark.parametrize(("name", "damage"), TRIED)
def test_damage_is_named_never_read_and_repaired(
    town: Town, whole: Path, name: str, damage: Damage
) -> None:
    expected = arrays(whole)
    damage(whole / name)
    with pytest.raises(InputError) as caught:
        verify(whole)
    assert name in str(caught.value)
    assert any(
        word in str(caught.value) for word in ("damaged", "missing", "another", "other runs")
    )
    if not name.startswith("summary"):
        said = [message for read in READERS if (message := refusal(read, town, whole))]
        assert all(name in message for message in said)
        # Not every reader reads every chunk.
        assert len(said) == len(READERS) or (said and "/c/" in name)
    town.sweep(town.design(samples=10), whole, resume=True)
    assert verify(whole).done() == {0, 1}
    repaired = arrays(whole)
    for key, values in expected.items():
        np.testing.assert_array_equal(repaired[key], values)


def test_what_is_no_part_of_a_result_is_not_read(whole: Path) -> None:
    """Strange files, whole arrays among them, and chunks of blocks that are not listed."""
    before = open_sweep(whole).load()
    shutil.copytree(whole / "stock", whole / "stock2")
    (whole / ".DS_Store").write_text("x")
    xr.testing.assert_identical(open_sweep(whole).load(), before)
    journal = whole / "status" / "blocks.done"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:1]))
    shutil.rmtree(whole / "summary")
    assert np.isfinite(open_sweep(whole)["growth"].values).tolist() == [True] * 10 + [False] * 10


@pytest.mark.parametrize("damage", [TRUNCATE, FOREIGN, PIPE])
def test_a_store_whose_description_is_lost_is_begun_anew(
    town: Town, whole: Path, damage: Damage
) -> None:
    damage(whole / "zarr.json")
    design = town.design(samples=10)
    for use in (lambda: verify(whole), lambda: town.sweep(design, whole, resume=True)):
        with pytest.raises(InputError, match=r"zarr\.json: what describes the result is damaged"):
            use()
    town.sweep(design, whole, force=True)
    verify(whole)


def test_no_link_in_a_result_is_written_through(town: Town, whole: Path) -> None:
    other = town.folder / "precious"
    (whole / "growth" / "c").rename(other)
    (whole / "growth" / "c").symlink_to(other)
    (other / "1").unlink()
    with pytest.raises(InputError, match="growth/c: a link in a result is not written through"):
        town.sweep(town.design(samples=10), whole, resume=True)
    assert not (other / "1").exists()


def test_one_writer_at_a_time(town: Town, whole: Path) -> None:
    design = town.design(samples=10)
    with alone(whole):
        for resume in (True, False):
            with pytest.raises(OutputError, match="another process is writing the result"):
                town.sweep(design, whole, resume=resume, force=not resume)
    town.sweep(design, whole, resume=True)
    verify(whole)


def test_a_summary_is_written_as_a_whole_or_not(
    town: Town, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(whole)
    before = open_summary(whole)
    other = Summary(store).dataset() * 2
    original = os.fsync
    for step in range(8):
        count = iter(range(10**6))

        def fails(descriptor: int, stop: int = step, count: object = count) -> None:
            if next(count) == stop:  # type: ignore[call-overload]
                raise OSError(28, "No space left on device")
            original(descriptor)

        monkeypatch.setattr(os, "fsync", fails)
        with pytest.raises(OutputError):
            write_summary(store, other)
        xr.testing.assert_identical(open_summary(whole), before)
    monkeypatch.undo()
    write_summary(store, other)
    xr.testing.assert_identical(open_summary(whole), other)
    assert not list(town.folder.glob(".*.part*"))


def test_a_block_is_on_the_disk_before_it_is_listed(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    original = os.fsync

    def note(descriptor: int) -> None:
        order.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        original(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    town.sweep(town.design(samples=10), block=10, threads=1)
    names = [Path(path).relative_to(town.path.resolve()).as_posix()
             for path in order if "/r.zarr/" in path]  # fmt: skip
    store = open_store(town.path)
    for number, listed in enumerate(index for index, name in enumerate(names)
                                    if name == "status/blocks.done"):  # fmt: skip
        assert {store.chunk(name, number) for name in store.per_run} <= set(names[:listed])


def test_the_lock_is_that_of_the_folder_that_is_there(town: Town, whole: Path) -> None:
    """Who waited for a store that was replaced meanwhile does not write to the new one."""
    with alone(whole):
        shutil.copy(whole / LOCK, whole / "copy")
        (whole / "copy").replace(whole / LOCK)
        with alone(whole):
            pass
