"""From a model to scalar operations."""

from plansim.compiler.lower.program import lower
from plansim.compiler.lower.scope import StructuralError

__all__ = ["StructuralError", "lower"]
