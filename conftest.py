"""What the examples in docstrings start from: a lake with a plan, in the working folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import plansim
from tests.toys.lake import lake


@pytest.fixture(scope="session")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that holds the lake and what belongs to it."""
    folder = tmp_path_factory.mktemp("lake")
    lake(folder)
    return folder


@pytest.fixture(autouse=True)
def _in_examples(
    request: pytest.FixtureRequest,
    doctest_namespace: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Examples know ``plansim``, and find ``lake.mdl``, ``boats.yaml`` and ``design.yaml``."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(request.getfixturevalue("lake_folder"))
        doctest_namespace["plansim"] = plansim
