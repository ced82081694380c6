"""Reads back, with pyam, what ``plansim export --form iamc`` wrote; run by ``make iamc``.

It stands apart from the other tests, since pyam needs an environment of its own.
"""

from __future__ import annotations

import csv
import importlib
import math
import sys
from pathlib import Path

RELATIVE = 1e-11
"""Figures have twelve digits."""


def main(folder: Path) -> int:
    """Hold what pyam reads from the CSV and the workbook to the tidy table; say what differs."""
    pyam, yaml = importlib.import_module("pyam"), importlib.import_module("yaml")
    templates = yaml.safe_load(Path("model/iamc.yaml").read_text("utf-8"))["variables"]
    called = {one["of"]: (name, one["unit"], one["factor"]) for name, one in templates.items()}
    expected = {}
    with (folder / "tidy.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            own = f"{row['variable']}[{row['element']}]" if row["element"] else row["variable"]
            if row["value"] and own in called:
                name, unit, factor = called[own]
                key = row["scenario"], name, unit, int(row["year"])
                expected[key] = factor * float(row["value"])
    for path in (folder / "export.csv", folder / "export.xlsx"):
        data = pyam.IamDataFrame(path).data
        found = {
            (row.scenario, row.variable, row.unit, int(row.year)): row.value
            for row in data.itertuples(index=False)
        }
        if found.keys() != expected.keys():
            print(f"{path.name}: {len(found.keys() ^ expected.keys())} figures on one side alone")
            return 1
        wrong = [k for k in expected if not math.isclose(found[k], expected[k], rel_tol=RELATIVE)]
        if wrong:
            print(f"{path.name}: {len(wrong)} figures differ, first {wrong[0]}")
            return 1
        print(f"{path.name}: pyam reads back all {len(found):,} figures")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
