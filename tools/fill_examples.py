"""Renew what pages show of commands: ``make results``.

A block that opens with ``$ make run`` or ``$ plansim …`` shows what that command prints. A line
``…`` stands for lines that are left out, ``…`` at the end of a line for its rest. Where what is
printed no longer fits, as many lines as stood before, between and after the ``…`` are taken again.
tests/docs/test_examples.py runs the same examples.

A comment ``<!-- plansim plot … -o docs/results/NAME.png -->`` is the command that drew the picture
below it. Between ``<!-- answer -->`` and ``<!-- /answer -->`` README has the answer under the
scenarios of ``make run``. In the tables of the findings the verdicts and values of both
scenarios are taken from runs; what else a row says was written by hand. In model/README.md the
table of starts is what Q17 finds, that of effects what Q26 finds; the boundary is the model's own.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import plansim  # noqa: E402
from plansim.analysis.validation.result import CaseTemplate  # noqa: E402
from plansim.analysis.validation.structure import all_causes  # noqa: E402
from plansim.analysis.validation.suite import validate  # noqa: E402
from plansim.model.records import VariableKind  # noqa: E402
from plansim.output.tables.validation import effect_rows  # noqa: E402
from plansim.output.words.text import read_text  # noqa: E402
from plansim.scenario.levers import lever_of  # noqa: E402
from plansim.targets.target import (  # noqa: E402
    answering_series,
    judged_targets,
    split_reference,
)
from tests.docs.examples import (  # noqa: E402
    LEFT_OUT,
    SESSIONS,
    environment,
    files_of,
    pattern_of,
    read_examples,
)

SHOWN = ("baseline", "accelerated-growth")
"""The scenarios of ``make run``."""
PICTURE = re.compile(r"^<!-- (plansim plot .*\.png) -->$", re.M)
FINDINGS = {"docs/findings.md": "en", "docs/findings.zh.md": "zh"}
"""The language of each page with a table of verdicts."""
FINDING = re.compile(r"^(\| (M\d+[ab]?) \| [^|]+ \| )([^|]+) \| ([^|]+) \|", re.M)
STARTS = re.compile(r"(?<=^<!-- starts -->\n)(?:.*\n)*?(?=<!-- /starts -->$)", re.M)
EFFECTS = re.compile(r"(?<=^<!-- effects -->\n)(?:.*\n)*?(?=<!-- /effects -->$)", re.M)
BOUNDARY = re.compile(r"(?<=^<!-- boundary -->\n)(?:.*\n)*?(?=<!-- /boundary -->$)", re.M)
ANSWER = re.compile(r"(?<=^<!-- answer -->\n)(?:.*\n)*?(?=<!-- /answer -->$)", re.M)


def printed(command: str, folder: Path) -> str:
    """Return what a command prints; errors stand where a page shows one."""
    arguments = shlex.split(command)
    if arguments[0] == "plansim":
        arguments[0] = str(Path(sysconfig.get_path("scripts"), "plansim"))
    done = subprocess.run(
        arguments,
        cwd=ROOT if arguments[0] == "make" else folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    text = done.stderr if done.returncode == 2 else done.stdout
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def renewed(shown: str, text: str) -> str:
    """Return what a page shows of a text, with as many lines in each part as it showed so far.

    A part between two ``…`` begins where its first line begins with the same word.
    """
    if re.fullmatch(pattern_of(shown), text):
        return shown
    lines = text.splitlines()
    parts = [part.splitlines() for part in shown.split(f"{LEFT_OUT}\n")]
    if len(parts) == 1:
        return text
    first, *middle, last = parts
    kept = lines[: len(first)]
    for part in middle:
        blank = next((place for place, line in enumerate(part) if line.strip()), 0)
        if not "".join(part).strip():
            kept += [LEFT_OUT, *part]
            continue
        word = part[blank].split()[0]
        starts = [place for place, line in enumerate(lines) if line.split()[:1] == [word]]
        start = next((place for place in starts if place >= len(first)), blank) - blank
        kept += [LEFT_OUT, *lines[start : start + len(part)]]
    kept += [LEFT_OUT, *lines[len(lines) - len(last) :]]
    return "".join(f"{line}\n" for line in kept)


@cache
def binding_verdicts(name: str) -> dict[str, plansim.Verdict]:
    """Return the verdicts on the binding targets under a scenario, by the id of the target."""
    return {
        verdict.id: verdict
        for verdict in plansim.check_scenarios(plansim.load_model(), name)
        if verdict.attribute == "binding" and verdict.status != "untestable"
    }


def renewed_row(row: re.Match[str], lang: str) -> str:
    """Return a row of the findings with the verdicts of runs, values in as many digits as stood."""
    cells = []
    for name, cell in zip(SHOWN, row.group(3, 4), strict=True):
        verdict = binding_verdicts(name)[row[2]]
        assert verdict.value is not None
        decimals = len(cell.split()[1].partition(".")[2])
        text = read_text(lang)
        word = text("verdicts.open") if verdict.is_open else text.word("status", verdict.status)
        cells.append(f"{word} {verdict.value:.{decimals}f}")
    return f"{row[1]}{cells[0]} | {cells[1]} |"


def renewed_findings(page: str, text: str) -> str:
    """Return a page of findings with the verdicts of runs in its table."""
    return FINDING.sub(lambda row: renewed_row(row, FINDINGS[page]), text)


def answer_of(*names: str) -> str:
    """Return the answer under scenarios, as `check` says it."""
    model = plansim.load_model()
    scenarios = [plansim.read_scenario(name, model) for name in names]
    titles = {scenario.id: scenario.title_en for scenario in scenarios}
    verdicts = plansim.check_scenarios(model, scenarios)
    return f"{textwrap.fill(plansim.answer(verdicts, read_text('en'), titles), 100)}\n"


def starts() -> str:
    """Return the table of the starts of 2000, with where each stock and flow arrives in 2005."""
    (made,) = validate(None, ["Q17"])
    text = read_text("en")
    rows = [
        f"| {case.subject} | {case['start']:.3f} "
        f"| {text.word('start_mark', str(case.values['mark']))} | {case.values['source_en']} "
        f"| {case.values['known'] or '–'} | {case['arrives']:.2f} |\n"
        for case in made.cases
        if case.message is CaseTemplate.SEAM
    ]
    head = "| stock or flow | 2000 / 2005 | start | source | figures of its own | arrives |\n"
    return f"{head}| --- | ---: | --- | --- | --- | ---: |\n{''.join(rows)}"


def effects() -> str:
    """Return the table of what each question changes, over the members of the ensemble."""
    (made,) = validate(None, ["Q26"])
    (first, *questions), rows = effect_rows(made, read_text("en"))
    head = f"| {' | '.join([first, *questions])} |\n| --- |{' ---: |' * len(questions)}\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def boundary() -> str:
    """Return the chart of the boundary: what of each module feeds back, answers, or is given.

    Fed back is what stands in the largest part of the graph in which each depends on each. A trend
    is a stock that depends on no other, or a constant that is a rate of growth.
    """
    model = plansim.load_model()
    causes = {name: all_causes(model, [name]) for name in model.variables}
    webs = ({other for other in causes[name] if name in causes[other]} for name in causes)
    fed_back = max(webs, key=len)
    stocks = {name for name, one in model.variables.items() if one.kind is VariableKind.STOCK}
    stocks -= {name for name in stocks if not causes[name] & (stocks - {name})}
    judged = answering_series(judged_targets(plansim.load_targets()))
    own = stocks | {split_reference(name)[0] for name in judged}
    rows = []
    for module in dict.fromkeys(one.module for one in model.variables.values()):
        names = [name for name, one in model.variables.items() if one.module == module]
        constants = [name for name in names if model.variables[name].kind is VariableKind.CONSTANT]
        levers = dict.fromkeys(filter(None, (lever_of(model, name) for name in constants)))
        single = [name for name in constants if lever_of(model, name) is None]
        trends = [name for name in single if re.fullmatch(r"(?!base ).* growth", name)]
        inside = [name for name in names if name in stocks & fed_back]
        answers = [name for name in names if name in own and name not in inside]
        if not inside and not answers:
            continue
        given = [*levers, *trends, f"{len(single) - len(trends)} constants"]
        columns = (", ".join(part) or "–" for part in ([module], inside, answers, given))
        rows.append(f"| {' | '.join(columns)} |\n")
    head = "| module | stocks of the one web of feedback | what else it answers with | given |\n"
    return f"{head}| --- | --- | --- | --- |\n{''.join(rows)}"


def fill(pages: list[str]) -> None:
    """Run the examples of pages in their order and write down what changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files_of(pages).items():
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text(text, "utf-8")
        for example in read_examples(pages):
            path = ROOT / example.page
            block = f"$ {example.command}\n"
            now = renewed(example.shown, printed(example.command, folder))
            text = path.read_text("utf-8")
            path.write_text(text.replace(block + example.shown, block + now, 1), "utf-8")


if __name__ == "__main__":
    readme = ROOT / "README.md"
    for command in PICTURE.findall(readme.read_text("utf-8")):
        printed(f"{command} --force", ROOT)
    sentences = answer_of(*SHOWN)
    readme.write_text(ANSWER.sub(sentences, readme.read_text("utf-8")), "utf-8")
    page_of_model = ROOT / "model" / "README.md"
    text_of_model = page_of_model.read_text("utf-8")
    for block, made in ((STARTS, starts), (EFFECTS, effects), (BOUNDARY, boundary)):
        text_of_model = block.sub(made().replace("\\", r"\\"), text_of_model)
    page_of_model.write_text(text_of_model, "utf-8")
    for page in FINDINGS:
        path = ROOT / page
        path.write_text(renewed_findings(page, path.read_text("utf-8")), "utf-8")
    for pages in SESSIONS.values():
        fill(pages)
