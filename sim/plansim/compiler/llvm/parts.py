"""The parts of a run, each a function that takes one vector of runs after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from plansim.compiler.integration import GIVEN_LEVELS
from plansim.compiler.ir import Instruction, Op, Program
from plansim.compiler.llvm.body import FunctionBody
from plansim.compiler.llvm.layout import Batch, StepLayout
from plansim.compiler.llvm.writer import BITS, LANES, TRUTH, VECTOR, Shared, Writer
from plansim.compiler.schedule import Schedule

__all__ = ["COUNT", "GIVEN", "TABLEAU", "RunParts"]

TABLEAU = f"[{3 + max(GIVEN_LEVELS)} x double]"
"""The type of a row of the tableau (`integration.tableau`)."""
LENGTH, COUNT, WEIGHTS = 1, 2, 3
"""Columns of it; the first is the offset."""
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
  %in_from = mul i64 %v, {inputs}
  %in_at = getelementptr {vector}, ptr %in, i64 %in_from
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
        body = self._body()
        self._write(body, self.layout.once[number])
        return self._function(f"once_{number}", body.w)

    def begin(self) -> Iterator[str]:
        """Write the first values of states, and of pipes."""
        states, layout = self.program.states, self.layout
        for number, first in enumerate(range(0, max(len(states), 1), _BEGUN)):
            body = self._body()
            for index, state in enumerate(states[first : first + _BEGUN], first):
                row = layout.level_of.get(index, layout.memories.get(index))
                assert row is not None
                body.w.store("%own", row, body.of(state.initial))
            if not number:
                body.w.store("%own", layout.flag, body.w.number(0.0))
                for index, pipe in enumerate(self.program.pipes):
                    _fill(body.w, index, body.of(pipe.initial))
            yield self._function(f"begin_{number}", body.w)

    def step(self, number: int) -> str:
        """Write a part of a stage: of what states need, and of the levels of the next stage.

        A level moves on where its flow is computed; at the end of the last part, if the flow is a
        power, or known before the step.
        """
        body = self._body()
        w = body.w
        length = _from_tableau(w, LENGTH)
        moved = self._levels_moved[number].copy()

        def move(place: int) -> None:
            for level in moved.pop(place, ()):
                way = w.two("fmul", body.of(place), length)
                w.store("%onto_at", level, w.two("fadd", w.loaded("%base_at", level), way))

        def freeze(place: int, value: str) -> str:
            """Write a value that is computed at the first stage, and read back at others."""
            number, kept = body.number_of(place, value), w.loaded("%own", self.layout.rows[place])
            chosen = w.put(f"select i1 %first, {VECTOR} {number}, {VECTOR} {kept}")
            return body.as_truth(place, chosen)

        body.freeze = freeze
        self._write(body, self.layout.step[number], move)
        for place in list(moved):
            move(place)
        return self._function(f"step_{number}", w)

    @cached_property
    def _levels_moved(self) -> Sequence[dict[int, list[int]]]:
        """Of each part of a stage the places of flows, each with the levels that it moves."""
        parts = self.layout.step
        home = {b[0]: i for i, part in enumerate(parts) for b in part if len(b) == 1}
        moved: list[dict[int, list[int]]] = [{} for _ in parts]
        for index, level in self.layout.level_of.items():
            change = self.program.states[index].change
            moved[home.get(change, len(parts) - 1)].setdefault(change, []).append(level)
        return moved

    def save(self, number: int) -> str:
        """Write a part of what outputs need beyond what states do."""
        body = self._body()
        self._write(body, self.layout.save[number])
        return self._function(f"save_{number}", body.w)

    def show(self) -> Iterator[str]:
        """Write the outputs of a step."""
        for number, outputs in enumerate(self.layout.shown):
            body = self._body()
            w = body.w
            to = w.put("mul i64 %v, %out_size")
            to = w.put(f"getelementptr {VECTOR}, ptr %out, i64 {to}")
            values = []
            for index, place in outputs:
                values.append(body.as_number(place))
                w.store(to, index, values[-1])
            self._watch(w, values)
            if self.layout.copied and not number:
                self._copy(w, to)
            yield self._function(f"show_{number}", w)

    def _copy(self, w: Writer, to: str) -> None:
        """Write the loop that copies outputs from rows; of a line for each LLVM takes long."""
        copied, flag = self.layout.copied, w.loaded("%own", self.layout.flag)
        with w.loop("copy", len(copied)) as turn:
            w.lines.append(f"  %sum = phi {VECTOR} [ {flag}, %vector ], [ %sum_next, %copy ]")
            row, output = (
                w.put(f"load i64, ptr {w.put(f'getelementptr i64, ptr {array}, i64 {turn}')}")
                for array in map(self.shared.array, ([*copied.values()], [*copied]))
            )
            value = w.loaded("%own", row)
            w.store(to, output, value)
            zero = w.two("fmul", value, w.number(0.0))
            w.lines.append(f"  %sum_next = fadd {VECTOR} %sum, {zero}")
        w.store("%own", self.layout.flag, "%sum_next")

    def _write(
        self,
        body: FunctionBody,
        part: Sequence[Batch],
        move: Callable[[int], None] = lambda place: None,
    ) -> None:
        rows = self.layout.rows
        for batch in part:
            if len(batch) > 1:
                body.write_powers(batch, rows[batch[0]], self.layout.exponents)
                continue
            body.write(batch)
            if batch[0] in rows:
                body.w.store("%own", rows[batch[0]], body.as_number(batch[0]))
            move(batch[0])

    def add(self, given: int) -> str:
        """Write the base of a stage, from the start and the levels that ``given`` stages gave.

        It comes to where the levels of the stage will.
        """
        w, count = Writer(self.shared), len(self.layout.level_of)
        weights = [_from_tableau(w, WEIGHTS + stage) for stage in range(given)]
        with w.loop("add", count) as turn:
            total = start = w.loaded("%own", turn)
            for stage, weight in enumerate(weights, 1):
                level = w.loaded("%own", w.put(f"add i64 {turn}, {stage * count}"))
                way = w.two("fmul", weight, w.two("fsub", level, start))
                total = w.two("fadd", total, way)
            w.store("%onto_at", turn, total)
        return self._function(f"add_{given}", w)

    def renew(self) -> str:
        """Write what moves once a step, after its last stage: memories and pipes."""
        body, program = self._body(), self.program
        w = body.w
        memories = {
            row: body.of(program.states[index].change)
            for index, row in self.layout.memories.items()
        }
        entering = [body.of(pipe.entering) for pipe in program.pipes]
        for row, value in memories.items():
            w.store("%own", row, value)
        for index, value in enumerate(entering):
            w.lines.append(f"  store {VECTOR} {value}, ptr {_slot(w, index)}, align 64")
        if memories:
            self._watch(w, memories.values())
        return self._function("renew", w)

    def end(self) -> str:
        """Write what tells runs with a value that is not finite.

        It is a loop, since LLVM takes a time that grows with the square of so many loads and sums.
        """
        w, count = Writer(self.shared), len(self.layout.level_of)
        flag = w.loaded("%own", self.layout.flag)
        if count:
            with w.loop("watch", count) as turn:
                w.lines.append(f"  %sum = phi {VECTOR} [ {flag}, %vector ], [ %sum_next, %watch ]")
                zero = w.two("fmul", w.loaded("%now_at", turn), w.number(0.0))
                w.lines.append(f"  %sum_next = fadd {VECTOR} %sum, {zero}")
            flag = "%sum_next"
        w.store("%bad", "%v", flag)
        return self._function("end", w)

    def _body(self) -> FunctionBody:
        """Return what writes a function, with loads of what others computed."""
        clock, layout, w = self.plan.clock_kept, self.layout, Writer(self.shared)

        def leaf(place: int, instruction: Instruction) -> str | None:
            if place in clock:
                return body.as_truth(place, _from_clock(w, clock[place]))
            if place in layout.rows:
                return body.as_truth(place, w.loaded("%own", layout.rows[place]))
            match instruction.op:
                case Op.INPUT:
                    return w.loaded("%in_at", instruction.index)
                case Op.STATE if instruction.index in layout.level_of:
                    return w.loaded("%now_at", layout.level_of[instruction.index])
                case Op.STATE:
                    return w.loaded("%own", layout.memories[instruction.index])
                case Op.PIPE:
                    pipe = self.program.pipes[instruction.index]
                    if pipe.steps != pipe.most:
                        return _taken(w, instruction.index, body.of(pipe.steps))
                    return w.put(f"load {VECTOR}, ptr {_slot(w, instruction.index)}, align 64")
            return None

        body = FunctionBody(w, self.program, leaf)
        return body

    def _function(self, name: str, w: Writer) -> str:
        inputs, body = len(self.program.inputs), "\n".join(w.lines)
        return _PART.format(
            name=name, given=GIVEN, vector=VECTOR, inputs=inputs, last=w.block, body=body
        )

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


def _from_clock(w: Writer, column: int) -> str:
    """Write the load of a number of the clock, for all runs of a vector."""
    return w.spread_from(w.put(f"getelementptr double, ptr %row, i64 {column}"))


def _from_tableau(w: Writer, column: int) -> str:
    return w.spread_from(w.put(f"getelementptr {TABLEAU}, ptr %tableau, i64 %s, i64 {column}"))


def _fill(w: Writer, index: int, initial: str) -> None:
    """Write the loop that fills a ring."""
    begin, length = _ring(w, index)
    with w.loop(f"fill_{index}", length) as turn:
        w.store("%own", w.put(f"add i64 {begin}, {turn}"), initial)


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
    return w.put(f"getelementptr {VECTOR}, ptr %own, i64 {at}")


def _taken(w: Writer, index: int, steps: str) -> str:
    """Write what each run put into a ring some steps ago; NaN where the ring is too short."""
    begin, length = (w.spread(part, "i64") for part in _ring(w, index))
    turn = w.two_bits("urem", w.spread("%i", "i64"), length)
    most = w.put(f"sitofp {BITS} {length} to {VECTOR}")
    fits = w.compare("ole", steps, most)
    count = w.put(f"fptosi {VECTOR} {w.select(fits, steps, w.number(1.0))} to {BITS}")
    back = w.two_bits("sub", turn, count)
    before = w.put(f"icmp slt {BITS} {back}, zeroinitializer")
    around = w.two_bits("add", back, length)
    slot = w.put(f"select {TRUTH} {before}, {BITS} {around}, {BITS} {back}")
    lanes = ", ".join(f"i64 {lane}" for lane in range(LANES))
    at = w.two_bits("mul", w.two_bits("add", begin, slot), w.integer(LANES))
    at = w.two_bits("add", at, f"<{lanes}>")
    address = w.put(f"getelementptr i64, ptr %own, {BITS} {at}")
    return w.select(fits, w.as_numbers(w.gathered(address)), w.number(math.nan))
