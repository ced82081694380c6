"""A document for Word: real headings, tables and captions, Chinese type named."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import docx
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Inches, Pt, RGBColor

from plansim.output.report import document as doc
from plansim.output.report.html_pdf_writer import picture
from plansim.output.words.text import Text, read_text

__all__ = ["CHINESE", "write_docx"]

LATIN = "Calibri"
CHINESE = "Microsoft YaHei"
"""What Word sets Chinese in; where it is not installed, Word takes another Chinese face."""
BODY = 9.5
SMALL = 7.5
WIDTH = 18.0
"""Of the text, in centimetres, upright; A4."""
WIDE = 26.7
FAINT = RGBColor.from_string(doc.HUES[doc.Tone.FAINT][1:])


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
    page = file.sections[0]
    page.page_width, page.page_height = Cm(21.0), Cm(29.7)
    if wide:
        page.orientation = WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = page.page_height, page.page_width
    page.left_margin = page.right_margin = Cm(1.5)
    page.top_margin, page.bottom_margin = Cm(1.3), Cm(1.3)
    return WIDE if wide else WIDTH


def _styles(file: Any) -> None:
    """Name the faces of all styles that are used, and set their sizes."""
    sizes = {"Normal": BODY, "Title": 17, "Subtitle": 10, "Heading 1": 14, "Caption": 9,
             "List Bullet": BODY}  # fmt: skip
    for name, size in sizes.items():
        style = file.styles[name]
        style.font.name, style.font.size = LATIN, Pt(size)
        style.font.italic = False
        if name != "Normal":
            style.font.color.rgb = RGBColor(0x22, 0x22, 0x22)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for spacing in style.element.rPr.findall(qn("w:spacing")):
            style.element.rPr.remove(spacing)
        for key in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{key}"), None)
        fonts.set(qn("w:eastAsia"), CHINESE)
    file.styles["Normal"].paragraph_format.space_after = Pt(4)
    file.styles["Normal"].paragraph_format.line_spacing = 1.0
    file.styles["List Bullet"].paragraph_format.space_after = Pt(2)
    file.styles["Title"].paragraph_format.space_after = Pt(2)
    file.styles["Caption"].paragraph_format.space_before = Pt(6)
    file.styles["Caption"].paragraph_format.space_after = Pt(3)
    file.styles["Heading 1"].paragraph_format.space_before = Pt(12)


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
        elif part:
            line.add_run(part)
    for run in line.runs:
        run.font.size = Pt(SMALL)


def _field(line: Any, code: str, shown: str) -> None:
    """Add a field, which Word counts anew: a page number, the number of a table."""
    for kind in ("begin", "code", "separate", "text", "end"):
        run = line.add_run(shown if kind == "text" else "")
        if kind == "code":
            instruction = _element("instrText")
            instruction.set(qn("xml:space"), "preserve")
            instruction.text = f" {code} "
            run._r.append(instruction)
        elif kind != "text":
            run._r.append(_element("fldChar", fldCharType=kind))


def _element(name: str, **attributes: object) -> Any:
    """Return an element of WordprocessingML."""
    element = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        element.set(qn(f"w:{key}"), str(value))
    return element


def _write(file: Any, block: doc.Block, number: int, text: Text, width: float) -> None:
    match block:
        case doc.Paragraph():
            line = file.add_paragraph(block.text, style="Normal")
            if block.lead:
                _shade(line._p.get_or_add_pPr(), "F1F4F7")
                for run in line.runs:
                    run.font.size = Pt(BODY + 1)
        case doc.Bullets():
            for item in block.items:
                file.add_paragraph(item, style="List Bullet")
        case doc.ReportTable():
            caption = _caption(file, "report.table", "Table", number, block.caption, text)
            caption.paragraph_format.keep_with_next = True
            _table(file, block.on(doc.Medium.PAGE), width)
            if block.note:
                note = file.add_paragraph(block.note, style="Normal")
                note.paragraph_format.space_before = Pt(3)
                for run in note.runs:
                    run.font.size, run.font.color.rgb = Pt(SMALL + 0.5), FAINT
        case doc.Picture():
            content, wanted = picture(block, "png")
            line = file.add_paragraph()
            line.paragraph_format.keep_with_next = True
            drawing = line.add_run().add_picture(
                io.BytesIO(content), width=Inches(min(wanted, width / 2.54))
            )
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
    grid = file.add_table(rows=1 + len(block.rows), cols=len(block.columns))
    grid.alignment = WD_TABLE_ALIGNMENT.LEFT
    grid.autofit = False
    _cell_margins(grid, 0.1)
    whole = sum(column.width for column in block.columns)
    widths = [Cm(width * column.width / whole) for column in block.columns]
    for column, size in zip(grid.columns, widths, strict=True):
        column.width = size
    rows = list(grid.rows)
    _head(rows[0], block.columns)
    below = iter(rows[1:])
    left = len(block.rows)
    for group in doc.grouped(block.rows):
        lines = [(row, next(below)) for row in group]
        left -= len(group)
        for row, line in lines:
            # A row stays with those joined to it, a title with its rows, a note with the last row.
            together = (
                isinstance(row, doc.GroupRow)
                or row is not group[-1]
                or bool(block.note and not left)
            )
            _row(line, row, block.columns, joined=together)
        top = lines[0][1].cells[0]
        for number, (_, line) in enumerate(lines[1:]):
            _merge(line.cells[0], top, first=number == 0)
        _line(lines[-1][1], "D0D0D0", 4)
    for row in rows:
        for cell, size in zip(row._tr.tc_lst, widths, strict=False):
            if cell.grid_span == 1:
                cell.width = size


def _cell_margins(grid: Any, size: float) -> None:
    """Set how far text stands from the sides of its cell, in centimetres."""
    margins = _element("tblCellMar")
    for side in ("left", "right"):
        margins.append(_element(side, w=round(size / 2.54 * 1440), type="dxa"))
    grid._tbl.tblPr.insert_element_before(margins, "w:tblLook", "w:tblCaption")


def _merge(cell: Any, top: Any, *, first: bool) -> None:
    """Let the cell above reach down over this one."""
    if first:
        top._tc.get_or_add_tcPr().get_or_add_vMerge().set(qn("w:val"), "restart")
    cell._tc.get_or_add_tcPr().get_or_add_vMerge()


def _head(row: Any, columns: Sequence[doc.TableColumn]) -> None:
    for cell, column in zip(row.cells, columns, strict=True):
        below = (column.below,) if column.below else ()
        _fill(cell, doc.Cell(column.head, below, doc.Tone.STRONG), right=column.right, joined=True)
    row._tr.get_or_add_trPr().append(_element("tblHeader"))
    _line(row, "222222", 8)


def _row(
    row: Any, words: doc.Row | doc.GroupRow, columns: Sequence[doc.TableColumn], *, joined: bool
) -> None:
    row._tr.get_or_add_trPr().append(_element("cantSplit"))
    if isinstance(words, doc.GroupRow):
        cells = row.cells
        whole = cells[0].merge(cells[-1])
        _fill(whole, doc.Cell(words.text, tone=doc.Tone.STRONG), right=False, joined=True)
        _shade(whole._tc.get_or_add_tcPr(), "EFEFEF")
        return
    for cell, content, column in zip(row.cells, words.cells, columns, strict=True):
        _fill(cell, content, right=column.right, joined=joined)


def _fill(cell: Any, content: doc.Cell, *, right: bool, joined: bool) -> None:
    """Write a cell as XML: python-docx's own properties take four times as long."""
    runs = [_run(part, SMALL + 0.5, content.tone) for part in content.text.splitlines()]
    runs += [_run(item, SMALL, doc.Tone.FAINT) for item in content.below]
    keep = "<w:keepNext/>" if joined else ""
    side = '<w:jc w:val="right"/>' if right else ""
    looks = f'<w:pPr>{keep}<w:spacing w:after="0"/>{side}</w:pPr>'
    line = parse_xml(f"<w:p {nsdecls('w')}>{looks}{'<w:r><w:br/></w:r>'.join(runs)}</w:p>")
    cell._tc.replace(cell._tc.p_lst[0], line)


def _run(words: str, size: float, tone: doc.Tone) -> str:
    bold = "<w:b/>" if tone in (doc.Tone.STRONG, doc.Tone.BAD) else ""
    hue = f'<w:color w:val="{doc.HUES[tone][1:]}"/>' if tone in doc.HUES else ""
    looks = f'<w:rPr>{bold}{hue}<w:sz w:val="{2 * size:.0f}"/></w:rPr>'
    return f'<w:r>{looks}<w:t xml:space="preserve">{escape(words)}</w:t></w:r>'


_AFTER_SHADE = (
    "w:noWrap",
    "w:tcMar",
    "w:textDirection",
    "w:tcFitText",
    "w:vAlign",
    "w:tabs",
    "w:spacing",
    "w:ind",
    "w:contextualSpacing",
    "w:jc",
    "w:outlineLvl",
    "w:rPr",
)
"""What comes after the shade in the properties of a cell or a paragraph; Word minds the order."""


def _shade(properties: Any, hue: str) -> None:
    shade = _element("shd", val="clear", color="auto", fill=hue)
    properties.insert_element_before(shade, *_AFTER_SHADE)


def _line(row: Any, hue: str, size: int) -> None:
    """Rule a row off below."""
    for cell in row._tr.tc_lst:
        borders = _element("tcBorders")
        borders.append(_element("bottom", val="single", sz=size, space=0, color=hue))
        cell.get_or_add_tcPr().insert_element_before(borders, "w:shd", *_AFTER_SHADE)
