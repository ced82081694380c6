"""The variant in which loops can be held still: the same run until then, by two engines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.analysis.feedback.frozen import holdable
from plansim.analysis.feedback.loops import load_loops
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model
from plansim.engine.pysd import simulate
from plansim.model.reader import load_model
from plansim.model.records import Model
from plansim.scenario.reader import as_written, read_scenario
from tests.toys.logistic import EQUATIONS, logistic, stock_at


def test_while_nothing_is_held_all_values_are_the_same_bits(city: Model) -> None:
    loops = load_loops(city)
    variant = holdable(city, [each.switch for each in loops])
    assert list(variant.holds) == [each.switch for each in loops]
    scenario = read_scenario("accelerated-growth", city)
    names = list(compile_model(city, values=scenario.values).outputs)
    plain, held = (
        simulate_ensemble(
            compile_model(
                model,
                vary=vary,
                outputs=dict.fromkeys(each.partition("[")[0] for each in names),
                values=scenario.values,
            ),
            {},
            scenario.time,
        )
        for model, vary in ((city, ()), (variant.model, variant.holds.values()))
    )
    assert plain.values.tobytes() == held.values.tobytes()


def test_pysd_holds_as_the_compiled_engine_does(tmp_path: Path) -> None:
    model = logistic(tmp_path)
    variant = holdable(model, ["switch R", "switch B"])
    text = variant.model.text.replace(f"= {variant.never!r} ~~|", "= 2007.25 ~~|", 1)
    (tmp_path / "held.mdl").write_text(text, "utf-8")
    held = load_model(tmp_path / "held.mdl", strict=False)
    found = simulate(held, as_written(held))["stock"].to_numpy()
    years = 2000 + 0.5 * np.arange(len(found))
    assert found == pytest.approx([stock_at(year, "R", 2007.25) for year in years], rel=1e-12)


def test_a_switch_may_be_a_name_in_quotes(tmp_path: Path) -> None:
    quoted = EQUATIONS.replace("switch R", '"switch, R"')
    model = logistic(tmp_path, quoted)
    name = next(each for each in model.variables if "switch, R" in each)
    variant = holdable(model, [name])
    assert variant.holds[name] in variant.model.variables


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ("growth*switch R*stock", 1),
        ("growth*(start + stock*switch R/2)", 1),
        ("-switch R*stock + growth*switch R", 1),
        ("MAX(0, switch R*stock)", 1),
        ("stock/switch R", 0),
        ("switch R", 0),
        ("IF THEN ELSE(switch R > 0, stock, start)", 0),
        ("stock*(1 - switch R)", 0),
    ],
)
def test_what_a_switch_multiplies_is_held(tmp_path: Path, written: str, holds: int) -> None:
    right = "growth*(start + switch R*(stock - start))"
    variant = holdable(logistic(tmp_path, EQUATIONS.replace(right, written)), ["switch R"])
    assert len(variant.holds) == holds
    count = variant.model.text.count("sample if true")
    assert count == (2 if written.count("switch R") == 2 else holds)
