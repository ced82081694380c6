"""The documentation holds every variable in both languages, and its links lead somewhere."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from plansim.cli.main import main
from plansim.model.records import Model
from tests.docs.examples import site_module

broken_links = site_module("links").broken_links
VOID = {"meta", "link", "input", "br"}
MODELS = Path(__file__).parents[1] / "toys" / "models"


class Page(HTMLParser):
    """The ids, links and texts of a page; each of its elements is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] * (tag not in VOID)
        self.ids += [value for key, value in attrs if key == "id" and value]
        self.links += [value for key, value in attrs if key in ("href", "src") and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is left open."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found: Path = tmp_path_factory.mktemp("site") / "pages"
    assert main(["model", "document", "-o", str(found)]) == 0
    return found


def test_every_link_leads_somewhere_and_none_to_a_host(folder: Path) -> None:
    assert list(broken_links(folder)) == []
    pages = [Page(path.read_text("utf-8")) for path in folder.glob("*/*.html")]
    assert not [link for page in pages for link in page.links if "//" in link]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_variable_has_one_entry(folder: Path, city: Model, lang: str) -> None:
    pages = [Page(path.read_text("utf-8")) for path in (folder / lang).glob("module-*.html")]
    heads = ("h", "k", "m", "o", "hp", "hm", "hx")  # of arrows of drawings
    entries = [one for page in pages for one in page.ids if one not in heads]
    assert len(entries) == len(set(entries)) == len(city.variables)
    said = {text for page in pages for text in page.said}
    for variable in city.variables.values():
        assert {variable.name, variable.name_zh or variable.name} <= said
        meant = [variable.meaning_en, variable.meaning_zh][:: 1 if lang == "en" else -1]
        assert (meant[0] or meant[1]) in said or not any(meant)


BOTH = """{UTF-8}
*** .pond ***~ 池塘。一个池塘。
又一句。A pond and nothing else. |
fish= INTEG(growth*fish - catch, 8) ~ t ~ 鱼量。池中之鱼。
  以吨计。Fish in the pond. [D: 合计。a sum] |
growth= 0.5 ~ 1/Year ~ 增长率。Yearly growth. [A: 0.2–0.7 目测。by eye] [A: 2–3] |
catch= growth*2 ~ t/Year ~ 捕捞。每年所捕。 |
INITIAL TIME= 2000 ~ Year ~ |
FINAL TIME= 2010 ~ Year ~ |
TIME STEP= 0.5 ~ Year ~ |
SAVEPER= 0.5 ~ Year ~ |
"""


def test_meanings_and_reasons_stand_in_the_language_of_the_page(tmp_path: Path) -> None:
    model, out = tmp_path / "pond.mdl", tmp_path / "pages"
    model.write_text(BOTH, "utf-8")
    assert main(["model", "document", "-o", str(out), "--model", str(model)]) == 0
    english, chinese = ((out / lang / "module-pond.html").read_text() for lang in ("en", "zh"))
    said = {"en": Page(english).said, "zh": Page(chinese).said}
    assert {"A pond and nothing else.", "Fish in the pond.", "derived: a sum"} <= {*said["en"]}
    assert {"一个池塘。又一句。", "池中之鱼。以吨计。", "推算：合计"} <= {*said["zh"]}
    assert "assumption: 0.2–0.7 by eye; assumption: 2–3" in said["en"]
    assert "假设：0.2–0.7 目测；假设：2–3" in said["zh"]
    # Where one language is missing the other stands, and is called what it is.
    assert english.count('<p lang="zh">每年所捕。') == 1
    assert chinese.count('<p lang="en">Yearly growth.') == 1
    for lang, reason, other in (("en", "by eye", "目测"), ("zh", "目测", "by eye")):
        page = (out / lang / "parameters.html").read_text()
        assert reason in page
        assert other not in page
    # The shipped plan, which has nothing to do with the pond, is no source of it.
    assert "M01" not in (out / "en" / "sources.html").read_text()


def test_a_folder_is_replaced_only_if_asked_and_only_if_it_holds_pages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pages"
    call = ["model", "document", "-o", str(path), "--model", str(MODELS / "tea_cup.mdl")]
    assert main(call) == 0
    assert main(call) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert main([*call, "--force"]) == 0
    (path / "letter.txt").write_text("dear", "utf-8")
    (path / "index.html").unlink()
    assert main([*call, "--force"]) == 2
    assert "something else" in capsys.readouterr().err
    assert (path / "letter.txt").is_file()
