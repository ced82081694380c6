"""A town that builds, smokes, filters and plants: three levers whose best settings are known."""

from __future__ import annotations

from pathlib import Path

from plansim.model.records import Model
from tests.helpers.plan import aim, plan
from tests.helpers.vensim_text import small_model
from tests.toys.village import write_ensemble

__all__ = ["chimney"]

# Building makes output and smoke, filters take smoke away, trees clean what is left.
_EQUATIONS = """
building= 0.5 ~ Dmnl [0,1] ~ 建设。How much is built. [A: 0–1] |
filters= 0.2 ~ Dmnl [0,1] ~ 过滤。How much is filtered. [A: 0–1] |
trees= 0.1 ~ Dmnl [0,1] ~ 植树。How much is planted. [A: 0–1] |
yield= 0.1 ~ 1/Year [0,1] ~ 产率。Of building. [A: {yields}] |
dirt= 1 ~ Dmnl [0,5] ~ 污染率。Of output. [A: {dirt}] |
made= yield*building*output ~ 亿元/Year ~ 增量。What is added. |
output= INTEG(made, 100) ~ 亿元 ~ 产出。Grows. |
smoke= dirt*output*(1-0.6*filters) ~ 亿元 ~ 烟尘。What is left of it. |
clean= trees*50 + 200 - smoke ~ 亿元 ~ 清洁。Trees help. |
"""
_TARGETS = plan(
    aim("S1", "at most: 110, year: 2005", "smoke", unit="亿元", name="Smoke, zh: 烟尘"),
    aim("S2", "at least: 110, year: 2005", "clean", unit="亿元", name="Clean, zh: 清洁"),
    horizon=2010,
)
_VIEWS = """\
themes: []
groups:
  - id: village
    en: Village
    zh: 村
    levers:
      - {moves: building, policy: true}
      - {moves: filters, policy: true}
      - {moves: trees, policy: true}
"""
_DECISION = """\
growth: output
years: [2005]
scenario: plain.yaml
growth_levers: [building]
target_levers: [filters, trees]
"""


def chimney(folder: Path, rows: str = "", *, certain: bool = False) -> Model:
    """Write the town, its plan and its decision problem to a folder, and read it.

    ``rows`` are further targets. Nothing to speak of is uncertain where it is ``certain``.
    """
    texts = {"targets": _TARGETS + rows, "views": _VIEWS, "decision": _DECISION,
             "plain": "title: {en: Plain, zh: 原样}\nvalues: {}\n"}  # fmt: skip
    ranges = ("0.0999999–0.1000001", "0.999999–1.000001") if certain else ("0.08–0.12", "0.7–1.3")
    equations = _EQUATIONS.format(yields=ranges[0], dirt=ranges[1])
    made = small_model(folder, equations, **texts)
    write_ensemble(made, "0,1,1" if certain else "0,1.01,0.99", multiplied="yield,dirt")
    return made
