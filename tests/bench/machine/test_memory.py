"""Memory: the peak of a call, the free memory of the machine, and a temporary limit."""

import subprocess
import sys

import numpy as np
import pytest

from fwdrev.bench import make_spec
from fwdrev.bench.machine.environment import memory_share
from fwdrev.bench.machine.memory import available_bytes, peak_of

MEGABYTE = 10**6


def test_the_peak_of_a_call_is_what_it_held_at_once() -> None:
    """The peak counts neither allocations in total nor earlier ones."""
    before = np.ones(4 * MEGABYTE)

    def call() -> object:
        for _ in range(5):
            held = np.ones(2 * MEGABYTE)
        return held, before

    memory = peak_of(call, traced=True)
    assert memory.allocated is not None
    assert 32 * MEGABYTE <= memory.allocated <= 33 * MEGABYTE, "two of 16 MB: the old one until the new one is there"
    if memory.resident is not None:
        assert memory.resident >= 8 * MEGABYTE
    assert peak_of(call, traced=False).allocated is None


def test_a_share_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """All workers share four fifths; a requested limit is kept; a GPU's driver maps everything, so there is none."""
    assert available_bytes() is not None
    monkeypatch.setattr("fwdrev.bench.machine.environment.available_bytes", lambda: 1000)
    assert [memory_share(make_spec({}), workers) for workers in (1, 2, 3)] == [800, 400, 266]
    assert memory_share(make_spec({"memory_limit": "3MiB"}), 8) == 3 * 2**20
    assert memory_share(make_spec({"device": "gpu"}), 1) is None
    monkeypatch.setattr("fwdrev.bench.machine.environment.available_bytes", lambda: None)
    assert memory_share(make_spec({}), 1) is None


@pytest.mark.parametrize(("limit", "ends"), [("100_000_000", "no room"), ("None", "done")])
def test_a_limit_holds_inside_its_block_only(limit: str, ends: str) -> None:
    """The test runs in a process of its own, since the memory mapped here already is unknown."""
    code = f"""
import numpy as np
from fwdrev.bench.machine.memory import limited
try:
    with limited({limit}):
        np.ones(25_000_000)
except MemoryError:
    np.ones(25_000_000)
    print("no room")
else:
    print("done")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == ends, done.stderr
