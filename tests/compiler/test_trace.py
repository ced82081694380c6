"""What a rule for NumPy may not do; tests/output/test_page.py holds programs to their rules."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from plansim.compiler.tracing import Trace


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x: bool(x > 0), "has no value"),
        (lambda x: np.logical_and.reduce([x > 0, x > 1]), "has no value"),
        (np.median, "does not know median"),
        (np.sin, "does not know sin"),
        (lambda x: np.add.reduce(x), "does not know add"),
    ],
)
def test_what_is_not_understood_is_refused(use: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        use(cast("Any", Trace().input("x")))
