"""The command ``run``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, check_files, machine, remark
from plansim.cli.inputs import Arguments, Inputs, changes_of, simulated, simulated_years
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.output.series import Series
    from plansim.targets.annual import Annual

__all__ = ["run"]


@click.command(epilog="Example: plansim run baseline accelerated-growth --variable GDP")
@options.variables("Show this variable instead of those that targets judge; may be given again.")
@options.output("Also write the runs, every saved time, to FILE.nc.")
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
        from plansim.output.export.tables import write_dataset

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
