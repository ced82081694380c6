"""Conflicts between targets that exclude each other by what they ask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import plansim
from plansim.analysis.decisions.conflicts import _Tried
from tests.helpers.plan import aim
from tests.toys.chimney import chimney


def test_two_targets_that_exclude_each_other_are_found_and_others_are_not(tmp_path: Path) -> None:
    rows = aim("S3", "at least: 150, year: 2005", "output", unit="亿元")
    rows += aim("S4", "at most: 140, year: 2005", "output", unit="亿元")
    town = chimney(tmp_path, rows, certain=True)
    found = plansim.conflicts(town, largest=2)
    # Output of 150 smokes 60 with all filters, well below what the first target allows.
    (conflict,) = found.conflicts
    assert conflict.targets == ("S3", "S4")
    assert conflict.share == 0
    assert found.sets == 10
    for relaxed in conflict.relaxations:  # either by what lies between them, or as near as found
        assert relaxed.amount is not None
        assert 10 - 1e-3 <= relaxed.amount <= 10.5
        assert relaxed.unit == "亿元"


def test_a_target_that_no_setting_meets_is_a_conflict_by_itself(tmp_path: Path) -> None:
    # All that is built in five years and a half makes 1.05¹¹ of it.
    rows = aim("S3", "at least: 180, year: 2005", "output", unit="亿元")
    found = plansim.conflicts(chimney(tmp_path, rows, certain=True), largest=2)
    (conflict,) = found.conflicts
    assert conflict.targets == ("S3",)
    (relaxed,) = conflict.relaxations
    assert relaxed.amount == pytest.approx(180 - 100 * 1.05**11, abs=1e-3)


def test_the_least_relaxation_is_the_least_with_which_all_hold_in_half_of_the_members() -> None:
    rng = np.random.default_rng(5)
    margins = rng.normal([1.2, 1.2, -0.5], size=(6, 20, 3)).astype(np.float32)
    halves = np.where(margins > 0, 2, rng.integers(0, 2, margins.shape)).astype(np.int8)
    margins[0, ::3], halves[1, :, 0] = np.nan, 0  # broken down; missed throughout
    found = _Tried(np.zeros((6, 1)), halves, margins).lacking([0, 1], 2)
    for setting, least in enumerate(found):
        held = halves[setting, :, :2].min(axis=1) / 2
        lacking = -np.nan_to_num(margins[setting, :, 2], nan=-np.inf)
        enough = [more for more in lacking if held[lacking <= more].sum() >= 10]
        assert least == pytest.approx(min(enough, default=np.inf))
    assert np.isfinite(found).any()
    assert np.isinf(found[1])


@pytest.mark.parametrize("study", ["conflicts", "policies", "model_difference"])
def test_a_study_that_was_interrupted_goes_on_and_finds_the_same(
    study: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plansim.analysis.decisions.conflicts.SAVED", 1)
    rows = aim("S3", "at least: 150, year: 2005", "output", unit="亿元")
    rows += aim("S4", "at most: 140, year: 2005", "output", unit="亿元")
    town = chimney(tmp_path, rows)
    other = tmp_path / "other.mdl"
    other.write_text(
        town.text.replace("yield*b", "0.9*yield*b").replace("0.6*f", "0.5*f").replace("*50", "*60"),
        "utf-8",
    )
    options = {"policies": {"seeds": 2, "generations": 8, "members": 16, "fresh": 32}}
    beside = [other] if study == "model_difference" else []
    seen: list[int] = []

    def search(last: int | None = None) -> object:
        seen.clear()

        def progress(done: int, steps: int) -> None:
            seen.append(done)
            if done == last:
                raise KeyboardInterrupt

        return getattr(plansim, study)(town, *beside, progress=progress, **options.get(study, {}))

    caches = [tmp_path / name for name in ("whole", "parts")]
    for folder in caches:
        folder.mkdir(mode=0o700)
    monkeypatch.setenv("PLANSIM_CACHE", str(caches[0]))
    whole = search()
    monkeypatch.setenv("PLANSIM_CACHE", str(caches[1]))
    interrupted = 5
    with pytest.raises(KeyboardInterrupt):
        search(interrupted)
    assert str(search()) == str(whole)
    assert 0 < seen[0] <= interrupted
