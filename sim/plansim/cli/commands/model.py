"""The group ``plansim model``: the model and its plan themselves, tested, fitted, documented."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, remark, working, write
from plansim.cli.help import CommandGroup
from plansim.cli.inputs import Arguments
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.model.records import Model
    from plansim.scenario.scenario_file import Scenario

__all__ = ["model"]

NEXT = ("plansim check baseline more-saving", "plansim model validate")
"""Commands by which one goes on in the folder of a new city."""

model = CommandGroup(
    "model",
    help="Look at the model and the plan themselves: audit, test, document and compare them.",
    epilog="Example: plansim model validate Q07",
)


@model.command(epilog="Example: plansim model new riverside --name Riverside")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the city; else that of the folder.")
def new(asked: Arguments, folder: Path, name: str | None) -> None:
    """Write a small city into the new or empty folder DIR, to start a model of your own from.

    It has a model, targets, scenarios and sources, all invented, and passes 'plansim check' and
    'plansim model validate'. Commands that are run in a folder with model/ and scenarios/ are about
    the city there.
    """
    write(asked.text("city.written", model=plansim.new_city(folder, name)))
    for command in (shlex.join(["cd", str(folder)]), *NEXT):
        write(f"  {command}")


@model.command(epilog="Example: plansim model audit")
@options.form("table", "json")
def audit(asked: Arguments) -> None:
    """Recompute where the plan's own figures disagree, and say what the model does about it."""
    from plansim.output.describe import clash_facts
    from plansim.output.tables.layout import blocks, facts

    clashes = plansim.audit()
    title = asked.text("audit.title", count=len(clashes))
    sheets = (facts(clash_facts(clash, asked.text, figures=False)) for clash in clashes)
    asked.answer(clashes, lambda: blocks([title, *sheets]))


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
    default=16,
    text="Number of orders drawn where there are too many changes to run every subset.",
)
@options.seed
@options.form("table", "json")
def diff(
    asked: Arguments,
    old: Path,
    new: Path,
    scenario: str | None,
    ids: tuple[str, ...],
    orders: int,
    seed: int | None,
) -> None:
    """Say what two versions of a model differ in, which indicators move, and due to which change.

    Both are run under SCENARIO, or as they are written. A change counts with all variables that it
    newly needs; beyond twelve, the changes of a module count as one.
    """
    from plansim.output.tables.comparison import difference_table

    before, after = asked.load_model(old), asked.load_model(new)
    with working(asked.text, "difference.working", old=old, new=new) as progress:
        difference = plansim.model_difference(
            before,
            after,
            scenario,
            ids or None,
            orders=orders,
            seed=seed or 0,
            progress=progress,
        )
    asked.answer(difference, lambda: difference_table(difference, after, asked.text))


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
    metavar="FILE.md",
)
@options.force
@options.form("table", "json")
def validate(asked: Arguments, tests: tuple[str, ...], reference: bool) -> int:
    """Test the model: all tests, or the TESTs that are named.

    Exit codes: 0, every test that can be made here is passed; 1, one fails.
    """
    from plansim.analysis.validation.result import ValidationOutcome
    from plansim.analysis.validation.suite import chosen
    from plansim.output.documentation.validation import check_report
    from plansim.output.tables.validation import validation_table

    if asked.output is not None:
        if tests:
            raise UsageError(Message("the page is about all tests: -o goes without any TEST"))
        check_report(asked.output, force=asked.force)
    wanted = chosen(tests)
    context = plansim.load_context(asked.load_model(), reference=reference)
    with working(asked.text, "validation.working") as progress:
        results = plansim.validate(context, wanted, progress=progress)
    if asked.output is not None:
        with working(asked.text, "validation.writing"):
            plansim.validation_report(
                context, results, asked.output, lang=asked.text.lang, force=asked.force
            )
    printed = replace(asked, output=None)  # it is the page
    printed.answer({"tests": results}, lambda: validation_table(results, asked.text))
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
@options.output("Where the members go; else ensemble.csv beside the model.", metavar="FILE.csv")
@options.force
@options.model
@options.form("table", "json")
def condition(
    asked: Arguments,
    spec: Path | None,
    prior: bool,
    members: int | None,
    seed: int | None,
    design: str | None,
) -> None:
    """Draw plausible models: the members of the ensemble beside the model.

    Each member changes constants relative to the model's own values; 'plansim check' says how many
    of 100 members meet a target. Those are kept whose runs of the past fit every observation that
    SPEC names, by default conditioning.yaml beside the model; tables say what that did. Draw new
    ones with --force when equations, constants or ranges of the model have changed.
    """
    from plansim.analysis.calibration.prior import MEMBERS
    from plansim.files.writing import check_destination
    from plansim.output.tables.conditioning import conditioning_table
    from plansim.scenario.members import FILE_NAME

    if prior and spec is not None:
        raise UsageError(Message("--prior takes no SPEC: it is by no observation"))
    if design is not None and not prior:
        raise UsageError(Message("--design is for --prior: SPEC says what varies"))
    read = asked.load_model()
    path = asked.output or read.path.with_name(FILE_NAME)
    check_destination(path, force=asked.force, formats=[".csv"])
    with working(asked.text, "condition.working") as progress:
        if prior:
            made = None
            ensemble = plansim.draw_prior(read, members or MEMBERS, seed=seed, design=design)
        else:
            drawn = plansim.condition(read, spec, members=members, seed=seed, progress=progress)
            made, ensemble = plansim.diagnose(read, drawn, [_judged_scenario(read)]), drawn.members
        plansim.write_members(ensemble, read, path, force=asked.force)
    count, factors = len(ensemble), len(ensemble.factors)
    written = asked.text("condition.written", count=count, factors=factors, path=path)
    printed = replace(asked, output=None)  # it has the members
    if made is None:
        drawn_only = {"members": count, "factors": factors, "file": str(path)}
        printed.answer(drawn_only, lambda: written)
        return
    printed.answer(made, lambda: conditioning_table(made, asked.text))
    remark(written)


def _judged_scenario(model: Model) -> Scenario:
    """Return the scenario under which verdicts are compared: that on which tests are laid."""
    from plansim.analysis.checks_form import CHECKS, load_checks

    if not model.path.with_name(CHECKS).is_file():
        return plansim.as_written(model)
    return plansim.read_scenario(load_checks(model).scenarios.baseline, model)


@model.command(epilog="Example: plansim model document -o documentation")
@options.output(
    "Where the pages go.", metavar="FOLDER", default=Path("documentation"), show_default=True
)
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
def document(context: click.Context, asked: Arguments, lang: str | None, sketch: bool) -> None:
    """Write the documentation of the model: a page per module, loops, parameters, sources.

    The pages are made from the model's file and the tables beside it. Open FOLDER/index.html; no
    network is needed.

    With --sketch the model's file gets a view a module after its equations, which stay as they are;
    --force replaces drawings that are there already.
    """
    from plansim.files.writing import check_folder
    from plansim.output.words.text import Lang

    assert asked.output is not None
    if sketch:
        if context.get_parameter_source("output") is not ParameterSource.DEFAULT:
            raise UsageError(Message("--sketch writes into the model's file and goes without -o"))
        read = asked.load_model()
        with working(asked.text, "document.writing"):
            count = plansim.write_sketch(read, force=asked.force)
        write(asked.text("document.sketched", count=count, path=read.path))
        return
    check_folder(asked.output, force=asked.force)
    read, first = asked.load_model(), asked.text.lang
    langs = [Lang(lang)] if lang else [first, *(other for other in Lang if other != first)]
    with working(asked.text, "document.writing"):
        count = plansim.document(read, asked.output, langs=langs, force=asked.force)
    write(asked.text("document.written", count=count, path=asked.output))
