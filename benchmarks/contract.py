"""Checks the promises of `fwdrev.jacobian` on functions of real size, each side in fresh processes.

    python benchmarks/contract.py                        # all, in about ten minutes
    python benchmarks/contract.py --only deep_scan       # one; repeat --only for more
    python benchmarks/contract.py --repeat 3             # medians of three processes each

The promises: the first call takes no longer than three times that of jax.jacobian (torch.func.jacrev) and a second, and
the memory of the process grows by no more than 1.25 times as much and 200 MB. A child that needs more than 12 GB of
address space, or more than a minute, is killed; if the reference needs as much, nothing is promised.
"""

import argparse
import importlib.util
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass

SIDES = ("reference", "count", "measure")
"""The sides: jax.jacobian or torch.func.jacrev; fwdrev.jacobian by default; and with decide="measure"."""

TIMES, SECONDS = 3.0, 1.0
"""The limit of a first call: this factor of the reference's time, plus these seconds."""

SHARE, BYTES = 1.25, 200e6
"""The limit of memory, likewise."""

_LATER = 5
"""The number of later calls, whose median is shown."""

_LIMIT = 12_000_000_000
_TIMEOUT = 60
_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One child's results: seconds of the first and of a later call, its growth in bytes, the mode, and a checksum."""

    first: float = float("nan")
    later: float = float("nan")
    grown: float = float("nan")
    mode: str = ""
    total: float = float("nan")
    failed: str = ""


def main() -> None:
    """Prints one row for each situation and way to decide, then the worst cases."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", default=[], metavar="NAME")
    parser.add_argument("--repeat", type=int, default=1, metavar="K")
    parser.add_argument("--child", nargs=2, metavar=("NAME", "SIDE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(asdict(_child(*given.child))))
        return
    print(f"{'':40}{'decide':9}{'first call':>22}{'ratio':>7}{'over':>8}{'later':>17}{'memory':>17}{'over':>9}  mode")
    judged = [row for name in given.only or _names() for row in _judged(name, given.repeat)]
    for decide in SIDES[1:]:
        _sum_up(decide, [row for row in judged if row["decide"] == decide])


def _names() -> list[str]:
    from contract_situations import JAX, TORCH

    return [*JAX, *(TORCH if importlib.util.find_spec("torch") else ())]


def _judged(name: str, repeat: int) -> list[dict[str, object]]:
    """Prints the rows of one situation as soon as possible."""
    runs = {side: _median([_started(name, side) for _ in range(repeat)]) for side in SIDES}
    reference = runs["reference"]
    rows = []
    for decide in SIDES[1:]:
        run = runs[decide]
        over = run.first - TIMES * reference.first - SECONDS
        much = run.grown - SHARE * reference.grown - BYTES
        same = run.failed == reference.failed and _close(run.total, reference.total)
        kept = bool(reference.failed) or (not run.failed and same and over <= 0 and much <= 0)
        row = {"name": name, "decide": decide, "ratio": run.first / reference.first, "over": over, "much": much}
        rows.append(row | {"kept": kept, "grown": run.grown, "reference": reference.grown})
        note = ("" if kept else "  BROKEN") + ("" if same else f"  {run.failed or 'another value'}")
        print(
            f"{name:40}{decide:9}{run.first:9.3f} / {reference.first:7.3f} s{row['ratio']:7.2f}{over:+8.2f}"
            f"{1e3 * run.later:8.2f}/{1e3 * reference.later:8.2f}{run.grown / 1e6:9.0f}/{reference.grown / 1e6:7.0f}"
            f"{much / 1e6:+9.0f}  {run.mode or run.failed}{note}"
            f"{reference.failed and '  reference: ' + reference.failed}",
            flush=True,
        )
    return rows


def _sum_up(decide: str, rows: list[dict[str, object]]) -> None:
    known = [row for row in rows if row["ratio"] == row["ratio"]]
    if known:
        slow, big = max(known, key=lambda row: row["ratio"]), max(known, key=lambda row: row["much"])
        print(f"\n{decide}: worst ratio of first calls {slow['ratio']:.2f} ({slow['name']}), ", end="")
        print(f"worst of memory {big['grown'] / 1e6:.0f} MB beside {big['reference'] / 1e6:.0f} MB ({big['name']})")
    print(f"{decide}: {sum(bool(row['kept']) for row in rows)} of {len(rows)} keep the contract")


def _close(one: float, other: float) -> bool:
    return (
        one == other or abs(one - other) <= 1e-2 * max(abs(one), abs(other)) or (math.isnan(one) and math.isnan(other))
    )


def _median(runs: list[Run]) -> Run:
    """The medians of the times and the largest memory; a failure if one failed."""
    failed = next((run for run in runs if run.failed), None)
    if failed is not None:
        return failed
    first, later = (statistics.median(getattr(run, name) for run in runs) for name in ("first", "later"))
    last = runs[-1]
    return Run(first=first, later=later, grown=max(run.grown for run in runs), mode=last.mode, total=last.total)


def _started(name: str, side: str) -> Run:
    """The results of a fresh child, with an empty cache folder and one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | threads | {"XDG_CACHE_HOME": cache, "XLA_FLAGS": _ONE_THREAD}
        command = [sys.executable, __file__, "--child", name, side]
        try:
            done = subprocess.run(  # noqa: S603 - this file
                command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return Run(failed=f"more than {_TIMEOUT} s")
    if done.returncode != 0:
        return Run(
            failed=done.stderr.strip().splitlines()[-1][:80] if done.stderr.strip() else f"exit {done.returncode}"
        )
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def _child(name: str, side: str) -> Run:
    """Imports and makes everything possible before the clock starts."""
    resource.setrlimit(resource.RLIMIT_AS, (_LIMIT, _LIMIT))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    warnings.simplefilter("ignore", UserWarning)  # warns that the modes disagree
    from contract_situations import JAX, TORCH

    import fwdrev
    from fwdrev.bench.machine.memory import peak_of

    torch = name in TORCH
    plain, wait = _reference(torch=torch)
    f, args, ours = (TORCH if torch else JAX)[name]()
    jacobian = plain(f) if side == "reference" else fwdrev.jacobian(f, decide=side, **ours)
    seconds: list[float] = []
    found: list[object] = []

    def call() -> None:
        found.clear()  # otherwise two results would be alive at once
        began = time.perf_counter()
        found.append(wait(jacobian(*args)))
        seconds.append(time.perf_counter() - began)

    try:
        grown = peak_of(call, traced=False).resident
        while len(seconds) <= _LATER and sum(seconds[1:]) < SECONDS:
            call()
    except Exception as error:  # noqa: BLE001 - the table says what it was
        return Run(failed=type(error).__name__)
    mode = "" if side == "reference" else str(jacobian.explain(*args).mode)
    return Run(
        first=seconds[0],
        later=statistics.median(seconds[1:]),
        grown=float(grown or 0),
        mode=mode,
        total=_total(found[0]),
    )


def _reference(*, torch: bool) -> tuple[Callable[..., object], Callable[[object], object]]:
    """The reference Jacobian, and a function that waits for results; wakes the library first."""
    import jax

    if torch:
        import torch as library

        library.manual_seed(0)
        return library.func.jacrev, lambda found: found
    jax.block_until_ready(jax.numpy.zeros(3) + 1)
    return jax.jacobian, jax.block_until_ready


def _total(found: object) -> float:
    """The sum of the absolute values, without NaN and infinity."""
    import jax
    import numpy as np

    arrays = [np.asarray(leaf.detach() if hasattr(leaf, "detach") else leaf) for leaf in jax.tree.leaves(found)]
    return float(sum(np.abs(array[np.isfinite(array)]).sum(dtype=np.float64) for array in arrays))


if __name__ == "__main__":
    main()
