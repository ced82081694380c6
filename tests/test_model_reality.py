"""Q13: what everyone would expect happens, in the baseline and in nearly every draw."""

from __future__ import annotations

import re

import pytest

from plansim.model.mdl import load_model
from plansim.study.validation.checks import Sign, load_signs
from plansim.study.validation.dossier import Dossier
from plansim.study.validation.findings import Finding, Said
from plansim.study.validation.reality import DRAWS, FEWEST, signs

TESTS = load_signs(load_model())


@pytest.fixture(scope="module")
def finding(dossier: Dossier) -> Finding:
    return signs(dossier)


def test_there_are_enough_tests_and_each_says_something_else() -> None:
    assert len(TESTS) >= FEWEST
    for test in TESTS:
        assert re.search(r"[一-鿿]", test.zh)
        assert len(test.en.split()) > 4
    assert sum(test.sign is Sign.STAYS for test in TESTS) < len(TESTS) / 5


@pytest.mark.parametrize("test", [test.id for test in TESTS])
def test_it_happens_in_the_baseline_and_in_nearly_every_draw(test: str, finding: Finding) -> None:
    cases = {case.said: case for case in finding.cases if case.subject == test}
    assert set(cases) == {Said.SIGN, Said.SIGN_SHARE}
    assert cases[Said.SIGN_SHARE].values["draws"] == DRAWS == 500
    assert [case for case in cases.values() if not case.holds] == []
