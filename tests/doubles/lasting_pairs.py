"""Pairs of sides that live for all rounds, and time few short blocks in each: checks for tests that are about no times.

with lasting_pairs():
    fwdrev("check", "--against", "HEAD", "--functions", "model:step", "--point", "model:start")
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from fwdrev.bench.records.sides import SideObservation
from fwdrev.bench.revisions.pair import started_pair
from fwdrev.bench.revisions.rounds import _Rounds

__all__ = ["lasting_pairs"]


@contextmanager
def lasting_pairs() -> Iterator[None]:
    """Inside, another pair of processes starts only where one has died."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Rounds, "observations", _observations)
        yield


def _observations(rounds: _Rounds) -> Generator[SideObservation, None, None]:
    """Visits the cells in their order."""
    rounds._spec = rounds._spec.model_copy(update={"blocks": min(rounds._spec.blocks, 4), "block_seconds": 2e-4})
    cells = sorted({cell for cell, _ in rounds._wanted})
    left = [(index, [*cells]) for index in range(rounds._spec.rounds)]
    while left:
        with started_pair(rounds._spec, rounds._sides, rounds._modules()) as pair:
            while left:
                index, rest = left[0]
                yield from rounds._visits(index, rest, pair)
                if rest:  # the pair has died
                    break
                del left[0]
