"""The clock: what depends on the time only, once for all runs."""

from __future__ import annotations

from plansim.compiler.integration import GIVEN_LEVELS
from plansim.compiler.ir import Op, Program, is_truth
from plansim.compiler.llvm.body import FunctionBody
from plansim.compiler.llvm.writer import Shared, Writer
from plansim.compiler.schedule import Schedule

__all__ = ["COUNT", "LENGTH", "TABLEAU", "WEIGHTS", "clock"]

TABLEAU = f"[{3 + max(GIVEN_LEVELS)} x double]"
"""The type of a row of the tableau (`integration.tableau`)."""
LENGTH, COUNT, WEIGHTS = 1, 2, 3
"""Columns of it; the first is the offset."""

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
  %offset_at = getelementptr {tableau}, ptr %tableau, i64 %s
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


def clock(program: Program, plan: Schedule, shared: Shared) -> str:
    """Return the definition of ``@clock``."""
    w = Writer(1, shared)
    body = FunctionBody(w, program, lambda place, instruction: _CLOCK_LEAVES.get(instruction.op))

    def freeze(place: int, value: str) -> str:
        address = w.put(f"getelementptr double, ptr %row_before, i64 {plan.clock_kept[place]}")
        kept = body.as_truth(place, w.put(f"load double, ptr {address}"))
        kind = w.truth if is_truth(program.instructions, place) else w.vector
        return w.put(f"select i1 %first, {kind} {value}, {kind} {kept}")

    body.freeze = freeze
    body.write(plan.clock)
    kept = [*plan.clock_kept.items()]
    kept += [(pipe.most, len(plan.clock_kept) + i) for i, pipe in enumerate(program.pipes)]
    for place, column in kept:
        value = body.as_number(place)
        address = w.put(f"getelementptr double, ptr %row, i64 {column}")
        w.lines.append(f"  store double {value}, ptr {address}")
    columns = len(plan.clock_kept) + len(program.pipes)
    return _CLOCK.format(columns=columns, tableau=TABLEAU, body="\n".join(w.lines))
