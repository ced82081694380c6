"""Logistic growth: the model of which it is known when which loop dominates.

More stock brings more births (R), and deaths rise with its square (B). The two are as strong where
the stock is at half of its capacity, the point of inflexion.
"""

from __future__ import annotations

from pathlib import Path

from plansim.model.reader import load_model
from plansim.model.records import Model

GROWTH, CAPACITY, START, STEP = 0.4, 1000.0, 20.0, 0.0625

EQUATIONS = f"""
switch R= 1 ~ Dmnl [0,1] ~ 增长开关。Cuts growth. [A: 0–1] |
switch B= 1 ~ Dmnl [0,1] ~ 拥挤开关。Cuts crowding. [A: 0–1] |
stock= INTEG(births - deaths, start) ~ Dmnl ~ 存量。Grows. |
start= {START} ~ Dmnl [0,1000] ~ 期初。Of the stock. [A: 10–50] |
growth= {GROWTH} ~ 1/Year [0,1] ~ 增长率。Of the stock. [A: 0.3–0.5] |
capacity= {CAPACITY} ~ Dmnl [1,10000] ~ 容量。Of the stock. [A: 900–1100] |
births= growth*(start + switch R*(stock - start)) ~ 1/Year ~ 增。In. |
deaths= growth*(start^2/capacity + switch B*(stock^2 - start^2)/capacity) ~ 1/Year ~ 减。Out. |
INITIAL TIME= 2000 ~ Year ~ |
FINAL TIME= 2020 ~ Year ~ |
TIME STEP= {STEP} ~ Year ~ |
SAVEPER= 0.5 ~ Year ~ |
"""
LOOPS = """\
loops:
- id: R
  en: Growth
  zh: 增长
  polarity: reinforcing
  switch: switch R
  felt: [births]
  meaning: {en: More gives more., zh: 多则更多。}
  paths:
  - {stock: 1, births: 1}
- id: B
  en: Crowding
  zh: 拥挤
  polarity: balancing
  switch: switch B
  felt: [deaths]
  meaning: {en: More goes., zh: 多则更减。}
  paths:
  - {stock: 1, deaths: -1}
"""


def logistic(folder: Path, equations: str = EQUATIONS, loops: str = LOOPS) -> Model:
    """Write the model and its loops into a folder, and read it."""
    (folder / "loops.yaml").write_text(loops, "utf-8")
    path = folder / "logistic.mdl"
    path.write_text(equations, "utf-8")
    return load_model(path)


def stock_at(year: float) -> float:
    """Return the stock by Euler's method."""
    stock = START
    for _ in range(round((year - 2000) / STEP)):
        stock += STEP * GROWTH * stock * (1 - stock / CAPACITY)
    return stock


def crossing(years: list[float], ratios: list[float]) -> float:
    """Return the time at which a falling ratio goes through 1, between the years where it does."""
    after = next(index for index, ratio in enumerate(ratios) if ratio < 1)
    low, high = ratios[after - 1], ratios[after]
    return years[after - 1] + (low - 1) / (low - high) * (years[after] - years[after - 1])
