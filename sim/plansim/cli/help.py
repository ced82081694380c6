"""Help in the reader's language, aligned where a character takes two columns.

Docstrings and options stay English; `messages.yaml` of `output.words` has the Chinese of each
paragraph. click writes the help by a formatter; for Chinese it is `ChineseFormatter`. Its own texts
click looks up by gettext; for Chinese they are looked up in our catalogue instead.
"""

from __future__ import annotations

import importlib
import os
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from plansim.cli.context import write
from plansim.cli.inputs import Arguments

if TYPE_CHECKING:
    from rich.console import RenderableType

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


def _let_click_speak(lang: Lang) -> None:
    """Have click look its texts up in our catalogue.

    gettext itself would want compiled catalogues in a folder of the system's form, and the
    language from the environment.
    """
    from plansim.output.words.language import say_in

    say = say_in(lang)

    def counted(one: str, several: str, number: int) -> str:
        return say(one if number == 1 else several)

    for name in _SPEAKING:
        module = importlib.import_module(f"click.{name}")
        for own, ours in (("_", say), ("ngettext", counted)):
            if hasattr(module, own):
                setattr(module, own, ours)


class BilingualContext(click.Context):
    """Knows in which language help is to be written."""

    def make_formatter(self) -> click.HelpFormatter:
        """Make what help is written with."""
        from plansim.output.words.language import Lang

        if self.find_root().obj is not Lang.ZH:
            return super().make_formatter()
        return ChineseFormatter(width=self.terminal_width, max_width=self.max_content_width)


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

    context_class = BilingualContext

    def __init__(self, *names: Any, **options: Any) -> None:
        super().__init__(*names, **options)
        if not any(option.name == "lang" for option in self.params):
            self.params.append(_lang_option())

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

    context_class = BilingualContext
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

_EXTRA = re.compile(r"(?s)(?P<help>.*?)(?:\s*\[(?P<extra>[^\[\]]+)\])?")
"""The help of an option and what click adds to it: the default, the range."""


class ChineseFormatter(click.HelpFormatter):
    """Writes help in Chinese as tables are laid out: click takes each character for one column."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        from plansim.output.words.language import help_in_chinese

        self._say = help_in_chinese

    def _lay_out(self, what: RenderableType) -> None:
        from plansim.output.tables.layout import shown

        margin = " " * self.current_indent
        lines = shown(what, self.width - self.current_indent).split("\n")
        self.write("".join(f"{margin}{line}".rstrip() + "\n" for line in lines))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how a command is called."""
        from plansim.output.tables.layout import Column, Grid, text_column

        words = " ".join(self._say(word) for word in args.split())
        begin = f"{prefix or self._say('Usage:')}{prog}"
        self._lay_out(Grid([Column(), text_column(least=20)], [(begin, words)], gap=1))

    def write_heading(self, heading: str) -> None:
        """Write the heading of a section."""
        self._lay_out(f"{self._say(heading)}：")

    def write_text(self, text: str) -> None:
        """Write paragraphs, as far apart as they are."""
        from plansim.output.tables.layout import Prose, blocks

        self._lay_out(
            blocks(
                Prose(self._paragraph(part), no_wrap=part.startswith("\b"))
                for part in text.strip().split("\n\n")
            )
        )

    def _paragraph(self, part: str) -> str:
        if part.startswith(EXAMPLE):
            return self._say("Example: {}").replace("{}", part.removeprefix(EXAMPLE).strip())
        return self._say(part.removeprefix("\b")).strip()

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write a list of terms and what they are, in two columns."""
        from plansim.output.tables.layout import Grid, text_column

        columns = [text_column(least=col_max, most=col_max), text_column(least=10)]
        pairs = [(self._term(term), self._meaning(meaning)) for term, meaning in rows]
        self._lay_out(Grid(columns, pairs, gap=col_spacing))

    def _term(self, term: str) -> str:
        """Name what kind of value an option takes, where click names it."""
        option, blank, kind = term.partition(" ")
        while kind.startswith("-"):  # -o, --output FILE
            more, blank, kind = kind.partition(" ")
            option += f" {more}"
        return option + blank + self._say(kind) if kind else term

    def _meaning(self, meaning: str) -> str:
        cut = _EXTRA.fullmatch(meaning.strip())
        assert cut is not None  # all of it may be help
        extra = f"[{cut['extra'].replace('; ', '；')}]" if cut["extra"] else ""
        return self._say(cut["help"]) + extra
