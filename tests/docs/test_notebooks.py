"""The notebooks run in both languages, by the public names alone; git holds them without output."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.py"))


def read(path: Path) -> Any:
    return jupytext.read(path)


def _data(output: Any) -> Any:
    return output.get("data", {})


def test_there_are_seven() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06", "07"]


def chinese(text: str) -> float:
    """Give the part of a text's letters that is Chinese; code and emphasis count as nothing."""
    prose = re.sub(r"`[^`]*`", "", text)
    han, latin = len(re.findall(r"[\u4e00-\u9fff]", prose)), len(re.findall(r"[A-Za-z]", prose))
    return han / max(han + latin, 1)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_text_is_in_english_and_then_in_chinese(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type != "markdown":
            continue
        for paragraph, follower in _pairs(cell.source):
            assert chinese(paragraph) == 0, paragraph
            assert chinese(follower) > 0.5, f"no Chinese follows: {paragraph}"


def _pairs(source: str) -> list[tuple[str, str]]:
    """Give what stands in English with what has to be its Chinese, heading or paragraph."""
    found = []
    paragraphs = []
    for block in re.split(r"\n\s*\n", source.strip()):
        if block.startswith("#"):
            english, _, translated = block.partition(" · ")
            found.append((english, translated))
        else:
            paragraphs.append(block)
    assert len(paragraphs) % 2 == 0, f"a paragraph has no partner: {paragraphs}"
    return found + list(zip(paragraphs[::2], paragraphs[1::2], strict=True))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_cell_sets_the_language_and_comes_first(path: Path) -> None:
    first = next(cell for cell in read(path).cells if cell.cell_type == "code")
    assert first.source.startswith('LANG = "en"')
    assert len(ast.parse(first.source).body) == 1


@pytest.mark.parametrize("lang", [pytest.param("en"), pytest.param("zh", marks=pytest.mark.slow)])
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_ends_with_an_answer(
    path: Path, lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[0].source = f'LANG = "{lang}"'
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in code for output in cell.outputs]
    assert not [item for item in outputs if item.get("name") == "stderr"]
    kinds = {kind for one in outputs for kind in _data(one)}
    assert "image/png" in kinds or "image/svg+xml" in kinds
    said = [_data(entry)["text/markdown"] for entry in outputs if "text/markdown" in _data(entry)]
    assert "nan" not in said[-1].split()
    for each in said:  # tables, too; a unit may be Chinese in English, an id is Latin in Chinese
        assert chinese(each) > 0.5 if lang == "zh" else chinese(each) < 0.05, each


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_public_names_only(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert all(not alias.name.startswith("plansim.") for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("plansim")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_pair_agrees_and_holds_no_output(path: Path) -> None:
    pair = read(path.with_suffix(".ipynb"))
    assert [cell.source for cell in pair.cells] == [cell.source for cell in read(path).cells]
    for cell in pair.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
