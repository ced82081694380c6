"""What a report says is what was found, in every form and both languages."""

from __future__ import annotations

import json
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
from openpyxl import load_workbook

from plansim.analysis.comparison import Comparison, compare
from plansim.analysis.ensemble import evaluate_members, load_ensemble
from plansim.engine.simulate import simulate
from plansim.model.records import Model
from plansim.output.report.document import (
    Bullets,
    Document,
    Medium,
    Paragraph,
    Picture,
    ReportTable,
    Row,
    numbered,
)
from plansim.output.report.file import FORMATS, in_print, write_report
from plansim.output.report.html_pdf_writer import fonts, lay_out
from plansim.output.report.sections import comparison_report
from plansim.output.report.tables import MOST_CAUSES, names_of
from plansim.output.series import series_in
from plansim.output.words.text import Lang, read_text
from plansim.output.words.verdicts import outcome_words, share_text, verdict_mark
from plansim.scenario.scenario_file import Scenario
from plansim.targets.annual import annual
from plansim.targets.target import Attribute, Status

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
def short(documents: dict[Lang, Document]) -> dict[Lang, Document]:
    """The same with one theme of several, since figures take long to draw."""
    return {
        lang: replace(document, sections=(*document.sections[:7], document.sections[-1]))
        for lang, document in documents.items()
    }


@pytest.fixture(scope="module")
def folder(short: dict[Lang, Document], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report in all forms and languages."""
    folder = tmp_path_factory.mktemp("reports")
    for lang, document in short.items():
        for suffix in FORMATS:
            write_report(document, folder / f"{lang}{suffix}")
    return folder


def texts(value: Any) -> Iterator[str]:
    """Give every text in a record."""
    if type(value) is str:
        yield value
    elif isinstance(value, tuple):
        for one in value:
            yield from texts(one)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


def on_page(document: Document) -> list[str]:
    """Give all that a reader of a page sees in tables, captions and paragraphs, in print."""
    shown: list[str] = []
    for block, _ in numbered(in_print(document)):
        if isinstance(block, ReportTable):
            shown += texts(block.on(Medium.PAGE))
        elif isinstance(block, Picture):
            shown.append(block.caption)
        else:
            shown += texts(block)
    return [words for words in shown if words]


def squeezed(text: str) -> str:
    return "".join(text.split())


# --- the document ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGS)
def test_the_first_section_has_every_binding_target_with_its_shares_and_what_would_help(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text = read_text(lang)
    first = documents[lang].sections[0]
    (table,) = [block for block in first.blocks if isinstance(block, ReportTable)]
    rows = {row.cells[1].text: row for row in table.rows if isinstance(row, Row)}
    assert set(rows) == {target.id for target in found.binding}
    assert not {key for key in rows if key in found.scenarios[0].assumed}
    for target in found.binding:
        name, _, limit, _, *cells = rows[target.id].cells
        assert name.text == text.name(target)
        assert target.id in name.below[0]
        assert limit.number == target.value
        for place, verdicts in enumerate(found.verdicts):
            verdict = verdicts[target.id]
            page, word, value, share = cells[4 * place : 4 * place + 4]
            assert page.text.startswith(verdict_mark(verdict))
            assert page.text.endswith(share_text(verdict))
            assert word.text == outcome_words(verdict, text)
            undecided = verdict.status is Status.UNDECIDED
            assert value.number == (None if undecided else verdict.value)
            assert share.number == (verdict.share.of_hundred if verdict.share else None)
            said = text("report.fails_first", year=verdict.first_breach)
            other = verdict.first_breach not in (None, target.year)
            assert any(said in line for line in page.below) is other
        assert (cells[8].text == "–") is (target not in found.unsure)
        for cell, orders in zip(cells[9:], found.remedies, strict=True):
            one = next((order for order in orders.targets if order.target == target), None)
            assert (cell.text == "–") is (one is None)
            if one is not None and one.best is not None:
                assert f"{one.best.share.of_hundred}/100" in cell.text  # type: ignore[union-attr]
    said = " ".join(texts(first))
    for orders in found.remedies:
        package = orders.package
        assert package is not None
        assert package.share is not None
        count = package.share.of_hundred
        assert text("report.package_share", met=len(package.met), share=count) in said


@pytest.mark.parametrize("lang", LANGS)
def test_what_another_scenario_costs_are_binding_targets_that_are_worse_under_it(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text = read_text(lang)
    (bullets,) = [
        block for block in documents[lang].sections[0].blocks if isinstance(block, Bullets)
    ]
    first, other = found.verdicts
    for key, sign in (("report.costs", -1), ("report.brings", 1)):
        head = text(key, scenario="B", first="A", names="")[:-1]
        (told,) = [item for item in bullets.items if item.startswith(head)]
        listed = told.removeprefix(head).split(text("list_sep.semicolon"))
        for words in listed[:3]:
            named = [e for e in found.targets if words.startswith(text.name(e))]
            target = max(named, key=lambda target_: len(target_.name_en))
            before, after = first[target.id].margin, other[target.id].margin
            assert before is not None
            assert after is not None
            assert sign * (after - before) > 0
            assert sign > 0 or target.attribute is Attribute.BINDING


@pytest.mark.parametrize("lang", LANGS)
def test_what_is_robust_is_counted_over_the_members(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text, members = read_text(lang), load_ensemble(found.model)
    counts = []
    for scenario in found.scenarios:
        runs = evaluate_members(found.model, scenario, found.binding, members)
        assert not runs.failed.any()
        codes = np.stack([runs[target.id].status for target in found.binding])
        met, undecided = (codes == status.code for status in (Status.MET, Status.UNDECIDED))
        counts.append((met + undecided / 2).sum(axis=0))
    (section,) = [one for one in documents[lang].sections if one.title == text("report.robust")]
    said, table = section.blocks
    assert isinstance(table, ReportTable)
    assert isinstance(said, Paragraph)
    best = np.maximum(*counts)
    for row, count in zip(table.rows, counts, strict=True):
        assert isinstance(row, Row)
        mean, *_, regret, upper, _ = (cell.number for cell in row.cells[2:])
        assert mean == pytest.approx(count.mean())
        assert regret == pytest.approx((best - count).mean())
        assert upper == np.quantile(best - count, 0.9)
    ahead, behind = (int((one > other).mean() * 100 + 0.5) for one, other in (counts, counts[::-1]))
    numbers = re.findall(r"\d+", said.text)
    assert abs(counts[0] - counts[1]).mean() > 0
    assert {str(max(ahead, behind)), str(len(found.binding))} <= set(numbers)


@pytest.mark.parametrize("lang", LANGS)
def test_numbers_of_the_matrix_are_those_of_the_verdicts(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    section = documents[lang].sections[1]
    (table,) = [block.on(Medium.BOOK) for block in section.blocks if isinstance(block, ReportTable)]
    rows = {row.cells[1].text: row for row in table.rows if isinstance(row, Row)}
    judged = {
        key for v in found.verdicts for key, e in v.items() if e.status is not Status.UNTESTABLE
    }
    assert set(rows) == judged
    for key, row in rows.items():
        for place, verdicts in enumerate(found.verdicts):
            word, value, margin, part, share, breach = row.cells[4 + 6 * place : 10 + 6 * place]
            verdict = verdicts[key]
            assert word.text == outcome_words(verdict, read_text(lang))
            assert (value.number, margin.number) == (verdict.value, verdict.margin)
            assert (part.number, breach.number) == (verdict.margin_pct, verdict.first_breach)
            assert share.number == (verdict.share.of_hundred if verdict.share else None)


def test_figures_by_year_are_those_of_the_runs_in_the_units_of_the_views(
    found: Comparison, documents: dict[Lang, Document]
) -> None:
    checked = 0
    titles = [theme.name_en for theme in found.views.themes]
    themes = [section for section in documents[Lang.EN].sections if section.title in titles]
    assert [section.title for section in themes] == titles
    for theme, section in zip(found.views.themes, themes, strict=True):
        (table,) = [block for block in section.blocks if isinstance(block, ReportTable)]
        years = [int(column.head) for column in table.columns if column.head.isdecimal()]
        rows = iter(row for row in table.rows if isinstance(row, Row) and "plan" not in
                    row.cells[2].text)  # fmt: skip
        for line in (line for chart in theme.charts for line in chart.lines):
            first, second = (series_in(run, line.reference).values for run in found.runs)
            for values in (first, second, {year: second[year] - first[year] for year in first}):
                cells = next(rows).cells[3:]
                for year, cell in zip(years, cells, strict=True):
                    assert (cell.number is not None) == np.isfinite(values[year])
                    if cell.number is not None:
                        expected = pytest.approx(values[year] * line.factor, abs=1e-9)
                        assert cell.number == expected
                        checked += 1
        assert next(rows, None) is None
    assert checked > 100


# --- the files ------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Collects what a page shows and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._hidden += tag in ("style", "title")
        self.links += [value or "" for key, value in attrs if key in ("src", "href")]
        if tag == "img":
            assert dict(attrs)["alt"]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.shown.append(data)


@pytest.mark.parametrize("lang", LANGS)
def test_html_says_all_without_network_or_script(
    short: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    page = Page()
    page.feed((folder / f"{lang}.html").read_text("utf-8"))
    shown = squeezed("".join(page.shown))
    assert [words for words in on_page(short[lang]) if squeezed(words) not in shown] == []
    assert "script" not in page.tags
    assert page.links
    assert all(link.startswith("data:image/svg+xml;base64,") for link in page.links)


def test_html_brings_every_character_that_it_shows(folder: Path, tmp_path: Path) -> None:
    import base64

    content = (folder / "zh.html").read_text("utf-8")
    page = Page()
    page.feed(content)
    carried: set[int] = set()
    for coded in re.findall(r"data:font/woff2?;base64,([^\")]*)", content):
        (tmp_path / "font").write_bytes(base64.b64decode(coded))
        carried |= set(TTFont(tmp_path / "font").getBestCmap())
    assert {ord(char) for char in "".join(page.shown) if not char.isspace()} <= carried


def _of_style(file: Any, name: str) -> list[str]:
    return [paragraph.text for paragraph in file.paragraphs if paragraph.style.name == name]


@pytest.mark.parametrize("lang", LANGS)
def test_docx_has_headings_tables_captions_and_an_east_asian_face(
    short: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    file = docx.Document(str(folder / f"{lang}.docx"))
    document = in_print(short[lang])
    headings = _of_style(file, "Heading 1")
    assert headings == [section.title for section in document.sections]
    wanted = [block for block, _ in numbered(document) if isinstance(block, ReportTable)]
    assert len(file.tables) == len(wanted)
    for table, block in zip(file.tables, wanted, strict=True):
        shown = squeezed("".join(cell.text for row in table.rows for cell in row.cells))
        page = block.on(Medium.PAGE)
        assert [e for e in texts(page.rows) if squeezed(e) not in shown] == []
        assert table.rows[0]._tr.xpath(".//w:tblHeader"), "the head is not repeated"
    captions = _of_style(file, "Caption")
    figures = [block for block, _ in numbered(document) if isinstance(block, Picture)]
    assert len(captions) == len(wanted) + len(figures)
    assert len(file.inline_shapes) == len(figures)
    for name in ("Normal", "Heading 1", "Caption", "Title"):
        fonts = file.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia"))
    # Word is strict about the order of these.
    order = ["tcW", "gridSpan", "vMerge", "tcBorders", "shd"]
    for cell in file.element.xpath("//w:tcPr"):
        found = [order.index(element.tag.partition("}")[2]) for element in cell]
        assert found == sorted(found)


@pytest.mark.parametrize("lang", LANGS)
def test_xlsx_has_a_sheet_a_section_numbers_and_pictures(
    found: Comparison, short: dict[Lang, Document], folder: Path, lang: Lang
) -> None:
    path = folder / f"{lang}.xlsx"
    book = load_workbook(path)
    document = in_print(short[lang])
    assert len(book.sheetnames) == len(document.sections)
    pictures = 0
    for sheet, section in zip(book.worksheets, document.sections, strict=True):
        numbers = {round(float(cell.value), 9) for row in sheet.iter_rows() for cell in row
                   if isinstance(cell.value, int | float)}  # fmt: skip
        for block in section.blocks:
            if isinstance(block, ReportTable):
                wanted = {
                    round(float(cell.number), 9)
                    for row in block.flat[1]
                    for cell in row
                    if cell.number is not None
                }
                assert wanted <= numbers
            elif isinstance(block, Picture):
                pictures += 1
    with zipfile.ZipFile(path) as parts:
        assert sum(name.startswith("xl/media/") for name in parts.namelist()) == pictures > 0
    years = [cell.value for cell in next(
        row for row in book.worksheets[-2].iter_rows() if row[3].value == 2005)[3:]]  # fmt: skip
    assert years == [int(year) for year in found.runs[0]["year"].to_numpy()]


@pytest.mark.parametrize("lang", LANGS)
def test_pdf_has_every_failing_target_on_page_one_and_all_rows(
    found: Comparison, short: dict[Lang, Document], folder: Path, tmp_path: Path, lang: Lang
) -> None:
    assert (folder / f"{lang}.pdf").read_bytes().startswith(b"%PDF-")
    document, text = in_print(short[lang]), read_text(lang)
    source = Path(lay_out(document, tmp_path))
    where = "#context [#metadata(query(<row>).map(e => (e.value, e.location().page())))<where>]"
    source.write_text(source.read_text("utf-8") + "\n" + where, "utf-8")
    answer = json.loads(typst.query(str(source), "<where>", field="value", one=True, **fonts()))
    assert {words for words, page in answer if page == 1} == set(names_of(found.binding, text))
    wanted = [
        group
        for block, _ in numbered(document)
        if isinstance(block, ReportTable)
        for group in block.rows
        if isinstance(group, Row) and not group.joined
    ]
    assert [words for words, _ in answer] == [row.cells[0].text for row in wanted]


@pytest.mark.parametrize("lang", LANGS)
def test_the_answer_takes_page_one_and_no_more(
    found: Comparison, tmp_path: Path, lang: Lang
) -> None:
    document = in_print(comparison_report(found, read_text(lang)))
    source = Path(lay_out(replace(document, sections=document.sections[:2]), tmp_path))
    where = "#context [#metadata(query(heading).map(e => e.location().page()))<pages>]"
    source.write_text(source.read_text("utf-8") + "\n" + where, "utf-8")
    pages = json.loads(typst.query(str(source), "<pages>", field="value", one=True, **fonts()))
    assert pages == [1, 2]


@pytest.mark.parametrize("lang", LANGS)
def test_the_decision_sheet_is_printed_on_a_page_and_tables_are_filtered(
    folder: Path, lang: Lang
) -> None:
    first, *others = load_workbook(folder / f"{lang}.xlsx").worksheets
    # 1 is what a file need not say.
    assert (first.page_setup.fitToWidth or 1, first.page_setup.fitToHeight or 1) == (1, 1)
    for sheet in (first, *others):
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.oddFooter.right.text
        head = int(re.findall(r"\d+", sheet.auto_filter.ref)[0])
        assert sheet.print_title_rows == f"${head}:${head}"
        assert sheet.cell(head, 1).font.b
    assert all(int(sheet.page_setup.fitToHeight) == 0 for sheet in others)


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".xlsx"])
def test_the_same_report_has_the_same_bytes(
    short: dict[Lang, Document], tmp_path: Path, suffix: str
) -> None:
    """Of the decision and the verdicts, which have a table and a figure."""
    document = replace(short[Lang.EN], sections=short[Lang.EN].sections[:2])
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    for path in (first, second):
        write_report(document, path)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("lang", LANGS)
def test_shares_in_words_add_up_to_the_change_and_none_is_nil(
    found: Comparison, documents: dict[Lang, Document], lang: Lang
) -> None:
    text = read_text(lang)
    (attribution,) = found.attributions
    assert attribution is not None
    groups = attribution.labelled(found.views.levers).groups
    names = [text.pick(group.name, group.name_zh) for group in groups]
    rest = text("causes.rest_bare", share="")
    (table,) = [
        block
        for section in documents[lang].sections
        for block in section.blocks
        if isinstance(block, ReportTable)
        and any(e.head == text("causes.due") for e in block.columns)
    ]
    assert "±" not in table.note
    others = 0
    for row in table.rows:
        if not isinstance(row, Row):
            continue
        change, due = row.cells[5], row.cells[6].text
        assert change.number is not None
        sizes = re.findall(r"(?<= )[+-]\d[\d.]*", due.replace("−", "-"))
        assert sizes
        assert due.count(text("list_sep.comma")) + 1 >= len(sizes)
        assert all(float(size) for size in sizes), due
        assert not re.search(r" 0(\.0+)?(\D|$)", due), due
        step = 10.0 ** -len(sizes[0].partition(".")[2])
        total = sum(map(float, sizes))
        # Each figure is rounded, and so may be what is left out: others that round to zero.
        assert total == pytest.approx(change.number, abs=step * (len(sizes) + 1) / 2), due
        assert any(name in due for name in names)
        others += rest in due
    assert others or len(groups) <= MOST_CAUSES + 1, "some row has more changes than are named"
