from __future__ import annotations

import dataclasses

import pytest

from plansim.errors import UnknownNameError
from plansim.model.reader import load_model
from plansim.model.records import Model
from tests.helpers.vensim_text import writer


@pytest.mark.parametrize(
    "name",
    [
        "GDP per head",
        "gdp per head",
        "GDP_per_head",
        " GDP  per\thead ",
        "ＧＤＰ per head",
        "人均生产总值",
    ],
)
def test_find_takes_english_and_chinese_names(town: Model, name: str) -> None:
    assert town.find(name) is town.variables["GDP per head"]


def test_find_takes_quoted_names_with_and_without_quotes(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    write = writer(tmp_path_factory.mktemp("quoted"))
    model = load_model(write('"a-b"= 1 ~ Dmnl ~ |\nc= "a-b" ~ Dmnl ~ |'))
    assert model.find("A-B") is model.find('"a-b"') is model.variables['"a-b"']
    assert model.variables["c"].causes == ('"a-b"',)


def test_find_gives_the_nearest_name(town: Model) -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"toy_town\.mdl: no variable is called 'brith rate'; did you mean 'birth rate'\?",
    ):
        town.find("brith rate")
    with pytest.raises(UnknownNameError, match="did you mean '人均生产总值'"):
        town.find("人均生产总直")


def test_find_refuses_a_chinese_name_that_two_variables_share(town: Model) -> None:
    twin = dataclasses.replace(town.variables["deaths"], name_zh="出生人数")
    shared = dataclasses.replace(town, variables={**town.variables, "deaths": twin})
    with pytest.raises(UnknownNameError, match=r"more than one variable.*one of births, deaths"):
        shared.find("出生人数")
