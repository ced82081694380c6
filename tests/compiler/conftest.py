"""Small models for the tests of the compiler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plansim.model.reader import load_model
from plansim.model.records import Model


@pytest.fixture
def load(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Model]:
    """Load equations behind which a clock stands, by default that of the file of tests."""

    def load(equations: str, clock: str = request.module.CLOCK, **data: str) -> Model:
        path = tmp_path / "small.mdl"
        path.write_text(equations + clock, "utf-8")
        tables = [tmp_path / f"data.{name}" for name in data]
        for table, text in zip(tables, data.values(), strict=True):
            table.write_text(text, "utf-8")
        return load_model(path, strict=False, data=tables)

    return load
