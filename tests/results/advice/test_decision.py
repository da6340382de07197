"""Advice from scripted trials: measurements within a budget, recommendations, and their wording."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

import pytest

from fwdrev.api.advise import measured_advice
from fwdrev.bench.records.trials import Expected, Facts, LostArmError, Prepared, Values
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.advice.decision import counted_advice
from fwdrev.results.advice.doubts import wrong_arms
from fwdrev.results.advice.record import Advice
from fwdrev.results.advice.rounds import observed
from fwdrev.results.advice.words import advice_words
from fwdrev.results.notebook.html import record_html
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import bytes_text, seconds_text
from tests.shown import Reader

FACTS = Facts(
    name="f",
    n=100,
    m=10,
    dtype="float64",
    device="cpu",
    codes={"forward": "jax.jit(jax.jacfwd(f))", "reverse": "jax.jit(jax.jacrev(f))"},
    left_out={"coloured": "asdex is not installed"},
    overhead_seconds=1e-6,
    quotient=[1.0] * 10,
)


@dataclass(kw_only=True)
class Scripted:
    """Trials with given times; the clock advances by their cost.

    `fails`: arms that raise when they are prepared, `dies`: when they are first timed; `compiling`: seconds, which the
    trials foresee if they are `careful`; `counts`: expected seconds; `uncounted`: further results of counting.
    """

    seconds: Mapping[str, float]
    memory: Mapping[str, int] = field(default_factory=dict)
    compiling: Mapping[str, float] = field(default_factory=dict)
    products: Mapping[str, Sequence[float]] = field(default_factory=dict)
    counts: Mapping[str, float] = field(default_factory=dict)
    uncounted: Expected = field(default_factory=Expected)
    fails: Mapping[str, str] = field(default_factory=dict)
    dies: set[str] = field(default_factory=set)
    careful: bool = False
    noise: float = 0.0
    round_seconds: float = 1.0
    now: float = 0.0
    fresh: bool = True
    asked: list[tuple[str, ...]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    def clock(self) -> float:
        """The clock of the trials' own time."""
        return self.now

    def facts(self, seconds: float) -> Facts:
        """Known from the start."""
        return FACTS

    def expected(self, seconds: float) -> Expected:
        """Answers at once."""
        return Expected(seconds=self.counts) | self.uncounted

    def prepare(self, arm: str, seconds: float) -> Prepared:
        """Takes the time to compile, or the whole limit."""
        takes = self.compiling.get(arm, 0.1)
        if self.careful and takes > seconds:
            raise LostArmError(arm, "it is expected to need more than is left for it", late=True, needs=takes)
        self.now += min(takes, seconds)
        self.tried.append(arm)
        if takes > seconds:
            raise LostArmError(arm, f"it took longer than the {seconds:.3g} s that it was given", late=True)
        if arm in self.fails:
            raise LostArmError(arm, self.fails[arm])
        return Prepared(
            compile_seconds=takes,
            memory_bytes=self.memory.get(arm, 1000),
            seconds=self.seconds[arm],
            products=self.products.get(arm, [1.0] * 110),
        )

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float) -> Values:
        """All blocks of an arm share the noise of a round."""
        self.asked.append(tuple(loops))
        for arm in self.dies & set(loops):
            raise LostArmError(arm, "it died")
        self.now += self.round_seconds
        rng = Random(seed)
        return {arm: [self.seconds[arm] * math.exp(rng.gauss(0, self.noise))] * blocks for arm in loops}


def advised(trials: Scripted, facts: Facts = FACTS, budget: float = 20.0) -> Advice:
    """Advises by the trials' clock."""
    from fwdrev.results.advice.decision import advice_of

    seen = observed(trials, facts, budget, clock=trials.clock)
    return advice_of(facts, seen, fresh=True)


def arm_of(advice: Advice, name: str) -> dict[str, object]:
    """An arm of the JSON."""
    found: dict[str, object] = next(arm for arm in advice.to_json()["arms"] if arm["name"] == name)
    return found


def test_the_faster_arm_is_recommended() -> None:
    """The advice has the ratio to the other arm, an interval, and code; three rounds suffice for a clear case."""
    trials = Scripted(seconds={"forward": 4e-4, "reverse": 1e-4}, noise=0.01)
    found = advised(trials)
    assert (found.recommend, found.runner_up, found.tie, found.rounds) == ("reverse", "forward", False, 3)
    ratio = found.times_faster["forward"]
    assert ratio.low is not None
    assert ratio.high is not None
    assert 3.5 < ratio.low < 4.0 < ratio.high < 4.5
    assert found.code == "jax.jit(jax.jacrev(f))"


def test_json_has_what_was_promised() -> None:
    """Programs rely on these keys."""
    data = advised(Scripted(seconds={"forward": 1e-4, "reverse": 4e-4}, noise=0.01)).to_json()
    assert (data["n"], data["m"], data["recommend"]) == (100, 10, "forward")
    assert data["times_faster"]["reverse"].keys() == {"point", "low", "high", "level"}
    assert data["times_faster"][data["runner_up"]]["point"] == pytest.approx(4.0, rel=0.1)
    assert data["code"] == "jax.jit(jax.jacfwd(f))"
    assert [arm["name"] for arm in data["arms"]] == ["forward", "reverse", "coloured"]
    assert data["arms"][2]["reason"] == "asdex is not installed"


@pytest.mark.parametrize(
    ("seconds", "noise", "memory", "recommend", "tie"),
    [
        ({"forward": 1.00e-4, "reverse": 1.01e-4}, 0.0, {"forward": 2000, "reverse": 1000}, "reverse", True),
        ({"forward": 1.00e-4, "reverse": 1.01e-4}, 0.0, {"forward": 1000, "reverse": 2000}, "forward", True),
        ({"forward": 1.00e-4, "reverse": 1.01e-4}, 0.0, {"forward": 1000, "reverse": 990}, "forward", True),
        ({"forward": 1.00e-4, "reverse": 1.04e-4}, 0.0, {"forward": 2000, "reverse": 1000}, "forward", False),
        ({"forward": 1.00e-4, "reverse": 1.03e-4}, 0.06, {"forward": 2000, "reverse": 1000}, "reverse", True),
    ],
    ids=["less memory", "faster and less", "hardly less", "sure", "within the noise"],
)
def test_within_the_noise_memory_decides(
    seconds: dict[str, float], noise: float, memory: dict[str, int], *, recommend: str, tie: bool
) -> None:
    """A clearly faster arm wins, whatever memory it needs."""
    trials = Scripted(seconds=seconds, noise=noise, memory=memory)
    found = advised(trials)
    assert (found.recommend, found.tie) == (recommend, tie)
    assert any("within the noise" in line for line in advice_words(found)) == found.tie


def test_what_seems_much_faster_wins_though_nobody_is_sure() -> None:
    """The advice says that its interval includes equal times."""
    seconds, memory = {"forward": 1.0e-4, "reverse": 1.3e-4}, {"forward": 2000, "reverse": 1000}
    found = advised(Scripted(seconds=seconds, noise=0.4, memory=memory))
    assert (found.recommend, found.tie) == ("forward", False)
    assert "equal times are within its interval" in " ".join(advice_words(found))


def test_a_noisy_answer_takes_more_rounds_and_keeps_to_the_budget() -> None:
    """A round that would not fit does not begin."""
    trials = Scripted(seconds={"forward": 1.0e-4, "reverse": 1.1e-4}, noise=0.3, round_seconds=3.0)
    found = advised(trials)
    assert found.rounds == 6
    assert trials.now <= 20.0


def test_a_budget_for_no_round_still_gives_advice() -> None:
    """The advice rests on the few calls after compiling; it has no interval, and says so."""
    trials = Scripted(seconds={"forward": 3.0, "reverse": 4.0}, compiling={"forward": 2.0, "reverse": 2.0})
    found = advised(trials, budget=8.0)
    assert (found.recommend, found.rounds) == ("forward", 0)
    assert found.times_faster["reverse"] == Estimate(point=4 / 3, low=None, high=None)
    assert any("no round fitted" in line for line in advice_words(found))


def test_slow_arms_are_not_measured_on() -> None:
    """The two fastest are always compared, and so is a plain mode not far behind the second."""
    codes = {**FACTS.codes, "mixed": "m", "other": "o"}
    seconds = {"forward": 1e-4, "reverse": 9e-4, "mixed": 8e-4, "other": 3e-4}
    trials = Scripted(seconds=seconds, noise=0.01)
    found = advised(trials, replace(FACTS, codes=codes))
    assert set(trials.asked) == {("forward", "reverse", "other")}
    assert "more than 5 times slower than forward, timed in a few calls" in str(arm_of(found, "mixed")["reason"])
    assert arm_of(found, "mixed")["seconds"] is not None
    alone = Scripted(seconds={"forward": 1e-4, "reverse": 9e-2}, noise=0.01)
    assert advised(alone).times_faster.keys() == {"reverse"}
    assert set(alone.asked) == {("forward", "reverse")}
    far = Scripted(seconds={**seconds, "reverse": 1.6e-3}, noise=0.01)
    advised(far, replace(FACTS, codes=codes))
    assert set(far.asked) == {("forward", "other")}


def test_arms_that_fail_are_left_out() -> None:
    """The reasons of failed arms appear; the others are measured."""
    trials = Scripted(seconds={"forward": 1e-4, "reverse": 2e-4}, fails={"forward": "TypeError: no rule"})
    found = advised(trials)
    assert (found.recommend, found.runner_up, found.times_faster) == ("reverse", None, {})
    assert arm_of(found, "forward")["reason"] == "TypeError: no rule"
    assert any("nothing else could be measured" in line for line in advice_words(found))


def test_arms_are_tried_in_the_order_of_their_counts() -> None:
    """The order of the table does not matter; arms without expectations come last."""
    codes = {"a": "a", "b": "b", "c": "c", "d": "d"}
    trials = Scripted(seconds=dict.fromkeys(codes, 1e-4), counts={"b": 3e-4, "c": 1e-4, "d": 2e-4})
    advised(trials, replace(FACTS, codes=codes))
    assert trials.tried == ["c", "d", "b", "a"]


def test_an_arm_that_is_late_leaves_the_slower_ones_unadvised() -> None:
    """While an arm expected to be faster was not tried, nothing is recommended, and the remedy is given."""
    counts, seconds = {"forward": 4e-4, "reverse": 1e-4}, {"forward": 4e-4, "reverse": 1e-4}
    trials = Scripted(seconds=seconds, counts=counts, compiling={"reverse": 100.0})
    with pytest.raises(NothingMeasuredError, match="reverse: it took longer than the 15 s") as told:
        measured_by(trials)
    assert "a budget of 60 s should settle it" in str(told.value)
    assert "forward: not tried: reverse, expected to be faster, was late" in str(told.value)
    assert trials.tried == ["reverse"]
    assert trials.now < 20


def test_what_was_measured_is_not_recommended_over_an_arm_that_was_late() -> None:
    """The measured arm had no expectation: the late one may be faster."""
    counts, seconds = {"reverse": 1e-4}, {"forward": 4e-4, "reverse": 1e-4}
    trials = Scripted(seconds=seconds, counts=counts, compiling={"reverse": 100.0})
    with pytest.raises(NothingMeasuredError, match="reverse"):
        measured_by(trials)
    three = {"forward": 1e-4, "reverse": 2e-4, "mixed": 1.5e-4}
    codes = {**FACTS.codes, "mixed": "m"}
    late = Scripted(seconds=three, counts=three, compiling={"mixed": 100.0})
    found = advised(late, replace(FACTS, codes=codes))
    assert late.tried == ["forward", "mixed"]
    assert found.recommend == "forward"
    assert "longer than" in str(arm_of(found, "mixed")["reason"])


def test_an_arm_that_did_not_begin_gets_what_is_left_over() -> None:
    """The arm's share was too small while others were waiting; after it, the waiting ones get their turn."""
    codes = {**FACTS.codes, "mixed": "m", "other": "o"}
    counts = {"forward": 1e-4, "mixed": 2e-4, "reverse": 3e-4, "other": 4e-4}
    trials = Scripted(seconds=counts, counts=counts, compiling={"mixed": 6.0}, careful=True)
    found = advised(trials, replace(FACTS, codes=codes))
    assert trials.tried == ["forward", "mixed", "reverse", "other"]
    assert {arm.name for arm in found.arms if arm.seconds is not None} == set(codes)
    assert trials.now <= 20
    still = Scripted(seconds=counts, counts=counts, compiling={"mixed": 60.0}, careful=True)
    assert arm_of(advised(still, replace(FACTS, codes=codes)), "reverse")["reason"] == (
        "not tried: mixed, expected to be faster, was late"
    )
    assert still.tried == ["forward"]


def test_a_late_arm_that_is_expected_to_be_as_slow_does_not_block() -> None:
    """Equal counts say nothing."""
    counts, seconds = {"forward": 1e-4, "reverse": 1e-4}, {"forward": 1e-4, "reverse": 1e-4}
    found = advised(Scripted(seconds=seconds, counts=counts, compiling={"forward": 100.0}), budget=40.0)
    assert found.recommend == "reverse"


@pytest.mark.parametrize(("seconds", "blocks"), [(2e-3, False), (3.0, True)])
def test_an_optional_arm_that_is_late_is_noted(seconds: float, *, blocks: bool) -> None:
    """Only a sample of its pattern was counted: others are recommended, unless they are hopeless beside it."""
    times = {"forward": seconds, "coloured": 1e-4}
    trials = Scripted(seconds=times, counts=times, compiling={"coloured": 100.0})
    facts = replace(FACTS, codes={"forward": "f", "coloured": "c"}, left_out={})
    if blocks:
        with pytest.raises(NothingMeasuredError, match="coloured"):
            measured_by(trials, facts=facts)
        assert trials.tried == ["coloured"]
        return
    found = measured_by(trials, facts=facts)
    assert found.recommend == "forward"
    assert "counts expect coloured to be 20 times faster than forward" in found.facts.notes[0]
    assert "a budget of 60 s should settle it" in found.facts.notes[0]


def test_hopeless_arms_are_not_tried() -> None:
    """Arms ten times slower than the best, and long, are left out for that reason, unless the best fails."""
    counts, seconds = {"forward": 30.0, "reverse": 1e-3}, {"forward": 3.0, "reverse": 1e-3}
    trials = Scripted(seconds=seconds, counts=counts)
    found = advised(trials)
    assert (found.recommend, found.runner_up, trials.tried) == ("reverse", None, ["reverse"])
    assert "by counts 3e+04 times slower than reverse" in str(arm_of(found, "forward")["reason"])
    assert arm_of(found, "forward")["counted_seconds"] == 30.0
    assert any("counts expect the others to be far slower" in line for line in advice_words(found))
    short = {"forward": 0.3, "reverse": 1e-3}
    small = Scripted(seconds=seconds, counts=short)
    large = Scripted(seconds=seconds, counts=short, uncounted=Expected(peaks={"forward": 1 << 30}))
    advised(small)
    assert small.tried == ["reverse", "forward"]
    advised(large)
    assert large.tried == ["reverse"]
    failing = Scripted(seconds=seconds, counts=counts, fails={"reverse": "no rule"})
    assert advised(failing).recommend == "forward"


def test_what_counting_finds_out_is_kept() -> None:
    """Counting may add arms in chunks, exclude arms that do not fit into memory, or run out of time."""
    uncounted = Expected(
        codes={"forward-chunked": "chunks"}, reasons={"forward": "it needs 99 GB"}, late={"reverse": "took longer"}
    )
    seconds = {"forward-chunked": 1e-4, "reverse": 9e-4}
    trials = Scripted(seconds=seconds, counts={"forward-chunked": 1e-4}, uncounted=uncounted, noise=0.01)
    found = advised(trials, replace(FACTS, call_seconds=1e-4))
    assert (found.recommend, found.code) == ("forward-chunked", "chunks")
    assert trials.tried == ["forward-chunked", "reverse"]
    assert arm_of(found, "forward")["reason"] == "it needs 99 GB"


def measured_by(trials: Scripted, budget: float = 20.0, facts: Facts = FACTS) -> Advice:
    """Measures by the clock of the trials."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwdrev.api.advise.observed", partial(observed, clock=trials.clock))
        return measured_advice(trials, facts, budget)


def test_an_arm_that_dies_while_it_is_timed_is_not_recommended() -> None:
    """The arm's earlier times do not matter."""
    trials = Scripted(seconds={"forward": 1e-4, "reverse": 2e-4}, dies={"forward"})
    found = advised(trials)
    assert (found.recommend, found.runner_up) == ("reverse", None)
    assert arm_of(found, "forward")["reason"] == "it died"


def test_nothing_measured_is_an_error() -> None:
    """The error names every arm."""
    fails = {"forward": "one reason", "reverse": "another"}
    with pytest.raises(NothingMeasuredError, match="forward: one reason; reverse: another"):
        measured_advice(Scripted(seconds={}, fails=fails), FACTS, 20.0)


def test_no_time_at_all_still_tries_an_arm() -> None:
    """The first one runs only while there is time; otherwise nothing was measured."""
    with pytest.raises(NothingMeasuredError, match="used up"):
        measured_advice(Scripted(seconds={"forward": 1.0, "reverse": 1.0}), FACTS, 0.0)


def test_a_wrong_arm_is_left_out() -> None:
    """Differences show which of two Jacobians is wrong; a wrong one is not recommended, even if faster."""
    right, wrong = [1.0] * 110, [2.0] * 10 + [1.0] * 100
    trials = Scripted(seconds={"forward": 1e-5, "reverse": 1e-4}, products={"forward": wrong, "reverse": right})
    found = advised(trials)
    assert (found.recommend, found.runner_up) == ("reverse", None)
    assert arm_of(found, "forward")["seconds"] is None
    assert "custom_jvp" in str(arm_of(found, "forward")["reason"])


@pytest.mark.parametrize(
    ("forward", "reverse", "wrong"),
    [
        ([1.0, 1.0], [1.0 + 1e-9, 1.0], set()),
        ([1.0, 1.0], [1.0, 1.01], {"reverse"}),
        ([1.0, 1.0], [1.0, math.nan], {"reverse"}),
        ([math.nan, 1.0], [1.0, 1.0], {"forward"}),
        ([math.nan, 1.0], [math.nan, 1.0], set()),
    ],
)
def test_jacobians_have_to_agree(forward: list[float], reverse: list[float], wrong: set[str]) -> None:
    """Jacobians agree within rounding; NaN in the same place agrees."""
    facts = replace(FACTS, n=1, m=1, quotient=[1.0])
    assert set(wrong_arms(facts, {"forward": forward, "reverse": reverse})) == wrong


def test_the_plain_mode_is_compared_with_first() -> None:
    """The plain mode is what a user would type; then comes the runner-up, with the size of its chunks."""
    chunks = Expected(codes={"reverse-chunked": 'jax.jit(fwdrev.jacobian(f, mode="reverse", chunk=4))'})
    seconds = {"forward": 1e-4, "reverse": 4e-4, "reverse-chunked": 2e-4}
    trials = Scripted(seconds=seconds, counts={"forward": 1e-4, "reverse-chunked": 2e-4}, uncounted=chunks)
    found = advised(trials)
    assert (found.recommend, found.runner_up, found.plain) == ("forward", "reverse-chunked", "reverse")
    words = advice_words(found)[0]
    assert words == (
        "Use forward: it is 4 times (95 % interval 4 … 4) faster than reverse (jax.jacrev), and 2 times (95 % interval "
        "2 … 2) faster than reverse-chunked (4 outputs at a time)."
    )
    one = advised(Scripted(seconds={"forward": 1e-4, "reverse": 4e-4}))
    assert advice_words(one)[0].endswith("faster than reverse (jax.jacrev).")
    slower = replace(trials, seconds={"forward": 9e-4, "reverse": 4e-4, "reverse-chunked": 2e-4})
    assert advice_words(advised(slower))[0].startswith("Use reverse-chunked (4 outputs at a time): it is 2 times")


def test_products_are_named_where_they_are_fewer() -> None:
    """Products take one pass instead of n or m, in the function's library; a Jacobian of one row is one pass itself."""
    trials = Scripted(seconds={"forward": 1e-4, "reverse": 4e-4})
    assert "Jᵀr is one jax.vjp(f, x)[1](r), J·v one jax.jvp(f, (x,), (v,))" in str(advised(trials))
    torch = str(advised(trials, replace(FACTS, framework="torch", name="model.residuals")))
    assert "torch.func.vjp(model.residuals, x)[1](r)" in torch
    assert "Jᵀr" not in str(advised(trials, replace(FACTS, m=1)))


def test_other_sizes_are_extrapolated() -> None:
    """Beyond a call's overhead, forward grows with n and reverse with m: here reverse has 10 of 100 passes."""
    found = advised(Scripted(seconds={"forward": 401e-6, "reverse": 101e-6}, noise=0.02))
    assert found.break_even is not None
    for e, size in ((found.break_even.outputs, 40), (found.break_even.inputs, 25)):
        assert e.low is not None
        assert e.high is not None
        assert e.low < size < e.high
    words = " ".join(advice_words(found))
    assert re.search(
        r"with more outputs or fewer inputs forward should overtake reverse, near m = \d+ outputs \(95 % interval "
        r"\d+ … \d+\) with n = 100 or n = \d+ inputs \(95 % interval \d+ … \d+\) with m = 10\.",
        words,
    )
    assert "extrapolated, not measured" in words
    far = advised(Scripted(seconds={"forward": 1001e-6, "reverse": 11e-6}))
    assert "reverse should stay ahead of forward" in " ".join(advice_words(far))
    quick = advised(Scripted(seconds={"forward": 1.5e-6, "reverse": 1.2e-6}))
    assert quick.break_even is None


def test_other_sizes_are_of_what_is_recommended() -> None:
    """The other sizes use the arm in chunks and the fastest of the other direction; mixed mode is not extrapolated."""
    codes = {**FACTS.codes, "reverse-chunked": "chunk=4", "mixed": "m"}
    seconds = {"forward": 401e-6, "reverse": 801e-6, "reverse-chunked": 101e-6}
    found = advised(Scripted(seconds=seconds), replace(FACTS, codes={name: codes[name] for name in seconds}))
    assert found.break_even is not None
    assert (found.break_even.forward, found.break_even.reverse) == ("forward", "reverse-chunked")
    assert found.break_even.outputs.point == pytest.approx(40)
    assert "forward should overtake reverse-chunked" in str(found)
    mixed = advised(Scripted(seconds={**seconds, "mixed": 51e-6}), replace(FACTS, codes=codes))
    assert (mixed.recommend, mixed.break_even) == ("mixed", None)
    assert "how mixed grows with n and m is not known" in str(mixed)


def test_counts_alone_recommend() -> None:
    """The arm with the lowest counts is recommended; a line says that nothing was measured."""
    seconds = {"reverse": 2e-4, "forward": 1e-4}
    found = counted_advice(FACTS, Expected(codes=FACTS.codes, seconds=seconds, reasons={"mixed": "no rule"}))
    assert (found.recommend, found.runner_up, found.measured) == ("forward", "reverse", False)
    assert found.times_faster["reverse"].point == 2.0
    assert arm_of(found, "mixed")["reason"] == "no rule"
    assert "Counted, not measured" in str(found)
    with pytest.raises(NothingMeasuredError, match="forward: no rule"):
        counted_advice(FACTS, Expected(codes={}, seconds={}, reasons={"forward": "no rule"}))


def test_lines_end_with_the_code_and_html_holds_the_table() -> None:
    """Terminal and notebook show the same; text is escaped."""
    trials = Scripted(seconds={"forward": 1e-4, "reverse": 2.5e-4}, noise=0.01, fails={"mixed": "<b>"})
    found = advised(trials, replace(FACTS, codes={**FACTS.codes, "mixed": "m"}, notes=["a note"]))
    lines = str(found).splitlines()
    assert lines[0] == "f: n = 100 inputs, m = 10 outputs, float64 on cpu"
    assert lines[-1] == found.code
    assert "note: a note" in lines
    assert any(line.startswith("Use forward: it is 2.") and "times (95 % interval" in line for line in lines)
    html = record_html(found)
    assert "<b>" not in html
    cells = Reader(html).cells
    assert [name for name in cells if name in FACTS.codes] == ["forward", "reverse"]


@pytest.mark.parametrize(("value", "text"), [(1.2345e-5, "12.3 µs"), (0.5, "500 ms"), (2.0, "2 s"), (3e-10, "0.3 ns")])
def test_seconds_are_told_in_a_unit(value: float, text: str) -> None:
    """Times have three digits."""
    assert seconds_text(value) == text


def test_bytes_are_told_in_a_unit() -> None:
    """Units are powers of 1000."""
    assert [bytes_text(size) for size in (0, 999, 1500, 2_000_000)] == ["0 B", "999 B", "1.5 kB", "2 MB"]
