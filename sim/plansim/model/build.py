"""The records of a Vensim file, made of what `scan` finds in it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from plansim.errors import FaultLog, Message, ModelError
from plansim.model.comment import read_comment
from plansim.model.lint import check_sizes, check_soundness, is_function_call
from plansim.model.reading.equations import Equation, EquationForm, Range, Scan, short
from plansim.model.reading.expression import Name, NoValueError, Role, evaluate, name_key
from plansim.model.reading.function_names import INTEGRALS
from plansim.model.reading.scan import scan_text
from plansim.model.records import (
    Integration,
    Model,
    Module,
    SubscriptRange,
    TimeSpec,
    Timing,
    Variable,
    VariableKind,
    unsound_clock,
)

__all__ = ["build_model"]

_DEEPEST = 50
"""How many constants may be between a number of the clock and its numerals."""
_CLOCK_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {
        "abs": lambda given: abs(given[0]),
        "if_then_else": lambda given: given[1] if given[0] else given[2],
        "integer": lambda given: float(math.trunc(given[0])),
        "max": max,
        "min": min,
        "modulo": lambda given: math.fmod(given[0], given[1]),
        "zidz": lambda given: given[0] / given[1] if abs(given[1]) > 1e-6 else 0.0,
    }
)
"""Functions in the expressions of the clock, by key."""
_YEARS = frozenset({"", "year", "years", "yr", "yrs", "年"})
_CONTROL = ("initial_time", "final_time", "time_step", "saveper")
_SETTINGS = re.compile(r"^:L\x7f?<%\^E!@", re.MULTILINE)
_METHOD = re.compile(r"^15:(?:[^,\n]*,){3}\s*([^,\n]*?)\s*(?:,.*)?$", re.MULTILINE)
_METHODS = {
    "0": Integration.EULER,
    "1": Integration.RK4,
    "2": Integration.EULER,
    "3": Integration.MIDPOINT,
    "4": Integration.MIDPOINT,
    "5": Integration.RK4,
}
"""Methods by Vensim's number: Euler, RK4 auto, difference, RK2 auto, RK2 fixed, RK4 fixed."""


def build_model(text: str, file: Path, sha256: str, strict: bool) -> Model:
    """Make the model of a file's text; ``strict`` as for `load_model`.

    Raises:
        ModelError: with all faults, by line.
    """
    faults, warnings, slips = FaultLog(file), FaultLog(file), FaultLog(file)
    scan = scan_text(text, faults, slips)
    if faults.is_full or (faults and not scan.equations):
        raise ModelError(faults.by_line())
    if not scan.equations and not faults:
        raise ModelError("the file holds no equation", file)
    if not check_sizes(scan, faults):
        raise ModelError(faults.by_line())
    check_soundness(scan, faults, warnings)
    builder = _Builder(scan, faults, slips)
    variables = builder.variables()
    subscripts = builder.subscript_ranges()
    time = builder.time_spec(integration_of(text, faults))
    if time is not None and not faults and not builder.centres_years(variables.values(), time):
        variables = {name: replace(v, timing=Timing.YEAR) for name, v in variables.items()}
    builder.note_units(strict=strict)
    (faults if strict else warnings).extend(slips)
    if faults or time is None:
        raise ModelError(faults.by_line())
    return Model(
        name=file.stem,
        path=file,
        sha256=sha256,
        text=text,
        variables=variables,
        subscripts=subscripts,
        time=time,
        moving_clock=builder.moving_clock,
        modules=builder.modules(variables.values()),
        warnings=warnings.by_line(),
    )


def integration_of(text: str, faults: FaultLog) -> Integration:
    """Return the method of integration that the settings of a Vensim file name, else Euler's.

    The settings are a block after the sketch; of its line that begins with ``15:`` the fourth
    number is the method. What Vensim calls RK2 is the midpoint rule. The step is never adjusted
    ("auto").

    References: https://www.vensim.com/documentation/rungekutta.html;
    ``src/simlin-engine/src/mdl/settings.rs`` of github.com/bpowers/simlin (Apache-2.0), which
    follows xmutil, for the form of the block.
    """
    block = _SETTINGS.search(text)
    line = _METHOD.search(text, block.end()) if block else None
    if line is None:
        return Integration.EULER
    if line[1] not in _METHODS:
        faults.fault(
            "the file's settings name an unknown method of integration",
            text.count("\n", 0, line.start()) + 1,
            expected=Message("0 to 5, as the fourth number after '15:'"),
            found=line[1],
        )
    return _METHODS.get(line[1], Integration.EULER)


def _is_half(time: float) -> bool:
    return abs(time % 1 - 0.5) < 1e-6


@dataclass
class _Builder:
    """Makes the records of one file, and notes what is wrong; used once."""

    scan: Scan
    faults: FaultLog
    slips: FaultLog
    unitless: list[Variable] = field(default_factory=list)
    moving_clock: bool = False

    def variables(self) -> dict[str, Variable]:
        built = (self._variable(key, group) for key, group in self.scan.equations.items())
        return {variable.name: variable for variable in built}

    def subscript_ranges(self) -> dict[str, SubscriptRange]:
        built = map(self._subscript_range, self.scan.ranges.values())
        return {range_.name: range_ for range_ in built}

    def modules(self, variables: Iterable[Variable]) -> dict[str, Module]:
        """Return the groups that hold a variable."""
        built = {}
        for name in dict.fromkeys(variable.module for variable in variables):
            comment = read_comment(self.scan.groups.get(name, ""))
            built[name] = Module(name, comment.name_zh, comment.meaning_en, comment.meaning_zh)
        return built

    # The clock

    def centres_years(self, variables: Iterable[Variable], time: TimeSpec) -> bool:
        """Return whether TIME = y is the middle of year y, so that stocks are read half a year on.

        A model in years declares this by a clock that ends half a year after a whole one, or by the
        tag of a variable that is no stock; and it saves the halves. In any other, as in Vensim, a
        value of y is that at TIME = y.
        """
        if self.scan.equations["initial_time"][0].unit.lower() not in _YEARS:
            return False
        others = (v for v in variables if v.kind is not VariableKind.STOCK)
        marked = (v.timing is Timing.YEAR_END for v in others)
        count = min(1000, int((time.final - time.initial) / time.saveper) + 1)
        saved = (time.initial + number * time.saveper for number in range(count))
        return (_is_half(time.final) or any(marked)) and any(map(_is_half, saved))

    def time_spec(self, integration: Integration) -> TimeSpec | None:
        """Compute the clock, whose numbers may be given by expressions of constants."""
        clock: dict[str, float] = {}
        for key in _CONTROL:  # the initial time is the first
            if key not in self.scan.equations:
                name = key.replace("_", " ").upper()
                self.faults.fault(
                    "{name} is missing",
                    expected=Message("an equation '{name} = …'", name=name),
                    name=name,
                )
                continue
            value = self._number_of(key, clock.get("initial_time", 0.0), depth=0)
            if value is not None:
                clock[key] = value
            elif key not in self.scan.unreadable and len(self.scan.equations[key]) == 1:
                equation = self.scan.equations[key][0]
                self.faults.fault(
                    "{what} is not known before the run",
                    equation.line,
                    expected=Message("a number"),
                    what=equation.name,
                )
        if len(clock) < len(_CONTROL):
            return None
        initial, final, step, saveper = (clock[key] for key in _CONTROL)
        spec = TimeSpec(initial, final, step, saveper, integration)
        if wrong := unsound_clock(spec):
            name, expected = wrong
            self.faults.fault(
                "the clock cannot run with this {name}",
                self.scan.equations[name_key(name)][0].line,
                expected,
                f"{spec.controls[name]:g}",
                name=name,
            )
        return spec

    def _number_of(self, key: str, time: float, depth: int) -> float | None:
        """Compute a scalar that follows from numbers and the time; None if it does not."""
        if key == "time":
            self.moving_clock = True
            return time
        group = self.scan.equations.get(key, ())
        if len(group) != 1 or group[0].subscripts or depth > _DEEPEST:
            return None
        equation = group[0]
        if equation.numbers is not None:
            return equation.numbers[0] if len(equation.numbers) == 1 else None

        def value_of(name: Name) -> float:
            value = self._number_of(name.key, time, depth + 1)
            return math.nan if value is None else value

        try:
            value = math.nan
            if equation.tree is not None:
                value = evaluate(equation.tree, value_of, _CLOCK_FUNCTIONS, logic=True)
        except NoValueError:
            return None
        return None if math.isnan(value) else value

    # Subscripts

    def _subscript_range(self, range_: Range) -> SubscriptRange:
        comment = read_comment(range_.comment)
        elements_zh = comment.elements_zh
        if elements_zh and len(elements_zh) != len(range_.elements):
            self.slips.fault(
                "'{name}' does not have a Chinese name for each element",
                range_.line,
                expected=f"{len(range_.elements)}",
                found=f"{len(elements_zh)}",
                name=short(range_.name),
            )
            elements_zh = ()
        return SubscriptRange(range_.name, range_.elements, comment.name_zh, elements_zh)

    def _subscripts(self, group: tuple[Equation, ...]) -> tuple[str, ...]:
        """Return for each subscript the range that the equations together cover."""
        names = []
        for position in range(min(len(equation.subscripts) for equation in group)):
            used = [equation.subscripts[position] for equation in group]
            whole = self.scan.ranges.get(name_key(used[0]))
            if whole and len({name_key(name) for name in used}) == 1:
                names.append(whole.name)
                continue
            covered = frozenset(
                name_key(element) for name in used for element in self.scan.dimension(name)
            )
            names.append(self._smallest_range(covered, frozenset(names)) or used[0])
        return tuple(names)

    def _smallest_range(self, covered: frozenset[str], taken: frozenset[str]) -> str | None:
        """Return the smallest range that holds all of some elements; the first of equals.

        Of a matrix over one set of elements the second range is another one, if there is one.
        """
        holding = [name for name, keys in self._range_keys.items() if covered <= keys]
        sizes = {name: (len(self._range_keys[name]), name in taken) for name in holding}
        return min(sizes, key=sizes.__getitem__, default=None)

    @cached_property
    def _range_keys(self) -> Mapping[str, frozenset[str]]:
        return {
            range_.name: frozenset(map(name_key, range_.elements))
            for range_ in self.scan.ranges.values()
        }

    # Variables

    def _variable(self, key: str, group: tuple[Equation, ...]) -> Variable:
        first = group[0]
        kind = self._kind(key, group)
        comment = read_comment(next((eq.comment for eq in group if eq.comment.strip()), ""))
        causes, initial_causes = self._causes(group)
        at_year_end = kind is VariableKind.STOCK or comment.year_end
        variable = Variable(
            name=first.name,
            kind=kind,
            unit=next((eq.unit for eq in group if eq.unit), ""),
            name_zh=comment.name_zh,
            meaning_en=comment.meaning_en,
            meaning_zh=comment.meaning_zh,
            sources=comment.sources,
            timing=Timing.YEAR_END if at_year_end else Timing.YEAR,
            module=first.group,
            line=first.line,
            equation="\n".join(equation.text for equation in group),
            subscripts=self._subscripts(group),
            admissible=next((eq.limits for eq in group if eq.limits != (None, None)), (None, None)),
            plausible=comment.plausible,
            value=self._value(group, kind),
            causes=causes,
            initial_causes=initial_causes,
        )
        if key not in self.scan.unreadable:
            self._note_slips(variable, key)
        return variable

    def _kind(self, key: str, group: tuple[Equation, ...]) -> VariableKind:
        if key in _CONTROL:
            return VariableKind.CONTROL
        if any(equation.is_table for equation in group):
            return VariableKind.LOOKUP
        if any(not equation.called.isdisjoint(INTEGRALS) for equation in group):
            return VariableKind.STOCK
        if all(eq.numbers is not None and eq.form is not EquationForm.DATA for eq in group):
            return VariableKind.CONSTANT
        return VariableKind.FLOW if key in self._rates else VariableKind.AUXILIARY

    @cached_property
    def _rates(self) -> frozenset[str]:
        """The keys of all names in the rates of stocks."""
        return frozenset(
            ref.key
            for group in self.scan.equations.values()
            for equation in group
            for ref, role in equation.references
            if role is Role.RATE
        )

    def _causes(self, group: tuple[Equation, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the variables that the equations refer to, and those only initial values do."""
        initial_only: dict[str, bool] = {}
        for equation in group:
            for ref, role in equation.references:
                named = self.scan.equations.get(ref.key)
                if named and not is_function_call(ref):
                    cause, is_initial = named[0].name, role is Role.INITIAL
                    initial_only[cause] = initial_only.get(cause, True) and is_initial
        return tuple(initial_only), tuple(name for name, only in initial_only.items() if only)

    def _value(
        self, group: tuple[Equation, ...], kind: VariableKind
    ) -> float | Mapping[str, float] | None:
        if kind is VariableKind.CONTROL:
            numbers = group[0].numbers
            return numbers[0] if numbers else None
        if kind is not VariableKind.CONSTANT:
            return None
        values: dict[str, float] = {}
        for equation in group:
            numbers = equation.numbers or ()
            cells = self.scan.covered(equation)
            if len(numbers) == 1:
                numbers *= len(cells)
            elif len(numbers) != len(cells) and not self.scan.open_ended:
                self.faults.fault(
                    "'{name}' does not have as many numbers as elements",
                    equation.line,
                    expected=f"{len(cells)}",
                    found=f"{len(numbers)}",
                    name=short(equation.name),
                )
            pairs = zip(cells, numbers, strict=False)
            values.update((",".join(cell), number) for cell, number in pairs)
        return values if group[0].subscripts else values.get("")

    def note_units(self, *, strict: bool) -> None:
        """Note variables without a unit: each, or where units are no fault all in one."""
        expected = Message("a unit after the first '~'; Dmnl if it has no dimension")
        for variable in self.unitless if strict or len(self.unitless) == 1 else ():
            name = short(variable.name)
            self.slips.fault("'{name}' has no unit", variable.line, expected=expected, name=name)
        if len(self.unitless) > 1 and not strict:
            self.slips.fault(
                "{count} variables have no unit, '{name}' first",
                self.unitless[0].line,
                expected=expected,
                count=len(self.unitless),
                name=short(self.unitless[0].name),
            )

    # Slips: what does not hinder a run, but is an oversight in a model that is kept well

    def _note_slips(self, variable: Variable, key: str) -> None:
        name = short(variable.name)
        if not variable.unit and self.scan.equations[key][0].form is not EquationForm.OUTPUT:
            self.unitless.append(variable)
        if variable.plausible and variable.plausible[0] > variable.plausible[1]:
            self.slips.fault(
                "the plausible range of '{name}' is reversed",
                variable.line,
                found="–".join(f"{bound:g}" for bound in variable.plausible),
                name=name,
            )
        if key in self.scan.elements or key in self.scan.ranges:
            self.slips.fault(
                "'{name}' is also the name of a subscript",
                variable.line,
                expected=Message("another name: engines may take one for the other"),
                name=name,
            )
        values = variable.value if isinstance(variable.value, Mapping) else {"": variable.value}
        for element, value in values.items():
            if value is not None and not _within(value, variable.admissible):
                low, high = (
                    "?" if bound is None else f"{bound:g}" for bound in variable.admissible
                )
                self.slips.fault(
                    "'{name}' is outside of its own limits",
                    variable.line,
                    expected=Message("a value in [{low},{high}]", low=low, high=high),
                    found=f"{value:g}",
                    name=f"{name}[{element}]" if element else name,
                )


def _within(value: float, limits: tuple[float | None, float | None]) -> bool:
    low, high = limits
    return (low is None or low <= value) and (high is None or value <= high)
