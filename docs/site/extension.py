"""What Sphinx does not know of this site.

Examples of the guide show what commands print now; public names are documented by the folder of
their module, so that a new one finds its page; the help of commands is translated; each page leads
to itself in the other language; the page of the model is built as *try it*.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from gettext import NullTranslations
from logging import WARNING, getLogger
from pathlib import Path
from typing import Any

import click
from bilingual import ChineseSearch
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.matching import Matcher

import plansim
from plansim.cache import code_of, digest
from plansim.cli.main import plansim as command_line
from plansim.files.notebook import Tabular
from plansim.output.page.page import CHINESE_RANGE
from plansim.output.words.font import subsets
from plansim.output.words.language import help_in_chinese

__all__ = ["setup"]

logger = logging.getLogger(__name__)
for _name in ("fontTools", "traitlets"):  # they tell each of their steps
    getLogger(_name).setLevel(WARNING)
ROOT = Path(__file__).parents[2]
SHOWN = ("baseline", "accelerated-growth")
OWN = "plansim."
PLOT = "output.figures.plot"
FONT = "chinese.css"
"""As ``html_css_files`` names it."""
TWICE = "size-adjust: 120.4%"
"""Makes a Chinese character as wide as two letters of DejaVu Sans Mono, Menlo or Lucida Console."""
CHINESE = re.compile("[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")
NAMES = {"en": "English", "zh": "中文"}
THEME = {
    "Next": "下一页",
    "Previous": "上一页",
    "Back to top": "回到顶部",
    "On this page": "本页目录",
    "Home": "首页",
    "Skip to content": "跳到正文",
    "Copyright &#169; %(copyright)s": "版权所有 &#169; %(copyright)s",
    "Made with ": "页面主题：",
    "Error": "错误",
    "Please activate JavaScript to enable the search functionality.": "搜索需要 JavaScript。",
}


def setup(app: Sphinx) -> dict[str, Any]:
    """Add to Sphinx what this module says."""
    app.add_search_language(ChineseSearch)
    for language in ("csv", "vensim"):
        app.add_lexer(language, TextLexer)
    app.add_directive("public-names", PublicNames)
    app.connect("builder-inited", _keep_notebooks)
    app.connect("builder-inited", _translate_help)
    app.connect("builder-inited", _translate_theme)
    app.connect("source-read", _show_examples)
    app.connect("doctree-read", _translate_rubrics)
    app.connect("doctree-read", _name_pictures)
    app.connect("env-check-consistency", _find_undocumented)
    app.connect("html-page-context", _lead_to_other_language)
    app.connect("build-finished", _write_other_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _lang(app: Sphinx) -> str:
    return "zh" if app.config.language.startswith("zh") else "en"


def _is_quick(app: Sphinx) -> bool:
    return "quick" in app.tags


def _kept() -> Path:
    """Return the folder of what code and model made; another one once they have changed."""
    inputs = [path for name in ("model", "scenarios") for path in sorted((ROOT / name).rglob("*"))]
    texts = [path.read_text("utf-8") for path in inputs if path.is_file()]
    code = code_of("", *(path.name for path in (ROOT / "sim" / "plansim").iterdir()
                         if path.is_dir() and (path / "__init__.py").is_file()))  # fmt: skip
    return ROOT / "build" / "docs-cache" / digest(code, *texts)[:16]


# --- notebooks and examples -----------------------------------------------------------------------


def _keep_notebooks(app: Sphinx) -> None:
    """Keep what notebooks print, and their pictures, which myst-nb would write into the site."""
    kept, pictures = (str(_kept() / name) for name in ("notebooks", "pictures"))
    config = app.env.mystnb_config
    app.env.mystnb_config = config.copy(execution_cache_path=kept, output_folder=pictures)


def _name_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Call each picture of a notebook by the heading that it stands below."""
    for section in doctree.findall(nodes.section):  # inner ones come last
        for image in section.findall(nodes.image):
            if image.get("alt") is None or image.get("named"):
                image["alt"], image["named"] = section[0].astext(), True


MOST_LINES = 26
"""Of what a command prints, so many lines are shown."""
EXAMPLE = re.compile(r"^```console\n\$ (plansim .*)\n((?:.*\n)*?)```$", re.MULTILINE)
FILE = re.compile(r"^<!-- file: (.*) -->\n```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FAILED = re.compile(r"^plansim: ", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]\[]+)\]\(([\w./-]+)\.md\)")
MARK = re.compile(r"^<!-- .* -->\n", re.MULTILINE)
BREAK = re.compile(
    r"(?<=[\u3001-\uffef])\n *(?=[\u3001-\uffef“”])|(?<=[，。；：、）])\n *(?=[\w*`\[])(?!\d+\. )"
)
"""A break of a line within Chinese, or after its punctuation."""


def _show_examples(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put what each example of the guide prints now in the place of what is written."""
    text = source[0]
    if docname.startswith("docs/guide/") and not _is_quick(app):
        files = _files_of_guide(Path(app.srcdir, docname).parent)
        file = _kept() / "guide" / digest(text, *files, *files.values())[:16]
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_with_output(text, files, docname), "utf-8")
        text = file.read_text("utf-8")
    if _lang(app) == "zh" and not docname.startswith("notebooks/"):  # they are Python
        text = _without_breaks(text)
    if docname == "docs/site/options":  # each line is in both languages
        text = re.sub(r"(?m)^(# )?(.+) · (.+)$", rf"\1\{2 if _lang(app) == 'en' else 3}", text)
    if docname.startswith("docs/decisions/0"):  # their list is enough of a table of contents
        text = f"---\norphan: true\n---\n\n{text}"
    source[0] = LINK.sub(lambda link: _to_other_language(app, docname, link), MARK.sub("", text))


def _without_breaks(text: str) -> str:
    """Join lines within Chinese, where a break would show as a space; blocks of code stay."""
    parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    joined = [BREAK.sub("", part) for part in parts[::2]]
    parts[::2] = joined
    return "".join(parts)


def _to_other_language(app: Sphinx, docname: str, link: re.Match[str]) -> str:
    """Lead to a page that only the site in the other language has."""
    path = os.path.normpath(os.path.join(os.path.dirname(docname), link[2]))  # noqa: PTH118, PTH120
    if f"{path}.md" == docname or not Matcher(app.config.exclude_patterns)(f"{path}.md"):
        return link[0]
    other = "en" if _lang(app) == "zh" else "zh"
    return f'<a href="{"../" * (docname.count("/") + 1)}{other}/{path}.html">{link[1]}</a>'


def _files_of_guide(folder: Path) -> dict[str, str]:
    """Return the files that the pages of a guide write, which later pages use too."""
    pages = [path.read_text("utf-8") for path in sorted(folder.glob("*.md"))]
    return dict(file for page in pages for file in FILE.findall(page))


def _with_output(text: str, files: Mapping[str, str], docname: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            (folder / file).write_text(content, "utf-8")
        return EXAMPLE.sub(lambda block: _printed(block[1], block[2], folder, docname), text)


def _printed(command: str, written: str, folder: Path, docname: str) -> str:
    """Return an example with what it prints; an error that the page does not show is a warning."""
    call = [sys.executable, "-m", "plansim.cli.main", *shlex.split(command)[1:]]
    environment = {**os.environ, "COLUMNS": "92", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(
        call, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    output = (done.stdout or done.stderr).replace(f"{ROOT}{os.sep}", "")
    lines = output.rstrip().splitlines()
    if FAILED.search(output) and not FAILED.search(written):
        logger.warning("%s: %s", command, lines[0], location=docname)
    lines = [*lines[:MOST_LINES], "…"] if len(lines) > MOST_LINES else lines
    return "\n".join(["```console", f"$ {command}", *lines, "```"])


# --- public names ---------------------------------------------------------------------------------


def _homes() -> dict[str, str]:
    """Return the module of each public name, without ``plansim.``."""
    values = {name: getattr(plansim, name) for name in plansim.__all__ if name != "__version__"}
    homes = {name: getattr(value, "__module__", value.__name__) for name, value in values.items()}
    return {name: module.removeprefix(OWN) for name, module in homes.items()}


class PublicNames(SphinxDirective):
    """The public names of modules and folders of them; of one with a minus, those not."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Document each of them by its docstring."""
        names: list[str] = []
        for folder in self.arguments[0].split():
            inside = [
                name
                for name, home in _homes().items()
                if f"{home}.".startswith(f"{folder.removeprefix('-')}.")
            ]
            if not inside and folder != PLOT:
                raise self.error(f"no public name is defined below {folder}")
            if folder.startswith("-"):
                names = [name for name in names if name not in inside]
            elif folder == PLOT:
                names += [f"plot.{name}" for name in plansim.plot.__all__]
            else:
                functions = [name for name in inside if name[0].islower()]
                names += [*functions, *(name for name in inside if name not in functions)]
        lines = [line for name in dict.fromkeys(names) for line in _documented(name)]
        return self.parse_text_to_nodes("\n".join(["```{eval-rst}", *lines, "```"]))


def _documented(name: str) -> Iterator[str]:
    value = None if "." in name else getattr(plansim, name)
    if not isinstance(value, type):
        yield from (f".. autofunction:: plansim.{name}", "")
        return
    kind = "autoexception" if issubclass(value, Exception) else "autoclass"
    yield f".. {kind}:: plansim.{name}"
    if kind == "autoclass":
        yield from ("   :members:", "   :no-undoc-members:")
        if issubclass(value, Tabular):
            yield "   :inherited-members: tuple"
    yield ""


def _find_undocumented(app: Sphinx, env: Any) -> None:
    """Warn, which fails the build, of public names that no page documents."""
    documented = env.get_domain("py").objects
    names = [name for name, home in _homes().items() if home != PLOT]
    for name in [*names, *(f"plot.{name}" for name in plansim.plot.__all__)]:
        if f"{OWN}{name}" not in documented:
            logger.warning("no page of docs/api documents %s%s", OWN, name)


# --- both languages -------------------------------------------------------------------------------


def _translate_help(app: Sphinx) -> None:
    """Say the help of the commands in Chinese, as ``--help --lang zh`` does."""
    if _lang(app) == "zh":
        _translate(command_line, help_in_chinese)


class _Theme(NullTranslations):
    """What the theme says and Sphinx has no Chinese for."""

    def gettext(self, message: str) -> str:
        return THEME.get(message, message)


def _translate_theme(app: Sphinx) -> None:
    """Say in Chinese what the theme says itself."""
    if _lang(app) == "zh" and app.translator is not None:
        app.translator.add_fallback(_Theme())


RUBRICS = {"Usage": "用法", "Options": "选项", "Arguments": "参数", "Commands": "命令"}
"""What sphinx-click heads parts of the help of a command with."""
FIELDS = {"Default": "默认", "Options": "可选值", "Required": "必填"}
"""What it says of an option."""


def _translate_rubrics(app: Sphinx, doctree: nodes.document) -> None:
    if _lang(app) == "zh":
        for kind, words in ((nodes.rubric, RUBRICS), (nodes.field_name, FIELDS)):
            for node in doctree.findall(kind):
                if said := words.get(node.astext().capitalize()):
                    node.children = [nodes.Text(said)]


def _translate(command: click.Command, say: Callable[[str], str]) -> None:
    paragraphs = (command.help or "").split("\n\n")
    command.help = "\n\n".join(say(part.removeprefix("\b")).strip() for part in paragraphs)
    if command.epilog:
        command.epilog = say("Example: {}").replace("{}", command.epilog.removeprefix("Example: "))
    for option in command.params:
        if isinstance(option, click.Option) and option.help:
            option.help = say(option.help)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _translate(inner, say)


def _lead_to_other_language(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    own = _lang(app)
    other = "en" if own == "zh" else "zh"
    name = pagename.replace(f"docs/guide/{own}/", f"docs/guide/{other}/")
    if own == "zh":
        name = name.removesuffix(".zh")
    elif (ROOT / f"{pagename}.zh.md").is_file():
        name = f"{pagename}.zh"
    up = "../" * (pagename.count("/") + 1)
    context["other_page"] = f"{up}{other}/{name}.html"
    context["other_lang"], context["other_name"] = other, NAMES[other]
    context["try_page"] = f"{up}{own}/try.html"


def _write_font(outdir: Path) -> None:
    """Write the Chinese characters of all pages as a font, for machines that have none."""
    pages = [path.read_text("utf-8") for path in outdir.rglob("*.html") if path.name != "try.html"]
    texts = [*pages, (outdir / "searchindex.js").read_text("utf-8")]
    chinese = {character for text in texts for character in set(text) if CHINESE.match(character)}
    fonts = subsets("".join(chinese), "plansim")
    rules = [replace(font, unicode_range=CHINESE_RANGE).css for font in fonts]
    blocks = "".join(part for page in pages for part in re.findall(r"(?s)<pre>.*?</pre>", page))
    wide = subsets("".join(sorted(set(CHINESE.findall(blocks)))), "plansim-mono")
    rules += [replace(font, unicode_range=f"{CHINESE_RANGE}; {TWICE}").css for font in wide]
    (outdir / "_static" / FONT).write_text("\n".join(rules), "utf-8")


def _write_other_pages(app: Sphinx, exception: Exception | None) -> None:
    """Write the page of the model, and the page on which a reader chooses a language."""
    if exception is not None:
        return
    outdir, lang = Path(app.outdir), _lang(app)
    _write_font(outdir)
    if _is_quick(app):
        (outdir / "try.html").write_text("", "utf-8")
    else:
        model = plansim.load_model()
        runs = plansim.simulate(model, SHOWN)
        plansim.page(model, runs, outdir / "try.html", lang=lang, force=True)
    homes = {"en": "en/docs/site/index.html", "zh": "zh/docs/site/index.zh.html"}
    links = " · ".join(f'<a lang="{key}" href="{homes[key]}">{NAMES[key]}</a>' for key in homes)
    script = f'location.replace(/^zh/.test(navigator.language)?"{homes["zh"]}":"{homes["en"]}")'
    outdir.parent.joinpath("index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>plansim</title>'
        f"<p>{links}</p><script>{script}</script></html>\n",
        "utf-8",
    )
