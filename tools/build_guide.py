"""Build the guide, in English and Chinese, as pages that need no network: `make guide`.

The pages are written in Markdown under docs/guide, with as little of what commands print as says
what to look at; tests/docs/test_guide.py runs the examples. Here they are run, too, so that the
pages show what is printed now.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from html import escape
from pathlib import Path

from markdown_it import MarkdownIt
from rich.cells import cell_len

from plansim.output.book.folder import write_folder
from plansim.output.book.pages import front_page, style_sheet
from plansim.output.words.text import Lang

__all__ = ["guide_pages"]

SOURCE = Path(__file__).parents[1] / "docs" / "guide"
NAMES = {Lang.EN: ("Guide to plansim", "English"), Lang.ZH: ("plansim 使用指南", "中文")}
CSS = """
main pre{background:#f4f6f8;border-radius:6px;padding:.6rem .9rem;overflow-x:auto;white-space:pre}
main code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.9em}
pre b{display:inline-block;width:2ch;font-weight:inherit;text-align:center}
main li{max-width:52rem}
:lang(zh) em{font-style:normal;font-weight:600}
.next{margin-top:2.5rem}
"""


MOST_LINES = 26
"""Of what a command prints, so many are shown."""
BLOCK = re.compile(r"^```console\n\$ (plansim .*)\n(?:.*\n)*?```$", re.MULTILINE)
FILE = re.compile(r"^<!-- file: (.*) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def guide_pages(
    source: Path = SOURCE, printed: Callable[[str], str] | None = None
) -> dict[str, str]:
    """Give the files of the guide by their paths.

    ``printed`` gives the examples of a text as they come out; without it they stay as written.
    """
    pages = {"index.html": front_page(tuple(Lang)), "style.css": style_sheet() + CSS}
    for lang in Lang:
        texts = {
            path.stem: path.read_text("utf-8") for path in sorted((source / lang).glob("*.md"))
        }
        titles = {stem: text.partition("\n")[0].removeprefix("# ") for stem, text in texts.items()}
        first = next(iter(texts))
        for stem, written in texts.items():
            text = printed(written) if printed else written
            pages[f"{lang}/{stem}.html"] = _page(lang, stem, text, titles)
        pages[f"{lang}/index.html"] = pages[f"{lang}/{first}.html"]
    return pages


def _page(lang: Lang, stem: str, text: str, titles: dict[str, str]) -> str:
    stems = list(titles)
    place = stems.index(stem)
    other = Lang.ZH if lang is Lang.EN else Lang.EN
    menu = "".join(
        f'<li><a href="{each}.html"{" aria-current=page" if each == stem else ""}>'
        f"{escape(title)}</a></li>"
        for each, title in titles.items()
    )
    onward = "".join(
        f'<p class="next"><a href="{each}.html">{escape(titles[each])} →</a></p>'
        for each in stems[place + 1 : place + 2]
    )
    body = MarkdownIt("commonmark").enable("table").render(_without_marks(text))
    body = re.sub(r'href="([\w-]+)\.md"', r'href="\1.html"', body)
    # Other pages of docs/ are not built: they are named, and not linked.
    body = re.sub(r'<a href="\.\./\.\./([\w-]+\.md)">.*?</a>', r"<code>docs/\1</code>", body)
    body = re.sub(r"<pre>.*?</pre>", _in_columns, body, flags=re.DOTALL)
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(titles[stem])} · {NAMES[lang][0]}</title>"
        '<link rel="stylesheet" href="../style.css"></head><body><header><nav>'
        f'<a class="home" href="index.html">{NAMES[lang][0]}</a>'
        f'<a class="lang" lang="{other}" href="../{other}/{stem}.html">{NAMES[other][1]}</a>'
        f'</nav></header><div class="frame"><aside><ul>{menu}</ul></aside>'
        f"<main>{body}{onward}</main></div></body></html>\n"
    )


def _in_columns(block: re.Match[str]) -> str:
    """Make each Chinese character as wide as two letters, as in a terminal: tables stay in line."""
    return re.sub(
        r".", lambda char: f"<b>{char[0]}</b>" if cell_len(char[0]) == 2 else char[0], block[0]
    )


def _without_marks(text: str) -> str:
    """Leave out the comments that tell the test which file a block is."""
    return re.sub(r"<!-- file: .* -->\n", "", text)


def run_examples(text: str, folder: Path) -> str:
    """Put what each example prints now in the place of what is written."""
    for name, content in FILE.findall(text):
        folder.joinpath(name).write_text(content, "utf-8")

    def shown(block: re.Match[str]) -> str:
        arguments = [*shlex.split(block[1])[1:], *force(block[1])]
        call = [sys.executable, "-m", "plansim.cli.main", *arguments]
        environment = {**os.environ, "COLUMNS": "92", "NO_COLOR": "1", "PYTHONUTF8": "1"}
        done = subprocess.run(
            call, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        lines = (done.stdout or done.stderr).rstrip().splitlines()
        lines = [*lines[:MOST_LINES], "…"] if len(lines) > MOST_LINES else lines
        return "\n".join([f"```console\n$ {block[1]}", *lines, "```"])

    def force(command: str) -> list[str]:
        return ["--force"] if " -o " in command else []  # both languages write the same files

    return BLOCK.sub(shown, text)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        pages = guide_pages(printed=lambda text: run_examples(text, Path(work)))
    write_folder(pages, folder, force=True)
    print(f"{folder / 'index.html'}")
