"""Prepares and times the arms of a user's function in separate processes, which may hang or die.

Such an arm is lost; the next question goes to a fresh process, and so does each round. Later processes find
programs compiled by earlier ones.
"""

import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

from pyperf import perf_counter

from fwdrev.bench.functions.target import Target
from fwdrev.bench.machine.git import without_repository
from fwdrev.bench.processes.side_process import ArmLostError, SideProcess, started
from fwdrev.bench.records.observation import Status
from fwdrev.bench.records.trials import Expected, Facts, LostArmError, Prepared, Values
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.modes.errors import InputError, UnavailableError

_START_SECONDS = 120.0
"""The seconds to load our own libraries, which is not the user's fault."""

_START_FREE = 1.0
"""The part of these that does not count against the budget."""

_AGAIN = 4.0
"""A factor on the first load time: the time that a function may take to load again."""

_PROGRAM = ("-m", "fwdrev.bench.functions.worker")

_LEAST = 1.0
"""The least seconds to wait for a process, however little is left."""

_ITSELF = 0.9
"""The share of an arm's time after which the process gives up by itself, which spares us a fresh one."""

_OVER = "the budget was over before a process for it was ready"


class FunctionProcess:
    """See `fwdrev.bench.records.trials.Trials`."""

    fresh = True

    def __init__(self, target: Target, folder: Path) -> None:
        """Starts nothing yet; `folder` is for programs and logs."""
        self._target, self._folder = target, folder
        self._numbers = count()
        self._running = ExitStack()
        self._child: SideProcess | None = None
        self._ledger: Ledger | None = None
        self._timed = False
        self._arms: list[str] = []
        self._held: dict[str, int] = {}
        self._end = math.inf
        self._load_seconds = 0.0
        self._start_seconds = 0.0

    def facts(self, seconds: float) -> Facts:
        """Start a process and probe the function; raises InputError for one that cannot be measured at all.

        `seconds` is the whole budget, which includes starting later processes.
        """
        try:
            answer = self._loaded(seconds)
        except LostArmError as error:
            msg = f"{self._target.what}: {error.reason}; function and point have to return, within budget and memory"
            raise InputError(msg) from None
        if "refused" in answer:
            raise InputError(answer["refused"])
        self._end = perf_counter() + seconds - self.spent_seconds
        facts = Facts(**answer["facts"])
        self._arms = list(facts.codes)
        return facts

    def expected(self, seconds: float, *, measured: bool = True) -> Expected:
        """The predictions from counts for each arm; one that fails, hangs or dies costs the others only time."""
        end, found = perf_counter() + seconds, Expected()
        for left, arm in zip(range(len(self._arms), 0, -1), self._arms, strict=True):
            share = max(_LEAST, (end - perf_counter()) / left)
            try:
                if self._child is None:
                    self._reloaded()
                command = {"do": "count", "arm": arm, "seconds": _ITSELF * share, "measured": measured}
                answer = self._asked(command, share, arm)
            except LostArmError as error:
                found = found | Expected.lost(arm, error.reason, late=error.late)
                continue
            found = found | Expected(**answer["expected"])
        self._held = dict(found.held)
        return found

    def prepare(self, arm: str, seconds: float) -> Prepared:
        """Compile an arm and call it; raises LostArmError, also when that takes longer."""
        if self._child is None:
            self._reloaded()
        command = {"do": "prepare", "arm": arm, "held": self._held, "seconds": _ITSELF * seconds}
        return Prepared(**self._asked(command, seconds, arm)["prepared"])

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float) -> Values:
        """One round, the second and later ones in a fresh process; raises LostArmError."""
        if self._timed or self._child is None:
            self._reloaded()
        self._timed = True
        held = {name: size for name, size in self._held.items() if name in loops}
        command = {"do": "round", "loops": dict(loops), "blocks": blocks, "seed": seed, "held": held}
        values: Values = self._asked(command, min(seconds, self._left))["values"]
        return values

    @property
    def spent_seconds(self) -> float:
        """The part of the budget used before any measurement: loading the function, and starting beyond a second."""
        return self._load_seconds + max(0.0, self._start_seconds - _START_FREE)

    def end(self) -> None:
        """End the process and its children."""
        self._running.close()
        self._child = self._ledger = None

    @property
    def _left(self) -> float:
        return max(_LEAST, self._end - float(perf_counter()))

    def _loaded(self, seconds: float) -> dict[str, Any]:
        """A fresh process that has loaded the function."""
        self.end()
        log = self._folder / f"{next(self._numbers)}.log"
        self._child = self._running.enter_context(started("", Path.cwd(), self._environment(), log, {}, _PROGRAM))
        starting, began = min(_START_SECONDS, self._left), perf_counter()
        try:
            failed = self._child.hear(starting).get("failed")
        except ArmLostError as error:
            if error.status is Status.TIMED_OUT and starting < _START_SECONDS:
                self.end()
                raise LostArmError(None, _OVER, late=True) from None
            failed = error.reason
        if failed is not None:
            self.end()
            raise UnavailableError(f"cannot start a process that measures: {failed}")
        self._timed = False
        loading = perf_counter()
        ledger = log.with_suffix(".ledger")
        command = {"do": "load", "target": asdict(self._target), "seconds": seconds, "ledger": str(ledger)}
        answer = self._asked(command, seconds)
        if "arms" in answer:
            self._ledger = self._running.enter_context(closing(Ledger(ledger, answer["arms"])))
        self._start_seconds, self._load_seconds = loading - began, perf_counter() - loading
        return answer

    def _reloaded(self) -> None:
        """Another fresh process; raises LostArmError if it refuses the function this time, or takes far longer.

        A waiting arm keeps all its time if another arm has ended the process.
        """
        refused = self._loaded(min(self._left, _AGAIN * max(1.0, self._load_seconds))).get("refused")
        if refused is not None:
            raise LostArmError(None, refused)

    def _asked(self, command: Mapping[str, Any], seconds: float, arm: str | None = None) -> dict[str, Any]:
        """The answer; kills a process that does not answer in time."""
        if self._child is None:
            raise LostArmError(arm, "its process has ended")
        if self._ledger is not None:
            self._ledger.clear()
        with ExitStack() as given_up:
            given_up.callback(self.end)
            try:
                self._child.tell(command)
                answer = self._child.hear(seconds)
            except ArmLostError as error:
                late = error.status is Status.TIMED_OUT
                told = f"it took longer than the {seconds:.3g} s that it was given, a share of the budget"
                raise LostArmError(self._at(arm), told if late else error.reason, late=late) from None
            given_up.pop_all()
        if "failed" in answer:
            late, needs = answer.get("late", False), answer.get("needs")
            raise LostArmError(self._at(arm), answer["failed"], late=late, needs=needs)
        return answer

    def _at(self, arm: str | None) -> str | None:
        """The arm that the process ran, by its ledger; otherwise the requested one."""
        return (None if self._ledger is None else self._ledger.running) or arm

    def _environment(self) -> dict[str, str]:
        """The caller's environment, in which the program will run; compiled programs are kept for other processes."""
        env = without_repository(os.environ)
        env["JAX_COMPILATION_CACHE_DIR"] = str(self._folder / "programs")
        env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        env["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
        if self._target.dtype == "float64":
            env["JAX_ENABLE_X64"] = "1"
        return env


@contextmanager
def function_process(target: Target) -> Iterator[FunctionProcess]:
    """Trials for the functions of a target; leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="fwdrev-advise-") as folder:
        trials = FunctionProcess(target, Path(folder))
        try:
            yield trials
        finally:
            trials.end()
