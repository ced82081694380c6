"""From a Vensim model to the Python source that PySD runs, cached on disk.

PySD is given a copy of the text in a folder of its own, since it writes its output beside its
input. Between its parser and its builder the model is amended:

- Numbers become floats. An integer as the initial value of a SMOOTH would make an integer state,
  which truncates the first step.
- ``:NA:`` becomes the number that Vensim has for it.
- Comments are dropped. PySD writes them raw into Python docstrings, so that a comment could end
  the docstring and continue as code.
- Equations that read other files (GET XLS …, data variables) are refused.

In the source that the builder writes, what switches only at the start of a step is moved to the
functions of the list `SWITCHES`, and read as ``SWITCH(index)``, which is given before a run.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import json
import math
import re
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plansim.cache import digest, kept
from plansim.engine.plain_text import plain_text
from plansim.engine.trajectory import version_of
from plansim.errors import Fault, Message, ModelError
from plansim.model.reading.expression import MISSING, Call
from plansim.model.records import Model, folded

__all__ = [
    "SWITCH",
    "SWITCHES",
    "failed_variable",
    "quiet_pysd",
    "remarks",
    "translated",
    "with_model_names",
]


def translated(model: Model) -> str:
    """Return the Python source of a model, from the cache.

    The first line holds PySD's remarks on the translation, for `remarks`.

    Raises:
        ModelError: PySD cannot translate the model.
    """
    key = digest(model.text, version_of("pysd"), Path(__file__).read_bytes())
    return kept("models", key, str, partial(_with_remarks, model))


def _with_remarks(model: Model) -> str:
    with quiet_pysd() as notes:
        source = _translate(model)
        # PySD asks for the clock before there is a step in which anything could be frozen.
        source += f"\n{SWITCHES} = []\n" if model.moving_clock else ""
        source = source if model.moving_clock else _with_switches(source)
    # PySD warns of variables that mix constants and equations, since setting them is ambiguous;
    # here they are no constants and cannot be set.
    listed = sorted({note for note in notes if "is defined with different" not in note})
    return _REMARKS + json.dumps(listed, ensure_ascii=False) + "\n" + source


def remarks(source: str) -> list[str]:
    """Return PySD's remarks of when it translated this source."""
    notes: list[str] = json.loads(source.partition("\n")[0].removeprefix(_REMARKS))
    return notes


_REMARKS = "# remarks: "
_THIRD_PARTY = (
    ("chardet.universaldetector is deprecated", "pysd.py_backend.utils"),
    ("The inplace keyword in DataFrame.set_index is deprecated", "pysd.py_backend.output"),
)


@contextlib.contextmanager
def quiet_pysd() -> Iterator[list[str]]:
    """Collect PySD's warnings in a list of notes, which is filled at the end.

    Two deprecation warnings that PySD 3.14 causes in its own code are dropped, each by its text
    and module; all other deprecations reach the caller.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for text, module in _THIRD_PARTY:
            category = DeprecationWarning
            warnings.filterwarnings("ignore", re.escape(text), category, re.escape(module))
        yield notes
    for warning in caught:
        if issubclass(warning.category, UserWarning | RuntimeWarning | SyntaxWarning):
            notes.append(" ".join(str(warning.message).split()))
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def failed_variable(error: Exception, model: Model, source: str = "") -> str | None:
    """Return the variable at which PySD stopped, as far as its call stack tells."""
    declared = getattr(error, "name", None)
    if isinstance(declared, str) and declared in model.variables:
        return declared
    by_function = _variables_by_function(model, source)
    by_name = {folded(name): name for name in model.variables}
    stopped_at = None
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if "__pysd_version__" in frame.f_globals:
            stopped_at = by_function.get(frame.f_code.co_name, stopped_at)
        elif isinstance(bearer := getattr(frame.f_locals.get("self"), "name", None), str):
            stopped_at = by_name.get(folded(bearer), stopped_at)
        traceback = traceback.tb_next
    return stopped_at


def with_model_names(text: str, model: Model, source: str) -> str:
    """Put the model's names for PySD's, as ``_integ_x``, in a note or an error."""
    by_function = _variables_by_function(model, source)

    def name(match: re.Match[str]) -> str:
        inner = match[0].lstrip("_")
        while inner:  # PySD's prefix of the name may have underscores too
            if inner in by_function:
                return f"'{by_function[inner]}'"
            inner = inner.partition("_")[2]
        return match[0]

    return re.sub(r"\b_\w+", name, text)


def _variables_by_function(model: Model, source: str) -> dict[str, str]:
    """Return the model's variables by the names of the functions that PySD made of them."""
    names = {folded(name): name for name in model.variables}
    functions = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    by_function = {}
    for function in functions:
        for decorator in function.decorator_list:
            for keyword in getattr(decorator, "keywords", ()):
                if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
                    by_function[function.name] = names.get(folded(str(keyword.value.value)), "")
    return {python: name for python, name in by_function.items() if name}


# --- Switches -------------------------------------------------------------------------------------

SWITCH = "__switch__"
SWITCHES = "__switches__"


def _with_switches(source: str) -> str:
    """Return PySD's source with what keeps its value through a step as functions of their own.

    These are comparisons that depend on the time and on no stock, the conditions of STEP, PULSE and
    PULSE TRAIN, SAMPLE IF TRUE and random functions. The height of a STEP is no part of it.
    """
    module = ast.parse(source)
    switches = _SwitchFinder(_dependencies(module))
    module = switches.visit(module)
    functions = ", ".join(f"lambda: {expression}" for expression in switches.expressions)
    return f"{ast.unparse(module)}\n{SWITCHES} = [{functions}]\n"


def _dependencies(module: ast.Module) -> dict[str, set[str]]:
    """Return what PySD's elements read while a run goes on, as their decorators tell."""
    reads: dict[str, set[str]] = {}
    for function in module.body:
        for decorator in getattr(function, "decorator_list", ()):
            parts = {part.arg: part.value for part in decorator.keywords}
            assert isinstance(function, ast.FunctionDef)
            reads[function.name] = set(ast.literal_eval(parts.get("depends_on", _NOTHING)))
            for name, phases in ast.literal_eval(parts.get("other_deps", _NOTHING)).items():
                reads[name] = set(phases["step"])
    return reads


_NOTHING = ast.Dict([], [])


class _SwitchFinder(ast.NodeTransformer):
    """Puts calls of `SWITCH` in the place of expressions, and lists these."""

    def __init__(self, reads: dict[str, set[str]]) -> None:
        self.reads = reads
        self.expressions: list[str] = []

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        return self._switch(node) if self._is_of_time(node) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = ast.unparse(node.func)
        of_time = bool(node.args) and ast.unparse(node.args[0]) == "__data['time']"
        if function == "step" and of_time:
            clock, height, when = node.args
            condition = ast.Call(node.func, [clock, ast.Constant(1.0), when], [])
            return ast.BinOp(height, ast.Mult(), self._switch(condition))
        if (function == "pulse" and of_time) or function.startswith(_ONCE_A_STEP):
            return self._switch(node)
        return node

    def _switch(self, node: ast.expr) -> ast.expr:
        self.expressions.append(ast.unparse(node))
        index = ast.Constant(len(self.expressions) - 1)
        return ast.Call(ast.Name(SWITCH), [index], [])

    def _is_of_time(self, node: ast.expr) -> bool:
        """Say whether an expression depends, within a step, on the time and on no stock."""
        waiting = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        reached: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in self.reads and name not in reached and not name.startswith(_STAYING):
                reached.add(name)
                waiting += self.reads[name]
        stocks = (n for n in reached if n.startswith("_") and not n.startswith("_active_initial_"))
        return "time" in reached and not any(stocks)


_ONCE_A_STEP = ("_sampleiftrue_", "np.random.", "stats.")
_STAYING = ("_initial_", "_delayfixed_", "_sampleiftrue_")
"""Elements of PySD that keep their value through a step."""


def _translate(model: Model) -> str:
    """Return what PySD makes of a model's text, or of a plainer one that computes the same."""
    _refuse_unknown(model)
    if model.scan.macros:
        return _translated(model, plain_text(model))
    try:
        return _translated(model, model.text)
    except ModelError as error:
        with contextlib.suppress(ModelError):
            return _translated(model, plain_text(model))
        raise error


def _translated(model: Model, text: str) -> str:
    from pysd.builders.python.python_model_builder import ModelBuilder
    from pysd.translators.vensim.vensim_file import VensimFile

    with tempfile.TemporaryDirectory(prefix="plansim-") as folder:
        path = Path(folder) / "model.mdl"
        path.write_text(text, "utf-8")
        try:
            file = VensimFile(path, encoding="utf-8")
            file.parse()
            abstract = file.get_abstract_model()
            _refuse_files(model, abstract)
            return Path(ModelBuilder(_amended(abstract)).build_model()).read_text("utf-8")
        except ModelError:
            raise
        except Exception as error:  # PySD raises whatever its parser, builder or black does
            name = failed_variable(error, model)
            reason = str(error).strip().splitlines() or [type(error).__name__]
            message = Message("PySD cannot translate the model")
            if name is not None:
                message = Message("PySD cannot translate '{name}'", name=name)
            raise ModelError(
                message,
                file=model.path,
                line=None if name is None else model.variables[name].line,
                found=reason[0],
            ) from error


_UNKNOWN = frozenset(
    {"delay_information", "delay_material", "demand_at_price", "depreciate_straightline"}
    | {"find_market_price", "gamma_ln", "lookup_area", "supply_at_price"}
    | {"lookup_backward", "lookup_extrapolate", "lookup_forward", "lookup_invert", "lookup_slope"}
    | {"npv", "npve", "reinitial", "sinteg", "time_base", "vector_lookup"}
)
"""Functions that PySD does not have, by `name_key`."""


def _refuse_unknown(model: Model) -> None:
    """Raise ModelError if a model calls what PySD does not have: it would break down in the run."""
    bodies = (model.scan.equations, *(macro.equations for macro in model.scan.macros.values()))
    calls = (
        (equation, node)
        for equations in bodies
        for group in equations.values()
        for equation in group
        for node, _ in equation.references
        if node.key in _UNKNOWN and isinstance(node, Call)
    )
    faults = [
        Fault(
            "PySD has no function {name}",
            model.path,
            equation.line_of(node),
            expected=Message("the compiled engine: --engine compiled"),
            name=node.key.replace("_", " ").upper(),
        )
        for equation, node in calls
    ]
    if faults:
        raise ModelError(faults)


def _refuse_files(model: Model, abstract: Any) -> None:
    faults = []
    for element in abstract.sections[0].elements:
        for component in element.components:
            kinds = {type(node).__name__ for node in _nodes(component.ast)}
            if any(kind.startswith("Get") or kind == "DataStructure" for kind in kinds):
                line = model.find(element.name).line
                faults.append(
                    Fault("'{name}' reads another file", model.path, line, name=element.name)
                )
    if faults:
        raise ModelError(faults)


def _nodes(node: Any) -> Iterator[Any]:
    """Walk the syntax tree of an equation."""
    yield node
    if dataclasses.is_dataclass(node):
        for field in dataclasses.fields(node):
            yield from _nodes(getattr(node, field.name))
    elif isinstance(node, list | tuple):
        for part in node:
            yield from _nodes(part)


def _amended(abstract: Any) -> Any:
    """Return PySD's AbstractModel without comments and without integers."""
    orders = {
        folded(node.order.reference)
        for section in abstract.sections
        for element in section.elements
        for component in element.components
        for node in _nodes(component.ast)
        if hasattr(getattr(node, "order", None), "reference")
    }
    sections = tuple(
        dataclasses.replace(
            section,
            elements=[
                dataclasses.replace(
                    element,
                    documentation="",
                    components=[
                        component
                        if folded(element.name) in orders  # counts stages, so it must be an integer
                        else dataclasses.replace(component, ast=_floats(component.ast))
                        for component in element.components
                    ],
                )
                for element in section.elements
            ],
        )
        for section in abstract.sections
    )
    return dataclasses.replace(abstract, sections=sections)


def _floats(node: Any) -> Any:
    """Turn every number in the syntax tree of an equation into a float.

    ``order`` (of a delay) and ``size`` (of an allocation) count things and stay.
    """
    match node:
        case bool() | str() | None:
            return node
        case float() if math.isnan(node):
            return MISSING
        case int() | np.integer():
            return float(node)
        case np.ndarray():
            return node.astype(float)
        case list() | tuple():
            return type(node)(_floats(part) for part in node)
        case _ if dataclasses.is_dataclass(node) and not isinstance(node, type):
            parts = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
            return dataclasses.replace(
                node,
                **{
                    name: part if name in {"order", "size"} else _floats(part)
                    for name, part in parts.items()
                },
            )
        case _:
            return node
