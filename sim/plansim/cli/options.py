"""Options that commands share, and the names by which a shell completes them.

Those that are called as a field of `Arguments` are given to a command in that record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

__all__ = [
    "PICTURES",
    "WholeNumber",
    "all_names",
    "constant_names",
    "design_names",
    "engine",
    "force",
    "form",
    "items",
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
    "study",
    "targets",
    "threads",
    "variable_names",
    "variables",
]

Decorator = Callable[[Any], Any]
Names = Callable[[click.Context], Iterable[str]]

PICTURES = (".pdf", ".png", ".svg")
"""Formats of figures."""


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
        typed = folded(incomplete)
        try:
            known = [name for name in list_names(context) if folded(name).startswith(typed)]
        except PlansimError:
            return []
        # A blank would end the word in the shell; `_` stands for one in every name.
        return [CompletionItem(name.replace(" ", "_")) for name in known]

    return complete


def variable_names(context: click.Context) -> Iterator[str]:
    """Yield the variables of the model that the command line names, in both languages."""
    from plansim.model.reader import load_model

    for variable in load_model(context.params.get("model")).variables.values():
        yield variable.name
        yield variable.name_zh or variable.name


def settable_names(context: click.Context) -> Iterator[str]:
    """Yield the constants of that model."""
    from plansim.model.reader import load_model
    from plansim.model.records import VariableKind

    for variable in load_model(context.params.get("model")).variables.values():
        if variable.kind in {VariableKind.CONSTANT, VariableKind.CONTROL}:
            yield variable.name


def constant_names(context: click.Context) -> Iterator[str]:
    """Yield the constants of that model, each with the ``=`` of a setting."""
    return (f"{name}=" for name in settable_names(context))


def all_names(context: click.Context) -> Iterator[str]:
    """Yield all that ``show`` knows."""
    yield from scenario_names(context)
    yield from variable_names(context)
    yield from target_ids(context)


def target_ids(context: click.Context) -> Iterator[str]:
    """Yield the ids in the shipped catalogue by its lines: to parse it takes too long for a key."""
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


def _combined(*options: Decorator) -> Decorator:
    """Make one decorator of several, of which the first is that of the first line."""

    def add(function: Any) -> Any:
        """Add the options to a command."""
        return reduce(lambda made, option: option(made), reversed(options), function)

    return add


def option(*names: str, **attributes: Any) -> Decorator:
    """Make an option that several commands have."""
    return _combined(click.option(*names, **attributes))


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


def output(
    text: str,
    *formats: str,
    metavar: str = "FILE",
    flags: tuple[str, ...] = ("-o", "--output"),
    **more: Any,
) -> Decorator:
    """Make the option ``-o``, whose help is ``text``.

    Of a file of some formats it is seen before any work that it can be written.
    """

    def check(context: click.Context, option: click.Parameter, file: Path | None) -> Path | None:
        from plansim.files.writing import check_destination

        if file is not None and formats and not context.resilient_parsing:
            check_destination(file, force=context.params["force"], formats=formats)
        return file

    return path(*flags, text=text, metavar=metavar, callback=check, **more)


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
force = option(
    "--force", is_flag=True, is_eager=True, help="Replace what exists already."
)  # eager, so that -o knows
threads = number("--threads", most=1024, text="Number of threads; else one a processor.")
seed = option(
    "--seed",
    metavar="N",
    type=WholeNumber(0),
    help="Seed of the random numbers; else that of the file, or 0.",
)
members = number(
    "-n",
    "members",
    least=50,
    text="Draw N members anew by the rule of the ensemble; by default those of its file.",
)
model = _combined(
    path(
        "--model",
        text="Another Vensim model, with its own targets.yaml beside it if it has one.",
        metavar="FILE.mdl",
    ),
    option(
        "--strict-units",
        is_flag=True,
        help="Take a missing unit in the model for an error, not for a warning.",
    ),
    path(
        "--data",
        text="Data of the model's data variables: a .csv or .tab file with a column of times, "
        "and one for each; or a .dat or .vdf file of Vensim's; may be given again.",
        multiple=True,
    ),
)
"""The options that say which model is read, and how."""


def study(*, picture: bool = False) -> Decorator:
    """Add threads, files and form of a long computation."""
    drawn = output(
        "Also draw the result: FILE.png, FILE.svg or FILE.pdf.",
        *PICTURES,
        flags=("--plot", "picture"),
    )
    written = output("Also write all figures.", ".json", metavar="FILE.json")
    return _combined(threads, written, *[drawn] * picture, force, form("table", "json"))


def scenarios(
    *,
    several: bool = False,
    required: bool = False,
    settable: bool = True,
    by_engine: bool = False,
    metavar: str | None = None,
) -> Decorator:
    """Add SCENARIO, what is laid over it, and the model."""
    if metavar is None:
        metavar = "SCENARIO" + "..." * several
        metavar = metavar if required else f"[SCENARIO]{'...' * several}"
    argument = click.argument(
        "scenarios",
        metavar=metavar,
        nargs=-1 if several else 1,
        required=required,
        shell_complete=items(scenario_names),
    )
    return _combined(argument, overlays, *[settings] * settable, model, *[engine] * by_engine)
