"""The looks of a gate on functions: enough rounds for its findings, and a line with the reason for more."""

from collections.abc import Generator, Sequence

import numpy as np
import pytest
from scipy.stats import binom

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.results.gate.findings import SCREENING
from fwdrev.results.gate.run import FOUND, Looks, gate_run, rounds_to_find
from fwdrev.results.gate.sides import Pair, sides_of
from fwdrev.results.gate.verdicts.report import Outcome, Verdict

SPEC = gate_spec({"blocks": 2}, ["mine:f", "mine:g"])
F, G = ((Cell(1000, 1), name) for name in SPEC.engines)


class Noisy:
    """Head takes `ratio` times as long with f, as long with g; each round differs by a normal `spread`."""

    def __init__(self, ratio: float, spread: float, seed: int = 0, wrong: str | None = None) -> None:
        """`wrong`: functions that are not timed."""
        self.ratio, self.spread, self.rng, self.wrong = ratio, spread, np.random.default_rng(seed), wrong
        self.asked: list[tuple[int, list[str] | None]] = []

    def __call__(self, spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        """Every round of the request."""
        self.asked.append((spec.rounds, None if only is None else [arm for _, arm in only]))
        arms = [arm for arm in spec.engines if only is None or (F[0], arm) in only]
        for number in range(spec.rounds):
            drawn = np.exp(self.spread * self.rng.standard_normal(len(arms) + 1))
            times = dict(zip([*arms, CONTROL], drawn, strict=True))
            if F[1] in times:
                times[F[1]] *= self.ratio
            head = {arm: _timed(time) for arm, time in times.items()}
            base = dict.fromkeys(head, _timed(1.0))
            if self.wrong in head:
                head[self.wrong] = ArmResult(status=Status.WRONG, reason="it returns something else")
            yield SideObservation(round=number, cell=F[0], base=base, head=head, seconds=0.1)


def _timed(seconds: float) -> ArmResult:
    return ArmResult(status=Status.MEASURED, loops=1, values=(float(seconds), float(seconds)))


@pytest.mark.parametrize(("find", "spread"), [(0.2, 0.02), (0.2, 0.1), (0.1, 0.04)])
def test_what_is_to_be_found_is_found(find: float, spread: float) -> None:
    """At least 95 % of runs find it, by the binomial law for their number; unchanged code is never slower."""
    runs, threshold = 60, float(np.sqrt(1 + find) - 1)
    found = 0
    for seed in range(runs):
        gate = gate_run(SPEC, Noisy(1 + find, spread, seed), threshold=threshold, find=find).gate
        slower = {f.subject.name for f in gate.findings if f.verdict is Verdict.REGRESSED}
        assert slower <= {"mine:f"}
        found += bool(slower)
    assert found >= binom.ppf(1e-3, runs, FOUND)


def test_more_rounds_where_they_vary_more() -> None:
    """The number of rounds follows the spread, in one step with its reason, or stays if it suffices."""
    lines: list[str] = []
    quiet, loud = Noisy(1.0, 0.005), Noisy(1.0, 0.09)
    gate_run(SPEC, quiet, threshold=0.095, find=0.2)
    run = gate_run(SPEC, loud, threshold=0.095, find=0.2, told=lines.append)
    assert quiet.asked == [(14, None)]
    (first, more) = loud.asked[:2]
    assert (first, more[1]) == ((14, None), ["mine:f", "mine:g"])
    assert run.first.rounds == 14 + more[0]
    (line,) = [line for line in lines if "vary too much to find 20 %" in line]
    assert line.startswith(f"{more[0]} more rounds, about ")


def test_rounds_are_bounded() -> None:
    """Unlimited variance does not mean unlimited rounds; unmeasured functions need none."""
    wild = Noisy(1.0, 2.0)
    sides = sides_of(list(wild(SPEC, only=None)))
    assert rounds_to_find(sides, [F, G], find=0.1, threshold=0.05, level=0.1) == 60
    assert rounds_to_find(sides, [(Cell(2, 1), "mine:f")], find=0.1, threshold=0.05, level=0.1) == 0


def test_a_slower_function_is_measured_again_alone() -> None:
    """The function gets twice as many rounds. The line has its name and its apparent slow-down."""
    lines: list[str] = []
    noisy = Noisy(1.3, 0.005)
    assert gate_run(SPEC, noisy, told=lines.append).gate.outcome is Outcome.REGRESSED
    assert noisy.asked == [(14, None), (28, ["mine:f"])]
    (line,) = [line for line in lines if line.startswith("measuring again, 28 fresh rounds")]
    assert "mine:f seems 30 % slower" in line
    assert "mine:g" not in line


def test_an_undecided_function_may_be_slower() -> None:
    """Fresh rounds alone decide: a slow-down too noisy at first is found, and unchanged code is not called slower."""
    found = 0
    for seed in range(60):
        gate = gate_run(SPEC, Noisy(1.1, 0.045, seed)).gate
        verdicts = {f.subject.name: (f.time, f.p) for f in gate.findings}
        found += verdicts["mine:f"][0] is Verdict.REGRESSED and (verdicts["mine:f"][1] or 0) > SCREENING
        assert verdicts["mine:g"][0] is not Verdict.REGRESSED
    assert found >= 3


@pytest.mark.parametrize("wrong", [None, "mine:g"])
def test_what_does_not_seem_slower_is_settled_soon(wrong: str | None) -> None:
    """The function takes half as many fresh rounds, pooled with the first; untimed functions make no look longer."""
    for seed in range(40):
        noisy = Noisy(1.0, 0.045, seed, wrong)
        gate = gate_run(SPEC, noisy).gate
        if len(noisy.asked) > 1 and noisy.asked[1][0] == 7:
            assert gate.outcome in {Outcome.UNCHANGED, Outcome.INCONCLUSIVE}
            break
    else:
        pytest.fail("no first look left anything open")


def test_nothing_to_look_at() -> None:
    """All requested functions are on one side only."""
    spec = SPEC.model_copy(update={"engines": []})
    gate, first, again = Looks(spec, Noisy(1.0, 0.01), threshold=0.05).decided()
    assert (gate.outcome, first.rounds, again) == (Outcome.NOTHING, 0, None)
