"""Shared by the tests of baseline comparisons: scripted runs, and a second run with something changed."""

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
    """Adds noise: 1 % in each value and half a per cent between rounds."""
    return with_counts(scripted_run(seed, noise=0.01, shift=0.005, **PLANE | more))


def after(change: Callable[[Run], Run], **more: Any) -> GateReport:
    """Compares two runs with the same true times, after changing the second one."""
    return compared(baseline_of(measured()), change(measured(seed=1)), **more)


def elsewhere(run: Run, **facts: Any) -> Run:
    """The description of another machine."""
    return replace(run, machine={**run.machine, **facts})


def about(report: GateReport, part: str) -> list[ReportLine]:
    """The findings whose subject contains this text."""
    return [told for told in report.told if part in told.subject]
