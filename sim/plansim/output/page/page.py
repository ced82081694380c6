"""One HTML file that is the model: it runs in the reader's browser, from disk, without a network.

The parts are beside this module, one noun a file; uPlot draws the charts and comes out of the
package youplot when a page is made.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
import string
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import xarray as xr

from plansim.analysis.comparison import required_origin
from plansim.analysis.ensemble import check_scenarios, ensemble_fits, load_ensemble
from plansim.analysis.feedback.loop_scores import LoopScores, score_loops
from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import load_loops
from plansim.analysis.feedback.polarity import link_signs
from plansim.compiler.javascript import runtime
from plansim.errors import InputError, Message
from plansim.files.shipped import vendored
from plansim.files.writing import write_text
from plansim.model.reading.expression import absurd_size
from plansim.model.records import Model
from plansim.output.diagrams.draw import STYLE as DIAGRAMS
from plansim.output.diagrams.draw import Signs, module_diagram, modules_drawn
from plansim.output.figures.loops import loop_drawing
from plansim.output.page.data import (
    Data,
    both,
    certainty_data,
    members_data,
    members_moves,
    shares_data,
)
from plansim.output.page.payload import payload
from plansim.output.page.programs import javascript, model_program, verdict_program
from plansim.output.words.answer import answer
from plansim.output.words.font import Subset, subsets
from plansim.output.words.text import Lang, read_text
from plansim.scenario.scenario_file import Scenario, as_written
from plansim.scenario.variant import for_scenarios
from plansim.targets.catalogue import plan_title, targets_of
from plansim.targets.target import Kind, Target, judged_targets
from plansim.targets.views_file import load_views

__all__ = ["Page", "make_page", "page"]

ENGINE = ("reading", "slices", "attribution", "ensemble", "engine")
"""The scripts that a worker runs, too; none of them touches the document."""
SCRIPTS = (
    "format",
    "runs",
    "link",
    "store",
    "saved",
    "shares",
    "answer",
    "yaml",
    "dom",
    "notes",
    "levers",
    "chart",
    "downloads",
    "board",
    "differences",
    "wedge",
    "causes",
    "detail",
    "notice",
    "tabs",
    "main",
)
UPLOT = {
    "uplot.iife.min.js": "2d27e8ad3d228164525ce213f9dc716f39b4e3aee0cc773fb3491c96cf4921a2",
    "uplot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""The files of uPlot 1.6.31 with their SHA-256."""
CHINESE_RANGE = "U+2E80-A4CF, U+F900-FAFF, U+FE30-FE4F, U+FF00-FFEF"
"""Characters for which the page does not ask the reader's machine for a font, as CSS has them."""
_CHINESE = re.compile("[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]")
LICENSES = ("uPlot", "NotoSansSC", "DejaVuSans")
COMPARED = 2
"""Number of presets that a page opens with."""
STYLES = ("base", "layout", "controls", "board", "chart", "detail", "forced")


@dataclass(frozen=True, repr=False)
class Page:
    """A page as text; a notebook shows it where it stands."""

    text: str

    def __repr__(self) -> str:
        return f"<Page of {len(self.text.encode()) / 1e6:.2f} MB>"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" width="100%" height="900" '
            'style="border: 0" title="plansim"></iframe>'
        )


def page(
    model: Model,
    runs: xr.Dataset | None = None,
    path: str | Path | None = None,
    targets: Sequence[Target | str] | None = None,
    *,
    overlays: Sequence[Scenario] = (),
    lang: str = Lang.EN,
    force: bool = False,
) -> Page:
    """Make the page of a model: its levers, charts and verdicts, the scenarios of runs as presets.

    A notebook shows what is returned.

    Args:
        model: the model.
        runs: of the scenarios, as `simulate` returns them, or a selection of these; the first two
            are shown side by side at first. Without runs the model is taken as it is written.
        path: the file that is written; None for none.
        targets: records or ids; by default those of the catalogue beside the model.
        overlays: can be laid over each of the scenarios.
        lang: in which the page opens, ``en`` or ``zh``.
        force: whether to write over an existing file.

    Raises:
        InputError: the runs are of another model, or do not know it.
        CatalogueError: the targets or the views beside the model have faults.
        ModelError: the compiler does not support something that the page shows.
        OutputError: the file exists and ``force`` is not given, or the system refuses to write.

    >>> model = plansim.load_model("lake.mdl")
    >>> runs = plansim.simulate(model, [plansim.as_written(model), "boats.yaml"])
    >>> page = plansim.page(model, runs, "lake.html", lang="zh", force=True)
    >>> page.text[:15]
    '<!doctype html>'
    """
    scenarios: Sequence[Scenario] = ()
    if runs is not None:
        origin = required_origin(runs)
        if origin.model.sha256 != model.sha256:
            found, expected = (Message("{path}", path=one.path) for one in (origin.model, model))
            raise InputError("the runs are of another model", expected=expected, found=found)
        scenarios = origin.scenarios
    made = make_page(model, scenarios, targets, overlays=overlays, lang=lang)
    if path is not None:
        write_text(made.text, Path(path), force=force)
    return made


def make_page(
    model: Model,
    scenarios: Sequence[Scenario] = (),
    targets: Sequence[Target | str] | None = None,
    *,
    overlays: Sequence[Scenario] = (),
    lang: str = Lang.EN,
) -> Page:
    """Make the page of a model with scenarios as presets; it runs them itself.

    The map of the model has the signs of its causal links, and the scores of the loops that it
    declares, under the first scenario. All else is as for `page`.
    """
    catalogue = targets_of(model, targets)
    judged = judged_targets(catalogue)
    presets = list(scenarios) or [as_written(model)]
    drawn = model.original or model  # levers are drawn as the file has them
    members = load_ensemble(drawn) if ensemble_fits(drawn) else None
    everything = [*presets, *overlays]
    moves = members_moves(members, drawn, everything)
    constants = list(dict.fromkeys(one.constant for some in moves for one in some))
    model = for_scenarios(model, everything, constants)
    views = load_views(model, catalogue)
    program = model_program(model, everything, views, judged, constants)
    # A model need not declare its loops.
    loops = load_loops(model) if model.path.with_name(LOOPS).is_file() else ()
    signs = link_signs(model, presets[0])
    scores = score_loops(model, presets[0], loops) if loops else None
    data = payload(model, presets, overlays, views, catalogue, program, loops)
    drawings = list(_drawings(drawn, signs, scores))
    verdicts = check_scenarios(drawn, presets, catalogue)
    title = plan_title(drawn)
    goals = [target for target in catalogue if target.kind is Kind.TARGET]
    data |= {
        "lang": lang,
        "title": both(title.en, title.zh),
        "model": drawn.path.name,
        "sha256": drawn.sha256,
        "version": version("plansim"),
        "unjudged": len(goals) - len(judged),
        "horizon": max((target.horizon for target in judged), default=None),
        "modules": [{"name": name, "svg": _zipped(drawing)} for name, drawing in drawings],
        "signed": presets[0].id if signs else "",
        "known": shares_data(verdicts, judged),
        "certainty": certainty_data(),
        "members": members_data(members, moves, drawn, program),
    }
    text = read_text(Lang(lang))
    names = {one.id: text.pick(one.title_en, one.title_zh) for one in presets[:COMPARED]}
    parts = {
        "lang": {Lang.EN: "en", Lang.ZH: "zh-Hans"}[text.lang],
        "title": text.pick(title.en, title.zh),
        "answer": answer((one for one in verdicts if one.scenario in names), text, names),
    }
    absurd = min(absurd_size(model.text), sys.float_info.max)
    engine = _engine(javascript(program), javascript(verdict_program(model, judged)), data, absurd)
    return _filled_page(data, "".join(svg for _, svg in drawings), engine, parts)


def _filled_page(
    data: Mapping[str, Data], drawn: str, engine: str, texts: Mapping[str, str]
) -> Page:
    """Put the parts of a page together; ``drawn`` is the text of its drawings, for the fonts."""
    template = _part("template.html")
    # A "<" occurs only within a text of JSON, where this is the same character to its reader.
    encoded = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    scripts = _scope(_part(f"{name}.js") for name in SCRIPTS)
    fonts = _fonts("".join([template, encoded, drawn, engine, scripts, string.printable]))
    styles = [*(font.css for font in fonts), DIAGRAMS, _vendor("uplot.min.css")]
    parts = {name: html.escape(text) for name, text in texts.items()} | {
        "style": "\n".join([*styles, *(_part(f"{name}.css") for name in STYLES)]),
        "licenses": _inside_script(_licenses()),
        "vendor": _inside_script(_vendor("uplot.iife.min.js")),
        "data": encoded,
        "engine": _inside_script(engine),
        "script": _inside_script(scripts),
    }
    # What a part holds is never looked at again.
    return Page(re.sub(r"\{\{ (\w+) \}\}", lambda place: parts[place[1]], template))


def _fonts(text: str) -> Iterator[Subset]:
    """Yield fonts that have every character of a text: one for Chinese alone, and for the rest."""
    chinese = {character for character in set(text) if _CHINESE.match(character)}
    for font in subsets("".join(sorted(chinese))):
        yield replace(font, unicode_range=CHINESE_RANGE)
    yield from subsets("".join(sorted(set(text) - chinese)), "plansim-signs")


def _drawings(
    model: Model, signs: Signs | None, scores: LoopScores | None
) -> Iterator[tuple[Data, str]]:
    """Yield the drawings of the model, as SVG with their names."""
    for name in modules_drawn(model):
        drawing = module_diagram(model, name, style=False, signs=signs)
        yield both(name, model.modules[name].name_zh), drawing
    if scores is not None:
        names = [read_text(lang)("loops.scores") for lang in (Lang.EN, Lang.ZH)]
        yield both(*names), loop_drawing(scores)


def _zipped(text: str) -> str:
    """Return a text as gzip in base64: drawings are unpacked as they are looked at."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _engine(model: str, verdicts: str, data: Mapping[str, Data], absurd: float) -> str:
    """Return what runs and judges the model: in the page, and in a worker that is given its text.

    It leaves one name, ``engine``. Values of the size of ``absurd`` are missing.
    """
    moments = json.dumps(data["moments"])
    parts = [
        runtime(),
        f"const modelProgram = {model};",
        f"const verdictProgram = {verdicts};",
        f"const MOMENTS = {moments};",
        f"const ABSURD = {absurd!r};",
        *(_part(f"{name}.js") for name in ENGINE),
    ]
    return f"const engine = {_scope(parts)}"


def _scope(parts: Iterable[str]) -> str:
    """Return scripts in one scope of their own."""
    return "(() => {\n" + "\n".join(parts) + "\n})();"


def _part(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _vendor(name: str) -> str:
    return vendored("youplot", f"vendor/{name}", UPLOT[name]).read_text("utf-8")


def _licenses() -> str:
    """Return the licence texts of what others wrote and the page carries."""
    return "\n\n".join(f"{name}\n\n{_part(f'licenses/{name}.txt')}" for name in LICENSES)


def _inside_script(text: str) -> str:
    """Write JavaScript so that nothing in it ends the element that holds it."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")
