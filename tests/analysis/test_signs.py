"""The signs of links are those of the derivatives, and those that the loops declare."""

from __future__ import annotations

from pathlib import Path

from plansim.analysis.feedback.polarity import link_signs
from plansim.engine.simulate import simulate
from plansim.model.reader import load_model
from plansim.scenario.scenario_file import as_written
from tests.helpers.vensim_text import writer

EQUATIONS = """
part: one, two ~~|
level= INTEG(inflow - outflow, start) ~ Dmnl ~ |
start= 4 ~ Dmnl ~ |
inflow= 2/(1 + "odd, name(1)") ~ Dmnl ~ |
"odd, name(1)"= ABS(level) \\
  + Time*0 ~ Dmnl ~ |
outflow= level*MAX(idle, 1) ~ Dmnl ~ |
idle= MIN(level, 0.5)/9 ~ Dmnl ~ |
hump= (level - 3)*(5 - level) ~ Dmnl ~ |
held= SMOOTHI(-outflow, MAX(level, 1), start) ~ Dmnl ~ |
late= 3 - DELAY1((outflow), 2)*2 ~ Dmnl ~ |
split[one]= level ~ Dmnl ~ |
split[two]= -level ~ Dmnl ~ |
whole= SUM(split[part!]) + 9*split[one] ~ Dmnl ~ |
first= split[one]*2 ~ Dmnl ~ |
nil= MAX(level - 99, 0) ~ Dmnl ~ |
fed= 5 - nil ~ Dmnl ~ |
looked= table(level) ~ Dmnl ~ |
table((0,5),(9,1)) ~ Dmnl ~ |
with= WITH LOOKUP(level, ((0,1),(9,5))) ~ Dmnl ~ |
"""


def test_signs_are_those_of_the_derivatives(tmp_path: Path) -> None:
    small = load_model(writer(tmp_path)(EQUATIONS))
    signs = link_signs(small, as_written(small))
    level = simulate(small)["level"]
    assert float(level.min()) < 4
    assert float(level.max()) <= 4
    assert signs == {
        ("inflow", "level"): 1,
        ("outflow", "level"): -1,
        ('"odd, name(1)"', "inflow"): -1,
        ("level", '"odd, name(1)"'): 1,
        ("level", "outflow"): 1,
        ("level", "hump"): 0,
        ("outflow", "held"): -1,
        ("outflow", "late"): -1,
        ("level", "split"): 0,
        ("split", "whole"): 1,
        ("split", "first"): 1,
        ("nil", "fed"): -1,  # but what makes it nil has no say: no ("level", "nil")
        ("level", "looked"): -1,
        ("level", "with"): 1,
    }
