"""The package is in layers, and no Python file of it knows a city, a sector or an indicator."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from plansim import load_model, load_targets

SOURCE = Path(__file__).parents[1] / "sim"

# The order in which data flows; each layer imports only from itself and from those before it.
LAYERS = (
    {"errors", "cache", "files"},
    {"model"},
    {"scenario"},
    {"targets"},
    {"compiler"},
    {"engine"},
    {"analysis"},
    {"output"},
    {"cli", "xarray", "__init__"},
)
# The same inside of analysis, and what stands there above any study.
STUDIES = (
    {"evaluator", "ensemble", "checks_form"},
    {"experiments"},
    {"sensitivity"},
    {"calibration"},
    {"feedback"},
    {"optimization"},
    {"decisions"},
    {"attribution"},
    {"comparison"},
    {"validation"},
)
ENGINES = {"pysd", "simlin", "llvmlite"}
MANY_RUNS = {"plansim.engine.batch", "plansim.engine.readings"}
CITY = ("jiaozuo", "焦作")


def read_sources() -> dict[str, str]:
    """Give the text of each module by its dotted name; a package bears its own name."""
    sources = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        sources[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(
            encoding="utf-8"
        )
    return sources


def imported(source: str, modules: Mapping[str, str]) -> Iterator[str]:
    """Give the dotted name of each module that a text imports, wherever in it the import stands.

    ``from package import name`` imports ``package.name`` if that is one of ``modules``.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


def layer(module: str) -> int:
    """Give the place of a module of plansim in ``LAYERS``."""
    folder = [*module.split("."), "__init__"][1]
    places = [place for place, names in enumerate(LAYERS) if folder in names]
    assert places, f"{module} stands in no layer"
    return places[0]


def study(module: str) -> int:
    """Give the place of a module of analysis in ``STUDIES``; -1 outside of analysis."""
    parts = module.split(".")
    if parts[1:2] != ["analysis"] or len(parts) < 3:
        return -1
    places = [place for place, names in enumerate(STUDIES) if parts[2] in names]
    assert places, f"{module} stands in no study"
    return places[0]


def offences(sources: Mapping[str, str]) -> list[str]:
    """Name each import that goes against the layers, and the first circle of imports."""
    found = []
    graph: dict[str, set[str]] = {}
    for module, source in sources.items():
        names = set(imported(source, sources))
        graph[module] = {name for name in names if name.split(".")[0] == "plansim"}
        found += [
            f"{module} imports {name}, a layer above its own"
            for name in sorted(graph[module])
            if layer(name) > layer(module)
        ]
        found += [
            f"{module} imports {name}, a study below its own"
            for name in sorted(graph[module])
            if layer(name) == layer(module) and study(name) > study(module)
        ]
        folder = module.split(".")[1] if "." in module else ""
        if folder == "output":
            found += [
                f"{module} imports the engine {name}"
                for name in sorted(names)
                if name.startswith("plansim.engine") or name.split(".")[0] in ENGINES
            ]
        elif folder == "analysis" and module != "plansim.analysis.evaluator":
            found += [
                f"{module} imports {name} and not the evaluator"
                for name in sorted(names & MANY_RUNS)
            ]
        if folder not in {"engine", "compiler", "output"}:
            found += [
                f"{module} imports {name}, which is the engine's affair"
                for name in sorted(names)
                if name.split(".")[0] in ENGINES
            ]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append("circle: " + " -> ".join(reversed(error.args[1])))
    return found


def forbidden_names() -> set[str]:
    """Give the shipped model's sectors (all elements) and indicators (what a target judges)."""
    ranges = load_model().subscripts.values()
    names = {element for subscript in ranges for element in subscript.elements}
    for target in load_targets():
        for name in target.variables.values():
            names |= {name, name.split("[")[0]}
    return {name.casefold() for name in names}


def named(sources: Mapping[str, str], names: set[str]) -> list[str]:
    """Name each string literal that is one of ``names``, and each module that says the city."""
    found = []
    for module, source in sources.items():
        found += [f"{module} names the city" for city in CITY if city in source.casefold()]
        found += [
            f"{module}:{node.lineno} names {node.value!r}"
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.casefold() in names
        ]
    return found


def test_each_layer_imports_only_from_those_before_it() -> None:
    assert offences(read_sources()) == []


def test_no_class_name_stands_in_two_files() -> None:
    files: dict[str, list[str]] = {}
    for module, source in read_sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                files.setdefault(node.name, []).append(module)
    assert {name: places for name, places in files.items() if len(places) > 1} == {}


def test_no_python_file_names_the_city_a_sector_or_an_indicator() -> None:
    names = forbidden_names()
    assert {"agriculture", "gdp", "urbanisation rate"} <= names, "nothing to look for was read"
    assert named(read_sources(), names) == []


OFFENCES = [
    ("model.a", "def f():\n    from plansim.targets import b", "targets.b",
     "a layer above its own"),
    ("analysis.checks_form", "import plansim.analysis.comparison", "analysis.comparison",
     "a study below its own"),
    ("targets.a", "import pysd", "targets.b", "which is the engine's affair"),
    ("analysis.a", "from plansim.engine.batch import simulate_ensemble", "engine.batch",
     "and not the evaluator"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "source", "other", "expected"), OFFENCES)
def test_an_import_against_the_layers_is_found(
    module: str, source: str, other: str, expected: str
) -> None:
    (found,) = offences({f"plansim.{module}": source, f"plansim.{other}": ""})
    assert found.endswith(expected)


def test_a_circle_of_imports_is_found() -> None:
    one, other = "from plansim.model import b", "from plansim.model.a import f"
    (found,) = offences({"plansim.model.a": one, "plansim.model.b": other})
    assert found.startswith("circle: ")
