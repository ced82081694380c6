"""What ``import plansim`` offers, and that each name is documented and kept in one place."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import pkgutil

import pytest

import plansim

# The promise of README: these names stay. A name may be added to the package without being
# listed here, and none of these may go without a major version.
PROMISED = {
    "InputError",
    "Model",
    "PlansimError",
    "Scenario",
    "Target",
    "Verdict",
    "__version__",
    "annual",
    "check_targets",
    "load_model",
    "load_targets",
    "read_scenario",
    "simulate",
}
MODULES = {
    module.name: module.ispkg
    for module in pkgutil.walk_packages(plansim.__path__, prefix="plansim.")
}


def test_all_is_sorted_without_doubles_and_holds_what_is_promised() -> None:
    assert list(plansim.__all__) == sorted(set(plansim.__all__))
    assert set(plansim.__all__) >= PROMISED
    assert set(dir(plansim)) >= set(plansim.__all__)
    assert plansim.__version__ == importlib.metadata.version("plansim")
    assert plansim.plot.__name__ == "plansim.output.figures.plot"
    with pytest.raises(AttributeError, match="module 'plansim' has no attribute 'nonsense'"):
        getattr(plansim, "non" + "sense")


@pytest.mark.parametrize("name", sorted(set(plansim.__all__) - {"__version__", "plot"}))
def test_each_public_name_comes_from_one_module_and_is_documented(name: str) -> None:
    value = getattr(plansim, name)
    assert inspect.isclass(value) or inspect.isfunction(value)
    assert value.__module__.startswith("plansim.")
    home = importlib.import_module(value.__module__)
    assert name in home.__all__, f"{value.__module__} does not count {name} as public"
    # A dataclass without a docstring is given its signature as one.
    documentation = inspect.getdoc(value) or ""
    assert documentation.split("\n")[0].endswith((".", ":", "?")), f"{name} has no docstring"
    assert not documentation.startswith(f"{name}(")


def test_every_public_function_has_an_example() -> None:
    functions = {name: getattr(plansim, name) for name in plansim.__all__}
    functions |= {f"plot.{name}": getattr(plansim.plot, name) for name in plansim.plot.__all__}
    bare = {
        name
        for name, value in functions.items()
        if inspect.isfunction(value) and ">>>" not in (inspect.getdoc(value) or "")
    }
    assert bare == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_each_module_declares_what_is_public(module: str) -> None:
    loaded = importlib.import_module(module)
    assert loaded.__doc__, f"{module} has no docstring"
    if MODULES[module] and not hasattr(loaded, "__all__"):
        return  # a folder need not offer anything itself
    assert len(loaded.__all__) == len(set(loaded.__all__))  # ruff holds their order
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert inspect.getdoc(value), f"{module}.{name} has no docstring"
