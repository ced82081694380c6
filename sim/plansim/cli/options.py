"""Options that commands share, and the names by which a shell completes them.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce, wraps
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from plansim.cli.context import Terminal, model_at, terminal_for
from plansim.cli.help import BilingualGroup, begin_group
from plansim.cli.inputs import Arguments

__all__ = [
    "PICTURES",
    "SWEEP",
    "WholeNumber",
    "all_names",
    "combined",
    "constant_names",
    "design_names",
    "engine",
    "force",
    "form",
    "group",
    "items",
    "lang",
    "members",
    "model",
    "names",
    "number",
    "output",
    "overlays",
    "path",
    "scenario_names",
    "scenarios",
    "seed",
    "settable_names",
    "settings",
    "targets",
    "terminal",
    "threads",
    "variable_names",
    "variables",
]

Decorator = Callable[[Any], Any]
Names = Callable[[click.Context], Iterable[str]]

PICTURES = (".pdf", ".png", ".svg")
"""Formats of figures."""
SWEEP = ".zarr"
"""Format of a stored sweep."""


class WholeNumber(click.IntRange):
    """A whole number within limits; other input is refused as "not a valid integer"."""

    name = "integer"


# --- completion -----------------------------------------------------------------------------------


def items(list_names: Names) -> Callable[..., list[CompletionItem]]:
    """Make a completer of a function that yields names; a broken input completes to nothing."""

    def complete(
        context: click.Context, parameter: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from plansim.errors import PlansimError
        from plansim.model.records import folded

        if "/" in incomplete or incomplete.startswith("."):
            return [CompletionItem(incomplete, type="file")]
        try:
            names = list(list_names(context))
        except PlansimError:
            return []
        typed = folded(incomplete)
        # A blank would end the word in the shell; `_` stands for one in every name.
        return [
            CompletionItem(name.replace(" ", "_"))
            for name in names
            if folded(name).startswith(typed)
        ]

    return complete


def variable_names(context: click.Context) -> Iterator[str]:
    """Yield the variables of the model that the command line names, in both languages."""
    model = model_at(context.params.get("model"), quiet=True)
    for variable in model.variables.values():
        yield variable.name
        if variable.name_zh:
            yield variable.name_zh


def constant_names(context: click.Context) -> Iterator[str]:
    """Yield the constants of that model, each with the ``=`` of a setting."""
    from plansim.model.records import VariableKind

    settable = {VariableKind.CONSTANT, VariableKind.CONTROL}
    model = model_at(context.params.get("model"), quiet=True)
    return (
        f"{variable.name}=" for variable in model.variables.values() if variable.kind in settable
    )


def settable_names(context: click.Context) -> Iterator[str]:
    """Yield the names of the constants that may be set."""
    return (name.removesuffix("=") for name in constant_names(context))


def all_names(context: click.Context) -> Iterator[str]:
    """Yield all that ``show`` knows."""
    yield from scenario_names(context)
    yield from variable_names(context)
    yield from target_ids(context)


def target_ids(context: click.Context) -> Iterator[str]:
    """Yield the ids in the shipped catalogue by their lines.

    To read it whole, or only to import `catalogue` for the file's name, takes too long between
    two keys.
    """
    from plansim.files.shipped import shipped

    for line in shipped("model", "targets.yaml").read_text("utf-8").splitlines():
        if line.startswith("- id: "):
            yield line.removeprefix("- id: ").strip()


def shipped_names(*folder: str) -> Names:
    """Return a function that yields the names of the YAML files of a folder of ``scenarios``."""

    def names(context: click.Context) -> Iterator[str]:
        """Yield the names of files that come with plansim."""
        from plansim.files.shipped import shipped

        return (path.stem for path in sorted(shipped("scenarios", *folder).glob("*.yaml")))

    return names


scenario_names, design_names = shipped_names(), shipped_names("sweeps")


# --- options --------------------------------------------------------------------------------------


def combined(*options: Decorator) -> Decorator:
    """Make one decorator of several, of which the first is that of the first line."""

    def add(function: Any) -> Any:
        """Add the options to a command."""
        return reduce(lambda made, option: option(made), reversed(options), function)

    return add


def option(*names: str, **attributes: Any) -> Decorator:
    """Make an option that several commands have."""
    return combined(click.option(*names, **attributes))


def number(
    *names: str, least: int = 1, most: int | None = None, default: int | None = None, text: str
) -> Decorator:
    """Make an option for a whole number within limits, whose help is ``text``."""
    kind, shown = WholeNumber(least, most), default is not None
    return option(*names, metavar="N", type=kind, default=default, show_default=shown, help=text)


def names(
    flag: str, into: str, complete: Names, text: str, metavar: str = "NAME", **more: Any
) -> Decorator:
    """Make an option for a name that may be given again."""
    completer = items(complete)
    return option(
        flag, into, metavar=metavar, multiple=True, shell_complete=completer, help=text, **more
    )


def path(*names: str, text: str, metavar: str = "FILE", **more: Any) -> Decorator:
    """Make an option for the path of a file or folder."""
    return option(*names, metavar=metavar, type=click.Path(path_type=Path), help=text, **more)


def output(text: str, metavar: str = "FILE", **more: Any) -> Decorator:
    """Make the option ``-o``, whose help is ``text``."""
    return path("-o", "--output", text=text, metavar=metavar, **more)


def form(*choices: str) -> Decorator:
    """Make the option ``--format``; the first choice is the default."""
    return option(
        "--format",
        "form",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="Form of what is printed.",
    )


def variables(text: str) -> Decorator:
    """Make the option ``--variable``, which may be given again."""
    return names("--variable", "names", variable_names, text)


def targets(text: str, *, required: bool = False) -> Decorator:
    """Make the option ``--target``, which may be given again."""
    return names("--target", "ids", target_ids, text, "ID", required=required)


LANGUAGE = "Language of the output; else the locale's."
lang = option("--lang", type=click.Choice(["en", "zh"]), help=LANGUAGE)
terminal = option(
    "--lang",
    "terminal",
    type=click.Choice(["en", "zh"]),
    callback=lambda context, parameter, lang: terminal_for(lang),
    help=LANGUAGE,
)
overlays = names(
    "--with",
    "overlays",
    shipped_names("overlays"),
    "Lay an overlay over the scenario, below --set: one of 'plansim list scenarios', or "
    "the path of one; may be given again. SCENARIO+OVERLAY does it for one scenario.",
    "OVERLAY",
)
settings = names(
    "--set",
    "overrides",
    constant_names,
    "Set a constant over the scenario; may be given again.",
    "NAME=VALUE",
)
engine = option(
    "--engine",
    type=click.Choice(["compiled", "pysd"]),
    default="compiled",
    show_default=True,
    help="What computes the run; pysd is the slow reference.",
)
force = option("--force", is_flag=True, help="Replace what exists already.")
threads = number("--threads", most=1024, text="Number of threads; else one a processor.")
seed = option(
    "--seed", type=WholeNumber(0), help="Seed of the random numbers; else that of the file."
)
members = number(
    "-n",
    "draws",
    least=50,
    text="Draw N members anew by the rule of the ensemble; by default those of its file.",
)


def _remembered(context: click.Context, option: click.Parameter, value: object) -> None:
    """Keep the value of an option for `plansim.cli.context.model_at`."""
    context.meta[f"plansim.{option.name}"] = value


model = combined(
    path(
        "--model",
        text="Another Vensim model, with its own targets.yaml beside it if it has one.",
        metavar="FILE.mdl",
    ),
    option(
        "--strict-units",
        is_flag=True,
        expose_value=False,
        callback=_remembered,
        help="Take a missing unit in the model for an error, not for a warning.",
    ),
    path(
        "--data",
        text="Data of the model's data variables: a .csv or .tab file with a column of times, "
        "and one for each; or a .dat or .vdf file of Vensim's; may be given again.",
        multiple=True,
        expose_value=False,
        callback=_remembered,
    ),
)
"""The options that say which model is read, and how."""


def scenarios(
    *,
    several: bool = False,
    required: bool = False,
    settable: bool = True,
    by_engine: bool = False,
    **more: Any,
) -> Decorator:
    """Add SCENARIO, what is laid over it, the model and the language, given as `Arguments`."""
    argument = click.argument(
        "scenario",
        nargs=-1 if several else 1,
        required=required,
        shell_complete=items(scenario_names),
        **more,
    )
    chosen = [argument, overlays, *[settings] * settable, model, *[engine] * by_engine, terminal]

    def add(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def command(
            scenario: str | tuple[str, ...] | None,
            terminal: Terminal,
            model: Path | None,
            overlays: tuple[str, ...],
            overrides: tuple[str, ...] = (),
            engine: str = "compiled",
            **rest: Any,
        ) -> Any:
            scenarios = (scenario,) if isinstance(scenario, str) else scenario or ()
            arguments = Arguments(terminal, scenarios, model, overlays, overrides, engine)
            return function(arguments, **rest)

        return combined(*chosen)(command)

    return add


def group(**options: Any) -> Callable[[Callable[[], None]], click.Group]:
    """Make a group of commands of a function that only names and explains it."""

    def make(described: Callable[[], None]) -> click.Group:
        @click.group(
            cls=BilingualGroup,
            invoke_without_command=True,
            help=described.__doc__,
            **{"name": described.__name__, **options},
        )
        @lang
        @click.pass_context
        def grouped(context: click.Context, lang: str | None) -> None:
            begin_group(context, lang)

        return grouped

    return make
