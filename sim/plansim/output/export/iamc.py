"""Annual figures as the Integrated Assessment Modeling Consortium exchanges scenarios.

``iamc.yaml`` beside a model says what of it has a name in the templates of the consortium, in which
unit, and the code of its region. Figures have twelve digits, so that a factor leaves no trace of
binary fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from plansim.errors import CatalogueError, InputError
from plansim.files.forms import LAX, Form, Names, form_of, listed
from plansim.files.yaml_document import read_document
from plansim.model.records import Model
from plansim.output.series import Series, is_named, rows_of
from plansim.scenario.references import one_series
from plansim.targets.annual import Annual, annual_of
from plansim.targets.target import split_reference

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["FILE_NAME", "IamcNames", "iamc_table", "load_iamc"]

FILE_NAME = "iamc.yaml"
"""Name of the file, beside the model."""
DIGITS = 12


class IamcVariable(Form):
    """What a variable of the templates is in the model."""

    of: Annotated[tuple[str, ...], listed(Names, lambda name, model: one_series(model, name))]
    """Series, ``name`` or ``name[element]``, that are added up."""
    unit: str
    factor: Annotated[float, LAX] = Field(default=1.0, gt=0)
    """Converts from the model's unit to this one."""


class IamcNames(Form):
    """What other tools call a model's region and variables."""

    region: str
    variables: dict[str, IamcVariable] = Field(default_factory=dict)


def load_iamc(model: Model) -> IamcNames | None:
    """Read the file beside a model; None if there is none.

    Raises:
        CatalogueError: with every fault of the file.
    """
    path = model.path.with_name(FILE_NAME)
    if not path.is_file():
        return None
    return form_of(IamcNames, read_document(path), model, CatalogueError)


def iamc_table(
    runs: Sequence[xr.Dataset], iamc: IamcNames, names: Sequence[str] = ()
) -> pd.DataFrame:
    """Return annual figures of runs with the columns, variables and units of the IAMC.

    Columns: model, scenario, region, variable, unit, and one for each year. Of ``names``, variables
    of the model, what the templates do not name keeps its name, an element after a bar, as in
    ``COD emission`` or ``value added|chemicals``. Without names what they do not name is left out.

    Raises:
        InputError: nothing of the runs is named.
    """
    import pandas as pd

    by_years = list(map(annual_of, runs))
    years = sorted({year for run in by_years for year in run.years})
    rows = [
        {
            "model": f"plansim {run.card.get('model', '')}".strip(),
            "scenario": run.scenario,
            "region": iamc.region,
            "variable": row.name,
            "unit": row.unit,
            **{str(year): _rounded(row.values.get(year, math.nan)) for year in years},
        }
        for run in by_years
        for row in _rows(run, iamc, names)
    ]
    if not rows:
        raise InputError("the names for the IAMC fit no variable of the runs")
    return pd.DataFrame(rows)


def _rows(run: Annual, iamc: IamcNames, names: Sequence[str]) -> Iterator[Series]:
    series = {split_reference(row.name): row for row in rows_of(run)}
    called: set[tuple[str, tuple[str, ...]]] = set()
    for name, variable in iamc.variables.items():
        keys = [split_reference(reference) for reference in variable.of]
        first = [key for key in keys if key[0] == keys[0][0]]
        asked = not names or all(is_named(*key, names) for key in first)
        if asked and all(key in series for key in keys):
            called.update(keys)
            parts: list[Mapping[int, float]] = [series[key].values for key in keys]
            values = {
                year: variable.factor * math.fsum(part[year] for part in parts) for year in parts[0]
            }
            yield Series(name, "", variable.unit, series[keys[0]].timing, values)
    for (name, elements), row in series.items():
        if is_named(name, elements, names) and (name, elements) not in called:
            bars = "|".join([name.strip('"'), *elements])
            yield Series(bars, "", row.unit, row.timing, row.values)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
