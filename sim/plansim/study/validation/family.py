"""Q21: the same structure, given the data of another place, finds what came out there."""

from __future__ import annotations

from plansim.study.validation.dossier import Dossier
from plansim.study.validation.findings import Finding, not_computed

__all__ = ["MOST", "family"]

MOST = 0.15
"""Of what came out."""


def family(dossier: Dossier) -> Finding:
    """Say that no scenario gives the model the data of another place yet."""
    return not_computed("Q21", "family", {"most": MOST})
