"""The commands on many runs: ``sweep``, ``replay``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import plansim
from plansim.cli import options
from plansim.cli.context import UsageError, display, remark, warn, working
from plansim.cli.help import command
from plansim.cli.inputs import Arguments
from plansim.errors import Message

__all__ = ["replay", "sweep"]


def _designs_and_scenarios(context: click.Context) -> Iterator[str]:
    yield from options.design_names(context)
    yield from options.scenario_names(context)


@command(epilog="Example: plansim sweep growth-investment -n 4096 -o growth.zarr")
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
    "Where every run is stored; else a folder here, named as the design.", metavar="RESULT.zarr"
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
def sweep(
    asked: Arguments,
    design: str | None,
    factors: tuple[str, ...],
    samples: int | None,
    seed: int | None,
    resume: bool,
    scheduler: str | None,
) -> None:
    """Run a model many times, store every run, and say how often each target is met.

    DESIGN is the path of a design file or the name of one that comes with plansim;
    docs/topics/sweeps.md says what it may hold. With --factor it is a scenario. What run i gives
    depends on the design, the seed and i alone.
    """
    from plansim.analysis.experiments.store import open_store, open_summary
    from plansim.output.tables.runs import sweep_table
    from plansim.targets.target import variable_of

    if resume and asked.force:
        raise UsageError(Message("--resume keeps what is there, --force replaces it"))
    inputs = replace(asked, overlays=()).read(whole=True)
    model = inputs.model
    drawn: dict[str, Any] = {"samples": samples, "seed": seed, "overlays": asked.overlays}
    if factors:
        plan = plansim.quick_design(design, factors, model, **drawn)
    elif design is not None:
        plan = plansim.read_design(design, model, **drawn)
    else:
        raise UsageError(Message("what varies is missing: a DESIGN, or --factor NAME=LOW..HIGH"))
    warn(plan.warnings)
    path = asked.output or Path(f"{plan.id}.zarr")
    try:
        asked.study(
            "sweep.running",
            plansim.sweep,
            model,
            plan,
            path,
            targets=inputs.targets,
            resume=resume,
            force=asked.force,
            scheduler=scheduler,
        )
    except KeyboardInterrupt:
        if path.exists():
            store = open_store(path)
            done, runs = f"{store.made():,}", f"{store.runs:,}"
            remark(asked.text("sweep.stopped", path=path, done=done, runs=runs))
        raise
    summary = open_summary(path)
    names = {name: variable_of(model, name).name_zh for name in map(str, summary["output"].values)}
    steps = max(scenario.time.step for scenario in plan.scenarios), model.time.step
    table = sweep_table(summary, inputs.targets, asked.text, names_zh=names, steps=steps)
    display(table)
    remark(asked.text("sweep.written", runs=f"{plan.runs:,}", path=path))


@command(epilog="Example: plansim replay growth.zarr 17 -o run-17.yaml")
@click.argument("result", metavar="RESULT.zarr", type=click.Path(path_type=Path))
@click.argument("index", type=options.WholeNumber(0), required=False)
@click.option("--verify", is_flag=True, help="Check every stored number against its checksum.")
@options.output("Also write the run as a scenario.", metavar="SCENARIO.yaml")
@options.force
@options.engine
@options.model
def replay(asked: Arguments, result: Path, index: int | None, verify: bool) -> None:
    """Repeat run INDEX of a sweep and compare it with the stored result."""
    if verify:
        from plansim.analysis.experiments.store import verify as verified

        store = verified(result)
        done, runs = f"{store.made():,}", f"{store.runs:,}"
        display(asked.text("sweep.verified", path=result, done=done, runs=runs))
        if index is None:
            return
    if index is None:
        raise UsageError(Message("Missing argument 'INDEX'; --verify checks the whole result"))
    from plansim.analysis.evaluator import RunStatus
    from plansim.analysis.experiments.replay import run_scenario_text, stored_run
    from plansim.files.writing import write_text
    from plansim.output.tables.verdicts import verdict_table

    inputs = asked.read(whole=True)
    stored, scenario = stored_run(result, index, inputs.model)
    if asked.output is not None:
        write_text(run_scenario_text(scenario), asked.output, force=asked.force)
        remark(asked.text("sweep.scenario_written", path=asked.output))
    if status := RunStatus(int(stored["status"])):
        place, names = int(stored["bad_variable"]), stored["bad_variable"].attrs["names"]
        what = {"variable": names[place] if place >= 0 else "?", "when": float(stored["bad_time"])}
        remark(asked.text("sweep.was_bad", status=status.name.lower(), **what))
    with working(asked.text, "run.simulating", scenario=scenario.id):
        run = plansim.replay(result, index, inputs.model, inputs.targets, engine=asked.engine)
    titles = {scenario.id: asked.text.title(scenario)}
    table = verdict_table(run.verdicts, inputs.targets, asked.text, titles=titles)
    comparison = asked.text(
        "sweep.replayed",
        engine=run.dataset.attrs["engine"],
        deviation=f"{run.deviation:.1e}",
        same=run.same,
        count=stored.sizes["target"],
    )
    display(table, comparison)
