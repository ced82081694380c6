"""A scenario for other simulators: Vensim's changes file (.cin), and a whole model as XMILE.

Vensim reads a changes file beside the model (*Set Up a Simulation*, *Changes*): a constant a line.
XMILE holds the model with the values of the scenario in it; pysimlin writes it from Vensim's text,
and what PySD cannot read of that is said here as it can.

References: Vensim Reference Manual, *Changes files*; OASIS, XML Interchange Language for System
Dynamics 1.0 (2015).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from plansim.engine.simlin import to_xmile
from plansim.errors import InputError, Message
from plansim.files.writing import check_destination, writing_whole
from plansim.model.records import Model
from plansim.model.rewrite import with_constants, without_sums
from plansim.scenario.scenario_file import Scenario
from plansim.scenario.variant import for_scenarios

__all__ = ["FORMATS", "changes_text", "export_scenario", "xmile_text"]

FORMATS = (".cin", ".xmile")
_NAMESPACES = {
    "": "http://docs.oasis-open.org/xmile/ns/XMILE/v1.0",
    "isee": "http://iseesystems.com/XMILE",
    "simlin": "https://simlin.com/XMILE/v1.0",
}
_XMILE = f"{{{_NAMESPACES['']}}}"
_CLOCK = re.compile(r"\b(?:STARTTIME|STOPTIME|DT)\b")


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


def xmile_text(model: Model, scenario: Scenario) -> bytes:
    """Return a model as XMILE, with the values of a scenario in place of its own.

    PySD has no rule for sums over elements, for initial values that stand element by element in a
    stock, and for the names of the clock. So sums are written out, such values have a variable of
    their own, and a clock that an equation names stands there as numbers.

    Raises:
        InputError: pysimlin is not installed, or cannot read the model.
    """
    own = with_constants(for_scenarios(model, [scenario]), _settings(scenario))
    tree = ElementTree.fromstring(to_xmile(without_sums(own)))
    clock = {
        "STARTTIME": scenario.time.initial,
        "STOPTIME": scenario.time.final,
        "DT": scenario.time.step,
    }
    for equation in tree.iter(f"{_XMILE}eqn"):
        text = equation.text or ""
        equation.text = _CLOCK.sub(lambda name: repr(clock[name[0]]), text)
    for kind in ("inflow", "outflow"):
        for flow in tree.iter(_XMILE + kind):
            flow.text = (flow.text or "").replace(" ", "_")
    for kind, key in (("elem", "name"), ("dim", "name"), ("element", "subscript")):
        for item in tree.iter(_XMILE + kind):
            item.set(key, item.get(key, "").replace("_", " "))
    for variables in tree.iter(f"{_XMILE}variables"):
        _name_initial_values(variables)
    for prefix, address in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, address)
    return bytes(ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True))


def _name_initial_values(variables: ElementTree.Element) -> None:
    """Give initial values that stand element by element in a stock a variable of their own."""
    taken = {one.get("name", "").replace("_", " ").casefold() for one in variables}
    for stock in list(variables.iter(f"{_XMILE}stock")):
        elements = stock.findall(f"{_XMILE}element")
        if not elements:
            continue
        name = f"initial {stock.get('name', '').replace('_', ' ')}"
        while name.casefold() in taken:
            name = f"{name} value"
        dimensions = stock.find(f"{_XMILE}dimensions")
        assert dimensions is not None
        auxiliary = ElementTree.SubElement(variables, f"{_XMILE}aux", name=name)
        auxiliary.extend([dimensions, *elements])
        units = stock.find(f"{_XMILE}units")
        auxiliary.extend([] if units is None else [units])
        place = list(stock).index(elements[0])
        for element in elements:
            stock.remove(element)
        ranges = ",".join(one.get("name", "") for one in dimensions)
        equation = ElementTree.Element(f"{_XMILE}eqn")
        equation.text = f"{name}[{ranges}]".replace(" ", "_")
        stock.insert(place, equation)


def export_scenario(
    model: Model, scenario: Scenario, path: str | Path, *, force: bool = False
) -> None:
    """Write a scenario for other simulators: FILE.cin, or with the model FILE.xmile.

    Raises:
        InputError: as `changes_text` and `xmile_text`.
        OutputError: as for `check_destination`, or the system refuses to write.
    """
    path = Path(path)
    check_destination(path, force=force, formats=FORMATS)
    is_xmile = path.suffix.lower() == ".xmile"
    text = xmile_text(model, scenario) if is_xmile else changes_text(model, scenario).encode()
    with writing_whole(path) as part:
        part.write_bytes(text)
        check_destination(path, force=force, formats=FORMATS)


def _settings(scenario: Scenario) -> Mapping[str, float]:
    """Return what a scenario sets, with its clock, by the names that Vensim has for them."""
    return {**scenario.values, **scenario.time.controls}
