"""What became of a command that was called in this process, or run in one of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import NamedTuple


class Done(NamedTuple):
    """Exit code, output and remarks of a command."""

    code: int
    out: str
    err: str


Call = Callable[..., Done]
Command = Callable[..., "subprocess.CompletedProcess[str]"]
