"""The notebooks run as they stand, by the public names alone; git holds them without output."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import jupytext
import nbclient
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.py"))


def read(path: Path) -> Any:
    return jupytext.read(path)


def _data(output: Any) -> Any:
    return output.get("data", {})


def test_there_are_six() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_ends_with_an_answer(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [each for cell in code for each in cell.outputs]
    assert not [each for each in outputs if each.get("name") == "stderr"]
    kinds = {kind for each in outputs for kind in _data(each)}
    assert "image/png" in kinds or "image/svg+xml" in kinds
    answers = [
        cell for cell in code if any("text/markdown" in o.get("data", {}) for o in cell.outputs)
    ]
    said = answers[-1].outputs[-1]["data"]["text/markdown"]
    assert "nan" not in said.split()


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
