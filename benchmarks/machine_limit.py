"""The recursions beside the machine's limit: how close they come to its matrix product and its memory.

    python benchmarks/machine_limit.py [--blocks 15]

The limit of a cell is its exact multiply–adds at the rate of a large matrix product, plus its memory traffic at the
bandwidth of a copy as large as its result: the result written once, the constants read twice (the Jacobian needs the
slopes, and so the value, before it can begin). The same blocks time both rates and the engines, in turns, so
that drift hits all alike; cells with a limit below 1 ms are not printed, since call overheads dominate there.
"""

import argparse
import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import dataclasses
from functools import partial
from random import Random

import numpy as np

from fwdrev.bench import fingerprint
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.modes import Problem, engine, problem

SIZE = 1024
"""The size of the square product that sets the rate: 2 Gflop, far above any overhead."""

BLOCK_SECONDS = 20e-3
"""The seconds of a block, as long as that product, so that an arm's own data are in the cache for most of it."""

WORTH = 1e-3
"""The least limit in seconds that says something about an engine."""


def main() -> None:
    """Prints one line for each cell and engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=15)
    blocks = parser.parse_args().blocks
    os.sched_setaffinity(0, available_cpus()[-1:])
    machine = fingerprint(1)
    print(f"{machine['cpu_model_name']}, 1 thread, {machine['blas']} {machine['settings'] or ''}")
    print(f"driven, depth 4, width 64, float64; {blocks} blocks\n{'engine':>8} {'n':>6} {'m':>6}  limit   limit ÷ time")
    for n in (256, 1024, 4096):
        for m in (16, 64, 256, 1024):
            for name in ("forward", "reverse"):
                _show(name, n, m, blocks)


def _show(name: str, n: int, m: int, blocks: int) -> None:
    p = problem("driven", n=n, m=m)
    rng = np.random.default_rng(0)
    A, B, C = rng.random((SIZE, SIZE)), rng.random((SIZE, SIZE)), np.empty((SIZE, SIZE))
    source, target = rng.random((m, n)), np.empty((m, n))
    arms = {
        "product": partial(np.matmul, A, B, C),
        "copy": partial(np.copyto, target, source),
        name: partial(engine(name).prepare(p.chain, "theta"), p.x, p.theta),
    }
    loops = calibrate(arms, BLOCK_SECONDS)
    seconds = {arm: np.array(values) for arm, values in timed_blocks(arms, loops, blocks, Random(0)).items()}
    cost = engine(name).cost(p.chain, "theta")
    limit = cost.multiply_adds * seconds["product"] / SIZE**3 + _must_move(p) * seconds["copy"] / (2 * target.nbytes)
    if np.median(limit) >= WORTH:
        share = limit / seconds[name]
        low, high = np.quantile(share, [0.1, 0.9])
        print(
            f"{name:>8} {n:>6} {m:>6}  {np.median(limit) * 1e3:5.2f} ms  {np.median(share):.2f} "
            f"(blocks, 10 to 90 %: {low:.2f} … {high:.2f})",
            flush=True,
        )


def _must_move(p: Problem) -> int:
    """The bytes of the result, plus twice those of the constants."""
    constants = (value for layer in p.chain.layers for value in dataclasses.asdict(layer).values())  # type: ignore[call-overload]
    return p.m * p.theta.size * p.theta.itemsize + 2 * sum(array.nbytes for array in constants)


if __name__ == "__main__":
    main()
