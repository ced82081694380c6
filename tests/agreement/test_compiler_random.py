"""Random models of a small grammar, which PySD can read: the compiled engine against PySD.

The larger grammar of `tests.helpers.random_model` is held to plain numpy.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plansim.engine.compiled import run_compiled
from plansim.engine.pysd import run_reference
from plansim.engine.trajectory import cells
from plansim.model.reader import load_model
from plansim.model.records import Integration
from plansim.scenario.scenario_file import as_written
from tests.helpers.clock import by
from tests.helpers.reference import disagreements

STOCKS = ("level", "depth", "width")
CONSTANTS = ("first rate", "second rate")
CLOCK = """
INITIAL TIME= 1 ~ Year ~|
FINAL TIME= 6 ~ Year ~|
TIME STEP= 0.25 ~ Year ~|
SAVEPER= 0.5 ~ Year ~|
table((-2,1),(0,2),(1.5,0.5),(4,3)) ~ Dmnl ~|
first rate= 0.37 ~ Dmnl ~|
second rate= -1.21 ~ Dmnl ~|
"""

_LEAVES = st.one_of(
    st.sampled_from([*STOCKS, *CONSTANTS, "Time"]),
    st.floats(-3, 3).map(lambda number: f"{number:.3f}").map(lambda text: f"({text})"),
)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Give expressions that stay finite, one level above others."""
    one = st.sampled_from(
        [
            "ABS(%s)",
            "(-%s)",
            "EXP(-ABS(%s))",
            "LN(1.5 + ABS(%s))",
            "SQRT(ABS(%s))",
            "SIN(%s)",
            "table(%s)",
            "SMOOTHI(%s, 1.7, 0.3)",
            "DELAY3(%s, 2.1)",
            "INITIAL(%s)",
            "TANH(%s)",
            "DELAY FIXED(%s, 0.8, 0.3)",
            "PULSE(2 + ABS(%s), 1.4)",
        ]
    )
    two = st.sampled_from(
        [
            "(%s + %s)",
            "(%s - %s)",
            "0.3*%s*%s",
            "(%s/(1 + ABS(%s)))",
            "MIN(%s, %s)",
            "MAX(%s, %s)",
            "(1 + ABS(%s))^(0.4*TANH(%s))",
            "STEP(%s, 2 + ABS(%s))",
            "ZIDZ(%s, 2 + ABS(%s))",
            "RAMP(0.3*TANH(%s), 2, 3 + ABS(%s))",
            "IF THEN ELSE(Time > 3.1, %s, %s)",
            "SAMPLE IF TRUE(Time > 2.2 :AND: %s > 0.3, %s, 0.4)",
            "DELAY N(%s, 1.5 + ABS(%s), 0.2, 2)",
        ]
    )
    three = st.sampled_from(
        ["IF THEN ELSE(%s > %s, %s, 0.7)", "IF THEN ELSE(%s < 0.1 :OR: %s > 1.3, 1.1, %s)"]
    )
    return st.one_of(
        st.builds(lambda form, a: form % a, one, inner),
        st.builds(lambda form, a, b: form % (a, b), two, inner, inner),
        st.builds(lambda form, a, b, c: form % (a, b, c), three, inner, inner, inner),
    )


EXPRESSIONS = st.recursive(_LEAVES, _grown, max_leaves=8)
METHODS = st.sampled_from(Integration)
MODELS = st.tuples(
    st.lists(EXPRESSIONS, min_size=3, max_size=3), st.lists(EXPRESSIONS, min_size=4, max_size=8)
)


def written(path: Path, rates: list[str], others: list[str]) -> None:
    stocks = (
        f"{name}= INTEG(0.2*TANH({rate}), {start}) ~ Dmnl ~|\n"
        for name, rate, start in zip(STOCKS, rates, ("0.5", "1.25", "-0.75"), strict=True)
    )
    auxiliaries = (f"other {i}= {text} ~ Dmnl ~|\n" for i, text in enumerate(others))
    path.write_text("".join([*stocks, *auxiliaries]) + CLOCK, "utf-8")


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(MODELS, METHODS)
def test_a_random_model_is_computed_as_by_pysd(
    tmp_path: Path, equations: tuple[list[str], list[str]], method: Integration
) -> None:
    path = tmp_path / "random.mdl"
    written(path, *equations)
    model = load_model(path, strict=False)
    scenario = by(as_written(model), method)
    ours, theirs = (
        cells(model, run(model, scenario, cache=False)) for run in (run_compiled, run_reference)
    )
    assert disagreements(ours, theirs) == [], path.read_text()
