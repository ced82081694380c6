# ruff: noqa: E501 (tables of inputs)
"""Mutated inputs of every kind: each is read, or refused in one clear error within a bound.

An input is made of a seed, a number: the same number gives the same input. What once failed is kept
as a file in ``kept/``, under the name of its kind.
"""

from __future__ import annotations

import random
import re
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName

from plansim.analysis.calibration.conditioning import read_conditioning
from plansim.analysis.calibration.family import load_family
from plansim.analysis.calibration.observed_past import load_history, load_seam, read_observations
from plansim.analysis.checks_form import load_checks, load_effects, load_reality_checks
from plansim.analysis.experiments.design_file import read_design
from plansim.analysis.experiments.store import open_store
from plansim.analysis.feedback.loops import load_loops
from plansim.analysis.optimization.decision_form import read_frontier_spec
from plansim.compiler.lower import lower
from plansim.errors import PlansimError
from plansim.files.shipped import shipped
from plansim.model.comment import load_evidence, read_comment
from plansim.model.reader import load_model
from plansim.model.reading.expression import EquationSyntaxError
from plansim.model.reading.syntax import read_expression
from plansim.model.records import Model
from plansim.model.units import convert
from plansim.scenario.inheritance import merged
from plansim.scenario.members_file import read_members
from plansim.scenario.scenario_file import Scenario, list_scenarios, read_scenario
from plansim.targets.audit import audit
from plansim.targets.catalogue import load_targets
from plansim.targets.target import Target
from plansim.targets.views import Views
from plansim.targets.views_file import load_views
from plansim.targets.views_form import read_views
from tests.helpers.vensim_text import CLOCK
from tests.toys.village import village

KEPT = Path(__file__).parent / "kept"
MANY = 4000
"""How many inputs of a kind are tried, about a hundred thousand of all in ten minutes."""
SHARES = {"conditioning": 500, "design": 3000}
"""Of kinds whose files are slow to read."""
LIMIT = 3.0
"""Seconds of processor time in which an input must be read or refused."""

OUTSIDE = f"""{{UTF-8}}
s: GET DIRECT SUBSCRIPT('d.csv', ',', 'B1', 'D1', '') ~~|
across[s]= GET DIRECT CONSTANTS('d.csv', ',', 'B2') ~ Dmnl ~ |
down[s]= GET DIRECT CONSTANTS('d.csv', ',', 'B3*') ~ Dmnl ~ |
data[s]:HOLD BACKWARD::= GET DIRECT DATA('?d', ',', 'A', 'B6') ~ Dmnl ~|
row:INTERPOLATE::= GET DIRECT DATA('d.csv', ',', '2', 'B3') ~ Dmnl ~|
look[s](GET DIRECT LOOKUPS('d.csv', ',', 'A', 'B6')) ~ Dmnl ~|
cell= GET XLS CONSTANTS('b.xlsx', 'Sheet', 'B2') ~ Dmnl ~|
named[s]= GET XLS CONSTANTS('b.xlsx', 'Sheet', 'three') ~ Dmnl ~|
given:RAW: ~ Dmnl ~|
total= SUM(data[s!]*across[s!] + look[s!](row) + named[s!]) + given + cell ~ Dmnl ~|
{CLOCK}
\\\\\\---///
:L\x7f<%^E!@
30:?d=d.csv
"""
TABLE = "x,e1,e2,e3\n,1,2,3\n,4,5,6\n,7,8,9\n,10,11,12\n0,1,2,3\n1,2,,5\n2.5,4,3,1\n5,0,1,2\n"
"""A model, and a table beside it from which it takes names, numbers and series."""

_TESTS = Path(__file__).parents[1]
SEEDS = [
    *sorted(_TESTS.glob("toys/models/*.mdl")),
    *sorted(_TESTS.glob("agreement/vensim/*/*.mdl")),
]

WORDS = (
    "0", "-1", "1e999", "nan", "inf", "-inf", "1e-400", "99999999999999999999999", "0x1F", "1_000",
    "null", "~", "true", "no", "[]", "{}", "''", '""', "{a: b}", "[1, [2, [3]]]", "- ", ": ", "? ",
    "!!python/object:os.system x", "&a", "*a", "<<: *a", "---\n", "...\n", "%YAML 9.9\n", "\t", "|", ">",
    "=", "<", ">=", "/", "\\", '"', "'", "%", "$", "(", ")", "))", "((((", ",", ",,", ";", "#", "@",
    "INTEG(", "SMOOTH(", "DELAY N(", "WITH LOOKUP(", "IF THEN ELSE(", "INITIAL(", "GET XLS DATA(",
    "VECTOR SELECT(", "SUM(a!", ":EXCEPT:", ":MACRO:", ":NOT:", ":NA:", "[A: 1–2]", "~", "~~|", "|",
    "\x1b]0;x\x07", "\x00", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ud7ff", "\U0010ffff",
    "e\u0301", "ﬁ", "İ", "ß", "𝟙", "²", "一", "１２", "a" * 300, "2005", "2005..2010", "2005: 1",
)  # fmt: skip


@dataclass(frozen=True)
class Readers:
    """The model that files refer to, and a folder for each input."""

    folder: Path
    model: Model
    targets: tuple[Target, ...]
    views: Views
    scenarios: Mapping[str, Scenario]
    village: Model

    @classmethod
    def of(cls, folder: Path) -> Readers:
        model = load_model()
        targets = load_targets(model=model)
        views = load_views(model, targets)
        shutil.copytree(shipped("model"), folder / "model", dirs_exist_ok=True)
        shutil.copytree(shipped("scenarios"), folder / "scenarios", dirs_exist_ok=True)
        beside = replace(model, path=folder / "model" / model.path.name)
        scenarios = {head.id: read_scenario(head.id, model) for head in list_scenarios()}
        (folder / "village").mkdir()
        toy = village(folder / "village")
        (folder / "outside").mkdir()
        (folder / "outside" / "d.csv").write_text(TABLE, "utf-8")
        (folder / "outside" / "outside.mdl").write_text(OUTSIDE, "utf-8")
        book = Workbook()
        book["Sheet"]["B2"] = book["Sheet"]["C2"] = book["Sheet"]["D2"] = 1.5
        book.defined_names["three"] = DefinedName("three", attr_text="Sheet!$B$2:$D$2")
        book.save(folder / "outside" / "b.xlsx")
        return cls(folder, beside, targets, views, scenarios, toy)


Read = Callable[[Readers, Path], object]


@dataclass(frozen=True)
class Kind:
    """A kind of input: the name of its file, texts that are mutated, and its reader."""

    file: str
    seeds: Sequence[str | Path]
    read: Read


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


def _lower(readers: Readers, path: Path) -> None:
    model = load_model(path)
    lower(model, (), (), {})


def _members(readers: Readers, path: Path) -> None:
    raw, sha256 = path.read_bytes(), readers.village.equations_sha256
    path.write_bytes(raw.replace(b"MODEL", sha256.encode()))
    read_members(path, readers.village)


KINDS: Mapping[str, Kind] = {
    "model": Kind("model/fuzz.mdl", SEEDS, _lower),
    "outside": Kind("outside/fuzz.mdl", [OUTSIDE], lambda _, path: load_model(path)),
    "table beside a model": Kind("outside/d.csv", [TABLE], lambda _, path: load_model(path.with_name("outside.mdl"))),
    "data": Kind("outside/fuzz.csv", ["Time,given\n2000,1\n2001,2.5\n", "Time,2000,2001\ngiven,1,2.5\n"],
                 lambda _, path: load_model(path.with_name("outside.mdl"), data=path)),
    "expression": Kind(
        "expression.txt",
        ["IF THEN ELSE(a > 1:AND:b <> 2, MAX(c, d^-2), SUM(e[x!]))", "INTEG(a - b / c, 100)",
         "SMOOTH3I(\"x >= 1\" * 2, 3, 4)", "WITH LOOKUP(t, ([(0,0)-(1,1)],(0,0),(1,1)))"],
        lambda _, path: read_expression(_text(path)),
    ),
    "comment": Kind(
        "comment.txt",
        ["增长率。Of the stock. [A: 0.05–0.15]", "产出。Output [year-end]. [T: 3; S: x, p. 4]"],
        lambda _, path: read_comment(_text(path)),
    ),
    "unit": Kind("unit.txt", ["亿元/(万人*Year)", "千元*m^2*person**-1/(m**2*Year)", "万元/人/Year"],
                 lambda _, path: convert(1, _text(path), "元/(人*Year)")),
    "setting": Kind(
        "setting.txt", ["credit ease after=3", "外部需求增长率（前）=8 %/Year", "credit ease after=0.5"],
        lambda r, path: merged(shipped("scenarios", "momentum.yaml"), r.model, [_text(path)]),
    ),
    "scenario": Kind(
        "scenarios/fuzz.yaml",
        [shipped("scenarios", f"{name}.yaml") for name in ("baseline", "plan-floor", "henan")],
        lambda r, path: merged(path, r.model, ()),
    ),
    "targets": Kind("model/fuzz-targets.yaml", [shipped("model", "targets.yaml")],
                    lambda r, path: load_targets(path, r.model)),
    "views": Kind("model/views.yaml", [shipped("model", "views.yaml")],
                  lambda r, path: read_views(path, r.model, r.targets)),
    "audit": Kind("model/audit.yaml", [shipped("model", "audit.yaml")],
                  lambda r, path: audit(path.parent)),
    "evidence": Kind("model/evidence.csv", [shipped("model", "evidence.csv")],
                     lambda r, path: load_evidence(path.parent)),
    "decision": Kind("model/decision.yaml", [shipped("model", "decision.yaml")],
                     lambda r, path: read_frontier_spec(r.model, r.views, path=path)),
    "loops": Kind("model/loops.yaml", [shipped("model", "loops.yaml")],
                  lambda r, path: load_loops(r.model)),
    "checks": Kind("model/checks.yaml", [shipped("model", "checks.yaml")],
                   lambda r, path: load_checks(r.model)),
    "reality": Kind("model/reality.yaml", [shipped("model", "reality.yaml")],
                    lambda r, path: load_reality_checks(r.model)),
    "effects": Kind("model/effects.yaml", [shipped("model", "effects.yaml")],
                    lambda r, path: load_effects(r.model, r.scenarios, r.targets)),
    "history": Kind("model/history.yaml", [shipped("model", "history.yaml")],
                    lambda r, path: load_history(r.model, r.targets)),
    "seam": Kind("model/seam.yaml", [shipped("model", "seam.yaml")],
                 lambda r, path: load_seam(r.model, r.targets)),
    "family": Kind("model/family.yaml", [shipped("model", "family.yaml")],
                   lambda r, path: load_family(r.model)),
    "conditioning": Kind("model/conditioning.yaml", [shipped("model", "conditioning.yaml")],
                         lambda r, path: read_conditioning(r.model, path)),
    "observations": Kind("model/fuzz.csv", [shipped("model", "observations.csv")],
                         lambda r, path: read_observations(path)),
    "members": Kind(
        "village/fuzz.csv",
        ["# Members.\n# kind: prior\n# model: MODEL\n# seed: 1\n# drawn: by hand\n"
         "factor,growth,effort,weights\napply,add,multiply,multiply\nconstants,growth,effort,weight\n"
         "1,0.01,1.1,0.9\n2,-0.02,0.9,1.2\n"],
        lambda r, path: _members(r, path),
    ),
    "design": Kind("scenarios/sweeps/fuzz.yaml", sorted(shipped("scenarios", "sweeps").glob("*.yaml")),
                   lambda r, path: read_design(path, r.model)),
    "result": Kind(
        "r.zarr/zarr.json",
        ['{"attributes": {"plansim": {"design": {"factors": {}, "scenarios": {}}, "model": {}}, '
         '"layout": {"runs": 10, "block": 5, "factors": ["a"], "outputs": ["b"], "checksums": "status/blocks.done"}}, '
         '"zarr_format": 3, "node_type": "group"}'],
        lambda r, path: open_store(path.parent).done(),
    ),
}  # fmt: skip


def mutated(kind: Kind, seed: int) -> bytes:
    """Return the input of a seed."""
    draw = random.Random(f"{kind.file} {seed}")
    source = draw.choice(kind.seeds)
    text = source.read_text("utf-8") if isinstance(source, Path) else source
    lines = text.splitlines(keepends=True)
    for _ in range(draw.randrange(3) if len(lines) < 40 else 8):
        if len(lines) < 30:
            break
        start = draw.randrange(2, len(lines))
        del lines[start : start + draw.randrange(1, max(2, len(lines) // 3))]
    text = "".join(lines[:80])
    for _ in range(draw.choice([1, 1, 1, 2, 3, 6])):
        text = draw.choice(_MUTATIONS)(draw, text)
    raw = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.1 and raw:
        changed = bytearray(raw)
        changed[draw.randrange(len(raw))] = draw.randrange(256)
        raw = bytes(changed)
    return raw[:200_000]


def _word(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice(WORDS) + text[at:]


def _cut(draw: random.Random, text: str) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + text[at + draw.choice([1, 1, 2, 5, 20, 200]) :]


def _double(draw: random.Random, text: str) -> str:
    at, size = draw.randrange(len(text) + 1), draw.choice([1, 3, 10, 50])
    return text[:at] + text[at : at + size] * draw.choice([2, 2, 3, 50]) + text[at + size :]


NUMBER, VALUE = (re.compile(text) for text in (r"-?\d+(\.\d+)?", r"(?<=: )[^,{}\[\]\n]+"))


def _put(draw: random.Random, text: str) -> str:
    """Put a word, or another such part of the text, in the place of a number or a value."""
    parts = list(draw.choice([NUMBER, VALUE]).finditer(text))
    if not parts:
        return text
    match = draw.choice(parts)
    new = draw.choice([*draw.choices(WORDS, k=3), draw.choice(parts).group()])
    return text[: match.start()] + new + text[match.end() :]


def _indent(draw: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        at = draw.randrange(len(lines))
        lines[at] = draw.choice(["  ", " ", "\t", "- "]) + lines[at]
    return "".join(lines)


_MUTATIONS = (_word, _word, _cut, _cut, _double, _put, _put, _put, _put, _indent)


def try_input(kind: Kind, readers: Readers, raw: bytes) -> str:
    """Read an input; return what is wrong with how it was read or refused, if anything is."""
    path = readers.folder / kind.file
    with in_place(path, raw), warnings.catch_warnings():
        warnings.simplefilter("error")
        start = time.process_time()
        try:
            kind.read(readers, path)
        except EquationSyntaxError:
            pass  # of which the reader of models makes a fault
        except PlansimError as error:
            if wrong := _unclear(error):
                return wrong
        except Exception as error:
            return f"{type(error).__name__}: {error}"[:200]
        if (spent := time.process_time() - start) > LIMIT:
            return f"it took {spent:.1f} s"
    return ""


def _unclear(error: PlansimError) -> str:
    text = error.written()
    if not text.strip() or len(text) > 20_000:
        return f"a message of {len(text)} characters"
    return ""


@contextmanager
def in_place(path: Path, raw: bytes) -> Iterator[None]:
    """Write a file in the place of one that may be there."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    if path.suffix == ".json":
        (path.parent / "status").mkdir(exist_ok=True)
        (path.parent / "status" / "blocks.done").touch()
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def failures(name: str, readers: Readers, seeds: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Yield the seeds of a kind that fail, and how."""
    kind: Any = KINDS[name]
    for seed in seeds:
        if wrong := try_input(kind, readers, mutated(kind, seed)):
            yield seed, wrong
