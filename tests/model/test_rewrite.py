"""Variants of a model: expressions as text again, further equations, a model without arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model
from plansim.errors import ModelError
from plansim.model.reader import load_model, parse_model
from plansim.model.reading.equations import EquationForm
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Model, VariableKind
from plansim.model.rewrite import AddedEquation, unparse, with_equations, without_arrays
from tests.helpers.vensim_text import writer

VENSIM = sorted((Path(__file__).parents[1] / "agreement" / "vensim").rglob("*.mdl"))
SHIPPED = Path(__file__).parents[2] / "model" / "jiaozuo.mdl"
TOWN = Path(__file__).parents[1] / "toys" / "models" / "toy_town.mdl"


@pytest.mark.parametrize("path", [SHIPPED, *VENSIM], ids=lambda path: path.stem)
def test_every_equation_comes_back(path: Path) -> None:
    model = load_model(path, strict=False)
    formulas = [
        equation.formula
        for equations in model.scan.equations.values()
        for equation in equations
        if equation.formula is not None and equation.form is not EquationForm.OUTPUT
    ]
    assert formulas
    for formula in formulas:
        # NaN, which `:NA:` is read as, is not equal to itself.
        assert repr(read_expression(unparse(formula))) == repr(formula)


def test_further_equations_are_computed_beside_those_of_the_model(tmp_path: Path) -> None:
    model = load_model(writer(tmp_path)("side: a, b, c ~~|\nx[side]= 1, 2, 4 ~~|\n"), strict=False)
    added = [
        AddedEquation("twice", "2*x[side]", ("side",), exceptions=(("b",), ("c",))),
        AddedEquation("twice", "7", ("b",)),
        AddedEquation("five", "5"),
        AddedEquation("knob", "5", constant=True),
    ]
    variant = with_equations(model, added)
    assert model.variables.items() <= variant.variables.items()
    kinds = [variant.variables[name].kind for name in ("twice", "five", "knob")]
    assert kinds == [VariableKind.AUXILIARY, VariableKind.AUXILIARY, VariableKind.CONSTANT]
    values = runs(variant)
    assert (values["twice[a]"][0], values["twice[b]"][0], values["five"][0]) == (2, 7, 5)


def test_a_fault_of_a_further_equation_is_placed_where_that_stands(tmp_path: Path) -> None:
    model = load_model(writer(tmp_path)("x= 1 ~~|\n"), strict=False)
    added = [AddedEquation("y", "x"), AddedEquation("z", "x*nothing", (), "checks.yaml", 7)]
    with pytest.raises(ModelError, match=r"^checks\.yaml:7: no variable is called 'nothing'"):
        with_equations(model, added)


# --- without arrays -----------------------------------------------------------------------------


def runs(model: Model) -> dict[str, np.ndarray]:
    kernel = compile_model(model, cache=False, effort=0)
    found = simulate_ensemble(kernel, {}, model.time)
    return dict(zip(kernel.outputs, found.values[0], strict=True))


def test_what_rests_on_a_whole_vector_is_refused() -> None:
    path = next(path for path in VENSIM if path.stem == "vectors")
    model = load_model(path)
    with pytest.raises(ModelError, match=r"mdl:13: 'order up' cannot be written out element by el"):
        without_arrays(model, {}, model.time)


PLAIN = [path for path in VENSIM if path.stem not in ("vectors", "macros")]


@pytest.mark.parametrize("path", [*PLAIN, TOWN], ids=lambda path: path.stem)
def test_each_element_runs_as_in_the_model(path: Path) -> None:
    model = load_model(path, strict=False)
    plain = without_arrays(model, {}, model.time)
    flat = parse_model(plain.text, path)
    assert not any(variable.subscripts for variable in flat.variables.values())
    expected, found = runs(model), runs(flat)
    assert expected
    for label, series in expected.items():
        assert found[plain.names[label]] == pytest.approx(series, rel=1e-12, nan_ok=True), label


def test_constants_are_as_given(tmp_path: Path) -> None:
    text = "side: a, b ~ ~ 边。甲、乙 |\nx[side]= 1, 2 ~ Dmnl ~ 数。N. |\n"
    text += "y[side]= x[side]*Time ~ Dmnl ~ 积。N. |\nz= SUM(y[side!]) + VMAX(x[side!]) ~~|\n"
    model = load_model(writer(tmp_path)(text), strict=False)
    plain = without_arrays(model, {"x[b]": 5.0}, model.time)
    flat = parse_model(plain.text, model.path)
    constants = {
        n for n, variable in flat.variables.items() if variable.kind is VariableKind.CONSTANT
    }
    assert constants == {plain.names["x[a]"], plain.names["x[b]"]}
    assert runs(flat)[plain.names["z"]][0] == 6 * 2000 + 5


def test_what_comes_from_outside_is_refused(tmp_path: Path) -> None:
    path = writer(tmp_path)("x:= 2*Time ~ Dmnl ~ 数据。From outside. |\ny= x*Time ~~|\n")
    model = parse_model(path.read_text("utf-8"), path)
    with pytest.raises(ModelError, match="'x'"):
        without_arrays(model, {}, model.time)
