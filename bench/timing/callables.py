"""Times two callables of this process side by side: a test can measure closures, which cannot go to another process.

    pair = PairedCallables(f, g)
    layout = pair.probe().layout(max_seconds=5.0)
    for found in pair.rounds(layout.rounds, layout.blocks):
        ...                                        # one round: the blocks of f and of g, paired by position

The blocks are those of a sweep (`fwdrev.bench.timing.blocks`). Rounds of one process share where code and arrays lie in
memory, which moves a ratio by a few per cent and which no number of them averages out; `setup` places the arrays anew.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from random import Random
from time import perf_counter
from typing import Any

from fwdrev.bench.records.callables import CallableRound, Probed
from fwdrev.bench.records.trials import loops_of
from fwdrev.bench.timing.blocks import timed, timed_blocks
from fwdrev.modes.errors import InputError

Call = Callable[[], Any]
Setup = Callable[[], tuple[Call, Call]]

_BLOCK_SECONDS = 2e-3
"""The seconds of a block, as in a sweep."""

_PROBES = 3
"""The number of calls to estimate a duration; the shortest counts, since delays only add."""

_LONG_SECONDS = 1e-2
"""A call from this many seconds on is probed once."""

_PADDING = 1 << 16
"""The most bytes, drawn at random, between the old arrays and the new."""


def without_arguments(name: str, call: object) -> Call:
    """Returns `call`; raises InputError if it needs arguments. `name`: the user's name for it."""
    if not callable(call):
        raise InputError(f"{name} is {call!r:.80}: give a callable without arguments, such as lambda: work(x)")
    try:
        signature = inspect.signature(call)
    except ValueError:  # some builtins have no signature; a call will show
        return call
    try:
        signature.bind()
    except TypeError as error:
        msg = f"{name} needs arguments ({error}): give a callable without any, such as lambda: work(x)"
        raise InputError(msg) from None
    return call


class PairedCallables:
    """Times `f` and `g`; with `setup`, each round takes the fresh pair that it returns instead."""

    def __init__(self, f: Call, g: Call, setup: Setup | None = None) -> None:
        self._made, self._setup, self._rng = (f, g), setup, Random(0)
        self._calls: dict[str, Call] = {}
        self._loops: dict[str, int] = {}
        self._padding = bytearray()

    def probe(self) -> Probed:
        """Estimate the time of a call and fix the calls per block. First calls, which may compile, do not count.

        Callables that differ by less than a factor of two get the same count (see `fwdrev.bench.timing.blocks`).
        """
        self._calls, making = _ready(*self._made), 0.0
        if self._setup is not None:
            start = perf_counter()
            self._make(self._setup)
            making = perf_counter() - start
        seconds = {name: _probed(call) for name, call in self._calls.items()}
        self._loops = loops_of(seconds, _BLOCK_SECONDS)
        return Probed(**seconds, setup=making, loops=self._loops)

    def rounds(self, count: int, blocks: int) -> Iterator[CallableRound]:
        """Measures round after round, each on demand; call `probe` first. Errors of the callables propagate."""
        for _ in range(count):
            start = perf_counter()
            if self._setup is not None:
                self._make(self._setup)
            values = timed_blocks(self._calls, self._loops, blocks, self._rng)
            yield CallableRound(f=tuple(values["f"]), g=tuple(values["g"]), seconds=perf_counter() - start)

    def _make(self, setup: Setup) -> None:
        """Makes a new pair while the old one lives, so that its arrays lie elsewhere."""
        self._padding = bytearray(self._rng.randrange(_PADDING))
        f, g = setup()
        self._calls = _ready(f, g)
        self._made = f, g


def _ready(f: Call, g: Call) -> dict[str, Call]:
    """Both callables, after a first call that compiles them; they wait for asynchronous results."""
    return {"f": _waiting(f), "g": _waiting(g)}


def _waiting(call: Call) -> Call:
    """Returns `call` itself unless its result holds JAX arrays, so that other calls do not pay for a wait.

    A call that uses JAX has imported it by now; we do not import it.
    """
    found = call()
    jax = sys.modules.get("jax")
    if jax is None:
        return call
    if isinstance(found, jax.Array):
        return lambda: call().block_until_ready()
    if any(isinstance(leaf, jax.Array) for leaf in jax.tree_util.tree_leaves(found)):
        return lambda: jax.block_until_ready(call())
    return call


def _probed(call: Call) -> float:
    """Seconds of a call that was made before."""
    seconds = timed(call, 1)
    if seconds <= _LONG_SECONDS:
        seconds = min(seconds, *(timed(call, 1) for _ in range(_PROBES - 1)))
    return max(seconds, 1e-9)  # a coarse clock may show zero
