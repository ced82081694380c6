"""The templates of all messages in the sources, extracted by Babel."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

from babel.messages.extract import extract

__all__ = ["extracted", "parts"]

KEYWORDS = {"Fault": (1,), "Message": (1,), "fault": (1,)}
"""Calls whose first argument is a template; `FaultLog.fault` is the last."""


def extracted(root: Path) -> dict[str, str]:
    """Return every template below a folder, with a file and line where it stands."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        with path.open("rb") as source:
            for line, text, _, _ in extract("python", source, KEYWORDS):
                assert isinstance(text, str)
                found[text] = f"{path.relative_to(root)}:{line}"
    return found


def parts(template: str) -> set[str]:
    """Return the names of the parts of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}
