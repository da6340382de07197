"""Rounds of two sides without a process, in place of `fwdrev.bench.revisions.rounds.against`.

monkeypatch.setattr("fwdrev.bench.revisions.rounds.against", scripted_rounds)
"""

from collections.abc import Collection, Generator, Sequence

from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, Delay, SideObservation, share_of
from fwdrev.bench.records.spec import SweepSpec
from tests.gate_sides import WOBBLE

__all__ = ["scripted_rounds"]


def scripted_rounds(
    spec: SweepSpec,
    *_: object,
    delays: Sequence[Delay] = (),
    only: Collection[tuple[Cell, str]] | None = None,
    **__: object,
) -> Generator[SideObservation, None, None]:
    """Base takes a millisecond, give or take half a per cent; head takes longer by its delays."""
    for number in range(spec.rounds):
        for cell in spec.cells:
            names = [name for name in spec.engines if only is None or (cell, name) in only]
            names.append(CONTROL)
            base = {name: _timed(1 + _wobble(number, name)) for name in names}
            head = {name: _timed(1 + share_of(delays, name, cell)) for name in names}
            yield SideObservation(round=number, cell=cell, base=base, head=head, seconds=0.1)


def _wobble(number: int, name: str) -> float:
    """The noise of a round, rotated by the arm's name so that arms do not vary together."""
    return WOBBLE[(number + len(name)) % len(WOBBLE)]


def _timed(milliseconds: float) -> ArmResult:
    return ArmResult(status=Status.MEASURED, loops=1, values=(1e-3 * milliseconds,) * 3)
