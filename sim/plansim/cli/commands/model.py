"""The group ``plansim model``: the model and its plan themselves, tested, fitted, documented."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from plansim.cli import options
from plansim.cli.context import (
    Terminal,
    UsageError,
    check_files,
    model_at,
    remark,
    terminal_for,
    write,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.cli.context import Terminal
    from plansim.model.records import Model
    from plansim.scenario.scenario_file import Scenario

__all__ = ["model"]

NEXT = ("plansim check baseline more-saving", "plansim model validate")
"""Commands by which one goes on in the folder of a new city."""


@options.group(
    epilog="Example: plansim model validate Q07",
)
def model() -> None:
    """Look at the model and the plan themselves: test, fit and document them."""


@model.command(epilog="Example: plansim model new riverside --name Riverside")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What the city is called; else as the folder.")
@options.terminal
def new(folder: Path, name: str | None, terminal: Terminal) -> None:
    """Write a small city into the new or empty folder DIR, to start a model of your own from.

    It has a model, targets, scenarios and sources, all invented, and passes 'plansim check' and
    'plansim model validate'. Commands that are run in a folder with model/ and scenarios/ are about
    the city there.
    """
    from plansim.files.city import new_city

    model = new_city(folder, name)
    write(terminal.text("city.written", model=model))
    for command in (shlex.join(["cd", str(folder)]), *NEXT):
        write(f"  {command}")


@model.command(epilog="Example: plansim model audit")
@options.form("table", "json")
@options.terminal
def audit(form: str, terminal: Terminal) -> None:
    """Recompute where the plan's own figures disagree, and say what the model does about it."""
    from plansim.output.describe import clash_facts
    from plansim.output.tables.layout import blocks, facts
    from plansim.targets.audit import audit as clashes_of

    clashes = clashes_of()
    title = terminal.text("audit.title", count=len(clashes))
    sheets = (facts(clash_facts(clash, terminal.text, figures=False)) for clash in clashes)
    terminal.answer(form, clashes, lambda: blocks([title, *sheets]))


@model.command(epilog="Example: plansim model diff old.mdl new.mdl baseline")
@click.argument("old", metavar="OLD.mdl", type=click.Path(path_type=Path))
@click.argument("new", metavar="NEW.mdl", type=click.Path(path_type=Path))
@click.argument(
    "scenario",
    metavar="[SCENARIO]",
    required=False,
    shell_complete=options.items(options.scenario_names),
)
@options.targets("Only this target; may be given again.")
@options.number(
    "--orders",
    least=2,
    text="Number of orders drawn where there are too many changes to run every subset; else 16.",
)
@options.seed
@options.form("table", "json")
@options.terminal
def diff(
    old: Path,
    new: Path,
    scenario: str | None,
    ids: tuple[str, ...],
    orders: int | None,
    seed: int | None,
    form: str,
    terminal: Terminal,
) -> None:
    """Say what two versions of a model differ in, which indicators move, and due to which change.

    Both are run under SCENARIO, or as they are written. A change counts with all variables that it
    newly needs; beyond twelve, the changes of a module count as one.
    """
    from plansim.analysis.attribution.models import ORDERS, model_difference
    from plansim.output.tables.comparison import difference_table

    before, after = model_at(old), model_at(new)
    with terminal.progress("difference.working", old=old, new=new) as progress:
        difference = model_difference(
            before,
            after,
            scenario,
            ids or None,
            orders=orders or ORDERS,
            seed=seed or 0,
            progress=progress,
        )
    terminal.answer(form, difference, lambda: difference_table(difference, after, terminal.text))


def _test_ids(context: click.Context) -> Iterable[str]:
    from plansim.analysis.validation.suite import TESTS

    return TESTS


@model.command(epilog="Example: plansim model validate Q07 Q24")
@click.argument("tests", metavar="[TEST]...", nargs=-1, shell_complete=options.items(_test_ids))
@click.option(
    "--with-reference",
    "reference",
    is_flag=True,
    help="Run every scenario by PySD, too; it takes minutes.",
)
@options.output(
    "Also write the page on all tests, with its pictures in the folder 'pictures' beside it.",
    "FILE.md",
)
@options.force
@options.form("table", "json")
@options.terminal
def validate(
    tests: tuple[str, ...],
    reference: bool,
    output: Path | None,
    force: bool,
    form: str,
    terminal: Terminal,
) -> int:
    """Test the model: all tests, Q01 to Q28, or the TESTs that are named.

    Exit codes: 0, every test that can be made here is passed; 1, one fails.
    """
    from plansim.analysis.validation.context import load_context
    from plansim.analysis.validation.result import ValidationOutcome
    from plansim.analysis.validation.suite import chosen
    from plansim.analysis.validation.suite import validate as results_of
    from plansim.output.book.validation import check_report, validation_report
    from plansim.output.tables.model import validation_table

    if output is not None:
        if tests:
            raise UsageError(Message("the page is about all tests: -o goes without any TEST"))
        check_report(output, force=force)
    wanted = chosen(tests)
    context = load_context(model_at(None), reference=reference)
    with terminal.progress("validation.working") as progress:
        results = results_of(context, wanted, progress=progress)
    if output is not None:
        with terminal.progress("validation.writing"):
            validation_report(context, results, output, lang=terminal.text.lang, force=force)
    record = {"tests": results}
    terminal.answer(form, record, lambda: validation_table(results, terminal.text))
    return int(any(result.status is ValidationOutcome.FAIL for result in results))


@model.command(epilog="Example: plansim model condition --prior -n 500 --force")
@click.argument("spec", metavar="[SPEC]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--prior",
    is_flag=True,
    help="Draw by the ranges of the constants alone, without regard to observations.",
)
@options.number("-n", "members", most=100_000, text="Number of members; else that of SPEC, or 500.")
@options.seed
@click.option(
    "--design",
    metavar="DESIGN",
    shell_complete=options.items(options.design_names),
    help="With --prior, what varies: the path or name of a sweep's design; else what "
    "conditioning.yaml says, or checks.yaml, or every single constant that has a plausible range.",
)
@options.output("Where the members go; else ensemble.csv beside the model.", "FILE.csv")
@options.force
@options.model
@options.form("table", "json")
@options.terminal
def condition(
    spec: Path | None,
    prior: bool,
    members: int | None,
    seed: int | None,
    design: str | None,
    output: Path | None,
    force: bool,
    model: Path | None,
    form: str,
    terminal: Terminal,
) -> None:
    """Draw plausible models: the members of the ensemble beside the model.

    Each member changes constants relative to the model's own values; 'plansim check' says how many
    of 100 members meet a target. Those are kept whose runs of the past fit every observation that
    SPEC names, by default conditioning.yaml beside the model; tables say what that did. Draw new
    ones with --force when equations, constants or ranges of the model have changed.
    """
    from plansim.analysis.calibration.diagnostics import diagnose
    from plansim.analysis.calibration.history_matching import condition as conditioned_by
    from plansim.analysis.calibration.prior import MEMBERS, draw_prior
    from plansim.output.tables.model import conditioning_table
    from plansim.scenario.members import FILE_NAME
    from plansim.scenario.members_file import write_members

    if prior and spec is not None:
        raise UsageError(Message("--prior takes no SPEC: it is by no observation"))
    if design is not None and not prior:
        raise UsageError(Message("--design is for --prior: SPEC says what varies"))
    read = model_at(model)
    path = output or read.path.with_name(FILE_NAME)
    check_files((path, (".csv",)), force=force)
    with terminal.progress("condition.working") as progress:
        if prior:
            made, ensemble = None, draw_prior(read, members or MEMBERS, seed=seed, design=design)
        else:
            drawn = conditioned_by(read, spec, members=members, seed=seed, progress=progress)
            made, ensemble = diagnose(read, drawn, [_judged_scenario(read)]), drawn.members
        write_members(ensemble, read, path, force=force)
    if made is not None:
        terminal.answer(form, made, lambda: conditioning_table(made, terminal.text))
    count, factors = len(ensemble), len(ensemble.factors)
    written = terminal.text("condition.written", count=count, factors=factors, path=path)
    (write if prior else remark)(written)


def _judged_scenario(model: Model) -> Scenario:
    """Return the scenario under which verdicts are compared: that on which tests are laid."""
    from plansim.analysis.checks_file import CHECKS, load_checks
    from plansim.scenario.scenario_file import as_written, read_scenario

    if not model.path.with_name(CHECKS).is_file():
        return as_written(model)
    return read_scenario(load_checks(model).scenarios.baseline, model)


@model.command(epilog="Example: plansim model document -o documentation")
@options.output("Where the pages go.", "FOLDER", default=Path("documentation"), show_default=True)
@options.force
@options.model
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), help="Write this language only; else both."
)
@click.option(
    "--sketch",
    is_flag=True,
    help="Instead of pages, write drawings that Vensim shows into the model's own file.",
)
@click.pass_context
def document(
    context: click.Context,
    output: Path,
    force: bool,
    model: Path | None,
    lang: str | None,
    sketch: bool,
) -> None:
    """Write the documentation of the model: a page per module, loops, parameters, sources.

    The pages are made from the model's file and the tables beside it. Open FOLDER/index.html; no
    network is needed.

    With --sketch the model's file gets a view a module after its equations, which stay as they are;
    --force replaces drawings that are there already.
    """
    if sketch:
        if context.get_parameter_source("output") is not ParameterSource.DEFAULT:
            raise UsageError(Message("--sketch writes into the model's file and goes without -o"))
        _write_sketch(model_at(model), terminal_for(lang), force=force)
        return
    from plansim.files.writing import check_folder
    from plansim.output.book.document import document as write_pages
    from plansim.output.words.text import Lang

    check_folder(output, force=force)
    read = model_at(model)
    terminal = terminal_for(lang)
    first = terminal.text.lang
    langs = [Lang(lang)] if lang else [first, *(other for other in Lang if other != first)]
    with terminal.progress("document.writing"):
        count = write_pages(read, output, langs=langs, force=force)
    write(terminal.text("document.written", count=count, path=output))


def _write_sketch(model: Model, terminal: Terminal, *, force: bool) -> None:
    from plansim.output.diagrams.sketch import write_sketch

    with terminal.progress("document.writing"):
        count = write_sketch(model, force=force)
    write(terminal.text("document.sketched", count=count, path=model.path))
