"""Memory: the peak of a call, the free memory of the machine, and a temporary limit."""

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

from fwdrev.bench import make_spec
from fwdrev.bench.machine.environment import memory_share
from fwdrev.bench.machine.memory import available_bytes, peak_of, peak_on

MEGABYTE = 10**6


def test_the_peak_of_a_call_is_what_it_held_at_once() -> None:
    """The peak counts neither allocations in total nor earlier ones."""
    before = np.ones(4 * MEGABYTE)  # of 8 bytes each

    def call() -> object:
        for _ in range(5):
            held = np.ones(5 * MEGABYTE)  # more than malloc ever keeps for later
        return held, before

    memory = peak_of(call, traced=True)
    assert memory.allocated is not None
    assert 80 * MEGABYTE <= memory.allocated <= 81 * MEGABYTE, "two of 40 MB: the old one until the new one is there"
    if memory.resident is not None:
        assert memory.resident >= 40 * MEGABYTE
    assert peak_of(call, traced=False).allocated is None


class _Counting:
    """A device that counts like a GPU's allocator; `take` allocates until what it returns is gone."""

    limit = 3630

    def __init__(self, *, counts: bool = True) -> None:
        self._counts = counts
        self._held = self._peak = 0

    def memory_stats(self) -> dict[str, int] | None:
        if not self._counts:
            return None
        return {"bytes_in_use": self._held, "peak_bytes_in_use": self._peak, "bytes_limit": self.limit}

    def take(self, size: int) -> object:
        class Taken:
            def __del__(_) -> None:  # noqa: N805 - `self` is the device
                self._held -= size

            def block_until_ready(_) -> Any:  # noqa: N805 - itself
                return _

        self._held += size
        self._peak = max(self._peak, self._held)
        return Taken()


def test_the_peak_of_a_call_on_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a call that needs less than those before; nothing stays allocated."""
    device = _Counting()
    monkeypatch.setattr("jax.numpy.zeros", lambda size, _dtype, device: device.take(size))
    before = device.take(70)

    def call(size: int) -> object:
        return [device.take(size), device.take(5)]

    limit = {"bytes_limit": device.limit}
    assert [peak_on(device, partial(call, size)) for size in (300, 20, 1000, 400)] == [305, 25, 1005, 405]
    assert device.memory_stats() == {"bytes_in_use": 70, "peak_bytes_in_use": 70 + 305 + 25 + 1005 + 405} | limit
    assert peak_on(device, partial(call, 1)) == 6
    assert peak_on(device, partial(call, 1)) is None, "more than half of it would be filled"
    del before
    assert peak_on(_Counting(counts=False), partial(call, 3)) is None


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
