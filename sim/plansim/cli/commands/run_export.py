"""The commands ``run`` and ``export``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, UsageError, check_files, machine, remark, write
from plansim.cli.inputs import (
    Arguments,
    Inputs,
    changes_of,
    simulated,
    simulated_apart,
    simulated_years,
)
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.output.series import Series
    from plansim.targets.annual import Annual

__all__ = ["export", "run"]


@click.command(epilog="Example: plansim run baseline accelerated-growth --variable GDP")
@options.variables("Show this variable instead of those that targets judge; may be given again.")
@options.output(
    "Also write the runs, every saved time, to FILE.nc; 'plansim export' writes tables."
)
@options.force
@options.form("table", "json")
@options.scenarios(several=True, by_engine=True)
def run(
    arguments: Arguments,
    names: tuple[str, ...],
    output: Path | None,
    force: bool,
    form: str,
) -> None:
    """Simulate SCENARIOs and show annual figures.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to run the model as it is written. Without --variable the table shows what targets
    judge, in their units; a file holds all variables.
    """
    terminal = arguments.terminal
    check_files((output, (".nc",)), force=force)
    inputs = arguments.read(names=names, find=_series_named)
    runs = [
        simulated_years(inputs.model, scenario, arguments.engine, terminal)
        for scenario in inputs.scenarios
    ]
    shown = [_shown(run, inputs) for run in runs]
    changes = [changes_of(scenario, inputs.model, terminal) for scenario in inputs.scenarios]
    if output is not None:
        from plansim.output.export.run_files import write_dataset

        chosen = list(dict.fromkeys(variable for variable, _ in inputs.named))
        dataset = simulated(inputs, arguments.engine, terminal)
        write_dataset(dataset, output, names=chosen, force=force)
    if form == "table":
        _show_tables(runs, shown, changes, inputs, terminal)
    else:
        from plansim.output.export.json_text import run_json

        remark("\n".join(changes))
        machine(run_json([(series, run.card) for series, run in zip(shown, runs, strict=True)]))
    if output is not None:
        remark(terminal.text("run.written", path=output))


def _series_named(inputs: Inputs, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the variable of a name, and its series that are meant: none for all."""
    from plansim.errors import Fault, InputError
    from plansim.model.records import VariableKind
    from plansim.targets.labels import elements_named

    try:
        variable, cells = elements_named(inputs.model, name)
    except InputError as error:
        hint = Message("a name of 'plansim list variables'")
        raise InputError(
            replace(fault, file="--variable", expected=fault.expected or hint)
            for fault in error.faults
        ) from None
    if variable.kind is VariableKind.LOOKUP:
        message = Message(
            "'{name}' is a lookup table: it has no value over time", name=variable.name
        )
        raise InputError(Fault(message, inputs.model.path, variable.line))
    return variable.name, tuple(f"{variable.name}[{cell}]" for cell in cells)


def _shown(run: Annual, inputs: Inputs) -> list[Series]:
    """Return the series of a run that are asked for, else those that targets judge."""
    from plansim.output.series import as_judged, judged_series, rows_of

    wanted: dict[str, set[str]] = {}
    for variable, labels in inputs.named:
        wanted.setdefault(variable, set()).update(labels)
    moving = [name for name, variable in run.variables.items() if variable.moves]
    series = [
        row
        for row in rows_of(run, wanted or moving)
        if row.name in (wanted.get(row.name.partition("[")[0]) or {row.name})
    ]
    # A model that the targets do not know shows all that moves.
    return (not wanted and judged_series(series, inputs.targets)) or list(
        as_judged(series, inputs.targets)
    )


def _show_tables(
    runs: list[Annual],
    shown: list[list[Series]],
    changes: list[str],
    inputs: Inputs,
    terminal: Terminal,
) -> None:
    from plansim.model.records import Timing
    from plansim.output.tables.layout import lines
    from plansim.output.tables.runs import series_table

    first = sorted({target.year for target in inputs.targets if target.year is not None})
    for run, series, head in zip(runs, shown, changes, strict=True):
        table = series_table(series, run.years, terminal.text, first=first)
        yearly = any(v.timing is Timing.YEAR_END for v in inputs.model.variables.values())
        timing = terminal.text("run.timing" if yearly else "run.moments")
        terminal.show(head, lines([table, timing] if run is runs[-1] else [table]))


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
    from plansim.output.export.run_files import TABLES, load_iamc
    from plansim.output.export.run_files import export as write_all
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
