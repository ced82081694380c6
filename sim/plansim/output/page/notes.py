"""What a page tells beside its figures: of each lever what it is and where that is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plansim.model.comment import load_evidence
from plansim.model.records import Model
from plansim.output.page.data import BOTH, Data, words
from plansim.output.variables import ModelFacts
from plansim.output.words.text import read_text
from plansim.scenario.levers import lever_of
from plansim.targets.target import Target, split_reference
from plansim.targets.views import Lever

__all__ = ["lever_note", "model_facts"]


def model_facts(model: Model, targets: Sequence[Target]) -> tuple[ModelFacts, ...]:
    """Return what is known of a model, in each language of a page."""
    evidence = load_evidence(model.path.parent)
    return tuple(ModelFacts(model, tuple(targets), evidence, (), read_text(lang)) for lang in BOTH)


def lever_note(model: Model, lever: Lever, facts: Sequence[ModelFacts]) -> Mapping[str, Data]:
    """Return what a lever does, what the model's comment says of it, and its sources."""
    names = dict.fromkeys(split_reference(constant)[0] for constant in lever.constants)
    variables = [model.variables[name] for name in names]
    first = variables[0]
    whole = model.variables.get(lever_of(model, first.name) or "")
    about = [first] if whole is None else [whole, first]
    meaning = words(
        " ".join(variable.meaning_en for variable in about),
        "".join(variable.meaning_zh for variable in about),
    )
    help_words = words(lever.help_en, lever.help_zh)
    return {
        "help": help_words,
        "meaning": ["", ""] if meaning == help_words else meaning,
        "sources": [
            list(
                dict.fromkeys(
                    part.text
                    for variable in variables
                    for tag in variable.sources
                    for part in known.cited(tag)
                )
            )
            for known in facts
        ],
    }
