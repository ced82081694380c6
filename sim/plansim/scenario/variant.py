"""Variants of a model in which levers can be bent: the constants and equations for it.

Every scenario that is run by one variant gives the same bits as by the model itself, unless it sets
one of the added constants (`plansim.scenario.levers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from plansim.cache import code_of, digest, kept
from plansim.errors import Fault, Message, ModelError
from plansim.model.records import Model, Variable, cell_name, cells_of
from plansim.scenario.levers import RAMP, SERIES, SWITCH, added_constant, added_part

__all__ = ["for_scenarios"]


class _Setting(Protocol):
    """Whatever sets constants, as a scenario does."""

    @property
    def values(self) -> Mapping[str, float]:
        """By ``name`` or ``name[e1,e2]``."""


def for_scenarios(
    model: Model, scenarios: Iterable[_Setting], constants: Iterable[str] = ()
) -> Model:
    """Return the variant of a model that has all constants that scenarios set.

    Args:
        model: the model, or a variant of it.
        scenarios: all that is to be run by one model.
        constants: what else is set, ``name`` or ``name[e1,e2]``, as by the factors of a sweep.

    Returns:
        The model itself if it has them.

    Raises:
        ModelError: an equation does not have the form that can be bent.
    """
    keys = {key for scenario in scenarios for key in scenario.values} | {*constants}
    unknown = {key.partition("[")[0] for key in keys} - model.variables.keys()
    names = {name for name in unknown if added_constant(model, name)}
    if not names:
        return model
    original = model.original or model
    every = {*names, *(name for name in model.added if added_constant(original, name))}
    key = digest(
        "variant",
        original.sha256,
        str(original.path),
        *sorted(every),
        code_of("", "model", "scenario"),
    )
    variant = kept("parsed", key, Model, lambda: _variant(original, every))
    return replace(variant, original=original)


@dataclass(frozen=True)
class _Forms:
    """How one input can be bent."""

    stem: str
    parts: frozenset[str]
    """Of the names of the added constants."""
    is_lever: bool
    """Or else a constant, in whose place there may be a series."""

    @property
    def years(self) -> list[int]:
        """The years of its series."""
        return sorted(int(part.removeprefix("in ")) for part in self.parts if part[:3] == "in ")

    def bent(self, before: str, height: str, year: str, cell: Sequence[str]) -> str:
        """Return the formula of a lever in Vensim's language.

        ``before``, ``height`` and ``year`` are what its own formula has, ``cell`` the subscripts.
        """
        _, bracket, inside = year.partition("[")
        to, until = (f"{self.stem} {part}{bracket}{inside}" for part in RAMP.values())
        change = f"STEP({height},{year})"
        if RAMP["to"] in self.parts:
            done = f"MIN(1,MAX(0,(Time-{year})/({to}-{year})))"
            change = f"IF THEN ELSE({to}>{year},{height}*{done},{change})"
        if RAMP["until"] in self.parts:
            change = f"{change}*IF THEN ELSE({until}>{year},1-STEP(1,{until}),1)"
        return self.by_year(f"{before}+{change}", cell)

    def by_year(self, otherwise: str, cell: Sequence[str]) -> str:
        """Return a formula in whose place there may be a series, whose ends hold on."""
        if not self.years:
            return otherwise
        first, last = (cell_name(f"{self.stem} {part}", cell) for part in SERIES)
        time = f"MIN(MAX(Time,{first}),{last})"
        terms = (
            f"{cell_name(f'{self.stem} in {year}', cell)}*MAX(0,1-ABS({time}-({year})))"
            for year in self.years
        )
        return f"IF THEN ELSE({last}>={first},{'+'.join(terms)},{otherwise})"


def _variant(model: Model, names: Iterable[str]) -> Model:
    """Return a model with further constants, and with the equations that they act in."""
    # A model that was kept needs none of these.
    from plansim.model.expression import Call, Name, Node, Operation
    from plansim.model.rewrite import AddedEquation, unparse, with_formulas
    from plansim.model.syntax import name_key, read_expression

    parts: dict[str, set[str]] = {}
    for name in sorted(names):
        stem, part = added_part(name)
        if part:
            parts.setdefault(stem, set()).add(part)
    forms = {}
    for stem, own in parts.items():
        if any(part.startswith("in ") for part in own):
            own |= {*SERIES}
        is_lever = f"{stem} {SWITCH['before']}" in model.variables
        forms[name_key(stem)] = _Forms(stem, frozenset(own), is_lever)
    bent: set[str] = set()

    def bend(node: Node) -> Node | None:
        match node:
            case Operation(
                "+",
                (
                    Name() as before,
                    Call(
                        "step",
                        _,
                        (Operation("-", (Name(after), Name() as base)) as height, Name() as year),
                    ),
                ),
            ):
                form = forms.get(before.key.removesuffix("_before"))
                names = (before.key, after, year.key)
                if form is None or base != before or names != tuple(
                    name_key(f"{form.stem} {part}") for part in SWITCH.values()
                ):  # fmt: skip
                    return None
                bent.add(form.stem)
                formula = form.bent(
                    unparse(before), unparse(height), unparse(year), before.written[1:]
                )
                return read_expression(formula)
            case Name(key) if key in forms and not forms[key].is_lever:
                return read_expression(cell_name(f"{forms[key].stem} by year", node.written[1:]))
        return None

    equations = []
    single = [name for name in names if not added_part(name)[1]]
    of_forms = [f"{form.stem} {part}" for form in forms.values() for part in sorted(form.parts)]
    for name in (*single, *of_forms):
        constant = added_constant(model, name)
        assert constant is not None, name
        equations.append(
            AddedEquation(
                constant.name,
                _numbers(model, constant),
                constant.subscripts,
                constant=True,
                unit=_unit(constant),
                comment=f"{constant.name_zh or constant.name}。"
                f"{constant.meaning_zh}{constant.meaning_en}",
            )
        )
    for form in forms.values():
        if not form.is_lever:
            constant = model.variables[form.stem]
            itself = cell_name(form.stem, constant.subscripts)
            equations.append(
                AddedEquation(
                    f"{form.stem} by year",
                    form.by_year(itself, constant.subscripts),
                    constant.subscripts,
                    unit=constant.unit,
                    comment=f"{constant.name_zh or form.stem}（逐年）。{form.stem}, or its series.",
                )
            )
    variant = with_formulas(model, bend, equations)
    if faults := [
        Fault(
            "the equation of the lever '{name}' has a form that cannot be bent",
            model.path,
            model.variables[f"{form.stem} {SWITCH['before']}"].line,
            expected=Message(
                "{name} before + STEP({name} after - {name} before, {name} from year)",
                name=form.stem,
            ),
            name=form.stem,
        )
        for form in forms.values()
        if form.is_lever and form.stem not in bent
    ]:
        raise ModelError(faults)
    return replace(variant, sha256=model.sha256, warnings=model.warnings)


def _unit(constant: Variable) -> str:
    """Return the unit of a constant with its admissible range, as Vensim writes them."""
    if constant.admissible == (None, None):
        return constant.unit
    low, high = ("?" if end is None else repr(end) for end in constant.admissible)
    return f"{constant.unit} [{low},{high}]"


def _numbers(model: Model, constant: Variable) -> str:
    """Return the numbers of a constant as a right-hand side."""
    if not isinstance(constant.value, Mapping):
        return repr(constant.value)
    labels = cells_of(model, constant)
    numbers = [repr(constant.value[label[len(constant.name) + 1 : -1]]) for label in labels]
    if len(constant.subscripts) == 1:
        return ",".join(numbers)
    width = len(model.subscripts[constant.subscripts[-1]].elements)
    rows = (numbers[at : at + width] for at in range(0, len(numbers), width))
    return ";".join(map(",".join, rows)) + ";"
