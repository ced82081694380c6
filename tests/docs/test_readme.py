"""What README shows is true: its commands run, its tables are printed, its examples are read."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

import plansim
from plansim.cli.main import main
from plansim.files.shipped import shipped
from tests.docs.examples import pattern_of, read_examples
from tests.helpers.command import Command
from tools.derived import SPEC

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fenced(language: str, page: str = README) -> list[str]:
    """Return the text of each fenced block in one language."""
    return [text for kind, text in FENCE.findall(page) if kind == language]


COMMANDS = re.findall(r"^(plansim [^#\n]*)", "\n".join(fenced("sh")), re.M)


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


PAGES = ["README.md", "CONTRIBUTING.md", "model/README.md", "docs/decisions/README.md"]
"""Pages on the tree: what they name is in it."""
SUFFIX = r"\.(?:csv|json|md|mdl|py|toml|txt|yaml)"
LINKING = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", [*PAGES, *LINKING])
def test_what_a_page_links_to_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    wanted = set(re.findall(r"\]\((?!https?:)([^)#]+)", text))
    folders = [(ROOT / page).parent]
    if page in PAGES:
        # Files and folders that are named from the root, and those beside the page.
        wanted |= set(re.findall(rf"`((?:[\w.-]+/)*[\w.-]+(?:/|{SUFFIX}))`", text))
        folders += [ROOT, ROOT / "sim" / "plansim"]
    missing = [name for name in wanted if not any((folder / name).exists() for folder in folders)]
    assert sorted(missing) == []


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_readme_runs(line: str, plansim_command: Command, tmp_path: Path) -> None:
    done = plansim_command(*shlex.split(line)[1:], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or any(tmp_path.iterdir())


def test_readme_shows_what_make_run_prints(plansim_command: Command) -> None:
    example = read_examples(["README.md"])[0]
    program, *arguments = shlex.split(what_make_runs())
    assert (program, tuple(arguments[1:])) == ("plansim", SPEC.growth)
    done = plansim_command(*arguments)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(pattern_of(example.shown), done.stdout), "`make results` renews README"


def test_the_scenario_of_contributing_is_read_and_its_target_is_in_the_catalogue(
    tmp_path: Path,
) -> None:
    scenario, target = fenced("yaml", CONTRIBUTING)
    assert f"\n\n{target}\n" in shipped("model", "targets.yaml").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(scenario, encoding="utf-8")
    read = plansim.read_scenario(path, plansim.load_model())
    assert read.lineage == ("baseline", "mine")
    assert read.changes
    assert read.assumed
    assert read.warnings == ()


def test_readme_is_short_and_its_python_runs() -> None:
    assert len(README.splitlines()) <= 130
    (block,) = fenced("python")
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)  # the block is ours
    assert {"model", "runs", "table", "verdicts", "due"} <= set(names)
    assert len(names["verdicts"])  # type: ignore[arg-type]


PICTURE = re.compile(
    r"^<!-- plansim (plot .*) -o (docs/results/\S+\.png) -->\n!\[.+\]\((\S+)\)$", re.M
)


def test_each_picture_is_drawn_by_the_command_above_it(tmp_path: Path) -> None:
    home = (ROOT / "docs" / "site" / "index.zh.md").read_text(encoding="utf-8")
    found = PICTURE.findall(README + home.replace("../results/", "docs/results/"))
    kept = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/results/*.png")}
    assert {shown for _, _, shown in found} == kept != set()
    for command, path, shown in found:
        assert path == shown
        assert (ROOT / path).stat().st_size <= 200_000
        drawn = tmp_path / Path(path).name
        assert main([*shlex.split(command), "-o", str(drawn)]) == 0
        ours, theirs = imread(drawn), imread(ROOT / path)
        assert ours.shape == theirs.shape
        assert abs(ours - theirs).mean() < 0.01, "`make results` renews it"
