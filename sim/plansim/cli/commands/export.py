"""The command ``export``."""

from __future__ import annotations

from pathlib import Path

import click

from plansim.cli import options
from plansim.cli.context import UsageError, check_files, write
from plansim.cli.inputs import Arguments, simulated_apart
from plansim.errors import Message

__all__ = ["export"]


@click.command(epilog="Example: plansim export baseline --form iamc -o baseline.xlsx")
@options.variables("Only this variable; may be given again. Without it all that change over time.")
@click.option(
    "--form",
    type=click.Choice(["wide", "tidy", "iamc"]),
    help="Of a table: a row per variable and a column per year (wide, the default), a row per "
    "figure (tidy), or the columns of the IAMC.",
)
@options.output(
    "Figures: FILE.csv, .xlsx or .parquet. For other simulators: FILE.cin (a scenario, for "
    "Vensim) or FILE.xmile (with the model).",
    required=True,
)
@options.force
@options.scenarios(several=True, by_engine=True)
def export(
    arguments: Arguments,
    names: tuple[str, ...],
    form: str | None,
    output: Path,
    force: bool,
) -> None:
    """Write annual figures of scenarios, or a scenario, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    """
    from plansim.engine.simulator_files import FORMATS as SIMULATORS
    from plansim.engine.simulator_files import export_scenario
    from plansim.output.export.iamc import load_iamc
    from plansim.output.export.tables import TABLES
    from plansim.output.export.tables import export as write_all
    from plansim.targets.annual import annual

    terminal = arguments.terminal
    check_files((output, (*TABLES, *SIMULATORS)), force=force)
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
    inputs = arguments.read(names=names)
    runs = [annual(run) for run in simulated_apart(inputs, arguments.engine, terminal)]
    with terminal.progress("sweep.exporting"):
        write_all(
            runs,
            output,
            form=form or "wide",
            names=inputs.named,
            iamc=load_iamc(inputs.model) if form == "iamc" else None,
            force=force,
        )
    write(terminal.text("run.written", path=output))
