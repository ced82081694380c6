"""People may type labels of charts, levers and targets for variables, in either language."""

from __future__ import annotations

import pytest

from plansim.analysis.optimization.levers import lever_named
from plansim.errors import InputError, UnknownNameError
from plansim.model.records import Model
from plansim.scenario.factors import Apply
from plansim.targets.catalogue import load_targets
from plansim.targets.labels import reference_named
from plansim.targets.views_file import load_views
from tests.helpers.command import Call


def test_names_of_variables_stay_as_they_are(city: Model) -> None:
    for variable in city.variables.values():
        assert reference_named(city, variable.name) == variable.name
        if variable.name_zh:
            assert city.find(reference_named(city, variable.name_zh)) == variable
    assert reference_named(city, "value added[services]") == "value added[services]"


def test_labels_mean_what_views_say_in_any_letter_case(city: Model) -> None:
    views = load_views(city)
    known = {name for v in city.variables.values() for name in (v.name.casefold(), v.name_zh)}
    charts = [chart for chart in views.charts if len(chart.lines) == 1]
    shown = {chart.name_en.casefold() for chart in charts} | {chart.name_zh for chart in charts}
    for chart in charts[::7]:  # each name reads the files anew
        for label in {chart.name_en, chart.name_en.upper(), chart.name_zh} - known:
            if label.casefold() not in known:
                assert reference_named(city, label) == chart.lines[0].reference
    for lever in tuple(views.levers)[::5]:
        for label in {lever.name_en, lever.name_en.lower(), lever.name_zh}:
            if label.casefold() in known | shown:
                continue
            if lever.apply is Apply.SET:
                assert (reference_named(city, label),) == lever.constants
                assert lever_named(city, label).name_zh == lever.name_zh
            else:
                with pytest.raises(InputError, match="changes several constants"):
                    reference_named(city, label)


def test_a_target_means_what_it_is_judged_by(city: Model) -> None:
    target = next(one for one in load_targets(model=city) if one.name_en == "Forest cover")
    for name in (target.id, target.id.lower(), target.name_en, target.name_zh):
        assert city.find(reference_named(city, name)).name in target.variables.values()


def test_an_unknown_name_is_told_the_nearest_label(city: Model) -> None:
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
