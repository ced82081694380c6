"""What README shows is true: its commands run, its tables are printed, its examples are read."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.image import imread

import plansim
from plansim.files import shipped

Command = Callable[..., "subprocess.CompletedProcess[str]"]

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = "…"  # a line of README that stands for lines it leaves out


def fenced(language: str) -> list[str]:
    """Give the text of each fenced block in one language."""
    return [text for kind, text in FENCE.findall(README) if kind == language]


def command_lines() -> list[str]:
    """Give each line of README that starts with ``plansim`` within a block of commands."""
    return [
        line.split("#")[0].strip()
        for block in fenced("sh")
        for line in block.splitlines()
        if line.startswith("plansim ")
    ]


def sessions() -> list[tuple[str, list[str]]]:
    """Give each command that README shows with its output, and the lines of that output."""
    shown = []
    for block in fenced("console"):
        command, *lines = block.splitlines()
        shown.append((command.removeprefix("$ "), [line.rstrip() for line in lines]))
    return shown


def what_make_runs() -> str:
    """Give the command that ``make run`` comes to once the environment is set up."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        ["make", "-n", "run"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout.splitlines()[-1].removeprefix(".venv/bin/")


def check_shown(shown: list[str], printed: list[str]) -> None:
    """Hold the printed lines against the shown ones, of which ``…`` stands for any number."""
    pattern = "\n".join("(?:.*\n)*?.*" if line == LEFT_OUT else re.escape(line) for line in shown)
    if re.fullmatch(pattern, "\n".join(printed)):
        return
    missing = [line for line in shown if line != LEFT_OUT and line not in printed]
    pytest.fail(
        "README does not show what is printed (`make readme` mends it); not printed any more:\n"
        + "\n".join(missing)
    )


def test_readme_shows_something_to_check() -> None:
    assert len(command_lines()) >= 5
    assert any(command == "make run" for command, _ in sessions())


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "docs/decisions/README.md", "model/README.md"]
)
def test_what_a_page_links_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = set(re.findall(r"\]\((?!https?:)([^)#]+)", text))
    # Files and folders that are named from the root, and those beside the page.
    named = re.findall(
        r"`((?:[\w.-]+/)*[\w.-]+(?:/|\.(?:csv|json|md|mdl|py|toml|txt|yaml)))`", text
    )
    places = (ROOT / page).parent, ROOT, ROOT / "sim" / "plansim"
    missing = [
        name for name in links | set(named) if not any((place / name).exists() for place in places)
    ]
    assert links or named
    assert sorted(missing) == []


@pytest.mark.parametrize("line", command_lines())
def test_a_command_of_readme_runs(line: str, plansim_command: Command, tmp_path: Path) -> None:
    done = plansim_command(*shlex.split(line)[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or any(tmp_path.iterdir())


@pytest.mark.parametrize(("command", "shown"), sessions())
def test_readme_shows_what_is_printed(
    command: str, shown: list[str], plansim_command: Command
) -> None:
    line = what_make_runs() if command == "make run" else command
    program, *arguments = shlex.split(line)
    assert program == "plansim"
    assert len(shown) > 1
    done = plansim_command(*arguments)
    assert done.returncode == 0, done.stderr
    check_shown(shown, [printed.rstrip() for printed in done.stdout.splitlines()])


@pytest.mark.parametrize(
    ("shown", "printed", "agrees"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", LEFT_OUT, "d"], ["a", "b", "c", "d"], True),
        (["a", LEFT_OUT], ["a", "b", "c"], True),
        (["a"], ["a", "b"], False),
        (["a", LEFT_OUT, "e"], ["a", "b"], False),
    ],
)
def test_shown_lines_are_compared(shown: list[str], printed: list[str], agrees: bool) -> None:
    if agrees:
        check_shown(shown, printed)
    else:
        with pytest.raises(pytest.fail.Exception, match="does not show what is printed"):
            check_shown(shown, printed)


def test_the_scenario_of_readme_is_read(tmp_path: Path) -> None:
    scenario, _ = fenced("yaml")
    path = tmp_path / "mine.yaml"
    path.write_text(scenario, encoding="utf-8")
    read = plansim.read_scenario(path, plansim.load_model())
    assert read.lineage == ("baseline", "mine")
    assert read.changes
    assert read.assumed
    assert read.warnings == ()


def test_the_target_of_readme_stands_in_the_catalogue() -> None:
    _, target = fenced("yaml")
    assert f"\n\n{target}\n" in shipped("model", "targets.yaml").read_text(encoding="utf-8")


def test_the_python_of_readme_runs() -> None:
    (block,) = fenced("python")
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # the block is ours
    assert {"model", "scenario", "dataset", "by_year", "verdicts"} <= set(names)
    assert names["verdicts"]


PICTURE = re.compile(
    r"^<!-- plansim (plot .*) -o (docs/pictures/\S+\.png) -->\n!\[.+\]\((\S+)\)$", re.M
)


def test_each_picture_is_drawn_by_the_command_above_it(
    plansim_command: Command, tmp_path: Path
) -> None:
    found = PICTURE.findall(README)
    kept = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/pictures/*")}
    page = (ROOT / "docs" / "validation.md").read_text("utf-8")  # `make validation` draws its own
    kept -= {f"docs/{path}" for path in re.findall(r"!\[[^]]*\]\((pictures/\S+)\)", page)}
    assert {shown for _, _, shown in found} == kept != set()
    for command, path, shown in found:
        assert path == shown
        assert (ROOT / path).stat().st_size <= 200_000
        drawn = tmp_path / Path(path).name
        done = plansim_command(*shlex.split(command), "-o", str(drawn))
        assert done.returncode == 0, done.stderr
        assert imread(drawn).shape == imread(ROOT / path).shape
