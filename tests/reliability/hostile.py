# ruff: noqa: E501 (tables of inputs)
"""A model, targets, scenarios and a design whose every text is hostile, run through every output."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from plansim.files.escaping import for_terminal
from tests.helpers.vensim_text import writer

ESC, RLO, BEL = "\x1b", "\u202e", "\x07"
OSC = f"{ESC}]0;owned{BEL}{ESC}[31m"
TAG = "<script>alert(1)</script><img src=x onerror=alert(2)>"
TEXT = f"{TAG} {RLO}abc {{x}} [red] $\\alpha_{{1}}$ %s & ]]> -- `x` \\u0041 \"q\" 'q'"
OLD, PER_HEAD, MATHS, LABEL = '"Aged >=65"', '"GDP/head = x<y"', '"=1+1|@x $a_b^$"', '"- <b> 力"'

EQUATIONS = f"""
trade: farms, mills ~~|
{OLD}= 0.1 ~ 1/Year [-2,100000] ~ 老龄。{TEXT} {OSC} [A: 0.05–0.15] |
{LABEL}= 1 ~ Dmnl [0,3] ~ =力度。{TEXT} [A: 0.5–1.5] |
weight[trade]= 1, 2 ~ Dmnl [0,10] ~ 权重。One a trade. [A: 0.5–3] |
fed= {OLD}*{LABEL}*{PER_HEAD} ~ 亿元/Year ~ 增量。{TEXT} |
{PER_HEAD}= INTEG(fed, 100) ~ 亿元 ~ +存量{TAG}。{TEXT} |
{MATHS}[trade]= weight[trade]*{PER_HEAD} ~ 亿元 ~ @产出。{TEXT} |
"""


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_inputs(folder: Path) -> Path:
    """Write the model, with its targets and views, scenarios and a design; give the model."""
    shown, text = quoted(f"=cmd|' /C calc'!A0 {RLO}{TEXT}"), quoted(TEXT)
    names = f"en: {shown}, zh: {text}"
    (folder / "targets.yaml").write_text(
        f"""\
title: {{{names}}}
base_year: 2000
horizon: 2010
places: {{ch 1: {{{names}}}}}
reasons: {{detail: {{{names}}}}}
targets:
- {{id: S1, {names}, unit: 亿元, target: {{at least: 160, year: 2005}}, place: [ch 1],
   attribute: binding, variable: {quoted(PER_HEAD)}}}
- {{id: S4, {names}, unit: 亿元, target: {{at least: 250, year: 2010}}, place: [ch 1],
   variables: {{constant: {quoted(MATHS + "[farms]")}, current: {quoted(MATHS + "[mills]")}}}}}
- {{id: S6, {names}, unit: 亿元, target: {{at least: 1, year: 2005}}, place: [ch 1],
   not_modelled: detail}}
""",
        "utf-8",
    )
    (folder / "views.yaml").write_text(
        f"themes: []\ngroups:\n  - id: village\n    {names.replace(', zh', chr(10) + '    zh')}\n"
        f"    levers:\n      - {{moves: {quoted(LABEL)}, policy: true}}\n",
        "utf-8",
    )
    (folder / "=plain.yaml").write_text(f"title: {{{names}}}\ndescription: {{{names}}}\n", "utf-8")
    (folder / "<i>other.yaml").write_text(
        f"title: {{{names}}}\nparent: =plain.yaml\nvalues: {{{quoted(LABEL)}: 1.2}}\n"
        f"assumes: {{S1: {{{names}}}}}\n",
        "utf-8",
    )
    for name, outputs in (("design", f"[{quoted(MATHS)}]"), ("slashed", f"[{quoted(PER_HEAD)}]")):
        (folder / f"{name}.yaml").write_text(
            f"title: {{{names}}}\nscenarios: [=plain.yaml]\n"
            "design: {kind: sobol, samples: 16, seed: 5}\n"
            f"factors: {{=f{TAG[:8]}: {{constants: {quoted(OLD)}, apply: multiply, "
            f"uniform: [0.5, 1.5], zh: {shown}}}}}\noutputs: {outputs}\nyears: [2005]\n",
            "utf-8",
        )
    return writer(folder)(EQUATIONS)


SCENARIOS = ("=plain.yaml", "<i>other.yaml")
OUTPUTS: tuple[tuple[str, ...], ...] = (
    ("check", *SCENARIOS), ("check", *SCENARIOS, "--format", "json"),
    ("check", *SCENARIOS, "--lang", "zh"),
    ("run", SCENARIOS[1]), ("run", SCENARIOS[1], "--variable", OLD),
    ("run", SCENARIOS[1], "--format", "json"),
    ("run", SCENARIOS[1], "-o", "run.nc"),
    *(("export", *SCENARIOS, "-o", f"export.{kind}") for kind in ("csv", "xlsx", "parquet", "nc")),
    ("export", *SCENARIOS, "--form", "iamc", "-o", "iamc.csv"),
    ("compare", *SCENARIOS),
    *(("compare", *SCENARIOS, "-o", f"report.{kind}") for kind in ("docx", "html", "pdf", "xlsx")),
    *(("plot", *SCENARIOS, "-o", f"plot.{kind}") for kind in ("png", "svg", "pdf")),
    ("page", *SCENARIOS, "-o", "page.html"), ("show", OLD), ("show", PER_HEAD), ("show", "S1"),
    ("show", SCENARIOS[1]), ("list", "variables"), ("list", "targets"),
    ("sweep", "design.yaml", "-o", "r.zarr"), ("replay", "r.zarr", "3", "-o", "three.yaml"),
    ("check", "three.yaml"),
    ("sweep", "slashed.yaml", "-o", "s.zarr"),
    ("replay", "s.zarr", "3"), ("plot", "s.zarr", "--kind", "fan", "-o", "fan.svg"),
    ("why", "attribute", *SCENARIOS), ("why", "sensitivity", "--design", "design.yaml", "-n", "16"),
    ("decide", "solve", SCENARIOS[0], "--lever", LABEL, "--target", "S1"),
    ("model", "document", "-o", "book"),
)  # fmt: skip


def faults_of(code: int, out: str, err: str) -> Iterator[str]:
    """Yield what is wrong with what a command wrote to the terminal."""
    if code not in (0, 2) or "internal error" in err or "Traceback" in err:
        yield f"exit code {code}: {err[-300:]}"
    for text in (out, err):
        if text != for_terminal(text):
            yield f"control characters in {text!r:.300}"


def faults_in(path: Path) -> Iterator[str]:
    """Yield what is wrong with a file, by its kind."""
    inspect: Callable[[Path], Iterator[str]] | None = {
        ".csv": _csv, ".xlsx": _zipped, ".docx": _zipped, ".svg": _svg, ".html": _html,
    }.get(path.suffix)  # fmt: skip
    if inspect:
        yield from inspect(path)


def _csv(path: Path) -> Iterator[str]:
    for row in csv.reader(io.StringIO(path.read_text("utf-8-sig"))):
        for cell in row:
            if re.match(r"[=+@\t\r]|-(?![\d.])", cell):
                yield f"a cell that a spreadsheet computes: {cell!r}"


def _zipped(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            if name.endswith(".xml"):
                tree = ElementTree.fromstring(parts.read(name))
                if any(node.tag.endswith("}f") for node in tree.iter()):
                    yield f"a formula in {name}"


def _svg(path: Path) -> Iterator[str]:
    if any("script" in node.tag for node in ElementTree.parse(path).iter()):
        yield "a script in a picture"


def _html(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    if "<script>alert" in text or "<img src=x" in text:
        yield "a script in a page"
