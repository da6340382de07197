"""`fwdrev check` as a process with a scripted outcome: `python -m tests.wild.outcomes OUTCOME [ARGUMENTS]`.

OUTCOME is one of `CODES` or `SIGNALS`, or "warned" or "watched", which show a warning or progress, then "regressed".
"""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["CODES", "REPOSITORY", "SIGNALS", "command", "environment", "started"]

CODES = {"unchanged": 0, "regressed": 1, "refused": 2, "inconclusive": 3, "nothing to compare": 4, "broken": 5}
"""Outcomes with the exit codes of the command."""

SIGNALS = {"hung up": signal.SIGHUP, "terminated": signal.SIGTERM, "interrupted": signal.SIGINT}
"""Further outcomes: exit code 128 + N, or "regressed" if the signal is ignored."""

REPOSITORY = Path(__file__).resolve().parents[2]

_ROWS = 3000
"""The number of findings: their JSON is larger than the buffer of a pipe that is not read."""


def command(outcome: str, *arguments: str) -> list[str]:
    """A command line for a process; it runs `check` unless the arguments name another command."""
    return [sys.executable, "-m", "tests.wild.outcomes", outcome, *(arguments or ("check", "--against", "HEAD"))]


def environment(**changes: str) -> dict[str, str]:
    """An environment in which Python finds this launcher from every folder."""
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    return os.environ | {"PYTHONPATH": path} | changes


def started(line: str, *, env: Mapping[str, str] | None = None) -> "subprocess.Popen[bytes]":
    """Starts a line of bash, and captures output that it does not redirect."""
    pipe = subprocess.PIPE
    return subprocess.Popen(["/bin/bash", "-c", line], stdout=pipe, stderr=pipe, env=dict(env or environment()))


def main() -> None:
    """Replaces the measuring by the outcome, then runs the command as it is."""
    outcome = sys.argv.pop(1)
    unread = ModuleType("fwdrev.cli.gate.asked")  # replaced, since the import takes a second
    unread.__dict__["asked"] = lambda *_, **__: None
    sys.modules[unread.__name__] = unread
    import fwdrev.cli.check
    from fwdrev.cli.app import main as run

    def judged(*_: object, **__: object) -> tuple[Any, dict[str, Any]]:
        return _happens(outcome)

    fwdrev.cli.check._judged_by_revision = judged
    run()


def _happens(outcome: str) -> tuple[Any, dict[str, Any]]:
    if outcome == "refused":
        from fwdrev.modes.errors import InputError

        msg = "refused"
        raise InputError(msg)
    if outcome == "broken":
        _break()
    if outcome in SIGNALS:
        signal.raise_signal(SIGNALS[outcome])
    if outcome == "warned":
        warnings.warn("a package is old", DeprecationWarning, stacklevel=1)
    if outcome == "watched":
        _watch()
    from fwdrev.results.gate.verdicts.report import Outcome
    from tests.gate_reports import WORSE, many, of

    found = Outcome(outcome) if outcome in CODES else Outcome.REGRESSED
    report = of(*many(_ROWS, WORSE), outcome=found, title="10 → 12 · 日本")
    return report, {"told": [f"finding {i} →" for i in range(_ROWS)]}


def _break() -> NoReturn:
    raise ZeroDivisionError("no code of the user's")  # any exception that is not ours


def _watch() -> None:
    """Shows the progress of a sweep that takes a second."""
    from fwdrev.bench import FixedPlan, Sweep, make_spec
    from fwdrev.bench.sweep.progress import watched
    from fwdrev.results.planning.forecast import TimeForecast
    from tests.doubles.scripted_executor import ScriptedExecutor
    from tests.scripted import seconds

    spec = make_spec({"engines": ["forward", "reverse"], "inputs": "64:512:*2", "outputs": "1,16", "rounds": 5})
    plan = FixedPlan(spec, TimeForecast(spec, 1))
    for _ in watched(Sweep(spec, ScriptedExecutor(spec.engines, seconds), plan), plan.seconds_left):
        time.sleep(0.02)


if __name__ == "__main__":
    main()
