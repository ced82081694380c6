"""The frontier of growth on a model whose frontier is known by hand and by a plain sweep."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.optimization.frontier import frontier
from plansim.analysis.optimization.frontier_file import Quest, read_quest
from plansim.analysis.optimization.frontier_records import Frontier
from plansim.errors import DesignError, InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.output.export.frontier import frontier_json
from plansim.output.figures.frontier import frontier_sheet
from plansim.output.tables.frontier import frontier_table
from plansim.output.tables.layout import shown
from plansim.output.text import Lang, read_text
from plansim.targets.catalogue import load_targets
from plansim.targets.views_file import load_views
from tests.helpers.vensim_text import writer

# Output grows as it is driven; dirt rises with that and falls with care, which costs growth.
EQUATIONS = """
drive= 0.05 ~ 1/Year [0,0.5] ~ 干劲。Growth. [A: 0–0.2] |
care= 0.5 ~ Dmnl [0,5] ~ 治理。Abatement. [A: 0–1] |
harm= 1 ~ Dmnl [0,5] ~ 损害。Uncertain. [A: 0.5–1.5] |
rate= drive - 0.02*care ~ 1/Year ~ 增速。Net. |
output= 100*EXP(rate*(Time - 2000)/one year) ~ 亿元/Year ~ 产出。Grows. |
dirt= 10*harm*rate*one year - care ~ Dmnl ~ 污染。Of growth. |
share= 1 - care ~ Dmnl ~ 份额。Left by care. |
years= (Time - 2000)/one year*rate*one year ~ Dmnl ~ 累积。Worse every year. |
stock= INTEG(output*0, 1) ~ 亿元 ~ 存量。So that it is a model. |
one year= 1 ~ Year [1,1] ~ 一年。One. |
"""
HEAD = """\
title: {en: A plan, zh: 规划}
base_year: 2000
horizon: 2008
places:
  ch 1: {en: Chapter 1, zh: 第一章}
reasons:
  detail: {en: Too fine., zh: 过细。}
targets:
"""
ROW = (
    "- {{id: {}, en: Aim, zh: 目标, unit: Dmnl, attribute: binding, target: {{{}, year: 2004}},"
    " place: [ch 1], variable: {}}}\n"
)
DIRT = ("D1", "at most: 0.5", "dirt")
SPARE = ("C1", "at least: 0.2", "share")
NEVER = ("N1", "at least: 3", "share")
FULL = ("F1", "at least: 0.9", "share")
CLEAN = ("K1", "at most: -0.7", "dirt")
LASTING = ("L1", "at most: 0.6", "years")
SPEC = """\
growth: output
years: [2004, 2008]
scenario: plain.yaml
push: [drive]
mend: [care]
uncertainty: design.yaml
"""
ONE_YEAR = SPEC.replace(", 2008]", "]")
Reads = Callable[..., tuple[Model, Quest, Frontier]]


@pytest.fixture(scope="module")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Reads:
    def read(
        *aims: tuple[str, str, str], spec: str = ONE_YEAR, levels: int = 2
    ) -> tuple[Model, Quest, Frontier]:
        tmp_path = tmp_path_factory.mktemp("town")
        text = HEAD + "".join(ROW.format(*each) for each in aims)
        (tmp_path / "targets.yaml").write_text(text, "utf-8")
        (tmp_path / "plain.yaml").write_text("title: Plain\n", "utf-8")
        (tmp_path / "design.yaml").write_text(
            "title: D\nscenarios: plain.yaml\nfactors: {harm: [0.5, 1.5]}\n", "utf-8"
        )
        (tmp_path / "frontier.yaml").write_text(spec, "utf-8")
        model = load_model(writer(tmp_path)(EQUATIONS))
        targets = load_targets(model=model)
        quest = read_quest(model, load_views(model), Path)
        return (
            model,
            quest,
            frontier(model, quest, targets, draws=512, settings=4096, levels=levels, threads=1),
        )

    return read


@pytest.fixture(scope="module")
def reached(reads: Reads) -> tuple[Quest, Frontier]:
    """A frontier that two targets make."""
    _, quest, found = reads(DIRT, SPARE, spec=SPEC, levels=6)
    return quest, found


@pytest.fixture(scope="module")
def broken(reads: Reads) -> Frontier:
    """One with a target that nothing meets."""
    return reads(DIRT, SPARE, NEVER)[-1]


def test_growth_goes_as_far_as_the_target_that_stops_it(reached: tuple[Quest, Frontier]) -> None:
    quest, found = reached
    first, second = found.horizons
    # Care ends at 0.8, where the share is 0.2; dirt is 10·rate - 0.8 = 0.5, so the rate is 0.13.
    expected = math.exp(0.13) - 1
    for horizon in (first, second):
        assert horizon.highest is not None
        assert horizon.highest.growth == pytest.approx(expected, abs=1e-5)
        assert set(horizon.binding) == {"D1", "C1"}
        assert horizon.kept == ("D1", "C1")
        assert (horizon.never, horizon.clashing) == ((), ())
        assert dict(
            zip([each.id for each in quest.levers], horizon.highest.values, strict=True)
        ) == (pytest.approx({"drive": 0.146, "care": 0.8}, abs=1e-4))
    assert first.growth_present == pytest.approx(math.exp(0.04) - 1)
    low, high = first.growth_reach
    assert high == pytest.approx(math.exp(0.2) - 1, abs=1e-5)
    assert math.exp(-0.02) - 1 <= low < 0, "the lowest of the sweep"


def test_no_point_of_a_plain_sweep_goes_further(reached: tuple[Quest, Frontier]) -> None:
    _, found = reached
    grid = np.array(list(itertools.product(np.linspace(0, 0.2, 801), np.linspace(0, 1, 401))))
    drive, care = grid.T
    rate = drive - 0.02 * care
    good = (10 * rate - care <= 0.5) & (1 - care >= 0.2)
    best = np.exp(rate[good].max()) - 1
    horizon = found.horizons[0]
    assert horizon.highest is not None
    assert horizon.highest.growth >= best - 1e-9
    assert horizon.highest.growth <= best + 0.001
    assert horizon.check is not None
    sweep = horizon.check.looks[0]
    assert sweep.settings == 4096
    assert horizon.highest.growth >= sweep.best > best - 0.01


def test_what_each_target_asks_by_itself(broken: Frontier) -> None:
    alone = {each.target.id: each for each in broken.horizons[0].alone}
    # Dirt alone: care 1, 10·rate = 1.5; the share alone stops nothing.
    assert alone["D1"].growth == pytest.approx(math.exp(0.15) - 1, abs=1e-5)
    assert alone["C1"].growth == pytest.approx(math.exp(0.2) - 1, abs=1e-4)
    assert alone["D1"].best == pytest.approx(0.5 + 1 + 0.2, abs=1e-4)
    assert alone["D1"].present == pytest.approx(0.5 - (0.4 - 0.5))
    assert math.isnan(alone["N1"].growth)
    assert alone["N1"].best == pytest.approx(1 - 3, abs=1e-5)


def test_what_never_holds_is_named_and_the_frontier_is_that_of_the_others(broken: Frontier) -> None:
    horizon = broken.horizons[0]
    assert horizon.never == ("N1",)
    assert horizon.kept == ("D1", "C1")
    assert horizon.highest is not None
    assert horizon.highest.growth == pytest.approx(math.exp(0.13) - 1, abs=1e-5)
    assert horizon.highest.margins["N1"] == pytest.approx(-2.8, abs=1e-3)


def test_targets_that_clash_are_told_from_those_that_never_hold(reads: Reads) -> None:
    # F1 wants care below 0.1; K1 wants dirt below -0.7, which takes care of half and more.
    _, _, found = reads(FULL, CLEAN)
    for horizon in found.horizons:
        assert horizon.never == ()
        assert len(horizon.clashing) == 1
        assert len(horizon.kept) == 1
        assert horizon.highest is not None


def test_a_target_must_hold_in_every_year_to_the_horizon(reads: Reads) -> None:
    _, _, found = reads(LASTING, spec=SPEC)
    rates = [each.highest.growth for each in found.horizons if each.highest]
    # The sum of growth is 0.6 after 4 years at 0.15, but after 8 at 0.075.
    assert rates == pytest.approx([math.exp(0.15) - 1, math.exp(0.075) - 1], abs=1e-4)


def test_chances_are_those_of_the_draws(reached: tuple[Quest, Frontier]) -> None:
    quest, found = reached
    horizon = found.horizons[0]
    assert found.draws == 512
    rng = np.random.default_rng(0)
    harm = rng.uniform(0.5, 1.5, 100_000)
    names = [each.id for each in quest.levers]
    for policy, chance, median in zip(horizon.along, horizon.chances, horizon.medians, strict=True):
        setting = dict(zip(names, policy.values, strict=True))
        rate = setting["drive"] - 0.02 * setting["care"]
        holds = (10 * harm * rate - setting["care"] <= 0.5) & (setting["care"] <= 0.8 + 1e-9)
        assert chance == pytest.approx(holds.mean(), abs=0.01)
        assert median == pytest.approx(math.exp(rate) - 1, abs=1e-9)
    # With care at 0.8: 10·harm·rate ≤ 1.3; surely 0.95 where harm up to 1.45 does.
    by_share = {each.share: each for each in horizon.sure}
    for share, harm_at in ((0.5, 1.0), (0.8, 1.3), (0.95, 1.45)):
        one = by_share[share]
        assert one.policy is not None
        assert one.met >= share
        best = math.exp(0.13 / harm_at) - 1
        assert one.growth <= best + 0.002
        assert one.growth >= best - 0.012, "a policy between those along the frontier does as well"


def test_the_surest_policy_is_no_less_sure_than_any_and_its_doubts_are_told(
    reads: Reads, reached: tuple[Quest, Frontier]
) -> None:
    for horizon in reached[1].horizons:
        assert horizon.surest is not None
        assert horizon.surest.met == pytest.approx(1.0), "with less drive both hold in every draw"
        assert horizon.surest.without == ()
    # With care at most 0.79 and no drive, dirt is -0.79 - 0.158·harm: so low if harm is 0.95.
    _, quest, found = reads(("D2", "at most: -0.94", "dirt"), ("C2", "at least: 0.21", "share"))
    horizon = found.horizons[0]
    assert horizon.surest is not None
    assert horizon.surest.met == pytest.approx(1.5 - 0.15 / 0.158, abs=0.01)
    assert [each for each, _ in horizon.surest.without] == [("D2",)]
    assert [each.policy is None for each in horizon.sure] == [False, True, True]
    assert horizon.surest.met >= max(horizon.chances)
    setting = dict(
        zip([each.id for each in quest.levers], horizon.surest.policy.values, strict=True)
    )
    harm = np.random.default_rng(0).uniform(0.5, 1.5, 100_000)
    dirt = 10 * harm * (setting["drive"] - 0.02 * setting["care"]) - setting["care"]
    assert horizon.surest.single["D2"] == pytest.approx((dirt <= -0.94).mean(), abs=0.01)
    assert horizon.surest.single["C2"] == pytest.approx(float(setting["care"] <= 0.79 + 1e-9))
    assert horizon.surest.product == pytest.approx(
        horizon.surest.single["D2"] * horizon.surest.single["C2"]
    )
    chance = horizon.surest.met
    assert horizon.surest.error == pytest.approx(math.sqrt(chance * (1 - chance) / 512))


def test_growth_is_pushed_along_the_frontier_until_margins_have_gone(
    reached: tuple[Quest, Frontier],
) -> None:
    along = reached[1].horizons[0].along
    growth = [each.growth for each in along]
    assert growth == sorted(growth)
    margins = [each.worst_margin for each in along]
    assert margins[0] > 0 > margins[-1]
    assert margins == sorted(margins, reverse=True)


def test_without_uncertainty_there_are_no_chances(reads: Reads) -> None:
    _, _, found = reads(DIRT, SPARE, spec=ONE_YEAR.replace("uncertainty: design.yaml\n", ""))
    horizon = found.horizons[0]
    assert (found.draws, horizon.chances, horizon.sure) == (0, (), ())
    assert horizon.highest is not None
    assert horizon.highest.growth == pytest.approx(math.exp(0.13) - 1, abs=1e-5)


def test_a_frontier_as_text_file_and_figure(broken: Frontier) -> None:
    found = broken
    for lang in Lang:
        text = read_text(lang)
        told = shown(frontier_table(found, text, growth_zh="产出"), 100)
        assert "13.9 %" in told
        assert "N1" in told
        assert frontier_sheet(found, lang, growth_zh="产出").axes
    content = json.loads(frontier_json(found))
    assert content["horizons"][0]["never"] == ["N1"]
    assert content["horizons"][0]["highest"]["levers"]["care"] == pytest.approx(0.8, abs=1e-4)
    empty = replace(found, horizons=tuple(replace(each, along=()) for each in found.horizons))
    with pytest.raises(InputError, match="no frontier to draw"):
        frontier_sheet(empty, Lang.EN)


def test_a_target_has_one_colour_in_all_panels_and_its_label_at_its_end(
    reached: tuple[Quest, Frontier],
) -> None:
    _, found = reached
    first = found.horizons[0]
    turned = replace(first, year=first.year + 1, kept=first.kept[::-1])
    # In another panel the targets come in another order.
    least = {id_: -float(place) for place, id_ in enumerate(first.kept)}
    along = tuple(replace(each, margins=least) for each in first.along)
    for other in (turned, replace(turned, along=along)):
        figure = frontier_sheet(replace(found, horizons=(first, other)), Lang.EN)
        hues: dict[str, set[object]] = {}
        for axes in figure.axes:
            labels = {each.get_text(): each for each in axes.texts}
            for line in axes.get_lines():
                id_ = str(line.get_label())
                if id_ in first.kept:
                    hues.setdefault(id_, set()).add(line.get_color())
                    label = labels[id_]
                    assert label.get_color() == line.get_color()
                    low, high = axes.get_ylim()
                    end = min(max(float(np.asarray(line.get_ydata())[-1]), low), high)
                    assert abs(label.xy[1] - end) < (high - low) / 10  # type: ignore[attr-defined]
        assert set(hues) == set(first.kept)
        assert all(len(each) == 1 for each in hues.values())
        assert len(set.union(*hues.values())) == len(hues)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("growth: output", "growth: outpt", "did you mean 'output'"),
        ("growth: output", "growth: drive", "'drive' has no growth rate"),
        ("push: [drive]", "push: [drve]", "no lever 'drve'; did you mean 'drive'"),
        ("mend: [care]", "mend: [care, drive]", "'drive' and 'drive' move one constant"),
        ("years: [2004, 2008]", "years: [1999]", "no growth to 1999; expected after 2000"),
        ("years: [2004, 2008]", "yeers: [2004]", "did you mean 'years'"),
        ("plain.yaml", "plane", "no scenario is called"),
        ("design.yaml", "desgn.yaml", "desgn.yaml"),
    ],
)
def test_faults_of_the_file(reads: Reads, old: str, new: str, message: str) -> None:
    with pytest.raises(DesignError, match=message):
        reads(DIRT, spec=SPEC.replace(old, new))


def test_what_no_file_says_is_asked_for(city: Model, tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="no file says over which levers"):
        read_quest(city, load_views(city), Path, path=tmp_path / "none.yaml")


def test_the_shipped_file_fits_the_shipped_model(city: Model, root: Path) -> None:
    targets = load_targets(model=city)
    sweeps = root / "scenarios" / "sweeps"
    quest = read_quest(city, load_views(city, targets), lambda name: sweeps / f"{name}.yaml")
    assert len(quest.push) >= 5
    assert len(quest.mend) >= 10
    assert quest.uncertainty is not None
