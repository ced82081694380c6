"""The function that simulates blocks of runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plansim.compiler.ir import Instruction, Op, Program
from plansim.compiler.llvm.body import FunctionBody
from plansim.compiler.llvm.writer import LANES, Module, Writer
from plansim.compiler.order import Schedule

__all__ = ["run"]

_WATCHERS = 4

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


def run(program: Program, plan: Schedule, module: Module) -> str:
    w = Writer(LANES, module)
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
        w.store("%here", index, value)
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
    _watch(w, [w.loaded("%start_next", index) for index in levels])
    w.store("%bad", "%b", w.loaded("%flag", 0))
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


def _once(w: Writer, program: Program, plan: Schedule) -> FunctionBody:
    """Write what comes before the first step."""

    def leaf(place: int, instruction: Instruction) -> str | None:
        if place in plan.clock_kept:
            return body.as_truth(place, _from_clock(w, "%table", plan.clock_kept[place]))
        return w.loaded("%in", instruction.index) if instruction.op is Op.INPUT else None

    body = FunctionBody(w, program, leaf)
    body.write(plan.once)
    for place, row in plan.once_kept.items():
        w.store("%memory", row, body.as_number(place))
    for index, state in enumerate(program.states):
        w.store("%states" if state.is_level else "%renewed", index, body.of(state.initial))
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


def _stage(w: Writer, program: Program, plan: Schedule, stage: _Stage) -> FunctionBody:
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
            w.store(stage.onto, index, w.two("fadd", w.loaded(stage.base, index), way))

    body.after = move
    body.freeze = lambda place, value: _frozen(body, plan, stage, place, value)
    body.write(plan.step)
    for place in list(moved):  # flows that are no operations, or known before the step
        move(place, body.of(place))
    return body


def _frozen(body: FunctionBody, plan: Schedule, stage: _Stage, place: int, value: str) -> str:
    """Write a frozen value: it is stored at the first stage, and read back at others."""
    if place not in plan.frozen_kept:  # it is needed by outputs alone: at first stages
        return value
    w, row = body.w, plan.frozen_kept[place]
    number = body.number_of(place, value)
    if stage.number is None:
        w.store("%frozen", row, number)
        return value
    kept = w.loaded("%frozen", row)
    number = w.put(f"select i1 %first, {w.vector} {number}, {w.vector} {kept}")
    w.store("%frozen", row, number)
    return body.as_truth(place, number)


def _add(w: Writer) -> None:
    """Write how the levels that a stage gave enter the base of the last stage."""
    weight = _from_tableau(w, "%stage", 2)
    start, given, total = (w.loaded(base, "%j") for base in ("%start", "%next", "%sum"))
    opens = w.put("icmp eq i64 %stage, 0")
    total = w.put(f"select i1 {opens}, {w.vector} {start}, {w.vector} {total}")
    way = w.two("fmul", weight, w.two("fsub", given, start))
    w.store("%sum", "%j", w.two("fadd", total, way))


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
        w.store("%renewed", index, value)
    for index, value in enumerate(entering):
        w.lines.append(f"  store {w.vector} {value}, ptr {_slot(w, index)}, align 64")
    if memories:
        _watch(w, memories.values())


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


def _within_step(w: Writer, program: Program, plan: Schedule, row: str, now: str) -> FunctionBody:
    """Give what writes a part of a step, with loads of what was computed before it.

    ``row`` is that of the clock, ``now`` where the levels stand.
    """

    def leaf(place: int, instruction: Instruction) -> str | None:
        if place in plan.clock_kept:
            return body.as_truth(place, _from_clock(w, row, plan.clock_kept[place]))
        if place in plan.once_kept:
            return body.as_truth(place, w.loaded("%memory", plan.once_kept[place]))
        if place in plan.frozen_kept:
            return body.as_truth(place, w.loaded("%frozen", plan.frozen_kept[place]))
        if instruction.op is Op.STATE:
            is_level = program.states[instruction.index].is_level
            return w.loaded(now if is_level else "%renewed", instruction.index)
        if instruction.op is Op.PIPE:
            return w.put(f"load {w.vector}, ptr {body.slots[instruction.index]}, align 64")
        return None

    body = FunctionBody(w, program, leaf)
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
