# ruff: noqa: E501 (tables of inputs)
"""What is tried to break plansim: each trial counts what was tried and names what failed."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from plansim.analysis.experiments.store import open_sweep, verify
from plansim.cache import save_sealed
from plansim.cli.main import main
from plansim.engine.simulate import simulate
from plansim.errors import InputError, PlansimError
from plansim.model.reader import load_model
from plansim.scenario.inheritance import merged
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from tests.helpers.vensim_text import CLOCK
from tests.reliability import commands, fuzz, hostile
from tests.toys.village import village

__all__ = ["TRIALS", "Tried"]


@dataclass(frozen=True)
class Tried:
    """How often something was tried, and what failed."""

    what: str
    count: int
    failed: tuple[str, ...]


Trial = Callable[[Path, float], Iterator[Tried]]
"""Takes an empty folder, and how much is tried: 1 for what the documents show."""

DESIGN = """\
title: {en: A sweep, zh: 抽样}
scenarios: [plain.yaml]
design: {kind: sobol, samples: 16384, seed: 5}
factors: {growth: [0.05, 0.15]}
outputs: [stock]
years: [2005]
"""


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _lay_out(folder: Path, samples: int = 16) -> str:
    """Write a village with a scenario and a design; give the name of its model."""
    model = village(folder)
    (folder / "plain.yaml").write_text("title: Plain\n", "utf-8")
    (folder / "design.yaml").write_text(DESIGN.replace("16384", str(samples)), "utf-8")
    return model.path.name


def _with_model(line: Sequence[str], model: str) -> tuple[str, ...]:
    stored = ".zarr" in "".join(line[1:2]) and line[0] in {"export", "plot"}
    no_model = stored or "--verify" in line or line[:2] in {("model", "new"), ("model", "diff")}
    return tuple(line) if no_model else (*line, "--model", model)


def _called(line: Sequence[str]) -> tuple[int, str, str]:
    """Call the command in this process; give its exit code and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(line)
    return code, out.getvalue(), err.getvalue()


def _shown(line: Sequence[str]) -> str:
    return ascii(" ".join(word[:40] for word in line[:6]))


# --- trials ---------------------------------------------------------------------------------------


def fuzzed(folder: Path, much: float) -> Iterator[Tried]:
    """Mutated inputs, by kind; those that failed once come first."""
    readers = fuzz.Readers.of(folder)
    for name, kind in fuzz.KINDS.items():
        kept = sorted(fuzz.KEPT.glob(f"{name}-*"))
        failed = [f"{path.name}: {wrong}" for path in kept
                  if (wrong := fuzz.try_input(kind, readers, path.read_bytes()))]  # fmt: skip
        count = max(20, round(fuzz.SHARES.get(name, fuzz.MANY) * much))
        failed += [f"seed {seed}: {wrong}"
                   for seed, wrong in fuzz.failures(name, readers, range(count))]  # fmt: skip
        yield Tried(f"mutated input: {name}", count + len(kept), tuple(failed))


def command_lines(folder: Path, _: float) -> Iterator[Tried]:
    """Command lines that nobody should type."""
    model, failed = _lay_out(folder), []
    with _inside(folder):
        _called(_with_model(("sweep", "design.yaml", "-o", "r.zarr"), model))
        commands.lay_out(folder)
        for line in commands.ODD:
            wrong = list(hostile.faults_of(*_called(_with_model(line, model))))
            failed += [f"{_shown(line)}: {text}" for text in wrong]
    yield Tried("odd command line", len(commands.ODD), tuple(failed))


def hostile_names(folder: Path, _: float) -> Iterator[Tried]:
    """A hostile model, with its scenarios, catalogue and design, through every output."""
    model = hostile.write_inputs(folder).name
    with _inside(folder):
        for line in hostile.OUTPUTS:
            wrong = list(hostile.faults_of(*_called(_with_model(line, model))))
            if "-o" in line and (path := Path(line[line.index("-o") + 1])).is_file():
                wrong += hostile.faults_in(path)
            what = " ".join(word for word in line if word not in hostile.SCENARIOS)
            yield Tried(f"hostile names: {what.replace('|', '/')}", 1, tuple(wrong))


def faults_of_the_machine(folder: Path, much: float) -> Iterator[Tried]:
    """Commands that write, on a disk that is full, and with little memory."""
    model = _lay_out(folder)
    commands.run(_with_model(("sweep", "design.yaml", "-o", "r.zarr"), model), folder)
    for fault, before in commands.FAULTS.items():
        lines = commands.WRITERS if fault == "disk" else commands.HUNGRY
        lines, failed = lines[:: 1 if much >= 1 else 8], []
        for line in lines:
            done = commands.run(_with_model(line, model), folder, before)
            wrong = list(hostile.faults_of(done.returncode, done.stdout, done.stderr))
            if fault == "disk" and (done.returncode != 2 or (folder / line[-1]).exists()):
                wrong.append(f"exit code {done.returncode}")
            failed += [f"{_shown(line)}: {text}" for text in wrong]
            for left in folder.glob(".*.part*"):
                failed.append(f"{_shown(line)}: left {left.name}")
        yield Tried(f"fault of the machine: {fault}", len(lines), tuple(failed))


def _started(folder: Path, *line: str) -> subprocess.Popen[bytes]:
    code = "import sys; from plansim.cli.entry import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, *line], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=commands.environment(),
    )  # fmt: skip


def _same(one: Path, other: Path) -> bool:
    a, b = (open_sweep(verify(path).path).load() for path in (one, other))
    return all(np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f") for name in a)


def kills(folder: Path, much: float) -> Iterator[Tried]:
    """A sweep that is killed at any moment, and resumed."""
    model, failed, draw = _lay_out(folder, 16384), [], random.Random(7)
    sweep = ("sweep", "design.yaml", "--model", model, "-o")
    whole = time.monotonic()
    _started(folder, *sweep, "whole.zarr").communicate()
    whole = time.monotonic() - whole
    count = max(2, round(20 * much))
    for _ in range(count):
        path = folder / "r.zarr"
        process = _started(folder, *sweep, "r.zarr", *(["--resume"] if path.exists() else []))
        time.sleep(draw.uniform(0.2, 1) * whole)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if path.exists():
            try:
                verify(path)
            except PlansimError as error:
                failed.append(str(error))
        if draw.random() < 0.3:
            shutil.rmtree(path, ignore_errors=True)
    resume = ["--resume"] if (folder / "r.zarr").exists() else []
    said = _started(folder, *sweep, "r.zarr", *resume).communicate()[1]
    if not _same(folder / "r.zarr", folder / "whole.zarr") or list(folder.glob(".*.part*")):
        failed.append(f"the resumed result differs, or parts are left: {said.decode()[-300:]}")
    yield Tried("kill of a sweep", count, tuple(failed))


def writers(folder: Path, much: float) -> Iterator[Tried]:
    """Three processes that write one result at once."""
    model, count = _lay_out(folder, 4096), max(1, round(4 * much))
    sweep = ("sweep", "design.yaml", "--model", model, "-o")
    _started(folder, *sweep, "whole.zarr").communicate()
    for how in ("--resume", "--force", ""):
        failed = []
        for _ in range(count):
            if not how:
                shutil.rmtree(folder / "r.zarr", ignore_errors=True)
            elif not (folder / "r.zarr").exists():
                _started(folder, *sweep, "r.zarr").communicate()
            processes = [_started(folder, *sweep, "r.zarr", *filter(None, [how])) for _ in range(3)]
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


_DAMAGES: Mapping[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "flipped": _flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-2]),
    "foreign": lambda path: path.write_text('{"zarr_format": 3, "node_type": "array"}', "utf-8"),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\0\n\x80"),
}


def _there(path: Path, result: str = "whole.zarr") -> Path:
    return Path(result, *path.parts[1:])


def _of_another_result(path: Path) -> None:
    shutil.copy(_there(path, "other.zarr"), path)


def _of_another_place(path: Path) -> None:
    """Put another file of the result in the place of one, of the same size and elsewhere in it."""
    raw, size = path.read_bytes(), path.stat().st_size
    for other in sorted(Path("whole.zarr").rglob("*")):
        if other.is_file() and other.stat().st_size == size and other.read_bytes() != raw:
            shutil.copy(other, path)
            return


def damaged_stores(folder: Path, much: float) -> Iterator[Tried]:
    """Every file of a result, damaged in every way: named, and repaired by --resume."""
    model = _lay_out(folder, 1024)
    with _inside(folder):
        sweep = ("sweep", "design.yaml", "--model", model, "-o", "r.zarr")
        _called(sweep)
        _called((*sweep[:-1], "other.zarr", "--seed", "6"))
        shutil.copytree("r.zarr", "whole.zarr")
        others: dict[str, Callable[[Path], object]] = {
            "of another result": _of_another_result,
            "of another place": _of_another_place,
            "a pipe": lambda path: _instead(path, lambda: os.mkfifo(path)),
        }
        # Of the copies of metadata in zarr.json this package reads none.
        skipped = {"writer.lock", "zarr.json"}
        files = [path for path in sorted(Path("r.zarr").rglob("*")) if path.is_file()
                 and str(path.relative_to("r.zarr")) not in skipped
                 and path.name != "writer.lock"]  # fmt: skip
        for kind, damage in {**_DAMAGES, **others}.items():
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
                code, _, err = _called((*sweep, "--resume"))
                if code or not _same(Path("r.zarr"), Path("whole.zarr")):
                    failed.append(f"{path}: not repaired: {err[-200:]}")
                    shutil.rmtree("r.zarr")
                    shutil.copytree("whole.zarr", "r.zarr")
            yield Tried(f"damaged result: {kind}", tried, tuple(failed))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _instead(path: Path, make: Callable[[], object]) -> None:
    path.unlink()
    make()


def damaged_caches(folder: Path, much: float) -> Iterator[Tried]:
    """Every folder of the cache, its entries damaged or planted in every way."""
    model, line = _lay_out(folder), ("check", "plain.yaml", "--format", "json")
    before = os.environ.get("PLANSIM_CACHE")
    os.environ["PLANSIM_CACHE"] = str(folder / "cache")
    plants: Mapping[str, Callable[[Path], object]] = {
        **_DAMAGES,
        "of others": lambda path: path.chmod(0o666),
        **({"of another user": lambda path: os.chown(path, 65534, -1)} if _is_root() else {}),
        "a link": lambda path: _instead(path, lambda: path.symlink_to(path.name)),
        "a pipe": lambda path: _instead(path, lambda: os.mkfifo(path)),
        "a folder": lambda path: _instead(path, path.mkdir),
        "sealed, of another form": lambda path: save_sealed(path, b"\x80\x05]\x94."),
    }  # fmt: skip
    try:
        with _inside(folder):
            for engine in ("compiled", "pysd"):
                asked = (*_with_model(line, model), "--engine", engine)
                expected = _called(asked)
                for kind, plant in plants.items():
                    failed = []
                    files = [path for path in Path("cache").glob("*/*") if path.is_file()]
                    for path in files:
                        plant(path)
                    if (got := _called(asked)) != expected:
                        failed.append(str(got)[-300:])
                    yield Tried(f"damaged cache ({engine}): {kind}", len(files), tuple(failed))
                    shutil.rmtree("cache")
                    _called(asked)
    finally:
        os.environ.pop("PLANSIM_CACHE")
        if before is not None:
            os.environ["PLANSIM_CACHE"] = before


BOUNDS: Mapping[str, float] = {"in a message": 3.0, "run": 120.0}
"""Seconds of processor time in which hopeless inputs end, and large ones run."""


def limits(folder: Path, much: float) -> Iterator[Tried]:
    """Inputs of a size that nobody has."""
    model, size = village(folder), 20_000 if much >= 1 else 2_000
    catalogue = (folder / "targets.yaml").read_text("utf-8")

    def written(name: str, text: str) -> Path:
        (folder / name).write_text(text, "utf-8")
        return folder / name

    def scenario(text: str) -> object:
        return merged(written("large.yaml", f"title: x\n{text}"), model, ())

    def run(equations: str) -> object:
        large = load_model(written("large.mdl", equations + CLOCK))
        return simulate(large, as_written(large))

    def lines(pattern: str, count: int = size) -> str:
        return "".join(pattern.format(i=i, j=i - 1) for i in range(1, count + 1))

    def names(letter: str) -> str:
        return f"{letter}: " + ", ".join(f"{letter}{i}" for i in range(100)) + " ~~|\n"

    aim = "- {{id: X{i}, en: a, zh: b, unit: 亿元, target: {{at least: 1, year: 2005}}, " \
          "place: [ch 1], variable: no {i}}}\n"  # fmt: skip
    numbers = ", ".join(f"{i}: 0.1" for i in range(3 * size))
    chain = "v0= 1 ~ Dmnl ~ x |\n" + lines("v{i}= v{j}+Time ~ Dmnl ~ x |\n")
    array = "".join(map(names, "ijk")) + "x[i,j,k]= {0} ~ Dmnl ~ x |\n"
    inputs: Mapping[str, tuple[str, Callable[[], object]]] = {
        f"{size:,} unknown names": ("in a message", lambda: scenario("values:\n" + lines("  no {i}: 1\n"))),
        f"{size:,} unknown keys": ("in a message", lambda: scenario(lines("k{i}: 1\n"))),
        f"{3 * size:,} values": ("in a message", lambda: scenario(f"values:\n  growth: {{{numbers}}}\n")),
        f"{size:,} settings": ("in a message", lambda: merged(folder / "other.yaml", model, [f"no {i}=1" for i in range(size)])),
        f"{size // 4:,} targets of unknown variables": ("in a message", lambda: load_targets(written("large-targets.yaml", catalogue + lines(aim, size // 4)), model)),
        f"{size:,} unknown names in equations": ("in a message", lambda: run(lines("v{i}= no {i} ~ Dmnl ~ x |\n"))),
        "an array of 1,000,000 constants": ("in a message", lambda: run(array.format(1))),
        "an array of 1,000,000 cells": ("in a message", lambda: run(array.format("Time"))),
        f"{size:,} nested brackets": ("in a message", lambda: run("a= 1 ~ Dmnl ~ x |\nv= " + "(" * size + "a" + ")" * size + " ~ Dmnl ~ x |\n")),
        f"a chain of {size:,} variables": ("run", lambda: run(chain)),
        f"a sum of {3 * size:,} terms": ("run", lambda: run("a= Time ~ Dmnl ~ x |\nv= " + "+".join(["a"] * 3 * size) + " ~ Dmnl ~ x |\n")),
    }  # fmt: skip
    for what, (kind, use) in inputs.items():
        start, failed = time.process_time(), []
        try:
            use()
        except PlansimError as error:
            if len(str(error)) > 20_000:
                failed.append(f"a message of {len(str(error))} characters")
        except Exception as error:
            failed.append(f"{type(error).__name__}: {error}"[:300])
        if (spent := time.process_time() - start) > BOUNDS[kind]:
            failed.append(f"{spent:.1f} s")
        yield Tried(f"size: {what}, within {BOUNDS[kind]:.0f} s", 1, tuple(failed))


TRIALS: Mapping[str, Trial] = {
    "fuzz": fuzzed,
    "command lines": command_lines,
    "kills": kills,
    "writers": writers,
    "damaged results": damaged_stores,
    "disk and memory": faults_of_the_machine,
    "cache": damaged_caches,
    "hostile names": hostile_names,
    "limits": limits,
}
