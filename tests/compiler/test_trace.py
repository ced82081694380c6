"""Rules for NumPy, taken down: the program gives what the rule gives, or there is none."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from plansim.compiler.tracing import Trace
from tests.helpers.javascript import run_in_node

SAMPLES = [-2.5, -1.0, 0.0, 0.3, 1.0, 4.0, float("nan"), float("inf")]


def rule(a: Any, b: Any) -> dict[str, Any]:
    good = np.full_like(a, 3.0)
    np.copyto(good, 1.0, where=np.logical_and(a >= 0, b > -1))
    np.copyto(good, 2.0, where=~np.isfinite(b))
    return {
        "sum": np.sum([a, b, a * 2], axis=0),
        "ratio": np.where(a >= 0, a, np.nan) / np.where(b > 0, b, np.nan),
        "growth": abs(a) ** (1 / 5) - 1,
        "either": np.where(np.logical_or(a < b, a <= -1), -a, 7.0),
        "good": good,
        "known": 1.5,
    }


def test_a_program_gives_what_the_rule_gives() -> None:
    trace = Trace()
    for name, value in rule(trace.input("a"), trace.input("b")).items():
        trace.output(name, value)
    program = trace.program()
    assert program.inputs == ("a", "b")
    pairs = [(a, b) for a in SAMPLES for b in SAMPLES]
    found = run_in_node(program, [(pair, None) for pair in pairs])
    with np.errstate(all="ignore"):
        for (a, b), ours in zip(pairs, found, strict=True):
            expected = rule(np.array(a), np.array(b))
            for name, value in zip(program.outputs, ours, strict=True):
                np.testing.assert_allclose(value, expected[name], rtol=1e-12, err_msg=f"{name}")


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x: bool(x > 0), "has no value"),
        (lambda x: np.logical_and.reduce([x > 0, x > 1]), "has no value"),
        (np.median, "does not know median"),
        (np.sin, "does not know sin"),
        (lambda x: np.add.reduce(x), "does not know add"),
    ],
)
def test_what_is_not_understood_is_refused(use: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        use(cast("Any", Trace().input("x")))
