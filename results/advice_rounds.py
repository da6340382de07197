"""What to measure of a user's function within a budget: which arms to compile, which to time on, when to stop.

Everything counts against the budget, compiling too. An arm that is late, fails or is wrong costs the others nothing but
that time.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np

from fwdrev.bench.timing import loops_of
from fwdrev.bench.trials import Facts, LostArmError, Prepared, Trials, Values
from fwdrev.modes.arrays import Vector
from fwdrev.results.advice import Observed, ranked, ratio_of

__all__ = ["observed", "wrong_arms"]

_LEAST = 1.0
"""Seconds that an arm may take to compile and for its first call, however little is left, once it has its turn."""

_SLOW = 5.0
"""Times the fastest: an arm as slow as this is not measured on."""

_BLOCK_SECONDS = 0.02
"""A block of calls: long beside the clock and beside a disturbance of the system."""

_BLOCKS = (8, 4, 2)
"""In a round; the fewer, the slower the calls. A pair of blocks is the least: their order is reversed in the second."""

_ROUND_SHARE = 0.25
"""Of the time that is left: what the blocks of the first round may take, so that there is time for others."""

_ENOUGH, _MOST = 3, 12
"""Rounds after which an answer may be clear, and after which more would not help."""

_NARROW = math.log(1.02)
"""Half an interval: arms that are known so well are told apart as far as anybody cares."""

_AGREE = {"float16": 0.2, "bfloat16": 0.2, "float32": 1e-2, "float64": 1e-6}
"""How far products of two Jacobians may differ, relatively: a matrix product on a GPU keeps ten bits of float32."""

Told = Callable[[str], None]
Clock = Callable[[], float]


def observed(
    trials: Trials,
    facts: Facts,
    budget: float,
    *,
    seed: int = 0,
    told: Told = lambda _: None,
    clock: Clock = perf_counter,
) -> Observed:
    """Prepare all arms, check them, time what has a chance, for `budget` seconds; `told` hears what comes next."""
    measuring = _Measuring(trials, facts, budget, told, clock)
    measuring.prepare_all()
    measuring.refuse_wrong()
    measuring.time(seed)
    return measuring.observed


def wrong_arms(facts: Facts, products: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """The arms whose Jacobian differs from that of the one which differences confirm best, and why they are wrong.

    `products` are J · v, then u · J. Where differences are not finite, the first arm is believed.
    """
    vectors = {name: np.array(values) for name, values in products.items()}
    if len(vectors) < 2:  # noqa: PLR2004 - nothing to compare
        return {}
    expected = np.array(facts.quotient)
    believed = min(vectors, key=lambda name: _apart(vectors[name][: facts.m], expected))
    allowed = _AGREE.get(facts.dtype, _AGREE["float16"])
    confirmed = ", which differences confirm" if np.isfinite(expected).all() else ""
    reason = (
        f"its Jacobian is not that of {believed}{confirmed}: look at the function's own rules "
        "(custom_jvp, custom_vjp), and for NaN"
    )
    return {name: reason for name, values in vectors.items() if not _apart(values, vectors[believed]) <= allowed}


class _Measuring:
    """What is known so far."""

    def __init__(self, trials: Trials, facts: Facts, budget: float, told: Told, clock: Clock) -> None:
        """The time runs from here."""
        self.codes = dict(facts.codes)
        self.reasons = dict(facts.left_out)
        self.prepared: dict[str, Prepared] = {}
        self.rounds: list[Values] = []
        self._trials, self._facts, self._told, self._clock = trials, facts, told, clock
        self._end = clock() + budget

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - self._clock()

    @property
    def observed(self) -> Observed:
        """For the decision."""
        return Observed(codes=self.codes, prepared=self.prepared, rounds=self.rounds, reasons=self.reasons)

    def prepare_all(self) -> None:
        """Each arm, and those that come up on the way; all have the same share, and so have the rounds."""
        waiting = deque(self.codes)
        while waiting:
            name = waiting.popleft()
            if self.left <= 0:
                self.reasons[name] = "the budget was used up before its turn"
                continue
            self._told(f"compiling {name}")
            try:
                self.prepared[name] = found = self._trials.prepare(name, max(_LEAST, self.left / (len(waiting) + 2)))
            except LostArmError as error:
                self.reasons[name] = error.reason
                continue
            self.codes |= found.offers
            waiting += found.offers

    def refuse_wrong(self) -> None:
        """Those that are wrong are not timed."""
        for name, reason in wrong_arms(self._facts, {name: p.products for name, p in self.prepared.items()}).items():
            self.reasons[name] = reason
            del self.prepared[name]

    def time(self, seed: int) -> None:
        """Rounds, until the answer is clear or the time is over."""
        arms = self._still(list(self.prepared))
        loops = loops_of({name: self.prepared[name].seconds for name in arms}, _BLOCK_SECONDS)
        blocks = self._blocks(loops)
        if blocks is None:
            return
        longest = 0.0
        while len(self.rounds) < _MOST and self.left > longest and not self._clear(arms):
            began = self._clock()
            self._told(f"round {len(self.rounds) + 1}: {', '.join(arms)}")
            chosen = {name: loops[name] for name in arms}
            try:
                self.rounds.append(self._trials.round(chosen, blocks, seed + len(self.rounds), self.left))
            except LostArmError as error:
                if error.arm is None or self.left <= 0:
                    return
                self._lose(error.arm, error.reason)
            longest = max(longest, self._clock() - began)
            arms = self._still([name for name in arms if name in self.prepared])

    def _lose(self, name: str, reason: str) -> None:
        """An arm that failed while it was timed is not advised, whatever it did before."""
        self.reasons[name] = reason
        self.prepared.pop(name, None)
        self.rounds = [{arm: values for arm, values in each.items() if arm != name} for each in self.rounds]

    def _blocks(self, loops: Mapping[str, int]) -> int | None:
        """In a round; None where not even one round fits."""
        each = sum((count + 1 + count // 8) * self.prepared[name].seconds for name, count in loops.items())
        few = next((blocks for blocks in _BLOCKS if blocks * each < _ROUND_SHARE * self.left), _BLOCKS[-1])
        return few if few * each < self.left else None

    def _still(self, arms: list[str]) -> list[str]:
        """The two fastest, so that it is known by how much the first is better, and what is not far behind."""
        order = [(name, e.point) for name, e in ranked(self.observed) if name in arms]
        for name, seconds in order[2:]:
            if seconds > _SLOW * order[0][1]:
                self.reasons[name] = f"more than {_SLOW:g} times slower than {order[0][0]}: not measured on"
        return [name for name in arms if name not in self.reasons]

    def _clear(self, arms: Sequence[str]) -> bool:
        """Whether every arm is known to be slower than the fastest, or as fast for all that anybody cares."""
        if len(arms) < 2:  # noqa: PLR2004 - nothing to compare
            return not arms or bool(self.rounds)
        if len(self.rounds) < _ENOUGH:
            return False
        best = next(name for name, _ in ranked(self.observed) if name in arms)
        ratios = [ratio_of(self.rounds, name, best) for name in arms if name != best]
        return all(
            e is not None
            and e.low is not None
            and e.high is not None
            and (e.low > 1 or math.log(e.high / e.low) / 2 < _NARROW)
            for e in ratios
        )


def _apart(one: Vector, other: Vector) -> float:
    """The largest difference, relative to the largest entry; infinite where NaN or infinity are in different places."""
    if one.shape != other.shape or (np.isfinite(one) != np.isfinite(other)).any():
        return math.inf
    known = np.isfinite(one)
    scale = float(np.max(np.abs(other[known]), initial=0)) or 1.0
    return float(np.max(np.abs(one[known] - other[known]), initial=0)) / scale
