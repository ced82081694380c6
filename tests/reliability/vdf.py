"""A run as Vensim keeps it in a ``.vdf`` file.

Vensim does not document the format; this is what pysimlin, which has found it out, needs to read a
run of scalars: a header, eight sections, and a block of values for each variable.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

__all__ = ["vdf"]

FILE, SECTION = b"\x7f\xf7\x17\x52", b"\xa1\x37\x4c\xbf"
SENTINEL = 0xF6800000
CONSTANT, DYNAMIC, TIME = 0x17, 0x11, 0x0F


def _words(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def _section(body: bytes, fifth: int = 0) -> bytes:
    size = len(body) + 24
    return SECTION + _words(size, size, 0, 0, fifth) + body


def vdf(
    times: Sequence[float], series: Mapping[str, Sequence[float]], constants: Mapping[str, float]
) -> bytes:
    """Return a run that holds series and constants."""
    names = sorted([*constants, *series], key=str.lower)
    text, keys = b"Time\0\0", {}
    for name in names:
        raw = name.encode() + b"\0"
        raw = raw.ljust(len(raw) + (2 - len(raw)) % 4, b"\0")
        keys[name] = (len(text) + 2) // 4 + 7
        text += struct.pack("<H", len(raw)) + raw
    records = b"".join(
        _words(0x20, CONSTANT if name in constants else DYNAMIC, keys[name], 0, 0, 0, 5, 0)
        + _words(SENTINEL, SENTINEL, place, place, 16 * place, 0, 0, 2**32 - 1)
        for place, name in enumerate(names, 1)
    )
    front = [
        _section(b"sim run -I\0\0"),
        _section(bytes(256) + records),
        _section(text, 6 << 16),
        _section(bytes(104), 1),
        _section(bytes(12)),
        _section(b""),
    ]
    codes = bytes([TIME, *(CONSTANT if name in constants else DYNAMIC for name in names)])
    last = [times[-1], *(constants.get(name) or series[name][-1] for name in names)]
    final = 128 + sum(map(len, front)) + 24 + 4 + len(codes)
    mapping = final + 4 * len(last)
    table = mapping + 4 + 24 + 16
    places, blocks = b"", b""
    for name in ("Time", *names):
        if name in constants:
            places += _floats(constants[name])
            continue
        places += _words(table + 4 * len(last) + len(blocks))
        bits = sum(1 << bit for bit in range(len(times)))
        blocks += struct.pack("<H", len(times)) + bits.to_bytes(-(-len(times) // 8), "little")
        blocks += _floats(*(times if name == "Time" else series[name]))
    back = _section(bytes(4) + codes + _floats(*last) + bytes(4))
    back += _section(bytes(16) + places + blocks)
    head = (FILE + b"(Sun Nov 29 10:00:00 2026) From run.mdl").ljust(0x50, b"\0")
    head += _words(0x012C0065, 0, final, mapping, table, table, 0, 0, 0, 0, *[len(times)] * 2)
    return head + b"".join(front) + back
