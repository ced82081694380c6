"""A document as pages: one static HTML file, or PDF set by Typst.

Both templates are given the same content. All type comes with the packages, none is the machine's.
"""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from plansim.output.figures.canvas import style
from plansim.output.report import document as doc
from plansim.output.words.font import font_file, subsets
from plansim.output.words.text import Text, read_text

__all__ = ["fonts", "lay_out", "picture", "write_html", "write_pdf"]

ON_PAGE = 0.82
"""Figures are drawn larger than a page shows them."""
_TAGS = {"en": "en", "zh": "zh-CN"}


def picture(figure: doc.Picture, kind: str, dpi: int = 200) -> tuple[bytes, float]:
    """Draw a figure as SVG or PNG; return it with the width in inches that suits a page's type.

    The same figure gives the same bytes.
    """
    buffer = io.BytesIO()
    with style():
        drawing = figure.draw()
        more: dict[str, Any] = (
            {"metadata": {"Date": None}}
            if kind == "svg"
            else {"pil_kwargs": {"compress_level": 3}}  # in a third of the time
        )
        drawing.savefig(buffer, format=kind, dpi=dpi, **more)
        width = float(drawing.get_figwidth())
    return buffer.getvalue(), width * ON_PAGE


# --- HTML -----------------------------------------------------------------------------------------


def write_html(document: doc.Document, path: Path) -> None:
    """Write one file without script or network: pictures and the characters used are inside."""
    from jinja2 import Environment

    def inside(svg: bytes, _: int) -> str:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(_template("layout.html.j2"))
    content = _content(document, inside) | {"lang": _TAGS[document.lang]}
    fonts = [font.css for font in subsets(template.render(content, fonts=[]), "report")]
    path.write_text(template.render(content, fonts=fonts), "utf-8")


# --- PDF ------------------------------------------------------------------------------------------


def write_pdf(document: doc.Document, path: Path) -> None:
    """Write a document as PDF; the same document gives the same bytes."""
    import typst

    with tempfile.TemporaryDirectory() as folder:
        source = lay_out(document, Path(folder))
        path.write_bytes(typst.compile(source, timestamp=0, **fonts()))


def fonts() -> Mapping[str, Any]:
    """Return where Typst finds type: the Chinese font, and DejaVu Sans for signs that it lacks."""
    import matplotlib as mpl

    folders = [font_file().parent, Path(mpl.get_data_path(), "fonts", "ttf")]
    return {"font_paths": [str(folder) for folder in folders], "ignore_system_fonts": True}


def lay_out(document: doc.Document, folder: Path) -> str:
    """Write template, content and pictures for Typst into a folder; return the template's path.

    In the result a label ``row`` marks the first cell of every row of a table, and ``band`` the
    title of some, so that ``typst.query`` tells the page that it is on.
    """

    def beside(svg: bytes, number: int) -> str:
        name = f"figure-{number}.svg"
        (folder / name).write_bytes(svg)
        return name

    content = json.dumps(_content(document, beside), ensure_ascii=False)
    (folder / "layout.json").write_text(content, "utf-8")
    main = folder / "layout.typ"
    main.write_text(_template("layout.typ"), "utf-8")
    return str(main)


# --- content of both ------------------------------------------------------------------------------


def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _content(document: doc.Document, stored: Callable[[bytes, int], str]) -> dict[str, Any]:
    """Return what a template is given; ``stored`` returns where it finds an SVG, by its number."""
    text = read_text(document.lang)
    numbers = {id(block): number for block, number in doc.numbered(document)}
    sections = [
        {
            "title": section.title,
            "new_page": section.new_page,
            "blocks": [_block(block, numbers[id(block)], text, stored) for block in section.blocks],
        }
        for section in document.sections
    ]
    return {
        "lang": document.lang,
        "title": document.title,
        "subtitle": document.subtitle,
        "sections": sections,
        "wide": document.wide,
        "page": text("report.page", page="\0", pages="\0").split("\0"),
    }


def _block(
    block: doc.Block, number: int, text: Text, stored: Callable[[bytes, int], str]
) -> dict[str, Any]:
    """Return the fields of a block, its kind, and for tables and figures a numbered label."""
    match block:
        case doc.ReportTable():
            return {"kind": "table", "label": text("report.table", number=number), **asdict(block)}
        case doc.Picture():
            content, width = picture(block, "svg")
            return {
                "kind": "figure",
                "label": text("report.figure", number=number),
                "caption": block.caption,
                "description": block.description,
                "source": stored(content, number),
                "width": round(width, 2),
            }
        case _:
            return {"kind": type(block).__name__.lower(), **asdict(block)}
