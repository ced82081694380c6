"""From a program to LLVM: one function for the clock, one that runs blocks of eight.

``clock(table, tableau, start, final, step, saveper, steps, stages)`` computes what depends on the
time only, once for all runs: ``table[step, stage, column]``.

``run(table, tableau, inputs, outputs, bad, memory, places, rings, blocks, steps, stages, kept)``
simulates ``blocks`` times ``LANES`` runs. ``inputs`` is ``(block, input, lane)``, ``outputs``
``(block, kept, output, lane)``, ``bad`` ``(block, lane)``: nil, or NaN for a run with a value that
is not finite. ``places[step]`` says which of the ``kept`` times a step is, or -1. ``memory`` is
scratch. ``tableau[stage]`` is a `Stage`, its length times the step: the method of integration is no
part of the code. A step whose values are kept has a first stage of its own, all other stages are
turns of a loop over one body. After the last step only the first stage is computed.

A pipe of n steps is a ring of n numbers in ``memory``; ``rings[2 i]`` is where it begins (in
vectors), ``rings[2 i + 1]`` how long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from plansim.compiler.ir import Instruction, Op, PiecewiseLinear, Program, is_truth
from plansim.compiler.order import Schedule
from plansim.compiler.vector_math import Writer, math_functions, random_function

__all__ = ["LANES", "LlvmModule", "emit"]

LANES = 8
"""Runs in a vector."""
_WATCHERS = 4


@dataclass(frozen=True)
class LlvmModule:
    """LLVM's text of a program, and what it takes to call it."""

    text: str
    columns: int
    """Of the clock's table."""
    memory: int
    """Vectors of scratch, without the rings of pipes."""
    delays: tuple[int, ...]
    """Of each pipe, the column of the clock's table that holds its delay."""


_ARITHMETIC = {Op.ADD: "fadd", Op.SUBTRACT: "fsub", Op.MULTIPLY: "fmul", Op.DIVIDE: "fdiv"}
_COMPARISONS = {
    Op.LESS: "olt",
    Op.LESS_EQUAL: "ole",
    Op.EQUAL: "oeq",
    Op.NOT_EQUAL: "une",
}
_INTRINSICS = {Op.ABSOLUTE: "fabs", Op.TRUNCATE: "trunc", Op.SQRT: "sqrt"}
_OWN = {Op.EXP: "exp", Op.LN: "ln", Op.POWER: "pow"}
_C_LIBRARY = {
    Op.SIN: "sin",
    Op.COS: "cos",
    Op.TAN: "tan",
    Op.ARCSIN: "asin",
    Op.ARCCOS: "acos",
    Op.ARCTAN: "atan",
    Op.SINH: "sinh",
    Op.COSH: "cosh",
    Op.TANH: "tanh",
    Op.REMAINDER: "fmod",
}


def emit(program: Program, plan: Schedule) -> LlvmModule:
    """Give LLVM's text of a program."""
    declared: set[str] = set()
    parts = [
        _tables(program.tables),
        math_functions(1, declared),
        math_functions(LANES, declared),
        *(random_function(width, declared) for width in (1, LANES) if _is_random(program)),
        _clock(program, plan, declared),
        _run(program, plan, declared),
    ]
    return LlvmModule(
        text="\n".join([*parts, *sorted(declared)]) + "\n",
        columns=len(plan.clock_kept) + len(program.pipes),
        memory=len(plan.once_kept) + 5 * len(program.states) + 1 + len(plan.frozen_kept),
        delays=tuple(range(len(plan.clock_kept), len(plan.clock_kept) + len(program.pipes))),
    )


def _is_random(program: Program) -> bool:
    return any(instruction.op is Op.RANDOM for instruction in program.instructions)


class _FunctionBody:
    """Writes the instructions of one function, each when it comes."""

    def __init__(
        self, w: Writer, program: Program, leaf: Callable[[int, Instruction], str | None]
    ) -> None:
        self.w = w
        self.program = program
        self.leaf = leaf
        self.names: dict[int, str] = {}
        self.batch = 1  # the most powers in one go
        self.slots: list[str] = []  # addresses in the rings of pipes
        self.freeze: Callable[[int, str], str] = lambda place, value: value
        self.after: Callable[[int, str], None] = lambda place, value: None

    def of(self, place: int) -> str:
        """Give the name of a value that was written, or can be loaded."""
        if place not in self.names:
            instruction = self.program.instructions[place]
            if instruction.op is Op.NUMBER:
                return self.w.number(instruction.number)
            loaded = self.leaf(place, instruction)
            assert loaded is not None, instruction
            self.names[place] = loaded
        return self.names[place]

    def as_number(self, place: int) -> str:
        """Give a value as a number that can be kept in memory."""
        return self.number_of(place, self.of(place))

    def number_of(self, place: int, name: str) -> str:
        """Turn a value that an instruction gives into a number."""
        if not is_truth(self.program.instructions, place):
            return name
        return self.w.select(name, self.w.number(1.0), self.w.number(0.0))

    def as_truth(self, place: int, loaded: str) -> str:
        """Turn what was kept in memory into what an instruction gives."""
        if not is_truth(self.program.instructions, place):
            return loaded
        return self.w.compare("une", loaded, self.w.number(0.0))

    def write(self, places: Iterable[int]) -> None:
        """Write instructions in their order; powers that stand side by side in one go."""
        powers: list[int] = []
        for place in places:
            instruction = self.program.instructions[place]
            if place in self.names or not instruction.operands:
                continue  # leaves are loaded where they are used
            if instruction.op is Op.POWER and not set(powers) & set(instruction.operands):
                powers.append(place)
                continue
            self._write_powers(powers)
            powers = [place] if instruction.op is Op.POWER else []
            if not powers:
                self.names[place] = (
                    self.freeze(place, self.of(instruction.operands[0]))
                    if instruction.op is Op.FROZEN
                    else self._written(instruction)
                )
                self.after(place, self.names[place])
        self._write_powers(powers)

    def _write_powers(self, places: list[int]) -> None:
        """Write powers: two and more by way of memory, through a loop without calls."""
        w, instructions = self.w, self.program.instructions
        if len(places) < 2 or w.width == 1:
            for place in places:
                self.names[place] = self._written(instructions[place])
                self.after(place, self.names[place])
            return
        self.batch = max(self.batch, len(places))
        for i, place in enumerate(places):
            pairs = zip(("%bases", "%exponents"), instructions[place].operands, strict=True)
            for base, operand in pairs:
                address = w.put(f"getelementptr {w.vector}, ptr {base}, i64 {i}")
                w.lines.append(f"  store {w.vector} {self.of(operand)}, ptr {address}, align 64")
        w.lines.append(
            f"  call fastcc void @pows_{w.width}(ptr %bases, ptr %exponents, i64 {len(places)})"
        )
        for i, place in enumerate(places):
            address = w.put(f"getelementptr {w.vector}, ptr %bases, i64 {i}")
            self.names[place] = w.put(f"load {w.vector}, ptr {address}, align 64")
            self.after(place, self.names[place])

    def _written(self, instruction: Instruction) -> str:
        w, op = self.w, instruction.op
        operands = [self.of(operand) for operand in instruction.operands]
        if op in _ARITHMETIC:
            return w.two(_ARITHMETIC[op], *operands)
        if op in _COMPARISONS:
            return w.compare(_COMPARISONS[op], *operands)
        if op in _INTRINSICS:
            return w.call(_INTRINSICS[op], *operands)
        if op in _OWN:
            given = ", ".join(f"{w.vector} {operand}" for operand in operands)
            return w.put(f"call fastcc {w.vector} @{_OWN[op]}_{w.width}({given})")
        if op in _C_LIBRARY:
            return self._by_elements(_C_LIBRARY[op], operands)
        match op:
            case Op.NEGATE:
                return w.put(f"fneg {w.vector} {operands[0]}")
            case Op.SELECT:
                return w.select(*operands)
            case Op.MINIMUM | Op.MAXIMUM:
                return self._extreme(instruction, operands)
            case Op.AND | Op.OR:
                return w.put(f"{op.value} {w.truth} {operands[0]}, {operands[1]}")
            case Op.NOT:
                return w.put(f"xor {w.truth} {operands[0]}, {w.truth_value(True)}")
            case Op.LOOKUP:
                return self._looked_up(instruction.index, operands[0])
            case Op.RANDOM:
                given = ", ".join(f"{w.vector} {operand}" for operand in operands)
                name = f"random_{w.width}"
                return w.put(f"call fastcc {w.vector} @{name}({given}, i32 {instruction.index})")
        raise AssertionError(op)

    def _extreme(self, instruction: Instruction, operands: list[str]) -> str:
        """Write min or max so that NaN comes through; processors give their second operand."""
        w = self.w
        a, b = operands
        known = [self.program.instructions[e].op is Op.NUMBER for e in instruction.operands]
        if known[1]:
            a, b = b, a
        less = "olt" if instruction.op is Op.MINIMUM else "ogt"
        found = w.select(w.compare(less, a, b), a, b)
        if any(known):
            return found
        return w.select(w.compare("uno", a, a), a, found)

    def _by_elements(self, name: str, operands: list[str]) -> str:
        """Write a call of the C library for each element."""
        w = self.w
        types = ", ".join(["double"] * len(operands))
        w.declared.add(f"declare double @{name}({types})")
        found = "poison"
        for lane in range(w.width):
            if w.width == 1:
                parts = operands
            else:
                parts = [w.put(f"extractelement {w.vector} {e}, i32 {lane}") for e in operands]
            given = ", ".join(f"double {part}" for part in parts)
            value = w.put(f"call double @{name}({given})")
            if name == "fmod":  # C takes the dividend's sign; here the divisor counts
                value = _floored(w, value, parts[1])
            if w.width == 1:
                return value
            found = w.put(f"insertelement {w.vector} {found}, double {value}, i32 {lane}")
        return found

    def _looked_up(self, index: int, at: str) -> str:
        """Write the value of a table: the segment by division if its grid is even."""
        w, table = self.w, self.program.tables[index]
        x, count = table.x, len(table.x)
        low, high = w.number(x[0]), w.number(x[-1])
        inside = w.select(w.compare("olt", at, low), low, at)
        inside = w.select(w.compare("ogt", inside, high), high, inside)  # NaN stays
        nan = w.compare("uno", inside, inside)
        safe = w.select(nan, low, inside)
        if _is_even(x):
            width = (x[-1] - x[0]) / (count - 1)
            steps = w.two("fdiv", w.two("fsub", safe, low), w.number(width))
            last = w.number(float(count - 2))
            steps = w.select(w.compare("ogt", steps, last), last, steps)
            place = w.put(f"fptosi {w.vector} {steps} to {w.bits}")
        else:
            place = w.zero_bits()
            for point in x[1:-1]:
                past = w.compare("oge", safe, w.number(point))
                one = w.put(f"zext {w.truth} {past} to {w.bits}")
                place = w.two_bits("add", place, one)
        start, height, slope = (
            self._gathered(f"@table_{index}_{part}", count - 1, place)
            for part in ("x", "y", "slope")
        )
        rise = w.two("fmul", slope, w.two("fsub", inside, start))
        return w.two("fadd", height, rise)

    def _gathered(self, name: str, count: int, place: str) -> str:
        w = self.w
        array = f"[{count} x double]"
        if w.width == 1:
            address = w.put(f"getelementptr {array}, ptr {name}, i64 0, i64 {place}")
            return w.put(f"load double, ptr {address}")
        found = "poison"
        for lane in range(w.width):
            i = w.put(f"extractelement {w.bits} {place}, i32 {lane}")
            address = w.put(f"getelementptr {array}, ptr {name}, i64 0, i64 {i}")
            value = w.put(f"load double, ptr {address}")
            found = w.put(f"insertelement {w.vector} {found}, double {value}, i32 {lane}")
        return found


def _floored(w: Writer, remainder: str, divisor: str) -> str:
    """Give a remainder the sign of the divisor, as ``%`` has it in Python (scalars)."""
    zero = "0x0000000000000000"
    negative = w.put(f"fcmp olt double {remainder}, {zero}")
    positive = w.put(f"fcmp ogt double {remainder}, {zero}")
    down = w.put(f"fcmp olt double {divisor}, {zero}")
    up = w.put(f"fcmp ogt double {divisor}, {zero}")
    first = w.put(f"and i1 {negative}, {up}")
    second = w.put(f"and i1 {positive}, {down}")
    differ = w.put(f"or i1 {first}, {second}")
    moved = w.put(f"fadd double {remainder}, {divisor}")
    return w.put(f"select i1 {differ}, double {moved}, double {remainder}")


def _is_even(x: tuple[float, ...]) -> bool:
    """Whether the place in a table can be had by a division that is exact at the points."""
    width = (x[-1] - x[0]) / (len(x) - 1)
    return len(x) > 4 and all((point - x[0]) / width == i for i, point in enumerate(x))


def _tables(tables: Iterable[PiecewiseLinear]) -> str:
    """Write what the segments of tables begin with, and how steep they are."""
    scalar = Writer(1, set())
    lines = []
    for index, table in enumerate(tables):
        x, y = table.x, table.y
        slopes = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
        for part, values in (("x", x[:-1]), ("y", y[:-1]), ("slope", slopes)):
            listed = ", ".join(f"double {scalar.number(value)}" for value in values)
            lines.append(
                f"@table_{index}_{part} = internal constant [{len(slopes)} x double] [{listed}]"
            )
    return "\n".join(lines)


# --- The clock ------------------------------------------------------------------------------------

_CLOCK = """define void @clock(ptr noalias %table, ptr noalias readonly %tableau, double %start,
    double %final, double %step, double %saveper, i64 %steps, i64 %stages) {{
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next_i, %done ]
  %s = phi i64 [ 0, %entry ], [ %next_s, %done ]
  %row = phi ptr [ %table, %entry ], [ %next_row, %done ]
  %first = icmp eq i64 %s, 0
  %back = select i1 %first, i64 0, i64 -{columns}
  %row_before = getelementptr double, ptr %row, i64 %back
  %offset_at = getelementptr {{ double, double, double }}, ptr %tableau, i64 %s
  %offset = load double, ptr %offset_at, align 8
  %whole = sitofp i64 %i to double
  %count = fadd double %whole, %offset
  %since = fmul double %count, %step
  %time = fadd double %start, %since
{body}
  br label %done
done:
  %next_row = getelementptr double, ptr %row, i64 {columns}
  %stage = add i64 %s, 1
  %through = icmp sge i64 %stage, %stages
  %next_s = select i1 %through, i64 0, i64 %stage
  %one = zext i1 %through to i64
  %next_i = add i64 %i, %one
  %over = icmp sgt i64 %next_i, %steps
  br i1 %over, label %exit, label %loop
exit:
  ret void
}}"""
_CLOCK_LEAVES = {
    Op.TIME: "%time",
    Op.INITIAL_TIME: "%start",
    Op.FINAL_TIME: "%final",
    Op.TIME_STEP: "%step",
    Op.SAVEPER: "%saveper",
}


def _clock(program: Program, plan: Schedule, declared: set[str]) -> str:
    w = Writer(1, declared)
    body = _FunctionBody(w, program, lambda place, instruction: _CLOCK_LEAVES.get(instruction.op))

    def freeze(place: int, value: str) -> str:
        address = w.put(f"getelementptr double, ptr %row_before, i64 {plan.clock_kept[place]}")
        kept = body.as_truth(place, w.put(f"load double, ptr {address}"))
        kind = w.truth if is_truth(program.instructions, place) else w.vector
        return w.put(f"select i1 %first, {kind} {value}, {kind} {kept}")

    body.freeze = freeze
    body.write(plan.clock)
    kept = [*plan.clock_kept.items()]
    kept += [(pipe.delay, len(plan.clock_kept) + i) for i, pipe in enumerate(program.pipes)]
    for place, column in kept:
        value = body.as_number(place)
        address = w.put(f"getelementptr double, ptr %row, i64 {column}")
        w.lines.append(f"  store double {value}, ptr {address}")
    columns = len(plan.clock_kept) + len(program.pipes)
    return _CLOCK.format(columns=columns, body="\n".join(w.lines))


# --- The runs -------------------------------------------------------------------------------------

_RUN = """define void @run(ptr noalias readonly %table, ptr noalias readonly %tableau,
    ptr noalias readonly %inputs, ptr noalias %outputs, ptr noalias %bad, ptr noalias %memory,
    ptr noalias readonly %places, ptr noalias readonly %rings,
    i64 %blocks, i64 %steps, i64 %stages, i64 %kept) {{
entry:
  %bases = alloca [{batch} x {vector}], align 64
  %exponents = alloca [{batch} x {vector}], align 64
  %states = getelementptr {vector}, ptr %memory, i64 {once}
  %second = getelementptr {vector}, ptr %states, i64 {states}
  %third = getelementptr {vector}, ptr %second, i64 {states}
  %sum = getelementptr {vector}, ptr %third, i64 {states}
  %flag = getelementptr {vector}, ptr %sum, i64 {states}
  %renewed = getelementptr {vector}, ptr %flag, i64 1
  %frozen = getelementptr {vector}, ptr %renewed, i64 {states}
  %any = icmp sgt i64 %blocks, 0
  br i1 %any, label %block, label %exit
block:
  %b = phi i64 [ 0, %entry ], [ %b_next, %block_done ]
  %in_from = mul i64 %b, {inputs}
  %in = getelementptr {vector}, ptr %inputs, i64 %in_from
  %out_size = mul i64 %kept, {outputs}
  %out_from = mul i64 %b, %out_size
  %out = getelementptr {vector}, ptr %outputs, i64 %out_from
  store {vector} {zero}, ptr %flag, align 64
{once_body}
{fill}
  br label %step
step:
  %i = phi i64 [ 0, %{before} ], [ %i_next, %step_done ]
  %start = phi ptr [ %states, %{before} ], [ %start_next, %step_done ]
  %other = phi ptr [ %second, %{before} ], [ %other_next, %step_done ]
  %first_row = mul i64 %i, %stages
  %place_at = getelementptr i64, ptr %places, i64 %i
  %place = load i64, ptr %place_at, align 8
  %wanted = icmp sge i64 %place, 0
  %ends = icmp eq i64 %i, %steps
  %count = select i1 %ends, i64 1, i64 %stages
  %single = icmp eq i64 %count, 1
  %many = icmp sgt i64 %count, {unsummed}
  br i1 %wanted, label %save, label %pass
save:
  %here_from = mul i64 %place, {outputs}
  %here = getelementptr {vector}, ptr %out, i64 %here_from
  %save_row_from = mul i64 %first_row, {columns}
  %save_row = getelementptr double, ptr %table, i64 %save_row_from
{save_body}
  br label %stage_done
pass:
  %s = phi i64 [ 0, %step ], [ %s_next, %next_stage ]
  %now = phi ptr [ %start, %step ], [ %next, %next_stage ]
  %pass_row_number = add i64 %first_row, %s
  %pass_row_from = mul i64 %pass_row_number, {columns}
  %pass_row = getelementptr double, ptr %table, i64 %pass_row_from
  %first = icmp eq i64 %s, 0
  %so_far = add i64 %s, 1
  %last = icmp eq i64 %so_far, %count
  %summed = and i1 %last, %many
  %pass_base = select i1 %summed, ptr %sum, ptr %start
  %was_other = icmp eq ptr %now, %other
  %free = select i1 %was_other, ptr %third, ptr %other
  %closes = xor i1 %first, %last
  %returns = and i1 %closes, %last
  %pass_next = select i1 %returns, ptr %start, ptr %free
{pass_body}
  br label %stage_done
stage_done:
  %stage = phi i64 [ 0, %save ], [ %s, %pass ]
  %next = phi ptr [ %other, %save ], [ %pass_next, %pass ]
  %s_next = add i64 %stage, 1
  %through = icmp sge i64 %s_next, %count
  br i1 %through, label %step_done, label %between
between:
  br i1 %many, label %add, label %next_stage
add:
  %j = phi i64 [ 0, %between ], [ %j_next, %add ]
{add_body}
  %j_next = add i64 %j, 1
  %added = icmp sge i64 %j_next, {states}
  br i1 %added, label %next_stage, label %add
next_stage:
  br label %pass
step_done:
  %row_from = mul i64 %first_row, {columns}
  %row = getelementptr double, ptr %table, i64 %row_from
{renew_body}
  %start_next = select i1 %single, ptr %other, ptr %start
  %other_next = select i1 %single, ptr %start, ptr %other
  %i_next = add i64 %i, 1
  %over = icmp sgt i64 %i_next, %steps
  br i1 %over, label %block_done, label %step
block_done:
{end_body}
  %b_next = add i64 %b, 1
  %all_done = icmp sge i64 %b_next, %blocks
  br i1 %all_done, label %exit, label %block
exit:
  ret void
}}"""


def _run(program: Program, plan: Schedule, declared: set[str]) -> str:
    w = Writer(LANES, declared)
    parts: dict[str, str] = {}

    def section(name: str) -> None:
        parts[name] = "\n".join(w.lines)
        w.lines.clear()

    once = _once(w, program, plan)
    section("once_body")
    before = "block"
    for index, pipe in enumerate(program.pipes):
        before = _fill(w, index, once.of(pipe.initial), before)
    section("fill")
    # A stage is written twice, since values that live on into a branch would be put aside at every
    # step, which takes a quarter of the time.
    first = _Stage("%save_row", "%start", "%start", "%other", None)
    saved = _stage(w, program, plan, first)
    saved.write(plan.save)
    shown = [saved.as_number(place) for place in program.outputs.values()]
    for index, value in enumerate(shown):
        _store(w, "%here", index, value)
    _watch(w, shown)
    section("save_body")
    any_stage = _Stage("%pass_row", "%now", "%pass_base", "%pass_next", "%s")
    passed = _stage(w, program, plan, any_stage)
    section("pass_body")
    _add(w)
    section("add_body")
    _renew(w, program, plan)
    section("renew_body")
    levels = [index for index, state in enumerate(program.states) if state.is_level]
    _watch(w, [_loaded(w, "%start_next", index) for index in levels])
    _store(w, "%bad", "%b", _loaded(w, "%flag", 0))
    section("end_body")
    return _RUN.format(
        vector=w.vector,
        zero=w.number(0.0),
        once=len(plan.once_kept),
        states=len(program.states),
        unsummed=2 if levels else 4,
        inputs=len(program.inputs),
        outputs=len(program.outputs),
        columns=len(plan.clock_kept) + len(program.pipes),
        before=before,
        batch=max(once.batch, saved.batch, passed.batch),
        **parts,
    )


def _once(w: Writer, program: Program, plan: Schedule) -> _FunctionBody:
    """Write what comes before the first step."""

    def leaf(place: int, instruction: Instruction) -> str | None:
        if place in plan.clock_kept:
            return body.as_truth(place, _from_clock(w, "%table", plan.clock_kept[place]))
        return _loaded(w, "%in", instruction.index) if instruction.op is Op.INPUT else None

    body = _FunctionBody(w, program, leaf)
    body.write(plan.once)
    for place, row in plan.once_kept.items():
        _store(w, "%memory", row, body.as_number(place))
    for index, state in enumerate(program.states):
        _store(w, "%states" if state.is_level else "%renewed", index, body.of(state.initial))
    return body


@dataclass(frozen=True)
class _Stage:
    """Where one of the two bodies of a stage finds what it needs: names of pointers."""

    row: str
    """Of the clock."""
    now: str
    """Levels at the stage."""
    base: str
    """Levels from which it moves on, see `integration`."""
    onto: str
    """Levels that it gives. They are written while others are computed yet: nothing is read from
    there but the base of the same level."""
    number: str | None
    """The number of the stage; None if it is always the first."""


def _stage(w: Writer, program: Program, plan: Schedule, stage: _Stage) -> _FunctionBody:
    """Write a stage: all that states need, and the levels of the next one."""
    body = _within_step(w, program, plan, stage.row, stage.now)
    if program.pipes:
        body.slots = [_slot(w, index) for index in range(len(program.pipes))]
    length = _from_tableau(w, stage.number or "0", 1)
    moved: dict[int, list[int]] = {}
    for index, state in enumerate(program.states):
        if state.is_level:
            moved.setdefault(state.change, []).append(index)

    def move(place: int, flow: str) -> None:
        for index in moved.pop(place, ()):
            way = w.two("fmul", flow, length)
            _store(w, stage.onto, index, w.two("fadd", _loaded(w, stage.base, index), way))

    body.after = move
    body.freeze = lambda place, value: _frozen(body, plan, stage, place, value)
    body.write(plan.step)
    for place in list(moved):  # flows that are no operations, or known before the step
        move(place, body.of(place))
    return body


def _frozen(body: _FunctionBody, plan: Schedule, stage: _Stage, place: int, value: str) -> str:
    """Write a frozen value: it is stored at the first stage, and read back at others."""
    if place not in plan.frozen_kept:  # it is needed by outputs alone: at first stages
        return value
    w, row = body.w, plan.frozen_kept[place]
    number = body.number_of(place, value)
    if stage.number is None:
        _store(w, "%frozen", row, number)
        return value
    kept = _loaded(w, "%frozen", row)
    number = w.put(f"select i1 %first, {w.vector} {number}, {w.vector} {kept}")
    _store(w, "%frozen", row, number)
    return body.as_truth(place, number)


def _add(w: Writer) -> None:
    """Write how the levels that a stage gave enter the base of the last stage."""
    weight = _from_tableau(w, "%stage", 2)
    start, given, total = (_loaded(w, base, "%j") for base in ("%start", "%next", "%sum"))
    opens = w.put("icmp eq i64 %stage, 0")
    total = w.put(f"select i1 {opens}, {w.vector} {start}, {w.vector} {total}")
    way = w.two("fmul", weight, w.two("fsub", given, start))
    _store(w, "%sum", "%j", w.two("fadd", total, way))


def _renew(w: Writer, program: Program, plan: Schedule) -> None:
    """Write what moves once a step, after its last stage: memories and pipes."""
    body = _within_step(w, program, plan, "%row", "%start")
    memories = {
        index: body.of(state.change)
        for index, state in enumerate(program.states)
        if not state.is_level
    }
    entering = [body.of(pipe.entering) for pipe in program.pipes]
    for index, value in memories.items():
        _store(w, "%renewed", index, value)
    for index, value in enumerate(entering):
        w.lines.append(f"  store {w.vector} {value}, ptr {_slot(w, index)}, align 64")
    if memories:
        _watch(w, memories.values())


def _loaded(w: Writer, base: str, index: int | str) -> str:
    """Write the load of a vector of an array."""
    address = w.put(f"getelementptr {w.vector}, ptr {base}, i64 {index}")
    return w.put(f"load {w.vector}, ptr {address}, align 64")


def _store(w: Writer, base: str, index: int | str, value: str) -> None:
    address = w.put(f"getelementptr {w.vector}, ptr {base}, i64 {index}")
    w.lines.append(f"  store {w.vector} {value}, ptr {address}, align 64")


def _from_clock(w: Writer, row: str, column: int) -> str:
    """Write the load of a number of the clock, for all runs of a vector."""
    return _spread(w, w.put(f"getelementptr double, ptr {row}, i64 {column}"))


def _from_tableau(w: Writer, stage: str, column: int) -> str:
    kind = "{ double, double, double }"
    return _spread(w, w.put(f"getelementptr {kind}, ptr %tableau, i64 {stage}, i32 {column}"))


def _spread(w: Writer, address: str) -> str:
    one = w.put(f"load double, ptr {address}, align 8")
    first = w.put(f"insertelement {w.vector} poison, double {one}, i32 0")
    return w.put(
        f"shufflevector {w.vector} {first}, {w.vector} poison, <{w.width} x i32> zeroinitializer"
    )


def _within_step(w: Writer, program: Program, plan: Schedule, row: str, now: str) -> _FunctionBody:
    """Give what writes a part of a step, with loads of what was computed before it.

    ``row`` is that of the clock, ``now`` where the levels stand.
    """

    def leaf(place: int, instruction: Instruction) -> str | None:
        if place in plan.clock_kept:
            return body.as_truth(place, _from_clock(w, row, plan.clock_kept[place]))
        if place in plan.once_kept:
            return body.as_truth(place, _loaded(w, "%memory", plan.once_kept[place]))
        if place in plan.frozen_kept:
            return body.as_truth(place, _loaded(w, "%frozen", plan.frozen_kept[place]))
        if instruction.op is Op.STATE:
            is_level = program.states[instruction.index].is_level
            return _loaded(w, now if is_level else "%renewed", instruction.index)
        if instruction.op is Op.PIPE:
            return w.put(f"load {w.vector}, ptr {body.slots[instruction.index]}, align 64")
        return None

    body = _FunctionBody(w, program, leaf)
    return body


def _watch(w: Writer, values: Iterable[str]) -> None:
    """Write what turns the flag to NaN where a value is not finite."""
    sums = [w.put(f"load {w.vector}, ptr %flag, align 64")]
    for value in values:
        nil = w.two("fmul", value, w.number(0.0))
        if len(sums) < _WATCHERS:
            sums.append(nil)
        else:  # several sums at once do not wait for each other
            sums.append(w.two("fadd", sums.pop(0), nil))
    flag = sums[0]
    for partial in sums[1:]:
        flag = w.two("fadd", flag, partial)
    w.lines.append(f"  store {w.vector} {flag}, ptr %flag, align 64")


def _fill(w: Writer, index: int, initial: str, before: str) -> str:
    """Write the loop that fills a ring; give the block after it."""
    begin, length = _ring(w, index)
    w.lines += [f"  br label %fill_{index}", f"fill_{index}:"]
    j = f"%fill_{index}_j"
    w.lines.append(f"  {j} = phi i64 [ 0, %{before} ], [ {j}_next, %fill_{index} ]")
    at = w.put(f"add i64 {begin}, {j}")
    address = w.put(f"getelementptr {w.vector}, ptr %memory, i64 {at}")
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
    return w.put(f"getelementptr {w.vector}, ptr %memory, i64 {at}")
