"""Ours against JAX: `forward` ÷ `jax-jvp` and `reverse` ÷ `jax-vjp`, paired, in every cell of a plane of `driven`.

    python benchmarks/against_jax.py [--rounds 5] [--keep FOLDER]

It runs an ordinary sweep and reads its tables: each number is a geometric mean over rounds in fresh processes,
with its 95 % interval.
"""

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np

from fwdrev.bench import FixedPlan, LocalExecutor, Sweep, fingerprint, make_spec
from fwdrev.bench.sweep.progress import watched
from fwdrev.results import Run, create, load, log_ratios
from fwdrev.results.stats.estimate import log_mean

PAIRS = (("forward", "jax-jvp"), ("reverse", "jax-vjp"))


def main() -> None:
    """Measures, then prints one table for each pair."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a new folder to keep the run in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = _measured(given.keep or Path(scratch) / "run", Path(scratch), given.rounds)
    machine = run.machine
    print(f"{machine['cpu_model_name']}, 1 thread, {machine['blas']} {machine['settings'] or ''}")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    print(f"{run.created}; {run.spec.rounds} rounds; driven, depth 4, width 64, float64; time of ours ÷ time of JAX")
    for pair in PAIRS:
        _show(run, pair)


def _measured(folder: Path, scratch: Path, rounds: int) -> Run:
    fields = {"inputs": "4:4096:*4", "outputs": "1:1024:*4", "rounds": rounds, "blocks": 6, "block_seconds": 1e-3}
    spec = make_spec(fields)
    with create(folder, spec, fingerprint(spec.threads)) as journal:
        plan = FixedPlan(spec)
        for observation in watched(Sweep(spec, LocalExecutor(spec, scratch), plan), plan.seconds_left):
            journal.append(observation)
    return load(folder)


def _show(run: Run, pair: tuple[str, str]) -> None:
    ratios = log_ratios(run, pair)
    print(f"\n{pair[0]} ÷ {pair[1]}\n{'n':>6} {'m':>6}  ratio  95 % interval")
    over = 0
    for n in ratios.n:
        sizes, logs = ratios.along_m(n)
        for m, column in zip(sizes, logs.T, strict=True):
            e = log_mean(column)
            over += e.point > 1
            print(f"{n:>6} {m:>6}  {e.point:5.3f}  {e.low:5.3f} … {e.high:5.3f}")
    per_round = np.nanmean(ratios.table.to_numpy(), axis=1)
    mean = log_mean(per_round)
    worst = math.exp(float(ratios.table.mean().max()))
    print(f"geometric mean {mean.point:.3f} ({mean.low:.3f} … {mean.high:.3f}); worst {worst:.3f}; {over} cells over 1")


if __name__ == "__main__":
    main()
