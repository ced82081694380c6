"""What is tried to break results that go on: kills, writers, damage."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from plansim.analysis.experiments.integrity import LOCK
from plansim.analysis.experiments.store import open_sweep, verify
from plansim.errors import InputError, PlansimError
from tests.reliability.commands import Tried, called, inside, lay_out_model, started


def _same(one: Path, other: Path) -> bool:
    a, b = (open_sweep(verify(path).path).load() for path in (one, other))
    return all(np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a)


def _end(process: subprocess.Popen[bytes], after: float, kill: bool) -> None:
    """Kill a process after some seconds, or interrupt it twice."""
    time.sleep(after)
    process.send_signal(signal.SIGKILL if kill else signal.SIGINT)
    if not kill:
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
    process.communicate()


def kills(folder: Path, much: float) -> Iterator[Tried]:
    """A sweep that is killed or interrupted at any moment, and resumed."""
    model, failed, draw = lay_out_model(folder, 16384), [], random.Random(7)
    sweep = ("sweep", "design.yaml", "--model", model, "-o")
    whole = time.monotonic()
    started(folder, *sweep, "whole.zarr").communicate()
    whole = time.monotonic() - whole
    count = max(2, round(20 * much))
    for _ in range(count):
        path = folder / "r.zarr"
        process = started(folder, *sweep, "r.zarr", *(["--resume"] if path.exists() else []))
        _end(process, draw.uniform(0.2, 1) * whole, draw.random() < 0.7)
        if path.exists():
            try:
                verify(path)
            except PlansimError as error:
                failed.append(str(error))
        if draw.random() < 0.3:
            shutil.rmtree(path, ignore_errors=True)
    resume = ["--resume"] if (folder / "r.zarr").exists() else []
    said = started(folder, *sweep, "r.zarr", *resume).communicate()[1]
    if not _same(folder / "r.zarr", folder / "whole.zarr") or list(folder.glob(".*.part*")):
        failed.append(f"the resumed result differs, or parts are left: {said.decode()[-300:]}")
    yield Tried("kill of a sweep", count, tuple(failed))


def writers(folder: Path, much: float) -> Iterator[Tried]:
    """Three processes that write one result at once."""
    model, count = lay_out_model(folder, 4096), max(1, round(4 * much))
    sweep = ("sweep", "design.yaml", "--model", model, "-o")
    started(folder, *sweep, "whole.zarr").communicate()
    for how in ("--resume", "--force", ""):
        failed = []
        for _ in range(count):
            if not how:
                shutil.rmtree(folder / "r.zarr", ignore_errors=True)
            elif not (folder / "r.zarr").exists():
                started(folder, *sweep, "r.zarr").communicate()
            processes = [started(folder, *sweep, "r.zarr", *filter(None, [how])) for _ in range(3)]
            ends = [
                (process.communicate()[1].decode(), process.returncode) for process in processes
            ]
            if {code for _, code in ends} - {0, 2} or 0 not in [code for _, code in ends]:
                failed.append(str(ends)[-400:])
            if any(code and not ("another process" in said or "exists already" in said)
                   for said, code in ends):  # fmt: skip
                failed.append(str(ends)[-400:])
            if not _same(folder / "r.zarr", folder / "whole.zarr"):
                failed.append("the result differs")
        yield Tried(f"three writers at once: {how or 'a new result'}", 3 * count, tuple(failed))


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 3] ^= 4
    path.write_bytes(raw)


DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "flipped": _flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "foreign": lambda path: path.write_text('{"zarr_format": 3, "node_type": "array"}', "utf-8"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\0\n\x80"),
    "a pipe": lambda path: instead(path, lambda: os.mkfifo(path)),
}


def _there(path: Path, result: str = "whole.zarr") -> Path:
    return Path(result, *path.parts[1:])


def _of_another_place(path: Path) -> None:
    """Put another file of the result in the place of one, of the same size and elsewhere in it."""
    raw, size = path.read_bytes(), path.stat().st_size
    for other in sorted(Path("whole.zarr").rglob("*")):
        if other.is_file() and other.stat().st_size == size and other.read_bytes() != raw:
            shutil.copy(other, path)
            return


def damaged_stores(folder: Path, much: float) -> Iterator[Tried]:
    """Every file of a result, damaged in every way: named, and repaired by --resume."""
    model = lay_out_model(folder, 1024)
    with inside(folder):
        sweep = ("sweep", "design.yaml", "--model", model, "-o", "r.zarr")
        called(sweep)
        called((*sweep[:-1], "other.zarr", "--seed", "6"))
        shutil.copytree("r.zarr", "whole.zarr")
        others = {
            "of another result": lambda path: shutil.copy(_there(path, "other.zarr"), path),
            "of another place": _of_another_place,
        }
        # Of the copies of metadata in zarr.json this package reads none.
        skipped = {Path("r.zarr", "zarr.json"), Path("r.zarr", LOCK)}
        files = sorted({path for path in Path("r.zarr").rglob("*") if path.is_file()} - skipped)
        for kind, damage in {**DAMAGES, **others}.items():
            failed, tried = [], 0
            for path in files[:: 1 if much >= 1 else 9]:
                damage(path)
                if path.is_file() and path.read_bytes() == _there(path).read_bytes():
                    continue  # one is as the other
                tried += 1
                try:
                    verify("r.zarr")
                    failed.append(f"{path}: not noticed")
                except InputError as error:
                    if path.name not in str(error) and path.name != "manifest.json":
                        failed.append(f"{path}: {error}"[:300])
                code, _, err = called((*sweep, "--resume"))
                if code or not _same(Path("r.zarr"), Path("whole.zarr")):
                    failed.append(f"{path}: not repaired: {err[-200:]}")
                    shutil.rmtree("r.zarr")
                    shutil.copytree("whole.zarr", "r.zarr")
            yield Tried(f"damaged result: {kind}", tried, tuple(failed))


def instead(path: Path, make: Callable[[], object]) -> None:
    path.unlink()
    make()
