"""JavaScript against the compiled engine: every variable of every scenario, within 1e-9."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from plansim.compiler.graph import Graph
from plansim.compiler.ir import BOOLEAN, CONTROLS, Op, PiecewiseLinear, Program
from plansim.engine.compiled import run_compiled
from plansim.engine.trajectory import cells
from plansim.model.reader import load_model
from plansim.model.records import Integration, Model, VariableKind
from plansim.scenario.factors import FloatArray
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.scenario.variant import for_scenarios
from tests.helpers.javascript import run_in_node, simulate_in_node
from tests.helpers.reference import by, disagreements

FEATURES = sorted((Path(__file__).parents[1] / "agreement" / "vensim").glob("*/*.mdl"))


def wrong(model: Model, scenario: Scenario, program: Program, found: FloatArray) -> list[str]:
    theirs = cells(model, run_compiled(model, scenario))
    return disagreements(dict(zip(program.outputs, found, strict=True)), theirs)


def constants(model: Model) -> list[str]:
    return [each.name for each in model.variables.values() if each.kind is VariableKind.CONSTANT]


@pytest.mark.parametrize("path", FEATURES, ids=lambda path: path.stem)
def test_a_feature_is_computed_as_by_the_compiled_engine(path: Path) -> None:
    model = load_model(path)
    scenarios = [by(as_written(model), method) for method in Integration]
    for vary in ([], constants(model)):
        program, runs = simulate_in_node(model, vary, scenarios)
        for scenario, run in zip(scenarios, runs, strict=True):
            assert wrong(model, scenario, program, run) == [], scenario.time.integration


def test_every_variable_of_every_scenario_is_computed_as_by_the_compiled_engine(
    city: Model, stories: Mapping[str, Scenario]
) -> None:
    assert len(stories) >= 10
    scenarios = [by(stories["accelerated-growth"], method, 0.25) for method in Integration]
    scenarios += stories.values()
    model = for_scenarios(city, scenarios)
    program, runs = simulate_in_node(model, constants(model), scenarios)
    for scenario, run in zip(scenarios, runs, strict=True):
        assert wrong(model, scenario, program, run) == [], (scenario.id, scenario.time)


NUMBERS = st.one_of(
    st.floats(-5, 5),
    st.sampled_from([0.0, -0.5, 1.0, -1.0, 2.0, 1e300, -1e300, math.inf, -math.inf, math.nan]),
).map(lambda number: number + 0.0)  # -0 counts as 0
TWO = frozenset(
    {Op.ADD, Op.SUBTRACT, Op.MULTIPLY, Op.DIVIDE, Op.POWER, Op.MINIMUM, Op.MAXIMUM, Op.REMAINDER}
    | (BOOLEAN - {Op.NOT})
)
LEAVES = frozenset({Op.NUMBER, Op.INPUT, Op.STATE, Op.PIPE, Op.TIME, *CONTROLS})
OPERATIONS = [op for op in Op if op not in LEAVES | {Op.LOOKUP, Op.FROZEN, Op.RANDOM}]
TABLE = PiecewiseLinear((-2.0, 0.0, 1.5, 4.0), (1.0, 2.0, 0.5, 3.0))


def operands(op: Op, three: Sequence[int]) -> Sequence[int]:
    return three if op is Op.SELECT else three[:2] if op in TWO else three[:1]


@settings(max_examples=5, phases=[Phase.generate])
@given(st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=100, max_size=100))
def test_each_operation_is_that_of_the_intermediate_form(
    samples: list[tuple[float, float, float]],
) -> None:
    """The folding of constants in Python is the oracle, infinities and NaN included."""
    graph = Graph()
    leaves = [graph.leaf(Op.INPUT, index) for index in range(3)]
    outputs = {op.value: graph.make(op, *operands(op, leaves)) for op in OPERATIONS}
    outputs["table"] = graph.lookup(TABLE, leaves[0])
    program = graph.program(dict.fromkeys("abc", 0.0), outputs)
    found = run_in_node(program, [(each, None) for each in samples])
    for sample, results in zip(samples, found, strict=True):
        numbers = [graph.number(each) for each in sample]
        folded = [graph.make(op, *operands(op, numbers)) for op in OPERATIONS]
        expected = [graph.value(each) for each in (*folded, graph.lookup(TABLE, numbers[0]))]
        np.testing.assert_allclose(
            results, np.array(expected, dtype=np.float64), rtol=1e-12, err_msg=f"{sample}"
        )
