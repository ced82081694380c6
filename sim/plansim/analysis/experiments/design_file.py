"""The file of a sweep's design, and from it a `Design` that fits the model.

The form is in `design_form`, a table of points in `design_table`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from plansim.analysis.experiments.design import MOST_RUNS, Design, Kind, remaining_factors
from plansim.analysis.experiments.design_form import DesignFile, FactorForm, NumbersForm, Rest
from plansim.analysis.experiments.design_table import DesignTable, read_table
from plansim.analysis.experiments.distributions import (
    Discrete,
    Lognormal,
    Normal,
    Triangular,
    Uniform,
)
from plansim.analysis.experiments.sampling import MOST_HYPERCUBE, grid_axes
from plansim.errors import (
    CatalogueError,
    DesignError,
    Fault,
    InputError,
    Message,
    ScenarioError,
    UnknownNameError,
    nearest,
)
from plansim.files import is_shipped, shipped
from plansim.forms import Document, read_document
from plansim.forms import Location as Place
from plansim.model.records import Model, Variable, VariableKind, folded
from plansim.scenario.factors import Apply, Distribution, Factor, constants_of
from plansim.scenario.reader import Scenario, read_scenario, unsound_clock
from plansim.scenario.schema import Cell
from plansim.scenario.values import Entry, meant, number_in, outside, range_text
from plansim.targets.catalogue import split_reference
from plansim.targets.form import form_of
from plansim.targets.indicator import Floats

__all__ = [
    "design_named",
    "factors_of",
    "quick_design",
    "read_design",
]

SAMPLE = 1024
"""Points of a sample where the design does not say how many."""

TRAJECTORIES = 50
LEVELS = 4


def design_named(name: str, *, or_scenario: bool = False) -> Path:
    """Return the path of a design that comes with plansim, or the path that ``name`` is.

    Raises:
        UnknownNameError: there is no such design; a scenario would do, too, if ``or_scenario``.
    """
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        folder = shipped("scenarios", "sweeps")
        path = folder / f"{name}.yaml"
        if not path.is_file():
            names = sorted(each.stem for each in folder.glob("*.yaml"))
            known = Message("one of {names}, or a path", names=tuple(names))
            if or_scenario:
                known = Message(
                    "one of {names}, a path, or a scenario with --factor", names=tuple(names)
                )
            raise UnknownNameError(
                Fault(
                    "no design is called '{name}'",
                    expected=known,
                    nearest=nearest(name, names),
                    name=name,
                )
            )
    return path


def read_design(
    path: str | Path,
    model: Model,
    *,
    samples: int | None = None,
    seed: int | None = None,
    scenarios: Sequence[Scenario] | None = None,
) -> Design:
    """Read a design file, or the design of a name that comes with plansim, for a model.

    ``samples``, ``seed`` and ``scenarios`` go over what the file says. What the file's own
    scenarios set does not vary with the rest under others either.

    Raises:
        DesignError: with every fault of the file, its table and its scenarios.
        UnknownNameError: no design that comes with plansim has the name.
    """
    path = design_named(str(path))
    document = read_document(path)
    try:
        form = form_of(DesignFile, document)
    except CatalogueError as error:
        raise DesignError(error.faults) from None
    reader = _Reader(model, document, form, path)
    return reader.design(samples, seed, scenarios)


def quick_design(
    scenario: str,
    factors: Sequence[str],
    model: Model,
    *,
    samples: int | None = None,
    seed: int | None = None,
) -> Design:
    """Make a Sobol design of texts ``NAME`` or ``NAME=LOW..HIGH`` under one scenario.

    Raises:
        DesignError: a text cannot be read, or does not fit the model.
        UnknownNameError: no scenario bears the name.
        ScenarioError: the scenario's file is at fault.
    """
    forms: dict[str, FactorForm] = {}
    faults = []
    for text in factors:
        name, given, bounds = (part.strip() for part in text.partition("="))
        low, dots, high = (part.strip() for part in bounds.partition(".."))
        if not name or (given and not (low and dots and high)):
            faults.append(
                Fault(
                    "not a factor",
                    "--factor",
                    expected=Message("NAME or NAME=LOW..HIGH"),
                    found=text,
                )
            )
        elif name in forms:
            faults.append(Fault("the factor '{name}' is given twice", "--factor", name=name))
        else:
            forms[name] = FactorForm(uniform=[low, high] if given else None)
    if faults:
        raise DesignError(faults)
    document = Document("--factor", "", None, {}, ())
    read = read_scenario(scenario, model)
    form = DesignFile(title="", scenarios=[scenario], factors=forms)
    design = _Reader(model, document, form, None).design(samples, seed, [read])
    return replace(design, id=read.id, title_en=read.title_en, title_zh=read.title_zh)


def factors_of(
    forms: Mapping[str, FactorForm], document: Document, scenario: Scenario, model: Model
) -> tuple[Factor, ...]:
    """Make factors of a file's key ``factors``, within what is admissible.

    Raises:
        DesignError: with every fault.
    """
    reader = _Reader(model, document, DesignFile(title="", factors=dict(forms)), None)
    factors = tuple(reader._factors(None))
    reader._check_apart(factors)
    if not reader.faults:
        reader._check_ranges(factors, None, scenario)
    if reader.faults:
        raise DesignError(dict.fromkeys(reader.faults))
    return factors


class _Reader:
    """Turns the form into a design, noting what does not fit."""

    def __init__(
        self, model: Model, document: Document, form: DesignFile, path: Path | None
    ) -> None:
        self.model = model
        self.document = document
        self.form = form
        self.path = path
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def design(
        self, samples: int | None, seed: int | None, scenarios: Sequence[Scenario] | None = None
    ) -> Design:
        form = self.form
        named = [] if scenarios is not None and self.path is None else list(self._scenarios())
        read = [self._stepped(each) for each in (named if scenarios is None else scenarios)]
        self.warnings = [warning for scenario in read for warning in scenario.warnings]
        table = self._table()
        factors = list(self._factors(table))
        factors += self._rest(form.rest, factors, [*named, *read])
        outputs = list(self._outputs())
        if table is not None:
            table = replace(table, values=self._in_order(table, factors))
        self._check_apart(factors)
        self._check_years(read)
        if not self.faults:
            for scenario in read:
                self._check_ranges(factors, table, scenario)
        title = form.title
        draft = Design(
            id=self.path.stem if self.path else "",
            title_en=title if isinstance(title, str) else title.en,
            title_zh=title if isinstance(title, str) else title.zh,
            kind=form.design.kind,
            scenarios=tuple(read),
            factors=tuple(factors),
            points=1,
            seed=form.design.seed if seed is None else seed,
            levels=form.design.levels or LEVELS,
            outputs=tuple(outputs),
            years=tuple(sorted(set(form.years))),
            table=table.values if table else None,
            table_sha256=table.sha256 if table else "",
            path=self.path,
            sha256=self.document.sha256,
            warnings=tuple(dict.fromkeys(self.warnings)),
        )
        points = 1 if self.faults else self._points(draft, samples)
        if self.faults:
            raise DesignError(dict.fromkeys(self.faults))
        return replace(draft, points=points)

    def fault(
        self,
        message: Message,
        *place: str | int,
        expected: str | Message | None = None,
        found: str | Message | None = None,
        nearest: str | None = None,
    ) -> None:
        line = self.document.line(place)
        self.faults.append(Fault(message, self.document.file, line, expected, found, nearest))

    def _scenarios(self) -> Iterator[Scenario]:
        seen = set()
        for place, name in enumerate(self.form.scenarios):
            beside = None if self.path is None else self.path.parent / name
            path = beside if beside is not None and beside.suffix in {".yaml", ".yml"} else name
            try:
                scenario = read_scenario(path, self.model)
            except UnknownNameError as error:
                self._relay(error, "scenarios", place)
            except ScenarioError as error:
                self.faults += error.faults
            else:
                if scenario.id in seen:
                    self.fault(
                        Message("the scenario '{name}' stands twice", name=scenario.id),
                        "scenarios",
                        place,
                    )
                seen.add(scenario.id)
                yield scenario
        if not self.form.scenarios:
            self.fault(Message("a sweep needs a scenario"), "scenarios")

    def _relay(self, error: InputError, *place: str | int) -> None:
        line = self.document.line(place)
        self.faults += [
            replace(fault, file=self.document.file, line=line) for fault in error.faults
        ]

    # --- factors ---

    def _factors(self, table: DesignTable | None) -> Iterator[Factor]:
        forms = dict(self.form.factors)
        if table is not None:
            forms |= {name: FactorForm() for name in table.names if name not in forms}
            for name in forms.keys() - set(table.names):
                self.fault(Message("the table has no column '{name}'", name=name), "factors", name)
        if not forms and table is None and self.form.rest is None:
            self.fault(Message("a sweep needs factors"), "factors")
        for name, form in forms.items():
            try:
                yield self._factor(name, form, table is not None)
            except InputError as error:
                self.faults += error.faults

    def _rest(
        self, rest: Rest | None, factors: Sequence[Factor], scenarios: Sequence[Scenario]
    ) -> Iterator[Factor]:
        if rest is None:
            return
        if self.form.design.kind is Kind.TABLE:
            self.fault(Message("a table says itself what varies"), "rest")
            return
        without = []
        for place, name in enumerate(rest.without):
            try:
                without.append(self.model.find(name).name)
            except UnknownNameError as error:
                self._relay(error, "rest", "without", place)
        taken = {each for factor in factors for each in factor.constants}
        yield from remaining_factors(self.model, taken, scenarios, without)

    def _factor(self, name: str, form: FactorForm, tabled: bool) -> Factor:
        entry = Entry(name, name, self.document, ("factors", name))
        variables: dict[str, Variable] = {}
        for reference in form.constants or [name]:
            asked = replace(entry, name=reference)
            variable, elements = meant(self.model, asked)
            if variable.kind is not VariableKind.CONSTANT:
                raise _wrong(
                    asked,
                    Message("only a constant can vary from run to run"),
                    found=Message("the clock"),
                )
            for element in elements:
                variables[f"{variable.name}[{element}]" if element else variable.name] = variable
        units = {variable.unit for variable in variables.values()}
        unit = "Dmnl" if form.apply is Apply.MULTIPLY else next(iter(units))
        if form.apply is not Apply.MULTIPLY and len(units) > 1:
            raise _wrong(
                entry,
                Message("the constants of '{name}' have different units", name=name),
                found=Message("{units}", units=tuple(units)),
            )
        one = next(iter(variables.values()))
        if "/" in name or name.startswith("_"):
            raise _wrong(
                entry,
                Message("a factor cannot be called '{name}'", name=name),
                expected=Message("no slash in it"),
            )
        return Factor(
            name=one.name if folded(name) in {folded(one.name), folded(one.name_zh)} else name,
            constants=tuple(variables),
            apply=form.apply,
            distribution=self._distribution(entry, form, unit, one, tabled),
            unit=unit,
            name_zh=form.zh or (one.name_zh if len(variables) == 1 else ""),
            levels=form.levels,
        )

    def _distribution(
        self, entry: Entry, form: FactorForm, unit: str, variable: Variable, tabled: bool
    ) -> Distribution | None:
        shapes = ("uniform", "triangular", "normal", "lognormal", "discrete")
        given = [key for key in shapes if getattr(form, key) is not None]
        if len(given) > 1:
            raise _wrong(
                entry,
                Message("'{name}' has more than one distribution", name=entry.name),
                found=" and ".join(given),
            )
        if tabled:
            if given or form.within:
                raise _wrong(
                    entry,
                    Message("the table says what '{name}' is", name=entry.name),
                    found=given[0],
                )
            return None
        if form.within is not None and not {"normal", "lognormal"} & set(given):
            raise _wrong(entry, Message("only a normal or lognormal distribution is cut"), "within")
        if not given:
            return self._plausible(entry, form, variable)
        return self._given(entry, form, unit, variable, given[0])

    def _plausible(self, entry: Entry, form: FactorForm, variable: Variable) -> Uniform:
        if form.apply is not Apply.SET or len(form.constants) > 1 or variable.plausible is None:
            name = entry.name
            why = Message(
                "'{name}' needs a distribution, since it is not set but changed", name=name
            )
            if form.apply is Apply.SET:
                why = Message(
                    "'{name}' needs a distribution, since it has no plausible range", name=name
                )
            raise _wrong(
                entry,
                why,
                expected=Message("uniform: [low, high], or another one"),
            )
        return Uniform(*variable.plausible)

    def _given(
        self, entry: Entry, form: FactorForm, unit: str, variable: Variable, key: str
    ) -> Distribution:
        def number(cell: Cell, *below: str | int) -> float:
            return number_in(unit, entry, cell, (key, *below))

        def numbers(cells: Sequence[Cell], count: int, below: str = key) -> list[float]:
            found = [number_in(unit, entry, cell, (below, i)) for i, cell in enumerate(cells)]
            rises = all(a <= b for a, b in itertools.pairwise(found))
            if len(found) != count or not rises or found[0] == found[-1]:
                raise _wrong(
                    entry,
                    Message("'{name}' has no proper {range} range", name=entry.name, range=below),
                    below,
                    expected=Message("{count} rising numbers", count=count),
                    found=Message("{names}", names=tuple(f"{number:g}" for number in found))
                    if found
                    else Message("nothing"),
                )
            return found

        if form.uniform is not None:
            return Uniform(*numbers(form.uniform, 2))
        if form.triangular is not None:
            return Triangular(*numbers(form.triangular, 3))
        if form.discrete is not None:
            return self._discrete(entry, form.discrete, number)
        if form.within is not None:
            low, high = numbers(form.within, 2, "within")
        elif form.apply is Apply.SET:
            low, high = (
                open_ if end is None else end
                for end, open_ in zip(variable.admissible, (-math.inf, math.inf), strict=True)
            )
        else:
            raise _wrong(
                entry,
                Message("'{name}' needs ends", name=entry.name),
                expected=Message("within: [low, high]"),
            )
        if form.normal is not None:
            mean, sd = number(form.normal.mean, "mean"), number(form.normal.sd, "sd")
            self._check_shape(entry, sd, low <= mean <= high)
            return Normal(mean, sd, low, high)
        assert form.lognormal is not None
        median = number(form.lognormal.median, "median")
        self._check_shape(entry, form.lognormal.spread, max(low, 0.0) < median <= high)
        return Lognormal(median, form.lognormal.spread, max(low, 0.0), high)

    def _check_shape(self, entry: Entry, spread: float, inside: bool) -> None:
        if spread <= 0:
            raise _wrong(
                entry,
                Message("'{name}' needs a spread above zero", name=entry.name),
                found=f"{spread:g}",
            )
        if not inside:
            raise _wrong(
                entry, Message("the middle of '{name}' lies outside its ends", name=entry.name)
            )

    def _discrete(self, entry: Entry, form: NumbersForm, number: Callable[..., float]) -> Discrete:
        values = tuple(number(each, "values", i) for i, each in enumerate(form.values))
        weights = tuple(form.weights) or (1.0,) * len(values)
        if not values or len(weights) != len(values) or min(weights) < 0 or sum(weights) <= 0:
            raise _wrong(
                entry,
                Message("'{name}' has no proper discrete distribution", name=entry.name),
                "discrete",
                expected=Message("values, and as many weights that are not negative"),
            )
        return Discrete(values, weights)

    # --- what has to fit together ---

    def _check_apart(self, factors: Sequence[Factor]) -> None:
        """See that no two factors act on one constant, and that no two columns bear one name."""
        owners: dict[str, str] = {}
        names: set[str] = set(self.form.outputs)
        for factor in factors:
            if factor.name in names:
                self.fault(
                    Message("two things are called '{name}'", name=factor.name),
                    "factors",
                    factor.name,
                )
            names.add(factor.name)
            for reference in factor.constants:
                if owner := owners.get(reference):
                    self.fault(
                        Message(
                            "'{name}' and '{owner}' act on one constant",
                            name=factor.name,
                            owner=owner,
                        ),
                        "factors",
                        factor.name,
                        found=reference,
                    )
                owners[reference] = factor.name

    def _stepped(self, scenario: Scenario) -> Scenario:
        """Give a scenario the step of the design."""
        if self.form.step is None:
            return scenario
        time = replace(scenario.time, step=self.form.step)
        if unsound := unsound_clock(time):
            self.fault(unsound[0], "step", found=unsound[1])
            return scenario
        values = {**scenario.values, self.model.find("TIME STEP").name: time.step}
        return replace(scenario, time=time, values=values)

    def _check_years(self, scenarios: Sequence[Scenario]) -> None:
        for place, year in enumerate(self.form.years):
            if scenarios and not any(s.time.initial <= year <= s.time.final for s in scenarios):
                first = min(each.time.initial for each in scenarios)
                last = max(each.time.final for each in scenarios)
                self.fault(
                    Message("no run reaches {year}", year=year),
                    "years",
                    place,
                    expected=Message("{low:g} to {high:g}", low=first, high=last),
                )

    def _check_ranges(
        self, factors: Sequence[Factor], table: DesignTable | None, scenario: Scenario
    ) -> None:
        """Hold what the factors make of the constants to the constants' ranges."""
        for place, factor in enumerate(factors):
            if factor.distribution is not None:
                ends = np.array([factor.distribution.low, factor.distribution.high])
            else:
                assert table is not None
                ends = np.array([table.values[:, place].min(), table.values[:, place].max()])
            at = ("factors", factor.name)
            if self.form.design.kind is Kind.MORRIS and not np.isfinite(ends).all():
                self.fault(
                    Message("'{name}' needs ends", name=factor.name),
                    *at,
                    expected=Message("within: [low, high]"),
                )
                continue
            base = scenario.values
            constants = constants_of(self.model, base, [factor], ends[:, np.newaxis])
            for reference, values in zip(factor.constants, constants.T, strict=True):
                self._check_range(factor, reference, sorted(map(float, values)), at)

    def _check_range(
        self, factor: Factor, reference: str, ends: Sequence[float], place: Place
    ) -> None:
        variable = (
            self.model.variables.get(reference)
            or self.model.variables[split_reference(reference)[0]]
        )
        ranges: list[tuple[tuple[float | None, float | None], list[Fault], Message]] = [
            (variable.admissible, self.faults, Message("admissible"))
        ]
        if variable.plausible is not None and not (self.path and is_shipped(self.path)):
            ranges.append((variable.plausible, self.warnings, Message("plausible")))
        for bounds, log, word in ranges:
            if any(math.isfinite(end) and outside(end, *bounds) for end in ends):
                log.append(
                    Fault(
                        "'{name}' takes '{reference}' outside its {range} range",
                        self.document.file,
                        self.document.line(place),
                        expected=range_text(*bounds, variable.unit),
                        found=range_text(ends[0], ends[1], variable.unit),
                        name=factor.name,
                        reference=reference,
                        range=word,
                    )
                )
                return

    def _outputs(self) -> Iterator[str]:
        for place, reference in enumerate(self.form.outputs):
            name, elements = split_reference(reference)
            try:
                variable = self.model.find(name)
            except UnknownNameError as error:
                self._relay(error, "outputs", place)
                continue
            if variable.kind not in {VariableKind.STOCK, VariableKind.FLOW, VariableKind.AUXILIARY}:
                self.fault(
                    Message("'{name}' does not move in a run", name=variable.name),
                    "outputs",
                    place,
                    expected=Message("a variable that a run computes"),
                    found=Message("a {kind}", kind=variable.kind),
                )
                continue
            yield from self._series(variable, elements, reference, place)

    def _series(
        self, variable: Variable, elements: Sequence[str], reference: str, place: int
    ) -> Iterator[str]:
        ranges = [self.model.subscripts[each].elements for each in variable.subscripts]
        if not elements:
            yield from references(variable.name, ranges)
            return
        found = []
        for element, within in zip(elements, ranges, strict=False):
            known = {folded(each): each for each in within}
            if folded(element) not in known:
                self.fault(
                    Message(
                        "'{name}' has no element '{element}'", name=variable.name, element=element
                    ),
                    "outputs",
                    place,
                    expected=Message("one of {names}", names=tuple(within)),
                    nearest=nearest(element, within),
                )
                return
            found.append((known[folded(element)],))
        if len(elements) != len(ranges):
            self.fault(
                Message("'{name}' has the wrong number of subscripts", name=reference),
                "outputs",
                place,
                expected=f"{variable.name}[{', '.join(variable.subscripts)}]"
                if ranges
                else Message("none"),
            )
            return
        yield from references(variable.name, found)

    # --- how many points ---

    def _points(self, design: Design, samples: int | None) -> int:
        sampling = self.form.design
        wanted = sampling.samples if samples is None else samples
        match design.kind:
            case Kind.GRID | Kind.TABLE:
                if wanted is not None:
                    what = Message("the table says how many points it has")
                    if design.kind is Kind.GRID:
                        what = Message("levels say how many points a grid has")
                    self.fault(what, "design", "samples")
                if design.table is not None:
                    points = len(design.table)
                else:
                    points = math.prod(len(axis) for axis in grid_axes(design))
            case Kind.MORRIS:
                if design.levels % 2:
                    self.fault(
                        Message("Morris trajectories need an even number of levels"),
                        "design", "levels", found=str(design.levels),
                    )  # fmt: skip
                points = (wanted or TRAJECTORIES) * (len(design.factors) + 1)
            case Kind.SOBOL | Kind.LATIN_HYPERCUBE:
                points = wanted or SAMPLE
        if design.kind is Kind.LATIN_HYPERCUBE and points > MOST_HYPERCUBE:
            most = Message("at most {limit} points; sobol has no such limit", limit=MOST_HYPERCUBE)
            self.fault(
                Message("a Latin hypercube has to be drawn whole"), "design", "samples",
                expected=most, found=str(points),
            )  # fmt: skip
        if points * len(design.scenarios) > MOST_RUNS:
            self.fault(
                Message("the design has too many runs"), "design",
                expected=Message("at most {limit}", limit=MOST_RUNS),
                found=f"{points * len(design.scenarios)}",
            )  # fmt: skip
        return points

    # --- a table ---

    def _table(self) -> DesignTable | None:
        sampling = self.form.design
        if (sampling.kind is Kind.TABLE) != (sampling.table is not None):
            self.fault(
                Message("a table design, and no other, names its table"),
                "design",
                expected=Message("table: FILE"),
            )
            return None
        if sampling.table is None:
            return None
        path = (self.path.parent if self.path else Path()) / sampling.table
        try:
            return read_table(path)
        except DesignError as error:
            self.faults += error.faults
        except OSError as error:
            self.fault(
                Message("the table cannot be read"), "design", "table",
                found=f"{path}: {error.strerror}",
            )  # fmt: skip
        return None

    def _in_order(self, table: DesignTable, factors: Sequence[Factor]) -> Floats:
        """Give the table's columns in the order of the factors."""
        names = {folded(name): place for place, name in enumerate(table.names)}
        columns = []
        for factor in factors:
            zh = folded(factor.name_zh)
            place = names.get(folded(factor.name), names.get(zh) if factor.name_zh else None)
            if place is not None:
                columns.append(table.values[:, place])
        return np.stack(columns, axis=1) if columns else np.empty((len(table.values), 0))


def references(name: str, ranges: Iterable[Sequence[str]]) -> Iterator[str]:
    """Give the references to all elements, ``name[e1,e2]``, the last changing fastest.

    >>> list(references("x", [("a", "b"), ("c",)])), list(references("x", []))
    (['x[a,c]', 'x[b,c]'], ['x'])
    """
    cells = list(itertools.product(*ranges))
    yield from (f"{name}[{','.join(cell)}]" if cell else name for cell in cells)


def _wrong(
    entry: Entry,
    message: Message,
    *below: str | int,
    expected: str | Message | None = None,
    found: str | Message | None = None,
) -> InputError:
    return entry.fault(message, below, expected=expected, found=found)
