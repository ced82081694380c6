"""From LLVM's text to machine code, and from machine code to functions that can be called."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import llvmlite
import llvmlite.binding as llvm

__all__ = [
    "Library",
    "Platform",
    "Processor",
    "assemble",
    "host_platform",
    "processors",
    "versions",
]


class Processor(StrEnum):
    """Families of processors, by what their vectors can do; see the x86-64 psABI."""

    AVX512 = "x86-64-v4"
    AVX2 = "x86-64-v3"
    SSE2 = "x86-64"
    GENERIC = ""  # whatever the machine is, as its family has it at the least


_NEEDS: Mapping[Processor, Iterable[str]] = {
    Processor.AVX512: ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx2", "fma"),
    Processor.AVX2: ("avx2", "fma", "bmi2"),
    Processor.SSE2: (),
}


@dataclass(frozen=True)
class Platform:
    """What machine code is made for."""

    triple: str
    processor: Processor


def processors() -> tuple[Processor, ...]:
    """Return the families that this machine's processor belongs to, the best first."""
    if not llvm.get_process_triple().startswith("x86_64"):
        return (Processor.GENERIC,)
    has = llvm.get_host_cpu_features()
    able = (family for family, needs in _NEEDS.items() if all(has.get(name) for name in needs))
    return (*able, Processor.GENERIC)


def host_platform() -> Platform:
    """Return the best family that this machine's processor belongs to."""
    return Platform(llvm.get_process_triple(), processors()[0])


def versions() -> str:
    """Name what machine code depends on beside its text."""
    return f"llvmlite {llvmlite.__version__} LLVM {'.'.join(map(str, llvm.llvm_version_info))}"


def _machine(target: Platform, effort: int) -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_triple(target.triple).create_target_machine(
        cpu=target.processor.value,
        # Vectors of 512 bits in one register, which LLVM avoids for the sake of old processors.
        features="-prefer-256-bit" if target.processor is Processor.AVX512 else "",
        opt=effort,
        reloc="pic",
        codemodel="default",
        jit=True,
    )


def assemble(text: str, target: Platform, effort: int) -> bytes:
    """Return the object code of a module for a target; nothing in it is reordered or fused.

    ``effort`` 0 takes a quarter of the time that 2 takes, and gives code two thirds as quick.
    """
    module = llvm.parse_assembly(text)
    module.triple = target.triple
    module.verify()
    machine = _machine(target, effort)
    return bytes(machine.emit_object(module))


class Library:
    """Object code in memory, ready to be called; it goes when the last reference does.

    JITLink keeps the parts of the code together; llvmlite does not offer it on Windows. Without it
    they may lie further apart than the code can reach in a process that holds much memory, and LLVM
    then ends the process.
    """

    def __init__(self, code: bytes, functions: Iterable[str]) -> None:
        builder = llvm.JITLibraryBuilder().add_current_process().add_object_img(code)
        for name in functions:
            builder.export_symbol(name)
        machine = _machine(host_platform(), 0)
        jit = llvm.create_lljit_compiler(machine, use_jit_link=sys.platform != "win32")
        self._addresses = builder.link(jit, "model")

    def function(self, name: str, *types: type) -> Callable[..., None]:
        """Return a function that returns nothing. It runs without Python's lock."""
        return ctypes.CFUNCTYPE(None, *types)(self._addresses[name])
