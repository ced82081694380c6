"""A document as PDF, set by Typst; all type comes with the packages, none is the machine's."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from plansim.output.figures.canvas import font_file
from plansim.output.report.document import (
    Band,
    Block,
    Bullets,
    Cell,
    Document,
    Figure,
    Heading,
    Medium,
    Paragraph,
    Table,
    grouped,
    numbered,
)
from plansim.output.report.html import picture
from plansim.output.text import Text, read_text

__all__ = ["lay_out", "write_pdf"]

MOST_UPRIGHT = 4
"""Scenarios of which a table fits an upright page."""


def write_pdf(document: Document, path: Path) -> None:
    """Write a document as PDF; the same document gives the same bytes."""
    import typst

    with tempfile.TemporaryDirectory() as folder:
        source = lay_out(document, Path(folder))
        path.write_bytes(typst.compile(source, timestamp=0, **fonts()))


def fonts() -> Mapping[str, Any]:
    """Say where Typst finds type: the Chinese font, and DejaVu Sans for signs that it lacks."""
    import matplotlib as mpl

    own = [font_file().parent, Path(mpl.get_data_path(), "fonts", "ttf")]
    return {"font_paths": [str(each) for each in own], "ignore_system_fonts": True}


def lay_out(document: Document, folder: Path) -> str:
    """Write what Typst needs into a folder: the template, the words, the pictures; give the first.

    In the result a label ``row`` marks the first cell of every row of a table, so that
    ``typst.query`` tells the page that it stands on.
    """
    text = read_text(document.lang)
    numbers = {id(block): number for block, number in numbered(document)}
    sections = [
        {
            "title": section.title,
            "new_page": section.new_page,
            "blocks": [_block(each, numbers[id(each)], text, folder) for each in section.blocks],
        }
        for section in document.sections
    ]
    first = [each for each in document.sections[0].blocks if isinstance(each, Table)]
    columns = max((len(each.on(Medium.PAGE).columns) for each in first), default=0)
    content = {
        "lang": document.lang,
        "title": document.title,
        "subtitle": document.subtitle,
        "sections": sections,
        "wide": columns > MOST_UPRIGHT + 3,
        "page": text("report.page", page="\0", pages="\0").split("\0"),
    }
    (folder / "layout.json").write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    main = folder / "layout.typ"
    main.write_text(files(__package__).joinpath("layout.typ").read_text("utf-8"), "utf-8")
    return str(main)


def _block(block: Block, number: int, text: Text, folder: Path) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "text": block.text}
        case Paragraph():
            return {"kind": "lead" if block.lead else "paragraph", "text": block.text}
        case Bullets():
            return {"kind": "bullets", "items": block.items}
        case Table():
            table = block.on(Medium.PAGE)
            return {
                "kind": "table",
                "label": text("report.table", number=number),
                "caption": table.caption,
                "columns": [
                    {"head": each.head, "below": each.below, "right": each.right,
                     "width": each.width}
                    for each in table.columns
                ],
                "groups": [[_row(row) for row in group] for group in grouped(table.rows)],
                "note": table.note,
            }  # fmt: skip
        case Figure():
            content, width = picture(block, "svg")
            name = f"figure-{number}.svg"
            (folder / name).write_bytes(content)
            return {
                "kind": "figure",
                "label": text("report.figure", number=number),
                "caption": block.caption,
                "description": block.description,
                "source": name,
                "width": width,
            }


def _row(row: Any) -> dict[str, Any]:
    if isinstance(row, Band):
        return {"band": row.text}
    return {"cells": [_cell(each) for each in row.cells]}


def _cell(cell: Cell) -> dict[str, Any]:
    return {"text": cell.text, "below": cell.below, "tone": cell.tone}
