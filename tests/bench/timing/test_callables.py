"""Two callables of one process: the layout of their blocks, the order of calls, and refusals."""

import gc
import sys
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from fwdrev.bench.records.callables import Probed
from fwdrev.bench.timing import blocks as timing, callables
from fwdrev.bench.timing.callables import PairedCallables, without_arguments
from fwdrev.modes.errors import InputError


class Clock:
    """A clock that advances only with calls, by their cost; `calls` are those since the probe."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls = ""

    def call(self, name: str, seconds: float, answer: Any = None) -> Callable[[], Any]:
        """A callable that takes this long, and returns this answer."""

        def called() -> Any:
            self.now += seconds
            self.calls += name
            return answer

        return called


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A fake clock in place of the real one."""
    fake = Clock()
    for module in (timing, callables):
        monkeypatch.setattr(module, "perf_counter", lambda: fake.now)
    return fake


def probed(clock: Clock, f: float, g: float) -> PairedCallables:
    """A pair whose calls take this many seconds, probed."""
    return measured(clock, f, g)[0]


def measured(clock: Clock, f: float, g: float) -> tuple[PairedCallables, Probed]:
    """The pair measured with the results of its probe."""
    pair = PairedCallables(clock.call("f", f), clock.call("g", g))
    found = pair.probe()
    clock.calls = ""
    return pair, found


def test_rounds_are_abba_with_one_count(clock: Clock) -> None:
    """Nearly equal callables share their calls per block; a block after the other one begins with uncounted calls."""
    pair = probed(clock, f=0.0011, g=0.001)
    (found,) = pair.rounds(1, 2)
    assert found.f == pytest.approx((0.0011, 0.0011))
    assert found.g == pytest.approx((0.001, 0.001))
    a, b = ("f", "g") if clock.calls.startswith("f") else ("g", "f")
    assert clock.calls == a * 3 + b * 5 + a * 3, "two calls are a block, and one before it where the other one was"
    assert found.seconds == pytest.approx(0.0011 * clock.calls.count("f") + 0.001 * clock.calls.count("g"))


@pytest.mark.parametrize(
    ("seconds", "calls"), [(0.001, "fgfffggg"), (0.0099, "fgfffggg"), (0.011, "fgfg"), (0.0, "fgfffggg")]
)
def test_a_long_call_is_probed_once(clock: Clock, seconds: float, calls: str) -> None:
    """A short one is probed three times; a call below the clock's resolution counts as a nanosecond."""
    found = PairedCallables(clock.call("f", seconds), clock.call("g", seconds)).probe()
    assert clock.calls == calls
    assert [found.f, found.g] == pytest.approx([max(seconds, 1e-9)] * 2, rel=1e-9, abs=0)
    assert found.setup == 0.0


def test_the_shortest_of_three_calls_counts(clock: Clock) -> None:
    """Delays only add."""
    seconds = iter([60.0, 0.003, 0.001, 0.002])

    def call() -> None:
        clock.now += next(seconds)

    found = PairedCallables(call, clock.call("g", 0.001)).probe()
    assert [found.f, found.g] == pytest.approx([0.001] * 2)


def test_either_may_begin(clock: Clock) -> None:
    """The order is drawn anew in each group, reproducibly."""
    pair = probed(clock, f=0.002, g=0.002)
    list(pair.rounds(20, 2))
    order, clock.calls = clock.calls, ""
    again = probed(clock, f=0.002, g=0.002)
    list(again.rounds(20, 2))
    assert clock.calls == order
    clock.calls = ""
    pair = probed(clock, f=0.002, g=0.002)
    begins = set()
    for _ in pair.rounds(20, 2):
        begins.add(clock.calls[0])
        clock.calls = ""
    assert begins == {"f", "g"}


def test_setup_is_called_anew_in_each_round(clock: Clock) -> None:
    """Each round has its own callables, called once before the blocks; the old ones live until then."""
    made: list[str] = []

    def setup() -> tuple[Any, Any]:
        made.append(str(len(made)))
        return clock.call(made[-1], 0.01), clock.call(made[-1], 0.01)

    pair = PairedCallables(*setup(), setup)
    pair.probe()
    clock.calls = ""
    assert [len(found.f) for found in pair.rounds(3, 2)] == [2, 2, 2]
    assert made == ["0", "1", "2", "3", "4"]
    assert sorted(set(clock.calls)) == ["2", "3", "4"]
    assert clock.calls == "".join(sorted(clock.calls))


def test_the_old_pair_lives_until_the_new_one_is_there() -> None:
    """New arrays then lie elsewhere, at a random distance; nothing older is held."""
    made: list[Any] = []
    alive: list[list[bool]] = []

    def setup() -> tuple[Any, Any]:
        alive.append([each() is not None for each in made])
        f, g = Waited(), Waited()
        made.extend([weakref.ref(f), weakref.ref(g)])
        return f.block_until_ready, g.block_until_ready

    pair = PairedCallables(*setup(), setup)
    pair.probe()
    distances = set()
    for _ in pair.rounds(3, 2):
        distances.add(len(pair._padding))
    assert alive == [[], [True] * 2, *([False] * (2 * old) + [True] * 2 for old in range(1, 4))]
    assert len(distances) == 3
    assert 0 < max(distances) < 1 << 16


def test_the_collector_is_as_it_was() -> None:
    """The collector is off during blocks; afterwards its state is as before, even if a callable raises."""
    seen: list[bool] = []
    pair = PairedCallables(lambda: seen.append(gc.isenabled()), lambda: None)
    pair.probe()
    seen.clear()
    list(pair.rounds(1, 2))
    assert gc.isenabled()
    assert set(seen) == {False}
    gc.disable()
    try:
        list(pair.rounds(1, 2))
        assert not gc.isenabled()
    finally:
        gc.enable()
    failing = PairedCallables(lambda: 1 // len(seen), lambda: None)
    failing.probe()
    seen.clear()
    with pytest.raises(ZeroDivisionError):
        list(failing.rounds(1, 2))
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("seconds", "rounds", "blocks"),
    [(2e-5, 10, 6), (5e-3, 10, 6), (20e-3, 10, 2), (50e-3, 5, 2), (0.1, 3, 2)],
    ids=str,
)
def test_the_layout_fits_the_time(clock: Clock, seconds: float, rounds: int, blocks: int) -> None:
    """For longer calls, two looks have fewer blocks, then fewer rounds; they stay within the time."""
    pair, found = measured(clock, f=seconds, g=seconds)
    layout = found.layout(5.0)
    assert (layout.rounds, layout.blocks) == (rounds, blocks)
    assert not clock.calls
    spent = sum(each.seconds for each in pair.rounds(2 * layout.rounds, layout.blocks))
    assert spent <= layout.needed <= 5.0


@pytest.mark.parametrize(("seconds", "rounds"), [(0.12, 5), (0.15, 4), (0.3, 2), (0.6, 1), (3.0, 0)])
def test_without_time_for_two_looks_there_are_as_many_rounds_as_fit(clock: Clock, seconds: float, rounds: int) -> None:
    """There may be no rounds; the message gives a time for two looks of five rounds, which suffices."""
    pair, found = measured(clock, f=seconds, g=seconds)
    layout = found.layout(5.0)
    assert (layout.rounds, layout.blocks) == (rounds, 2)
    assert sum(each.seconds for each in pair.rounds(rounds, 2)) <= 5.0
    assert layout.needed == pytest.approx(2 * 5 * 2 * (2 + 2) * seconds)
    assert found.layout(layout.needed).rounds == 5


def test_what_setup_takes_counts(clock: Clock) -> None:
    """Setup counts in each round; first calls do not, since they compile for all rounds."""
    compiled: set[str] = set()

    def compiling(name: str) -> Callable[[], None]:
        def called() -> None:
            clock.now += 1e-3 if name in compiled else 60.0
            compiled.add(name)

        return called

    def setup() -> tuple[Any, Any]:
        clock.now += 1.0
        return compiling("f"), compiling("g")

    found = PairedCallables(*setup(), setup).probe()
    assert found.setup == pytest.approx(1.0, abs=0.01)
    layout = found.layout(5.0)
    assert layout.rounds == 4
    assert layout.needed == pytest.approx(10.0, abs=0.5)
    assert found.layout(30.0).rounds == 10


class Waited:
    """Stands for an array of JAX that is not ready; a call that returns one is waited for."""

    def __init__(self) -> None:
        self.waits = 0

    def block_until_ready(self) -> "Waited":
        """Makes it ready."""
        self.waits += 1
        return self


def test_arrays_of_jax_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrays may be alone or inside a result, and each call waits once; a result without arrays is unchanged."""
    from jax import tree_util

    def block_until_ready(found: Any) -> Any:
        return tree_util.tree_map(lambda leaf: leaf.block_until_ready() if isinstance(leaf, Waited) else leaf, found)

    fake = SimpleNamespace(Array=Waited, tree_util=tree_util, block_until_ready=block_until_ready)
    monkeypatch.setitem(sys.modules, "jax", fake)
    clock = Clock()
    array = Waited()
    for answer in (array, {"a": (1.0, array)}):
        array.waits, clock.calls = 0, ""
        pair = PairedCallables(clock.call("f", 0.0, answer), clock.call("g", 0.0, 1.0))
        pair._calls = callables._ready(*pair._made)
        assert (array.waits, clock.calls) == (0, "fg"), "the first call only tells what it returns"
        assert pair._calls["g"] is pair._made[1]
        pair._calls["f"]()
        assert array.waits == 1


def test_jax_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an imported JAX, no array can be JAX's."""
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    pair = PairedCallables(Waited, Waited)
    pair.probe()
    assert pair._calls == {"f": Waited, "g": Waited}
    assert "jax" not in sys.modules


@pytest.mark.parametrize("call", [dict, partial(max, 1, 2), lambda x=1: x, lambda *xs: xs])
def test_what_needs_no_arguments_may_have_some(call: Any) -> None:
    """Defaults, any number of them, and a builtin without a signature are accepted."""
    assert without_arguments("f", call) is call


@pytest.mark.parametrize(("call", "why"), [(lambda x: x, "argument: 'x'"), (abs, "needs arguments"), (1, "is 1: ")])
def test_what_cannot_be_called_without_arguments_is_refused(call: Any, why: str) -> None:
    """One line says what to give."""
    with pytest.raises(InputError, match=rf"^f .*{why}.*lambda: work\(x\)$"):
        without_arguments("f", call)
