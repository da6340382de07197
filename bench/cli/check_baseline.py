"""What `fwdrev check --baseline FILE` does: take a run, or measure one, and compare it with the file."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from fwdrev.bench.cli.exit_codes import EXIT_INTERRUPTED
from fwdrev.bench.cli.measure import measure, new_run
from fwdrev.bench.cli.show import loaded, note, quoted
from fwdrev.bench.units import threshold_of
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import engine_fault
from fwdrev.results.against_baseline import compared, without_run
from fwdrev.results.baseline_file import Baseline, load_baseline
from fwdrev.results.judgement import Judgement

__all__ = ["judged_by_baseline"]


def judged_by_baseline(
    path: Path | None,
    against: str | None,
    run: Path | None,
    threshold: str,
    others: Collection[str],
    *,
    allow_missing: bool = False,
) -> tuple[Judgement, dict[str, Any]]:
    """The judgement and its data; `others`: further options that were given, which the baseline decides."""
    if path is None:
        msg = (
            f"--run {run} goes with --baseline FILE"
            if run
            else "give what to compare with: --against REV, or --baseline FILE"
        )
        raise InputError(msg)
    if against is not None:
        msg = f"--against {against} and --baseline {path}: give one of them"
        raise InputError(msg)
    if others:
        given = " and ".join(others)
        msg = f"{given} given with --baseline {path}: what is measured stands in the baseline; leave one of them out"
        raise InputError(msg)
    accepted, baseline = threshold_of(threshold), load_baseline(path)
    here = [name for name in baseline.sweep.engines if engine_fault(name) is None]
    if run is None and not here:
        judgement = without_run(baseline, title=f"baseline {path}, no run", allow_missing=allow_missing)
        return judgement, {"baseline": str(path), "run": None, **asdict(judgement)}
    folder = run or _measured(baseline, here, path)
    title = f"baseline {path}, run {folder}; threshold {threshold}"
    judgement = compared(baseline, loaded(folder), threshold=accepted, title=title, allow_missing=allow_missing)
    return judgement, {"baseline": str(path), "run": str(folder), **asdict(judgement)}


def _measured(baseline: Baseline, engines: Sequence[str], path: Path) -> Path:
    """A new run of what the baseline measured, as far as it is here, kept as that of a sweep is."""
    folder, opened = new_run({**baseline.spec, "engines": engines}, quick=False, spec=None, out=None)
    note(f"measuring what {path} has, into {folder}")
    try:
        measure(folder, opened)
    except KeyboardInterrupt:
        resume = f"fwdrev sweep --resume {quoted(folder)}"
        check = f"fwdrev check --baseline {quoted(path)} --run {quoted(folder)}"
        told = f"what was measured is kept; go on with: {resume} && {check}"
        note(f"interrupted; {told if folder.exists() else 'nothing was measured'}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    return folder
