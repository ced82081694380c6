"""A model without arrays computes what the model does, element by element."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plansim.compiler.scalars import without_arrays
from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import compile_model
from plansim.errors import ModelError
from plansim.model.reader import load_model, parse_model
from plansim.model.records import Model, VariableKind
from tests.helpers.vensim_text import writer

FILES = sorted((Path(__file__).parents[1] / "agreement" / "vensim").rglob("*.mdl"))
TOWN = Path(__file__).parents[1] / "toys" / "models" / "toy_town.mdl"


def runs(model: Model) -> dict[str, np.ndarray]:
    kernel = compile_model(model, cache=False, effort=0)
    found = simulate_ensemble(kernel, {}, model.time)
    return dict(zip(kernel.outputs, found.values[0], strict=True))


@pytest.mark.parametrize("path", [*FILES, TOWN], ids=lambda path: path.stem)
def test_each_element_runs_as_in_the_model(path: Path) -> None:
    model = load_model(path, strict=False)
    plain = without_arrays(model, {}, model.time)
    flat = parse_model(plain.text, path)
    assert not any(each.subscripts for each in flat.variables.values())
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
    constants = {n for n, each in flat.variables.items() if each.kind is VariableKind.CONSTANT}
    assert constants == {plain.names["x[a]"], plain.names["x[b]"]}
    assert runs(flat)[plain.names["z"]][0] == 6 * 2000 + 5


def test_what_comes_from_outside_is_refused(tmp_path: Path) -> None:
    model = load_model(
        writer(tmp_path)("x:= 2*Time ~ Dmnl ~ 数据。From outside. |\ny= x*Time ~~|\n"), False
    )
    with pytest.raises(ModelError, match="'x'"):
        without_arrays(model, {}, model.time)
