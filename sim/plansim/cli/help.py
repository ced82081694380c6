"""Help in the reader's language, aligned where a character takes two columns.

Docstrings and options stay English; `messages.yaml` of `output.words` has the Chinese of each
paragraph. click lays the help out in both languages. Its own texts click looks up by gettext; they
are looked up in our catalogue instead. For Chinese it is also given other functions that measure
and break lines: its own take each character for one column, and break at blanks alone.
"""

from __future__ import annotations

import importlib
import os
import re
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from plansim.cli.context import UsageError, write
from plansim.cli.inputs import Arguments
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.output.words.language import Lang

__all__ = ["Command", "CommandGroup", "command", "language_on"]


def language_on(line: Sequence[str]) -> Lang:
    """Return the language that a command line asks for, anywhere on it; else the locale's.

    The line may be one that click refuses, so that click cannot be asked.

    >>> language_on(["chek", "--lang", "zh"]), language_on(["--lang=zh", "run", "--lang=en"])
    (<Lang.ZH: 'zh'>, <Lang.EN: 'en'>)
    """
    from plansim.output.words.language import Lang, language

    asked = None
    for before, word in zip(["", *line], line, strict=False):
        given = word.removeprefix("--lang=") if before != "--lang" else word
        if (given != word or before == "--lang") and given in set(Lang):
            asked = given
    return language(asked, os.environ)


_SPEAKING = ("core", "exceptions", "formatting", "parser", "types")
"""Modules of click that look texts up by gettext while they run."""
_LAYOUT = {name: vars(click.formatting)[name] for name in ("term_len", "wrap_text")}
"""Functions by which click measures a text and breaks it into lines."""


def _let_click_speak(lang: Lang) -> None:
    """Have click look its texts up in our catalogue, and write help in a language.

    gettext itself would want compiled catalogues in a folder of the system's form, and the
    language from the environment.
    """
    from plansim.output.words.language import Lang, say_in

    say = say_in(lang)

    def counted(one: str, several: str, number: int) -> str:
        return say(one if number == 1 else several)

    for name in _SPEAKING:
        module = importlib.import_module(f"click.{name}")
        for own, ours in (("_", say), ("ngettext", counted)):
            if hasattr(module, own):
                setattr(module, own, ours)
    click.Context.formatter_class = click.HelpFormatter
    vars(click.formatting).update(_LAYOUT)
    if lang is Lang.ZH:
        from rich.cells import cell_len

        click.Context.formatter_class = ChineseFormatter
        vars(click.formatting).update(term_len=cell_len, wrap_text=_in_lines)


def _lang_option() -> click.Option:
    """Make ``--lang``; what it says is read from the line by `language_on`."""
    text = "Language of the output; else the locale's."
    return click.Option(["--lang"], type=click.Choice(["en", "zh"]), help=text, expose_value=False)


def _show_help(context: click.Context) -> None:
    """Show the help of a group that is called without a command."""
    if context.invoked_subcommand is None:
        write(context.get_help())


class Command(click.Command):
    """A command that is called with `Arguments`, and then its own options by name."""

    def __init__(self, *names: Any, **options: Any) -> None:
        super().__init__(*names, **options)
        if not any(option.name == "lang" for option in self.params):
            self.params.append(_lang_option())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse an option where the value of another is due: click would take it for that."""
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        flags = {flag: one for one in options for flag in (*one.opts, *one.secondary_opts)}
        for flag, after in pairwise(args):
            if flag in flags and not (flags[flag].is_flag or flags[flag].count) and after in flags:
                why = Message("{option} needs a value; found {after}", option=flag, after=after)
                error = UsageError(why)
                error.ctx = ctx
                raise error
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Call the function of the command."""
        assert self.callback is not None
        options = dict(ctx.params)
        return ctx.invoke(self.callback, Arguments.taken_from(options), **options)


def command(name: str | None = None, **options: Any) -> Callable[[Callable[..., Any]], Command]:
    """Make a command of a function."""
    return click.command(name, cls=Command, **options)


class CommandGroup(click.Group):
    """Commands whose help is in the language of the line; alone it shows its own help."""

    command_class = Command

    sections: Mapping[str, Sequence[click.Command]]
    """The commands by the headings under which help lists them; empty for a group without."""

    def __init__(
        self,
        name: str,
        *,
        sections: Mapping[str, Sequence[click.Command]] | None = None,
        **more: Any,
    ) -> None:
        alone = click.pass_context(_show_help)
        super().__init__(name, callback=alone, invoke_without_command=True, **more)
        self.params.append(_lang_option())
        self.sections = sections or {}
        for commands in self.sections.values():
            for command in commands:
                self.add_command(command)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands in the order in which they were added."""
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one of a group inside of it by its name alone too, as it once was."""
        groups = self.sections.get("Groups", ())
        inner = [group.commands for group in groups if isinstance(group, click.Group)]
        return ChainMap(self.commands, *inner).get(cmd_name)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Begin a line, and note its language."""
        if parent is None:
            _let_click_speak(extra.setdefault("obj", language_on(args)))
        return super().make_context(info_name, args, parent, **extra)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by sections; in Chinese what each does in full, since it is short."""
        sections = self.sections or {"Commands": list(self.commands.values())}
        width = max(len(name) for name in self.commands)
        for title, commands in sections.items():
            with formatter.section(title):
                formatter.write_dl(
                    [
                        ((command.name or "").ljust(width), self._line(command))
                        for command in commands
                    ]
                )

    def _line(self, command: click.Command) -> str:
        """Return the first sentence of a command's help; the commands of a group."""
        if isinstance(command, click.Group) and self.sections:
            return ", ".join(command.commands)
        return (command.help or "").partition("\n\n")[0]


EXAMPLE = "Example:"
"""Begins the text below the options of a command."""

_EXTRA = re.compile(r"(?s)(?P<help>.*?)(?:  \[(?P<extra>.*)\])?")
"""The help of an option and what click adds to it: the default, the range."""


class ChineseFormatter(click.HelpFormatter):
    """Writes the names that click gives to the parts of a help in Chinese."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called."""
        from plansim.output.words.language import help_in_chinese

        words = " ".join(map(help_in_chinese, args.split()))
        super().write_usage(prog, words, prefix or help_in_chinese("Usage:"))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        from plansim.output.words.language import help_in_chinese

        self.write(f"{help_in_chinese(heading)}：\n")


def _in_lines(
    text: str,
    width: int = 78,
    initial_indent: str = "",
    subsequent_indent: str = "",
    preserve_paragraphs: bool = False,  # those of one are the same
) -> str:
    """Write paragraphs in Chinese, in lines of at most ``width`` columns, as `wrap_text` of click.

    A paragraph that begins with a backspace keeps its lines.
    """
    from rich.cells import cell_len

    from plansim.output.words.wrapping import wrap

    width -= cell_len(initial_indent)
    paragraphs = []
    for part in text.strip().split("\n\n"):
        said = _in_chinese(part.removeprefix("\b").strip())
        lines = said.split("\n") if part.startswith("\b") else wrap(said, width)
        paragraphs.append(initial_indent + f"\n{subsequent_indent}".join(lines))
    return "\n\n".join(paragraphs)


def _in_chinese(part: str) -> str:
    from plansim.output.words.language import help_in_chinese

    if part.startswith(EXAMPLE):
        return help_in_chinese("Example: {}").replace("{}", part.removeprefix(EXAMPLE).strip())
    cut = _EXTRA.fullmatch(part)
    assert cut is not None  # all of it may be help
    extra = f"[{cut['extra'].replace('; ', '；')}]" if cut["extra"] else ""
    return help_in_chinese(cut["help"]) + extra
