"""The languages of the output, and errors, warnings and help in Chinese.

A message arises in any layer as a template and its parts, in English; a language is chosen where
it is shown. As with gettext, the English template is the key: ``messages.yaml`` beside this file
has its Chinese, and what it does not have is shown in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from plansim.cache import code_of, digest, kept
from plansim.errors import Choice, Option, Say

__all__ = ["Lang", "help_in_chinese", "language", "read_catalogue", "say_in"]


class Lang(Choice):
    """A language of the output."""

    EN = "en"
    ZH = "zh"


def language(wanted: str | None, environ: Mapping[str, str]) -> Lang:
    """Choose the language: what is asked for, else what the locale says, else English.

    The locale is read as POSIX does: LC_ALL, then LC_MESSAGES, then LANG; the first that is
    set decides.

    >>> language(None, {"LANG": "zh_CN.UTF-8"}), language("en", {"LANG": "zh_CN.UTF-8"})
    (<Lang.ZH: 'zh'>, <Lang.EN: 'en'>)
    >>> language(None, {"LC_ALL": "", "LC_MESSAGES": "C.UTF-8", "LANG": "zh_CN.UTF-8"})
    <Lang.EN: 'en'>
    """
    if wanted is not None:
        return Lang(wanted)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return Lang.ZH if value.lower().startswith("zh") else Lang.EN
    return Lang.EN


def say_in(lang: Lang) -> Say:
    """Return the function that translates templates and names arguments as options.

    The catalogue is only read for Chinese.

    >>> from plansim.errors import Fault, Message
    >>> fault = Fault("no scenario is called '{name}'", "a.yaml", found=Message("a list"), name="x")
    >>> fault.written(say_in(Lang.ZH))
    'a.yaml: 没有名为“x”的情景；实际：列表'
    >>> Fault("the lever '{name}' is given twice", Option.LEVER, name="x").written(say_in(Lang.EN))
    "--lever: the lever 'x' is given twice"
    """
    options = {option.value: f"--{option.name.lower()}" for option in Option}
    known = {**options, **read_catalogue()} if lang is Lang.ZH else options
    return lambda template: known.get(template, template)


def help_in_chinese(paragraph: str) -> str:
    """Return a paragraph of help in Chinese; unchanged if there is no translation.

    Sequences of white space count as one space.
    """
    return read_catalogue().get(" ".join(paragraph.split()), paragraph)


@cache
def read_catalogue() -> Mapping[str, str]:
    """Return the Chinese of every English template, word and paragraph of help."""
    raw = files(__package__).joinpath("locale", "messages.yaml").read_bytes()
    key = digest("messages", raw, code_of("", "output"))
    return kept("parsed", key, dict, lambda: _read(raw))


def _read(raw: bytes) -> dict[str, str]:
    from ruamel.yaml import YAML

    sections = YAML(typ="safe").load(raw.decode("utf-8"))
    return {text: chinese for section in sections.values() for text, chinese in section.items()}
