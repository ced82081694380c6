"""What a command line asks for: its shared options, and what is read and run by them.

Whatever is imported from the package is imported inside the functions, so that ``--help`` and
completion are quick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from plansim.cli.context import UsageError, current_text, display, machine, remark, warn, working
from plansim.errors import InputError, Message, Option

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure
    from rich.console import RenderableType

    from plansim.errors import Fault
    from plansim.model.records import Model
    from plansim.output.words.text import Text
    from plansim.scenario.scenario_file import Scenario
    from plansim.targets.annual import Annual
    from plansim.targets.target import Target

__all__ = ["Arguments", "Inputs", "changes_of", "note_misfit"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Inputs:
    """What a command reads before it begins to work."""

    model: Model
    targets: tuple[Target, ...]
    given: tuple[Scenario, ...]
    """The scenarios that are named, each once, in the order of the line."""
    named: tuple[Any, ...] = ()
    """What ``find`` made of the names of variables or targets, each once."""

    @property
    def scenarios(self) -> tuple[Scenario, ...]:
        """The scenarios that are named; the model as it is written where none is."""
        from plansim.scenario.scenario_file import as_written

        return self.given or (as_written(self.model),)

    @property
    def scenario(self) -> Scenario:
        """The first of them."""
        return self.scenarios[0]

    @property
    def about(self) -> Scenario | None:
        """The first scenario that is named, if any is."""
        return next(iter(self.given), None)

    @property
    def variables(self) -> list[str]:
        """The variables that are named by ``--variable``, each once."""
        return list(dict.fromkeys(variable for variable, _ in self.named))

    @property
    def series(self) -> list[str]:
        """What is named by ``--variable``: whole variables, or elements as ``name[element]``."""
        return list(dict.fromkeys(s for name, cells in self.named for s in cells or [name]))

    @property
    def ids(self) -> list[str] | None:
        """The ids of the targets that are named, if any is."""
        return [target.id for target in self.named] or None


def _series(inputs: Inputs, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the variable of ``--variable``, and its series that are meant: none for all.

    Raises:
        InputError: there is no such variable or element, or it has no value over time.
    """
    from plansim.model.records import VariableKind
    from plansim.targets.labels import elements_named

    try:
        variable, cells = elements_named(inputs.model, name)
    except InputError as error:
        raise InputError(replace(fault, file="--variable") for fault in error.faults) from None
    if variable.kind is VariableKind.LOOKUP:
        raise InputError(
            "'{name}' is a lookup table: it has no value over time",
            inputs.model.path,
            variable.line,
            name=variable.name,
        )
    return variable.name, tuple(f"{variable.name}[{cell}]" for cell in cells)


def _target(inputs: Inputs, name: str) -> Target:
    """Return the target of an id or name, in either language."""
    from plansim.targets.target import target_named

    return target_named(name, inputs.targets)


@dataclass(frozen=True)
class Arguments:
    """What a command line says by options that several commands have, by their names."""

    text: Text
    """The phrases in the language of the output."""
    scenarios: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    model: Path | None = None
    """None for the shipped one."""
    strict_units: bool = False
    data: tuple[Path, ...] = ()
    engine: str = "compiled"
    threads: int | None = None
    output: Path | None = None
    picture: Path | None = None
    force: bool = False
    form: str = "table"

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> Arguments:
        """Take the shared options out of all those of a command."""
        shared = {one.name: options.pop(one.name) for one in fields(cls) if one.name in options}
        named = shared.pop("scenarios", None) or ()
        scenarios = (named,) if isinstance(named, str) else named
        return cls(current_text(), scenarios, **shared)

    # --- reading ----------------------------------------------------------------------------------

    def load_model(self, path: Path | None = None) -> Model:
        """Load the model, or that of a path, and show its warnings."""
        from plansim.model.reader import load_model

        tables = [_as_table(table) for table in self.data]
        model = load_model(path or self.model, self.strict_units or None, tables)
        warn(model.warnings)
        return model

    def read(
        self,
        names: Iterable[str] = (),
        find: Callable[[Inputs, str], object] = _series,
        *,
        whole: bool = False,
    ) -> Inputs:
        """Read the model, its targets, scenarios and names; all faults of all of them come at once.

        Where no scenario is named the model is taken as it is written, if it is another one or
        ``whole``; what ``--set`` says lies over it.

        Raises:
            InputError: with every fault.
        """
        from plansim.scenario.variant import for_scenarios
        from plansim.targets.catalogue import load_targets

        if not self.scenarios:
            self._check_bare(whole=whole)
        model = self.load_model()
        targets = load_targets(model=model)
        faults: list[Fault] = []
        scenarios = self._read_scenarios(model, faults)
        faults += _clashes(scenarios, targets)
        try:
            model = for_scenarios(model, scenarios)
        except InputError as error:
            faults.extend(error.faults)
        for scenario in scenarios:
            _warn_in_short(scenario)
        inputs = Inputs(model, targets, tuple(scenarios))
        named = _all_made(partial(find, inputs), names, faults)
        if faults:
            raise InputError(dict.fromkeys(faults))
        each_once = [one for index, one in enumerate(named) if one not in named[:index]]
        return replace(inputs, named=tuple(each_once))

    def read_targets(self, ids: Iterable[str], *, whole: bool = False) -> Inputs:
        """Do as `read`, with the targets that are named."""
        return self.read(ids, _target, whole=whole)

    def read_source(self, ids: Iterable[str] = ()) -> tuple[Inputs, xr.Dataset | None]:
        """Read scenarios, or the sweep that is stored in a folder of that name.

        Raises:
            InputError: a scenario or the sweep is at fault.
        """
        first, *others = self.scenarios
        if not Path(first).is_dir():
            return self.read_targets(ids), None
        if others:
            raise InputError("a sweep is asked about by itself", found=others[0])
        import plansim

        bare = replace(self, scenarios=())
        return bare.read_targets(ids, whole=True), plansim.open_sweep(first)

    def _check_bare(self, *, whole: bool) -> None:
        """Refuse a line that names no scenario and needs one."""
        if not self.overlays and (self.model or (whole and not self.overrides)):
            return
        why = Message("Missing argument 'SCENARIO'")
        if self.overrides:
            why = Message("--set needs a scenario")
        elif self.overlays:
            why = Message("--with needs a scenario")
        raise UsageError(Message("{why}; 'plansim list scenarios' lists them.", why=why))

    def _read_scenarios(self, model: Model, faults: list[Fault]) -> list[Scenario]:
        """Read scenarios, each once; of no names the model as written, if there are settings."""
        from plansim.scenario.scenario_file import read_scenario

        settings = _all_made(partial(_setting, model), self.overrides, faults)

        def read(name: str | None) -> Scenario:
            return read_scenario(name, model, settings, overlays=self.overlays)

        made = _all_made(read, self.scenarios or ([None] if settings else []), faults)
        each_once: dict[object, Scenario] = {}
        for one in made:
            key = one.path and one.path.resolve(), one.id
            if each_once.setdefault(key, one) is not one:
                remark(self.text("run.named_again", scenario=one.id))
        return list(each_once.values())

    # --- running ----------------------------------------------------------------------------------

    def years(self, inputs: Inputs) -> list[Annual]:
        """Run the scenarios; give their annual figures, for which no array library is loaded."""
        from plansim.engine.simulate import simulate_years

        return self._each(simulate_years, inputs)

    def runs(self, inputs: Inputs) -> list[xr.Dataset]:
        """Run the scenarios; give a dataset for each."""
        import plansim

        return self._each(plansim.simulate, inputs)

    def _each(self, run: Callable[..., Item], inputs: Inputs) -> list[Item]:
        made = []
        for scenario in inputs.scenarios:
            with working(self.text, "run.simulating", scenario=scenario.id):
                made.append(run(inputs.model, scenario, engine=self.engine))
        return made

    def study(
        self,
        key: str,
        work: Callable[..., Item],
        *asked: Any,
        resumes: bool = False,
        **options: Any,
    ) -> Item:
        """Do what takes long on the threads that are asked for, and show how far it is.

        Of what ``resumes`` where it was interrupted it is said how far it was.
        """
        reached = 0, 0

        def note(done: int, steps: int) -> None:
            nonlocal reached
            reached = done, steps
            tell(done, steps)

        try:
            with working(self.text, key, scenario=" ".join(self.scenarios[:1])) as tell:
                return work(*asked, **options, threads=self.threads, progress=note)
        except KeyboardInterrupt:
            if resumes and reached[0]:
                done, steps = (f"{count:,}" for count in reached)
                remark(self.text("progress.stopped", done=done, steps=steps))
            raise

    # --- answering --------------------------------------------------------------------------------

    def answer(
        self,
        record: object,
        table: Callable[[], RenderableType],
        draw: Callable[[ModuleType], Figure] | None = None,
    ) -> None:
        """Write a result to the files that are asked for; print it as JSON or as its table.

        ``draw`` is given `plansim.plot`, which is loaded for a picture only.
        """
        from plansim.output.export.json_text import json_text

        if self.output is not None:
            from plansim.files.writing import write_text

            write_text(json_text(record), self.output, force=self.force)
            remark(self.text("plot.written", path=self.output))
        if self.picture is not None and draw is not None:
            from plansim.output.figures import plot

            plot.save_figure(draw(plot), self.picture, force=self.force)
            remark(self.text("plot.written", path=self.picture))
        if self.form == "json":
            machine(json_text(record))
        else:
            display(table())


def _as_table(path: Path) -> Path:
    """Return a table of data; of a run in Vensim's own form, the table that it is written to."""
    if path.suffix.lower() != ".vdf":
        return path
    from plansim.engine.simlin import vdf_as_csv

    return vdf_as_csv(path)


def _all_made(make: Callable[[Any], Item], asked: Iterable[Any], faults: list[Fault]) -> list[Item]:
    """Return what is made of each; the faults of those of which nothing can be made are added."""
    made = []
    for one in asked:
        try:
            made.append(make(one))
        except InputError as error:
            faults.extend(error.faults)
    return made


def _setting(model: Model, text: str) -> str:
    """Return ``NAME=VALUE`` with a label replaced by the constant that it stands for."""
    from plansim.targets.labels import reference_named

    name, equals, value = text.partition("=")
    if not (name and value):
        return text
    try:
        return reference_named(model, name.strip()) + equals + value
    except InputError as error:
        raise InputError(replace(fault, file=Option.SET) for fault in error.faults) from None


def _clashes(scenarios: Sequence[Scenario], targets: Sequence[Target]) -> Iterator[Fault]:
    """Yield a fault for two scenarios of one id, and for an assumed target that there is not."""
    from plansim.errors import Fault, nearest

    by_id: dict[str, Scenario] = {}
    ids = [target.id for target in targets]
    for scenario in scenarios:
        if (other := by_id.setdefault(scenario.id, scenario)) is not scenario:
            message = Message(
                "two scenarios are called '{id}'; one of the files needs a new name", id=scenario.id
            )
            also = Message("also {path}", path=str(other.path))
            yield Fault(message, scenario.path, found=also)
        for key, (file, line) in scenario.assumed_lines.items():
            if key not in ids:
                near = nearest(key, ids)
                yield Fault("no target has the id '{id}'", file, line, nearest=near, id=key)


def _warn_in_short(scenario: Scenario) -> None:
    """Count the values of its files that are implausible; what --set gives is named."""
    asked = [warning for warning in scenario.warnings if warning.file == Option.SET]
    listed = [warning for warning in scenario.warnings if warning not in asked]
    warn(asked)
    if len(listed) <= 1:
        warn(listed)
        return
    text, count = current_text(), len(listed)
    shown = {"scenario": scenario.id, "shown": scenario.path}
    warn([text("check.implausible", count=count, **shown)])


def note_misfit(model: Model, text: Text) -> bool:
    """Return whether an ensemble beside a model fits it; say so if there is one that does not.

    Raises:
        InputError: the header of the ensemble is at fault.
    """
    from plansim.analysis.ensemble import read_ensemble_head
    from plansim.scenario.members import renewal

    head = read_ensemble_head(model)
    if head is not None and head.misfit(model):
        command = renewal(model, head.kind)
        remark(text("check.misfit", path=head.path, command=command))
        return False
    return head is not None


MOST_CHANGES = 8
"""Changes of a scenario that are shown before a table; `plansim show` gives all."""


def changes_of(scenario: Scenario, model: Model, text: Text) -> str:
    """Say in a few lines what a scenario changes against its parent."""
    from plansim.output.describe import changes_head, changes_in_short

    changes = changes_in_short(scenario, model, text)
    lines = [changes_head(scenario, text), *changes[:MOST_CHANGES]]
    if (more := len(changes) - MOST_CHANGES) > 0:
        lines.append(text("changes.more", count=more, scenario=scenario.id))
    if scenario.assumed:
        lines.append(text("changes.assumes", ids=text.join(scenario.assumed)))
    return "\n  ".join(lines)
