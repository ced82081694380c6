"""What is an expression is so for PySD, too; a fault of syntax is placed in its text."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysd.translators.vensim.vensim_element import Component

from plansim.model.reading.expression import EquationSyntaxError, Node
from plansim.model.reading.lookups import read_subscripts
from plansim.model.reading.syntax import read_right_side
from plansim.model.rewrite import unparse


def read(text: str) -> Node:
    return read_right_side(text, 0, len(text))


def pysd_reads(text: str) -> bool:
    """Whether the engine's own parser takes a right-hand side, as it stands or written plainly."""
    with contextlib.suppress(EquationSyntaxError):
        if pysd_takes(unparse(read(text))):
            return True
    return pysd_takes(text.replace("\n", " "))


def pysd_takes(text: str) -> bool:
    component = Component("x", ([], []), text)
    try:
        component.parse()
    except Exception:  # it raises whatever comes up
        return False
    return True


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("a + ", 4, "an operand is missing"),
        ("* a", 0, "an operand is missing"),
        ("()", 1, "an operand is missing"),
        ("(a)(b)", 3, "an operator is missing"),
        ("(a + (b)", 0, "a bracket is never closed"),
        ("a + b)", 5, "a closing bracket has no opening one"),
        ("x[a + b", 1, "a subscript bracket is never closed"),
        ("x[a,,b]", 1, "a subscript cannot be read"),
        ("a ? b", 2, "a character is not allowed here"),
        ('"a + b', 0, "a quotation mark is never closed"),
        ("a, b", 1, "a comma outside of a function's brackets"),
        ("a < b < c", 6, "comparisons cannot follow one another"),
        ("a :NOT: b", 2, "a keyword is not allowed here"),
        ("'text' + 1", 0, "a text where a number is expected"),
        ("1, e, 3", 2, "a list of numbers cannot be read"),
        ("TABBED ARRAY(1 x)", 13, "a list of numbers cannot be read"),
        ("TABBED ARRAY()", 13, "a list of numbers cannot be read"),
        ("1e999", 0, "a number is too large"),
        ("WITH LOOKUP(a, (0,1,2))", 16, "a lookup table does not have as many heights as places"),
        ("m(a: b + c)", 3, "the outputs of a macro cannot be read"),
        ("WITH LOOKUP(a, b)", 15, "a lookup table is missing"),
        ("WITH LOOKUP(a, ())", 15, "a lookup table is empty"),
        ("WITH LOOKUP(a, ((0,1),(1)))", 22, "a point of a lookup table cannot be read"),
        ("WITH LOOKUP(a, ([exit()],(0,1)))", 16, "the limits of a lookup table cannot be read"),
    ],
)
def test_faults_of_syntax_are_placed(text: str, offset: int, message: str) -> None:
    with pytest.raises(EquationSyntaxError) as error:
        read(text)
    assert (str(error.value.message), error.value.offset) == (message, offset)


OPERANDS = st.sampled_from(["a", "b c", "x[s]", "x[s!]", "1", "2.5", ".5", "1e-3", ":NA:"])
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "^", "<", "<=", "=", "<>", " :AND: ", " :OR: ", "\n"]
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({})".format, inner),
        st.builds("-{}".format, inner),
        st.builds(":NOT:{}".format, inner),
        st.builds("MAX({},{})".format, inner, inner),
        st.builds("{}{}{}".format, inner, OPERATORS, inner),
        st.builds("WITH LOOKUP({},([(0,0)-(1,1)],(0,1),(2,3)))".format, inner),
    )


EXPRESSIONS = st.recursive(OPERANDS, compound, max_leaves=6)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_the_engine_agrees_on_what_is_an_expression(text: str) -> None:
    try:
        read(text)
        ours = True
    except EquationSyntaxError as error:
        ours = False
        if str(error.message) == "an operator is missing":
            return  # the engine takes "MAX(1 2)" for two arguments, and "1 (a)" for 1
    assert ours == pysd_reads(text)


def test_subscripts_may_be_quoted_and_begin_with_figures() -> None:
    text = '[ 15 to 19 , "a, b"!, c\\\n]'
    assert read_subscripts(text, 0, len(text)) == (("15 to 19", '"a, b"!', "c"), len(text))
