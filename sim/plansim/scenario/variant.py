"""Variants of a model in which levers can be bent: the constants and equations for it.

Every scenario that is run by one variant gives the same bits as by the model itself, unless it sets
one of the added constants (`plansim.scenario.levers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from plansim.cache import code_of, digest, kept
from plansim.errors import Fault, Message, ModelError
from plansim.model.records import Model, Variable, cell_name, cells_of
from plansim.scenario.levers import (
    PARTS,
    RAMP,
    SERIES,
    SWITCH,
    ModelLever,
    added_constant,
    added_part,
    model_lever,
)

if TYPE_CHECKING:
    from plansim.model.reading.expression import Node
    from plansim.scenario.records import Scenario

__all__ = ["for_scenarios"]


def for_scenarios(
    model: Model, scenarios: Iterable[Scenario], constants: Iterable[str] = ()
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
    """How one input is bent."""

    lever: ModelLever
    parts: frozenset[str]
    """The endings of the names of the added constants."""

    @property
    def stem(self) -> str:
        """The name behind which the parts stand."""
        return self.lever.stem

    @property
    def years(self) -> list[int]:
        """The years of its series."""
        return sorted(int(part.removeprefix("in ")) for part in self.parts if part[:3] == "in ")

    def part(self, part: str, cell: Sequence[str]) -> str:
        """Return the constant of a part for some subscripts, as far as it has any."""
        constant = self.lever.own.get(part) or self.lever.added(part)
        assert constant is not None
        return cell_name(constant.name, cell if constant.subscripts else ())

    def bent(self, before: str, after: str, year: str, cell: Sequence[str]) -> str:
        """Return the formula of a lever in Vensim's language.

        ``before``, ``after`` and ``year`` are what its own formula has, ``cell`` the subscripts.
        """
        height = f"{after}-{before}"
        change = f"STEP({height},{year})"
        if RAMP["to"] in self.parts:
            to = self.part(RAMP["to"], cell)
            done = f"MIN(1,MAX(0,(Time-{year})/({to}-{year})))"
            change = f"IF THEN ELSE({to}>{year},({height})*{done},{change})"
        if RAMP["until"] in self.parts:
            until = self.part(RAMP["until"], cell)
            change = f"{change}*IF THEN ELSE({until}>{year},1-STEP(1,{until}),1)"
        return self.by_year(f"{before}+{change}", cell)

    def where_used(self, cell: Sequence[str]) -> str:
        """Return the formula that stands where the input itself stood."""
        itself = cell_name(self.stem, cell)
        if not self.parts & {*PARTS.values()}:
            return self.by_year(itself, cell)
        after, year = (self.part(SWITCH[key], cell) for key in ("after", "from"))
        return self.bent(itself, after, year, cell)

    def by_year(self, otherwise: str, cell: Sequence[str]) -> str:
        """Return a formula in whose place there may be a series, whose ends hold on."""
        if not self.years:
            return otherwise
        first, last = (self.part(part, cell) for part in SERIES)
        time = f"MIN(MAX(Time,{first}),{last})"
        terms = (
            f"{self.part(f'in {year}', cell)}*MAX(0,1-ABS({time}-({year})))" for year in self.years
        )
        return f"IF THEN ELSE({last}>={first},{'+'.join(terms)},{otherwise})"


def _variant(model: Model, names: Iterable[str]) -> Model:
    """Return a model with further constants, and with the equations that they act in."""
    # A model that was kept needs none of these.
    from plansim.model.rewrite import AddedEquation, with_formulas

    parts: dict[str, set[str]] = {}
    constants: list[Variable | None] = []
    for name in sorted(names):
        stem, part = added_part(name)
        if part:
            parts.setdefault(stem, set()).add(part)
        else:
            constants.append(added_constant(model, name))
    forms = []
    for stem, own in parts.items():
        lever = model_lever(model, stem)
        assert lever is not None, stem
        if any(part.startswith("in ") for part in own):
            own |= {*SERIES}
        if lever.is_input and own & {*PARTS.values()}:
            own |= {SWITCH["after"], SWITCH["from"]}
        forms.append(_Forms(lever, frozenset(own)))
        constants += map(lever.added, sorted(own))
    equations = [
        AddedEquation(
            constant.name,
            _numbers(model, constant),
            constant.subscripts,
            constant=True,
            unit=_unit(constant),
            comment=f"{constant.name_zh or constant.name}。"
            f"{constant.meaning_zh}{constant.meaning_en}",
        )
        for constant in constants
        if constant is not None
    ]
    inputs = [form for form in forms if form.lever.is_input]
    equations += (
        AddedEquation(
            f"{form.stem} by year",
            form.where_used(model.variables[form.stem].subscripts),
            model.variables[form.stem].subscripts,
            unit=model.variables[form.stem].unit,
            comment=f"{form.lever.stem_zh or form.stem}（逐年）。{form.stem}, as it is bent.",
        )
        for form in inputs
    )
    bent = {form.stem for form in inputs}
    variant = with_formulas(model, _bending(forms, bent), equations)
    if stiff := [form for form in forms if form.stem not in bent]:
        raise ModelError(
            Fault(
                "the equation of the lever '{name}' has a form that cannot be bent",
                model.path,
                form.lever.pattern.line,
                expected=Message(
                    "{name} before + STEP({name} after - {name} before, {name} from year)",
                    name=form.stem,
                ),
                name=form.stem,
            )
            for form in stiff
        )
    return replace(variant, sha256=model.sha256, warnings=model.warnings)


def _bending(forms: Iterable[_Forms], bent: set[str]) -> Callable[[Node], Node | None]:
    """Return what puts formulas in the place of levers and of inputs, by what stands for them.

    The levers whose own formula was found are noted in ``bent``.
    """
    from plansim.model.reading.expression import Call, Name, Number, Operation, name_key
    from plansim.model.reading.syntax import read_expression
    from plansim.model.rewrite import unparse

    by_key = {name_key(form.stem): form for form in forms}

    def bend(node: Node) -> Node | None:
        match node:
            case Operation(
                "+",
                (
                    Name() | Number() as before,
                    Call("step", _, (Operation("-", (Name() as after, base)), Name() as year)),
                ),
            ) if base == before:
                form = by_key.get(after.key.removesuffix("_after"))
                if form is None or form.lever.is_input:
                    return None
                own = [name_key(constant.name) for constant in form.lever.own.values()]
                if own != [
                    before.key if isinstance(before, Name) else "", after.key, year.key,
                ]:  # fmt: skip
                    return None
                bent.add(form.stem)
                given = (unparse(before), unparse(after), unparse(year))
                return read_expression(form.bent(*given, after.written[1:]))
            case Name(key) if key in by_key and by_key[key].lever.is_input:
                return read_expression(cell_name(f"{by_key[key].stem} by year", node.written[1:]))
        return None

    return bend


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
