"""A document for Word: real headings, tables and captions, Chinese type named."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Inches, Pt, RGBColor

from plansim.output.report import document as doc
from plansim.output.report.writers.html_pdf import picture
from plansim.output.words.text import Text, read_text

__all__ = ["write_docx"]

LATIN = "Calibri"
CHINESE = "Microsoft YaHei"
"""What Word sets Chinese in; where it is not installed, Word takes another Chinese face."""
SIZES = {"Normal": 9.5, "Title": 17, "Subtitle": 10, "Heading 1": 14, "Caption": 9,
         "List Bullet": 9.5}  # fmt: skip
SPACES = {"Normal": (0, 4), "List Bullet": (0, 2), "Title": (0, 2), "Caption": (6, 3),
          "Heading 1": (12, 0)}  # fmt: skip
"""Points before and after a paragraph."""
SMALL = 7.5
MARGIN = 1.5
"""Margin of a page of A4, in centimetres."""
HEADED = 2.2
"""Centimetres of a page that the heading and the caption of a picture take."""
SHADE, BAND, RULE, HEAD_RULE = "F1F4F7", "EFEFEF", "D0D0D0", "222222"


def write_docx(document: doc.Document, path: Path) -> None:
    """Write a document in the form of Word 2007 and later."""
    text = read_text(document.lang)
    file = docx.Document()
    width = _lay_out(file, wide=document.wide)
    _styles(file)
    _properties(file, document)
    _footer(file, text)
    file.add_paragraph(document.title, style="Title")
    file.add_paragraph(document.subtitle, style="Subtitle")
    numbers = {id(block): number for block, number in doc.numbered(document)}
    for section in document.sections:
        heading = file.add_heading(section.title, level=1)
        heading.paragraph_format.page_break_before = section.new_page
        for block in section.blocks:
            _write(file, block, numbers[id(block)], text, width)
    memory = io.BytesIO()  # a zip file complains by itself where a disk is full
    file.save(memory)
    path.write_bytes(memory.getvalue())


def _lay_out(file: Any, *, wide: bool) -> float:
    """Set up pages of A4; return the width of their text, in centimetres."""
    page = file.sections[0]
    sides = (29.7, 21.0) if wide else (21.0, 29.7)
    page.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    page.page_width, page.page_height = map(Cm, sides)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Cm(MARGIN)
    return sides[0] - 2 * MARGIN


def _styles(file: Any) -> None:
    """Name the faces of all styles that are used, and set their sizes."""
    for name, size in SIZES.items():
        style = file.styles[name]
        style.font.name, style.font.size, style.font.italic = LATIN, Pt(size), False
        style.font.color.rgb = RGBColor(0x22, 0x22, 0x22)
        before, after = SPACES.get(name, (0, 6))
        style.paragraph_format.space_before, style.paragraph_format.space_after = (
            Pt(before), Pt(after)
        )  # fmt: skip
        style.paragraph_format.line_spacing = 1.0
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for key in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{key}"), None)
        fonts.set(qn("w:eastAsia"), CHINESE)


def _properties(file: Any, document: doc.Document) -> None:
    kept = file.core_properties
    kept.title, kept.subject = document.title[:255], document.subtitle[:255]
    kept.author = kept.last_modified_by = "plansim"
    kept.comments = ""
    kept.language = {"en": "en-GB", "zh": "zh-CN"}[document.lang]
    kept.created = kept.modified = doc.EPOCH


def _footer(file: Any, text: Text) -> None:
    """Put the number of the page below each."""
    line = file.sections[0].footer.paragraphs[0]
    line.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    marked = text("report.page", page="\0PAGE\0", pages="\0NUMPAGES\0")
    for index, part in enumerate(marked.split("\0")):
        if index % 2:
            _field(line, part, "1")
        else:
            line.add_run(part)


def _field(line: Any, code: str, shown: str) -> None:
    """Add a field, which Word counts anew: a page number, the number of a table."""
    run = f"<w:r><w:t>{shown}</w:t></w:r>"
    line._p.append(_element(f'<w:fldSimple w:instr="{code}">{run}</w:fldSimple>'))


def _element(xml: str) -> Any:
    """Return an element of WordprocessingML."""
    return parse_xml(re.sub(r"[/>]", lambda end: f" {nsdecls('w')}{end[0]}", xml, count=1))


def _write(file: Any, block: doc.Block, number: int, text: Text, width: float) -> None:
    match block:
        case doc.Paragraph():
            line = file.add_paragraph(block.text)
            line.paragraph_format.keep_with_next = not block.lead  # a table follows
            if block.lead:
                shade = _element(f'<w:shd w:val="clear" w:color="auto" w:fill="{SHADE}"/>')
                line._p.get_or_add_pPr().append(shade)
                line.runs[0].font.size = Pt(SIZES["Normal"] + 1)
        case doc.Bullets():
            for item in block.items:
                file.add_paragraph(item, style="List Bullet")
        case doc.ReportTable():
            caption = _caption(file, "report.table", "Table", number, block.caption, text)
            caption.paragraph_format.keep_with_next = True
            _table(file, block, width)
            note = file.add_paragraph().add_run(block.note)
            note.font.size = Pt(SMALL + 0.5)
            note.font.color.rgb = RGBColor.from_string(doc.HUES[doc.Tone.FAINT][1:])
        case doc.Picture():
            content, wanted = picture(block, "png")
            line = file.add_paragraph()
            line.paragraph_format.keep_with_next = True
            drawing = line.add_run().add_picture(
                io.BytesIO(content), width=Inches(min(wanted, width / 2.54))
            )
            page = file.sections[0]
            room = page.page_height - page.top_margin - page.bottom_margin - Cm(HEADED)
            if drawing.height > room:
                drawing.width, drawing.height = drawing.width * room // drawing.height, room
            drawing._inline.docPr.set("descr", block.description)
            _caption(file, "report.figure", "Figure", number, block.caption, text)


def _caption(file: Any, key: str, kind: str, number: int, words: str, text: Text) -> Any:
    """Write a caption that Word numbers and can list."""
    line = file.add_paragraph(style="Caption")
    before, after = text(key, number="\0").split("\0")
    line.add_run(before)
    _field(line, f"SEQ {kind} \\* ARABIC", str(number))
    line.add_run(f"{after}  {words}")
    return line


# --- tables ---------------------------------------------------------------------------------------


def _table(file: Any, block: doc.ReportTable, width: float) -> None:
    """Write a table as XML: python-docx's own properties take four times as long."""
    total = sum(column.width for column in block.columns)
    widths = [round(width / 2.54 * 1440 * column.width / total) for column in block.columns]
    heads = [doc.Cell(column.head, tone=doc.Tone.STRONG) for column in block.columns]
    rows = [_row("<w:tblHeader/>", _cells(heads, block, widths, HEAD_RULE))]
    for row in block.rows:
        if isinstance(row, doc.GroupRow):
            title = doc.Cell(row.text, tone=doc.Tone.STRONG)
            looks = f'<w:gridSpan w:val="{len(widths)}"/><w:shd w:val="clear" w:fill="{BAND}"/>'
            cells = _cell(title, sum(widths), looks, "<w:keepNext/>")
        else:
            cells = _cells(row, block, widths, RULE)
        rows.append(_row("<w:cantSplit/>", cells))
    grid = "".join(f'<w:gridCol w:w="{one}"/>' for one in widths)
    sides = "".join(f'<w:{side} w:w="57" w:type="dxa"/>' for side in ("left", "right"))
    looks = f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{sides}</w:tblCellMar>'
    table = _element(
        f"<w:tbl><w:tblPr>{looks}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )
    file.element.body.insert_element_before(table, "w:sectPr")


def _row(looks: str, cells: str) -> str:
    return f"<w:tr><w:trPr>{looks}</w:trPr>{cells}</w:tr>"


def _cells(row: Any, block: doc.ReportTable, widths: list[int], rule: str) -> str:
    """Return the cells of a row, which is ruled off below."""
    line = f'<w:bottom w:val="single" w:sz="4" w:space="0" w:color="{rule}"/>'
    looks = f"<w:tcBorders>{line}</w:tcBorders>"
    return "".join(
        _cell(cell, width, looks, "", '<w:jc w:val="right"/>' if column.right else "")
        for cell, column, width in zip(row, block.columns, widths, strict=True)
    )


def _cell(cell: doc.Cell, width: int, looks: str, keep: str, side: str = "") -> str:
    runs = [_run(part, SMALL + 0.5, cell.tone) for part in cell.text.split("\n")]
    runs += [_run(item, SMALL, doc.Tone.FAINT) for item in cell.below]
    return (
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{looks}</w:tcPr>'
        f'<w:p><w:pPr>{keep}<w:spacing w:after="0"/>{side}</w:pPr>'
        f"{'<w:r><w:br/></w:r>'.join(runs)}</w:p></w:tc>"
    )


def _run(words: str, size: float, tone: doc.Tone) -> str:
    bold = "<w:b/>" if tone in (doc.Tone.STRONG, doc.Tone.BAD) else ""
    hue = f'<w:color w:val="{doc.HUES[tone][1:]}"/>' if tone in doc.HUES else ""
    looks = f'<w:rPr>{bold}{hue}<w:sz w:val="{2 * size:.0f}"/></w:rPr>'
    return f'<w:r>{looks}<w:t xml:space="preserve">{escape(words)}</w:t></w:r>'
