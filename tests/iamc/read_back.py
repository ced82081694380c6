"""Reads back, with pyam, what ``plansim export --form iamc`` wrote; run by ``make iamc``.

It stands apart from the other tests, since pyam needs an environment of its own.
"""

from __future__ import annotations

import csv
import importlib
import math
import sys
from pathlib import Path

RELATIVE = 1e-12
"""Two readers may round the last digit of a decimal differently."""


def main(folder: Path) -> int:
    """Hold what pyam reads from the CSV and the workbook to the tidy table; say what differs."""
    pyam = importlib.import_module("pyam")
    expected = {}
    with (folder / "tidy.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            name = "|".join(filter(None, [row["variable"], *row["element"].split(",")]))
            if row["value"]:
                key = row["scenario"], name, row["unit"], int(row["year"])
                expected[key] = float(row["value"])
    for path in (folder / "export.csv", folder / "export.xlsx"):
        data = pyam.IamDataFrame(path).data
        found = {
            (row.scenario, row.variable.strip('"'), row.unit, int(row.year)): row.value
            for row in data.itertuples(index=False)
        }
        wanted = {(s, v.strip('"'), u, y): value for (s, v, u, y), value in expected.items()}
        if found.keys() != wanted.keys():
            print(f"{path.name}: {len(found.keys() ^ wanted.keys())} figures on one side alone")
            return 1
        wrong = [k for k in wanted if not math.isclose(found[k], wanted[k], rel_tol=RELATIVE)]
        if wrong:
            print(f"{path.name}: {len(wrong)} figures differ, first {wrong[0]}")
            return 1
        print(f"{path.name}: pyam reads back all {len(found):,} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
