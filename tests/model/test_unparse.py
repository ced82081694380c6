"""What is taken apart is put together again as the same tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim.compiler.expression_tree import left_side, read_operand, read_right_side
from plansim.compiler.unparse import unparse
from plansim.errors import FaultLog
from plansim.model.reader import load_model
from plansim.model.scan import Form, scan_text

FILES = [Path(__file__).parents[2] / "model" / "jiaozuo.mdl"]
FILES += sorted((Path(__file__).parents[1] / "agreement" / "vensim").rglob("*.mdl"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_equation_comes_back(path: Path) -> None:
    model = load_model(path, strict=False)
    equations = [
        each
        for some in scan_text(model.text, FaultLog(path)).equations.values()
        for each in some
        if each.form in (Form.EQUATION, Form.UNCHANGEABLE) and each.expression.numbers is None
    ]
    assert equations
    for equation in equations:
        tree = read_right_side(equation)
        # NaN, which `:NA:` is read as, is not equal to itself.
        assert repr(read_operand(unparse(tree))) == repr(tree), equation.text
        assert equation.text.startswith(left_side(equation))
        assert equation.text[len(left_side(equation))] in "=:"


@pytest.mark.parametrize(
    "text",
    [
        "-a^2",
        "a^-b^c",
        "a - (b - c)",
        "a/(b/c)",
        ":NOT: a > b :AND: c <> 2 :OR: d",
        '"a name, quoted!"[x!] * 1e-300',
        "IF THEN ELSE(a <= 0.1, :NA:, WITH LOOKUP(b, ((0,1),(2,-3))))",
    ],
)
def test_what_binds_tighter_still_does(text: str) -> None:
    tree = read_operand(text)
    assert repr(read_operand(unparse(tree))) == repr(tree)
