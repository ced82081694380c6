"""A scenario for other simulators: Vensim's changes file (.cin), and a whole model as XMILE.

Vensim reads a changes file beside the model (*Set Up a Simulation*, *Changes*): a constant a line.
XMILE holds the model with the values of the scenario in it; pysimlin writes it from Vensim's text.

References: Vensim Reference Manual, *Changes files*; OASIS, XML Interchange Language for System
Dynamics 1.0 (2015).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from plansim.engine.simlin import to_xmile
from plansim.errors import InputError, Message
from plansim.files.writing import check_destination, writing_whole
from plansim.model.records import Model
from plansim.model.rewrite import with_constants
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.variant import for_scenarios

__all__ = ["FORMATS", "changes_text", "export_scenario"]

FORMATS = (".cin", ".xmile")


def changes_text(model: Model, scenario: Scenario) -> str:
    """Return a scenario as Vensim's changes file: its values and its clock, one a line.

    Raises:
        InputError: the scenario changes the form of equations, which such a file cannot do.
    """
    own = (model.original or model).variables
    if names := tuple(name for name in scenario.values if name.partition("[")[0] not in own):
        raise InputError(
            "'{scenario}' changes the form of equations, and a changes file holds values alone",
            scenario.path,
            expected=Message("FILE.xmile, which holds the model too"),
            found=Message("{names}", names=names[:3]),
            scenario=scenario.id,
        )
    lines = [f"{name} = {value!r}" for name, value in _settings(scenario).items()]
    return "\n".join([*lines, ""])


def export_scenario(
    model: Model, scenario: Scenario, path: str | Path, *, force: bool = False
) -> None:
    """Write a scenario for other simulators: FILE.cin, or with the model FILE.xmile.

    Raises:
        InputError: as for `changes_text`, or pysimlin is not installed or cannot read the model.
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    path = Path(path)
    check_destination(path, force=force, formats=FORMATS)
    if path.suffix.lower() == ".xmile":
        text = to_xmile(with_constants(for_scenarios(model, [scenario]), _settings(scenario)))
    else:
        text = changes_text(model, scenario).encode()
    with writing_whole(path) as part:
        part.write_bytes(text)
        check_destination(path, force=force, formats=FORMATS)


def _settings(scenario: Scenario) -> Mapping[str, float]:
    """Return what a scenario sets, with its clock, by the names that Vensim has for them."""
    return {**scenario.values, **scenario.time.controls}
