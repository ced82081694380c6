"""Robustness, and the value of information, by brute force from runs of a village's members."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

import plansim
from plansim.analysis.decisions.information import value_of_information
from plansim.analysis.decisions.robustness import PolicyPair
from plansim.analysis.ensemble import wilson
from plansim.analysis.sensitivity.given_data import pawn
from plansim.errors import InputError
from plansim.model.records import Model
from plansim.output.tables.decisions import robustness_table
from plansim.output.tables.layout import shown
from plansim.output.words.text import read_text
from plansim.scenario.factors import FloatArray
from tests.toys.village import EQUATIONS, village

NAMED = ["S1", "S4"]
SWEEP = """
title: S
scenarios: [plain.yaml, other.yaml]
factors: {growth: [0.05, 0.15], level: [-0.1, 2]}
design: {samples: 128, seed: 2}
"""


@dataclass(frozen=True)
class Judged:
    """What becomes of three targets under each policy, in the members that are sound under all."""

    model: Model
    met: FloatArray
    """``(policy, member, target)``"""
    margins: FloatArray
    """The same as parts of the targets' values."""
    values: FloatArray
    """``(member, factor)``"""
    unsound: int

    @property
    def counts(self) -> FloatArray:
        """``(policy, member)``: targets met."""
        return np.asarray(self.met.sum(axis=2))

    @property
    def holds(self) -> FloatArray:
        """``(policy, member)``: how far those of the named set hold."""
        return np.asarray(self.met[:, :, :2].min(axis=2))


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    """Members of which some break down, and a target that some leave undecided."""
    model = village(tmp_path, EQUATIONS.replace("[A: 0–2]", "[A: -0.1–2]"))
    for file, old, new in [
        ("targets", "unlabelled", "binding"),
        ("targets", "250", "400"),
        ("other", "effort: 1.2", "level: 0.9"),
    ]:
        path = tmp_path / f"{file}.yaml"
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    (tmp_path / "plain.yaml").write_text("title: Plain\nvalues: {growth: 0.1}\n", "utf-8")
    plansim.write_members(plansim.draw_prior(model, 300, seed=3), model, tmp_path / "ensemble.csv")
    members = plansim.load_ensemble(model)
    policies = [str(tmp_path / name) for name in ("plain.yaml", "other.yaml")]
    runs = plansim.annual(plansim.simulate(model, policies, ensemble=members))
    sound = runs["sound"].to_numpy().all(axis=0)
    stock, used = (runs[name].sel(year=2005) for name in ("stock", "used"))
    both = runs["output"].sel(year=2010).transpose("scenario", "member", "trade")
    least = np.stack([stock / 160 - 1, both.min("trade") / 400 - 1, used / 160 - 1], axis=2)
    most = np.stack([stock / 160 - 1, both.max("trade") / 400 - 1, used / 160 - 1], axis=2)
    met = ((least >= 0) * 0.5 + (most >= 0) * 0.5)[:, sound]
    met[1, :, 0] = 0.0  # assumed under the second, which is no achievement
    assert {0.0, 0.5, 1.0} == set(met[:, :, 1].ravel())
    return Judged(model, met, least[:, sound], members.values[sound], int((~sound).sum()))


def test_policies_are_compared_member_by_member(judged: Judged) -> None:
    folder = judged.model.path.parent
    policies = [folder / name for name in ("plain.yaml", "other.yaml")]
    result = plansim.robustness(judged.model, policies, named=NAMED)
    met, counts, holds = judged.met, judged.counts, judged.holds
    short = np.minimum(judged.margins[:, :, :2], 0).mean(axis=2)
    assert (result.named, result.binding) == (("S1", "S4"), ("S1", "S4", "S5"))
    assert (result.members, result.unsound) == (met.shape[1], judged.unsound)
    assert 0 < judged.unsound < 60

    def error(values: FloatArray) -> float:
        return float(values.std(ddof=1) / np.sqrt(len(values)))

    def regret(values: FloatArray) -> list[float]:
        forgone = values.max(axis=0) - values[row]
        return [forgone.mean(), float(np.quantile(forgone, 0.9)), forgone.max()]

    def by_target(values: FloatArray) -> dict[str, float]:
        return dict(zip(result.binding, values.mean(axis=0), strict=True))

    factors = plansim.load_ensemble(judged.model).factors
    still = [1.0 if factor.apply.value == "multiply" else 0.0 for factor in factors]
    whole = plansim.load_ensemble(judged.model).values
    away = np.sqrt((((judged.values - still) / whole.std(axis=0)) ** 2).mean(axis=1))
    for row, policy in enumerate(result.policies):
        assert policy.mean_met == pytest.approx(counts[row].mean())
        assert policy.mean_met_error == pytest.approx(error(counts[row]))
        assert policy.met == pytest.approx(by_target(met[row]))
        assert policy.named_share == pytest.approx(holds[row].mean())
        ends = wilson(holds[row].sum(), np.array(float(met.shape[1])))
        assert (policy.named_low, policy.named_high) == pytest.approx(tuple(map(float, ends)))
        assert policy.all_share == pytest.approx(met[row].min(axis=1).mean())
        assert policy.distance == pytest.approx(away[holds[row] == 0].min())
        for told, values in ((policy.regret_targets, counts), (policy.regret_margin, short)):
            assert list(vars(told).values()) == pytest.approx(regret(values))
        assert policy.forgone == pytest.approx(by_target(met.max(axis=0) - met[row]))
        other = counts[1 - row] > counts[row]
        assert list(policy.beaten_by.values()) == pytest.approx([other.mean()])
    (pair,) = result.pairs
    for values, found, spread in (
        (counts, pair.difference, pair.error),
        (holds, pair.share_difference, pair.share_error),
    ):
        assert found == pytest.approx((values[1] - values[0]).mean())
        assert spread == pytest.approx(error(values[1] - values[0]))
    with pytest.raises(InputError, match="given twice"):
        plansim.robustness(judged.model, [policies[0]] * 2, named=NAMED)


def test_two_policies_tie_where_neither_difference_is_beyond_sampling() -> None:
    pairs = itertools.product((0.1, -0.3), repeat=2)
    ties = [PolicyPair("a", "b", one, 0.1, two, 0.1).is_tie for one, two in pairs]
    assert ties == [True, False, False, False]


def test_a_share_that_differs_by_less_than_one_of_a_hundred_is_shown(judged: Judged) -> None:
    result = plansim.robustness(judged.model, [judged.model.path.parent / "plain.yaml"])
    pair = PolicyPair("plain", "plain", 1.0, 0.1, 0.004, 0.0028)
    table = shown(robustness_table(replace(result, pairs=(pair,)), read_text("en")), 200)
    assert "+1.00 ± 0.10 targets, +0.4 ± 0.3 of 100 models" in table


def test_what_knowledge_is_worth_is_counted_on_the_same_members(judged: Judged) -> None:
    folder, counts = judged.model.path.parent, judged.counts[::-1]
    policies = [folder / name for name in ("other.yaml", "plain.yaml")]
    known = plansim.information(judged.model, policies)
    assert known.means == pytest.approx(counts.mean(axis=1))
    best = int(counts.mean(axis=1).argmax())
    assert known.best == known.policies[best] == "plain"
    assert known.perfect == pytest.approx(counts.max(axis=0).mean() - counts[best].mean())
    assert known.perfect > 0
    assert known.members == counts.shape[1]
    values, errors = value_of_information(counts, judged.values)
    order = np.argsort(-values, kind="stable")
    assert [one.value for one in known.unknowns] == pytest.approx(values[order])
    assert [one.error for one in known.unknowns] == pytest.approx(errors[order])
    distances = pawn(judged.values, counts[best])
    assert [one.pawn for one in known.unknowns] == pytest.approx(distances[order])
    assert known.unknowns[0].value > 5 * known.unknowns[0].error
    # Below `by_chance` lie 95 of 100 that are without influence: tenths drawn from all.
    rng, count, null = np.random.default_rng(9), counts[best], []
    for _ in range(300):
        tenths = np.array_split(rng.permutation(count), 10)
        null.append(np.median([ks_2samp(tenth, count).statistic for tenth in tenths]))
    assert known.by_chance == pytest.approx(np.quantile(null, 0.95), rel=0.15)


def test_of_a_sweep_policies_are_compared_point_by_point(
    judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = judged.model.path.parent
    (folder / "sweep.yaml").write_text(SWEEP, "utf-8")
    study = plansim.sweep(judged.model, folder / "sweep.yaml", folder / "s.zarr", threads=1)
    known = plansim.information(judged.model, study)
    sound = (study["status"].to_numpy() == 0).reshape(-1, 2).all(axis=1)
    met = study["verdict"].to_numpy().reshape(-1, 2, 3)[sound]
    met = np.select([met == 0, met == 2], [1.0, 0.5], 0.0)  # assumed counts for none
    counts = met.sum(axis=2).T
    assert 0 < known.members == sound.sum() < 128
    assert known.means == pytest.approx(counts.mean(axis=1))
    points = np.stack([study[name].to_numpy()[::2] for name in ("growth", "level")], axis=1)
    values, _ = value_of_information(counts, points[sound])
    worth = {one.factor.name: one.value for one in known.unknowns}
    assert worth == pytest.approx(dict(zip(("growth", "level"), values, strict=True)))
    told = plansim.sensitivity(study, ["S5"]).set_index("factor")
    owner, points = study["scenario"].to_numpy(), np.repeat(points, 2, axis=0)
    for index, name in enumerate(("plain", "other")):
        own = (owner == index) & (study["status"].to_numpy() == 0)
        margin = study["margin"].sel(target="S5").to_numpy()[own].astype(float)
        mine = told[told["scenario"] == name].loc[["growth", "level"]]
        assert list(mine["pawn"]) == pytest.approx(pawn(points[own], margin))
        assert list(mine["correlation"]) == pytest.approx(
            [spearmanr(column, margin).statistic for column in points[own].T]
        )
        assert len(set(mine["by_chance"])) == 1
        assert 0 < mine["by_chance"].iloc[0] < mine["pawn"].max() / 2
        assert mine["by_chance"].iloc[0] not in list(mine["pawn"])
    with pytest.raises(InputError, match="is not run over the points of the others"):
        plansim.information(judged.model, study.isel(run=slice(0, -1)))
    monkeypatch.setattr("plansim.analysis.experiments.states.DRAWN", 240)  # of 256 runs
    some = plansim.information(judged.model, study)
    assert some.members > 110
    assert some.means == pytest.approx(known.means, abs=0.1)
