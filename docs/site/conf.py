"""The documentation as a site, in English or, with the tag ``zh``, in Chinese: `make docs`.

The sources are the Markdown files of the repository, the notebooks and the docstrings, where they
are; `extension` says what Sphinx does not know of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

LANG = "zh" if tags.has("zh") else "en"  # noqa: F821, Sphinx sets it
OTHER = "en" if LANG == "zh" else "zh"

project = "plansim"
author = "plansim 编写者" if LANG == "zh" else "plansim contributors"
copyright = author
language = "zh_CN" if LANG == "zh" else "en"
html_title = "plansim"

# pages that stand in Chinese beside
ENGLISH_ONLY = ["docs/site/index.md", "docs/findings.md", "docs/limits.md"]
root_doc = "docs/site/index.zh" if LANG == "zh" else "docs/site/index"
include_patterns = ["docs/**.md", "notebooks/*.py", "model/README.md", "*.md"]
exclude_patterns = [
    *(".*", "build", "dist", "sim", "tests", "tools", "scenarios"),
    f"docs/guide/{OTHER}/*",
    *(ENGLISH_ONLY if LANG == "zh" else ["docs/**.zh.md"]),
]  # fmt: skip

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "extension",
]

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False

myst_enable_extensions = ["colon_fence", "attrs_block"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]

nb_custom_formats = {".py": ["bilingual.read_notebook", {"lang": LANG}]}
nb_execution_mode = "off" if tags.has("quick") else "cache"  # noqa: F821
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables in what cells say

smartquotes_action = "qe"  # `--option` keeps its two hyphens

html_theme = "furo"
html_show_sphinx = False
html_search_scorer = str(HERE / "search.js")
html_copy_source = False
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css", "chinese.css"]  # the latter is written when all pages are
templates_path = ["templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
