"""The noise of a machine: the layout of its rounds, without a clock, and one real process."""

import inspect
import json
import os
from random import Random
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.machine.environment import worker_settings
from fwdrev.bench.processes.process import Answer, ask
from fwdrev.bench.records.machine import NoiseRound
from fwdrev.bench.timing import noise
from fwdrev.bench.timing.noise import chain_of_products, noise_rounds, one_round
from fwdrev.modes.errors import NothingMeasuredError

LOOK = "; check that `python -c 'import numpy'` works"


class Asked:
    """Replaces processes that take this many seconds each, and records their requests."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float, problem: str | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self._seconds, self._problem, self._now = seconds, problem, 0.0
        monkeypatch.setattr(noise, "ask", self)
        monkeypatch.setattr(noise, "monotonic", lambda: self._now)
        monkeypatch.setattr(noise, "available_cpus", lambda: [0, 5, 9])

    def __call__(self, arguments: list[str], environment: dict[str, str], timeout: float) -> Answer:
        """Answers with values that name the process."""
        expected = (["-m", "fwdrev.bench.timing.noise"], worker_settings(), 61.0)
        assert (arguments[:-1], environment, timeout) == expected
        self.requests.append(json.loads(arguments[-1]))
        self._now += self._seconds
        number = len(self.requests)
        return Answer(
            text=json.dumps({"a": [number / 2], "b": [number / 4], "pinned": number > 1}), problem=self._problem
        )


@pytest.mark.parametrize(
    ("seconds", "each", "rounds", "blocks"),
    [(1.2, 0.5, 4, 30), (20.0, 2.5, 8, 200), (8.0, 1.5, 6, 200), (0.01, 9.0, 4, 2)],
)
def test_rounds_fill_the_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, each: float, rounds: int, blocks: int
) -> None:
    """At least four rounds fit, of one second each in eight seconds; each has its own order and the last processor."""
    asked = Asked(monkeypatch, each)
    found = noise_rounds(seconds)
    assert asked.requests == [
        {"blocks": blocks, "block_seconds": 2e-3, "seed": seed, "cpus": [9]} for seed in range(rounds)
    ]
    assert found == tuple(
        NoiseRound(a=(number / 2,), b=(number / 4,), pinned=number > 1, seconds=each) for number in range(1, rounds + 1)
    )


def test_without_noise_there_is_no_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of a process that cannot measure appears once, with a remedy."""
    asked = Asked(monkeypatch, 1.0, "no answer in 61 s")
    with pytest.raises(NothingMeasuredError) as told:
        noise_rounds(1.0)
    assert str(told.value) == f"the noise could not be measured: no answer in 61 s{LOOK}"
    assert len(asked.requests) == 1


def test_two_arms_are_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both arms are warm before anything counts, calibrated together, in an order by the seed; pinned where allowed."""
    calls: list[int] = []
    told: dict[str, Any] = {}

    def timed_blocks(arms: Any, loops: Any, blocks: int, rng: Random) -> dict[str, list[float]]:
        told.update(arms=arms, loops=loops, blocks=blocks, draw=rng.random())
        return {"a": [1.0], "b": [2.0]}

    monkeypatch.setattr(noise, "pin", lambda cpus: cpus == [3])
    monkeypatch.setattr(noise, "chain_of_products", lambda: lambda: calls.append(1))
    monkeypatch.setattr(noise, "calibrate", lambda arms, seconds: {name: (len(calls), seconds) for name in arms})
    monkeypatch.setattr(noise, "timed_blocks", timed_blocks)
    assert one_round(6, 0.5, 7, [3]) == {"a": [1.0], "b": [2.0], "pinned": True}
    assert told["arms"]["a"] is told["arms"]["b"]
    assert told["loops"] == {"a": (100, 0.5), "b": (100, 0.5)}
    assert (told["blocks"], told["draw"]) == (6, Random(7).random())
    assert not one_round(6, 0.5, 7, [4])["pinned"]


def test_products_in_place_neither_grow_nor_vanish() -> None:
    """A call has four of 64 × 64, by an orthogonal factor."""
    call: Any = inspect.unwrap(chain_of_products())
    inside = inspect.getclosurevars(call).nonlocals
    x, factor = inside["x"], inside["factor"]
    assert x.shape == (64, 64)
    np.testing.assert_allclose(factor.T @ factor, np.eye(64), atol=1e-12)
    call()
    np.testing.assert_allclose(x, np.linalg.matrix_power(factor, 4), atol=1e-12)


def test_a_process_measures_two_equal_arms() -> None:
    """A real process is pinned if the system allows it; a processor that does not exist is no error."""
    cpus = sorted(os.sched_getaffinity(0))[:1]
    request = {"blocks": 4, "block_seconds": 1e-5, "seed": 0, "cpus": cpus}
    answer = ask(["-m", "fwdrev.bench.timing.noise", json.dumps(request)], worker_settings(), 60.0)
    assert answer.problem is None
    data = json.loads(answer.text)
    assert data["pinned"] is True
    assert [len(data[arm]) for arm in "ab"] == [4, 4]
    assert min(data["a"] + data["b"]) > 0
    for none in ([10_000], []):
        assert one_round(2, 1e-5, 0, none)["pinned"] is False
