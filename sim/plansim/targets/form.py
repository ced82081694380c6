"""For readers that do not use `forms` alone yet."""

from __future__ import annotations

from plansim.errors import Fault, Message
from plansim.forms import Document, Form, Location, Words, form_of

__all__ = ["Form", "Words", "fault_at", "form_of"]


def fault_at(
    document: Document,
    at: Location,
    message: str | Message,
    expected: str | Message | None = None,
    found: str | Message | None = None,
    nearest: str | None = None,
) -> Fault:
    """Make a fault that stands at the line of an entry."""
    return Fault(message, document.file, document.line(at), expected, found, nearest)
