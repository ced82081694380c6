"""Commands on causes and decisions as a user meets them: tables, pictures, JSON, refusals."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

import plansim
from plansim.cli.help import CommandGroup
from plansim.cli.main import plansim as group
from tests.helpers.command import Call
from tests.helpers.vensim_text import CLOCK
from tests.toys.lake import lake

SEARCH = ("--seeds", "1", "--generations", "4", "-n", "20")
PLOTTED = [
    ("discover", "boats.yaml", "-n", "64", "--fresh", "64"),
    ("robust", "boats.yaml", "other.yaml", "-n", "64"),
    ("policies", "boats.yaml", "--aim", "growth", "--aim", "share", *SEARCH),
    ("signposts", "boats.yaml", "-n", "64"),
]


@pytest.fixture(autouse=True)
def lake_folder(tmp_path: Path) -> Path:
    lake(tmp_path)
    text = "title: {en: Other, zh: 另一}\nvalues: {effort: 0.12 1/Year}\n"
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("arguments", PLOTTED, ids=lambda arguments: " ".join(arguments[:4]))
def test_each_command_draws_its_answer(
    call: Call, tmp_path: Path, arguments: tuple[str, ...], lang: str
) -> None:
    code, out, err = call(
        "decide", *arguments, "--model", "lake.mdl", "--plot", "a.png", "--lang", lang
    )
    assert code == 0, err
    assert out
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_a_saved_policy_is_a_scenario_that_robust_and_check_read(
    call: Call, tmp_path: Path
) -> None:
    model = ("--model", "lake.mdl")
    code, _, err = call("decide", "policies", "boats.yaml", *SEARCH, "--save", "found", *model,
                        "-o", "p.json")  # fmt: skip
    assert code == 0, err
    points = json.loads((tmp_path / "p.json").read_text("utf-8"))["points"]
    saved = sorted((tmp_path / "found").glob("*.yaml"))
    assert len(saved) == len(points) > 1
    code, _, err = call("decide", "robust", *map(str, (saved[0], saved[-1])), "-n", "64", *model)
    assert code == 0, err
    assert call("check", str(saved[0]), *model)[0] in (0, 1)


REFUSED = [
    ("policies --aim growht --aim met", "did you mean 'growth'"),
    ("policies --aim growth", "two aims or more"),
    ("policies --aim growth --aim cost", "go together"),
    ("policies --save lake.mdl", "expected a folder; found a file"),
    ("policies --save gone/policies", "expected an existing folder"),
    ("policies --without speed", "speed"),
    ("policies --without room", "is not moved anyway"),
    ("policies --lever 'fishing'", "fishing"),
    ("robust far.yaml", "effort"),
    ("robust boats.yaml --target F9", "F9"),
    ("discover nothing.zarr", "nothing.zarr"),
    ("signposts boats.yaml --by 2019", "expected from"),
    ("information boats.yaml -n 64", "two policies or more"),
]


@pytest.mark.parametrize(("line", "said"), REFUSED)
def test_what_cannot_be_asked_is_refused_in_one_line(
    call: Call, tmp_path: Path, line: str, said: str
) -> None:
    far = "title: Far\nvalues: {effort: 9 1/Year}\n"
    (tmp_path / "far.yaml").write_text(far, "utf-8")
    words = [word.strip("'") for word in line.split()]
    code, out, err = call("decide", *words, "--model", "lake.mdl")
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1, err


@pytest.mark.parametrize(("least", "answer"), [(1, "met in every run"), (5000, "missed in every")])
def test_a_target_that_always_holds_or_fails_has_no_corner_and_it_is_said(
    call: Call, tmp_path: Path, least: int, answer: str
) -> None:
    path = tmp_path / "targets.yaml"
    text = path.read_text("utf-8")
    assert "at least: 600" in text
    path.write_text(text.replace("at least: 600", f"at least: {least}"), "utf-8")
    code, out, err = call("decide", "discover", "boats.yaml", "-n", "64", "--model", "lake.mdl")
    assert code == 0, err
    assert answer in out


def test_without_pysimlin_it_is_said_that_there_are_no_scores(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plansim.engine.simlin.has_simlin", lambda: False)
    loops = ("why", "loops", "boats.yaml", "--model", "lake.mdl")
    code, out, _ = call(*loops)
    assert code == 0
    why = "pysimlin is not installed; pip install 'plansim[loops]' brings it"
    assert f"No loop scores: {why}." in " ".join(out.split())
    found = json.loads(call(*loops, "--format", "json").out)
    assert found["missing"] == why
    assert found["shares"] == {}
    assert "鱼量 →+ 捕捞量 →−" in call(*loops, "--lang", "zh").out


def test_versions_of_a_model_without_modules_and_targets_are_told_apart(
    call: Call, tmp_path: Path
) -> None:
    text = "Place: a, b ~~|\nlevel= INTEG(-rate, 9) ~~|\nrate= 1 ~~|\n" + CLOCK
    (tmp_path / "pond").mkdir()  # without the targets of the lake
    (tmp_path / "pond/old.mdl").write_text(text, "utf-8")
    (tmp_path / "pond/new.mdl").write_text(
        text.replace("a, b", "a, b, c").replace("rate= 1", "rate= 2"), "utf-8"
    )
    code, out, err = call("model", "diff", "pond/old.mdl", "pond/new.mdl")
    assert code == 0, err
    assert out.splitlines() == [
        "Entries that differ from pond/old.mdl to pond/new.mdl: 2",
        "",
        "subscript ranges",
        "Place  equation  a, b → a, b, c",
        "-------------------------------",
        "rate   value     1.0 → 2.0",
        "",
        "This catalogue holds no target that this model can judge.",
    ]


def test_what_two_scenarios_differ_in_is_told_in_units_of_levers_and_in_chinese(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "own.yaml").write_text(
        "title: Own\nparent: baseline\n"
        "values: {policy emphasis: {agriculture: 1.05, services: 1.1}}\n"
        "levers: {retrofit rate: {after: 10 %/Year, from: 2006.5}}\n",
        "utf-8",
    )
    line = ("why", "attribute", "baseline", "own.yaml", "--target", "M28")
    told = call(*line, "--lang", "zh").out
    assert "后：5 → 10 %/年；起始年：2007 → 2006.5 年" in told
    assert "农业 1 → 1.05" in told


def test_a_constant_is_shown_with_the_lever_that_moves_it(call: Call) -> None:
    assert (
        "lever       Retrofit of old plant: 2 – 8 %/year" in call("show", "retrofit_rate_after").out
    )


def test_what_is_shown_of_a_solution_meets_the_target(call: Call) -> None:
    faster = ("decide", "solve", "accelerated-growth")
    arguments = ("--lever", "desulphurisation rate", "--target", "M34a")
    _, out, _ = call(*faster, *arguments)
    assert "Outside the plausible range: " in out
    _, _, value, _, unit = re.split(r" {2,}", out.splitlines()[4])
    assert unit == "%/year"  # as `list levers` has it
    _, out, _ = call(*faster, *arguments, "--set", f"desulphurisation rate={value} {unit}")
    assert out.startswith("accelerated-growth meets M34a")
    assert "already" in out
    _, out, _ = call("decide", "solve", "baseline", "--lever", "abatement effort", *arguments[2:])
    now = re.search(r"^M34a .*?  (-\S+) .*points$", out, re.MULTILINE)
    assert now
    assert f" {now[1]} points" in call("check", "baseline").out


NAMED_OTHERWISE = {"diff": "model_difference", "sensitivity": "sobol"}


@pytest.mark.parametrize("name", ["decide", "model", "why"])
def test_commands_have_the_default_numbers_of_their_functions(name: str) -> None:
    commands = group.commands[name]
    assert isinstance(commands, CommandGroup)
    wrong = []
    for command in commands.commands:
        function = getattr(plansim, NAMED_OTHERWISE.get(command, command), None)
        known = inspect.signature(function).parameters if function else {}
        wrong += [
            (command, option.name)
            for option in commands.commands[command].params
            if isinstance(option.default, int)
            and option.name in known
            and option.default != known[option.name].default
        ]
    assert wrong == []
