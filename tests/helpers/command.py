"""What became of a command that was called in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Done(NamedTuple):
    """Exit code, output and remarks of a command."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]
