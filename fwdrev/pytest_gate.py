"""The gate inside a test: turns a verdict into a pass, a failure or a skip, and bad arguments into one line.

def test_speed(fwdrev_gate: FwdrevGate) -> None:
    found = fwdrev_gate(f, g, max_ratio=1.1)
    found.ratio                                # Estimate(point=…, low=…, high=…, level=0.95)
    found.f_seconds, found.g_seconds
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from numbers import Real
from threading import RLock

import pytest

from fwdrev.bench.records.parsing import fraction_of
from fwdrev.bench.timing.callables import PairedCallables, without_arguments
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.callables import CallableGate, callable_gate
from fwdrev.results.gate.verdicts.report import Verdict

Call = Callable[[], object]
Setup = Callable[[], tuple[Call, Call]]

_ALONE = RLock()
"""Gates in several threads measure one after the other; a gate inside a callable of another gate must not wait."""


class FwdrevGate:
    """The value of the fixture `fwdrev_gate`.

    `told` gets a line for each measured gate; `inconclusive`: skip, pass or fail.
    """

    def __init__(self, told: Callable[[str], None], inconclusive: str) -> None:
        self._told, self._inconclusive = told, inconclusive

    def __call__(
        self,
        f: Call | None = None,
        g: Call | None = None,
        *,
        max_ratio: float = 1.1,
        max_seconds: float = 5.0,
        setup: Setup | None = None,
    ) -> CallableGate:
        """Assert that time of f ÷ time of g is at most `max_ratio`; returns the verdict with its evidence.

        It calls both without arguments, many times, in turns, in this process; gates in other threads wait. The test
        fails if the ratio is above `max_ratio` beyond doubt and fresh rounds confirm it. If `max_seconds` of measuring
        do not decide (first calls, which may compile, come on top), or are too few to try, the test is skipped, or
        follows the setting `fwdrev_inconclusive`. Errors of the callables propagate.

        All rounds of a process share the place of code and arrays in memory. That moves a ratio by a few per cent, so a
        `max_ratio` below about 1.05 means little; `fwdrev check` starts fresh processes for every round. `setup`, given
        in place of f and g, returns both and runs for each round: that moves the arrays, not the code.
        """
        __tracebackhide__ = True
        with _one_line():
            ratio, seconds = _ratio(max_ratio), _positive("max_seconds", max_seconds)
            _exclusive(f, g, setup)
        with _ALONE:
            found = self._decided(f, g, setup, ratio, seconds)
        self._told(f"{found.verdict}: {found}")
        if found.verdict is Verdict.REGRESSED:
            pytest.fail(str(found), pytrace=False)
        if found.verdict is Verdict.INCONCLUSIVE:
            raised = f"raise max_seconds ({seconds:g})" + ("" if found.seconds_needed else " or max_ratio")
            text = f"not decided: {found}; {raised}"
            if self._inconclusive == "skip":
                pytest.skip(f"{text}, or choose fwdrev_inconclusive = pass or fail")
            if self._inconclusive == "fail":
                pytest.fail(text, pytrace=False)
        return found

    def _decided(
        self, f: Call | None, g: Call | None, setup: Setup | None, max_ratio: float, seconds: float
    ) -> CallableGate:
        __tracebackhide__ = True
        made = (f, g) if setup is None else setup()
        with _one_line():
            pair = PairedCallables(*_both(made), setup)
        probed = pair.probe()
        layout = probed.layout(seconds)
        measure = partial(pair.rounds, blocks=layout.blocks)
        return callable_gate(measure, probed, layout, max_ratio=max_ratio, budget=seconds)


@contextmanager
def _one_line() -> Iterator[None]:
    """Ends the test in one line if we refuse something. The user's code runs outside, so its errors propagate."""
    try:
        yield
    except InputError as error:
        raise pytest.fail.Exception(f"fwdrev_gate: {error}", pytrace=False) from None


def _ratio(given: object) -> float:
    if not isinstance(given, str):
        return _positive("max_ratio", given)
    try:
        share = fraction_of(given)
    except InputError:
        share = 1.1
    meant = 1 + share if "%" in given and share < 1 else share
    msg = f"max_ratio is {given!r:.80}: give a number, time of f ÷ time of g, such as {meant:.6g}"
    raise InputError(msg)


def _positive(name: str, number: object) -> float:
    if isinstance(number, bool) or not isinstance(number, Real) or not 0 < float(number) < math.inf:
        msg = f"{name} is {number!r:.80}: give a number above 0"
        raise InputError(msg)
    return float(number)


def _exclusive(f: object, g: object, setup: object) -> None:
    if setup is None:
        _both((f, g))
    elif f is not None or g is not None:
        msg = "both callables and setup were given: give f and g, or setup=, which returns both"
        raise InputError(msg)
    else:
        without_arguments("setup", setup)


def _both(made: object) -> tuple[Call, Call]:
    match made:
        case [f, g]:
            return without_arguments("f", f), without_arguments("g", g)
    msg = f"setup returned {made!r:.80}: it has to return two callables, f and g"
    raise InputError(msg)
