"""Does advice pick the fastest arm? On functions of many shapes, beside every rule of thumb.

    taskset -c 1 python benchmarks/advice.py --out advice.jsonl [--budget 20] [--only NAME]
    python benchmarks/advice.py --out advice.jsonl --summary
    python benchmarks/advice.py --out advice.jsonl --fit

Each function is advised upon with measuring and without. Then all arms, those in chunks included, are compiled anew and
timed for longer, in turns, in this process: what comes out is taken for the truth. A line of the file is a function;
what is there is not measured again. Some ten minutes; nothing else should run meanwhile.

`--fit` prints the rates of `fwdrev.modes.jaxpr_cost` that suit the file, and how advice without measuring would do by
rates that were fitted to all problems but the one that it is asked about.
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
from scipy.optimize import nnls

import fwdrev
from fwdrev.bench.timing import calibrate, timed_blocks
from fwdrev.modes import nearest_shape, problem_names
from fwdrev.modes.function import FlatFunction, flat_function
from fwdrev.modes.function_arms import function_arms
from fwdrev.modes.function_counts import costs_of_arms
from fwdrev.modes.jax_program import value_of
from fwdrev.modes.jaxpr_cost import RATES, seconds_of
from fwdrev.results.rules import RULES

SIZES = ((4, 4), (16, 256), (256, 16), (1000, 1000))
"""Asked for of each problem; it has the nearest shapes that it has."""

ROUNDS, BLOCKS = 9, 4
SLOW = 0.3
"""Seconds of a call from which one round has to do."""

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
    return value_of(chain, jax.numpy.asarray(x), theta)


def _of_x(chain: fwdrev.Chain, theta: np.ndarray, x: Any) -> Any:
    return value_of(chain, x, jax.numpy.asarray(theta))


def truth(found: FlatFunction) -> tuple[dict[str, float], dict[str, dict[str, int]]]:
    """Median seconds of every arm, timed in turns, and what is counted of each."""
    arms, costs, _ = costs_of_arms(found, function_arms(found)[0])
    calls = {name: partial(_done, arm.program(), found.args) for name, arm in arms.items()}
    for call in calls.values():
        call()
    loops, rng = calibrate(calls, 2e-3), Random(0)
    first = timed_blocks(calls, loops, BLOCKS, rng)
    more = ROUNDS if max(map(median, first.values())) < SLOW else 1
    rounds = [first, *(timed_blocks(calls, loops, BLOCKS, rng) for _ in range(more - 1))]
    seconds = {name: median(value for one in rounds for value in one[name]) for name in calls}
    return seconds, {name: dict(cost.counts) for name, cost in costs.items()}


def _done(program: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return jax.block_until_ready(program(*args))


def measured(name: str, f: Callable[..., Any], z: np.ndarray, budget: float) -> dict[str, Any]:
    """A line of the file."""
    began = perf_counter()
    advice = fwdrev.advise(f, z, budget=budget)
    took = perf_counter() - began
    counted = fwdrev.advise(f, z, measure=False)
    counting = perf_counter() - began - took
    seconds, counts = truth(flat_function(f, (z,)))
    # an arm that only the advice came upon has its time; a mode's chunks may be of another size there
    others = {arm.name: arm.seconds.point for arm in advice.arms if arm.seconds and arm.name not in seconds}
    return {
        "name": name,
        "n": advice.n,
        "m": advice.m,
        "measured": advice.recommend,
        "counted": counted.recommend,
        "seconds_of_advice": took,
        "seconds_of_counting": counting,
        "seconds": seconds | others,
        "counts": counts,
    }


def summary(rows: list[dict[str, Any]]) -> None:
    """Shares of picks within 5 % and 20 % of the fastest arm, and the worst slow-down."""
    picks = {
        "`fwdrev.advise(f, x)`": [row["measured"] for row in rows],
        "`fwdrev.advise(f, x, measure=False)`": [row["counted"] for row in rows],
        **{rule.when: ["forward" if rule.forward(row["n"], row["m"]) else "reverse" for row in rows] for rule in RULES},
    }
    print(f"{len(rows)} functions\n\n| picks by | within 5 % | within 20 % | worst |\n|---|---|---|---|")
    for name, picked in picks.items():
        print(f"| {name} |", _shares(rows, picked))
    longest = max(row["seconds_of_advice"] for row in rows)
    counting = sorted(row["seconds_of_counting"] for row in rows)
    typical = median(row["seconds_of_advice"] for row in rows)
    print(f"\nadvice took {typical:.1f} s in the median, {longest:.0f} s at most;")
    print(f"counting {median(counting) * 1e3:.0f} ms in the median, {counting[-1]:.1f} s at most")


def _shares(rows: list[dict[str, Any]], picked: list[str]) -> str:
    slow = [row["seconds"][pick] / min(row["seconds"].values()) for row, pick in zip(rows, picked, strict=True)]
    shares = (sum(s <= limit for s in slow) / len(slow) for limit in (CLOSE, NEAR))
    return " | ".join([*(f"{share:.0%}" for share in shares), f"{max(slow):.1f}× |"])


def fit(rows: list[dict[str, Any]]) -> None:
    """Rates by least squares of the relative errors, none negative."""
    for kind, seconds in _rates(rows).items():
        print(f"{kind:16} {seconds * 1e9:10.4g} ns, now {RATES[kind] * 1e9:.4g}")
    problems = [row["name"].split()[0] for row in rows]
    picked = []
    for row, problem in zip(rows, problems, strict=True):
        rates = _rates([other for other, its in zip(rows, problems, strict=True) if its != problem])
        expected = {name: seconds_of(counts, rates) for name, counts in row["counts"].items()}
        picked.append(min(expected, key=expected.__getitem__))
    print("\nby rates of the other problems:", _shares(rows, picked))


def _rates(rows: list[dict[str, Any]]) -> dict[str, float]:
    arms = [(row["seconds"][name], counts) for row in rows for name, counts in row["counts"].items()]
    A = np.array([[counts.get(kind, 0.0) / seconds for kind in RATES] for seconds, counts in arms])
    scale = np.where(A.max(axis=0) > 0, A.max(axis=0), 1.0)
    rates, _ = nnls(A / scale, np.ones(len(arms)))
    return dict(zip(RATES, rates / scale, strict=True))


def main() -> None:
    """Measure what the file lacks, then sum up."""
    parser = argparse.ArgumentParser(description="whether advice picks the fastest arm")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=20.0)
    parser.add_argument("--only", default="", help="names that begin so")
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", val=True)
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    if options.fit:
        fit(rows)
        return
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
