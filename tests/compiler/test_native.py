"""Machine code loads wherever the process has memory left."""

from __future__ import annotations

import subprocess
import sys

import pytest

from plansim.compiler.native import Library
from plansim.engine.kernel import compile_model
from plansim.model.records import Model

# Leaves free memory as one gap of some pages, and the rest more than 4 GB below it: code and its
# constants lie in different parts unless they are placed together.
_SCATTERED = """
import ctypes, sys
from plansim.compiler.native import Library

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PAGE, BARRIER = 4096, (4 << 30) + 4096

def reserve(size):
    address = libc.mmap(None, size, 0, 0x4022, -1, 0)  # private, anonymous, without swap space
    if address == ctypes.c_void_p(-1).value:
        raise MemoryError
    return address

code, pages = sys.stdin.buffer.read(), int(sys.argv[1])
barrier = reserve(BARRIER)
for exponent in range(17, -1, -1):  # fill what is free above
    while (found := reserve(PAGE << exponent)) > barrier:
        pass
    libc.munmap(found, PAGE << exponent)
gap = reserve(pages * PAGE)
reserve(BARRIER)
libc.munmap(gap, pages * PAGE)
Library(code, ("run",)).function("run")
"""


@pytest.fixture(scope="module")
def code(town: Model) -> bytes:
    return compile_model(town).code


@pytest.mark.skipif(sys.platform != "linux", reason="maps memory as Linux does")
@pytest.mark.parametrize("pages", [1, 2, 4])
def test_code_loads_where_free_memory_is_scattered(code: bytes, pages: int) -> None:
    command = [sys.executable, "-c", _SCATTERED, str(pages)]
    subprocess.run(command, input=code, check=True, timeout=60)


def test_a_function_that_the_code_lacks_is_refused(code: bytes) -> None:
    with pytest.raises(RuntimeError, match="walk"):
        Library(code, ("walk",))
