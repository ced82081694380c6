"""Where the drawings of a Vensim file stand: no equation is in them, and no hash covers them."""

from __future__ import annotations

import re

__all__ = ["SKETCH", "around_sketch"]

SKETCH = "\\\\\\---///"
"""Where the drawings begin, after the equations."""
_AFTER_SKETCH = re.compile(rb"^(?:///---\\\\\\|:L\x7f?<%\^E!@)", re.MULTILINE)
"""Where the drawings end, or without such a line the settings begin."""


def around_sketch(data: bytes) -> tuple[bytes, bytes]:
    """Return what stands in a Vensim file before its drawings and what stands after them.

    Before are the equations, after are the settings, from the line on that ends the drawings.
    """
    start = data.find(SKETCH.encode())
    if start < 0:
        return data, b""
    end = _AFTER_SKETCH.search(data, start)
    return data[:start], data[end.start() :] if end else b""
