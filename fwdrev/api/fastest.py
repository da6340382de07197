"""Finds the fastest of a few modes by the clock, within a limit set by the call that they replace.

Modes are compiled with constants as arguments, since XLA would fold constants while compiling; the first is
the one expected to be the fastest, and the others follow only while there is time.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from random import Random
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from fwdrev.api.choice_cache import choice_key, remember, remembered
from fwdrev.api.mode_choice import REVERSE, ModeChoice
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.jaxpr.programs import operations

Call = Callable[[], object]

Arm = Callable[[], Call]
"""Prepares an arm and returns the call to time."""

_BLOCKS = 6
"""The blocks of each arm: three pairs in opposite orders, so that a single disturbance cannot decide."""

_BLOCK_SECONDS = 0.02
"""The seconds of a block, so that two arms take 0.3 s, probes and uncounted calls included."""

_SLOW = 0.05
"""A call from this many seconds on is timed only once."""

_HOPELESS = 3.0
"""An arm this many times slower than the fastest at its first call is not timed further."""

_CALLS, _ALLOWED = 2.0, 1.0
"""The limit of measuring: this many calls of reverse mode, plus seconds; with the call itself, three and a second."""

_EQUATIONS = 1000
"""The most operations of all programs: beyond, compiling may take far longer than the replaced call, which compiles
each kind of operation once and nothing as a whole."""


def by_clock(
    choice: ModeChoice, programs: Mapping[str, ClosedJaxpr], x: Pytree, options: Mapping[str, Any]
) -> ModeChoice:
    """The choice, unless the clock prefers another of its modes in question; `options` are those of the Jacobian."""
    modes = choice.in_question
    if len(modes) <= 1:
        return choice
    key = choice_key([programs[mode] for mode in modes], x, options)
    known = remembered(key, modes)
    if known is not None:
        return replace(choice, mode=known, reason="measured to be the fastest, at an earlier call")
    if sum(operations(programs[mode]) for mode in modes) > _EQUATIONS:
        return replace(choice, reason=f"{choice.reason}; compiling all modes to measure them would take too long")
    found = winner(choice, {mode: _compiling(programs[mode], x) for mode in modes}, choice.seconds)
    if len(found.measured) == len(modes):
        remember(key, found.mode, found.measured)
    return found


def winner(
    choice: ModeChoice, arms: Mapping[str, Arm], expected: Mapping[str, float], name: str = "all modes"
) -> ModeChoice:
    """The fastest mode by the clock; the unchanged choice if an arm fails, or there is no time for all."""
    seconds = attempt(lambda: raced(arms, expected))
    if isinstance(seconds, Raised):  # no rule, no memory, or an error of f at these values
        return choice
    if len(seconds) < len(arms):
        return replace(choice, measured=seconds, reason=f"{choice.reason}; measuring {name} would take too long")
    mode = min(seconds, key=seconds.__getitem__)
    return replace(choice, mode=mode, measured=seconds, reason="measured to be the fastest")


def raced(arms: Mapping[str, Arm], expected: Mapping[str, float]) -> dict[str, float]:
    """Typical seconds per call of each arm; some are missing if there was no time for all.

    `expected` seconds decide the order, and scale the first arm's time to predict the next one's.
    """
    began = perf_counter()
    calls: dict[str, Call] = {}
    seconds: dict[str, float] = {}
    for mode in sorted(arms, key=expected.__getitem__):
        if seconds and not _affordable(mode, seconds, expected, perf_counter() - began):
            return seconds
        call = arms[mode]()
        start = perf_counter()
        call()
        seconds[mode] = max(perf_counter() - start, 1e-9)
        calls[mode] = call
    best = min(seconds.values())
    quick = {mode: call for mode, call in calls.items() if seconds[mode] <= _HOPELESS * best}
    return seconds | _typical(quick) if best < _SLOW and len(quick) > 1 else seconds


def _affordable(mode: str, seconds: Mapping[str, float], expected: Mapping[str, float], spent: float) -> bool:
    """Whether another arm fits, with the first one's time to prepare and the time that counts predict."""
    first = next(iter(seconds))
    scale = seconds[first] / expected[first]
    reverse = seconds.get(REVERSE, scale * expected.get(REVERSE, expected[first]))
    return spent + (spent - seconds[first]) + scale * expected[mode] <= _CALLS * reverse + _ALLOWED


def _typical(calls: Mapping[str, Call]) -> dict[str, float]:
    """Times short blocks in turns; returns medians."""
    values = timed_blocks(calls, calibrate(calls, _BLOCK_SECONDS), _BLOCKS, Random(0))
    return {mode: statistics.median(each) for mode, each in values.items()}


def _compiling(program: ClosedJaxpr, x: Pytree) -> Arm:
    constants, leaves = list(program.consts), [jnp.asarray(leaf) for leaf in jax.tree.leaves(x)]

    def run(constants: Sequence[Any], leaves: Sequence[Any]) -> list[Any]:
        found: list[Any] = jaxpr_as_fun(ClosedJaxpr(program.jaxpr, list(constants)))(*leaves)
        return found

    def arm() -> Call:
        compiled = jax.jit(run).lower(constants, leaves).compile()
        return lambda: jax.block_until_ready(compiled(constants, leaves))  # type: ignore[no-untyped-call]

    return arm
