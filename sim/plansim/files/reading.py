"""Reading of files that others name, which may be pipes, devices or of any size."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

__all__ = ["MOST_BYTES", "read_regular"]

MOST_BYTES = 200_000_000
"""Maximum size of a table or workbook in bytes."""


def read_regular(path: Path, most: int = MOST_BYTES) -> bytes:
    """Return the bytes of a regular file; a pipe or a device is neither waited for nor read.

    Raises:
        OSError: the path is no regular file, has more than ``most`` bytes, or cannot be read.
        ValueError: no file can have the path.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        mode = os.fstat(stream.fileno()).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        raw = stream.read(most + 1)
    if len(raw) > most:
        raise OSError(errno.EFBIG, f"more than {most // 10**6} MB", str(path))
    return raw
