"""The tests of a model pass a sound one, and each fails the one that is broken in its way."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import plansim
from plansim.analysis import validation
from plansim.analysis.checks_form import Relation, Sign
from plansim.analysis.validation.conservation import compared, figure_case
from plansim.analysis.validation.context import (
    ValidationContext,
    drawn,
    load_context,
    uncertain,
)
from plansim.analysis.validation.history import fit, history_series
from plansim.analysis.validation.numerics import disagreement
from plansim.analysis.validation.result import Result, ValidationOutcome
from plansim.analysis.validation.suite import TESTS, chosen, validate
from plansim.analysis.validation.uncertainty import share_error
from plansim.cli.main import main
from plansim.engine.simulate import simulate
from plansim.errors import InputError, ModelError, UnknownNameError
from plansim.output.documentation.validation import validation_page
from plansim.output.tables.layout import shown
from plansim.output.tables.validation import (
    case_text,
    figure_text,
    result_mark,
    title_text,
    validation_table,
)
from plansim.output.words.text import Lang, read_text
from plansim.targets.annual import annual
from plansim.targets.target import Status
from tests.toys.newtown import newtown
from tests.toys.village import write_ensemble

MODEL, CHECKS, SEAM = "model/newtown.mdl", "model/checks.yaml", "model/seam.yaml"
EFFECTS, HISTORY, FAMILY = "model/effects.yaml", "model/history.yaml", "model/family.yaml"
TARGETS, LOOPS, SIGNS = "model/targets.yaml", "model/loops.yaml", "model/reality.yaml"
ODD = "MODULO(Time, 0.0625)"
"""Nil at every step of the model, and not at every other half step."""


def result_of(context: ValidationContext, test: str) -> Result:
    (made,) = validate(context, [test])
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> ValidationContext:
    return replace(newtown(tmp_path_factory.mktemp("newtown")), reference=True)


# Of the sound model; it has no study of uncertainty and no ensemble.
MADE = [test for test in TESTS if test not in {"Q18", "Q19", "Q20", "Q26", "Q27", "Q28"}]


@pytest.mark.parametrize("test", MADE)
def test_a_sound_model_passes(test: str, sound: ValidationContext) -> None:
    made = result_of(sound, test)
    assert made.faults == ()
    assert made.status is ValidationOutcome.PASS
    assert made.cases


BREAKS = [
    ("Q01", "unused orphan", MODEL, "switch R= 1", "orphan= saving*2 ~ Dmnl ~ |\nswitch R= 1"),
    ("Q01", "hidden_number", MODEL, "wear[plant]= wear rate", "wear[plant]= 1.1*wear rate"),
    ("Q01", "too_many", CHECKS, "size: 20", "size: 8"),
    ("Q01", "wrong_sign", MODEL, "output= yield*skill", "output= 99 - yield*skill"),
    ("Q01", "no_link", LOOPS, "output: +1, ", ""),
    ("Q01", "wrong_polarity", LOOPS, "reinforcing", "balancing"),
    ("Q01", "no_switch", MODEL, "switch R= 1", "switch R= 0.5"),
    ("Q01", "lacks variable", TARGETS, "variable: water share", "not_modelled: detail"),
    ("Q02", "lacks unit", MODEL, "亿元/Year [0,?]\n\t~\t磨损", "\n\t~\t磨损"),
    ("Q02", "reported", MODEL, "亿元/Year [0,?]\n\t~\t磨损", "亿元 [0,?]\n\t~\t磨损"),
    ("Q03", "out_of_range saving", MODEL, "saving= 0.3", "saving= 0.4"),
    ("Q03", "no_exception", CHECKS, "size: 20", "size: 20\non_edge: {saving: {en: x, zh: 甲}}"),
    ("Q03", "lacks plausible", MODEL, "[E01: 0.2–0.4]", "[A: a guess]"),
    ("Q03", "bad_range", MODEL, "[E01: 0.2–0.4]", "[E01: 0.2–1.4]"),
    ("Q03", "unknown E99", MODEL, "[E01:", "[E99:"),
    ("Q04", "lacks meaning_zh", MODEL, "产出中用于投资的比例，由规划决定。", "储蓄率。"),
    ("Q04", "lacks reason_zh", MODEL, "[D: 给定，合计为一。given, together 1]", "[D: given]"),
    ("Q04", "duplicate 产出与资本之比。", MODEL, "资本中一年报废的比例。", "产出与资本之比。"),
    ("Q05", "compared capital", CHECKS, "SUM(wear[plant!])", "1.000001*SUM(wear[plant!])"),
    ("Q05", "compared water", CHECKS, 'right: "1"}', 'right: "0.99"}'),
    ("Q05", "out_of_bounds capital", MODEL, "- wear[plant],", "- 9*wear[plant] - 9,"),
    ("Q05", "out_of_bounds water share", MODEL, "MIN(1, water/", "MIN(2, water/"),
    ("Q05", "not_finite learning", MODEL, "output= yield*", "output= SQRT(2028 - Time)*yield*"),
    ("Q06", "figure", TARGETS, "value: 20", "value: 20.2"),
    ("Q07", "moved", MODEL, "output= yield*", f"output= (1 + 16*{ODD})*yield*"),
    ("Q07", "verdict_changed", MODEL, "output= yield*", f"output= (1 + 3200*{ODD})*yield*"),
    ("Q08", "drift", "scenarios/equilibrium.yaml", "0.25", "0.26"),
    ("Q09", "compared", MODEL, "share[plant]*saving*", "share[plant]*(saving + 0.01)*"),
    ("Q10", "ineffective", CHECKS, "0.01*base output", "output"),
    ("Q10", "compared", MODEL, "[plant!])*water share", "[plant!])"),
    ("Q11", "compared", MODEL, "wear[plant]= wear rate*", "wear[plant]= (wear rate + 0.01)*"),
    ("Q12", "out_of_bounds output", MODEL, "output= yield*", "output= (saving - 0.1)*yield*"),
    ("Q12", "not_finite output", MODEL, "output= yield*", "output= SQRT(0.9 - saving)*yield*"),
    ("Q13", "sign", SIGNS, "sign: rises", "sign: falls"),
    ("Q13", "sign_size", SIGNS, "sign: rises", "sign: rises, by: [-0.1, -0.05]"),
    ("Q13", "sign_share", MODEL, "output= yield*", "output= ABS(saving - 0.28)*yield*"),
    ("Q13", "too_few", CHECKS, "comparisons: 6", "comparisons: 7"),
    ("Q14", "loop_effect", MODEL, "(switch R*output + (1 - switch R)*", "(0*switch R + "),
    ("Q14", "not_frozen", LOOPS, "[plant!]", "[plant!]) + SUM(wear[plant!]"),
    ("Q15", "series", "model/observations.csv", "20.2", "30"),
    ("Q16", "figure two years", "model/observations.csv", "40.2", "50"),
    ("Q17", "seam_count", SEAM, "least: 1", "least: 3"),
    ("Q17", "seam_known", SEAM, ", known: [M01]", ""),
    ("Q21", "figure output", "model/evidence.csv", "2030,40,", "2030,35,"),
    ("Q21", "change rise", FAMILY, "change: 12", "change: 13"),
    ("Q21", "change_sign rise; less", FAMILY, "saving: 0.3", "saving: 0.1"),
    ("Q22", "trend", TARGETS, "variable: output", "variable: base output"),
    ("Q23", "nothing", "scenarios/equilibrium.yaml", "M01:", "M99:"),
]
"""A test, the message of a fault with a value or subject of it, and the change that causes it."""


@pytest.mark.parametrize(
    ("test", "fault", "file", "old", "new"),
    BREAKS,
    ids=[f"{test} {fault}" for test, fault, *_ in BREAKS],
)
def test_a_broken_model_fails(
    test: str, fault: str, file: str, old: str, new: str, tmp_path: Path
) -> None:
    try:
        made = result_of(newtown(tmp_path, (file, old, new)), test)
    except ModelError:
        pytest.fail("the model is broken in another way")
    assert made.status is ValidationOutcome.FAIL
    message, _, detail = fault.partition(" ")
    of_kind = [case for case in made.faults if case.message == message]
    assert any(detail in f"{case.subject} {case.values}" for case in of_kind)
    for lang in Lang:
        told = shown(validation_table([made], read_text(lang)), 100)
        assert case_text(made.faults[0], read_text(lang))[:20] in told
        assert "{" not in told.replace("{UTF-8}", "")


@pytest.mark.parametrize("lang", Lang)
def test_there_are_words_for_all_that_can_be_said(lang: Lang) -> None:
    text = read_text(lang)
    groups: dict[str, Iterable[str]] = {"way": Sign, "comparison": Relation}
    groups |= dict.fromkeys(("q_title", "q_criterion", "q_figure"), TESTS)
    for group, keys in groups.items():
        assert [key for key in keys if f"{group}.{key}" not in text.phrases] == []
    nodes = [
        node
        for path in Path(validation.__path__[0]).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
    ]
    texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
    made = {
        node.args[2].value
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "case"
        if isinstance(node.args[2], ast.Constant)
    }
    worded = {key.removeprefix("case.") for key in text.phrases if key.startswith("case.")}
    assert made <= worded <= texts


def test_tests_are_named_by_their_ids() -> None:
    assert chosen(["q12", "Q03"]) == ("Q03", "Q12")
    assert chosen([]) == tuple(TESTS)
    with pytest.raises(UnknownNameError, match=r"'Q99'; expected one of Q01, .*\n.*'Q1x'"):
        chosen(["Q99", "Q1x"])


SLIPS = [
    (CHECKS, "left: water share,", "left: water shore,",
     r"checks\.yaml:16: no variable .*water shore"),
    (CHECKS, "[water share]", "[water shore]", r"checks\.yaml:18: .*did you mean 'water share'"),
    (CHECKS, "[water share]", "[output]",
     r"checks\.yaml:18: 'output' is not a share; found the unit"),
    (CHECKS, "set: {saving: 0}", "set: {saving: 200 %}", "'saving' .*; expected 0 to 1; found 2"),
    (CHECKS, "set: {saving: 0}", "set: {base capital: [1, 2, 3]}",
     r"checks\.yaml:24: 'base capital' has the wrong length; expected 2 values"),
    (CHECKS, "set: {saving: 0}", "set: {output: 2}", "'output' cannot be set"),
    (CHECKS, "equilibrium: equilibrium", "equilibrium: equilbrium",
     "'equilbrium'; did you mean 'equilibrium'"),
    (CHECKS, "id: no wear", "id: no saving", r"checks\.yaml:35: 'no saving' is given twice"),
    (CHECKS, r"'M\d+'", "'('", r"checks\.yaml:6: '\(' is not a pattern"),
    (CHECKS, "size: 20", "size: 20\nplain: [0.5*]", r"checks\.yaml:8: an operand is missing"),
    (CHECKS, "size: 20", "size: 20\non_edge: {savings: {en: a, zh: 甲}}",
     r"checks\.yaml:8: .*'savings'; did you mean 'saving'"),
    (CHECKS, "test: Q09", "test: Q90", r"checks\.yaml:21: 'test' has .*Q09, Q10, Q11"),
    (SIGNS, "year: 2040, sign: rises", "year: 2040, sign: rises, by: [0.1]",
     r"reality\.yaml:6: 'skill' has no proper by range; expected 2 rising numbers"),
    (SIGNS, "variable: output", "variable: capital",
     r"reality\.yaml:5: 'capital' is not one series; expected one of capital\[old plant\]"),
    (CHECKS, "non_negative: [output]", "non_negative: ['capital[old plant]']",
     r"checks\.yaml:17: no variable is called 'capital\[old plant\]'"),
    (EFFECTS, "to: equilibrium", "to: eqilibrium",
     r"effects\.yaml:4: no scenario is called 'eqilibrium'; .*'equilibrium'"),
    (EFFECTS, "saving: 0.25", "saving: 2",
     r"effects\.yaml:2: 'saving' is outside its admissible range"),
    (EFFECTS, "{M01: 0.02}", "{M02: 0.02}",
     r"effects\.yaml:6: no binding target has the id 'M02'"),
    (EFFECTS, "question: saving", "question: x", r"effects\.yaml:7: no question has the id 'x'"),
    (HISTORY, "[growth,", "[growths,",
     r"history.yaml:23: observations.csv has no 'growths' of 2026"),
    ("model/observations.csv", "20.2", "much",
     r"history\.yaml:15: 'output' is not a number; .*; found the text 'much'"),
    (HISTORY, '\n      - {year: 2026, since: 2025, observation: [growth, ""]}', " []",
     r"history\.yaml:22: 'points' has .*; expected at least one entry; found none"),
    (HISTORY, "target: M01", "target: M11", "no base figure 'M11'; did you mean 'M01'"),
    (HISTORY, ", target: M01", "", "an observation has one source"),
    (HISTORY, "since: 2025", "since: 2026",
     r"history\.yaml:23: the years do not rise; found 2026–2026$"),
    (HISTORY, "unit: 亿元\n      most: 0.05", "unit: 万人\n      most: 0.05",
     r"history\.yaml:27: .* do not measure the same thing"),
    (HISTORY, "since: 2024", "since: 2027",  # not: the list is empty
     r"^\S*history\.yaml:33: the years do not rise; found 2027–2026$"),
    (HISTORY, "points: 3", "points: -1", r"history\.yaml:4: 'points' .* at least 1; found -1"),
    (HISTORY, "scale: 0.01", "scale: 0", r"history\.yaml:21: 'scale' .* more than 0; found 0"),
    (FAMILY, "first: 2030, last: 2040", "first: 2040, last: 2040",
     r"family\.yaml:10: the years do not rise"),
    (FAMILY, "E12]", "E19]", r"family\.yaml:5: no row of the evidence is 'E19'"),
    (FAMILY, "E12]", "E14]", "5: the row E14 has no number; found much"),
    (FAMILY, "E12]", "E13]", "5: the rows have different units"),
    (FAMILY, "[E11, E12]", "[E13]", "5: .*do not measure the same thing"),
    (SEAM, "mark: inventory", "mark: inventry", r"seam\.yaml:6: 'mark' has .*'inventory'"),
    (SEAM, "[M01]", "[M91]", r"neither a target nor a row of the evidence is 'M91'.*'M01'"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), SLIPS)
def test_a_slip_in_a_file_is_named_with_its_line(
    file: str, old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        result_of(newtown(tmp_path, (file, old, new)), "Q05")


def test_a_model_without_checks_is_refused(tmp_path: Path) -> None:
    context = newtown(tmp_path)
    context.model.path.with_name("checks.yaml").unlink()
    with pytest.raises(InputError, match=r"checks\.yaml: no such file"):
        load_context(context.model)


def test_a_part_that_cannot_be_made_is_not_passed(
    sound: ValidationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = replace(sound, reference=False)
    monkeypatch.setattr("plansim.analysis.validation.parameters.has_simlin", lambda: False)
    monkeypatch.setattr("plansim.analysis.validation.numerics.has_simlin", lambda: False)
    for test in ("Q02", "Q24"):
        made = result_of(sound, test)
        assert made.status is ValidationOutcome.NOT_APPLICABLE
        assert "pysimlin is not installed" in figure_text(made, read_text(Lang.EN))


def with_members(
    context: ValidationContext, *factors: float, sha256: str = "", test: str = "Q28"
) -> Result:
    """Write members that multiply the yield beside the model, and make the test of them."""
    rows = [f"{number},{factor:g}" for number, factor in enumerate(factors)]
    write_ensemble(context.model, *rows, sha256=sha256, multiplied="yield")
    return result_of(context, test)


YIELDS = (0.9, 1.0, 1.2)


def test_questions_are_compared_member_by_member(tmp_path: Path) -> None:
    context = newtown(tmp_path)
    assert result_of(context, "Q26").status is ValidationOutcome.NOT_APPLICABLE, "it has no members"
    made = with_members(context, *YIELDS, test="Q26")
    assert made.status is ValidationOutcome.PASS
    settings = [{"saving": 0.25, "yield": 0.2 * factor} for factor in YIELDS]
    settings += [{"yield": 0.2 * factor} for factor in YIELDS]
    runs = context.compiled.run(settings, context.baseline.time)
    before, after = runs.yearly("output")(2030).reshape(2, -1)
    (row,) = (one for one in made.cases if one.subject == "M01" and "margin" in one.values
                and one.values["of"] == "saving")  # fmt: skip
    assert row["median"] == pytest.approx(np.median(after / before - 1))
    assert row["high"] == pytest.approx(np.quantile(after / before - 1, 0.95))
    assert row["margin"] == pytest.approx(np.median(after - before))
    assert row["deviations"] == pytest.approx(row["margin"] / before.std())
    for lang, name in zip(Lang, ("output", "产出"), strict=True):
        cell = f"{100 * row['median']:.1f} ("
        assert cell in shown(validation_table([made], read_text(lang)), 100)
        page = validation_page(context, [made], read_text(lang))
        assert f"| M01 {name} | {cell}" in page


_NOT_ASKED = "saving, least: 1, part: 0.02", "saving, least: 1, part: 0.9"
_LEDGER = "deviations: 9", "deviations: 9, ledgers: {M01: {en: slow, zh: 慢}}"


@pytest.mark.parametrize(
    ("faults", "changes"),
    [
        (["effect_least"], [("{M01: 0.02}", "{M01: 0.9}")]),
        (["effect_count"], [_NOT_ASKED]),
        (["effect_moves"], [_LEDGER]),
        ([], [_NOT_ASKED, _LEDGER]),
    ],
)
def test_a_question_has_to_matter_or_to_say_why_not(
    faults: list[str], changes: list[tuple[str, str]], tmp_path: Path
) -> None:
    context = newtown(tmp_path, *((EFFECTS, *change) for change in changes))
    made = with_members(context, *YIELDS, test="Q26")
    assert [one.message for one in made.faults] == faults
    told = [case_text(case, read_text(Lang.EN)) for case in made.cases]
    assert ("M01 (Output): does not move: slow" in told) is (faults == [])


@pytest.mark.parametrize("test", ["Q26", "Q28"])
def test_an_ensemble_of_other_equations_fails(test: str, tmp_path: Path) -> None:
    made = with_members(newtown(tmp_path), *YIELDS, sha256="0" * 64, test=test)
    assert [fault.message for fault in made.faults] == ["other_model"]


def test_an_ensemble_has_to_be_sound(tmp_path: Path) -> None:
    wide = newtown(tmp_path, (MODEL, "1/Year [0,1]\n\t~\t产出率", "1/Year [0,1e30]\n\t~\t产出率"))
    made = result_of(wide, "Q28")
    assert made.status is ValidationOutcome.NOT_APPLICABLE
    assert made.cases[0].values["lacking"] == "ensemble.csv"
    sound = [1 + number / 1000 for number in range(398)]
    made = with_members(wide, *sound, 1e15, 1e16)
    assert made.status is ValidationOutcome.PASS, "2 of 400 may break down"
    assert (made.figures["members"], made.figures["unsound"]) == (400, 2)
    made = with_members(wide, *sound[1:], 1e15, 1e16, 1e17)
    assert made.status is ValidationOutcome.FAIL
    assert {fault.message for fault in made.faults} == {"too_many"}


def test_engines_that_differ_are_told_apart() -> None:
    ours = {"x": np.array([1.0, 2.0]), "noise": np.array([0.0, 1e-12])}
    theirs = {"x": np.array([1.0, 2.0 + 3e-9]), "noise": np.array([0.0, -1e-12])}
    assert not disagreement("PySD", "s", ours, theirs).holds
    assert disagreement("pysimlin", "s", ours, theirs).holds
    assert not disagreement("pysimlin", "s", ours, {**theirs, "x": ours["x"] * np.nan}).holds


def test_another_place_is_held_to_its_figures_and_changes(sound: ValidationContext) -> None:
    cases = {one.subject: one for one in result_of(sound, "Q21").cases}
    output, more = (sound.runs[name].yearly("output") for name in ("baseline", "more-saving"))
    assert cases["output"]["stated"] == pytest.approx((40 + 10) / 1.2)
    assert cases["output"]["value"] == pytest.approx(2 * output(2030)[0])
    assert cases["rise"]["value"] == pytest.approx(100 * (more(2030)[0] / more(2025)[0] - 1))
    pace = (more(2040)[0] / more(2030)[0]) ** 0.1 - 1
    assert cases["pace"]["value"] == pytest.approx(100 * pace)
    assert cases["rise; less"]["value"] > 0 > cases["rise; none"]["value"]


def test_the_seam_compares_a_run_from_the_past_with_the_base_year(tmp_path: Path) -> None:
    """From 2021 twice the capital of 2025 wears out at 5 % a year, without saving."""
    past = "values: {INITIAL TIME: 2021, saving: 0, base capital: [150, 50]}\n"
    context = newtown(
        tmp_path,
        ("scenarios/more-saving.yaml", "values:\n  saving: 36 %\n", past),
        (CHECKS, "history: baseline", "history: more-saving"),
    )
    capital = next(case for case in result_of(context, "Q17").cases if case.subject == "capital")
    left = np.exp(-0.05 * 4)
    wanted = {"start": 2.0, "arrives": 2 * left, "lowest": 1.25 * left, "highest": 2.5 * left}
    assert {name: capital[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)
    made = result_of(context, "Q17")
    apart = [np.abs([one["lowest"] - 1, one["highest"] - 1]) for one in made.cases[2:4]]
    assert made.figures["wide"] == sum(one.max() > 0.3 for one in apart)


def test_half_the_step_moves_what_targets_judge_and_what_checks_draw_is_in_range(
    tmp_path: Path,
) -> None:
    row = "- {id: M05, en: Built, zh: 建, unit: 亿元, place: [table], measure: sum,"
    row += " target: {at least: 1, year: 2030}, variable: 'investment[new plant]'}\n"
    context = newtown(tmp_path, (TARGETS, "targets:\n", f"targets:\n{row}"))
    clock = replace(context.baseline.time, step=context.baseline.time.step / 2)
    half = context.compiled.run([{}], clock)
    parts = {}
    for name in ("output", "water share", "investment[new plant]"):
        for year in (2030, 2040):
            years = range(year - 4, year + 1) if "[" in name else (year,)
            before, after = (sum(runs.yearly(name)(one)[0] for one in years)
                             for runs in (context.runs["baseline"], half))  # fmt: skip
            parts[name, year] = abs(after / before - 1)
    made = [one for one in result_of(context, "Q07").cases if one.subject == "baseline"]
    place = max(parts, key=lambda one: parts[one])
    assert [(one.values["what"], one.values["year"]) for one in made] == [place]
    assert made[0]["part"] == pytest.approx(parts[place])
    ends = drawn(context.model, np.tile([0.0, 1.0], (len(uncertain(context.model)), 1)))
    assert ends["saving"].tolist() == [0.2, 0.4]
    # Of 60 and 40 between 30 and 70: no element leaves the range, and none its part of the whole.
    np.testing.assert_allclose(ends["base capital[old plant]"], [45, 70])
    np.testing.assert_allclose(ends["base capital[new plant]"], [30, 70 * 40 / 60])
    for one in result_of(newtown(tmp_path, (SIGNS, "rises", "rises, by: [0, 1]")), "Q13").cases:
        if one.message == "sign":
            change = one["after"] / one["before"] - 1
        elif one.message == "sign_size":
            assert one["part"] == pytest.approx(change)


def test_the_past_is_measured_in_a_run_at_each_level_of_capital(tmp_path: Path) -> None:
    """A figure is led back at a rate, growth is in per cent, sums are over the years since."""
    figures = "".join(
        f"- {{id: {key}, en: x, zh: 甲, unit: {unit}, base: {{{base}}}, place: [table]}}\n"
        for key, unit, base in (("M03", "亿元", "year: 2025–2028, value: 21"),
                                ("M04", "'%'", "year: 2025–2028, value: 5"))
    )  # fmt: skip
    context = newtown(
        tmp_path,
        (TARGETS, "targets:\n", f"figures:\n{figures}targets:\n"),
        (HISTORY, "{year: 2025, target: M01}", "{year: 2025, target: M03, rate: M04}"),
        (HISTORY, "of: output\n    unit: 亿元\n    most: 0.1",
         "of: output\n    unit: 万元\n    scale: 0.0001\n    most: 0.1"),
        ("model/observations.csv", "20.2,亿元", "202000,万元"),
    )  # fmt: skip

    def output(**values: float) -> np.ndarray:
        changed = {f"base capital[{plant} plant]": values.pop(plant, size)
                   for plant, size in (("old", 60.0), ("new", 40.0))}  # fmt: skip
        run = simulate(context.model, replace(context.baseline, values={**values, **changed}))
        return annual(run)["output"].sel(year=[2025, 2026]).to_numpy()

    own, *others = (output(old=60 * part, new=40 * part) for part in (1.0, 0.99, 1.0, 1.01))
    made = result_of(context, "Q15")
    level, growth = made.cases
    observed = np.array([21 / 1.05**3 / 1e4, 20.2])
    misses = [float(np.mean(np.abs(one / observed - 1))) for one in (own, *others)]
    assert (level["mape"], level["mape_low"], level["mape_high"]) == pytest.approx(
        (misses[0], min(misses), max(misses))
    )
    assert level["rmse"] == pytest.approx(1e4 * math.sqrt(np.mean((own - observed) ** 2)))
    rate = 100 * (own[1] / own[0] - 1)
    assert growth["mape"] == pytest.approx(abs(rate / 1.05 - 1))
    assert growth["rmse"] == pytest.approx(abs(rate - 1.05))
    assert growth.values["simulated"] == f"{rate:.4g}"
    (drawn,) = history_series(context)
    assert drawn.years[:2] == (2025, 2026)
    np.testing.assert_allclose(drawn.simulated[:, :2], 1e4 * np.array([own, *others]))
    free = result_of(context, "Q16")
    sums = np.array([one.sum() for one in (own, output(saving=0.0))])
    assert free.figures["worst"] == pytest.approx(abs(sums[0] / 40.2 - 1))
    assert free.cases[1].values["errors"] == f"{sums[1] / 40.2 - 1:+.1%}"


# --- measures of fit ------------------------------------------------------------------------------

SERIES = st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), min_size=3, max_size=12).map(
    np.array
)


@given(SERIES)
def test_the_measures_are_those_of_the_books(pairs: np.ndarray) -> None:
    simulated, observed = pairs.T
    found = fit(simulated, observed)
    assert found.rmse**2 == pytest.approx(np.mean((simulated - observed) ** 2))
    assert found.mape == pytest.approx(np.mean(np.abs(simulated / observed - 1)))
    if found.rmse < 1e-6:
        return  # what is left is rounding
    assert found.um + found.us + found.uc == pytest.approx(1, abs=1e-9)
    assert min(found.um, found.us, found.uc) >= -1e-9
    if min(np.std(simulated), np.std(observed), found.rmse) > 1e-3:
        correlation = np.corrcoef(simulated, observed)[0, 1]
        covaried = 2 * (1 - correlation) * np.std(simulated) * np.std(observed)
        assert found.r2 == pytest.approx(correlation**2, abs=1e-9)
        assert found.uc == pytest.approx(covaried / found.rmse**2, abs=1e-6)


@pytest.mark.parametrize(
    ("relation", "left", "right", "error", "when"),
    [
        (Relation.EQUAL, [1.0, 4.0], [1.0, 3.6], 0.1, 2001),  # of the largest value of either side
        (Relation.AT_MOST, [1.0, 4.0], [2.0, 5.0], -0.2, 2000),
        (Relation.AT_LEAST, [1.0, 4.0], [2.0, 5.0], 0.2, 2000),
        (Relation.EQUAL, [0.0, 1e-9], [0.0, 3e-9], 2e-3, 2001),  # as if it were 1e-6
        (Relation.AT_MOST, [0.0, np.nan], [9.0, 9.0], np.inf, 2001),
    ],
)
def test_sides_differ_by_a_part_of_the_largest_value_where_they_differ_most(
    relation: Relation, left: list[float], right: list[float], error: float, when: int
) -> None:
    sides, time = (np.array(left), np.array(right)), np.array([2000.0, 2001.0])
    made = compared("law", ("left", relation, "right"), sides, time, "plain")
    assert (made["error"], made["time"]) == pytest.approx((error, when))
    assert made.holds is (error <= 0)


def test_a_figure_below_zero_is_missed_upwards_by_a_positive_part() -> None:
    made = figure_case("balance", (-8.0, -10.0, "亿元"), 0.2)
    assert made["error"] == pytest.approx(0.2)
    assert made.holds
    assert not figure_case("balance", (math.nan, -10.0, "亿元"), 0.2).holds


def test_what_is_not_to_be_known_is_no_number() -> None:
    exact = fit(np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    assert (exact.mape, exact.rmse) == (0, 0)
    assert math.isnan(exact.um)
    # A line goes through any two points: R² is 1 and UC is 0 whatever they are.
    two = fit(np.array([1.0, 5.0]), np.array([2.0, 4.0]))
    assert (two.mape, two.rmse) == (0.375, 1.0)
    assert np.isnan([two.r2, two.um, two.us, two.uc]).all()
    assert not math.isfinite(fit(np.array([math.nan]), np.array([2.0])).mape)


def test_an_undecided_member_takes_from_the_error_of_a_share() -> None:
    """Of p, u of it by halves, the variance is p - u/4 - p²: E[x²] - E[x]²."""
    codes = [Status.MET.code] * 3 + [Status.MISSED.code] * 2 + [Status.UNDECIDED.code] * 5
    met = 0.3 + 0.25
    error = share_error(np.array([*codes, Status.ASSUMED.code], np.int8))
    assert error == pytest.approx(math.sqrt((met - 0.5 / 4 - met**2) / 10))


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", Lang)
def test_the_page_has_every_test_series_and_target(
    lang: Lang, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, text = newtown(tmp_path, ("model/observations.csv", "20.2", "30")), read_text(lang)
    with_members(broken, *np.linspace(0.6, 1.4, 41))
    results = validate(broken, ["Q06", "Q13", "Q14", "Q15"])
    unknowns = plansim.deciding_unknowns(broken.model, broken.baseline, targets=broken.binding)
    decided_by = [
        replace(one, unknowns=(replace(one.unknowns[0], share_low=0.004, share_high=0.996),))
        for one in unknowns
    ]
    monkeypatch.setattr(
        "plansim.output.documentation.validation.deciding_unknowns", lambda *_, **__: decided_by
    )
    page = validation_page(broken, results, text)
    for result in results:
        assert f"| {result_mark(result)} | {result.id} | {title_text(result, text)} |" in page
    tables = [part.splitlines() for part in page.split("\n\n") if part.startswith("|")]
    assert len(tables) == 3
    for rows in tables:
        assert {row.count("|") for row in rows} == {rows[0].count("|")}
    assert page.count("](pictures/") == 1
    fails = page.split("\n## ")[1]
    assert "0.99" in fails, "the criterion"
    assert "20, 30" in fails, "what was observed"
    about = text.pick(broken.baseline.title_en, broken.baseline.title_zh)
    assert {"en": f"Under {about}, ", "zh": f"以{about}为起点"}[lang] in page
    decided = re.search(r"\| M01 \|.* (\d+) … (\d+) \|", page)
    assert decided is not None, page
    # 100 of 100 is said of all, 0 of none.
    assert (int(decided[1]), int(decided[2])) == (1, 99)
    (judged,) = (case for case in results[-1].cases if case.message == "series")
    limits = [row.split("|")[6].strip() for rows in tables for row in rows if "20, 30" in row]
    assert limits == [f"{100 * judged['most']:.0f} %"]


def test_the_command_leaves_with_1_where_a_test_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for change, code in (((TARGETS, "value: 20", "value: 20.2"), 1), ((MODEL, "{UTF-8}\n", ""), 0)):
        context = newtown(tmp_path / str(code), change)
        monkeypatch.setattr(
            "plansim.load_context",
            lambda model, *, reference, made=context: made,
        )
        assert main(["model", "validate", "q06", "--lang", "zh", "--format", "json"]) == code
        read = json.loads(capsys.readouterr().out)
        assert [one["id"] for one in read["tests"]] == ["Q06"]
