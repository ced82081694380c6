"""Random models with arrays, memory and macros, and how plain numpy computes them.

Each term is a text of Vensim and a function of a run, so that nothing of the package is asked for
what is right. A value is an array over two ranges, A and B, of length 1 where it does not vary.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.helpers.plain_numpy import (
    CURVES,
    DATA,
    ELEMENTS,
    ONE,
    STEP,
    STEPS,
    TWO,
    Array,
    Run,
    by_row,
    held,
    looked_up,
    whole,
)

HEAD = """{UTF-8}
A: a1, a2, a3 ~~|
Ends: a1, a3 ~~|
Again <-> A ~~|
B: (b1-b2) ~~|
Zone: z1, z2 -> B ~~|
:MACRO: KEPT(x, rate)
KEPT= INTEG(rate*(x - KEPT), 0.5*x) ~ x ~|
:END OF MACRO:
:MACRO: TWICE(x, y : middle)
middle= KEPT(x, 0.3) ~ x ~|
TWICE= KEPT(middle, y) + y ~ x ~|
:END OF MACRO:
curve[a1]((-2,1),(0,2),(1.5,0.5),(4,3)) ~~|
curve[a2](-1,0,2,  0.5,-1,1.5) ~~|
curve[a3]([(-3,-3)-(3,3)],(-2.5,-1),(0.137,0.4),(0.137,0.9),(2,2)) ~~|
INITIAL TIME= 1 ~ Year ~|
FINAL TIME= INITIAL TIME + years of it ~ Year ~|
years of it= 5 ~ Year ~|
TIME STEP= 1/4 ~ Year ~|
SAVEPER= TIME STEP ~ Year ~|
"""


Marks: TypeAlias = Mapping[str, str]
"""What stands for each range within brackets: the range, a sub-range, an element, with ``!``."""

PLAIN = {name: name for name in ELEMENTS}


@dataclass(frozen=True)
class Term:
    text: Callable[[Marks], str]
    value: Callable[[Run], Array]


@dataclass(frozen=True)
class Variable:
    name: str
    dims: str
    text: str
    """Its equations."""
    value: Callable[[Run], Array]


class ModelWriter:
    """Writes a model, and keeps how it is computed; without arrays and macros if PySD reads it."""

    def __init__(self, random: Random, for_pysd: bool = False) -> None:
        self.random = random
        self.for_pysd = for_pysd
        self.variables: list[Variable] = []
        self.stocks: list[tuple[str, str]] = []
        self.bound: frozenset[str] = frozenset()

    def spelt(self, name: str) -> str:
        """Write a name in one of the ways that are the same to Vensim."""
        if name.startswith('"'):
            return name
        space = self.random.choice([" ", " ", "_", "  "])
        return self.random.choice([name, name, name.upper(), name.title()]).replace(" ", space)

    def term(self, dims: str, depth: int) -> Term:
        """Write a term that varies over no other ranges than ``dims``."""
        make = self.random.choice(
            [self.leaf] * 3
            if depth <= 0
            else [self.leaf, self.plain, self.plain, self.memory, self.memory, self.table,
                  self.of_time]
            + [self.over_elements, self.macro, self.at_element, self.vector_select]
            * (not self.for_pysd)
        )  # fmt: skip
        return make(dims, depth - 1)

    def leaf(self, dims: str, depth: int) -> Term:
        names = [(v.name, v.dims) for v in self.variables] + self.stocks
        fit = [(name, own) for name, own in names if set(own) <= set(dims)]
        if not fit or self.random.random() < 0.2:
            number = round(self.random.uniform(-3, 3), 3)
            return Term(lambda marks: f"({number})", lambda run: whole(number))
        name, own = self.random.choice(fit)
        spelt = self.spelt(name)
        return Term(
            lambda marks: spelt + (f"[{', '.join(marks[d] for d in own)}]" if own else ""),
            lambda run: run.values[name],
        )

    def plain(self, dims: str, depth: int) -> Term:
        a, b = self.term(dims, depth), self.term(dims, depth)
        if self.random.random() < 0.4:
            form, one = self.random.choice(ONE)
            return Term(lambda marks: form % a.text(marks), lambda run: one(a.value(run)))
        text, two = self.random.choice(TWO)
        return Term(
            lambda marks: text % (a.text(marks), b.text(marks)),
            lambda run: two(a.value(run), b.value(run)),
        )

    def of_time(self, dims: str, depth: int) -> Term:
        a = self.term(dims, depth)
        forms: Sequence[tuple[str, Callable[[Array, float], Array]]] = (
            ("%s*PULSE(2.1, 1.4)", lambda a, t: a * (2.1 < t + STEP / 2 < 3.5)),
            ("STEP(%s, 2.4)", lambda a, t: a * (t >= 2.4)),
            ("RAMP(0.3*%s, 2.2, 4.3)", lambda a, t: 0.3 * a * (min(max(t, 2.2), 4.3) - 2.2)),
            ("%s*PULSE TRAIN(1.55, 0.4, 1.1, 5.2)",
             lambda a, t: a * (t <= 5.2 and t >= 1.55 - STEP / 2
                               and (t + STEP / 2 - 1.55) % 1.1 < 0.4)),
            ("(%s + GET TIME VALUE(0, 0, 0)/9)", lambda a, t: a + t / 9),
            ("IF THEN ELSE(Time > (INITIAL TIME + FINAL TIME)/2, %s, TIME STEP)",
             lambda a, t: np.where(t > 3.5, a, STEP)),
        )  # fmt: skip
        form, function = self.random.choice(forms)
        return Term(
            lambda marks: form % a.text(marks), lambda run: function(a.value(run), run.time)
        )

    def memory(self, dims: str, depth: int) -> Term:
        a, key = self.term(dims, depth), object()
        d = round(self.random.uniform(0.9, 4), 2)
        order = self.random.choice((1, 2, 3))
        shown = self.random.choice(
            [f"{order}", f"MAX({order}, 1)", f"{order}.4", f"{order - 1} + 1"]
        )

        def fixed(run: Run, steps: int) -> Array:
            x = run.memory[key, run.step] = a.value(run)
            return run.memory.get((key, run.step - steps), 0 * x + 0.3)

        def sampled(run: Run) -> Array:
            x = a.value(run)
            kept = run.memory.get(key, 0 * x + 0.4)
            run.memory[key] = np.where(x > 0.31, x, kept)
            return run.memory[key]

        def trend(run: Run) -> Array:
            x = np.abs(a.value(run)) + 1
            mean = run.level(key, run.memory.setdefault((key, 0), x / (1 + d * 0.1)),
                             lambda now: (x - now) / d)  # fmt: skip
            return (x - mean) / (d * np.abs(mean))

        steps = self.random.randint(1, 9)
        forms: Sequence[tuple[str, Callable[[Run], Array]]] = (
            (f"SMOOTH(%s, {d})", lambda run: run.smoothed(key, a.value(run), None, 1, d)),
            (f"SMOOTHI(%s, {d}, 0.3)", lambda run: run.smoothed(key, a.value(run), 0.3, 1, d)),
            (f"SMOOTH3(%s, {d})", lambda run: run.smoothed(key, a.value(run), None, 3, d)),
            (f"SMOOTH3I(%s, {d}, -0.2)", lambda run: run.smoothed(key, a.value(run), -0.2, 3, d)),
            (f"SMOOTH N(%s, {d}, 0.1, {shown})",
             lambda run: run.smoothed(key, a.value(run), 0.1, order, d)),
            (f"DELAY1(%s, {d})", lambda run: run.delayed(key, a.value(run), None, 1, d)),
            (f"DELAY1I(%s, {d}, 0.3)", lambda run: run.delayed(key, a.value(run), 0.3, 1, d)),
            (f"DELAY3(%s, {d})", lambda run: run.delayed(key, a.value(run), None, 3, d)),
            (f"DELAY3I(%s, {d}, 0.3)", lambda run: run.delayed(key, a.value(run), 0.3, 3, d)),
            (f"DELAY N(%s, {d}, 0.2, {shown})",
             lambda run: run.delayed(key, a.value(run), 0.2, order, d)),
            (f"DELAY FIXED(%s, {steps}*TIME STEP, 0.3)", lambda run: fixed(run, steps)),
            (f"DELAY FIXED(%s, {steps / 4 - 0.1:.2f}, 0.3)", lambda run: fixed(run, steps)),
            (f"TREND(ABS(%s) + 1, {d}, 0.1)", trend),
            ("INITIAL(%s)", lambda run: run.memory.setdefault(key, a.value(run))),
            (f"DELAY MATERIAL(%s, {steps}*TIME STEP, 0.3, 0)", lambda run: fixed(run, steps)),
        )  # fmt: skip
        form, value = self.random.choice(forms[: len(forms) - self.for_pysd])
        if self.random.random() < 0.1 and not self.for_pysd:
            name = a.text
            return Term(lambda m: f"SAMPLE IF TRUE({name(m)} > 0.31, {name(m)}, 0.4)", sampled)
        return Term(lambda marks: form % a.text(marks), value)

    def over_elements(self, dims: str, depth: int) -> Term:
        over = self.random.choice(["A", "B", "AB"])
        # A function over elements takes all marks with ! in it for its own.
        outer, self.bound = self.bound, self.bound | {*over}
        a = self.term("".join(sorted({*dims} - outer | {*over})), depth)
        self.bound = outer
        forms: Sequence[tuple[str, Callable[..., Array]]] = (
            ("SUM", np.sum), ("PROD", np.prod), ("VMIN", np.min), ("VMAX", np.max)
        )  # fmt: skip
        form, function = self.random.choice(forms)
        part = "A" in over and self.random.random() < 0.3
        marks_of = {d: "Ends!" if part and d == "A" else f"{d}!" for d in over}

        def value(run: Run) -> Array:
            x = a.value(run)
            size = [
                n if d in over else x.shape[i]
                for i, (d, n) in enumerate(zip("AB", (3, 2), strict=True))
            ]
            x = np.broadcast_to(x, size)
            x = x[[0, 2]] if part else x
            axes = tuple(i for i, d in enumerate("AB") if d in over)
            return np.asarray(function(x, axis=axes, keepdims=True))

        def text(marks: Marks) -> str:
            # A range that no term has is not summed over: let each stand there.
            there = "".join(f" + 0*unit {d.lower()}[{marks_of[d]}]" for d in over)
            return f"{form}({a.text({**marks, **marks_of})}{there})"

        return Term(text, value)

    def vector_select(self, dims: str, depth: int) -> Term:
        outer, self.bound = self.bound, self.bound | {"A"}
        a, chosen = self.term("A", depth), self.term("A", 0)
        self.bound = outer
        actions: Sequence[tuple[int, Callable[[Array], float]]] = (
            (6, np.sum), (8, np.min), (9, np.max), (10, np.mean)
        )  # fmt: skip
        action, function = self.random.choice(actions)

        def value(run: Run) -> Array:
            x, yes = np.broadcast_arrays(a.value(run), chosen.value(run) > 0.1, np.ones((3, 1)))[:2]
            return whole(function(x[yes]) if yes.any() else -3.0)

        def text(marks: Marks) -> str:
            marks = {**marks, "A": "A!"}
            yes = f"IF THEN ELSE({chosen.text(marks)} > 0.1, 1, 0)*unit a[A!]"
            return f"VECTOR SELECT({yes}, {a.text(marks)}, -3, {action}, 0)"

        return Term(text, value)

    def at_element(self, dims: str, depth: int) -> Term:
        dim = self.random.choice("AB")
        a = self.term("".join(sorted({*dims, dim})), depth)
        index = self.random.randrange(len(ELEMENTS[dim]))

        def value(run: Run) -> Array:
            x, axis = a.value(run), "AB".index(dim)
            return x if x.shape[axis] == 1 else np.take(x, [index], axis)

        element = ELEMENTS[dim][index]
        return Term(lambda marks: a.text({**marks, dim: element}), value)

    def table(self, dims: str, depth: int) -> Term:
        a = self.term(dims, depth)
        if "A" in dims:
            return Term(
                lambda marks: f"curve[{marks['A']}]({a.text(marks)})",
                lambda run: by_row(a.value(run)),
            )  # fmt: skip
        row = self.random.randrange(3 - self.for_pysd)  # PySD has no jumps
        return Term(
            lambda marks: f"Curve[a{row + 1}](3*{a.text(marks)})",
            lambda run: looked_up(3 * a.value(run), *CURVES[row]),
        )

    def macro(self, dims: str, depth: int) -> Term:
        a, b, key = self.term(dims, depth), self.term(dims, 0), object()
        rate = round(self.random.uniform(0.1, 0.9), 2)

        def kept(run: Run, key: object, x: Array, rate: float | Array) -> Array:
            x = x + 0 * whole(rate)
            first = run.memory.setdefault((key, "start"), 0.5 * x)
            return run.level(key, first, lambda level: rate * (x - level))

        def twice(run: Run) -> Array:
            y = 0.4 * np.tanh(b.value(run))
            return kept(run, (key, 1), kept(run, (key, 0), a.value(run), 0.3), y) + y

        if self.random.random() < 0.5:
            return Term(
                lambda marks: f"KEPT({a.text(marks)}, {rate})",
                lambda run: kept(run, key, a.value(run), rate),
            )
        return Term(lambda m: f"Twice({a.text(m)}, 0.4*TANH({b.text(m)}))", twice)

    # --- variables -----------------------------------------------------------------------------

    def add(self, name: str, dims: str, text: str, value: Callable[[Run], Array]) -> None:
        self.variables.append(Variable(name, dims, text, value))

    def auxiliary(self, name: str, dims: str, depth: int) -> None:
        """Add a variable: one equation, one for a part and one for the rest, or by element."""
        left = name
        inside = [*dims]
        a, b = self.term(dims, depth), self.term(dims, depth)
        how = self.random.choice(["one", "one", "except", "parts"]) if "A" in dims else "one"
        if how == "one":
            right = a.text(PLAIN)
            self.add(name, dims, f"{left}{_brackets(inside)}= {right} ~~|\n", a.value)
            return
        part = {**PLAIN, "A": "Ends" if how == "except" else "a2"}
        rest = {**PLAIN, "A": "A" if how == "except" else "Ends"}
        named = [part[d] for d in dims]
        others = [rest[d] for d in dims]
        but = f" :EXCEPT: {_brackets(named)}" if how == "except" else ""
        text = (
            f"{left}{_brackets(named)}= {a.text(part)} ~~|\n"
            f"{name}{_brackets(others)}{but}= {b.text(rest)} ~~|\n"
        )
        rows = np.array([how == "except", how != "except", how == "except"])[:, None]
        self.add(name, dims, text, lambda run: np.where(rows, a.value(run), b.value(run)))

    def constants(self) -> None:
        numbers = np.round([[self.random.uniform(-2, 2) for _ in "12"] for _ in "123"], 2)
        row = ", ".join(map(str, numbers[:, 0]))
        grid = " ".join(", ".join(map(str, line)) + ";" for line in numbers)
        self.add("unit a", "A", "unit a[A]= 1 ~~|\n", lambda run: np.ones((3, 1)))
        self.add("unit b", "B", "unit b[B]= 1 ~~|\n", lambda run: np.ones((1, 2)))
        self.add("row of it", "A", f"row of it[A]= {row} ~~|\n", lambda run: numbers[:, :1])
        self.add('"grid, of it"', "AB", f'"grid, of it"[A, B]= {grid} ~~|\n', lambda run: numbers)
        tab = "\t".join(map(str, numbers[:, 1]))
        text = f"tabbed[A]= TABBED ARRAY(\n{tab}\n) ~~|\n"
        self.add("tabbed", "A", text, lambda run: numbers[:, 1:])

    def seen(self) -> None:
        """Add data from a table and from a file, and what is made of them by name."""
        ways: list[tuple[str, Callable[[Run], Array]]] = [
            ("", lambda run: whole(np.interp(run.time, *DATA))),
            (":INTERPOLATE:", lambda run: whole(np.interp(run.time, *DATA))),
            (":HOLD BACKWARD:", lambda run: whole(held(run.time, True))),
            (":LOOK FORWARD:", lambda run: whole(held(run.time, False))),
        ]
        sources = {
            "seen": "",
            "read": ":= GET DIRECT DATA(the file, ',', 'A', 'B2')",
            "seen again": ":= seen",
            "read again": ":= Read",
        }
        for name, source in sources.items():
            keyword, value = self.random.choice(ways)
            self.add(name, "", f"{name} {keyword}{source} ~~|\n", value)
        named = "files= 1 ~~|\nThe File :IS: 'data.csv' ~~|\n"
        self.add("files", "", named, lambda run: whole(1.0))
        if self.for_pysd:
            return
        by = round(self.random.uniform(-2, 2), 2)
        name = self.random.choice([*sources])
        text = f"moved:= TIME SHIFT({name}, {by}) ~~|\n"
        self.add("moved", "", text, lambda run: whole(np.interp(run.time + by, *DATA)))
        times, values = map(np.array, DATA)
        ends = self.random.uniform(0, times[1]), self.random.uniform(times[1], 6)
        among = values[(times >= ends[0]) & (times <= ends[1])]
        found = {"MAX": among.max(), "MIN": among.min(), "MEAN": among.mean()}
        what = self.random.choice([*found])
        text = f"of all= GET DATA {what}({name}, {ends[0]}, {ends[1]}) ~~|\n"
        self.add("of all", "", text, lambda run: whole(found[what]))

    def stock(self, name: str, dims: str) -> tuple[str, Callable[[Run], Array], Term]:
        initial, rate = self.term(dims, 1), self.term(dims, 3)
        self.stocks.append((name, dims))
        left = name + _brackets([*dims])
        text = f"{left}= INTEG(\\\n\t0.2*TANH({rate.text(PLAIN)}), {initial.text(PLAIN)}) ~~|\n"
        return text, initial.value, rate

    def mapped(self) -> None:
        a = self.term("A", 1)
        text = "by zone[Zone]= 0.7*Zone ~~|\nmapped[A, B]= by zone[Zone]*%s ~~|\n"
        self.add("mapped", "AB", text % a.text(PLAIN),
                 lambda run: np.array([[0.7, 1.4]]) * a.value(run) * np.ones((3, 1)))  # fmt: skip

    def of_vectors(self) -> None:
        """Add functions of whole vectors, one of which uses what another gives."""
        x = self.leaf("A", 0)
        up = self.random.choice([1, 0, -1])
        named = (
            f"base vector[A]= 0.3*{x.text(PLAIN)} + Again number[A] ~~|\nAgain number[A]= A/7 ~~|\n"
        )
        self.add("base vector", "A", named,
                 lambda run: 0.3 * x.value(run) + np.array([[1], [2], [3]]) / 7)  # fmt: skip

        def vector(run: Run) -> Array:
            return run.values["base vector"][:, 0]

        def order(run: Run) -> NDArray[np.int64]:
            found = np.argsort(vector(run), kind="stable")
            return found if up > 0 else found[::-1]

        def column(values: Array | NDArray[np.int64]) -> Array:
            return np.asarray(values, dtype=np.float64)[:, None]

        self.add("order", "A", f"order[A]= VECTOR SORT ORDER(base vector[A], {up}) ~~|\n",
                 lambda run: column(order(run)))  # fmt: skip
        self.add("sorted", "A", "sorted[A]= VECTOR REORDER(base vector[A], order[A]) ~~|\n",
                 lambda run: column(vector(run)[order(run)]))  # fmt: skip
        self.add("rank", "A", f"rank[A]= VECTOR RANK(base vector[A], {up}) ~~|\n",
                 lambda run: column(np.argsort(order(run)) + 1))  # fmt: skip
        matrix = (
            "matrix[A, Again]= IF THEN ELSE(A = Again, 3, TANH(sorted[A] - order[Again])) ~~|\n"
        )

        def inverse(run: Run) -> Array:
            m = np.tanh(vector(run)[order(run)][:, None] - order(run)[None, :])
            np.fill_diagonal(m, 3)
            return np.linalg.inv(m) @ column(vector(run))

        text = (
            "inverse[A, Again]= INVERT MATRIX(matrix[A, Again], 3) ~~|\n"
            "solved[A]= SUM(inverse[A, Again!]*base vector[Again!]) ~~|\n"
        )
        self.add("solved", "A", matrix + text, inverse)


def _brackets(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]" if names else ""


@dataclass(frozen=True)
class Written:
    """A model's text, and what its variables come to: by name, over time, A and B."""

    text: str
    values: Mapping[str, Array]
    dims: Mapping[str, str]


def write_model(random: Random, for_pysd: bool = False) -> Written:
    """Write a model at random, and compute it by Euler's method."""
    g = ModelWriter(random, for_pysd)
    shapes = [""] if for_pysd else ["", "A", "B", "AB"]
    g.constants()
    g.seen()
    for i in range(3):
        g.auxiliary(f"early {i}", random.choice(shapes), 2)
    first = list(g.variables)
    kinds = (("level", ""), ("tank of a", shapes[-1][:1]), ("pool", shapes[-1]))
    stocks = [g.stock(name, dims) for name, dims in kinds]
    for i in range(4):
        g.auxiliary(f"middle {i}", random.choice(shapes), 3)
    if not for_pysd:
        g.mapped()
        g.of_vectors()
    for i in range(4):
        g.auxiliary(f"late {i}", random.choice(shapes), 3)
    entries = [v.text for v in g.variables] + [text for text, _, _ in stocks]
    random.shuffle(entries)
    run, found = Run(), {name: [] for name in [v.name for v in g.variables]}  # type: ignore[var-annotated]
    levels: dict[str, Array] = {}
    for run.step in range(STEPS + 1):
        run.values = {} if not run.step else dict(levels)
        for variable in g.variables:
            if variable is g.variables[len(first)] and not run.step:
                for (name, dims), (_, initial, _) in zip(g.stocks, stocks, strict=True):
                    levels[name] = initial(run) + np.zeros(_shape(dims))
                    run.values[name] = levels[name]
            run.values[variable.name] = whole(variable.value(run))
            found[variable.name].append(
                np.broadcast_to(run.values[variable.name], _shape(variable.dims))
            )
        for (name, _), (_, _, rate) in zip(g.stocks, stocks, strict=True):
            found.setdefault(name, []).append(levels[name])
            levels[name] = levels[name] + STEP * 0.2 * np.tanh(rate.value(run))
    return Written(
        HEAD + "".join(entries),
        {name: np.stack(values) for name, values in found.items()},
        {**{v.name: v.dims for v in g.variables}, **dict(g.stocks)},
    )


def _shape(dims: str) -> tuple[int, int]:
    return (3 if "A" in dims else 1, 2 if "B" in dims else 1)
