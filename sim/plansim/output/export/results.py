"""Results as text for other programs: verdicts and runs as JSON and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from plansim.files.escaping import for_spreadsheet
from plansim.output.series import Series
from plansim.output.words.text import Lang, read_text
from plansim.output.words.verdicts import gap_text
from plansim.targets.annual import COLUMNS
from plansim.targets.target import split_reference

if TYPE_CHECKING:
    import xarray as xr

    from plansim.targets.verdict import Verdict

__all__ = [
    "FORMATS",
    "MORE_FIELDS",
    "VERDICT_FIELDS",
    "Run",
    "card_of",
    "run_csv",
    "run_json",
    "verdict_record",
    "verdicts_csv",
    "verdicts_json",
]

FORMATS = (".csv", ".nc", ".parquet", ".xlsx")


def card_of(dataset: xr.Dataset) -> dict[str, str]:
    """Return the run card of a dataset: its attributes, as texts."""
    return {str(key): str(value) for key, value in dataset.attrs.items()}


Run: TypeAlias = tuple[Sequence[Series], Mapping[str, str]]
"""Annual series of a run, and its run card."""


def run_json(runs: Sequence[Run]) -> str:
    """Write annual series as JSON: the run card, and a list of variables with their values by year.

    A year without a figure is ``null``. Of several runs there is a list of these.
    """
    from plansim.output.export.json_text import json_text  # loads what tables do without

    keys = ("name", "name_zh", "unit", "timing", "values")
    records = [
        {
            "run": card,
            "variables": [{key: getattr(line, key) for key in keys} for line in series],
        }
        for series, card in runs
    ]
    return json_text(records[0] if len(records) == 1 else records)


def run_csv(runs: Sequence[Run]) -> str:
    """Write annual series as CSV, one row a figure, with the columns of `plansim.frame`.

    A year without a figure has an empty value.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row, card in ((row, card) for series, card in runs for row in series):
        name, elements = split_reference(row.name)
        for year, value in row.values.items():
            shown = "" if math.isnan(value) else value
            cells = [card["scenario"], name, ",".join(elements), year, shown, row.unit]
            writer.writerow(map(for_spreadsheet, cells))
    return file.getvalue()


# --- verdicts -----------------------------------------------------------------------------------

_ATTRIBUTES = {"target": "id", "asked": "target"}
"""What a `Verdict` calls what has another name in tables, where ``target`` is always an id."""
VERDICT_FIELDS = (
    "scenario",
    "target",
    "name_en",
    "name_zh",
    "attribute",
    "year",
    "value",
    "asked",
    "direction",
    "unit",
    "status",
    "margin",
    "margin_pct",
    "first_breach",
)
"""Of these ``target`` is the id of a target and ``asked`` the figure that the plan asks for."""

MORE_FIELDS = (
    "tolerance",
    "basis",
    "second_basis",
    "second_value",
    "followed_to",
    "reason",
    "reason_en",
    "reason_zh",
    "certainty",
    "share",
    "share_low",
    "share_high",
    "ensemble",
)
"""What is said of a verdict beyond that; `reason` is a `Gap`, and only where nothing answers.
`Certainty` says how far plausible models agree; the last four are a `Share` of theirs."""


def verdict_record(verdict: Verdict) -> dict[str, str | int | float | None]:
    """Return a verdict as plain values: `VERDICT_FIELDS`, then `MORE_FIELDS`."""
    record = {name: getattr(verdict, _ATTRIBUTES.get(name, name)) for name in VERDICT_FIELDS}
    bases = [*verdict.bases.items(), (None, None), (None, None)]
    reasons = {f"reason_{lang}": gap_text(verdict, read_text(lang)) or None for lang in Lang}
    return {
        **record,
        "tolerance": verdict.tolerance,
        "basis": bases[0][0],
        "second_basis": bases[1][0],
        "second_value": bases[1][1],
        "followed_to": verdict.followed_to,
        "reason": verdict.gap,
        **reasons,
        "certainty": verdict.certainty,
        **{name: getattr(verdict.share, name, None) for name in MORE_FIELDS[-4:]},
    }


def verdicts_json(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as a JSON list of objects: `VERDICT_FIELDS`, then `MORE_FIELDS`."""
    records = [verdict_record(verdict) for verdict in verdicts]
    from plansim.output.export.json_text import json_text

    return json_text(records)


def verdicts_csv(verdicts: Iterable[Verdict]) -> str:
    """Write verdicts as CSV with a header; what there is no value for is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, (*VERDICT_FIELDS, *MORE_FIELDS), lineterminator="\n")
    writer.writeheader()
    records = map(verdict_record, verdicts)
    writer.writerows({k: for_spreadsheet(v) for k, v in record.items()} for record in records)
    return file.getvalue()
