"""Writing a scenario as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from plansim.model.records import Integration
from plansim.scenario.records import BilingualText

__all__ = ["scenario_text"]


def scenario_text(
    title: BilingualText,
    description: BilingualText,
    values: Mapping[str, float],
    *,
    parent: str = "",
    integration: Integration | None = None,
    sources: Sequence[str] = (),
    assumes: Mapping[str, BilingualText] | None = None,
) -> str:
    """Return the text of a scenario file, with all values to the last bit.

    Args:
        title: the title.
        description: the description.
        values: of constants, ``name`` or ``name[e1,e2]``, in the model's units.
        parent: the file's name for its parent; empty if it changes the model.
        integration: the method of integration; None if it is that of the parent or the model.
        sources: sources of the values.
        assumes: the targets that the scenario assumes, with the reason.
    """
    lines = [f"title: {_both(title)}", f"description: {_both(description)}"]
    if parent:
        lines.append(f"parent: {_quoted(parent)}")
    if integration is not None:
        lines.append(f"integration: {integration}")
    if sources:
        lines += ["sources:", *(f"  - {_quoted(source)}" for source in sources)]
    lines.append("values:" if values else "values: {}")
    lines += [f"  {_quoted(name)}: {value!r}" for name, value in values.items()]
    if assumes:
        lines += ["assumes:", *(f"  {key}: {_both(why)}" for key, why in assumes.items())]
    return "\n".join(lines) + "\n"


def _both(text: BilingualText) -> str:
    return f"{{en: {_quoted(text.en)}, zh: {_quoted(text.zh)}}}"


def _quoted(text: str) -> str:
    """Quote for YAML, of which JSON's strings are a subset."""
    return json.dumps(text, ensure_ascii=False)
