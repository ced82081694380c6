"""Sources in two languages: the notebooks, and the search in both."""

from __future__ import annotations

import re
from typing import Any

import jupytext
from sphinx.search.en import SearchEnglish

__all__ = ["ChineseSearch", "read_notebook"]


def read_notebook(text: str, lang: str) -> Any:
    """Return a notebook with its texts in one language, and with that as its `LANG`.

    Each text stands there in English and then in Chinese, a heading as ``English · 中文``;
    tests/docs/test_notebooks.py holds it to that.
    """
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _in_language(cell.source, lang)
        elif cell.source.startswith("LANG ="):
            cell.source = f'LANG = "{lang}"'
    return notebook


def _in_language(source: str, lang: str) -> str:
    r"""Return the headings and paragraphs of one language.

    >>> _in_language("# A lake · 湖\n\nFish.\n\n鱼。", "zh")
    '# 湖\n\n鱼。'
    """
    first, kept, paragraphs = lang == "en", [], 0
    for block in re.split(r"\n\s*\n", source.strip()):
        if block.startswith("#"):
            english, _, chinese = block.partition(" · ")
            level = english.partition(" ")[0]
            kept.append(english if first else f"{level} {chinese}")
        else:
            paragraphs += 1
            if (paragraphs % 2 == 1) == first:
                kept.append(block)
    return "\n\n".join(kept)


HAN = r"\u3400-\u9fff"


class ChineseSearch(SearchEnglish):
    """Index Chinese by pairs of characters, English by its stems; a query is split likewise.

    Pairs find any word, however long, in any text, while a segmenter may split the text otherwise
    than the query. Lucene's analyser of Chinese, Japanese and Korean does the same.

    >>> ChineseSearch({}).split("城镇化率 of GDP")
    ['城镇', '镇化', '化率', 'of', 'GDP']
    """

    lang = "zh"
    language_name = "English"  # whose stemmer the pages load
    js_splitter_code = f"""
function splitQuery(query) {{
  const parts = query.match(/[{HAN}]+|[A-Za-z0-9_]+/g) || [];
  return parts.flatMap((part) =>
    /^[{HAN}]{{2,}}$/.test(part)
      ? [...Array(part.length - 1).keys()].map((at) => part.slice(at, at + 2))
      : [part],
  );
}}
"""

    def split(self, input: str) -> list[str]:
        """Split a text into words and pairs of Chinese characters."""
        return [word for part in re.findall(f"[{HAN}]+|[A-Za-z0-9_]+", input)
                for word in self._words(part)]  # fmt: skip

    @staticmethod
    def _words(part: str) -> list[str]:
        if len(part) < 2 or not re.match(f"[{HAN}]", part):
            return [part]
        return [part[at : at + 2] for at in range(len(part) - 1)]
