"""The runs of a sweep as a table for other programs: one row a run, as Parquet or CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plansim.analysis.evaluator import RunStatus
from plansim.analysis.experiments.store import Store, array_of
from plansim.errors import Fault, OutputError
from plansim.files.escaping import for_spreadsheet
from plansim.files.writing import check_destination, writing_whole
from plansim.targets.target import Status

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMATS", "write_runs"]

FORMATS = (".csv", ".parquet")


def write_runs(store: Store, path: Path, *, force: bool = False) -> int:
    """Write every run that a store holds, block by block; give their number.

    Columns: ``run``, ``scenario``, ``status``, ``bad variable``, ``bad time``; the factors by
    name; ``OUTPUT YEAR`` for each output and year; ``TARGET`` (the verdict) and ``TARGET margin``
    for each target; ``TARGET first breach`` for binding ones. Units are in the store.

    Raises:
        OutputError: unknown suffix, the file exists and ``force`` is not given, or the system
            refuses to write.
    """
    check_destination(path, force=force, formats=FORMATS)
    count = 0
    with writing_whole(path) as part:
        writer: Any = None
        suffix = path.suffix.lower()
        for table in _tables(store, for_spreadsheet if suffix == ".csv" else str):
            writer = writer or _writer(part, table.schema, suffix)
            writer.write_table(table)
            count += table.num_rows
        if writer is None:
            raise OutputError(Fault("the result holds no runs yet", store.path))
        writer.close()
    return count


def _writer(path: Path, schema: pa.Schema, suffix: str) -> Any:
    if suffix == ".parquet":
        from pyarrow import parquet

        return parquet.ParquetWriter(path, schema)
    from pyarrow import csv

    return csv.CSVWriter(path, schema)


def _tables(store: Store, shown: Callable[[str], object]) -> Iterator[pa.Table]:
    """Yield the runs of each block that is written whole; ``shown`` are the texts in a table."""
    import pyarrow as pa

    group = store.group()

    def read(name: str, span: slice) -> Any:
        return np.asarray(array_of(group, name)[span])

    everything = slice(None)
    years = read("year", everything).tolist()
    targets = [str(target) for target in read("target", everything)]
    binding = [str(target) for target in read("binding_target", everything)]
    bad: Any = group["bad_variable"].attrs["names"]
    names = list(map(shown, bad))
    scenarios = list(map(shown, store.card["design"]["scenarios"]))
    for number in sorted(store.done()):
        span = slice(*store.span(number))
        columns: dict[str, Any] = {
            "run": np.arange(span.start, span.stop),
            "scenario": _words(read("scenario", span), scenarios),
            "status": _words(read("status", span), [status.name.lower() for status in RunStatus]),
            "bad variable": _words(read("bad_variable", span), names),
            "bad time": pa.array(read("bad_time", span), from_pandas=True),
        }
        columns |= {name: read(name, span) for name in store.factors}
        for name in store.outputs:
            values = read(name, span)
            for index, year in enumerate(years):
                columns[f"{name} {year}"] = np.ascontiguousarray(values[:, index])
        verdict, margin = read("verdict", span), read("margin", span)
        for index, target in enumerate(targets):
            columns[target] = _words(verdict[:, index], [status.value for status in Status])
            columns[f"{target} margin"] = np.ascontiguousarray(margin[:, index])
        breach = read("first_breach", span)
        for index, target in enumerate(binding):
            years_of = np.ascontiguousarray(breach[:, index])
            columns[f"{target} first breach"] = pa.array(years_of, mask=years_of <= 0)
        yield pa.table({shown(name): column for name, column in columns.items()})


def _words(codes: Any, words: list[Any]) -> Any:
    """Return texts for codes; nothing for those below zero."""
    import pyarrow as pa

    places = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(places, pa.array(words)).cast(pa.string())
