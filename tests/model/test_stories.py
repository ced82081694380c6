"""What scenarios take as a premise is what their runs do."""

import pytest

import plansim
from plansim.model.records import Model


@pytest.mark.parametrize(("name", "rate"), [("baseline", 0.12), ("accelerated-growth", 0.15)])
def test_output_grows_at_the_rate_that_the_story_assumes(
    city: Model, name: str, rate: float
) -> None:
    """Productivity is set once; every change of the model has to set it again."""
    output = plansim.simulate(city, name, ["GDP"])["GDP"].squeeze()
    mean = float(output.sel(time=2010) / output.sel(time=2005)) ** (1 / 5) - 1
    assert mean == pytest.approx(rate, abs=0.001)
