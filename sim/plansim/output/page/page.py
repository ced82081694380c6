"""The page: one HTML file with the model, which runs in a browser from disk, without a network.

Its parts are files beside this module; uPlot, from the package youplot, draws the charts.
"""

from __future__ import annotations

import html
import json
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from plansim.analysis.feedback.loop_scores import LoopScores
from plansim.analysis.feedback.loops import FILE_NAME as LOOPS
from plansim.analysis.feedback.loops import load_loops
from plansim.compiler.javascript import runtime
from plansim.model.records import Model
from plansim.output.diagrams.modules import STYLE as DIAGRAMS
from plansim.output.diagrams.modules import Signs, module_diagram, modules_drawn
from plansim.output.figures.loops import loop_drawing
from plansim.output.page.font import subsets
from plansim.output.page.payload import Data, both, payload
from plansim.output.page.programs import javascript, model_program, verdict_program
from plansim.output.text import Lang, read_text
from plansim.scenario.reader import Scenario, as_written
from plansim.targets.catalogue import Kind, Target, load_targets, plan_title
from plansim.targets.views_file import load_views

__all__ = ["Page", "page"]

SCRIPTS = (
    "format",
    "engine",
    "attribution",
    "link",
    "store",
    "yaml",
    "dom",
    "levers",
    "chart",
    "board",
    "differences",
    "due",
    "detail",
    "notice",
    "tabs",
    "main",
)
STYLES = ("base", "layout", "controls", "board", "chart", "detail", "forced", "print")


@dataclass(frozen=True, repr=False)
class Page:
    """A page as text, which a notebook displays."""

    text: str

    def __repr__(self) -> str:
        return f"<Page of {len(self.text.encode()) / 1e6:.2f} MB>"

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{html.escape(self.text)}" width="100%" height="900" '
            'style="border: 0" title="plansim"></iframe>'
        )

    def save(self, path: str | Path) -> Path:
        """Write the page to a file, UTF-8."""
        destination = Path(path)
        destination.write_text(self.text, "utf-8")
        return destination


def page(
    model: Model,
    scenarios: Sequence[Scenario] = (),
    targets: Sequence[Target] | None = None,
    *,
    lang: str = Lang.EN,
    signs: Signs | None = None,
    scores: LoopScores | None = None,
) -> Page:
    """Make the page of a model: its levers, charts and verdicts, the scenarios as presets.

    The first two scenarios are shown side by side at first; without any, the model as written.
    ``targets`` are those of the plan (None: `load_targets`), ``signs`` those of the causal links on
    the map of the model, as `link_signs` finds them, ``scores`` those of its loops, as
    `score_loops` finds them.

    Raises:
        CatalogueError: the targets or the views beside the model have faults.
        ModelError: the compiler does not support something that the page shows.
    """
    listed = load_targets(None, model) if targets is None else targets
    judged = [target for target in listed if target.kind is Kind.TARGET and target.variables]
    presets = list(scenarios) or [as_written(model)]
    views = load_views(model, listed)
    program = model_program(model, presets, views, judged)
    # A model need not declare its loops.
    declared = model.path.with_name(LOOPS).is_file()
    loops = load_loops(model) if declared else ()
    data = payload(model, presets, views, judged, program, loops)
    assert isinstance(data, dict)
    data |= {**_about(model, listed, judged, Lang(lang), signs, scores), "plan": _plan(presets)}
    data["signed"] = presets[0].id if signs else ""
    template = _part("template.html")
    # A "<" can only occur within a string of JSON, where the escape means the same character.
    encoded = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    written = [template, encoded, *(_part(f"{script}.js") for script in SCRIPTS), string.printable]
    fonts = "\n".join(subset.css for subset in subsets("".join(written)))
    parts = {
        "lang": {Lang.EN: "en", Lang.ZH: "zh-Hans"}[Lang(lang)],
        "title": html.escape(_title(data, Lang(lang))),
        "style": "\n".join(
            [fonts, DIAGRAMS, _vendor("uplot.min.css"), *(_part(f"{e}.css") for e in STYLES)]
        ),
        "vendor": _inside_script(_vendor("uplot.iife.min.js")),
        "data": encoded,
        "script": _inside_script(
            _script(javascript(program), javascript(verdict_program(model, judged)))
        ),
    }
    return Page(_filled(template, parts))


def _about(
    model: Model,
    listed: Sequence[Target],
    judged: Sequence[Target],
    lang: Lang,
    signs: Signs | None,
    scores: LoopScores | None,
) -> dict[str, Data]:
    title = plan_title(model)
    goals = [target for target in listed if target.kind is Kind.TARGET]
    return {
        "lang": lang.value,
        "title": both(title.en, title.zh) if title else [model.name, model.name],
        "model": model.path.name,
        "sha256": model.sha256,
        "version": version("plansim"),
        "unjudged": len(goals) - len(judged),
        "horizon": max((target.horizon for target in judged), default=None),
        "base": min((target.since for target in judged), default=None),
        "modules": [
            *(
                {
                    "name": both(name, model.modules[name].name_zh),
                    "svg": module_diagram(model, name, style=False, signs=signs),
                }
                for name in modules_drawn(model)
            ),
            *([] if scores is None else [_loops(scores)]),
        ],
    }


def _loops(scores: LoopScores) -> Data:
    names = [read_text(lang)("loops.scores") for lang in (Lang.EN, Lang.ZH)]
    return {"name": both(*names), "svg": loop_drawing(scores)}


def _plan(presets: Sequence[Scenario]) -> str | None:
    """Return the preset from which the first one descends: what the plan itself assumes."""
    ancestors = presets[0].lineage
    return next((preset.id for preset in presets if preset.id in ancestors[:1]), None)


def _title(data: Mapping[str, Data], lang: Lang) -> str:
    titles = data["title"]
    assert isinstance(titles, list)
    return str(titles[0 if lang is Lang.EN else 1])


def _script(model: str, verdicts: str) -> str:
    """Return the page's scripts, wrapped in one scope of their own."""
    programs = [runtime(), f"const modelProgram = {model};", f"const verdictProgram = {verdicts};"]
    return "(() => {\n" + "\n".join([*programs, *(_part(f"{e}.js") for e in SCRIPTS)]) + "\n})();"


def _part(name: str) -> str:
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _vendor(name: str) -> str:
    return files("youplot").joinpath("vendor", name).read_text("utf-8")


def _inside_script(text: str) -> str:
    """Escape JavaScript so that nothing in it ends the element that holds it."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """Fill a template with parts, whose own text is not filled again."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [parts[name.strip()], rest]
    return "".join(filled)
