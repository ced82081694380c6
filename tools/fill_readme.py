"""Fill README's examples of output and its pictures anew: ``make readme``.

A block of README that opens with ``$ make run`` or ``$ plansim …`` shows what that command prints.
Where it leaves lines out there stands one line with ``…``; as many lines as stood before and after
it are taken again from what is printed now. tests/docs/test_readme.py holds that they are the same.

A comment ``<!-- plansim plot … -o docs/pictures/NAME.png -->`` is the command that drew the picture
below it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHOWN = re.compile(r"(?<=^```console\n\$ )(?P<command>.*)\n(?P<lines>(?:.*\n)*?)(?=```$)", re.M)
PICTURE = re.compile(r"^<!-- (plansim plot .*\.png) -->$", re.M)
LEFT_OUT = "…"
PAGES = ("calibration.md", "objections.md")
"""Of the folder of this file, whose examples are filled too."""


def printed(command: str) -> list[str]:
    """Give the lines that a command prints, as README shows them."""
    arguments = shlex.split(command)
    if arguments[0] == "plansim":
        arguments[0] = str(Path(sysconfig.get_path("scripts"), "plansim"))
    # A make within make would say where it works.
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        env={**inherited, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return [line.rstrip() for line in done.stdout.splitlines()]


def refill(block: re.Match[str]) -> str:
    """Give a block's command and as many of its lines as it showed so far."""
    shown = block["lines"].splitlines()
    lines = printed(block["command"])
    if LEFT_OUT in shown:
        before = shown.index(LEFT_OUT)
        after = len(shown) - before - 1
        lines = [*lines[:before], LEFT_OUT, *lines[len(lines) - after :]]
    return "\n".join([block["command"], *lines, ""])


if __name__ == "__main__":
    readme = ROOT / "README.md"
    for command in PICTURE.findall(readme.read_text(encoding="utf-8")):
        printed(f"{command} --force")
    for page in (readme, *(ROOT / "docs" / name for name in PAGES)):
        page.write_text(SHOWN.sub(refill, page.read_text(encoding="utf-8")), encoding="utf-8")
