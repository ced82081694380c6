from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pysd.translators.vensim.vensim_element import Component

from plansim.model.reading.expression import (
    Call,
    EquationSyntaxError,
    Name,
    Node,
    NoValueError,
    Number,
    Numbers,
    Operation,
    QuotedText,
    Role,
    Table,
    evaluate,
    name_key,
    references,
    walk,
)
from plansim.model.reading.function_names import FUNCTIONS, UNCOMPUTED_FUNCTIONS
from plansim.model.reading.lookups import read_subscripts
from plansim.model.reading.syntax import read_expression, read_lookup, read_right_side
from plansim.model.rewrite import unparse


def read(text: str) -> Node:
    return read_right_side(text, 0, len(text))


def fault_offset(text: str) -> int | None:
    """Where a right-hand side cannot be read; None if it can."""
    try:
        read(text)
    except EquationSyntaxError as error:
        return error.offset
    return None


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


def test_a_node_knows_where_it_stands_and_how_it_is_written() -> None:
    text = "The Table[A, b C!](x) + (y [ d ] ) * - 2.50e1"
    whole = read(text)
    (table, _), (x, _), (y, _) = references(whole)
    assert (table.written, table.key) == (("The Table", "A", "b C!"), "the_table")
    assert (table.subscripts, y.subscripts) == (("a", "b_c!"), ("d",))
    number = next(node for node in walk(whole) if isinstance(node, Number))
    assert [text[node.start : node.end] for node in (table, x, y, number)] == [
        "The Table[A, b C!](x)",
        "x",
        "y [ d ]",
        "2.50e1",
    ]


A, B, C = Name("a"), Name("b"), Name("c")


def made(left: Node, operator: str, right: Node) -> Operation:
    return Operation(operator, (left, right))


def minus(node: Node) -> Operation:
    return Operation("negative", (node,))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a - b - c", made(made(A, "-", B), "-", C)),
        ("a - (b - c)", made(A, "-", made(B, "-", C))),
        ("a + b*c", made(A, "+", made(B, "*", C))),
        ("a^b^c", made(A, "^", made(B, "^", C))),
        ("-a^b", minus(made(A, "^", B))),
        ("-a*b", made(minus(A), "*", B)),
        ("a^-b^c", made(A, "^", minus(made(B, "^", C)))),
        ("a^-b*c", made(made(A, "^", minus(B)), "*", C)),
        ("a--b", made(A, "-", minus(B))),
        ("a--5", made(A, "-", minus(Number(5.0)))),
        ("a---5", made(A, "-", minus(minus(Number(5.0))))),
        ("- -a*-+b", made(minus(minus(A)), "*", minus(B))),
        ("(-2)^+2", made(minus(Number(2.0)), "^", Number(2.0))),
        ("-2^2*a", made(minus(made(Number(2.0), "^", Number(2.0))), "*", A)),
        (
            ":NOT: a > b + 1 :AND: c :OR: b",
            made(
                made(Operation(":NOT:", (made(A, ">", made(B, "+", Number(1.0))),)), ":AND:", C),
                ":OR:",
                B,
            ),
        ),
        ("MAX(a, b - c)", Call("max", (), (A, made(B, "-", C)))),
        ("RANDOM 0 1()", Call("random_0_1", (), ())),
        ("SUM(x[S!,t])", Call("sum", (), (Name("x", ("s!", "t")),))),
        ('a\n\t\t B_1 + "a-b (c)"', made(Name("a_b_1"), "+", Name('"a-b_(c)"'))),
        ("中国*a", made(Name("中国"), "*", A)),
        ("GET DATA('f.csv', a)", Call("get_data", (), (QuotedText("'f.csv'"), A))),
        (
            "WITH LOOKUP(a, ([(0,0)-(9,9)],(2,-1),(+1,3)))",
            Call("with_lookup", (), (A, Table((1.0, 2.0), (3.0, -1.0)))),
        ),
    ],
)
def test_trees(text: str, tree: Node) -> None:
    assert read(text) == tree


def test_roles_follow_the_outermost_integ() -> None:
    tree = read("INTEG(MAX(a, b) - f(c), IF THEN ELSE(d > 0, e, g)) ")
    roles = {ref.written[0]: role for ref, role in references(tree)}
    rates, initial = (
        [name for name, role in roles.items() if role is wanted]
        for wanted in (Role.RATE, Role.INITIAL)
    )
    assert rates == ["MAX", "a", "b", "f", "c"]
    assert initial == ["IF THEN ELSE", "d", "e", "g"]
    assert roles["INTEG"] is Role.PLAIN
    assert {role for _, role in references(read("SMOOTHI(a, b, c)"))} == {Role.PLAIN}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("5", (5,)),
        ("-.5e-3", (-0.0005,)),
        ("- 7.", (-7,)),
        ("1, 2,\n\t-3", (1, 2, -3)),
        ("1,2;3,4;", (1, 2, 3, 4)),
        ("TABBED ARRAY(1 2\t\n 3 -4)", (1, 2, 3, -4)),
        ("5-3", None),
        ("1/12", None),
        ("a", None),
    ],
)
def test_numbers(text: str, numbers: tuple[float, ...] | None) -> None:
    tree = read(text)
    assert (tree.values if isinstance(tree, Numbers) else None) == numbers
    assert pysd_reads(text.replace("\n", " ").replace("\t", " "))


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


# The engine is laxer: it reads these, but drops what it does not expect.
@pytest.mark.parametrize("text", ["MAX(a,)", "MAX(1 2)"])
def test_where_the_engine_is_laxer(text: str) -> None:
    assert pysd_reads(text)
    with pytest.raises(EquationSyntaxError, match=r"missing"):
        read(text)


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


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS, st.integers(0, 60), st.sampled_from(["", *"()[],+-*^<:1a'\"?", ":NOT:"]))
def test_what_is_accepted_the_engine_reads(text: str, at: int, slip: str) -> None:
    spoilt = (text[:at] + slip + text[at + 1 :]).strip()
    if spoilt and fault_offset(spoilt) is None:
        assert pysd_reads(spoilt)


@pytest.mark.long
@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "a" + "+a" * 100_000,
        " " * 1_000_000 + "?",
        "1" * 300_000 + "x",
        "x[a" + " " * 500_000 + "?]",
        "WITH LOOKUP(a,((" + " " * 500_000 + "?",
        '"' + '\\"' * 300_000,
        ":a" * 300_000,
        "1," * 300_000,
        "TABBED ARRAY(" + "+ " * 300_000 + ")",
    ],
    ids=lambda text: text[:20],
)
def test_long_expressions_take_linear_time(text: str) -> None:
    begun = time.process_time()
    fault_offset(text)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2005", 2005),
        ("start + 15.5", 2020.5),
        ("1/4", 0.25),
        ("2 - 3 - 4", -5),
        ("2*(3 + 4)^2", 98),
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("8/4/2", 1),
        ("-(2 - 5)", 3),
        ("2*MAX(1, 7, 3)", 14),
    ],
)
def test_evaluate(text: str, value: float) -> None:
    assert evaluate(read_expression(text), lambda name: 2005.0, {"max": max}) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MIN(1, 2)", "understood"),
        ("MAX()", "understood"),
        ("start > 1", "understood"),
        ("x[a]", "understood"),
        (":NA:", "understood"),
        ("1/0", "finite"),
        ("10^400", "finite"),
        ("(0-8)^0.5", "finite"),
        ("1e300*1e300*0", "finite"),
    ],
)
def test_what_has_no_value(text: str, message: str) -> None:
    with pytest.raises(NoValueError, match=message):
        evaluate(read_expression(text), lambda name: 2005.0, {"max": max})


def test_lookup_tables() -> None:
    for text in (
        "([(0,0)-(4,1)],(0,1),(1,1),(2,0.8))",
        "( (0,1) (1,-1) , )",
        "([(0,0)-(4,1),(1,1),(2,2)],(0,1))",
        "(GET XLS LOOKUPS('f.xlsx', 'tab', '1', 'B2'))",
    ):
        table = read_lookup(text, 0, len(text))
        assert isinstance(table, Call) == ("GET" in text)
    assert read_lookup("((2,-1) (+1,3))", 0, 15) == Table((1.0, 2.0), (3.0, -1.0))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("((0,1)) + 1", "something follows the lookup table"),
        ("(0,1)", "a point of a lookup table cannot be read"),
        ("((0,1)", "a bracket is never closed"),
        ("(GET XLS LOOKUPS('f'", "a bracket is never closed"),
        ("(GET rich)", "a point of a lookup table cannot be read"),
    ],
)
def test_lookup_tables_that_are_none(text: str, message: str) -> None:
    with pytest.raises(EquationSyntaxError, match=message):
        read_lookup(text, 0, len(text))


def test_subscripts_may_be_quoted_and_begin_with_figures() -> None:
    text = '[ 15 to 19 , "a, b"!, c\\\n]'
    assert read_subscripts(text, 0, len(text)) == (("15 to 19", '"a, b"!', "c"), len(text))


def test_no_function_is_both_computed_and_not() -> None:
    assert not FUNCTIONS.keys() & UNCOMPUTED_FUNCTIONS
    assert {"get_data_stdv", "a_function_of"} <= UNCOMPUTED_FUNCTIONS
    assert all(key == name_key(key) for key in {*FUNCTIONS, *UNCOMPUTED_FUNCTIONS})
