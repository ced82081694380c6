"""The commands on many runs: ``sweep``, ``replay``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli import options
from plansim.cli.context import Terminal, UsageError, remark, warn
from plansim.cli.inputs import read_inputs
from plansim.errors import Message

if TYPE_CHECKING:
    from plansim.analysis.experiments.design import Design
    from plansim.cli.context import Terminal
    from plansim.model.records import Model

__all__ = ["replay", "sweep"]


def _designs_and_scenarios(context: click.Context) -> Iterator[str]:
    yield from options.design_names(context)
    yield from options.scenario_names(context)


@click.command(epilog="Example: plansim sweep growth-investment -n 4096 -o growth.zarr")
@click.argument(
    "design",
    metavar="[DESIGN]",
    required=False,
    shell_complete=options.items(_designs_and_scenarios),
)
@options.names(
    "--factor",
    "factors",
    options.constant_names,
    "Vary a constant evenly, over its plausible range if no other is given; DESIGN is then "
    "the name of a scenario, and with --model may be left out. May be given again.",
    "NAME[=LOW..HIGH]",
)
@options.overlays
@options.number(
    "-n",
    "samples",
    text="Points of a sample under each scenario, or trajectories of Morris; else as in DESIGN.",
)
@options.seed
@options.output(
    "Where every run is stored; else a folder called as the design, here.", "RESULT.zarr"
)
@click.option("--resume", is_flag=True, help="Go on with a result that was not finished.")
@options.force
@options.threads
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run the blocks on the workers of a Dask scheduler, as tcp://host:8786.",
)
@options.model
@options.terminal
def sweep(
    design: str | None,
    factors: tuple[str, ...],
    overlays: tuple[str, ...],
    samples: int | None,
    seed: int | None,
    output: Path | None,
    resume: bool,
    force: bool,
    threads: int | None,
    scheduler: str | None,
    model: Path | None,
    terminal: Terminal,
) -> None:
    """Run a model many times, store every run, and say how likely each target is met.

    DESIGN is the path of a design file or the name of one that comes with plansim;
    docs/topics/sweeps.md says what it may hold. With --factor it is a scenario. What run i gives
    depends on the design, the seed and i alone.
    """
    from plansim.analysis.experiments.sweep import run_sweep
    from plansim.output.tables.runs import sweep_table
    from plansim.targets.target import variable_of

    if resume and force:
        raise UsageError(Message("--resume keeps what is there, --force replaces it"))
    inputs = read_inputs((), model, whole=True)
    read, targets = inputs.model, inputs.targets
    plan = _design(design, factors, overlays, samples, seed, read)
    warn(plan.warnings)
    path = Path(f"{plan.id}.zarr") if output is None else output
    try:
        with terminal.progress("sweep.running") as progress:
            summary = run_sweep(
                plan,
                read,
                targets,
                path,
                resume=resume,
                force=force,
                threads=threads,
                scheduler=scheduler,
                progress=progress,
            )
    except KeyboardInterrupt:
        if path.exists():
            _say_stopped(path, terminal)
        raise
    names = {name: variable_of(read, name).name_zh for name in map(str, summary["output"].values)}
    table = sweep_table(
        summary,
        targets,
        terminal.text,
        names_zh=names,
        steps=(max(scenario.time.step for scenario in plan.scenarios), read.time.step),
    )
    terminal.show(table)
    remark(terminal.text("sweep.written", runs=f"{plan.runs:,}", path=path))


def _say_stopped(path: Path, terminal: Terminal) -> None:
    from plansim.analysis.experiments.store import open_store

    store = open_store(path)
    done, runs = f"{store.made():,}", f"{store.runs:,}"
    remark(terminal.text("sweep.stopped", path=path, done=done, runs=runs))


def _verify(result: Path, terminal: Terminal) -> None:
    from plansim.analysis.experiments.store import verify

    store = verify(result)
    done, runs = f"{store.made():,}", f"{store.runs:,}"
    terminal.show(terminal.text("sweep.verified", path=result, done=done, runs=runs))


def _design(
    name: str | None,
    factors: tuple[str, ...],
    overlays: tuple[str, ...],
    samples: int | None,
    seed: int | None,
    model: Model,
) -> Design:
    """Read a design by its path or name, or make one of factors."""
    from plansim.analysis.experiments.design_file import quick_design, read_design

    if name is None and not factors:
        raise UsageError(Message("what varies is missing: a DESIGN, or --factor NAME=LOW..HIGH"))
    if factors:
        return quick_design(name, factors, model, samples=samples, seed=seed, overlays=overlays)
    assert name is not None
    return read_design(name, model, samples=samples, seed=seed, overlays=overlays)


@click.command(epilog="Example: plansim replay growth.zarr 17 -o run-17.yaml")
@click.argument("result", metavar="RESULT.zarr", type=click.Path(path_type=Path))
@click.argument("index", type=options.WholeNumber(0), required=False)
@click.option("--verify", is_flag=True, help="Check every stored number against its checksum.")
@options.output("Also write the run as a scenario.", "SCENARIO.yaml")
@options.force
@options.engine
@options.model
@options.terminal
def replay(
    result: Path,
    index: int | None,
    verify: bool,
    output: Path | None,
    force: bool,
    engine: str,
    model: Path | None,
    terminal: Terminal,
) -> None:
    """Repeat run INDEX of a sweep and compare it with the stored result."""
    if verify:
        _verify(result, terminal)
        if index is None:
            return
    if index is None:
        raise UsageError(Message("Missing argument 'INDEX'; --verify checks the whole result"))
    from plansim.analysis.evaluator import RunStatus
    from plansim.analysis.experiments.replay import replay as replay_of
    from plansim.analysis.experiments.replay import run_scenario_text, stored_run
    from plansim.files.writing import write_text
    from plansim.output.tables.verdicts import verdict_table

    inputs = read_inputs((), model, whole=True)
    stored, scenario = stored_run(result, index, inputs.model)
    if output is not None:
        write_text(run_scenario_text(scenario), output, force=force)
        remark(terminal.text("sweep.scenario_written", path=output))
    if status := RunStatus(int(stored["status"])):
        place, names = int(stored["bad_variable"]), stored["bad_variable"].attrs["names"]
        what = {"variable": names[place] if place >= 0 else "?", "when": float(stored["bad_time"])}
        remark(terminal.text("sweep.was_bad", status=status.name.lower(), **what))
    with terminal.progress("run.simulating", scenario=scenario.id):
        run = replay_of(result, index, inputs.model, inputs.targets, engine=engine)
    table = verdict_table(
        run.verdicts,
        inputs.targets,
        terminal.text,
        titles={scenario.id: terminal.text.pick(scenario.title_en, scenario.title_zh)},
    )
    comparison = terminal.text(
        "sweep.replayed",
        engine=run.dataset.attrs["engine"],
        deviation=f"{run.deviation:.1e}",
        same=run.same,
        count=stored.sizes["target"],
    )
    terminal.show(table, comparison)
