"""The command ``page``: a model as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    items,
    lang_option,
    model_at,
    model_option,
    page_for,
    raise_all,
    scenario_names,
    scenarios_of,
    targets_of,
    write,
)

if TYPE_CHECKING:
    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.scenario.reader import Scenario
    from plansim.targets.catalogue import Target

__all__ = ["COMMANDS"]


@click.command()
@click.argument("scenario", nargs=-1, shell_complete=items(scenario_names))
@model_option
@click.option(
    "-o",
    "--output",
    metavar="FILE.html",
    type=click.Path(path_type=Path),
    default=Path("page.html"),
    show_default=True,
    help="Where to write the page.",
)
@click.option("--force", is_flag=True, help="Replace FILE.html if it exists.")
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@lang_option
def page(
    scenario: tuple[str, ...],
    model: Path | None,
    output: Path,
    force: bool,
    show: bool,
    lang: str | None,
) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. The page can be mailed and opens from disk.
    """
    from plansim.output.export.results import check_destination

    shell = page_for(lang)
    check_destination(output, force=force, formats=(".html",))
    read = model_at(model)
    faults: list[Fault] = []
    targets = targets_of(read)
    found = _presets(scenario, read, targets, faults, whole=model is None)
    raise_all(faults)
    with shell.progress(shell.text("page.making")):
        from plansim.analysis.feedback.loop_scores import score_loops
        from plansim.analysis.feedback.loops import FILE_NAME, load_loops
        from plansim.analysis.feedback.polarity import link_signs
        from plansim.output.export.results import write_text
        from plansim.output.page.page import page as made

        signs = link_signs(read, found[0])
        declared = read.path.with_name(FILE_NAME).is_file()
        scores = score_loops(read, found[0], load_loops(read)) if declared else None
        lang_of = shell.text.lang
        text = made(read, found, targets, lang=lang_of, signs=signs, scores=scores).text
        write_text(text, output)
    write(shell.text("run.written", path=output))
    if show:
        click.launch(output.resolve().as_uri())


def _presets(
    names: Sequence[str],
    model: Model,
    targets: Sequence[Target],
    faults: list[Fault],
    *,
    whole: bool,
) -> list[Scenario]:
    """Read what is named, then, of the shipped model, what else there is; `FIRST` by default."""
    from plansim.scenario.reader import list_scenarios, read_scenario

    if not whole:
        return scenarios_of(names, (), model, targets, faults)
    heads = list_scenarios()
    roots = [head.id for head in heads if head.parent is None]
    first = list(names) or roots
    found = scenarios_of(first, (), model, targets, faults)
    known = {each.id for each in found}
    rest = [head.id for head in heads if head.id not in known]
    return [*found, *(read_scenario(each, model) for each in rest)]


COMMANDS = (page,)
