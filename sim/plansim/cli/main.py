"""The command ``plansim``: parse, call, print.

Nothing is computed here. Each command reads its inputs, calls the package and writes one text to
standard output; remarks (changes of a scenario under json and csv, warnings, progress) go to
standard error. The rest of the package is imported inside the commands, so that ``--help`` and
completion are quick.

Exit codes: 0, all well; 1, ``--strict`` and a binding target is missed, or a test of ``validate``
fails; 2, the input, the output or the machine is at fault (one message, no traceback); 70, an
internal error, of which a report is written; 130, interrupted; 141, the reader of the output has
left.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click
from click.shell_completion import get_completion_class

from plansim.cli.commands.check_compare import check, compare
from plansim.cli.commands.decide import decide
from plansim.cli.commands.list_show import list_, show
from plansim.cli.commands.model import model
from plansim.cli.commands.plot_page import page, plot
from plansim.cli.commands.run_export import export, run
from plansim.cli.commands.sweep_replay import replay, sweep
from plansim.cli.commands.why import why
from plansim.cli.context import UsageError, drop_output, remark
from plansim.cli.help import CommandGroup, command, language_on
from plansim.cli.inputs import Arguments
from plansim.errors import Message, foreign

if TYPE_CHECKING:
    from plansim.errors import Say

__all__ = ["main", "plansim"]

PROGRAM = "plansim"
COMPLETE_VARIABLE = "_PLANSIM_COMPLETE"
BROKEN_PIPE = 128 + 13
INTERRUPTED = 128 + 2
INTERNAL = 70
"""Exit code of an internal error: ``EX_SOFTWARE`` of sysexits.h."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code."""
    line = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(arguments, line)
    except MemoryError:  # not even for the words of the user's language
        os.write(2, b"plansim: the memory of this machine is not enough\n")
        return 2


def _run(arguments: Sequence[str] | None, line: Sequence[str]) -> int:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Chinese shows ?
    out, err = sys.stdout, sys.stderr
    try:
        code = plansim.main(
            arguments,
            prog_name=PROGRAM,
            complete_var=COMPLETE_VARIABLE,
            standalone_mode=False,
        )
    except SystemExit:
        if sys.stdout is out:
            raise
        # click has met a closed pipe, put another stream instead, and would leave with 1.
        sys.stdout, sys.stderr = out, err
        drop_output()
        return BROKEN_PIPE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        return _refused(error, line)
    return code if isinstance(code, int) else 0


def _refused(error: Exception, line: Sequence[str]) -> int:
    """Say to the one who typed a line why there is no result; give the exit code."""
    from plansim.errors import Fault, PlansimError
    from plansim.output.words.language import say_in

    say, code = say_in(language_on(line)), 2
    memory = Message("the memory of this machine is not enough")
    match error:
        case click.ClickException():
            text = _in_words(error, say)
        case PlansimError():
            text = error.written(say)
        case MemoryError():
            text = memory.written(say)
        case ImportError() if re.search("map segment|allocate", str(error)):
            text = memory.written(say)
        case OSError():
            file = error.filename if isinstance(error.filename, str) else None
            why = foreign(error.strerror or error)
            text = Fault("the system refuses", file, found=why).written(say)
        case ValueError() if "embedded null" in str(error):  # in a file's name
            text = Fault("the system refuses", found=foreign(error)).written(say)
        case _:
            text, code = _reported(error, line).written(say), INTERNAL
    remark(f"{PROGRAM}: {text}")
    return code


def _reported(error: Exception, line: Sequence[str]) -> Message:
    """Write a report on an error of plansim itself, and say where it is."""
    import platform
    import shlex
    import traceback

    from plansim.cache import save_report

    trace = "".join(traceback.format_exception(error))
    about = (f"plansim {shlex.join(line)}", platform.platform(), f"Python {sys.version}", trace)
    path = save_report("\n".join(about).encode("utf-8", "backslashreplace"))
    if "--debug" in line:
        remark(trace)
    kind = type(error).__name__
    if path is None:
        return Message("internal error ({kind}); --debug shows where", kind=kind)
    return Message(
        "internal error ({kind}); please send the report {path} to the authors",
        kind=kind,
        path=path,
    )


def _in_words(error: click.ClickException, say: Say) -> str:
    """Return what is wrong with a line, and which help says more."""
    text = " ".join(error.format_message().split())  # of a choice, click makes a list
    if isinstance(error, UsageError):
        text = error.template.written(say)
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return text
    command = error.ctx.command_path
    if text.endswith(("?", "？", ")", "）")):
        return Message("{text} See '{command} --help'.", text=text, command=command).written(say)
    text = text.rstrip(".。")
    return Message("{text}. See '{command} --help'.", text=text, command=command).written(say)


# --- the commands ---------------------------------------------------------------------------------


COMPLETION_HELP = """Print the script that makes SHELL complete commands, scenarios and names.

\b
bash: echo 'eval "$(plansim completion bash)"' >> ~/.bashrc
zsh:  echo 'eval "$(plansim completion zsh)"' >> ~/.zshrc
fish: plansim completion fish > ~/.config/fish/completions/plansim.fish
"""


@command(help=COMPLETION_HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(_: Arguments, shell: str) -> None:
    """Print the script that makes SHELL complete commands, scenarios, variables and targets."""
    completer = get_completion_class(shell)
    assert completer is not None  # click knows the three shells of the choice
    whole = click.get_current_context().find_root().command
    click.echo(completer(whole, {}, PROGRAM, COMPLETE_VARIABLE).source())


COMMANDS: Mapping[str, Sequence[click.Command]] = {
    "Start here": (check, page, compare),
    "Runs": (run, plot, export, list_, show),
    "Many runs": (sweep, replay),
    "Groups": (why, decide, model),
    "Shell": (completion,),
}
"""All commands, by the headings under which help lists them."""


plansim = CommandGroup(
    PROGRAM,
    sections=COMMANDS,
    help="""Say which targets of a five-year plan hold, how sure that is, and what would help.

Names may be English or Chinese. Exit codes: 0, all well; 1, --strict and a binding target is
missed; 2, the input or the output is at fault; 70, an internal error.
""",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: plansim check baseline accelerated-growth",
    params=[
        click.Option(  # `main` looks for it on the line, whatever becomes of that
            ["--debug"],
            is_flag=True,
            expose_value=False,
            help="Show the traceback of an internal error.",
        )
    ],
)
click.version_option(package_name=PROGRAM)(plansim)


if __name__ == "__main__":
    sys.exit(main())
