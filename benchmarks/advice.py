"""Does advice pick the fastest arm, within its budget and in little memory? Beside every rule of thumb.

    taskset -c 1 python benchmarks/advice.py --out advice.jsonl [--budget 8] [--only NAME]
    python benchmarks/advice.py --out advice.jsonl --summary
    python benchmarks/advice.py --out advice.jsonl --fit

It asks for advice on 80 functions, 21 with more than 10,000 inputs or outputs, with and without measuring, each in a
fresh process. Then it compiles the promising arms again and times them for longer, in turns: the result counts as
the truth. A line of the file is a function; existing lines are not measured again. About 15 minutes; nothing
else should run meanwhile. The summary ends with the bars for advice.

`--fit` prints the rates of `fwdrev.modes.jaxpr.cost` that fit the file, and the score of advice without measuring by
rates fitted to all problems except the one in question.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from large_functions import Made, large_functions
from scipy.optimize import nnls

import fwdrev
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.modes import nearest_shape, problem_names
from fwdrev.modes.core.jax_compile import value_of
from fwdrev.modes.errors import NothingMeasuredError, Raised, attempt
from fwdrev.modes.functions.candidates import FunctionArm, chunked_arm, cost_of_arm, function_arms
from fwdrev.modes.functions.coloured import NotSparseError, coloured_arm, sampled
from fwdrev.modes.functions.probe import FunctionProbe, probe_function
from fwdrev.modes.jaxpr.cost import RATES, seconds_of
from fwdrev.results.rules.rules import RULES

SIZES = ((4, 4), (16, 256), (256, 16), (1000, 1000))
"""The shapes requested of each problem, which takes its nearest ones."""

LARGE = 10_000
"""The inputs or outputs from which a function counts as large."""

OVER, MEMORY = 2.0, 2e9
"""The seconds that advice may exceed its budget by, and the bytes by which its process may grow."""

HOPELESS, LONGEST, PEAK = 30.0, 3.0, 6e9
"""Arms are not timed if counts predict this many times the best time, or these seconds or bytes at the peak."""

ROUNDS, BLOCKS = 9, 4
SLOW = 0.3
"""A call from this many seconds on gets one round."""

MODES = ("forward", "reverse")

CLOSE, NEAR = 1.05, 1.2
"""Picks count if within 5 %, or 20 %, of the fastest."""


def functions() -> Iterator[tuple[str, Callable[[], Made]]]:
    """Name, and the factory of function and point: every problem in several shapes, then large realistic functions."""
    for name in problem_names():
        for n, m in sorted({nearest_shape(name, *size) for size in SIZES}):
            yield f"{name} {n} → {m}", partial(_problem, name, n, m)
    yield from large_functions()


def _problem(name: str, n: int, m: int) -> Made:
    """The problem as a function of the argument that n counts."""
    found = fwdrev.problem(name, n=n, m=m)
    by_theta = found.theta.size == n != found.x.size
    of, z, other = (_of_theta, found.theta, found.x) if by_theta else (_of_x, found.x, found.theta)
    return partial(of, found.chain, other), (z,)


def _of_theta(chain: fwdrev.Chain, x: np.ndarray, theta: Any) -> Any:
    return value_of(chain, jax.numpy.asarray(x), theta)


def _of_x(chain: fwdrev.Chain, theta: np.ndarray, x: Any) -> Any:
    return value_of(chain, x, jax.numpy.asarray(theta))


def truth(found: FunctionProbe) -> tuple[dict[str, float], dict[str, dict[str, int]]]:
    """Median seconds of every promising arm, timed in turns, with the counts of each."""
    coloured = coloured_arm(found)
    arms = function_arms(found)
    if isinstance(coloured, FunctionArm) and _promising(found):
        arms["coloured"] = coloured
    costs, waiting = {}, list(arms.values())
    for arm in waiting:  # chunks grow by the same
        cost = attempt(partial(cost_of_arm, found, arm))
        if isinstance(cost, Raised):
            continue
        costs[arm.name] = cost
        chunked = chunked_arm(found, arm.name, cost.held)
        if chunked is not None:
            arms[chunked.name] = chunked
            waiting.append(chunked)
    least = min(cost.seconds for cost in costs.values())
    chosen = [
        name
        for name, cost in costs.items()
        if cost.seconds < max(HOPELESS * least, SLOW) and cost.peak_bytes < PEAK and cost.seconds < LONGEST
    ]
    calls = {name: partial(_done, arms[name].program(), found.args) for name in chosen}
    for call in calls.values():
        call()
    loops, rng = calibrate(calls, 2e-3), Random(0)
    first = timed_blocks(calls, loops, BLOCKS, rng)
    more = ROUNDS if max(map(median, first.values())) < SLOW else 1
    rounds = [first, *(timed_blocks(calls, loops, BLOCKS, rng) for _ in range(more - 1))]
    seconds = {name: median(value for one in rounds for value in one[name]) for name in calls}
    return seconds, {name: dict(costs[name].counts) for name in chosen}


def _promising(found: FunctionProbe) -> bool:
    try:
        sampled(found)
    except NotSparseError:
        return False
    return True


def _done(program: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return jax.block_until_ready(program(*args))


def measured(name: str, make: Callable[[], Made], budget: float) -> dict[str, Any]:
    """Prints a line of the file, for one function in this process."""
    f, args = make()
    jax.block_until_ready(jax.jit(jnp.sin)(jnp.ones(3)))  # excludes the compiler's own memory
    before, began = _peak(), perf_counter()
    advice = _advised(f, args, budget=budget)
    took = perf_counter() - began
    grown = _peak() - before
    began = perf_counter()
    counted = _advised(f, args, measure=False)
    counting = perf_counter() - began
    found = probe_function(f, args)
    seconds, counts = truth(found)
    # an arm that only the advice tried; a mode's chunks may have another size there
    others = {} if advice is None else {arm.name: arm.seconds.point for arm in advice.arms if arm.seconds}
    return {
        "name": name,
        "n": found.n,
        "m": found.m,
        "budget": budget,
        "measured": None if advice is None else advice.recommend,
        "counted": None if counted is None else counted.recommend,
        "seconds_of_advice": took,
        "seconds_of_counting": counting,
        "grown_bytes": grown,
        "seconds": others | seconds,
        "counts": counts,
    }


def _advised(f: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> Any:
    """The recommended arm, or None."""
    try:
        return fwdrev.advise(f, *args, **options)
    except NothingMeasuredError as error:
        print(error, file=sys.stderr)
        return None


def _peak() -> int:
    """The peak of resident bytes so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_process(name: str, budget: float) -> dict[str, Any]:
    """The line of that function, from a fresh process."""
    command = [sys.executable, __file__, "--one", name, "--budget", str(budget)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - ourselves
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def summary(rows: list[dict[str, Any]]) -> None:
    """Prints shares of picks within 5 % and 20 % of the fastest arm, the worst slow-down, and the bars for advice."""
    picks = {
        "`fwdrev.advise(f, x)`": [row["measured"] for row in rows],
        "`fwdrev.advise(f, x, measure=False)`": [row["counted"] for row in rows],
        **{rule.when: ["forward" if rule.forward(row["n"], row["m"]) else "reverse" for row in rows] for rule in RULES},
    }
    large = sum(max(row["n"], row["m"]) > LARGE for row in rows)
    print(f"{len(rows)} functions, {large} of them with more than {LARGE:,} inputs or outputs\n")
    print("| picks by | within 5 % | within 20 % | worst |\n|---|---|---|---|")
    for name, picked in picks.items():
        print(f"| {name} |", _shares(rows, picked))
    print("\nof forward and reverse mode alone, as fwdrev.jacobian has them, counts pick:", _of_two(rows))
    typical, counting = (median(row[f"seconds_of_{what}"] for row in rows) for what in ("advice", "counting"))
    print(f"\nadvice took {typical:.1f} s in the median, counting {counting * 1e3:.0f} ms\n")
    print("| what advice is held to | measured | bar | |\n|---|---|---|---|")
    for what, value, bar, kept in _bars(rows):
        print(f"| {what} | {value} | {bar} | {'kept' if kept else 'MISSED'} |")


def _of_two(rows: list[dict[str, Any]]) -> str:
    """The shares if only these two arms exist; an untimed mode is hopeless beside the other one."""
    two = [row | {"seconds": {name: row["seconds"][name] for name in MODES if name in row["seconds"]}} for row in rows]
    two = [row for row in two if row["seconds"]]
    expected = [{name: seconds_of(row["counts"][name]) for name in row["seconds"]} for row in two]
    picked = [min(each, key=each.__getitem__) for each in expected]
    beside = max(
        row["seconds"][pick] / row["seconds"].get("reverse", math.inf) for row, pick in zip(two, picked, strict=True)
    )
    return f"{_shares(two, picked)} {len(two)} functions, beside reverse mode at most {beside:.2f}"


def _bars(rows: list[dict[str, Any]]) -> Iterator[tuple[str, str, str, bool]]:
    """A bar: its name, its value, its limit, and whether it holds."""
    for what, limit, bar in (("measured", CLOSE, 0.95), ("counted", NEAR, 0.9)):
        share = sum(_slow(row, row[what]) <= limit for row in rows) / len(rows)
        yield f"{what}, within {limit - 1:.0%} of the fastest", f"{share:.0%}", f"≥ {bar:.0%}", share >= bar
    worst = max(rows, key=_beside_reverse)
    most = _beside_reverse(worst)
    yield "time beside jax.jacobian's, at most", f"{most:.2f} ({worst['name']})", f"≤ {CLOSE}", most <= CLOSE
    over = max(rows, key=lambda row: row["seconds_of_advice"] - row["budget"])
    late = over["seconds_of_advice"] - over["budget"]
    yield "over the budget, at most", f"{late:.1f} s ({over['name']})", f"≤ {OVER:g} s", late <= OVER
    big = max(rows, key=lambda row: row["grown_bytes"])
    grown = big["grown_bytes"]
    yield (
        "peak memory grew by, at most",
        f"{grown / 1e9:.2f} GB ({big['name']})",
        f"≤ {MEMORY / 1e9:g} GB",
        grown <= MEMORY,
    )


def _slow(row: dict[str, Any], pick: str | None) -> float:
    """The slow-down relative to the fastest arm; untimed or missing picks count as far slower."""
    return row["seconds"].get(pick, math.inf) / min(row["seconds"].values())


def _beside_reverse(row: dict[str, Any]) -> float:
    """The time relative to jax.jacobian; 0 at most if that is hopeless."""
    reverse = row["seconds"].get("reverse", math.inf)
    return 0.0 if row["measured"] is None else row["seconds"][row["measured"]] / reverse


def _shares(rows: list[dict[str, Any]], picked: list[str | None]) -> str:
    slow = [_slow(row, pick) for row, pick in zip(rows, picked, strict=True)]
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
    """Measures the missing lines of the file, then prints the summary."""
    parser = argparse.ArgumentParser(description="whether advice picks the fastest arm")
    parser.add_argument("--out", type=Path, default=Path("advice.jsonl"))
    parser.add_argument("--budget", type=float, default=8.0)
    parser.add_argument("--only", default="", help="names that begin so")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--summary", action="store_true")
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    if options.one is not None:
        jax.config.update("jax_enable_x64", val=True)
        print(json.dumps(measured(options.one, dict(functions())[options.one], options.budget)))
        return
    lines = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    rows = [json.loads(line) for line in lines]
    if options.fit:
        fit(rows)
        return
    have = {row["name"] for row in rows}
    for name, _ in () if options.summary else functions():
        if name in have or not name.startswith(options.only):
            continue
        rows.append(in_process(name, options.budget))
        with options.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(rows[-1]) + "\n")
        print(name, rows[-1]["measured"], rows[-1]["counted"], rows[-1]["seconds"], flush=True)
    summary(rows)


if __name__ == "__main__":
    main()
