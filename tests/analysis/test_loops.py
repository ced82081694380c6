"""Loops as declared and found, and cuts against runs that are made one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from plansim.analysis.feedback.loops import Polarity, cut_loops, load_loops
from plansim.errors import CatalogueError, InputError
from plansim.model.reader import load_model
from plansim.model.records import Model
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import writer
from tests.toys import logistic

EQUATIONS = """
switch R= 1 ~ Dmnl [0,1] ~ 回路开关。Cuts growth. [A: 0–1] |
switch B= 1 ~ Dmnl [0,1] ~ 回路开关乙。Cuts decay. [A: 0–1] |
switch X= 1 ~ Dmnl [0,1] ~ 回路开关丙。Without it a root of less than zero. [A: 0–1] |
stock= INTEG((births - deaths)/one year, start) ~ Dmnl ~ 存量。Grows. |
start= 100 ~ Dmnl [0,1000] ~ 期初。Of the stock. [A: 50–150] |
births= 0.1*(switch R*stock + (1 - switch R)*start) ~ Dmnl ~ 增。In. |
deaths= 0.05*(switch B*stock + (1 - switch B)*start) ~ Dmnl ~ 减。Out. |
root= SQRT(switch X - 0.5) ~ Dmnl ~ 根。Breaks down. |
rooted= INTEG(root/one year, 0.0) ~ Dmnl ~ 根存量。Takes the root. |
one year= 1 ~ Year [1,1] ~ 一年。One. [A: 1–1] |
"""
TARGETS = plan(
    aim("S1", "at least: 127, year: 2005", "stock"), aim("S2", "at least: 0, year: 2005", "rooted")
)
LOOPS = logistic.LOOPS.replace("id: R\n", "id: R1\n").replace("id: B\n", "id: B1\n")
LOOPS += """\
- id: X1
  en: Nothing
  zh: 无
  polarity: balancing
  switch: switch X
  felt: [root]
  meaning: {en: There is none., zh: 并无此回路。}
  weak: {en: There is none., zh: 并无此回路。}
  paths:
  - {start: 1, births: 1}
"""


@pytest.fixture
def town(tmp_path: Path) -> Model:
    (tmp_path / "targets.yaml").write_text(TARGETS, "utf-8")
    (tmp_path / "loops.yaml").write_text(LOOPS, "utf-8")
    return load_model(writer(tmp_path)(EQUATIONS))


def test_what_is_declared_is_looked_for_in_the_equations(town: Model) -> None:
    growth, decay, nothing = load_loops(town)
    assert [one.found for one in (growth, decay, nothing)] == [True, True, False]
    assert growth.polarity is Polarity.REINFORCING
    (path,) = decay.paths
    assert [(link.cause, link.effect, link.sign) for link in path] == [
        ("stock", "deaths", 1),
        ("deaths", "stock", -1),
    ]
    # `start` is in the equation of births, which is no cause of the constant.
    assert [link.stands for link in nothing.paths[0]] == [True, False]


def test_every_fault_of_the_file_is_told_with_its_line(town: Model, tmp_path: Path) -> None:
    text = LOOPS.replace("id: B1", "id: R1").replace("switch: switch B", "switch: stock")
    text = text.replace("{stock: 1, births: 1}", "{stock: 1, brths: 1}")
    (tmp_path / "loops.yaml").write_text(text, "utf-8")
    with pytest.raises(CatalogueError) as caught:
        load_loops(town)
    told = [(fault.line, str(fault.message), fault.nearest) for fault in caught.value.faults]
    assert told == [
        (10, "no variable is called 'brths'", "births"),
        (11, "'R1' is given twice", None),
        (15, "'stock' cannot be set: its equation gives its value", None),
    ]


def test_without_a_file_there_are_no_loops(town: Model, tmp_path: Path) -> None:
    (tmp_path / "loops.yaml").unlink()
    with pytest.raises(InputError, match="no loops are declared for the model"):
        load_loops(town)


def test_cuts_are_those_known_in_closed_form(town: Model) -> None:
    growth, decay, nothing = cut_loops(town)
    steps = {2005: 11, 2008: 17}  # a stock is read at the end of the year
    effect = growth.effects[0]
    for year, count in steps.items():
        assert effect.whole[year] == pytest.approx(100 * 1.025**count)
        # 10 a year come, a twentieth goes.
        assert effect.cut[year] == pytest.approx(200 - 100 * 0.975**count)
        assert decay.effects[0].cut[year] == pytest.approx(50 + 50 * 1.05**count)
    assert (effect.status_whole.value, effect.status_cut.value) == ("met", "missed")
    shift = 1 - (200 - 100 * 0.975**17) / (100 * 1.025**17)
    assert growth.strongest == pytest.approx(shift)
    assert growth.fault == decay.fault == ""
    assert nothing.fault == "'root', at 2000"
