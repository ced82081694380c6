"""Random models written with random terms, and what their variables come to over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from tests.helpers.grammar import PLAIN, Grammar, Term, Variable
from tests.helpers.plain_numpy import (
    DATA,
    STEP,
    STEPS,
    Array,
    Run,
    held,
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


class ModelWriter(Grammar):
    """Writes the variables of a model."""

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
