"""Q07 and Q08: the step is short enough, and what should stand still does."""

from __future__ import annotations

from plansim.study.validation.dossier import Dossier
from plansim.study.validation.integration import equilibrium, half_the_step
from plansim.study.validation.probe import probe_of


def test_half_the_step_gives_the_same_indicators_and_verdicts(dossier: Dossier) -> None:
    finding = half_the_step(dossier)
    assert finding.faults == ()
    assert finding.figures["scenarios"] == len(dossier.scenarios)


def test_an_equilibrium_stands_still(dossier: Dossier) -> None:
    finding = equilibrium(dossier)
    assert finding.faults == ()
    assert len(finding.cases) > 50


def test_an_equilibrium_has_every_loop_at_work(dossier: Dossier) -> None:
    """Nothing is switched off to make it stand still, and a push does move it."""
    assert dossier.checks.scenarios.equilibrium is not None
    story = dossier.scenarios[dossier.checks.scenarios.equilibrium]
    assert [name for name in story.values if name.startswith("switch")] == []
    probe = probe_of(dossier.model, outputs=["GDP"])
    settings = [story.values, {**story.values, "credit ease after": 1.1}]
    output = probe.run(settings, story.time).yearly("GDP")
    still, pushed = output(2020)
    assert abs(still / output(2005)[0] - 1) < 1e-3
    assert pushed > still * 1.01
