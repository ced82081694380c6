"""Renew what pages show of commands: ``make results``.

A block that opens with ``$ make run`` or ``$ plansim …`` shows what that command prints. A line
``…`` stands for lines that are left out, ``…`` at the end of a line for its rest. Where what is
printed no longer fits, as many lines as stood before, between and after the ``…`` are taken again.
tests/docs/test_examples.py runs the same examples.

A comment ``<!-- plansim plot … -o docs/results/NAME.png -->`` in the README or on the site's first
page is the command that drew the picture below it. Parts of pages that follow from runs are made by
tools/derived.py.
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
from tools.derived import SPEC, renewed_parts  # noqa: E402

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
    """Return what a page shows of a text, with as many lines in each part as it showed so far.

    A part between two ``…`` begins where its first line begins with the same word.
    """
    if re.fullmatch(pattern_of(shown), text):
        return shown
    lines = text.splitlines()
    parts = [part.splitlines() for part in shown.split(f"{LEFT_OUT}\n")]
    if len(parts) == 1:
        return text
    first, *middle, last = parts
    kept = lines[: len(first)]
    for part in middle:
        blank = next((place for place, line in enumerate(part) if line.strip()), 0)
        if not "".join(part).strip():
            kept += [LEFT_OUT, *part]
            continue
        word = part[blank].split()[0]
        starts = [place for place, line in enumerate(lines) if line.split()[:1] == [word]]
        start = next((place for place in starts if place >= len(first)), blank) - blank
        kept += [LEFT_OUT, *lines[start : start + len(part)]]
    kept += [LEFT_OUT, *lines[len(lines) - len(last) :]]
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
    if sys.argv[1:]:  # it takes no arguments, and is not begun by who asks for help
        sys.exit(__doc__)
    for page in ("README.md", "docs/site/index.zh.md"):
        for command in PICTURE.findall((ROOT / page).read_text("utf-8")):
            printed(f"{command} --force", ROOT)
    for page in SPEC.pages:
        (ROOT / page).write_text(renewed_parts(page), "utf-8")
    for pages in SESSIONS.values():
        fill(pages)
