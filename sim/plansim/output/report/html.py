"""A document as one static HTML file: pictures and type inside, no script, no network."""

from __future__ import annotations

import base64
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

from plansim.output.figures.canvas import font_file, style
from plansim.output.report.document import (
    Block,
    Bullets,
    Document,
    Figure,
    Heading,
    Medium,
    Paragraph,
    Table,
    grouped,
    numbered,
)
from plansim.output.text import Text, read_text

__all__ = ["picture", "write_html"]

ON_PAGE = 0.82
"""Figures are drawn larger than they stand on a page."""


def write_html(document: Document, path: Path) -> None:
    """Write a document; the characters that it uses come with it, so that none is missing."""
    from jinja2 import Environment

    text = read_text(document.lang)
    numbers = {id(block): number for block, number in numbered(document)}
    sections = [
        {
            "title": section.title,
            "new_page": section.new_page,
            "blocks": [_block(block, numbers[id(block)], text) for block in section.blocks],
        }
        for section in document.sections
    ]
    template = files(__package__).joinpath("layout.html.j2").read_text("utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    values = {"document": document, "sections": sections, "lang": _TAGS[document.lang]}
    page = environment.from_string(template)
    plain = page.render(**values, font="")
    path.write_text(page.render(**values, font=_font(plain)), "utf-8")


_TAGS = {"en": "en", "zh": "zh-CN"}


def _block(block: Block, number: int, text: Text) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "text": block.text}
        case Paragraph():
            return {"kind": "lead" if block.lead else "paragraph", "text": block.text}
        case Bullets():
            return {"kind": "bullets", "items": block.items}
        case Table():
            label = text("report.table", number=number)
            table = block.on(Medium.PAGE)
            groups = list(grouped(table.rows))
            return {"kind": "table", "label": label, "table": table, "groups": groups}
        case Figure():
            content, width = picture(block, "svg")
            coded = base64.b64encode(content).decode("ascii")
            return {
                "kind": "figure",
                "label": text("report.figure", number=number),
                "caption": block.caption,
                "description": block.description,
                "source": f"data:image/svg+xml;base64,{coded}",
                "width": f"{width:.2f}",
            }


def picture(figure: Figure, kind: str, dpi: int = 200) -> tuple[bytes, float]:
    """Draw a figure as SVG or PNG, with the width in inches at which its type is that of a page.

    The same figure gives the same bytes.
    """
    buffer = io.BytesIO()
    with style():
        drawing = figure.draw()
        dates = {"Date": None} if kind == "svg" else {}
        drawing.savefig(buffer, format=kind, dpi=dpi, metadata=dates)
        width = float(drawing.get_figwidth())
    return buffer.getvalue(), width * ON_PAGE


def _font(page: str) -> str:
    """Give the part of the Chinese font that a page needs, as base64 of a WOFF file."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    with TTFont(font_file(), recalcTimestamp=False) as font:
        options = subset.Options(layout_features=["kern", "locl"], notdef_outline=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text=page)
        subsetter.subset(font)
        font.flavor = "woff"
        buffer = io.BytesIO()
        font.save(buffer, reorderTables=False)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
