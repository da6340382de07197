"""Does advice pick the fastest arm? On functions of many shapes, beside every rule of thumb.

    python benchmarks/advice.py --out advice.jsonl [--budget 20] [--only NAME]
    python benchmarks/advice.py --out advice.jsonl --summary

Each function is advised upon with measuring and without, and then both modes are timed for longer, in turns, in this
process: what comes out is taken for the truth. A line of the file is a function; what is there is not measured again.
A quarter of an hour to half an hour; nothing else should run meanwhile.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import jax
import numpy as np

import fwdrev
from fwdrev.bench.timing import calibrate, timed_blocks
from fwdrev.modes import nearest_shape, problem_names
from fwdrev.results.rules import RULES

SIZES = ((4, 4), (16, 256), (256, 16), (1000, 1000))
"""Asked for of each problem; it has the nearest shapes that it has."""

ROUNDS, BLOCKS = 9, 4
CLOSE, NEAR = 1.05, 1.2
"""Within 5 % of the fastest, and within 20 %."""


def functions() -> Iterator[tuple[str, Callable[..., Any], np.ndarray]]:
    """Name, function and point: every problem in several shapes, with respect to what its n counts."""
    for name in problem_names():
        for n, m in sorted({nearest_shape(name, *size) for size in SIZES}):
            found = fwdrev.problem(name, n=n, m=m)
            by_theta = found.theta.size == n != found.x.size
            of, z, other = (_of_theta, found.theta, found.x) if by_theta else (_of_x, found.x, found.theta)
            yield f"{name} {n} → {m}", partial(of, found.chain, other), z


def _of_theta(chain: fwdrev.Chain, x: np.ndarray, theta: Any) -> Any:
    return chain.value(jax.numpy.asarray(x), theta)


def _of_x(chain: fwdrev.Chain, theta: np.ndarray, x: Any) -> Any:
    return chain.value(x, jax.numpy.asarray(theta))


def seconds_of(f: Callable[..., Any], z: np.ndarray) -> dict[str, float]:
    """Median seconds of both modes, in turns."""
    point = jax.numpy.asarray(z)
    programs = {"forward": jax.jit(jax.jacfwd(f)), "reverse": jax.jit(jax.jacrev(f))}
    calls = {name: partial(_done, program, point) for name, program in programs.items()}
    for call in calls.values():
        call()
    loops, rng = calibrate(calls, 2e-3), Random(0)
    rounds = [timed_blocks(calls, loops, BLOCKS, rng) for _ in range(ROUNDS)]
    return {name: median(value for one in rounds for value in one[name]) for name in calls}


def _done(program: Callable[..., Any], z: Any) -> Any:
    return program(z).block_until_ready()


def measured(name: str, f: Callable[..., Any], z: np.ndarray, budget: float) -> dict[str, Any]:
    """A line of the file."""
    began = perf_counter()
    advice = fwdrev.advise(f, z, budget=budget)
    took = perf_counter() - began
    counted = fwdrev.advise(f, z, measure=False)
    return {
        "name": name,
        "n": advice.n,
        "m": advice.m,
        "measured": advice.recommend,
        "counted": counted.recommend,
        "seconds_of_advice": took,
        "seconds_of_counting": perf_counter() - began - took,
        "seconds": seconds_of(f, z) | {arm.name: arm.seconds.point for arm in advice.arms if _other(arm)},
    }


def _other(arm: Any) -> bool:
    """What is neither of the two modes: its time is that of the advice."""
    return arm.seconds is not None and arm.name not in {"forward", "reverse"}


def summary(rows: list[dict[str, Any]]) -> None:
    """Shares of picks within 5 % and 20 % of the fastest arm, and the worst slow-down."""
    picks = {
        "advise": [row["measured"] for row in rows],
        "advise, not measured": [row["counted"] for row in rows],
        **{rule.when: ["forward" if rule.forward(row["n"], row["m"]) else "reverse" for row in rows] for rule in RULES},
    }
    print(f"{len(rows)} functions\n\n| picks by | within 5 % | within 20 % | worst |\n|---|---|---|---|")
    for name, picked in picks.items():
        slow = [row["seconds"][pick] / min(row["seconds"].values()) for row, pick in zip(rows, picked, strict=True)]
        shares = (sum(s <= limit for s in slow) / len(slow) for limit in (CLOSE, NEAR))
        print(f"| {name} |", " | ".join(f"{share:.0%}" for share in shares), f"| {max(slow):.1f}× |")
    longest = max(row["seconds_of_advice"] for row in rows)
    print(f"\nadvice took {longest:.0f} s at most, counting {max(r['seconds_of_counting'] for r in rows):.1f} s")


def main() -> None:
    """Measure what the file lacks, then sum up."""
    parser = argparse.ArgumentParser(description="whether advice picks the fastest arm")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--only", default="", help="names that begin so")
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", val=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    have = {row["name"] for row in rows}
    for name, f, z in () if options.summary else functions():
        if name in have or not name.startswith(options.only):
            continue
        rows.append(measured(name, f, z, options.budget))
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(name, rows[-1]["measured"], rows[-1]["counted"], rows[-1]["seconds"], flush=True)
    summary(rows)


if __name__ == "__main__":
    main()
