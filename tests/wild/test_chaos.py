"""Whatever happens to it, `fwdrev check` tells no lie, and leaves nothing for the next run to find.

`FWDREV_CHAOS=40` hurts forty runs; without it every fault happens once. `test_git` kills a command in `make test`.
"""

import os
import xml.etree.ElementTree as ET
from pathlib import Path
from random import Random

import pytest

from tests.wild.chaos import FAULTS, Chaos, Ended
from tests.wild.reports import OURS, report

_RUNS = int(os.environ.get("FWDREV_CHAOS", len(FAULTS)))
_SECONDS = 3.0
"""A run is hurt within this time, about as long as it takes."""


@pytest.mark.long
@report(OURS)
@pytest.mark.parametrize("index", range(_RUNS))
def test_no_lie_and_nothing_left(index: int, tmp_path: Path) -> None:
    """After one fault at a random moment, an undisturbed run follows."""
    rng = Random(index)
    fault = list(FAULTS)[index % len(FAULTS)]
    chaos = Chaos(tmp_path, slower=index % len(FAULTS) == 1)  # slower code takes longer

    hurt = chaos.run(FAULTS[fault], rng, _SECONDS)

    _assert_no_lie(chaos, hurt, fault)
    quiet = chaos.run(None, rng, 0.0)
    _assert_no_lie(chaos, quiet, "nothing")
    assert quiet.code in {int(chaos.slower), 3}, quiet
    assert chaos.left() == []


def _assert_no_lie(chaos: Chaos, ended: Ended, fault: str) -> None:
    """Code 1 only for slower code, code 0 only for measured unchanged code; the verdict file is never torn."""
    assert ended.code != (0 if chaos.slower else 1), (fault, ended)
    assert "Traceback" not in ended.said, (fault, ended)
    if ended.code in {0, 1}:
        assert ended.answer is not None, (fault, ended)
        assert ended.answer["compared"] >= 1, (fault, ended)
    if chaos.junit.exists():
        ET.parse(chaos.junit)  # noqa: S314 - our own file
