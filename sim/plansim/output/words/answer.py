"""The answer in sentences: how many targets hold, which are open, what other scenarios change.

The same sentences come first wherever verdicts are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from plansim.output.words.text import Text, read_text
from plansim.output.words.verdicts import share_text
from plansim.targets.target import Attribute, Status
from plansim.targets.verdict import SURE, Verdict

__all__ = ["answer", "answer_sentences", "binding_first", "gained", "lost", "open_means"]

ById = Mapping[str, Verdict]
_FAIL = ("answer.fail", "answer.fail_one", "answer.fail_bare", "answer.fail_bare_one")
_OPEN = ("answer.open", "answer.open_one", "answer.open_bare", "answer.open_bare_one")
"""Phrases with names or without, of several targets or of one."""


def answer(
    verdicts: Iterable[Verdict], text: Text | str, titles: Mapping[str, str] | None = None
) -> str:
    """Say how many binding targets hold under each scenario, and which are open.

    Of each scenario but the first it follows what it loses and gains against the first, by name.
    Where no target is binding, all count.

    Args:
        verdicts: of one or more scenarios.
        text: the language, ``en`` or ``zh``, or its phrases.
        titles: the scenarios' by id; else the id stands.

    >>> model = plansim.load_model("lake.mdl")
    >>> verdicts = plansim.check_scenarios(model, "boats.yaml")
    >>> plansim.answer(verdicts, "en")[:82]
    'Under "boats", the one binding target of 2010 that can be judged, Fish in the lake'
    """
    verdicts, text = list(verdicts), read_text(text)
    said = [*answer_sentences(verdicts, text, titles), *open_means(verdicts, text)]
    return text("list_sep.sentence").join(said)


def answer_sentences(
    verdicts: Iterable[Verdict], text: Text, titles: Mapping[str, str] | None = None
) -> list[str]:
    """Return the sentences of `answer`, one a scenario."""
    by_scenario: dict[str, dict[str, Verdict]] = {}
    for one in binding_first(verdicts):
        by_scenario.setdefault(one.scenario, {})[one.id] = one
    names = {key: text("answer.title", title=(titles or {}).get(key) or key) for key in by_scenario}
    first = next(iter(by_scenario), "")
    sentences = []
    for scenario, own in by_scenario.items():
        parts = _counts(own, text, is_first=scenario == first)
        if scenario != first:
            parts += _change(by_scenario[first], own, names[first], text)
        sentences.append(text("answer.under", scenario=names[scenario], parts=parts))
    return sentences


def open_means(verdicts: Iterable[Verdict], text: Text) -> list[str]:
    """Return the sentence that says what *open* means; none where no target is open by a share."""
    shares = [share_text(one) for one in binding_first(verdicts) if one.is_open and share_text(one)]
    return [
        text("answer.open_means", sure=SURE, example=share, count=share.partition("/")[0])
        for share in shares[:1]
    ]


def binding_first(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Return the verdicts on binding targets; all of them where no target is binding."""
    every = list(verdicts)
    return [one for one in every if one.attribute is Attribute.BINDING] or every


def lost(first: ById, other: ById) -> list[str]:
    """Return the ids of the targets of which a scenario makes less than the first one does.

    One that held is open or fails, one that was open fails, or the central run no longer meets one
    that stays open; but none of which as many plausible models, or more, meet it. What a scenario
    assumes is never among them.
    """
    both = [key for key in first if key in other]
    judged = [key for key in both if first[key].status.judged and other[key].status.judged]
    return [key for key in judged if _is_less(other[key], first[key])]


def gained(first: ById, other: ById) -> list[str]:
    """Return the ids of the targets of which a scenario makes more than the first one does."""
    return lost(other, first)


def _is_less(verdict: Verdict, than: Verdict) -> bool:
    """Return whether a verdict is worse; not so where its share, which is told, is no smaller."""
    if _height(verdict) >= _height(than):
        return False
    shares = [one.share.of_hundred for one in (verdict, than) if one.share]
    told = [share for share in shares if share is not None]
    return not (verdict.is_open or than.is_open) or len(told) < 2 or told[0] < told[1]


def _height(verdict: Verdict) -> tuple[int, int]:
    """Return an order of verdicts: fails, open, holds; what is open by the central run."""
    central = (Status.MISSED, Status.UNDECIDED, Status.MET).index(verdict.status)
    return (1, central) if verdict.is_open else (central, central)


def _counts(verdicts: ById, text: Text, *, is_first: bool) -> str:
    """Count the targets that hold, fail and are open; under the first scenario name the latter two.

    Under another what it loses and gains tells which they are.
    """
    judged = [one for one in verdicts.values() if one.status.judged]
    if len(judged) == 1 and is_first:
        return _only(judged[0], text)
    met = sum(one.stands and one.status is Status.MET for one in judged)
    parts = [_holds(met, judged, text) if is_first else _hold(met, len(judged), text)]
    still = [one for one in judged if one.is_open]
    failed = [one for one in judged if not one.is_open and one.status is not Status.MET]
    for keys, told in ((_FAIL, failed), (_OPEN, still)):
        if told:
            names = [_named(one, text) if one.is_open else text.name(one) for one in told]
            key = keys[2 * (not is_first) + (len(told) == 1)]
            listed = text("list_sep.semicolon").join(names)
            parts.append(text(key, count=len(told), names=listed))
    if given := sum(one.status is Status.ASSUMED for one in verdicts.values()):
        parts.append(text("answer.assumed_one" if given == 1 else "answer.assumed", count=given))
    *some, last = parts
    clauses = text("answer.clause").join(some)
    return text("answer.last_clause").join([clauses, last]) if some else last


def _only(verdict: Verdict, text: Text) -> str:
    """Say what becomes of the only target that is judged."""
    key = "answer.only_holds" if verdict.status is Status.MET else "answer.only_fails"
    key = "answer.only_open" if verdict.is_open else key
    return _with_kind(key, verdict, text, name=_named(verdict, text))


def _holds(met: int, judged: Sequence[Verdict], text: Text) -> str:
    count = len(judged)
    if not count:
        return text("answer.nothing")
    key = "answer.holds" if met > 1 else "answer.holds_one" if met else "answer.holds_none"
    key = "answer.holds_all" if met == count else key
    first = judged[0]
    if len({one.year for one in judged}) > 1:
        first = replace(first, year=None)
    return _with_kind(key, first, text, met=met, count=count)


def _with_kind(key: str, verdict: Verdict, text: Text, **values: object) -> str:
    """Return a phrase with the year of its targets and, if they are binding, that they are."""
    is_binding = verdict.attribute is Attribute.BINDING
    kind = text.word("attribute", verdict.attribute) if is_binding else ""
    year = text("answer.of_year", year=verdict.year) if verdict.year else ""
    return " ".join(text(key, kind=kind, year=year, **values).split())


def _hold(met: int, judged: int, text: Text) -> str:
    """Count the targets that hold, where it has been said what is counted."""
    if not judged:
        return text("answer.nothing")
    if met == judged > 1:
        return text("answer.hold_all", met=met)
    key = "answer.hold" if met > 1 else "answer.hold_one" if met else "answer.hold_none"
    return text(key, met=met)


def _named(verdict: Verdict, text: Text) -> str:
    name = text.name(verdict)
    share = share_text(verdict)
    return text("answer.named", name=name, share=share) if share else name


def _change(first: ById, other: ById, name: str, text: Text) -> str:
    """Say what a scenario loses and gains against the first."""
    losses, gains = (
        text.join_and([_turned(first[key], other[key], text) for key in keys])
        for keys in (lost(first, other), gained(first, other))
    )
    if not (losses or gains):
        return text("answer.change_none", first=name)
    return text(
        "answer.change",
        first=name,
        loses=text("answer.loses", names=losses) if losses else text("answer.loses_none"),
        gains=text("answer.gains", names=gains) if gains else text("answer.gains_none"),
    )


def _turned(before: Verdict, after: Verdict, text: Text) -> str:
    """Name a target; with its shares where one of the verdicts is open."""
    name = text.name(after)
    shares = share_text(before), share_text(after)
    if not (before.is_open or after.is_open) or not all(shares):
        return name
    return text("answer.turned", name=name, before=shares[0].partition("/")[0], after=shares[1])
