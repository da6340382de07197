"""Two callables timed side by side: the probe of a few calls, the layout that fits a time, and the rounds."""

from collections.abc import Mapping
from dataclasses import dataclass

_LOOKS = 2
"""The number of looks: a flagged or undecided result is measured again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableRound:
    """Seconds per call of `f` and of `g` in each block, paired by position; `seconds`: the wall time of all of it."""

    f: tuple[float, ...]
    g: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The rounds of a look, and the blocks of each callable in a round; `needed`: seconds for two looks."""

    rounds: int
    blocks: int
    needed: float


_LAYOUTS = ((10, 6), (10, 2), (5, 2), (3, 2))
"""Possible rounds and blocks. The gate between revisions uses the first. Longer calls get one ABBA group a round, then
fewer rounds; three are the fewest that decide anything, and these find only a large slow-down."""

_ENOUGH = (5, 2)
"""The layout to ask for where there is no time for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """Seconds per call of `f` and `g` from a few calls, the seconds of `setup`, and the calls in a block."""

    f: float
    g: float
    setup: float
    loops: Mapping[str, int]

    def layout(self, max_seconds: float) -> Layout:
        """The best layout whose two looks fit; otherwise as many rounds as there is time for, perhaps none."""
        for rounds, blocks in _LAYOUTS:
            needed = self._needed(rounds, blocks)
            if needed <= max_seconds:
                return Layout(rounds=rounds, blocks=blocks, needed=needed)
        rounds, blocks = _ENOUGH
        fitting = int(max_seconds / self._needed(1, blocks) * _LOOKS)
        return Layout(rounds=min(rounds, fitting), blocks=blocks, needed=self._needed(rounds, blocks))

    def _needed(self, rounds: int, blocks: int) -> float:
        calls = {name: count + warm_up(count) for name, count in self.loops.items()}
        each = calls["f"] * self.f + calls["g"] * self.g
        return _LOOKS * rounds * (self.setup + blocks * each)


def warm_up(loops: int) -> int:
    """Calls that warm up a block, so that it does not pay for the arm before it: one, plus an eighth of the block.

    The first call after another arm can take a hundred times as long: JAX frees the large arrays of a call during the
    next one. The few calls after that still have to fill the caches.
    """
    return 1 + loops // 8
