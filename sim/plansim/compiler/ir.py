"""The intermediate form: a model as scalar operations.

A `Program` is what back ends read: instructions come after those that they use. `graph` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

__all__ = [
    "BOOLEAN",
    "CONTROLS",
    "Depends",
    "Instruction",
    "Op",
    "PiecewiseLinear",
    "Pipe",
    "Program",
    "State",
    "is_truth",
]


class Op(StrEnum):
    """What a node does. Comparisons and logic give truth values, all others numbers."""

    NUMBER = "number"
    INPUT = "input"  # of a run
    STATE = "state"
    PIPE = "pipe"  # what comes out of a pipe
    TIME = "time"
    INITIAL_TIME = "initial time"
    FINAL_TIME = "final time"
    TIME_STEP = "time step"
    SAVEPER = "saveper"
    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    POWER = "^"
    NEGATE = "negate"
    MINIMUM = "min"
    MAXIMUM = "max"
    ABSOLUTE = "abs"
    TRUNCATE = "truncate"
    REMAINDER = "remainder"  # with the sign of the divisor
    EXP = "exp"
    LN = "ln"
    SQRT = "sqrt"
    SIN = "sin"
    COS = "cos"
    TAN = "tan"
    ARCSIN = "arcsin"
    ARCCOS = "arccos"
    ARCTAN = "arctan"
    SINH = "sinh"
    COSH = "cosh"
    TANH = "tanh"
    LOOKUP = "lookup"
    RANDOM = "random"  # between 0 and 1; of the run's seed, a stream and the number of a step
    LESS = "<"
    LESS_EQUAL = "<="
    EQUAL = "="
    NOT_EQUAL = "<>"
    AND = "and"
    OR = "or"
    NOT = "not"
    SELECT = "select"  # condition, then, else
    FROZEN = "frozen"  # what an operand is at the first stage of a step, at its later ones too


BOOLEAN = frozenset({Op.LESS, Op.LESS_EQUAL, Op.EQUAL, Op.NOT_EQUAL, Op.AND, Op.OR, Op.NOT})
"""Operations whose result is a truth value; see also `is_truth`."""

CONTROLS = frozenset({Op.INITIAL_TIME, Op.FINAL_TIME, Op.TIME_STEP, Op.SAVEPER})
"""The numbers of a run's clock."""


class Depends(IntEnum):
    """What the value of a node may depend on: bits of a number, which is 0 for a number."""

    CONTROLS = 1
    INPUTS = 2
    TIME = 4
    STATE = 8


@dataclass(frozen=True, slots=True)
class Instruction:
    """One scalar operation."""

    op: Op
    operands: tuple[int, ...] = ()
    """Places of other instructions, all before this one."""
    number: float = 0.0
    """The value of NUMBER."""
    index: int = 0
    """Number of the INPUT, STATE or PIPE, or of the table of a LOOKUP; for RANDOM a number of 32
    bits."""


def is_truth(instructions: Sequence[Instruction], place: int) -> bool:
    """Return whether an instruction gives a truth value."""
    instruction = instructions[place]
    if instruction.op is Op.FROZEN:
        return is_truth(instructions, instruction.operands[0])
    return instruction.op in BOOLEAN


@dataclass(frozen=True, slots=True)
class State:
    """What a run remembers from one step to the next.

    A level is integrated: it moves from stage to stage, and a value that is not finite stays so. A
    memory is renewed once a step, with what it is to hold by the step's first stage.
    """

    name: str
    initial: int
    """The instruction that gives the first value; it depends on controls and inputs only."""
    change: int
    """The instruction that gives a level's net flow, or a memory's next value, which is frozen."""
    is_level: bool


@dataclass(frozen=True, slots=True)
class Pipe:
    """A delay by a number of steps that stays within a run; it moves once a step."""

    name: str
    initial: int
    entering: int
    """The instruction that gives what goes in; it is frozen."""
    steps: int
    """The instruction that gives the number of steps of a run."""
    most: int
    """The one that gives the most steps of any run, by controls only; ``steps`` itself if equal."""


@dataclass(frozen=True, slots=True)
class PiecewiseLinear:
    """A function given by points, sorted by x, straight between them and flat beyond its ends."""

    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Program:
    """A model in scalar operations."""

    instructions: tuple[Instruction, ...]
    depends: tuple[int, ...]
    """By instruction, the flags of `Depends`."""
    states: tuple[State, ...]
    pipes: tuple[Pipe, ...]
    tables: tuple[PiecewiseLinear, ...]
    inputs: tuple[str, ...]
    """The names of what is given for each run: ``name`` or ``name[e1,e2]``."""
    defaults: tuple[float, ...]
    """What the model says for each input."""
    outputs: Mapping[str, int]
    """The instruction that gives each output, by ``name`` or ``name[e1,e2]``."""
    equations: int
    """Elements of variables, stocks included, that change over time, in the running phase."""
