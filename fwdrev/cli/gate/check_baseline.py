"""What `fwdrev check --baseline FILE` does: take a run, or measure one, and compare it with the file."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fwdrev.api.sweep import measure, new_run
from fwdrev.bench.records.parsing import threshold_of
from fwdrev.cli.common.show import interruptible, loaded, note, quoted
from fwdrev.cli.gate.measured_functions import judged_functions
from fwdrev.cli.gate.project_settings import project_settings
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

_THRESHOLD, _OF_FUNCTIONS = 0.05, 0.1
"""What is accepted of engines, and of functions, which another day moves by more than an interval holds."""

_NOTHING = "give what to compare with: --against REV, or --baseline FILE, e.g. fwdrev check --against main"


def judged_by_baseline(
    path: Path | None,
    against: str | None,
    run: Path | None,
    given: Mapping[str, Any],
    *,
    out: Path | None = None,
    allow_missing: bool = False,
) -> tuple[GateReport, dict[str, Any]]:
    """The report and its data. Of the options `given` only the threshold is free: the baseline decides the others.

    `out`: where what is measured is kept; without it, it is removed when it has been compared.
    """
    path = _asked(path, against, run, out, [name for name in given if name != "threshold"])
    accepted = threshold_of(given["threshold"]) if "threshold" in given else None
    baseline = load_baseline(path)
    if (functions := baseline.functions) is not None:
        _check_alone(path, run, out)
        accepted = _usual_threshold() if accepted is None else accepted
        title = f"baseline {path}, measured anew; threshold {percent_text(accepted)}"
        report = judged_functions(baseline, functions, accepted, title, allow_missing=allow_missing)
    else:
        accepted = _THRESHOLD if accepted is None else accepted
        report, run = _judged(baseline, path, run, out, threshold=accepted, allow_missing=allow_missing)
    return report, {"baseline": str(path), "run": None if run is None else str(run), **asdict(report)}


def _judged(
    baseline: Baseline, path: Path, run: Path | None, out: Path | None, *, threshold: float, allow_missing: bool
) -> tuple[GateReport, Path | None]:
    """Compares a baseline of engines with the run, or with one that is measured now; returns where the run is kept."""
    here = [name for name in baseline.sweep.engines if engine_fault(name) is None]
    limit = f"threshold {percent_text(threshold)}"
    compare = partial(compared, baseline, threshold=threshold, allow_missing=allow_missing)
    if run is not None:
        found = loaded(run)
        report = compare(found, title=f"baseline {path}, run {run}; {limit}")
        if undecided(baseline, found, threshold=threshold) is not None:
            anew = f"this does, where it is open: fwdrev check --baseline {quoted(path)}"
            report = replace(report, notes=(*report.notes, f"with --run nothing is measured again; {anew}"))
        return report, run
    if not here:
        return without_run(baseline, title=f"baseline {path}, no run", allow_missing=allow_missing), None
    with _folders(out) as folders:
        first = _measured({**baseline.spec, "engines": here}, path, folders[0])
        again = undecided(baseline, first, threshold=threshold)
        fresh = None if again is None else _measured_again(baseline, again, first, path, folders)
    return compare(first, title=f"baseline {path}, measured anew; {limit}", again=fresh), out


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


def _usual_threshold() -> float:
    """The threshold of `[tool.fwdrev]`, or the default."""
    settings = project_settings(Path.cwd())
    return _OF_FUNCTIONS if settings is None or settings.threshold is None else settings.threshold


def _check_alone(path: Path, run: Path | None, out: Path | None) -> None:
    for option, value in (("--run", run), ("--out", out)):
        if value is not None:
            msg = f"{option} {value}: {path} is a baseline of functions, which are measured and not kept; leave it out"
            raise InputError(msg)


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
        shutil.rmtree(made, ignore_errors=True)
    finally:
        with suppress(OSError):  # it is gone, or holds a run
            made.rmdir()


def _beside(out: Path) -> Path:
    return out.with_name(f"{out.name}-again")


def _measured(given: Mapping[str, Any], path: Path, folder: Path) -> Run:
    """A new run of what the baseline measured, as far as it is here."""
    folder, opened = new_run(given, out=folder, told=note)
    note(f"measuring what {path} has, into {folder}")
    resume = f"fwdrev sweep --resume {quoted(folder)} && {_compare(path, folder)}"
    left = f"what was measured is kept; go on with: {resume}"
    with interruptible(lambda: left if folder.exists() else "nothing was measured", also_stopped=True):
        measure(folder, opened, note)
    return load(folder)


def _measured_again(baseline: Baseline, again: Again, first: Run, path: Path, folders: tuple[Path, Path]) -> Run:
    """Fresh rounds of what the first ones left open."""
    arms, rounds = again.arms(first.spec), again.rounds(first.spec)
    fixed = {"engines": arms, "rounds": rounds, "precision": None, "budget": None}
    folder, opened = new_run({**baseline.spec, **fixed}, out=folders[1], cells=again.cells, told=note)
    note(again.announced(first))
    left = f"the first rounds are kept; compare them alone with: {_compare(path, folders[0])}"
    with interruptible(lambda: left, also_stopped=True):
        measure(folder, opened, note)
    return load(folder)


def _compare(path: Path, folder: Path) -> str:
    return f"fwdrev check --baseline {quoted(path)} --run {quoted(folder)}"
