"""Simulate a city under its five-year plan and judge every target of the plan.

::

    model = plansim.load_model()
    runs = plansim.simulate(model, ["baseline", "accelerated-growth"])
    verdicts = plansim.check_targets(runs, plansim.load_targets())

The public names stand in ``__init__.pyi``, each with its module. A module is loaded when one of its
names is first used, so that ``import plansim`` is quick.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any


def _read_stub() -> dict[str, tuple[str, str]]:
    """Return the module of each public name, and what it is called there."""
    stub = ast.parse(Path(__file__).with_suffix(".pyi").read_text("utf-8"))
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


_HOMES = _read_stub()
_GIVE_DATASETS = frozenset({"annual", "open_sweep", "simulate", "sweep"})
"""Names whose first use registers the accessor of datasets."""

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("plansim")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _GIVE_DATASETS:
        __import__("plansim.xarray")
    module, original = _HOMES[name]
    value = getattr(__import__(module, fromlist=[original]), original)  # may be a module itself
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
