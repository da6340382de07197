"""What `fwdrev check --baseline FILE` does: take a run, or measure one, and compare it with the file."""

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from fwdrev.api.sweep import measure, new_run
from fwdrev.bench.records.parsing import threshold_of
from fwdrev.cli.common.exit_codes import EXIT_INTERRUPTED
from fwdrev.cli.common.show import loaded, note, quoted
from fwdrev.cli.gate.measured_functions import judged_functions
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import engine_fault
from fwdrev.results.gate.baseline.compare import compared, undecided, without_run
from fwdrev.results.gate.baseline.file import load_baseline
from fwdrev.results.gate.baseline.record import Baseline
from fwdrev.results.gate.baseline.second_look import Again
from fwdrev.results.gate.verdicts.report import GateReport
from fwdrev.results.runs.cache_folder import cache_folder
from fwdrev.results.runs.run import Run, load
from fwdrev.results.text.quantities import percent_text

__all__ = ["judged_by_baseline"]

_THRESHOLD, _OF_FUNCTIONS = 0.05, 0.1
"""What is accepted of engines, and of functions, which another day moves by more than an interval holds."""


def judged_by_baseline(
    path: Path | None,
    against: str | None,
    run: Path | None,
    threshold: str | None,
    others: Collection[str],
    *,
    out: Path | None = None,
    allow_missing: bool = False,
) -> tuple[GateReport, dict[str, Any]]:
    """The judgement and its data; `others`: further options that were given, which the baseline decides.

    `out`: where what is measured is kept; without it, it is removed when it has been compared.
    """
    path = _asked(path, against, run, out, others)
    accepted = None if threshold is None else threshold_of(threshold)
    baseline = load_baseline(path)
    if (functions := baseline.functions) is not None:
        _check_alone(path, run, out)
        accepted = _OF_FUNCTIONS if accepted is None else accepted
        title = f"baseline {path}, measured anew; threshold {percent_text(accepted)}"
        judgement = judged_functions(baseline, functions, accepted, title, allow_missing=allow_missing)
        return judgement, {"baseline": str(path), "run": None, **asdict(judgement)}
    accepted = _THRESHOLD if accepted is None else accepted
    here = [name for name in baseline.sweep.engines if engine_fault(name) is None]
    if run is None and not here:
        judgement = without_run(baseline, title=f"baseline {path}, no run", allow_missing=allow_missing)
        return judgement, {"baseline": str(path), "run": None, **asdict(judgement)}
    limit = f"threshold {percent_text(accepted)}"
    if run is not None:
        title, found = f"baseline {path}, run {run}; {limit}", loaded(run)
        judgement = compared(baseline, found, threshold=accepted, title=title, allow_missing=allow_missing)
        judgement = _told_open(judgement, baseline, found, path, accepted)
        return judgement, {"baseline": str(path), "run": str(run), **asdict(judgement)}
    with _folders(out) as folders:
        first = _measured({**baseline.spec, "engines": here}, path, folders[0])
        again = undecided(baseline, first, threshold=accepted)
        fresh = None if again is None else _measured_again(baseline, again, first, path, folders)
    title = f"baseline {path}, measured anew; {limit}"
    judgement = compared(baseline, first, threshold=accepted, title=title, allow_missing=allow_missing, again=fresh)
    return judgement, {"baseline": str(path), "run": None if out is None else str(out), **asdict(judgement)}


def _asked(path: Path | None, against: str | None, run: Path | None, out: Path | None, others: Collection[str]) -> Path:
    """The file; raises InputError where options do not go together."""
    alone = {"--run": run, "--out": out}
    given = [f"{option} {value}" for option, value in alone.items() if value is not None]
    if path is None:
        msg = f"{given[0]} goes with --baseline FILE" if given else _NOTHING
    elif against is not None:
        msg = f"--against {against} and --baseline {path}: give one of them"
    elif others:
        given = [" and ".join(others)]
        msg = f"{given[0]} given with --baseline {path}: what is measured stands in the baseline; leave one of them out"
    elif run is not None and out is not None:
        msg = f"--run {run} and --out {out}: a run that is there is not measured; give one of them"
    elif out is not None and (there := [str(folder) for folder in (out, _beside(out)) if os.path.lexists(folder)]):
        msg = f"{there[0]} exists already: give --out a new folder, beside which OUT-again is free for fresh rounds"
    else:
        return path
    raise InputError(msg)


def _check_alone(path: Path, run: Path | None, out: Path | None) -> None:
    for option, value in (("--run", run), ("--out", out)):
        if value is not None:
            msg = f"{option} {value}: {path} is a baseline of functions, which are measured and not kept; leave it out"
            raise InputError(msg)


_NOTHING = "give what to compare with: --against REV, or --baseline FILE"
_NONE = "nothing was measured"


@contextmanager
def _folders(out: Path | None) -> Iterator[tuple[Path, Path]]:
    """For the run and for fresh rounds, which are not there yet: as asked for, or in the user's cache.

    There they are removed in the end, but not where we are interrupted or fail: what was measured can still be used.
    """
    if out is not None:
        yield out, _beside(out)
        return
    try:
        checks = cache_folder() / "checks"
        checks.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-", dir=checks))
    except OSError:
        made = Path(tempfile.mkdtemp(prefix="fwdrev-check-"))
    try:
        yield made / "run", made / "again"
    except BaseException:
        with suppress(OSError):  # it holds a run
            made.rmdir()
        raise
    shutil.rmtree(made, ignore_errors=True)


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.name}-again")


def _measured(given: Mapping[str, Any], path: Path, folder: Path) -> Run:
    """A new run of what the baseline measured, as far as it is here."""
    folder, opened = new_run(given, out=folder, told=note)
    note(f"measuring what {path} has, into {folder}")
    resume = f"fwdrev sweep --resume {quoted(folder)} && {_compare(path, folder)}"
    with _interruptible(lambda: f"what was measured is kept; go on with: {resume}" if folder.exists() else _NONE):
        measure(folder, opened, note)
    return load(folder)


def _measured_again(baseline: Baseline, again: Again, first: Run, path: Path, folders: tuple[Path, Path]) -> Run:
    """Fresh rounds of what the first ones left open."""
    arms, rounds = again.arms(first.spec), again.rounds(first.spec)
    fixed = {"engines": arms, "rounds": rounds, "precision": None, "budget": None}
    folder, opened = new_run({**baseline.spec, **fixed}, out=folders[1], cells=again.cells, told=note)
    note(again.announced(first))
    with _interruptible(lambda: f"the first rounds are kept; compare them alone with: {_compare(path, folders[0])}"):
        measure(folder, opened, note)
    return load(folder)


@contextmanager
def _interruptible(told: Callable[[], str]) -> Iterator[None]:
    """By Ctrl-C, or by SIGTERM or SIGHUP: what became of the rounds is told."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as ended:
        note(f"interrupted; {told()}")
        if isinstance(ended, SystemExit):
            raise
        raise typer.Exit(EXIT_INTERRUPTED) from None


def _compare(path: Path, folder: Path) -> str:
    return f"fwdrev check --baseline {quoted(path)} --run {quoted(folder)}"


def _told_open(judgement: GateReport, baseline: Baseline, run: Run, path: Path, threshold: float) -> GateReport:
    """Of a run that is there nothing is measured again."""
    if undecided(baseline, run, threshold=threshold) is None:
        return judgement
    line = f"with --run nothing is measured again; this does, where it is open: fwdrev check --baseline {quoted(path)}"
    return replace(judgement, notes=(*judgement.notes, line))
