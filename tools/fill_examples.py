"""Renew what pages show of commands: ``make results``.

A block that opens with ``$ make run`` or ``$ plansim …`` shows what that command prints. A line
``…`` stands for lines that are left out, ``…`` at the end of a line for its rest. Where what is
printed no longer fits, as many lines as stood before the first and after the last ``…`` are taken
again. tests/docs/test_examples.py runs the same examples.

A comment ``<!-- plansim plot … -o docs/pictures/NAME.png -->`` is the command that drew the picture
below it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.docs.examples import (  # noqa: E402
    LEFT_OUT,
    SESSIONS,
    environment,
    files_of,
    pattern_of,
    read_examples,
)

PICTURE = re.compile(r"^<!-- (plansim plot .*\.png) -->$", re.M)


def printed(command: str, folder: Path) -> str:
    """Return what a command prints; errors stand where a page shows one."""
    arguments = shlex.split(command)
    if arguments[0] == "plansim":
        arguments[0] = str(Path(sysconfig.get_path("scripts"), "plansim"))
    done = subprocess.run(
        arguments,
        cwd=ROOT if arguments[0] == "make" else folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    text = done.stderr if done.returncode == 2 else done.stdout
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def renewed(shown: str, text: str) -> str:
    """Return what a page shows of a text, with as many lines as it showed so far."""
    if re.fullmatch(pattern_of(shown), text):
        return shown
    lines = text.splitlines()
    before, mark, _ = shown.partition(f"{LEFT_OUT}\n")
    if not mark:
        return text
    head, tail = before.count("\n"), shown.rpartition(f"{LEFT_OUT}\n")[2].count("\n")
    kept = [*lines[:head], LEFT_OUT, *lines[len(lines) - tail :]]
    return "".join(f"{line}\n" for line in kept)


def fill(pages: list[str]) -> None:
    """Run the examples of pages in their order and write down what changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files_of(pages).items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, "utf-8")
        for example in read_examples(pages):
            path = ROOT / example.page
            block = f"$ {example.command}\n"
            now = renewed(example.shown, printed(example.command, folder))
            text = path.read_text("utf-8")
            path.write_text(text.replace(block + example.shown, block + now, 1), "utf-8")


if __name__ == "__main__":
    for command in PICTURE.findall((ROOT / "README.md").read_text("utf-8")):
        printed(f"{command} --force", ROOT)
    for pages in SESSIONS.values():
        fill(pages)
