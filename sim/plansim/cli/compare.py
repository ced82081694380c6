"""The commands that show scenarios side by side: ``compare``, ``page``, ``export``."""

from __future__ import annotations

from pathlib import Path

import click

from plansim.cli.context import (
    Arguments,
    UsageError,
    check_files,
    note_misfit,
    simulated_apart,
    write,
)
from plansim.cli.options import (
    SWEEP,
    force_option,
    output_option,
    scenario_options,
    variable_option,
)
from plansim.errors import Message

__all__ = ["compare", "export", "page"]


@click.command(
    epilog="Example: plansim compare baseline accelerated-growth -o report.docx",
)
@output_option("Write a report: FILE.html, .docx, .xlsx or .pdf.")
@force_option
@click.option(
    "--sweep",
    metavar="RESULT.zarr",
    type=click.Path(path_type=Path),
    help="Add what this sweep says of the same scenarios: bands, and shares of runs.",
)
@click.option(
    "--no-remedies", is_flag=True, help="Leave out the search for remedies of targets that fail."
)
@click.option("--full", is_flag=True, help="Show the whole report, not one page.")
@scenario_options(several=True, required=True, engine=True)
def compare(
    arguments: Arguments,
    output: Path | None,
    force: bool,
    full: bool,
    sweep: Path | None,
    no_remedies: bool,
) -> None:
    """Hold scenarios against the first of them: verdicts, differences, causes, remedies.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; two or more. --set lays a
    value over every one of them.
    """
    from plansim.analysis.comparison import compare as comparison_of
    from plansim.analysis.comparison import read_spread
    from plansim.output.report.comparison import comparison_report
    from plansim.output.report.file import FORMATS, write_report
    from plansim.output.report.terminal import terminal_text
    from plansim.output.tables.comparison import comparison_table

    terminal = arguments.terminal
    if len(arguments.scenarios) < 2:
        raise UsageError(Message("a comparison needs two scenarios or more."))
    check_files((output, FORMATS), force=force)
    inputs = arguments.read()
    note_misfit(inputs.model, terminal)
    with terminal.progress(terminal.text("report.searching")) as progress:
        comparison = comparison_of(
            inputs.model,
            inputs.scenarios,
            inputs.targets,
            spread=None if sweep is None else read_spread(sweep, inputs.model),
            remedies=not no_remedies,
            engine=arguments.engine,
            progress=progress,
        )
    if output is None:
        if full:
            terminal.show(terminal_text(comparison_report(comparison, terminal.text)))
        else:
            terminal.show(
                comparison_table(comparison, terminal.text), terminal.text("report.hint_full")
            )
        return
    with terminal.progress(terminal.text("report.writing")):
        write_report(comparison_report(comparison, terminal.text), output, force=force)
    write(terminal.text("run.written", path=output))


@click.command(epilog="Example: plansim page baseline accelerated-growth -o city.html --open")
@output_option(
    "Where to write the page.", "FILE.html", default=Path("page.html"), show_default=True
)
@force_option
@click.option("--open", "show", is_flag=True, help="Open the page in the browser.")
@scenario_options(several=True, settings=False)
def page(
    arguments: Arguments,
    output: Path,
    force: bool,
    show: bool,
) -> None:
    """Make a web page that is the model: sliders, charts and verdicts, without a network.

    The first two SCENARIOs are compared when the page opens; of the shipped model all others can be
    picked, too. The page can be mailed and opens from disk.
    """
    from plansim.files.writing import write_text
    from plansim.output.page.page import make_page
    from plansim.scenario.scenario_file import shipped_overlays, with_shipped

    terminal = arguments.terminal
    check_files((output, (".html",)), force=force)
    inputs = arguments.read(whole=True)
    scenarios = with_shipped(inputs.scenarios if arguments.scenarios else (), inputs.model)
    with terminal.progress(terminal.text("page.making")):
        made = make_page(
            inputs.model,
            scenarios,
            inputs.targets,
            overlays=shipped_overlays(inputs.model),
            lang=terminal.text.lang,
        )
        write_text(made.text, output, force=force)
    write(terminal.text("run.written", path=output))
    if show:
        click.launch(output.resolve().as_uri())


@click.command(epilog="Example: plansim export baseline --form iamc -o baseline.xlsx")
@variable_option("Only this variable; may be given again. Without it all that change over time.")
@click.option(
    "--form",
    type=click.Choice(["wide", "tidy", "iamc"]),
    help="Of a table: a row a variable and a column a year (wide, the default), a row a figure "
    "(tidy), or the columns of the IAMC.",
)
@output_option(
    "Figures: FILE.csv, .xlsx, .parquet or .nc (CF), of a sweep FILE.csv or .parquet. For other "
    "simulators: FILE.cin (a scenario, for Vensim) or FILE.xmile (with the model).",
    required=True,
)
@force_option
@scenario_options(several=True, engine=True, metavar="SCENARIO...|RESULT.zarr")
def export(
    arguments: Arguments,
    names: tuple[str, ...],
    form: str | None,
    output: Path,
    force: bool,
) -> None:
    """Write annual figures of scenarios, the runs of a sweep, or a scenario, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    RESULT.zarr is the result of a sweep, of which each run is a row.
    """
    from plansim.engine.simulator_files import FORMATS as SIMULATORS
    from plansim.engine.simulator_files import export_scenario
    from plansim.output.export.iamc import load_iamc
    from plansim.output.export.results import FORMATS
    from plansim.output.export.tables import export as write_all
    from plansim.targets.annual import annual
    from plansim.targets.catalogue import plan_region

    terminal = arguments.terminal
    if any(name.endswith(SWEEP) for name in arguments.scenarios):
        others = (arguments.overrides, arguments.overlays, names, form, arguments.model)
        if len(arguments.scenarios) > 1 or any(others):
            raise UsageError(
                Message(
                    "a RESULT.zarr is exported whole and alone, without --set, --with, --variable, "
                    "--form or --model."
                )
            )
        with terminal.progress(terminal.text("sweep.exporting")):
            count = write_all(arguments.scenarios[0], output, force=force)
        write(terminal.text("sweep.exported", runs=f"{count:,}", path=output))
        return
    check_files((output, (*FORMATS, *SIMULATORS)), force=force)
    if output.suffix.lower() in SIMULATORS:
        if len(arguments.scenarios) != 1 or names or form:
            raise UsageError(
                Message(
                    "a {suffix} file holds one scenario, without --variable or --form.",
                    suffix=output.suffix,
                )
            )
        inputs = arguments.read()
        export_scenario(inputs.model, inputs.scenarios[0], output, force=force)
        write(terminal.text("run.written", path=output))
        return
    if form is not None and output.suffix.lower() == ".nc":
        raise UsageError(Message("--form is for tables; a NetCDF file holds arrays."))
    inputs = arguments.read(names=names)
    runs = [annual(run) for run in simulated_apart(inputs, arguments.engine, terminal)]
    with terminal.progress(terminal.text("sweep.exporting")):
        write_all(
            runs,
            output,
            form=form or "wide",
            names=inputs.named,
            region=plan_region(inputs.model),
            iamc=load_iamc(inputs.model) if form == "iamc" else None,
            force=force,
        )
    write(terminal.text("run.written", path=output))
