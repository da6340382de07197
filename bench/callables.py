"""Two callables of this process, timed side by side: what a test can measure of closures, which no process can be sent.

    pair = PairedCallables(f, g)
    pair.probe()
    layout = pair.layout(max_seconds=5.0)
    for found in pair.rounds(layout.rounds, layout.blocks):
        ...                                        # one round: the blocks of f and of g, paired by position

The blocks are those of a sweep (`fwdrev.bench.timing`). Rounds of one process share where code and arrays lie in
memory, which moves a ratio by a few per cent and which no number of them averages out; `setup` places the arrays anew.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from time import perf_counter
from typing import Any

from fwdrev.bench.timing import loops_of, timed, timed_blocks, warm_up
from fwdrev.modes.errors import InputError

__all__ = ["CallableRound", "Layout", "PairedCallables", "without_arguments"]

Call = Callable[[], Any]
Setup = Callable[[], tuple[Call, Call]]

_BLOCK_SECONDS = 2e-3
"""A sweep's default."""

_PROBES = 3
"""Calls from which a duration is guessed; the shortest counts, since delays only add."""

_LONG_SECONDS = 1e-2
"""A call that takes so long is probed once."""

_LOOKS = 2
"""What is flagged or undecided is measured again."""

_PADDING = 1 << 16
"""Bytes, at most, that lie between the old arrays and the new, at random."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableRound:
    """Seconds per call of `f` and of `g` in each block, paired by position; `seconds`: the wall time of all of it."""

    f: tuple[float, ...]
    g: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How many rounds a look has, and how many blocks of each callable a round."""

    rounds: int
    blocks: int


_LAYOUTS = (Layout(rounds=10, blocks=6), Layout(rounds=10, blocks=2), Layout(rounds=5, blocks=2))
"""The first is that of the gate between revisions. What takes too long for it gets one ABBA group in a round; with
fewer than five rounds Student's t would call hardly anything slower."""


def without_arguments(name: str, call: object) -> Call:
    """`call` itself; raises InputError where it cannot be called without arguments. `name`: what the user calls it."""
    if not callable(call):
        msg = f"{name} is {call!r:.80}: give a callable without arguments, such as lambda: work(x)"
        raise InputError(msg)
    try:
        signature = inspect.signature(call)
    except ValueError:  # some builtins have none; calling them will tell
        return call
    try:
        signature.bind()
    except TypeError as error:
        msg = f"{name} needs arguments ({error}): give a callable without any, such as lambda: work(x)"
        raise InputError(msg) from None
    return call


class PairedCallables:
    """`f` and `g`; with `setup`, what it returns takes their place, anew in each round."""

    def __init__(self, f: Call, g: Call, setup: Setup | None = None) -> None:
        self._made, self._setup, self._rng = (f, g), setup, Random(0)
        self._calls: dict[str, Call] = {}
        self._seconds: dict[str, float] = {}
        self._loops: dict[str, int] = {}
        self._making = 0.0
        self._padding = bytearray()

    def probe(self) -> None:
        """Guess how long a call takes, and fix how many make a block. First calls, which may compile, do not count.

        Callables that differ by less than a factor of two get one count (see `fwdrev.bench.timing`).
        """
        if self._setup is None:
            self._calls = _ready(*self._made)
        else:
            start = perf_counter()
            self._make(self._setup)
            self._making = perf_counter() - start
        self._seconds = {name: _probed(call) for name, call in self._calls.items()}
        self._loops = loops_of(self._seconds, _BLOCK_SECONDS)

    def layout(self, max_seconds: float) -> Layout:
        """The best layout of which two looks take no longer; raises InputError where none does. Calls nothing."""
        for layout in _LAYOUTS:
            needed = _LOOKS * layout.rounds * self._round_seconds(layout.blocks)
            if needed <= max_seconds:
                return layout
        each = f"a call of f takes {self._seconds['f']:.3g} s, of g {self._seconds['g']:.3g} s"
        made = f", setup {self._making:.3g} s" if self._setup else ""
        msg = (
            f"{each}{made}: {_LOOKS} x {layout.rounds} rounds need {needed:.3g} s, but max_seconds is {max_seconds:g}; "
            "raise it, or give them less to do"
        )
        raise InputError(msg)

    def rounds(self, count: int, blocks: int) -> Iterator[CallableRound]:
        """So many rounds, each measured when it is asked for; needs `probe` before. What the callables raise passes."""
        for _ in range(count):
            start = perf_counter()
            if self._setup is not None:
                self._make(self._setup)
            values = timed_blocks(self._calls, self._loops, blocks, self._rng)
            yield CallableRound(f=tuple(values["f"]), g=tuple(values["g"]), seconds=perf_counter() - start)

    def _make(self, setup: Setup) -> None:
        """The old pair lives until the new one is there, so that its arrays lie elsewhere."""
        self._padding = bytearray(self._rng.randrange(_PADDING))
        f, g = setup()
        self._calls = _ready(f, g)
        self._made = f, g

    def _round_seconds(self, blocks: int) -> float:
        each = sum((loops + warm_up(loops)) * self._seconds[name] for name, loops in self._loops.items())
        return self._making + blocks * each


def _ready(f: Call, g: Call) -> dict[str, Call]:
    """Both, called once, so that what compiles has done so; those that answer before they are done are waited for."""
    return {"f": _waiting(f), "g": _waiting(g)}


def _waiting(call: Call) -> Call:
    """`call` itself, unless arrays of JAX are in its result: whoever has none pays for no wait.

    JAX is looked for where it would be by now; nothing is imported for it.
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
    return seconds if seconds > _LONG_SECONDS else min(seconds, *(timed(call, 1) for _ in range(_PROBES - 1)))
