"""What to measure of a user's function within a budget: which arms to compile, which to time on, when to stop.

Arms are tried in the order of what counts let expect. Everything counts against the budget, compiling too. An arm that
fails or is wrong costs the others nothing but that time; one that is late keeps those from being recommended that are
expected to be slower.
"""

import math
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from fwdrev.bench.records.callables import warm_up
from fwdrev.bench.records.trials import Facts, LostArmError, Trials, loops_of
from fwdrev.results.advice.decision import Observed, ranked, ratio_of
from fwdrev.results.advice.doubts import wrong_arms
from fwdrev.results.advice.words import MODES

_LEAST = 1.0
"""Seconds that an arm may take to compile and for its first call, however little is left, once it has its turn."""

_COUNTING = 0.25
"""Of the budget: what counting may take, before anything is compiled."""

_FIRST = 0.75
"""Of the time that is left: what the first arm may take. Without it nothing is recommended."""

_SLOW = 5.0
"""Times the fastest: an arm as slow as this is dropped after its first calls."""

_BLOCK_SECONDS = 0.02
"""A block of calls: long beside the clock and beside a disturbance of the system."""

_BLOCKS = (8, 4, 2)
"""In a round; the fewer, the slower the calls. A pair of blocks is the least: their order is reversed in the second."""

_ROUND_SHARE = 0.25
"""Of the time that is left: what the blocks of the first round may take, so that there is time for others."""

_ENOUGH, _MOST = 3, 12
"""Rounds after which an answer may be clear, and after which more would not help."""

_NARROW = math.log(1.02)
"""Half an interval: narrower ones tell no more that matters."""

_HOPELESS, _LONG, _LARGE = 10.0, 0.02, 1 << 30
"""An arm is not tried if it is expected to take so many times as long as the best, and a call that part of the budget
or so many bytes: trying it would cost more than it could tell."""

_OPTIONAL, _OPTIONAL_SHARE = frozenset({"coloured"}), 0.4
"""Arms of which only a sample is counted, and their share of the time that is left. When they are late the others may
be recommended, unless these are hopeless beside them."""

_LIKE = 0.98
"""Of two expected times: from there on they count as equal."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What counts let expect: seconds of a call, bytes at its peak; `long_seconds`: calls that count as long."""

    long_seconds: float
    expected: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)

    def hopeless(self, name: str, prepared: Iterable[str]) -> str | None:
        """Why an arm need not be tried beside those that were prepared."""
        mine, expected = self.expected.get(name, 0.0), self.expected
        best = min((each for each in prepared if each in expected), key=expected.__getitem__, default="")
        if not best or mine < _HOPELESS * expected[best]:
            return None
        if mine < self.long_seconds and self.peaks.get(name, 0) < _LARGE:
            return None
        return f"by counts {mine / expected[best]:.2g} times slower than {best}: not tried"

    def blocked(self, name: str, late: Iterable[str]) -> str | None:
        """Why an arm could not be recommended, whatever it takes."""
        first, _ = self.faster(name, late)
        return None if first is None else f"not tried: {first}, expected to be faster, was late"

    def faster(self, name: str, late: Iterable[str]) -> tuple[str | None, str | None]:
        """Of the arms that were late, the fastest that keeps an arm from being recommended, and the fastest of all."""
        less = _LIKE * self.expected.get(name, math.inf)
        faster = sorted(
            (each for each in late if self.expected.get(each, math.inf) < less), key=self.expected.__getitem__
        )
        return next((each for each in faster if self._blocks(each, name)), None), next(iter(faster), None)

    def _blocks(self, late: str, name: str) -> bool:
        if late not in _OPTIONAL:
            return True
        return self.expected.get(name, math.inf) >= max(_HOPELESS * self.expected[late], self.long_seconds)


def observed(
    trials: Trials,
    facts: Facts,
    budget: float,
    *,
    seed: int = 0,
    told: Callable[[str], None] = lambda _: None,
    clock: Clock = perf_counter,
) -> Observed:
    """Count, prepare arms by what counts let expect, check them, time those that have a chance, for `budget` seconds.

    `told` is called with what comes next.
    """
    measuring = _Measuring(trials, facts, budget, told, clock)
    measuring.count()
    measuring.prepare_all()
    measuring.refuse_wrong()
    measuring.time(seed)
    return measuring.seen


class _Measuring:
    """`seen` grows with each step."""

    def __init__(self, trials: Trials, facts: Facts, budget: float, told: Callable[[str], None], clock: Clock) -> None:
        """The time runs from here."""
        self._trials, self._facts, self._told, self._clock = trials, facts, told, clock
        self._budget, self._end = budget, clock() + budget
        self._order = Order(long_seconds=_LONG * budget)
        self.seen = Observed(
            codes=dict(facts.codes), reasons=dict(facts.left_out), long_seconds=self._order.long_seconds
        )
        self._begun: set[str] = set()

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - self._clock()

    def count(self) -> None:
        """What each arm is expected to take: by counts, or in time that was too short for these, by its passes."""
        self._told("counting operations")
        found = self._trials.expected(_COUNTING * self.left)
        passes = {"forward": self._facts.n, "reverse": self._facts.m}
        guessed = {name: size * self._facts.call_seconds for name, size in passes.items() if name in found.late}
        self.seen.codes |= found.codes
        self.seen.expected = guessed | dict(found.seconds)
        self._order = replace(self._order, expected=self.seen.expected, peaks=found.peaks)
        optional = {name: reason for name, reason in found.late.items() if name not in passes}
        self.seen.reasons |= {**optional, **found.reasons}

    def prepare_all(self) -> None:
        """Each arm that has a chance, the one first that is expected to be the fastest.

        Arms that did not begin, since their share was too small or they waited for one of these, get what is left over.
        """
        self._go_through(set(self.seen.codes) - set(self.seen.reasons), again=False)
        left_over = set(self.seen.untried) - self._begun
        for name in left_over:
            del self.seen.untried[name], self.seen.reasons[name]
        self._go_through(left_over, again=True)

    def _go_through(self, names: Collection[str], *, again: bool) -> None:
        expected, codes = self.seen.expected, list(self.seen.codes)
        waiting = deque(sorted(names, key=lambda name: (expected.get(name, math.inf), codes.index(name))))
        while waiting:
            name = waiting.popleft()
            hopeless = self._order.hopeless(name, self.seen.prepared)
            blocked = self._order.blocked(name, self.seen.untried)
            if hopeless is not None:
                self.seen.reasons[name] = hopeless
            elif blocked is not None:
                self._leave(name, blocked, None)
            elif self.left <= 0:
                self._leave(name, "the budget was used up before its turn", None)
            else:
                self._prepare(name, _FIRST if again else self._share(name, len(waiting)))

    def _share(self, name: str, waiting: int) -> float:
        """Of the time that is left, for an arm that so many others wait for."""
        if name in _OPTIONAL:
            return _OPTIONAL_SHARE
        return 1 / (waiting + 2) if self.seen.prepared else _FIRST

    def _prepare(self, name: str, share: float) -> None:
        self._told(f"compiling {name}")
        began = self.left
        try:
            self.seen.prepared[name] = self._trials.prepare(name, max(_LEAST, share * self.left))
        except LostArmError as error:
            if not error.late:
                self.seen.reasons[name] = error.reason
                return
            if error.needs is None:
                self._begun.add(name)
            spent = self._budget - began
            self._leave(name, error.reason, None if error.needs is None else spent + error.needs / share)

    def _leave(self, name: str, reason: str, needs: float | None) -> None:
        """An arm that was not tried to the end; `needs`: a budget in which it would be."""
        self.seen.reasons[name], self.seen.untried[name] = reason, needs

    def refuse_wrong(self) -> None:
        """Those that are wrong are not timed."""
        products = {name: prepared.products for name, prepared in self.seen.prepared.items()}
        for name, reason in wrong_arms(self._facts, products).items():
            self.seen.reasons[name] = reason
            del self.seen.prepared[name]

    def time(self, seed: int) -> None:
        """Rounds, until the answer is clear or the time is over."""
        arms = self._still(list(self.seen.prepared))
        loops = loops_of({name: self.seen.prepared[name].seconds for name in arms}, _BLOCK_SECONDS)
        blocks = self._blocks(loops)
        if blocks is None:
            return
        longest = 0.0
        while len(self.seen.rounds) < _MOST and self.left > longest and not self._clear(arms):
            began = self._clock()
            self._told(f"round {len(self.seen.rounds) + 1}: {', '.join(arms)}")
            chosen = {name: loops[name] for name in arms}
            try:
                self.seen.rounds.append(self._trials.round(chosen, blocks, seed + len(self.seen.rounds), self.left))
            except LostArmError as error:
                if error.arm is None or self.left <= 0:
                    return
                self._lose(error.arm, error.reason)
            longest = max(longest, self._clock() - began)
            arms = self._still([name for name in arms if name in self.seen.prepared])

    def _lose(self, name: str, reason: str) -> None:
        """An arm that failed while it was timed is not advised, whatever it did before."""
        self.seen.reasons[name] = reason
        self.seen.prepared.pop(name, None)
        self.seen.rounds = [{arm: values for arm, values in each.items() if arm != name} for each in self.seen.rounds]

    def _blocks(self, loops: Mapping[str, int]) -> int | None:
        """In a round; None where not even one round fits."""
        each = sum((count + warm_up(count)) * self.seen.prepared[name].seconds for name, count in loops.items())
        few = next((blocks for blocks in _BLOCKS if blocks * each < _ROUND_SHARE * self.left), _BLOCKS[-1])
        return few if few * each < self.left else None

    def _still(self, arms: list[str]) -> list[str]:
        """The two fastest, so that it is known by how much the first is better, and what is not far behind.

        Not far behind the first; for the faster plain mode that is left, behind the second: it is what the others are
        compared with.
        """
        order = [(name, e.point) for name, e in ranked(self.seen) if name in arms]
        plain = next((name for name, _ in order[1:] if name in MODES), None)
        for name, seconds in order[2:]:
            if seconds > _SLOW * order[name == plain][1]:
                self.seen.reasons[name] = f"more than {_SLOW:g} times slower than {order[0][0]}, timed in a few calls"
        return [name for name in arms if name not in self.seen.reasons]

    def _clear(self, arms: Sequence[str]) -> bool:
        """Whether every arm is known to be slower than the fastest, or known well enough."""
        if len(arms) <= 1:
            return not arms or bool(self.seen.rounds)
        if len(self.seen.rounds) < _ENOUGH:
            return False
        best = next(name for name, _ in ranked(self.seen) if name in arms)
        ratios = [ratio_of(self.seen.rounds, name, best) for name in arms if name != best]
        return all(
            e is not None and e.low is not None and e.high is not None and (e.low > 1 or _narrow(e.low, e.high))
            for e in ratios
        )


def _narrow(low: float, high: float) -> bool:
    return math.log(high / low) / 2 < _NARROW
