"""One run of the gate, with scripted measurements: the choice of fresh rounds, and the use of both looks."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.run import gate_run
from fwdrev.results.gate.sides import Pair
from fwdrev.results.gate.verdicts.report import Outcome, Verdict

SPEC = gate_spec({"inputs": [4, 8], "outputs": [2], "rounds": 6, "blocks": 4})
NOISY = (Cell(4, 2), "forward")

Ratio = Callable[[Pair, int], float]


class Script:
    """Head takes `ratio(pair, round)` times as long as base; `asked` records the requests."""

    def __init__(self, ratio: Ratio, ends: frozenset[Pair] = frozenset()) -> None:
        """`ends`: arms that crash in head."""
        self.ratio, self.ends = ratio, ends
        self.asked: list[Sequence[Pair] | None] = []
        self.closed = 0

    def __call__(self, spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        """Every round of every requested cell."""
        self.asked.append(only)
        pairs = [(cell, arm) for cell in spec.cells for arm in spec.engines]
        wanted = [pair for pair in pairs if only is None or pair in only]
        try:
            for number in range(spec.rounds):
                for cell in sorted({cell for cell, _ in wanted}):
                    arms = [arm for at, arm in wanted if at == cell]
                    yield self._seen(number, cell, arms, spec.blocks)
        finally:
            self.closed += 1

    def _seen(self, number: int, cell: Cell, arms: list[str], blocks: int) -> SideObservation:
        base = {arm: _timed([1.0] * blocks) for arm in [*arms, CONTROL]}
        head = {arm: _timed([self.ratio((cell, arm), number)] * blocks) for arm in arms}
        head |= {arm: ArmResult(status=Status.CRASHED, reason="gone") for arm in arms if (cell, arm) in self.ends}
        return SideObservation(round=number, cell=cell, base=base, head={**head, CONTROL: base[CONTROL]}, seconds=0.1)


def _timed(values: list[float]) -> ArmResult:
    return ArmResult(status=Status.MEASURED, loops=1, values=tuple(values))


def wobble(number: int) -> float:
    """Half a per cent."""
    return float(np.exp(0.005 * np.sin(5.0 * number)))


def test_what_is_settled_is_not_measured_again() -> None:
    """One look suffices, and is closed at its end; a line comes before each round."""
    script, lines = Script(lambda _, number: wobble(number)), list[str]()
    run = gate_run(SPEC, script, told=lines.append)
    assert (run.gate.outcome, run.again, script.asked, script.closed) == (Outcome.UNCHANGED, None, [None], 1)
    assert lines[0] == "round 1 of 6"
    assert len(lines) == 6


def test_what_is_slower_is_measured_again() -> None:
    """Only this is, with the pools that contain it; then it counts."""
    script = Script(lambda pair, number: wobble(number) * (1.3 if pair == NOISY else 1.0))
    run = gate_run(SPEC, script)
    assert run.gate.outcome is Outcome.REGRESSED
    assert script.asked[1] is not None
    assert NOISY in script.asked[1]
    slower = [f for f in run.gate.findings if f.verdict is Verdict.REGRESSED and not f.subject.pooled]
    assert [f.subject.members for f in slower] == [(NOISY,)]


def test_what_is_undecided_is_settled_by_all_rounds() -> None:
    """Six rounds are too noisy, three times as many more settle it; the finding has their number."""

    def ratio(pair: Pair, number: int) -> float:
        return 1 + 0.054 * (-1) ** number if pair == NOISY else wobble(number)

    script = Script(ratio)
    run = gate_run(SPEC, script)
    assert script.asked == [None, (NOISY,)]
    noisy = next(f for f in run.gate.findings if f.subject.members == (NOISY,))
    assert (noisy.verdict, noisy.rounds, run.gate.outcome) == (Verdict.UNCHANGED, 24, Outcome.UNCHANGED)


def test_what_stays_noisy_stays_undecided() -> None:
    """The outcome is inconclusive."""
    script = Script(lambda pair, number: 1 + 0.2 * (-1) ** number if pair == NOISY else wobble(number))
    assert gate_run(SPEC, script).gate.outcome is Outcome.INCONCLUSIVE
    assert len(script.asked) == 2


def test_what_cannot_be_measured_is_not_tried_again() -> None:
    """The arm may have hung or died: the finding says where."""
    script = Script(lambda _, number: wobble(number), ends=frozenset({NOISY}))
    run = gate_run(SPEC, script)
    assert (script.asked, run.gate.outcome) == ([None], Outcome.INCONCLUSIVE)
    assert run.reasons == ["forward, head: crashed: gone (in 1 of 2 cells)"]


def test_measuring_ends_when_it_is_interrupted() -> None:
    """Any interruption closes the processes."""

    def stop(_: str) -> None:
        raise KeyboardInterrupt

    script = Script(lambda *_: 1.0)
    with pytest.raises(KeyboardInterrupt):
        gate_run(SPEC, script, told=stop)
    assert script.closed == 1


@pytest.mark.parametrize(
    ("given", "arms", "said"),
    [({}, [], "name at least one"), ({}, ["unheard"], "unknown engine"), ({"inputs": [0]}, None, "sizes go from 1")],
)
def test_what_cannot_be_compared_is_refused(given: dict[str, Any], arms: list[str] | None, said: str) -> None:
    """One line refuses it."""
    with pytest.raises(InputError, match=said):
        gate_spec(given, arms)
