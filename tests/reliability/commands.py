# ruff: noqa: E501 (tables of inputs)
"""Odd command lines, and faults of the disk, of memory and of files, on a small model."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from plansim.cli.main import main
from tests.toys.village import village

ROOT = Path(__file__).parents[2]
LONG = "a" * 300
CODE = "import sys; from plansim.cli.entry import main; sys.exit(main())"
WRITERS: tuple[tuple[str, ...], ...] = (
    ("run", "plain.yaml", "-o", "run.nc"),
    *(("export", "plain.yaml", "-o", f"out.{kind}") for kind in ("csv", "xlsx", "parquet", "nc")),
    *(("compare", "plain.yaml", "other.yaml", "-o", f"report.{kind}")
      for kind in ("docx", "html", "pdf", "xlsx")),
    *(("plot", "plain.yaml", "-o", f"plot.{kind}") for kind in ("png", "svg", "pdf")),
    ("page", "plain.yaml", "-o", "page.html"),
    ("model", "document", "-o", "book"),
    ("sweep", "design.yaml", "-o", "new.zarr"),
    ("replay", "r.zarr", "3", "-o", "three.yaml"),
)  # fmt: skip

DECIDING: tuple[tuple[str, ...], ...] = (
    *(("decide", *words, "-o", "figures.json") for words in
      (("discover", "boats.yaml"), ("robust", "boats.yaml", "past.yaml"), ("signposts", "boats.yaml"), ("conflicts",),
       ("frontier",), ("policies", "boats.yaml", "--seeds", "1", "--generations", "4", "-n", "20"))),
    ("decide", "policies", "boats.yaml", "--seeds", "1", "--generations", "4", "-n", "20", "--save", "saved"),
    ("why", "sensitivity", "boats.yaml", "--design", "design.yaml", "-n", "16", "-o", "figures.json"),
    ("model", "condition", "--prior", "-n", "40", "--design", "design.yaml", "-o", "members.csv"),
)  # fmt: skip
"""Those on a lake, which has an ensemble and a decision problem."""

HUNGRY = (WRITERS[0], WRITERS[5], WRITERS[-4])
"""Those that are tried with little memory."""

ODD: tuple[tuple[str, ...], ...] = (
    ("check", f"{LONG}.yaml"), ("check", LONG), ("check", "plain.yaml", "--with", f"{LONG}.yaml"),
    ("check", "loop.yaml"), ("check", "loop/x.yaml"), ("check", "folder.yaml"), ("check", "pipe.yaml"),
    ("check", "gone.yaml"), ("check", "unreadable.yaml"), ("check", "plain.yaml/x.yaml"),
    ("check", "a\udce4.yaml"), ("check", "\udce4"), ("check", "plain.yaml", "--set", "\udce4=1"),
    ("check", "\x1b]0;x\x07.yaml"), ("check", "\u202e"), ("check", "\n"), ("check", ""), ("check", "+"),
    ("check", "plain.yaml", "--set", "="), ("check", "plain.yaml", "--set", f"{LONG * 99}=1"),
    ("check", "plain.yaml", "--set", "growth=" + "9" * 5000), ("check", "plain.yaml", "--set", "growth=nan"),
    ("check", "plain.yaml", *("--set", "growth=0.1") * 500), ("check", *["plain.yaml"] * 200),
    *(("export", "plain.yaml", "-o", name) for name in
      (f"{LONG}.csv", f"{'a' * 250}.csv", "loop/x.csv", "loop.csv", "folder.csv", "gone/x.csv", "\udce4.csv",
       "/proc/x.csv", "pipe.csv", ".csv", "plain.yaml/x.csv", "full.csv", "n\0l.csv")),
    *(("export", "plain.yaml", "--force", "-o", f"{name}.csv") for name in ("pipe", "full", "loop", "folder")),
    ("page", "plain.yaml", "--force", "-o", "full.html"), ("sweep", "design.yaml", "--force", "-o", "loop.zarr"),
    ("check", "n\0l.yaml"),
    ("run", "plain.yaml", "--variable", LONG * 9), ("show", LONG * 9), ("show", "\udce4"), ("show", "["),
    ("sweep", "design.yaml", "-o", f"{LONG}.zarr"), ("sweep", "design.yaml", "-o", f"{'b' * 240}.zarr"),
    ("sweep", "design.yaml", "-o", "loop.zarr"), ("sweep", "design.yaml", "-o", "plain.yaml", "--force"),
    ("sweep", "design.yaml", "-o", "folder.yaml", "--force"), ("sweep", "loop.yaml"), ("sweep", LONG),
    ("replay", LONG, "1"), ("replay", "loop", "1"), ("replay", "plain.yaml", "1"), ("replay", "r.zarr", "999999999"),
    ("replay", "r.zarr"), ("replay", "r.zarr", "--verify"), ("replay", "loop", "--verify"),
    ("plot", f"{LONG}.zarr", "--kind", "fan", "-o", "x.png"),
    ("page", "loop.yaml", "-o", "x.html"),
    ("model", "document", "-o", "loop/x"), ("model", "document", "-o", LONG),
    ("decide", "frontier", "--spec", f"{LONG}.yaml"), ("decide", "frontier", "--spec", "loop.yaml"),
    *(("check", "plain.yaml", "--data", name) for name in
      (f"{LONG}.csv", f"{LONG}.vdf", "loop.csv", "folder.csv", "pipe.csv", "pipe.vdf", "plain.yaml/x.csv", "gone.vdf",
       "/dev/zero", "\udce4.csv", "plain.vdf", "many.csv")),
    ("model", "new", LONG), ("model", "new", "loop"), ("model", "new", "gone/x"), ("model", "new", "plain.yaml"),
    ("model", "new", "\udce4"), ("model", "new", ""), ("model", "new", "."), ("model", "new", "city", "--name", "\x1b]0;x\x07"),
    ("model", "new", "city", "--name", LONG), ("model", "new", "city", "--name", "=1+1"), ("model", "new", "city", "--name", "a/../b"),
    ("decide", "policies", "plain.yaml", "-o", "loop/x.json"), ("decide", "policies", "loop.yaml"),
    ("decide", "policies", "plain.yaml", "--lever", LONG), ("decide", "policies", "plain.yaml", "--aim", "\udce4"),
    ("decide", "policies", "plain.yaml", "--save", "loop"), ("decide", "conflicts", "loop.yaml"),
    ("decide", "solve", "plain.yaml", "--lever", LONG, "--target", "S1"), ("decide", "robust", "loop.yaml", "gone.yaml"),
    ("decide", "signposts", "plain.yaml", "--target", LONG), ("decide", "information", "gone.yaml", "-n", "0"),
    ("model", "diff", "loop.mdl", LONG), ("model", "condition", LONG), ("check", "plain.yaml", "--with", "loop.yaml"),
    ("why", "sensitivity", "--design", "loop.yaml"), ("why", "sensitivity", "--design", f"{LONG}.yaml"),
)  # fmt: skip


def lay_out(folder: Path) -> None:
    """Write beside a small model what is no plain file."""
    (folder / "loop").symlink_to("loop")
    for name in ("loop.yaml", "loop.csv", "loop.zarr"):
        (folder / name).symlink_to(name)
    for name in ("full.csv", "full.html"):
        (folder / name).symlink_to("/dev/full")
    for name in ("folder.yaml", "folder.csv"):
        (folder / name).mkdir()
    for name in ("pipe.yaml", "pipe.csv", "pipe.vdf"):
        os.mkfifo(folder / name)
    (folder / "plain.vdf").write_text("no run")
    (folder / "many.csv").write_text(f"Time,x\n0,{'9' * 200_000}\n")
    (folder / "unreadable.yaml").write_text("title: x\n")
    (folder / "unreadable.yaml").chmod(0)


def environment() -> dict[str, str]:
    """Return the environment of a process that runs this package."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "sim"), "PYTHONUTF8": "1"}


def full_disk() -> None:
    """Let no file grow beyond a few bytes, as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))


def little_memory() -> None:
    """Let the process have no more memory than it needs to begin."""
    resource.setrlimit(resource.RLIMIT_AS, (700 * 2**20, resource.RLIM_INFINITY))


FAULTS: Mapping[str, Callable[[], None]] = {"disk": full_disk, "memory": little_memory}


def run(
    arguments: tuple[str, ...],
    folder: Path,
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run plansim in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        cwd=folder, preexec_fn=before, capture_output=True, encoding="utf-8", errors="replace",
        env=environment(),
        timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


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
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def lay_out_model(folder: Path, samples: int = 16) -> str:
    """Write a village with a scenario and a design; give the name of its model."""
    model = village(folder)
    (folder / "plain.yaml").write_text("title: Plain\n", "utf-8")
    (folder / "design.yaml").write_text(DESIGN.replace("16384", str(samples)), "utf-8")
    return model.path.name


def with_model(line: Sequence[str], model: str) -> tuple[str, ...]:
    stored = ".zarr" in "".join(line[1:2]) and line[0] in {"export", "plot"}
    no_model = stored or "--verify" in line or line[:2] in {("model", "new"), ("model", "diff")}
    return tuple(line) if no_model else (*line, "--model", model)


def called(line: Sequence[str]) -> tuple[int, str, str]:
    """Call the command in this process; give its exit code and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(line)
    return code, out.getvalue(), err.getvalue()


def shown(line: Sequence[str]) -> str:
    return ascii(" ".join(word[:40] for word in line[:6]))


def started(folder: Path, *line: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *line], cwd=folder, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, env=environment(),
    )  # fmt: skip
