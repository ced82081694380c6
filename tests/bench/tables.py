"""How fast a model with lookups is: a toy with fifty tables, as models of the field have them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from plansim.engine.batch import simulate_ensemble
from plansim.engine.kernel import Kernel, compile_model
from plansim.model.reader import load_model
from plansim.model.records import Model

__all__ = ["RUNS_WITH_TABLES", "TABLES", "compiled", "model_with_tables", "seconds_of_tables"]

TABLES = 50
RUNS_WITH_TABLES = 2048


def model_with_tables(folder: Path) -> Model:
    """Return a model of stocks whose flows are read from tables.

    Of five tables two have even grids, two nearly even ones, one an uneven one; of 5 to 13 points.
    """
    random = np.random.default_rng(1)
    lines = []
    for i in range(TABLES):
        points = int(random.integers(5, 14))
        x = np.linspace(0, 2, points)
        if i % 5 >= 2:
            x[1:-1] += random.uniform(-1, 1, points - 2) * (0.02 if i % 5 < 4 else 0.9) / points
        y = random.uniform(0.5, 1.5, points)
        pairs = ",".join(f"({a:.4f},{b:.3f})" for a, b in zip(x, y, strict=True))
        scale = random.uniform(0.9, 1.1)
        before, after = f"level {(i - 1) % TABLES}", f"level {i}"
        lines += [
            f"effect {i}= WITH LOOKUP({before}/{scale:.3f}, ({pairs})) ~ Dmnl ~|",
            f"level {i}= INTEG((effect {i} - {after})/{random.uniform(3, 9):.2f} + push, "
            f"{random.uniform(0.5, 1.5):.3f}) ~ Dmnl ~|",
        ]
    lines += ["push= 0.01 ~ 1/Year ~|", "INITIAL TIME= 0 ~ Year ~|", "FINAL TIME= 100 ~ Year ~|"]
    lines += ["TIME STEP= 0.25 ~ Year ~|", "SAVEPER= 10 ~ Year ~|"]
    path = folder / "tables.mdl"
    path.write_text("{UTF-8}\n" + "\n".join(lines) + "\n", "utf-8")
    return load_model(path, strict=False)


def compiled(model: Model) -> Kernel:
    """Return the kernel of the toy."""
    return compile_model(model, vary=["push"], outputs=["level 0"], cache=False)


def seconds_of_tables(kernel: Kernel, model: Model) -> float:
    """Return the processor time of the toy's runs on one thread."""
    start = time.thread_time()
    simulate_ensemble(kernel, {"push": np.linspace(0, 0.02, RUNS_WITH_TABLES)}, model.time)
    return time.thread_time() - start
