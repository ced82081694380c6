# ruff: noqa: E501 (tables of inputs)
"""What is tried to break plansim: each trial counts what was tried and names what failed."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from plansim.cache import save_sealed
from plansim.engine.simulate import simulate
from plansim.errors import PlansimError
from plansim.model.reader import load_model
from plansim.scenario.inheritance import merged
from plansim.scenario.scenario_file import as_written
from plansim.targets.catalogue import load_targets
from tests.helpers.vensim_text import CLOCK
from tests.reliability import commands, fuzz, hostile
from tests.reliability.commands import (
    Trial,
    Tried,
    called,
    inside,
    lay_out_model,
    shown,
    with_model,
)
from tests.reliability.stores import DAMAGES, damaged_stores, instead, kills, writers
from tests.toys.lake import lake
from tests.toys.village import village

__all__ = ["TRIALS", "Tried"]


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
    model, failed = lay_out_model(folder), []
    with inside(folder):
        called(with_model(("sweep", "design.yaml", "-o", "r.zarr"), model))
        commands.lay_out(folder)
        for line in commands.ODD:
            wrong = list(hostile.faults_of(*called(with_model(line, model))))
            failed += [f"{shown(line)}: {text}" for text in wrong]
    yield Tried("odd command line", len(commands.ODD), tuple(failed))


def hostile_names(folder: Path, _: float) -> Iterator[Tried]:
    """A hostile model, with its scenarios, catalogue and design, through every output."""
    model = hostile.write_inputs(folder).name
    with inside(folder):
        for line in hostile.OUTPUTS:
            wrong = list(hostile.faults_of(*called(with_model(line, model))))
            if "-o" in line and (path := Path(line[line.index("-o") + 1])).is_file():
                wrong += hostile.faults_in(path)
            what = " ".join(word for word in line if word not in hostile.SCENARIOS)
            yield Tried(f"hostile names: {what.replace('|', '/')}", 1, tuple(wrong))


def faults_of_the_machine(folder: Path, much: float) -> Iterator[Tried]:
    """Commands that write, on a disk that is full, and with little memory."""
    (folder / "lake").mkdir()
    models = {folder: lay_out_model(folder), folder / "lake": lake(folder / "lake").path.name}
    commands.run(with_model(("sweep", "design.yaml", "-o", "r.zarr"), models[folder]), folder)
    for fault, before in commands.FAULTS.items():
        lines = [(folder, line) for line in commands.WRITERS] if fault == "disk" else []
        lines += [(folder / "lake", line) for line in commands.DECIDING] if lines else []
        lines = lines or [(folder, line) for line in commands.HUNGRY]
        lines, failed = lines[:: 1 if much >= 1 else 8], []
        for where, line in lines:
            done = commands.run(with_model(line, models[where]), where, before)
            wrong = list(hostile.faults_of(done.returncode, done.stdout, done.stderr))
            path = where / line[-1]
            if fault == "disk" and (done.returncode != 2 or path.is_file() or any(path.glob("*"))):
                wrong.append(f"exit code {done.returncode}")
            failed += [f"{shown(line)}: {text}" for text in wrong]
            for left in where.glob(".*.part*"):
                failed.append(f"{shown(line)}: left {left.name}")
        yield Tried(f"fault of the machine: {fault}", len(lines), tuple(failed))


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def damaged_caches(folder: Path, much: float) -> Iterator[Tried]:
    """Every folder of the cache, its entries damaged or planted in every way."""
    model, line = lay_out_model(folder), ("check", "plain.yaml", "--format", "json")
    before = os.environ.get("PLANSIM_CACHE")
    os.environ["PLANSIM_CACHE"] = str(folder / "cache")
    plants: Mapping[str, Callable[[Path], object]] = {
        **DAMAGES,
        "of others": lambda path: path.chmod(0o666),
        **({"of another user": lambda path: os.chown(path, 65534, -1)} if _is_root() else {}),
        "a link": lambda path: instead(path, lambda: path.symlink_to(path.name)),
        "a folder": lambda path: instead(path, path.mkdir),
        "sealed, of another form": lambda path: save_sealed(path, b"\x80\x05]\x94."),
    }  # fmt: skip
    try:
        with inside(folder):
            for engine in ("compiled", "pysd"):
                asked = (*with_model(line, model), "--engine", engine)
                expected = called(asked)
                for kind, plant in plants.items():
                    failed = []
                    files = [path for path in Path("cache").glob("*/*") if path.is_file()]
                    for path in files:
                        plant(path)
                    if (got := called(asked)) != expected:
                        failed.append(str(got)[-300:])
                    yield Tried(f"damaged cache ({engine}): {kind}", len(files), tuple(failed))
                    shutil.rmtree("cache")
                    called(asked)
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
