"""A document as a file: the writer that its suffix names, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from plansim.analysis.comparison import Comparison
from plansim.files import check_destination, writing_whole
from plansim.output.report.document import Document
from plansim.output.text import Lang, read_text

__all__ = ["FORMATS", "report", "write_report"]


def _html(document: Document, path: Path) -> None:
    from plansim.output.report.html import write_html

    write_html(document, path)


def _docx(document: Document, path: Path) -> None:
    from plansim.output.report.docx import write_docx

    write_docx(document, path)


def _xlsx(document: Document, path: Path) -> None:
    from plansim.output.report.xlsx import write_xlsx

    write_xlsx(document, path)


def _pdf(document: Document, path: Path) -> None:
    from plansim.output.report.pdf import write_pdf

    write_pdf(document, path)


_WRITERS: Mapping[str, Callable[[Document, Path], None]] = {
    ".docx": _docx,
    ".html": _html,
    ".pdf": _pdf,
    ".xlsx": _xlsx,
}
FORMATS = tuple(_WRITERS)


def report(
    comparison: Comparison, path: str | Path, *, lang: str = Lang.EN, force: bool = False
) -> None:
    """Write the report on a comparison: FILE.html, .docx, .xlsx or .pdf.

    Raises:
        OutputError: as for `write_report`.
    """
    from plansim.output.report.comparison import comparison_report

    write_report(comparison_report(comparison, read_text(Lang(lang))), Path(path), force=force)


def write_report(document: Document, path: Path, *, force: bool = False) -> None:
    """Write a document in the format that the suffix of ``path`` names.

    Raises:
        OutputError: unknown suffix, no such folder, the file exists and ``force`` is not given, or
            the system refuses to write.
    """
    check_destination(path, force=force, formats=FORMATS)
    from plansim.output.report.typography import in_print

    with writing_whole(path) as part:
        _WRITERS[path.suffix.lower()](in_print(document), part)
        check_destination(path, force=force, formats=FORMATS)
