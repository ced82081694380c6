"""The commands ``run`` and ``export``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, display, machine, remark, working, write
from plansim.cli.help import command
from plansim.cli.inputs import Arguments, Inputs, changes_of
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.output.series import Series
    from plansim.targets.annual import Annual

__all__ = ["export", "run"]


@command(epilog="Example: plansim run baseline accelerated-growth --variable GDP")
@options.variables("Show this variable instead of those that targets judge; may be given again.")
@options.output(
    "Also write the runs, every saved time, to FILE.nc; 'plansim export' writes tables.", ".nc"
)
@options.force
@options.form("table", "json")
@options.scenarios(several=True, by_engine=True)
def run(asked: Arguments, names: Sequence[str]) -> None:
    """Simulate SCENARIOs and show annual figures.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; with --model it may be
    left out, to run the model as it is written. Without --variable the table shows what targets
    judge, in their units; a file holds all variables.
    """
    inputs = asked.read(names)
    runs = asked.years(inputs)
    shown = [_shown(run, inputs) for run in runs]
    changes = [changes_of(scenario, inputs.model, asked.text) for scenario in inputs.scenarios]
    if asked.output is not None:
        from plansim.output.export.export import write_dataset

        several = inputs.scenario if len(inputs.scenarios) == 1 else inputs.scenarios
        dataset = plansim.simulate(inputs.model, several, engine=asked.engine)
        write_dataset(dataset, asked.output, names=inputs.series, force=asked.force)
    if asked.form == "table":
        _show_tables(runs, shown, changes, inputs, asked)
    else:
        from plansim.output.export.json_text import run_json

        remark("\n".join(changes))
        machine(run_json([(series, run.card) for series, run in zip(shown, runs, strict=True)]))
    if asked.output is not None:
        remark(asked.text("run.written", path=asked.output))


def _shown(run: Annual, inputs: Inputs) -> list[Series]:
    """Return the series of a run that are asked for, else those that targets judge."""
    from plansim.output.series import as_judged, is_named, judged_series, rows_of
    from plansim.targets.target import split_reference

    if inputs.named:
        rows = rows_of(run, inputs.variables)
        wanted = [row for row in rows if is_named(*split_reference(row.name), inputs.series)]
        return list(as_judged(wanted, inputs.targets))
    series = list(rows_of(run, (name for name, one in run.variables.items() if one.moves)))
    # A model that the targets do not know shows all that moves.
    return judged_series(series, inputs.targets) or list(as_judged(series, inputs.targets))


def _show_tables(
    runs: Sequence[Annual],
    shown: Sequence[Sequence[Series]],
    changes: Sequence[str],
    inputs: Inputs,
    asked: Arguments,
) -> None:
    from plansim.output.tables.layout import lines
    from plansim.output.tables.runs import series_table

    first = sorted({target.year for target in inputs.targets if target.year is not None})
    timing = asked.text("run.timing" if inputs.model.centred else "run.moments")
    for run, series, head in zip(runs, shown, changes, strict=True):
        table = series_table(series, run.years, asked.text, first=first)
        display(head, lines([table, timing] if run is runs[-1] else [table]))


@command(epilog="Example: plansim export baseline --form iamc -o baseline.xlsx")
@options.variables("Only this variable; may be given again. Without it all that change over time.")
@click.option(
    "--form",
    "columns",
    type=click.Choice(["wide", "tidy", "iamc"]),
    help="Form of a table: a row per variable and a column per year (wide, the default), a row per "
    "figure (tidy), or the columns of the IAMC.",
)
@options.output(
    "Figures: FILE.csv, .xlsx or .parquet. For other simulators: FILE.cin (a scenario, for "
    "Vensim) or FILE.xmile (with the model).",
    *(".csv", ".parquet", ".xlsx", ".cin", ".xmile"),
    required=True,
)
@options.force
@options.scenarios(several=True, by_engine=True)
def export(asked: Arguments, names: Sequence[str], columns: str | None) -> None:
    """Write annual figures of scenarios, or a scenario, for other programs.

    SCENARIO is the name of a shipped scenario or the path of a YAML file; several go into one file.
    """
    from plansim.engine.simulator_files import FORMATS as SIMULATORS
    from plansim.engine.simulator_files import export_scenario
    from plansim.output.export.iamc import load_iamc

    assert asked.output is not None
    suffix = asked.output.suffix
    if suffix.lower() in SIMULATORS:
        if len(asked.scenarios) != 1 or names or columns:
            raise UsageError(
                Message(
                    "a {suffix} file holds one scenario, without --variable or --form.",
                    suffix=suffix,
                )
            )
        inputs = asked.read()
        export_scenario(inputs.model, inputs.scenario, asked.output, force=asked.force)
    else:
        inputs = asked.read(names)
        runs = [plansim.annual(run) for run in asked.runs(inputs)]
        with working(asked.text, "sweep.exporting"):
            plansim.export(
                runs,
                asked.output,
                form=columns or "wide",
                names=inputs.series,
                iamc=load_iamc(inputs.model) if columns == "iamc" else None,
                force=asked.force,
            )
    write(asked.text("run.written", path=asked.output))
