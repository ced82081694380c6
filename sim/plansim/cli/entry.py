"""Where the command ``plansim`` begins: to interrupt it is quiet from its first moment on.

The command line itself takes a twentieth of a second to load, in which Ctrl-C would show a
traceback.
"""

from __future__ import annotations

__all__ = ["main"]


def main() -> int:
    """Run the command line and give its exit code."""
    try:
        from plansim.cli.main import main as command_line

        return command_line()
    except KeyboardInterrupt:
        return 128 + 2
