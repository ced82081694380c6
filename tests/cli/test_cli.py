"""The command as a user meets it: what it prints where, its exit codes, and how it refuses.

Most tests call `main` in this process, on a small town with a plan of five targets.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import plansim
from plansim.cli.main import main
from plansim.files.shipped import shipped
from plansim.output.export.json_text import VERDICT_FIELDS
from plansim.scenario.scenario_file import Scenario
from tests.helpers.command import Call
from tests.helpers.plan import aim, plan

PLAN = plan(
    aim("G1", "at least: 115, year: 2010",
        "base: {year: 2005, value: 80}, wording: 突破115亿元, variable: GDP",
        unit="亿元", attribute="expected", name="Output of the town, zh: 全镇产出"),
    aim("G2", "at least: 15, year: 2010", "services share of GDP", unit="%",
        attribute="unlabelled", name="Share of services, zh: 服务业比重"),
    aim("P1", "at most: 35.5, year: 2010", "residents", unit="万人",
        name="People of the town, zh: 全镇人口"),
    aim("P2", "at least: 40, year: 2010", "measure: growth, variable: 'investment[farming]'",
        unit="%/Year", name="Growth of investment in farming, zh: 农业投资增速"),
    aim("T1", "at least: 9, year: 2010", "not_modelled: detail", unit="万t",
        attribute="unlabelled", name="Buses, zh: 公交车"),
    base_year=2005,
    horizon=2020,
)  # fmt: skip

BASE = """\
title: {en: As ever, zh: 照旧}
description: {en: Nothing new., zh: 无变化。}
values: {}
"""
FAST = """\
title: {en: Faster, zh: 加快}
description: {en: More investment., zh: 增加投资。}
parent: base.yaml
values:
  investment rate before: 0.44
  investment share: {farming: 0.15, industry: 0.45}
assumes:
  G2: {en: A wish., zh: 愿望。}
"""


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("town")
    model = (root / "tests" / "toys" / "models" / "toy_town.mdl").read_bytes()
    (folder / "town.mdl").write_bytes(model)
    (folder / "targets.yaml").write_text(PLAN, "utf-8")
    (folder / "base.yaml").write_text(BASE, "utf-8")
    (folder / "fast.yaml").write_text(FAST, "utf-8")
    table = shipped("model", "evidence.csv").read_text("utf-8").splitlines()[0]
    row = "E002,life of capital,Neighbour,2004,20,Year,a made-up yearbook,medium,calibration"
    (folder / "evidence.csv").write_text(f"{table}\n{row}\n", "utf-8")
    return folder


@pytest.fixture
def call(call: Call, town: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the command in the town's folder."""
    monkeypatch.chdir(town)
    return call


@pytest.fixture
def check(call: Call) -> Call:
    return lambda *arguments: call("check", "--model", "town.mdl", *arguments)


@pytest.fixture
def run(call: Call) -> Call:
    return lambda *arguments: call("run", "--model", "town.mdl", *arguments)


# --- check --------------------------------------------------------------------------------------


def test_check_says_the_answer_first_and_then_a_line_a_binding_target(check: Call) -> None:
    lines = check("base.yaml", "fast.yaml").out.splitlines()
    assert lines[0].startswith('Under "As ever", 1 of the 2 binding targets')
    (head,) = [at for at, line in enumerate(lines) if line.startswith("Binding targets, 2010")]
    for line, name in zip(lines[head + 2 :], ["People of", "Growth of"], strict=False):
        assert line.startswith(name)
    assert len(lines) <= 40


def test_check_json_has_just_the_promised_fields_of_the_verdicts_of_python(check: Call) -> None:
    done = check("base.yaml", "fast.yaml", "--format", "json")
    model = plansim.load_model("town.mdl")
    verdicts = plansim.check_scenarios(model, ["base.yaml", "fast.yaml"])
    found = json.loads(done.out)
    assert [list(record) for record in found] == [[*VERDICT_FIELDS]] * 10
    for record, verdict in zip(found, verdicts, strict=True):
        assert (record["target"], record["asked"]) == (verdict.id, verdict.target)
        own = {*VERDICT_FIELDS[:14]} - {"target", "asked"}
        assert record.items() >= {name: getattr(verdict, name) for name in own}.items()
        bases = [*verdict.bases.items(), (None, None), (None, None)]
        assert (record["basis"], record["second_basis"]) == (bases[0][0], bases[1][0])
        assert record["second_value"] == bases[1][1]
        assert (record["reason"] is None) == (record["status"] != "untestable")
        assert bool(record["reason_en"]) == bool(record["reason_zh"]) == bool(record["reason"])
    assert {"met", "missed", "assumed", "untestable"} <= {record["status"] for record in found}


@pytest.mark.parametrize("command", ["check", "run"])
def test_changes_go_to_standard_error_beside_json(call: Call, command: str) -> None:
    asked = ["--changes"] if command == "check" else []
    done = call(command, "fast.yaml", "--model", "town.mdl", "--format", "json", *asked)
    assert "fast changes, against base:" in done.err
    assert "changes" not in done.out


def test_many_implausible_values_of_a_file_are_counted_and_those_of_set_named(
    call: Call, town: Path
) -> None:
    text = "title: {en: Odd, zh: 异常}\nvalues: {capital life: 90, birth rate: 0.09}\n"
    (town / "odd.yaml").write_text(text, "utf-8")
    model = ["--model", "town.mdl"]
    done = call("check", "odd.yaml", *model)
    assert done.err.count("warning: ") == 1
    assert "warning: odd: 2 values outside their plausible ranges; 'plansim show " in done.err
    assert call("show", "./odd.yaml", *model).out.count("outside its plausible range") == 2
    done = call("check", "odd.yaml", *model, "--set", "capital life=80", "--lang", "zh")
    assert done.err.count("警告：") == 2
    assert "警告：--set: “capital life”超出合理范围" in done.err


def test_nothing_is_warned_of_in_what_is_shipped(
    call: Call, stories: Mapping[str, Scenario]
) -> None:
    for scenario in stories.values():
        assert scenario.warnings == ()
    done = call("sweep", "growth-investment", "-n", "2")
    assert (done.code, done.err) == (0, "2 runs are stored in growth-investment.zarr.\n")


def test_strict_fails_where_a_binding_target_is_missed(check: Call) -> None:
    assert check("base.yaml").code == 0
    done = check("base.yaml", "--strict")
    assert (done.code, "1 fails" in done.out) == (1, True)


def test_a_scenario_twice_is_one_column_and_two_of_one_name_are_refused(
    check: Call, tmp_path: Path
) -> None:
    twice = check("base.yaml", "base.yaml")
    assert twice.out == check("base.yaml").out
    assert twice.err == "note: base is named more than once and counts once\n"
    (tmp_path / "base.yaml").write_text(FAST.replace("parent: base.yaml\n", ""), "utf-8")
    done = check("base.yaml", str(tmp_path / "base.yaml"))
    assert (done.code, done.out) == (2, "")
    assert "two scenarios are called 'base'" in done.err


def test_a_model_without_targets_of_its_own_is_told_so(check: Call, root: Path) -> None:
    done = check("--model", str(root / "tests" / "toys" / "models" / "tea_cup.mdl"))
    assert done.code == 0
    assert "note: there is no targets.yaml beside" in done.err
    assert "This catalogue holds no target that this model can judge." in done.out


# --- run ----------------------------------------------------------------------------------------


def test_run_shows_named_variables_in_every_form(run: Call, town: Path) -> None:
    model = plansim.load_model(town / "town.mdl")
    dataset = plansim.simulate(model, plansim.read_scenario(town / "fast.yaml", model))
    expected = plansim.annual(dataset)["output"].sel(sector="services").to_series()
    names = ["--variable", "增加值", "--variable", "capital life"]
    table = run("fast.yaml", *names, "--lang", "zh").out
    assert "增加值[服务业]" in table
    parsed = json.loads(run("fast.yaml", *names, "--format", "json").out)
    values = {line["name"]: line["values"] for line in parsed["variables"]}
    assert values["output[services]"] == {str(year): item for year, item in expected.items()}
    assert set(values["capital life"].values()) == {20.0}
    assert parsed["run"]["scenario"] == "fast"


# --- show and list ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Capital_Life", "资本寿命", "capital  life"])
def test_show_tells_a_variable_by_any_of_its_names(call: Call, town: Path, name: str) -> None:
    done = call("show", name, "--model", "town.mdl")
    assert (done.code, done.err) == (0, "")
    facts = dict(line.split("  ", 1) for line in done.out.splitlines() if not line.startswith(" "))
    said = {label: text.strip() for label, text in facts.items()}
    assert said["variable"] == "capital life  资本寿命"
    assert said["plausible"] == "15 – 25 year (warned outside)"
    assert said["sources"].startswith(
        "E002 [15–25]  life of capital, Neighbour 2004: 20 Year. a made"
    )
    line = (town / "town.mdl").read_text("utf-8").splitlines().index("capital life=") + 1
    assert said["defined in"] == f"town.mdl:{line}"


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["list"], ["why"], ["decide"], ["model"]])
def test_a_group_alone_shows_its_help(call: Call, arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: plansim")
    assert ("Commands:" if arguments else "Start here:") in done.out
    assert "\n  audit " not in done.out or arguments


@pytest.mark.parametrize("line", ["audit --lang zh", "--lang zh audit", "--lang zh model audit"])
def test_a_language_holds_wherever_it_stands_and_commands_are_known_by_their_names_alone(
    call: Call, line: str
) -> None:
    assert call(*line.split()).out == call("model", "audit", "--lang", "zh").out


def test_all_faults_of_all_inputs_come_at_once(check: Call, run: Call, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(BASE.replace("values: {}", "values: {capital lif: 3, water limt: 1}"), "utf-8")
    second.write_text(FAST.replace("parent: base.yaml\n", "").replace("G2:", "G22:"), "utf-8")
    done = check(str(first), str(second))
    assert done.code == 2
    faults = done.err.removeprefix("plansim: ").splitlines()
    assert len(faults) == 3
    for name in ("capital life", "water limit"):
        assert any("first.yaml:3: " in fault and f"mean '{name}'?" in fault for fault in faults)
    assert any(
        "second.yaml:7: no target has the id 'G22'; did you mean 'G2'?" in fault for fault in faults
    )
    done = run("base.yaml", "--variable", "GPD", "--variable", "residnts")
    assert len(done.err.splitlines()) == 2


# --- the edge -----------------------------------------------------------------------------------


def piped(code: str, root: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script of Python that knows ``main`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys\nfrom plansim.cli.main import main\n{code}"],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def test_a_reader_that_leaves_early_is_no_error(root: Path) -> None:
    code = """
import os
read, write = os.pipe()
os.close(read)
for line in (["--help"], ["check", "--help"], ["completion", "bash"], ["list", "variables"]):
    os.dup2(write, 1)
    code = main(line)
    if code != 141:
        sys.exit(f"{line}: {code}")
sys.exit(code)
"""
    done = piped(code, root)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_behind_a_redirection_is_one_message(root: Path) -> None:
    code = """
import os
os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
sys.exit(main(["list", "variables"]))
"""
    done = piped(code, root)
    assert done.returncode == 2
    assert done.stderr.startswith(b"plansim: standard output cannot be written: ")
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_that_knows_no_chinese_gets_question_marks_and_json_is_utf8(
    root: Path,
) -> None:
    latin = {"PYTHONIOENCODING": "latin-1"}
    done = piped('sys.exit(main(["show", "I01"]))', root, **latin)
    assert done.returncode == 0
    assert b"268.7 ??" in done.stdout
    done = piped('sys.exit(main(["model", "audit", "--format", "json"]))', root, **latin)
    assert json.loads(done.stdout.decode("utf-8"))[0]["topic_zh"] == "固定资产投资"


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "check --help",
        "check baseline --format json",
        "check baseline --with drought --set 'credit ease after=1'",
        "run baseline",
        "list targets",
        "show M01",
    ],
)
def test_help_and_what_was_done_before_load_no_library(root: Path, line: str) -> None:
    """Imports are nearly all that a repeated command costs; without these it takes 0.3 s."""
    heavy = {"dask", "llvmlite", "pandas", "pint", "pydantic", "ruamel.yaml", "scipy", "xarray"}
    heavy |= {"numpy"} if "--help" in line else set()
    code = f"""
code = main({shlex.split(line)!r})
print("loaded", code, *sorted({heavy!r} & set(sys.modules)), file=sys.stderr)
"""
    first, again = piped(code, root), piped(code, root)
    assert again.stderr.splitlines()[-1] == b"loaded 0"
    assert again.stdout == first.stdout


# --- completion ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("plansim che", {"check"}),
        ("plansim list sc", {"scenarios"}),
        ("plansim show --model town.mdl capital_l", {"capital_life"}),
        ("plansim show --model town.mdl 资本寿", {"资本寿命"}),
        ("plansim check --model town.mdl base --set capital_l", {"capital_life="}),
        ("plansim run --model town.mdl base --variable GDP_p", {"GDP_per_head"}),
        ("plansim show M28", {"M28"}),
        ("plansim check --model broken.mdl base --set cap", set()),
    ],
)
def test_words_are_completed(
    call: Call,
    town: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    line: str,
    expected: set[str],
) -> None:
    words = line.split()
    monkeypatch.setenv("_PLANSIM_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    capfd.readouterr()
    with pytest.raises(SystemExit, match="0"):
        main([])
    found = filter(None, capfd.readouterr().out.splitlines())
    assert {word.removeprefix("plain,") for word in found} == expected
