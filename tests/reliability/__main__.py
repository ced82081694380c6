"""Try everything to break plansim, and write the table *tried, failed* of docs/reliability.md.

``python -m tests.reliability`` prints it; ``--write`` writes it; names of trials select some, and
``--much 0.1`` tries a tenth. The exit code is 1 where anything failed.
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
from pathlib import Path

from tests.reliability.trials import TRIALS, Tried

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
MEMORY = 12 * 2**30
"""Bytes of address space that the trials may take."""

BEGIN, END = "<!-- tried -->", "<!-- end -->"


def table(before: str, results: list[Tried]) -> str:
    """Return the table, in Markdown; what was not tried now stays as it was."""
    old = [re.fullmatch(r"\| (.*) \| ([\d,]+) \| (\d+) \|", line) for line in before.split("\n")]
    rows = {row[1]: (int(row[2].replace(",", "")), int(row[3])) for row in old if row}
    rows |= {tried.what: (tried.count, len(tried.failed)) for tried in results}
    lines = [f"| {what} | {count:,} | {failed} |" for what, (count, failed) in rows.items()]
    total, wrong = map(sum, zip(*rows.values(), strict=True))
    lines.append(f"| **all** | **{total:,}** | **{wrong}** |")
    return "\n".join(["| tried | times | failed |", "| --- | ---: | ---: |", *lines])


def write(results: list[Tried]) -> None:
    """Write the table into the page; what was not tried now stays as it was."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{table(old, results)}\n{END}{after}", "utf-8")


def main() -> int:
    """Run trials; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.reliability")
    parser.add_argument("trials", nargs="*", help=f"of {', '.join(TRIALS)}; else all")
    parser.add_argument("--much", type=float, default=1.0, help="how much is tried")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md")
    chosen = parser.parse_args()
    # An input that takes all memory fails as a MemoryError, and does not end the machine.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    results: list[Tried] = []
    for name, trial in TRIALS.items():
        if chosen.trials and name not in chosen.trials:
            continue
        with tempfile.TemporaryDirectory() as folder:
            for tried in trial(Path(folder), chosen.much):
                results.append(tried)
                print(f"{tried.what}: {tried.count} tried, {len(tried.failed)} failed", flush=True)
                print(*(f"    {text}" for text in tried.failed[:20]), sep="\n", file=sys.stderr)
        if chosen.write:
            write(results)
    return 1 if any(tried.failed for tried in results) else 0


if __name__ == "__main__":
    sys.exit(main())
