"""The report as a file, by the writer that its suffix names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xarray as xr

from plansim.analysis.comparison import compare, required_origin
from plansim.files.escaping import without_controls
from plansim.files.writing import check_destination, writing_whole
from plansim.output.report.document import Document
from plansim.output.words.text import Lang, read_text, typeset
from plansim.targets.annual import annual, separate
from plansim.targets.target import Target

__all__ = ["FORMATS", "in_print", "report", "write_report"]

_WRITERS = MappingProxyType(
    {
        ".docx": "docx",
        ".html": "html_pdf",
        ".pdf": "html_pdf",
        ".xlsx": "xlsx",
    },
)
"""The module that writes a format; loaded when it is asked for."""
FORMATS = tuple(_WRITERS)


def report(
    runs: xr.Dataset,
    path: str | Path,
    targets: Sequence[Target | str] | None = None,
    *,
    remedies: bool = True,
    lang: str = Lang.EN,
    force: bool = False,
) -> None:
    """Write the report that holds scenarios against the first: FILE.html, .docx, .xlsx or .pdf.

    Args:
        runs: two scenarios or more, as `simulate` returns them, or a selection of these.
        path: the file; its suffix names the form.
        targets: records or ids; by default those of the catalogue beside the model.
        remedies: whether to look for what would meet each binding target that fails or is open.
        lang: ``en`` or ``zh``.
        force: whether to write over an existing file.

    Raises:
        InputError: the dataset does not know its model, or holds one scenario alone.
        OutputError: as for `write_report`; all other errors as for `compare`.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, [plansim.as_written(model), "boats.yaml"])
    >>> plansim.report(runs, "report.docx", remedies=False, lang="zh", force=True)
    """
    from plansim.output.report.contents import comparison_report

    path = Path(path)
    check_destination(path, force=force, formats=FORMATS)
    origin = required_origin(runs)
    comparison = compare(
        origin.model,
        origin.scenarios,
        targets,
        runs=[annual(run) for run in separate(runs)],
        remedies=remedies,
    )
    write_report(comparison_report(comparison, read_text(Lang(lang))), path, force=force)


def write_report(document: Document, path: Path, *, force: bool = False) -> None:
    """Write a document in the format that the suffix of ``path`` names.

    Raises:
        OutputError: unknown suffix, no such folder, the file exists and ``force`` is not given, or
            the system refuses to write.
    """
    check_destination(path, force=force, formats=FORMATS)
    suffix = path.suffix.lower()
    module = import_module(f"{__package__}.writers.{_WRITERS[suffix]}")
    write = getattr(module, f"write_{suffix[1:]}")
    with writing_whole(path) as part:
        write(in_print(document), part)
        check_destination(path, force=force, formats=FORMATS)


def in_print(document: Document) -> Document:
    """Return a document with all of its texts as print has them."""
    printed: Document = _in_print(document)
    return printed


def _in_print(value: Any) -> Any:
    """Return a text, or all texts in a record, with true minus, low digits and raised powers.

    >>> _in_print(("-4.6 (-23 %)", "SO2 of 2006-2010", "12 亿m3/year"))
    ('−4.6 (−23 %)', 'SO₂ of 2006-2010', '12 亿m³/year')
    """
    if type(value) is str:  # a member of an enum is no text
        return re.sub(r"(?<![\w)])-(?=\d)", "−", typeset(without_controls(value)))
    if isinstance(value, tuple):
        return tuple(map(_in_print, value))
    if not is_dataclass(value) or isinstance(value, type):
        return value
    texts = {field.name: _in_print(getattr(value, field.name)) for field in fields(value)}
    return replace(value, **texts)
