"""Measures the noise of this machine: a function timed against itself, in one fresh process after another.

`python -P -m fwdrev.bench.timing.noise` is one of these processes. Differences between its two arms are noise, since
they are the same function; differences between processes are those of a sweep's rounds.
"""

import json
import sys
from collections.abc import Callable
from random import Random
from time import monotonic

import numpy as np

from fwdrev.bench.machine.environment import worker_settings
from fwdrev.bench.machine.processors import available_cpus, pin
from fwdrev.bench.processes.process import ask
from fwdrev.bench.records.machine import NoiseRound
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.modes.errors import NothingMeasuredError

_SIZE, _PRODUCTS = 64, 4
"""The sizes of the matrices and of the chain: some ten microseconds in the first caches, as in small cells."""

_BLOCK_SECONDS = 2e-3
"""The seconds of a block, as in a sweep."""

_ROUND_SECONDS = 1.0
"""The seconds timed in a process: several times its start-up."""

_FEWEST_ROUNDS = 4
"""The fewest rounds; a spread from fewer says nothing."""

_PATIENCE = 60.0
"""The seconds by which a process may exceed its time before it counts as stuck."""

_PROGRAM = ("-m", "fwdrev.bench.timing.noise")


def noise_rounds(seconds: float) -> tuple[NoiseRound, ...]:
    """Measures rounds for `seconds`, at least four, pinned to the last processor like a sweep's worker.

    Raises NothingMeasuredError if a process does not answer.
    """
    timed = min(_ROUND_SECONDS, seconds / (2 * _FEWEST_ROUNDS))
    blocks = max(1, round(timed / (4 * 1.25 * _BLOCK_SECONDS))) * 2  # two arms, a quarter of warm-up, and pairs
    rounds: list[NoiseRound] = []
    start = monotonic()
    while len(rounds) < _FEWEST_ROUNDS or monotonic() - start < seconds:
        cpus, began = available_cpus()[-1:], monotonic()
        request = {"blocks": blocks, "block_seconds": _BLOCK_SECONDS, "seed": len(rounds), "cpus": cpus}
        answer = ask([*_PROGRAM, json.dumps(request)], worker_settings(), _ROUND_SECONDS + _PATIENCE)
        if answer.problem is not None:
            raise NothingMeasuredError(
                f"the noise could not be measured: {answer.problem}; check that `python -c 'import numpy'` works"
            )
        found = json.loads(answer.text)
        a, b = tuple(found["a"]), tuple(found["b"])
        rounds.append(NoiseRound(a=a, b=b, pinned=found["pinned"], seconds=monotonic() - began))
    return tuple(rounds)


def one_round(blocks: int, block_seconds: float, seed: int, cpus: list[int]) -> dict[str, object]:
    """The measurement in one process: `a` and `b`, and whether it could be `pinned` to `cpus`."""
    pinned = pin(cpus)
    call = chain_of_products()
    for _ in range(100):  # BLAS is loaded and the clock has sped up before anything counts
        call()
    arms = {"a": call, "b": call}
    values = timed_blocks(arms, calibrate(arms, block_seconds), blocks, Random(seed))
    return {**values, "pinned": pinned}


def chain_of_products() -> Callable[[], None]:
    """A chain of matrix products in place; its factor is orthogonal, so that numbers neither grow nor vanish."""
    factor = np.linalg.qr(np.random.default_rng(0).standard_normal((_SIZE, _SIZE)))[0]
    x, y = np.eye(_SIZE), np.empty((_SIZE, _SIZE))

    def call() -> None:
        for _ in range(_PRODUCTS // 2):
            np.matmul(x, factor, out=y)
            np.matmul(y, factor, out=x)

    return call


if __name__ == "__main__":
    json.dump(one_round(**json.loads(sys.argv[1])), sys.stdout)
