"""An equation written as MathML says the same as its tree: read back, it gives the same number."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plansim.model.reading.expression import Call, Name, Node, Number, Operation
from plansim.model.reading.syntax import read_expression
from plansim.output.book.mathml import equation_mathml

NAMES = {"a": 1.3, "b": 2.7, "c": 0.6, "d": 3.1}
SIGNS = {"·": "*", "−": "-", "+": "+", "(": "(", ")": ")", "=": "=", ",": ","}

leaves = st.one_of(
    st.sampled_from([Name(key) for key in NAMES]),
    st.sampled_from([0.5, 1.0, 2.0, 3.25, 1e-12]).map(Number),
)


def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    binary = st.builds(
        lambda operator, left, right: Operation(operator, (left, right)),
        st.sampled_from(["+", "-", "*", "/", "^"]),
        inner,
        inner,
    )
    negative = st.builds(lambda node: Operation("negative", (node,)), inner)
    call = st.builds(
        lambda key, left, right: Call(key, (), (left, right)),
        st.sampled_from(["max", "min"]),
        inner,
        inner,
    )
    return st.one_of(binary, negative, call)


TREES: st.SearchStrategy[Node] = st.recursive(leaves, grown, max_leaves=12)


def computed(node: Node) -> float:
    match node:
        case Number(value):
            return value
        case Name(key):
            return NAMES[key]
        case Call(key, _, arguments):
            return (max if key == "max" else min)(*map(computed, arguments))
        case Operation("negative", (inner,)):
            return -computed(inner)
        case Operation(operator, (left, right)):
            x, y = computed(left), computed(right)
            match operator:
                case "+":
                    return x + y
                case "-":
                    return x - y
                case "*":
                    return x * y
                case "/":
                    return x / y
            return math.pow(x, y)
    raise AssertionError(node)


def read_back(element: ElementTree.Element) -> str:
    """Write MathML in Python's form, the brackets as they stand and no others but its own."""
    inner = [read_back(child) for child in element]
    match element.tag:
        case "mtext" | "mi" | "mn":
            return element.text or ""
        case "mo":
            return SIGNS[element.text or ""]
        case "mfrac":
            return f"(({inner[0]})/({inner[1]}))"
        case "msup":  # what stands below has its brackets in the text, if it needs any
            return f"{inner[0]}**({inner[1]})"
    return "".join(inner)


@settings(max_examples=300, deadline=None)
@given(tree=TREES)
def test_what_is_written_computes_to_the_same(tree: Node) -> None:
    try:
        expected = computed(tree)
    except (ArithmeticError, ValueError):
        return
    root = ElementTree.fromstring(equation_mathml("y", (), tree, lambda key: key))
    rows = root.findall(".//mtr")
    right = "".join(read_back(row[2]) for row in rows)
    found = eval(right, {"max": max, "min": min}, dict(NAMES))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_a_wide_sum_is_broken_before_a_sign_and_a_stock_is_a_rate_with_a_start() -> None:
    wide = " + ".join(["rather long name of a variable"] * 6) + " - c"
    root = ElementTree.fromstring(equation_mathml("y", ("s",), read_expression(wide), str.upper))
    rows = root.findall(".//mtr")
    assert len(rows) > 2
    assert all(row[2][0].text == "+" for row in rows[1:-1])
    stock = equation_mathml("y", (), read_expression("INTEG(a - b, c)"), lambda key: key)
    rate, start = ElementTree.fromstring(f"<x>{stock}</x>")
    assert [each.text for each in rate.findall(".//mfrac//mtext")] == ["y"]
    assert start.findall(".//mtd")[2][0].text == "c"


@pytest.mark.parametrize(
    ("vensim", "said"),
    [
        ("SUM(a[s!]*b[s!])", ["∑", "s", "a", "s", "b", "s"]),
        ("IF THEN ELSE(a > 1, b, c)", ["b", " if ", "a", "c", " else "]),
        ("SQRT(a)", ["a"]),
        ("SMOOTHI(a, b, c)", ["a", "b", "c"]),
    ],
)
def test_functions(vensim: str, said: list[str]) -> None:
    root = ElementTree.fromstring(
        equation_mathml("y", (), read_expression(vensim), lambda key: key)
    )
    cells = root.findall(".//mtd")[2]
    assert [e.text for e in cells.iter() if e.tag == "mtext" or e.text == "∑"] == said
