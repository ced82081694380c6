"""The notebooks run in both languages, by the public names alone; git holds them without output."""

from __future__ import annotations

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


def chinese(text: str) -> float:
    """Give the part of a text's letters that is Chinese; code and emphasis count as nothing."""
    prose = re.sub(r"`[^`]*`", "", text)
    han, latin = len(re.findall(r"[\u4e00-\u9fff]", prose)), len(re.findall(r"[A-Za-z]", prose))
    return han / max(han + latin, 1)


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


def _pairs(source: str) -> list[tuple[str, str]]:
    """Give what stands in English with what has to be its Chinese, heading or paragraph."""
    blocks = re.split(r"\n\s*\n", source.strip())
    headings = [block.partition(" · ")[::2] for block in blocks if block.startswith("#")]
    paragraphs = [block for block in blocks if not block.startswith("#")]
    return headings + list(zip(paragraphs[::2], paragraphs[1::2], strict=True))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_in_both_languages_uses_public_names_and_holds_no_output(path: Path) -> None:
    cells = read(path).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert code[0].startswith('LANG = "en"')
    assert len(code[0].splitlines()) == 1
    assert not re.search(r"^\s*(import plansim\.|from plansim)", "\n".join(code), re.M)
    for cell in cells:
        for english, translated in _pairs(cell.source) if cell.cell_type == "markdown" else []:
            assert chinese(english) == 0, english
            assert chinese(translated) > 0.5, f"no Chinese follows: {english}"
    pair = read(path.with_suffix(".ipynb")).cells
    assert [cell.source for cell in pair] == [cell.source for cell in cells]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in pair)
