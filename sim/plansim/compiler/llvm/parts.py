"""The parts of a run, each a function that takes one vector of runs after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from plansim.compiler.ir import Instruction, Op, Program
from plansim.compiler.llvm.body import FunctionBody
from plansim.compiler.llvm.clock import LENGTH, TABLEAU, WEIGHTS
from plansim.compiler.llvm.layout import Batch, StepLayout
from plansim.compiler.llvm.writer import LANES, Shared, Writer
from plansim.compiler.schedule import Schedule

__all__ = ["GIVEN", "RunParts"]

_WATCHERS = 4
_BEGUN = 1000
"""Number of states whose first values one function writes."""
GIVEN = (
    "ptr noalias readonly %row, ptr noalias readonly %tableau, ptr noalias readonly %rings, "
    "ptr noalias %memory, ptr noalias readonly %in, ptr noalias %out, ptr noalias %bad, "
    "i64 %vectors, i64 %stride, i64 %out_size, i64 %i, i64 %s, i64 %now, i64 %base, i64 %onto"
)
"""Parameters of each part. ``row`` is that of the clock at the stage ``s`` of the step ``i``. In
the memory of a vector, ``now`` is the row of the levels at the stage, ``base`` that of the levels
that it moves on from (see `integration`), ``onto`` that of the levels that it gives. These are
written while others are computed yet: nothing is read there but the base of the same level."""
# The stack is aligned for vectors, lest each that is put aside spans two lines of the cache.
_PART = """define internal fastcc void @{name}({given}) noinline alignstack(64) {{
entry:
  %first = icmp eq i64 %s, 0
  br label %vector
vector:
  %v = phi i64 [ 0, %entry ], [ %v_next, %{last} ]
  %own_from = mul i64 %v, %stride
  %own = getelementptr {vector}, ptr %memory, i64 %own_from
  %now_at = getelementptr {vector}, ptr %own, i64 %now
  %base_at = getelementptr {vector}, ptr %own, i64 %base
  %onto_at = getelementptr {vector}, ptr %own, i64 %onto
{body}
  %v_next = add i64 %v, 1
  %more = icmp slt i64 %v_next, %vectors
  br i1 %more, label %vector, label %through
through:
  ret void
}}"""


@dataclass(frozen=True)
class RunParts:
    """Writes the functions for the parts of a run."""

    program: Program
    plan: Schedule
    layout: StepLayout
    shared: Shared

    def once(self, number: int) -> str:
        """Write a part of what comes before the first step."""
        w, layout = Writer(LANES, self.shared), self.layout
        body = self._before_steps(w)
        body.write(layout.once[number])
        for place in layout.once[number]:
            if place in layout.once_rows:
                w.store("%own", layout.once_rows[place], body.as_number(place))
        last = "vector"
        if len(layout.once) == 1:
            last = self._begun(body, range(len(self.program.states)), last)
        return _function(f"once_{number}", w, last)

    def begin(self) -> list[str]:
        """Write the first values of states, if they are not written with what they are made of."""
        if len(self.layout.once) == 1:
            return []
        functions = []
        count = len(self.program.states)
        for number, first in enumerate(range(0, max(count, 1), _BEGUN)):
            w = Writer(LANES, self.shared)
            states = range(first, min(count, first + _BEGUN))
            last = self._begun(self._before_steps(w), states, "vector", with_pipes=first == 0)
            functions.append(_function(f"begin_{number}", w, last))
        return functions

    def _begun(
        self, body: FunctionBody, states: range, last: str, *, with_pipes: bool = True
    ) -> str:
        """Write the first values of states, and of pipes; give the block after it."""
        w, layout, program = body.w, self.layout, self.program
        for index in states:
            state = program.states[index]
            row = layout.levels if state.is_level else layout.renewed
            w.store("%own", row + index, body.of(state.initial))
        if with_pipes:
            w.store("%own", layout.flag, w.number(0.0))
            for index, pipe in enumerate(program.pipes):
                last = _fill(w, index, body.of(pipe.initial), last)
        return last

    def _before_steps(self, w: Writer) -> FunctionBody:
        """Return what writes a part of what comes before the first step."""
        kept, rows = self.plan.clock_kept, self.layout.once_rows
        inputs = w.put(f"mul i64 %v, {len(self.program.inputs)}")
        inputs = w.put(f"getelementptr {w.vector}, ptr %in, i64 {inputs}")

        def leaf(place: int, instruction: Instruction) -> str | None:
            if place in kept:
                return body.as_truth(place, _from_clock(w, kept[place]))
            if instruction.op is Op.INPUT:
                return w.loaded(inputs, instruction.index)
            return body.as_truth(place, w.loaded("%own", rows[place])) if place in rows else None

        body = FunctionBody(w, self.program, leaf)
        return body

    def step(self, number: int, last: bool) -> str:
        """Write a part of a stage: of what states need, and of the levels of the next stage."""
        w = Writer(LANES, self.shared)
        body = self._within_step(w)
        length = _from_tableau(w, LENGTH)
        here = {place for batch in self.layout.step[number] if len(batch) == 1 for place in batch}
        if last:  # flows that are no operations, or known before the step, or powers
            here = {state.change for state in self.program.states} - {
                place for part in self.layout.step[:-1] for batch in part if len(batch) == 1
                for place in batch
            }  # fmt: skip
        moved: dict[int, list[int]] = {}
        for index, state in enumerate(self.program.states):
            if state.is_level and state.change in here:
                moved.setdefault(state.change, []).append(index)

        def move(place: int) -> None:
            for index in moved.pop(place, ()):
                way = w.two("fmul", body.of(place), length)
                w.store("%onto_at", index, w.two("fadd", w.loaded("%base_at", index), way))

        self._write(body, self.layout.step[number], move)
        for place in list(moved):
            move(place)
        return _function(f"step_{number}", w)

    def save(self, number: int, last: bool) -> str:
        """Write a part of what outputs need beyond what states do."""
        w = Writer(LANES, self.shared)
        body = self._within_step(w)
        self._write(body, self.layout.save[number], lambda place: None)
        if last and len(self.layout.shown) == 1:
            self._watch(w, self._shown(body, 0))
        return _function(f"save_{number}", w)

    def show(self) -> list[str]:
        """Write the outputs of a step, if they are more than the last part of it can write."""
        if len(self.layout.shown) == 1:
            return []
        functions, first = [], 0
        for number, places in enumerate(self.layout.shown):
            w = Writer(LANES, self.shared)
            self._watch(w, self._shown(self._within_step(w), number, first))
            functions.append(_function(f"show_{number}", w))
            first += len(places)
        return functions

    def _shown(self, body: FunctionBody, number: int, first: int = 0) -> Iterable[str]:
        to = body.w.put("mul i64 %v, %out_size")
        to = body.w.put(f"getelementptr {body.w.vector}, ptr %out, i64 {to}")
        for index, place in enumerate(self.layout.shown[number], first):
            value = body.as_number(place)
            body.w.store(to, index, value)
            yield value

    def _write(
        self, body: FunctionBody, part: Sequence[Batch], move: Callable[[int], None]
    ) -> None:
        w, kept = body.w, self.layout.kept
        for batch in part:
            if len(batch) > 1:
                body.write_powers(batch, kept[batch[0]], self.layout.exponents)
                continue
            body.write(batch)
            if batch[0] in kept:
                w.store("%own", kept[batch[0]], body.as_number(batch[0]))
            move(batch[0])

    def add(self, given: int) -> str:
        """Write the base of a stage, from the start and the levels that so many stages gave.

        It comes to where the levels of the stage will.
        """
        w, states = Writer(LANES, self.shared), len(self.program.states)
        weights = [_from_tableau(w, WEIGHTS + stage) for stage in range(given)]
        w.lines += ["  br label %add", "add:", "  %j = phi i64 [ 0, %vector ], [ %j_next, %add ]"]
        levels = w.put(f"add i64 %j, {self.layout.levels}")
        total = start = w.loaded("%own", levels)
        for stage, weight in enumerate(weights, 1):
            level = w.loaded("%own", w.put(f"add i64 {levels}, {stage * states}"))
            way = w.two("fmul", weight, w.two("fsub", level, start))
            total = w.two("fadd", total, way)
        w.store("%onto_at", "%j", total)
        w.lines.append("  %j_next = add i64 %j, 1")
        added = w.put(f"icmp sge i64 %j_next, {states}")
        w.lines += [f"  br i1 {added}, label %added, label %add", "added:"]
        return _function(f"add_{given}", w, "added")

    def renew(self) -> str:
        """Write what moves once a step, after its last stage: memories and pipes."""
        w, program = Writer(LANES, self.shared), self.program
        body = self._within_step(w)
        memories = {
            index: body.of(state.change)
            for index, state in enumerate(program.states)
            if not state.is_level
        }
        entering = [body.of(pipe.entering) for pipe in program.pipes]
        for index, value in memories.items():
            w.store("%own", self.layout.renewed + index, value)
        for index, value in enumerate(entering):
            w.lines.append(f"  store {w.vector} {value}, ptr {_slot(w, index)}, align 64")
        if memories:
            self._watch(w, memories.values())
        return _function("renew", w)

    def end(self) -> str:
        """Write what tells runs with a value that is not finite."""
        w = Writer(LANES, self.shared)
        levels = [index for index, state in enumerate(self.program.states) if state.is_level]
        flag, last = w.loaded("%own", self.layout.flag), "vector"
        for number, (first, behind) in enumerate(_runs(levels)):
            flag, last = _watched(w, number, first, behind, flag, last)
        w.store("%bad", "%v", flag)
        return _function("end", w, last)

    def _within_step(self, w: Writer) -> FunctionBody:
        """Return what writes a part of a step, with loads of what was computed before it."""
        plan, layout = self.plan, self.layout
        rows: Mapping[int, int] = {
            **layout.kept,
            **plan.once_kept,
            **{place: layout.frozen + row for place, row in plan.frozen_kept.items()},
        }

        def leaf(place: int, instruction: Instruction) -> str | None:
            if place in plan.clock_kept:
                return body.as_truth(place, _from_clock(w, plan.clock_kept[place]))
            if place in rows:
                return body.as_truth(place, w.loaded("%own", rows[place]))
            if instruction.op is Op.STATE:
                if self.program.states[instruction.index].is_level:
                    return w.loaded("%now_at", instruction.index)
                return w.loaded("%own", layout.renewed + instruction.index)
            if instruction.op is Op.PIPE:
                pipe = self.program.pipes[instruction.index]
                if pipe.steps != pipe.most:
                    return _taken(w, instruction.index, body.of(pipe.steps))
                return w.put(f"load {w.vector}, ptr {_slot(w, instruction.index)}, align 64")
            return None

        def freeze(place: int, value: str) -> str:
            """Write a frozen value: it is stored at the first stage, and read back at others."""
            if place not in plan.frozen_kept:  # it is needed by outputs alone: at first stages
                return value
            row, number = rows[place], body.number_of(place, value)
            kept = w.loaded("%own", row)
            number = w.put(f"select i1 %first, {w.vector} {number}, {w.vector} {kept}")
            w.store("%own", row, number)
            return body.as_truth(place, number)

        body = FunctionBody(w, self.program, leaf)
        body.freeze = freeze
        return body

    def _watch(self, w: Writer, values: Iterable[str]) -> None:
        """Write what turns the flag to NaN where a value is not finite."""
        sums = [w.loaded("%own", self.layout.flag)]
        for value in values:
            zero = w.two("fmul", value, w.number(0.0))
            if len(sums) < _WATCHERS:
                sums.append(zero)
            else:  # several sums at once do not wait for each other
                sums.append(w.two("fadd", sums.pop(0), zero))
        flag = sums[0]
        for partial in sums[1:]:
            flag = w.two("fadd", flag, partial)
        w.store("%own", self.layout.flag, flag)


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Return runs of successive numbers: the first of each, and what would come behind its last."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number, number + 1))
    return found


def _watched(
    w: Writer, number: int, first: int, behind: int, flag: str, before: str
) -> tuple[str, str]:
    """Write the loop that turns a flag to NaN where a level is not finite.

    It is a loop, since LLVM takes a time that grows with the square of so many loads and sums.
    """
    name = f"watch_{number}"
    j, sums = f"%{name}_j", f"%{name}_sum"
    w.lines += [f"  br label %{name}", f"{name}:"]
    w.lines.append(f"  {j} = phi i64 [ {first}, %{before} ], [ {j}_next, %{name} ]")
    w.lines.append(f"  {sums} = phi {w.vector} [ {flag}, %{before} ], [ {sums}_next, %{name} ]")
    zero = w.two("fmul", w.loaded("%now_at", j), w.number(0.0))
    w.lines.append(f"  {sums}_next = fadd {w.vector} {sums}, {zero}")
    w.lines.append(f"  {j}_next = add i64 {j}, 1")
    through = w.put(f"icmp sge i64 {j}_next, {behind}")
    w.lines += [f"  br i1 {through}, label %{name}_through, label %{name}", f"{name}_through:"]
    return f"{sums}_next", f"{name}_through"


def _function(name: str, w: Writer, last: str = "vector") -> str:
    return _PART.format(name=name, given=GIVEN, vector=w.vector, last=last, body="\n".join(w.lines))


def _from_clock(w: Writer, column: int) -> str:
    """Write the load of a number of the clock, for all runs of a vector."""
    return _spread(w, w.put(f"getelementptr double, ptr %row, i64 {column}"))


def _from_tableau(w: Writer, column: int) -> str:
    return _spread(w, w.put(f"getelementptr {TABLEAU}, ptr %tableau, i64 %s, i64 {column}"))


def _spread(w: Writer, address: str) -> str:
    one = w.put(f"load double, ptr {address}, align 8")
    first = w.put(f"insertelement {w.vector} poison, double {one}, i32 0")
    return w.put(
        f"shufflevector {w.vector} {first}, {w.vector} poison, <{w.width} x i32> zeroinitializer"
    )


def _fill(w: Writer, index: int, initial: str, before: str) -> str:
    """Write the loop that fills a ring; give the block after it."""
    begin, length = _ring(w, index)
    w.lines += [f"  br label %fill_{index}", f"fill_{index}:"]
    j = f"%fill_{index}_j"
    w.lines.append(f"  {j} = phi i64 [ 0, %{before} ], [ {j}_next, %fill_{index} ]")
    at = w.put(f"add i64 {begin}, {j}")
    address = w.put(f"getelementptr {w.vector}, ptr %own, i64 {at}")
    w.lines.append(f"  store {w.vector} {initial}, ptr {address}, align 64")
    w.lines.append(f"  {j}_next = add i64 {j}, 1")
    full = w.put(f"icmp sge i64 {j}_next, {length}")
    w.lines.append(f"  br i1 {full}, label %filled_{index}, label %fill_{index}")
    w.lines.append(f"filled_{index}:")
    return f"filled_{index}"


def _ring(w: Writer, index: int) -> tuple[str, str]:
    """Write the loads of where a ring begins and how long it is."""
    found = []
    for part in (2 * index, 2 * index + 1):
        address = w.put(f"getelementptr i64, ptr %rings, i64 {part}")
        found.append(w.put(f"load i64, ptr {address}, align 8"))
    return found[0], found[1]


def _slot(w: Writer, index: int) -> str:
    """Write the address in a ring that this step reads and then overwrites."""
    begin, length = _ring(w, index)
    turn = w.put(f"urem i64 %i, {length}")
    at = w.put(f"add i64 {begin}, {turn}")
    return w.put(f"getelementptr {w.vector}, ptr %own, i64 {at}")


def _taken(w: Writer, index: int, steps: str) -> str:
    """Write what each run put into a ring some steps ago; NaN where the ring is too short."""
    begin, length = (_spread_integer(w, part) for part in _ring(w, index))
    turn = w.two_bits("urem", _spread_integer(w, "%i"), length)
    most = w.put(f"sitofp {w.bits} {length} to {w.vector}")
    fits = w.compare("ole", steps, most)
    count = w.put(f"fptosi {w.vector} {w.select(fits, steps, w.number(1.0))} to {w.bits}")
    back = w.two_bits("sub", turn, count)
    before = w.put(f"icmp slt {w.bits} {back}, {w.zero_bits()}")
    around = w.two_bits("add", back, length)
    slot = w.put(f"select {w.truth} {before}, {w.bits} {around}, {w.bits} {back}")
    lanes = ", ".join(f"i64 {lane}" for lane in range(w.width))
    at = w.two_bits("mul", w.two_bits("add", begin, slot), w.integer(w.width))
    at = w.two_bits("add", at, f"<{lanes}>")
    address = w.put(f"getelementptr i64, ptr %own, {w.bits} {at}")
    return w.select(fits, w.as_numbers(w.gathered(address)), w.number(math.nan))


def _spread_integer(w: Writer, value: str) -> str:
    first = w.put(f"insertelement {w.bits} poison, i64 {value}, i32 0")
    return w.put(
        f"shufflevector {w.bits} {first}, {w.bits} poison, <{w.width} x i32> zeroinitializer"
    )
