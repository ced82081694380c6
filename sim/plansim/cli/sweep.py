"""The commands on many runs: ``sweep``, ``replay``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plansim.cli.context import (
    UsageError,
    WholeNumber,
    constant_names,
    engine_option,
    items,
    lang_option,
    model_at,
    model_option,
    page_for,
    remark,
    scenario_names,
    simulated,
    targets_of,
    warn,
)
from plansim.errors import Message, foreign

if TYPE_CHECKING:
    from plansim.analysis.experiments.design import Design
    from plansim.model.records import Model

__all__ = ["COMMANDS", "write_text"]


def _design_names(context: click.Context) -> Iterator[str]:
    from plansim.files import shipped

    yield from (path.stem for path in sorted(shipped("scenarios", "sweeps").glob("*.yaml")))
    yield from scenario_names(context)


_result = click.argument("result", metavar="RESULT.zarr", type=click.Path(path_type=Path))


@click.command()
@click.argument("design", metavar="DESIGN", shell_complete=items(_design_names))
@click.option(
    "--factor",
    "factors",
    metavar="NAME[=LOW..HIGH]",
    multiple=True,
    shell_complete=items(constant_names),
    help="Vary a constant evenly, over its plausible range if no other is given; DESIGN is then "
    "the name of a scenario. May be given again.",
)
@click.option(
    "-n",
    "samples",
    metavar="N",
    type=WholeNumber(1),
    help="Points of a sample under each scenario, or trajectories of Morris; else as in DESIGN.",
)
@click.option("--seed", type=WholeNumber(0), help="Of the points; else as in DESIGN.")
@click.option(
    "-o",
    "--output",
    metavar="RESULT.zarr",
    type=click.Path(path_type=Path),
    help="Where every run is stored; else a folder called as the design, here.",
)
@click.option("--resume", is_flag=True, help="Go on with a result that was not finished.")
@click.option("--force", is_flag=True, help="Replace the result if there is one.")
@click.option("--threads", metavar="N", type=WholeNumber(1, 1024), help="Else one a processor.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run the blocks on the workers of a Dask scheduler, as tcp://host:8786.",
)
@model_option
@lang_option
def sweep(
    design: str,
    factors: tuple[str, ...],
    samples: int | None,
    seed: int | None,
    output: Path | None,
    resume: bool,
    force: bool,
    threads: int | None,
    scheduler: str | None,
    model: Path | None,
    lang: str | None,
) -> None:
    """Run a model many times, store every run, and say how likely each target is met.

    DESIGN is the path of a design file or the name of one that comes with plansim; docs/sweeps.md
    says what it may hold. With --factor it is a scenario. What run i gives depends on the design,
    the seed and i alone.
    """
    from plansim.analysis.experiments.store import open_store
    from plansim.analysis.experiments.sweep import sweep as run_sweep
    from plansim.output.tables.sweep import sweep_table
    from plansim.targets.catalogue import variable_of

    if resume and force:
        raise UsageError(Message("--resume keeps what is there, --force replaces it"))
    page = page_for(lang)
    read = model_at(model)
    targets = targets_of(read)
    plan = _design(design, factors, samples, seed, read)
    warn(plan.warnings)
    path = Path(f"{plan.id}.zarr") if output is None else output
    try:
        with page.progress(page.text("sweep.running")) as progress:
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
        if not path.exists():
            raise
        store = open_store(path)
        done = sum(stop - start for start, stop in map(store.span, store.done()))
        counts = {"done": f"{done:,}", "runs": f"{store.runs:,}"}
        remark(page.text("sweep.stopped", path=path, **counts))
        raise
    names = {name: variable_of(read, name).name_zh for name in map(str, summary["output"].values)}
    table = sweep_table(
        summary,
        targets,
        page.text,
        names_zh=names,
        steps=(max(each.time.step for each in plan.scenarios), read.time.step),
    )
    page.show(table)
    remark(page.text("sweep.written", runs=f"{plan.runs:,}", path=path))


def _design(
    name: str, factors: tuple[str, ...], samples: int | None, seed: int | None, model: Model
) -> Design:
    """Read a design by its path or name, or make one of factors."""
    from plansim.analysis.experiments.design_file import design_named, quick_design, read_design

    if factors:
        return quick_design(name, factors, model, samples=samples, seed=seed)
    path = design_named(name, or_scenario=True)
    return read_design(path, model, samples=samples, seed=seed)


@click.command()
@_result
@click.argument("index", type=WholeNumber(0))
@click.option(
    "-o",
    "--output",
    metavar="SCENARIO.yaml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the run as a scenario.",
)
@click.option("--force", is_flag=True, help="Replace SCENARIO.yaml if it exists.")
@engine_option
@model_option
@lang_option
def replay(
    result: Path,
    index: int,
    output: Path | None,
    force: bool,
    engine: str,
    model: Path | None,
    lang: str | None,
) -> None:
    """Run run INDEX of a sweep again, as a scenario, and hold it to what is stored."""
    from plansim.analysis.evaluator import RunStatus
    from plansim.analysis.experiments.replay import deviation, member, member_text, stored_run
    from plansim.analysis.experiments.store import open_store
    from plansim.output.tables.verdicts import verdict_table
    from plansim.targets.verdict import check_targets

    page = page_for(lang)
    store = open_store(result)
    stored = stored_run(store, index)
    read = model_at(model)
    scenario = member(store, stored, read)
    if output is not None:
        write_text(output, member_text(scenario), force=force)
        remark(page.text("sweep.scenario_written", path=output))
    if stored.status is not RunStatus.OK:
        what = {"variable": stored.failed_variable or "?", "when": stored.failed_time}
        remark(page.text("sweep.was_bad", status=stored.status.name.lower(), **what))
    targets = targets_of(read)
    dataset = simulated(read, scenario, engine, page)
    verdicts = check_targets(dataset, targets)
    table = verdict_table(
        verdicts,
        targets,
        page.text,
        titles={scenario.id: page.text.pick(scenario.title_en, scenario.title_zh)},
    )
    same = sum(stored.verdicts.get(each.id, each.status) is each.status for each in verdicts
               if each.id in stored.verdicts)  # fmt: skip
    found = page.text(
        "sweep.replayed",
        engine=dataset.attrs["engine"],
        deviation=f"{deviation(dataset, stored):.1e}",
        same=same,
        count=len(stored.verdicts),
    )
    page.show(table, found)


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Write a text to a file, UTF-8.

    Raises:
        OutputError: the file exists and ``force`` is not given, or the system refuses.
    """
    from plansim.errors import Fault, OutputError

    if path.exists() and not force:
        raise OutputError(Fault("the output file exists already; --force replaces it", path))
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(
            Fault("cannot write the output", path, found=foreign(error.strerror or error))
        ) from error


COMMANDS = (sweep, replay)
