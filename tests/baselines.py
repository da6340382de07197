"""What the tests of comparisons with a baseline share: scripted runs, and the second of two with something changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fwdrev.results import Run
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.compare import compared
from fwdrev.results.gate.verdicts.report import GateReport, ReportLine
from tests.scripted import scripted_run, with_counts

__all__ = ["PLANE", "about", "after", "elsewhere", "measured"]

PLANE: dict[str, Any] = {"inputs": "64,256", "outputs": "4,16,64,256", "rounds": 6}


def measured(seed: int = 0, **more: Any) -> Run:
    """Noise of 1 % in each value and of half a per cent between rounds."""
    return with_counts(scripted_run(seed, noise=0.01, shift=0.005, **PLANE | more))


def after(change: Callable[[Run], Run], **more: Any) -> GateReport:
    """Two runs of the same truth; to the second this happened."""
    return compared(baseline_of(measured()), change(measured(seed=1)), **more)


def elsewhere(run: Run, **facts: Any) -> Run:
    """On another machine."""
    return replace(run, machine={**run.machine, **facts})


def about(report: GateReport, part: str) -> list[ReportLine]:
    """The findings on subjects with that in their name."""
    return [told for told in report.told if part in told.subject]
