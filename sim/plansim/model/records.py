"""A model as frozen records: what a Vensim file says, without running it."""

from __future__ import annotations

import itertools
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plansim.cache import digest
from plansim.errors import Fault, FaultLog, Message, UnknownNameError, nearest
from plansim.model.comment import read_source

if TYPE_CHECKING:
    from plansim.model.reading.equations import Scan

__all__ = [
    "NOISE_SEED",
    "Model",
    "Module",
    "SubscriptRange",
    "TimeSpec",
    "Timing",
    "Variable",
    "VariableKind",
    "cell_name",
    "cells_of",
    "check_model",
    "folded",
    "is_one",
    "several",
    "unsound_clock",
]


NOISE_SEED = "NOISE SEED"
"""The constant that is the seed of a run's random functions, as Vensim calls it."""


def is_one(given: object) -> bool:
    """Return whether one thing is given, not several: a text is one, and so is a dataset."""
    return isinstance(given, str | Mapping) or not isinstance(given, Iterable)


def several(given: Any) -> tuple[Any, ...]:
    """Return what is given, one or several, as a tuple.

    >>> several("GDP"), several(["GDP", "exports"])
    (('GDP',), ('GDP', 'exports'))
    """
    return (given,) if is_one(given) else tuple(given)


def check_model(model: object) -> None:
    """Refuse what is no model, where one is asked for.

    Raises:
        TypeError: it is no `Model`.
    """
    if not isinstance(model, Model):
        raise TypeError(f"expected a Model, as load_model gives it, found {type(model).__name__}")


class VariableKind(StrEnum):
    """What a variable is, in the words of system dynamics.

    A flow is an auxiliary that is named in the rate of some stock. A constant has numbers only
    on its right-hand side. The control variables are the four of the simulation's clock.
    """

    STOCK = "stock"
    FLOW = "flow"
    AUXILIARY = "auxiliary"
    CONSTANT = "constant"
    LOOKUP = "lookup"
    CONTROL = "control"

    @property
    def moves(self) -> bool:
        """Whether a run computes it, step by step."""
        return self in (VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY)


class Timing(StrEnum):
    """When the value of a year is read, TIME = y being the middle of year y."""

    YEAR = "year"  # at TIME = y
    YEAR_END = "year-end"  # at TIME = y + 0.5


@dataclass(frozen=True)
class Variable:
    """One variable of the model, with all of its equations."""

    name: str
    """As the file first writes it, runs of white space made one space; quotes are kept."""
    kind: VariableKind
    unit: str
    """As the file writes it; empty if it gives none."""
    name_zh: str
    """The comment up to its first ``。``; empty if there is none."""
    meaning_en: str
    """The comment without the Chinese name, what is Chinese after it, and the tags at its end."""
    meaning_zh: str
    """The comment from its first ``。`` to its last; empty if there is nothing between."""
    sources: tuple[str, ...]
    """The tags that name sources, whole: ``M01``, ``E090: 0.06–0.12``, ``A: 0.4–0.6 理由。reason``;
    `read_source` takes one apart."""
    timing: Timing
    module: str
    """The Vensim group, without a leading dot; empty before the first group."""
    line: int
    """Where the first equation begins, counted from 1."""
    equation: str
    """The text as in the file; the equations of several elements are joined by newlines."""
    subscripts: tuple[str, ...]
    """The names of the subscript ranges, in order; empty for a scalar."""
    admissible: tuple[float | None, float | None]
    """The bounds in Vensim's ``[min,max]``, in ``unit``: no value outside is accepted."""
    plausible: tuple[float, float] | None
    """The range of the first source tag that has one, in ``unit``."""
    value: float | Mapping[str, float] | None
    """The number of a constant or a numeric control, in ``unit``; for an array the numbers by
    element (``"a"``, ``"a,b"``). None for everything else."""
    causes: tuple[str, ...]
    """The names of all variables that the equations refer to (``Time`` is not among them)."""
    initial_causes: tuple[str, ...]
    """Those of ``causes`` that only the initial value of an INTEG refers to."""

    @property
    def felt(self) -> tuple[str, ...]:
        """The names of what acts on it in a run: `causes` but those of initial values alone."""
        return tuple(name for name in self.causes if name not in self.initial_causes)

    @property
    def source_ids(self) -> tuple[str, ...]:
        """The sources without ranges and reasons: ``E090``, ``A``."""
        return tuple(read_source(tag).id for tag in self.sources)


@dataclass(frozen=True)
class Module:
    """A part of the model: a Vensim group."""

    name: str
    """Without a leading dot; empty for what is before the first group."""
    name_zh: str
    """The group's comment up to its first ``。``; empty if there is none."""
    meaning_en: str
    """The comment after its last ``。``."""
    meaning_zh: str
    """The text between; empty if there is none."""


@dataclass(frozen=True)
class SubscriptRange:
    """A named, ordered set of elements."""

    name: str
    elements: tuple[str, ...]
    name_zh: str
    elements_zh: tuple[str, ...]
    """As long as ``elements``, or empty if the file gives no Chinese names."""

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Each element in English and Chinese; twice in English if it has no Chinese name."""
        return tuple(zip(self.elements, self.elements_zh or self.elements, strict=True))


class Integration(StrEnum):
    """Method by which stocks are integrated; see docs/topics/integration.md."""

    EULER = "euler"
    MIDPOINT = "midpoint"
    RK4 = "rk4"


@dataclass(frozen=True)
class TimeSpec:
    """The clock of the simulation, in the model's unit of time, and how it steps."""

    initial: float
    final: float
    step: float
    saveper: float
    integration: Integration = Integration.EULER

    @property
    def controls(self) -> dict[str, float]:
        """The clock by the names that Vensim has for its parts."""
        return {
            "INITIAL TIME": self.initial,
            "FINAL TIME": self.final,
            "TIME STEP": self.step,
            "SAVEPER": self.saveper,
        }


MOST_STEPS = 10_000_000
"""Maximum number of steps in one run."""


def unsound_clock(time: TimeSpec, unit: str = "") -> tuple[str, Message] | None:
    """Return the part of a clock that is at fault, and what is expected; None if it is sound.

    With a ``unit`` of time, that of a model whose clock a scenario sets: a run is read by years, so
    the step has to divide the run and the year, or to be whole years.
    """
    if time.final < time.initial:
        return "FINAL TIME", Message("at least INITIAL TIME ({initial:g})", initial=time.initial)
    for name in ("TIME STEP", "SAVEPER"):
        if time.controls[name] <= 0:
            return name, Message("more than zero")
    steps = (time.final - time.initial) / time.step
    if steps > MOST_STEPS:
        return "TIME STEP", Message("at most {limit:,} steps in a run", limit=MOST_STEPS)
    if unit and not all(map(_is_whole, (steps, time.saveper / time.step))):
        return "TIME STEP", Message(
            "a step of which the whole run, {run:g}, and SAVEPER, {saveper:g}, are multiples",
            run=time.final - time.initial,
            saveper=time.saveper,
        )
    if folded(unit) in ("year", "years") and not _is_whole(max(time.step, 1 / time.step)):
        return "TIME STEP", Message("a step that divides the year, or whole years")
    return None


def _is_whole(number: float) -> bool:
    return abs(number - round(number)) <= 1e-6


@dataclass(frozen=True, repr=False)
class Model:
    """What a Vensim file says. It neither runs nor draws itself."""

    name: str
    """The file's stem."""
    path: Path
    sha256: str
    """Digest of the file's bytes without its drawings, in hexadecimal."""
    text: str
    """The whole file, newlines as ``\\n``, without a byte order mark; of a variant its own."""
    variables: Mapping[str, Variable]
    """By name, in the order of the file."""
    subscripts: Mapping[str, SubscriptRange]
    time: TimeSpec
    modules: Mapping[str, Module] = field(default_factory=dict)
    """Those that hold a variable, by name, in the order of the file."""
    moving_clock: bool = False
    """Whether the numbers of its clock depend on the time; ``time`` is what they are at first."""
    warnings: tuple[Fault, ...] = ()
    """What is wrong but does not hinder a run."""
    original: Model | None = None
    """The model as its file has it, if this is a variant."""

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the variables that only the variant has."""
        known = self.variables if self.original is None else self.original.variables
        return tuple(name for name in self.variables if name not in known)

    @property
    def centred(self) -> bool:
        """Whether TIME = y is the middle of year y, at whose end stocks are read."""
        return any(v.timing is Timing.YEAR_END for v in self.variables.values())

    def __repr__(self) -> str:
        """Name the file and its size: the whole text would flood a notebook."""
        return f"<Model {self.name}: {len(self.variables)} variables, {self.path}>"

    def _repr_html_(self) -> str:
        from plansim.files.notebook import card

        kinds = Counter(variable.kind for variable in self.variables.values())
        time = self.time
        return card(
            self.name,
            [
                ("stocks · 存量", str(kinds[VariableKind.STOCK])),
                ("flows · 流量", str(kinds[VariableKind.FLOW])),
                ("auxiliaries · 辅助变量", str(kinds[VariableKind.AUXILIARY])),
                ("constants · 常数", str(kinds[VariableKind.CONSTANT])),
                ("ranges · 下标", ", ".join(
                    f"{name} ({len(one.elements)})" for name, one in self.subscripts.items()
                )),
                ("modules · 模块", ", ".join(self.modules)),
                ("time · 时间", f"{time.initial:g}–{time.final:g}, Δ {time.step:g}"),
                ("file · 文件", self.path.name),
            ],
        )  # fmt: skip

    def find(self, name: str) -> Variable:
        """Return the variable of an English or Chinese name.

        Letter case, ``_`` for a space, and the width of characters (Unicode NFKC) do not matter.

        Raises:
            UnknownNameError: no variable, or more than one, bears the name.
        """
        found = self._by_folded_name.get(folded(name), ())
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownNameError(
                "more than one variable is called '{name}'",
                file=self.path,
                expected=Message(
                    "one of {names}", names=tuple(variable.name for variable in found)
                ),
                name=name,
            )
        names = [*self.variables, *(v.name_zh for v in self.variables.values() if v.name_zh)]
        raise UnknownNameError(
            "no variable is called '{name}'",
            file=self.path,
            nearest=nearest(name, names),
            name=name,
        )

    def get(self, name: str) -> Variable | None:
        """Return the variable that `find` returns; None where that raises an error.

        A search for the nearest name, as for a message, would take a thousand times as long.
        """
        found = self._by_folded_name.get(folded(name), ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def elements_zh(self) -> Mapping[str, str]:
        """The Chinese names of elements, by element; without those that have none."""
        ranges = [one for one in self.subscripts.values() if one.elements_zh]
        return dict(pair for one in ranges for pair in one.pairs)

    @cached_property
    def equations_sha256(self) -> str:
        """Return the digest of equations, constants, elements and ranges.

        Comments, units, order, spacing, the sketch and the clock do not matter to it.
        """
        described = [
            (
                variable.name,
                "".join(variable.equation.split()),
                variable.admissible,
                variable.plausible,
            )
            for variable in self.variables.values()
            if variable.kind is not VariableKind.CONTROL
        ]
        elements = [(name, range_.elements) for name, range_ in self.subscripts.items()]
        return digest(json.dumps([sorted(described), sorted(elements)]))

    @cached_property
    def scan(self) -> Scan:
        """The equations as trees, and the subscript ranges."""
        from plansim.model.reading.scan import scan_text  # a model that was kept needs none of it

        return scan_text(self.text, FaultLog(self.path))

    @cached_property
    def _by_folded_name(self) -> Mapping[str, tuple[Variable, ...]]:
        english: dict[str, tuple[Variable, ...]] = {}
        chinese: dict[str, tuple[Variable, ...]] = {}
        for variable in self.variables.values():
            english[folded(variable.name)] = (variable,)
            if variable.name_zh:
                key = folded(variable.name_zh)
                chinese[key] = (*chinese.get(key, ()), variable)
        return chinese | english


def cells_of(model: Model, variable: Variable) -> list[str]:
    """Return the names of a variable's elements, row by row: ``name`` or ``name[e1,e2]``."""
    ranges = [model.subscripts[name].elements for name in variable.subscripts]
    return [cell_name(variable.name, cell) for cell in itertools.product(*ranges)]


def cell_name(name: str, cell: Sequence[str]) -> str:
    """Return ``name[e1,e2]``, or for a scalar ``name``."""
    return f"{name}[{','.join(cell)}]" if cell else name


def folded(name: str) -> str:
    """Make names that a user may take for the same equal.

    >>> folded("GDP_per  Registered head") == folded("ＧＤＰ per registered head")
    True
    """
    plain = unicodedata.normalize("NFKC", name).replace("_", " ").strip().strip('"')
    return " ".join(plain.split()).casefold()
