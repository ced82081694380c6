"""People may type labels of charts, levers and targets for variables, in either language."""

from __future__ import annotations

import pytest

from plansim.analysis.optimization.levers import lever_named
from plansim.errors import InputError, UnknownNameError
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.targets.labels import reference_named
from plansim.targets.views_file import load_views
from tests.helpers.command import Call


def test_names_of_variables_stay_as_they_are(city: Model) -> None:
    for variable in city.variables.values():
        assert reference_named(city, variable.name) == variable.name
        if variable.name_zh:
            assert city.find(reference_named(city, variable.name_zh)) == variable
    assert reference_named(city, "value added[services]") == "value added[services]"


@pytest.mark.parametrize(("label", "reference"), [
    ("GROSS domestic product", "GDP"),  # of a chart
    ("工业增加值", "industrial value added"),
    ("support of research", "research effort after"),  # of a lever
    ("forest cover", "forest cover"),  # of a target
    ("m32", "forest cover"),
    ("森林覆盖率", "forest cover"),
])  # fmt: skip
def test_labels_mean_what_they_show_set_or_are_judged_by(
    city: Model, label: str, reference: str
) -> None:
    assert city.find(reference_named(city, label)).name == reference


def test_a_lever_is_known_by_its_labels(city: Model) -> None:
    sets = [lever for lever in load_views(city).levers if lever.apply is Apply.SET]
    assert lever_named(city, sets[0].name_en.lower()).name_zh == sets[0].name_zh
    assert (lever_named(city, sets[0].name_zh).id,) == sets[0].constants
    with pytest.raises(InputError, match="changes several constants"):
        reference_named(city, "Emphasis on heavy industry")
    with pytest.raises(UnknownNameError, match="did you mean 'Credit for local firms'"):
        reference_named(city, "Credit for locl firms")


@pytest.mark.city
def test_commands_take_labels(call: Call) -> None:
    done = call("show", "GROSS domestic product")
    assert (done.code, done.out.split()[:2]) == (0, ["variable", "GDP"])
    by_label, by_name = (
        call("check", "baseline", "--set", f"{name}=1.2", "--format", "json")
        for name in ("credit for local firms", "credit ease after")
    )
    assert by_label.code == 0, by_label.err
    assert by_label.out == by_name.out
