"""The catalogue, the documentation and the notebooks use the words of the glossary."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
LOCALE = ROOT / "sim" / "plansim" / "output" / "words" / "locale"


@dataclass(frozen=True)
class Term:
    """A row of the glossary."""

    english: str
    chinese: tuple[str, ...]
    """The word, and its short form if it has one."""
    meaning: str
    rejected: tuple[str, ...]
    """Words that are not used for it, in either language."""


def read_glossary() -> list[Term]:
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|(.*)\|$", GLOSSARY.read_text("utf-8"), re.M)
    return [
        Term(
            english,
            tuple(re.split("[（）]", chinese.removesuffix("）"))),
            meaning,
            tuple(word for word in rejected.strip().split(", ") if word),
        )
        for english, chinese, meaning, rejected in rows[2:]
    ]


TERMS = read_glossary()


def texts() -> dict[str, str]:
    """Return what users read: the catalogue, the documentation, the notebooks, the shown levers.

    Decisions and the changelog keep the words of their day, targets and audit those of the plan.
    """
    paths = [
        ROOT / "README.md",
        *LOCALE.glob("*.yaml"),
        *(path for path in ROOT.glob("docs/*.md") if path != GLOSSARY),
        *ROOT.glob("docs/topics/*.md"),
        *ROOT.glob("docs/guide/*/*.md"),
        *ROOT.glob("notebooks/*.py"),
        *ROOT.glob("scenarios/**/*.yaml"),
        ROOT / "model" / "README.md",
        ROOT / "model" / "views.yaml",
        *ROOT.glob("model/*.mdl"),
    ]
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def lines_with(word: str, text: str) -> Iterator[int]:
    """Return the numbers of the lines that hold a word; an English one as a whole word."""
    pattern = rf"\b{re.escape(word)}s?\b" if word.isascii() else re.escape(word)
    for match in re.finditer(pattern, text, re.I):
        yield text.count("\n", 0, match.start()) + 1


def pairs(node: object) -> Iterator[tuple[str, str]]:
    """Return each English text of the catalogue with its Chinese."""
    if isinstance(node, dict):
        if set(node) == {"en", "zh"}:
            yield node["en"], node["zh"]
        else:
            for value in node.values():
                yield from pairs(value)


def test_the_glossary_names_each_thing_once() -> None:
    assert 80 <= len(TERMS) <= 150
    english = [term.english.casefold() for term in TERMS]
    assert english == sorted(english)
    chinese = [word for term in TERMS for word in term.chinese]
    for words in (english, chinese):
        assert len(words) == len(set(words))
    used = {*english, *chinese}
    assert not used & {word for term in TERMS for word in term.rejected}
    assert all(term.meaning.endswith(".") for term in TERMS)


def test_no_text_has_a_word_that_the_glossary_rejects() -> None:
    wrong = [
        f"{path}:{line}: {word}, not {term.english} or {term.chinese[0]}"
        for path, text in texts().items()
        for term in TERMS
        for word in term.rejected
        for line in lines_with(word, text)
    ]
    assert wrong == []


def test_a_label_of_the_catalogue_has_the_chinese_of_the_glossary() -> None:
    catalogue = YAML(typ="safe").load((LOCALE / "text.yaml").read_text("utf-8"))
    chinese = {term.english.casefold(): term.chinese for term in TERMS}
    labels = [(en.casefold(), zh) for en, zh in pairs(catalogue) if en.casefold() in chinese]
    assert len(labels) >= 40
    assert [(en, zh) for en, zh in labels if zh not in chinese[en]] == []
