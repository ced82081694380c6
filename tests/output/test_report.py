"""What a report says is what was found, in every form and both languages."""

from __future__ import annotations

import base64
import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pytest
import typst
from docx.oxml.ns import qn
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from openpyxl import load_workbook
from rich.console import Console

from plansim.analysis.comparison import Comparison, compare
from plansim.analysis.decisions.robustness import robustness
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.output.report.contents import comparison_report
from plansim.output.report.document import (
    Cell,
    Document,
    GroupRow,
    Paragraph,
    Picture,
    ReportTable,
    Section,
    TableColumn,
    numbered,
)
from plansim.output.report.report import FORMATS, in_print, write_report
from plansim.output.report.sections.decision import decision_section
from plansim.output.report.sections.remedies import remedies_section
from plansim.output.report.sections.verdicts import chart_section
from plansim.output.report.writers.html_pdf import fonts, lay_out
from plansim.output.tables.comparison import comparison_table
from plansim.output.words.text import Lang, read_text
from plansim.output.words.verdicts import outcome_words, share_text, verdict_mark
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import annual
from plansim.targets.target import Status

IDS = ("baseline", "accelerated-growth")
LANGS = (Lang.EN, Lang.ZH)


@pytest.fixture(scope="module")
def found(city: Model, stories: Mapping[str, Scenario]) -> Comparison:
    scenarios = [stories[name] for name in IDS]
    runs = [annual(simulate(city, scenario)) for scenario in scenarios]
    return compare(city, scenarios, runs=runs)


@pytest.fixture(scope="module")
def documents(found: Comparison) -> dict[Lang, Document]:
    return {lang: comparison_report(found, read_text(lang)) for lang in LANGS}


@pytest.fixture(scope="module")
def folder(documents: dict[Lang, Document], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report in all forms and languages."""
    folder = tmp_path_factory.mktemp("reports")
    for lang, document in documents.items():
        for suffix in FORMATS:
            write_report(document, folder / f"{lang}{suffix}")
    return folder


def texts(value: Any) -> Iterator[str]:
    """Give every text in a record that a page shows: not the parts of cells, nor their columns."""
    if type(value) is str:
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one)
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in ("parts", "titles", "description"):
                yield from texts(getattr(value, field.name))


def on_page(document: Document) -> list[str]:
    """Give all that a reader of a page sees in tables, captions and paragraphs, in print."""
    blocks = (block for block, _ in numbered(in_print(document)))
    return [words for block in blocks for words in texts(block) if words]


def table_of(document: Document, title: str) -> ReportTable:
    """Give the table of the section with a title."""
    (section,) = (one for one in document.sections if one.title == title)
    (table,) = (block for block in section.blocks if isinstance(block, ReportTable))
    return table


def rows_of(table: ReportTable) -> dict[str, tuple[Cell, ...]]:
    """Give the rows on targets, by their ids."""
    return {row[0].parts[1].text: row for row in table.rows if not isinstance(row, GroupRow)}


def squeezed(text: str) -> str:
    return "".join(text.split())


def laid_out(document: Document, folder: Path, asked: str) -> Any:
    """Lay a report out in pages, and ask Typst for a value of what came of it."""
    source = Path(lay_out(document, folder))
    where = f"#context [#metadata({asked})<where>]"
    source.write_text(f"{source.read_text('utf-8')}\n{where}", "utf-8")
    return json.loads(typst.query(str(source), "<where>", field="value", one=True, **fonts()))


# --- the document ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_numbers_of_the_matrix_are_those_of_the_verdicts(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text = read_text(lang)
    rows = rows_of(table_of(documents[lang], text("report.verdicts")))
    judged = {
        key for v in found.verdicts for key, e in v.items() if e.status is not Status.UNTESTABLE
    }
    assert set(rows) == judged
    for target in found.targets:
        if target.id not in judged:
            continue
        head, *cells = rows[target.id]
        assert (head.text, head.parts[2].number) == (text.name(target), target.value)
        assert target.id in head.below[0]
        for cell, verdicts in zip(cells, found.verdicts, strict=True):
            verdict = verdicts[target.id]
            word, value, margin, share, breach = cell.parts
            assert cell.text.startswith(verdict_mark(verdict))
            assert cell.text.endswith(share_text(verdict))
            assert word.text == outcome_words(verdict, text)
            undecided = verdict.status is Status.UNDECIDED
            assert value.number == (None if undecided else verdict.value)
            own = (None, None) if undecided else (verdict.margin, verdict.first_breach)
            assert (margin.number, breach.number) == own  # each basis has its own
            assert share.number == (verdict.share.of_hundred if verdict.share else None)
            said = text("report.fails_first", year=verdict.first_breach)
            later = verdict.first_breach not in (None, target.year)
            assert any(said in line for line in cell.below) is later


@pytest.mark.parametrize("lang", LANGS)
def test_the_first_section_has_every_binding_target_and_what_would_help(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text, document = read_text(lang), documents[lang]
    rows = rows_of(table_of(document, text("report.decision")))
    matrix = rows_of(table_of(document, text("report.verdicts")))
    assert set(rows) == {target.id for target in found.binding}
    assert not {key for key in rows if key in found.scenarios[0].assumed}
    for target in found.binding:
        *verdicts, helps = rows[target.id]
        assert tuple(verdicts) == matrix[target.id]
        assert (helps.text == "–") is (target not in found.unsure)
        for cell, orders in zip(helps.parts, found.remedies, strict=True):
            one = next((order for order in orders.targets if order.target == target), None)
            assert (cell.text == "–") is (one is None)
            if one is not None and one.best is not None:
                assert f"{one.best.share.of_hundred}/100" in cell.text  # type: ignore[union-attr]
    said = " ".join(texts(document.sections[0]))
    for remedies in found.remedies:
        package = remedies.package
        assert package is not None
        assert package.share is not None
        count = package.share.of_hundred
        assert text("report.package_share", met=len(package.met), share=count) in said


def test_a_target_helped_under_one_scenario_alone_says_under_which_it_is_not(
    found: Comparison,
) -> None:
    kept, target = found.remedies[0], found.remedies[0].targets[0].target
    orders = next(one for one in kept.targets if one.best is not None and one.best.sure)
    helped = replace(kept, targets=(replace(orders, target=target),))
    lacking = replace(kept, targets=(replace(orders, target=target, best=None),))
    console = Console(width=300, file=io.StringIO(), record=True)
    text = read_text(Lang.EN)
    for remedies, name in (((helped, lacking), "{} (under B)."), ((lacking, lacking), "{}.")):
        console.print(comparison_table(replace(found, remedies=remedies), text))
        said = " ".join(console.export_text().split())
        assert f"None found so sure for: {name.format(text.name(target))}" in said


def test_what_is_robust_is_that_of_robustness(
    found: Comparison, documents: dict[Lang, Document]
) -> None:
    title = read_text(Lang.EN)("report.robust")
    (section,) = [one for one in documents[Lang.EN].sections if one.title == title]
    said, table = section.blocks
    assert isinstance(table, ReportTable)
    assert isinstance(said, Paragraph)
    policies = robustness(found.model, found.scenarios, targets=found.targets).policies
    for row, policy in zip(table.rows, policies, strict=True):
        assert not isinstance(row, GroupRow)
        mean, *_, regret, upper = (cell.number for cell in row[1:])
        regrets = policy.regret_targets
        assert (mean, regret, upper) == (policy.mean_met, regrets.mean, regrets.upper)
        assert f"{policy.mean_met:.1f}" in said.text
    better = max(zip(policies, found.scenarios, strict=True), key=lambda pair: pair[0].mean_met)[1]
    assert said.text.startswith(f"{better.title_en} is more robust than ")


@pytest.mark.parametrize("lang", LANGS)
def test_what_a_call_sets_stands_on_the_first_page_and_long_titles_are_cut(
    found: Comparison, lang: Lang
) -> None:
    text, long = read_text(lang), "credit and steel " * 9
    first, second = found.scenarios
    setting = replace(
        first,
        overrides=("scrubber operation after=0.9", "unheard=1"),
        values={**first.values, "scrubber operation after": 0.9},
    )
    runs = [run.assign_attrs(scenario_title_en=long, scenario_title_zh=long) for run in found.runs]
    changed = replace(found, scenarios=(setting, second), runs=tuple(runs))
    document = comparison_report(changed, text)
    words = [one.text for one in document.sections[0].blocks if isinstance(one, Paragraph)]
    label = next(text.name(lever) for lever in found.views.levers
                 if lever.constants == ("scrubber operation after",))  # fmt: skip
    given = text("list_sep.comma").join([f"{label} = 90 %", "unheard=1"])
    listed = text("list_sep.semicolon").join([f"A {given}", "B –"])
    assert words[1].replace("\u00a0", " ") == text("report.set_by_call", values=listed)
    assert long in document.title
    table = table_of(document, text("report.verdicts"))
    assert [len(column.head) < 46 for column in table.columns] == [True] * 3


def test_the_key_charts_are_drawn(found: Comparison, documents: dict[Lang, Document]) -> None:
    (picture,) = documents[Lang.EN].sections[-2].blocks
    assert isinstance(picture, Picture)
    lines = [line for chart in found.views.charts if chart.key for line in chart.lines]
    assert len(picture.draw().axes) == len(lines) > 5


@pytest.mark.parametrize("lang", LANGS)
def test_shares_in_words_add_up_to_the_change_and_none_is_nil(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text = read_text(lang)
    (attribution,) = found.attributions
    assert attribution is not None
    groups = attribution.labelled(found.views.levers).groups
    names = [text.pick(group.name, group.name_zh) for group in groups]
    units = {lever.name_en: lever.shown_unit for lever in found.views.levers}
    assert all(group.unit == units.get(group.name, group.unit) for group in groups)
    table = table_of(documents[lang], text("report.causes"))
    assert "±" not in table.note
    for key, (_, *ends, change, due) in rows_of(table).items():
        for cell, verdicts in zip(ends, found.verdicts, strict=True):
            assert cell.text.startswith(verdict_mark(verdicts[key]))
            assert re.search(r"[1-9]", cell.text) or verdicts[key].margin == 0
        assert change.number is not None
        shares = [part.number for part in due.parts]
        assert math.fsum(filter(None, shares)) == pytest.approx(change.number, abs=1e-9)
        sizes = re.findall(r"(?<= )[+-]\d[\d.]*", due.text.replace("−", "-"))
        assert all(float(size) for size in sizes), due
        assert not re.search(r" 0(\.0+)?(\D|$)", due.text), due
        step = 10.0 ** -len(sizes[0].partition(".")[2])
        # Each figure is rounded, and so may be what is left out: others that round to zero.
        slack = step * (len(sizes) + 1) / 2
        assert sum(map(float, sizes)) == pytest.approx(change.number, abs=slack), due
        assert any(name in due.text for name in names)


# --- the files ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects what a page shows and what it would fetch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.content = path.read_text("utf-8")
        self.shown: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.feed(self.content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        assert tag != "img" or dict(attrs)["alt"]

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] not in (["style"], ["title"]):
            self.shown.append(data)


@pytest.mark.parametrize("lang", LANGS)
def test_html_says_all_without_network_or_script(
    documents: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    page = Page(folder / f"{lang}.html")
    shown = squeezed("".join(page.shown))
    assert [words for words in on_page(documents[lang]) if squeezed(words) not in shown] == []
    assert "script" not in page.tags
    assert page.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)


def test_html_brings_every_character_that_it_shows(folder: Path) -> None:
    page, carried = Page(folder / "zh.html"), set()
    for coded in re.findall(r"data:font/woff2?;base64,([^\")]*)", page.content):
        carried |= set(TTFont(io.BytesIO(base64.b64decode(coded))).getBestCmap())
    assert {ord(char) for char in "".join(page.shown) if not char.isspace()} <= carried


@pytest.mark.parametrize("lang", LANGS)
def test_docx_has_headings_tables_captions_and_an_east_asian_face(
    documents: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    file: Any = docx.Document(str(folder / f"{lang}.docx"))
    document = in_print(documents[lang])
    blocks = [block for block, _ in numbered(document)]
    styles = [line.style.name for line in file.paragraphs]
    headings = [line.text for line in file.paragraphs if line.style.name == "Heading 1"]
    assert headings == [section.title for section in document.sections]
    wanted = [block for block in blocks if isinstance(block, ReportTable)]
    for table, block in zip(file.tables, wanted, strict=True):
        shown = squeezed("".join(cell.text for row in table.rows for cell in row.cells))
        assert [e for e in texts(block.rows) if squeezed(e) not in shown] == []
        assert table.rows[0]._tr.xpath(".//w:tblHeader"), "the head is not repeated"
    figures = sum(isinstance(block, Picture) for block in blocks)
    assert (styles.count("Caption"), len(file.inline_shapes)) == (len(wanted) + figures, figures)
    for name in ("Normal", "Heading 1", "Caption", "Title"):
        assert file.styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
    # Word is strict about the order of these.
    order = ["tcW", "gridSpan", "tcBorders", "shd"]
    for cell in file.element.xpath("//w:tcPr"):
        found = [order.index(element.tag.partition("}")[2]) for element in cell]
        assert found == sorted(found)


@pytest.mark.parametrize("lang", LANGS)
def test_xlsx_has_a_sheet_a_section_with_numbers_and_pictures_and_prints_well(
    documents: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    path = folder / f"{lang}.xlsx"
    sheets = load_workbook(path).worksheets
    document = in_print(documents[lang])
    for sheet, section in zip(sheets, document.sections, strict=True):
        shown = (cell.value for row in sheet.iter_rows() for cell in row)
        numbers = {round(float(one), 9) for one in shown if isinstance(one, int | float)}
        tables = [block for block in section.blocks if isinstance(block, ReportTable)]
        cells = [cell for table in tables for row in table.flat[1] for cell in row]
        assert {round(cell.number, 9) for cell in cells if cell.number is not None} <= numbers
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        # 1 is what a file need not say: the first sheet takes one page.
        assert (sheet.page_setup.fitToHeight in (None, 1)) is (sheet is sheets[0])
        assert sheet.oddFooter.right.text
        if tables:
            head = int(re.findall(r"\d+", sheet.auto_filter.ref)[0])
            assert sheet.print_title_rows == f"${head}:${head}"
            assert sheet.cell(head, 1).font.b
    pictures = sum(isinstance(block, Picture) for block, _ in numbered(document))
    with zipfile.ZipFile(path) as parts:
        assert sum(name.startswith("xl/media/") for name in parts.namelist()) == pictures > 0


@pytest.mark.parametrize("lang", LANGS)
def test_pdf_has_the_answer_on_page_one_and_no_more_and_all_rows(
    found: Comparison, documents: dict[Lang, Document], folder: Path, tmp_path: Path, lang: Lang
) -> None:
    assert (folder / f"{lang}.pdf").read_bytes().startswith(b"%PDF-")
    document, text = in_print(documents[lang]), read_text(lang)
    asked = "(query(<row>).map(e => (e.value, e.location().page())), "
    asked += "query(heading).map(e => e.location().page()))"
    rows, headings = laid_out(document, tmp_path, asked)
    assert headings[:2] == [1, 2]
    assert {words for words, page in rows if page == 1} == set(map(text.name, found.binding))
    tables = (block for block, _ in numbered(document) if isinstance(block, ReportTable))
    wanted = [row for table in tables for row in table.rows if not isinstance(row, GroupRow)]
    assert [words for words, _ in rows] == [row[0].text for row in wanted]


@pytest.mark.parametrize("lang", LANGS)
def test_page_one_of_a_pdf_holds_four_scenarios(
    found: Comparison, tmp_path: Path, lang: Lang
) -> None:
    text = read_text(lang)
    again = tuple(replace(one, id=f"{one.id} again") for one in found.scenarios)
    more = tuple(
        {key: replace(one, scenario=f"{one.scenario} again") for key, one in own.items()}
        for own in found.verdicts
    )
    wider = replace(
        found,
        scenarios=(*found.scenarios, *again),
        verdicts=(*found.verdicts, *more),
        remedies=(*found.remedies, *found.remedies),
    )
    titles = [one.id for one in wider.scenarios]
    names = [f"{letter}  {title}" for letter, title in zip("ABCD", titles, strict=True)]
    section = decision_section(wider, titles, names, text)
    after = Section("after", "after", (Paragraph("after"),), new_page=True)
    source = Path(lay_out(Document(lang, ", ".join(titles), "", (section, after)), tmp_path))
    where = "#context [#metadata(query(heading).map(e => e.location().page()))<where>]"
    source.write_text(f"{source.read_text('utf-8')}\n{where}", "utf-8")
    pages = typst.query(str(source), "<where>", field="value", one=True, **fonts())
    assert json.loads(pages) == [1, 2]
    said = remedies_section(wider, names, text).blocks[0]
    assert isinstance(said, Paragraph)
    assert ("D：" if lang is Lang.ZH else "under D ") in said.text


def test_charts_of_a_report_have_the_units_of_the_page(found: Comparison) -> None:
    section = chart_section(found, ["A  one", "B  two"], read_text(Lang.EN))
    (picture,) = section.blocks
    assert isinstance(picture, Picture)
    panels = {axes.get_title(loc="left").casefold(): axes for axes in picture.draw().axes}
    air = panels["good air share"]
    assert air.get_ylabel() == "%"
    drawn = np.asarray(air.lines[0].get_ydata(), np.float64)
    run = found.runs[0]["good air share"]
    np.testing.assert_allclose(drawn, 100 * run.to_numpy())
    assert run.attrs["units"] == "Dmnl", "the run itself is unchanged"


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".xlsx"])
def test_the_same_report_has_the_same_bytes(
    documents: dict[Lang, Document], tmp_path: Path, suffix: str
) -> None:
    """Of the decision and the verdicts, which have a table and a figure."""
    document = replace(documents[Lang.EN], sections=documents[Lang.EN].sections[:2])
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    for path in (first, second):
        write_report(document, path)
    assert first.read_bytes() == second.read_bytes()


def test_no_page_of_a_pdf_ends_with_a_band(tmp_path: Path) -> None:
    """Whatever the number of rows before it."""
    plain, places = (Cell("row"),), range(48, 66)
    tables = [
        ReportTable("table", (TableColumn("head"),), (*[plain] * count, GroupRow("band"), plain))
        for count in places
    ]
    sections = tuple(Section("title", "title", (one,), new_page=True) for one in tables)
    asked = "(query(<row>).map(e => e.location().page()), "
    asked += "query(<band>).map(e => e.location().page()))"
    rows, bands = laid_out(Document(Lang.EN, "title", "", sections), tmp_path, asked)
    last = [sum(count + 1 for count in places[: at + 1]) - 1 for at in range(len(places))]
    assert [rows[at] for at in last] == bands
    assert [rows[at - 1] for at in last] != bands  # some begin a page


def test_a_tall_figure_stands_below_its_heading_on_a_wide_page(tmp_path: Path) -> None:
    def draw() -> Figure:
        return Figure(figsize=(9.7, 9.4))

    wide = ReportTable("table", tuple(TableColumn(str(number)) for number in range(9)), ())
    picture = Section("below", "below", (Picture("figure", "", draw),), new_page=True)
    document = Document(Lang.EN, "title", "", (Section("top", "top", (wide,)), picture))
    assert laid_out(document, tmp_path, "counter(page).final()") == [2]
    write_report(document, tmp_path / "wide.docx")
    (shape,) = docx.Document(str(tmp_path / "wide.docx")).inline_shapes
    assert shape.height.cm < 16
    assert shape.width / shape.height == pytest.approx(9.7 / 9.4, rel=0.01)
