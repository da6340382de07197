"""The mixed mode and the cost model: the gain of brackets, and the quality of predicted prices.

    python benchmarks/bracketings.py [--rounds 4] [--part predictions]

It calibrates this machine, then prints (1) the time of `bracketed` over that of the better one of `forward` and
`reverse`, paired, in the planes of `driven`, `mlp` and `autoencoder`, and at a narrow waist; (2) what a random chain of
50 factors gains, predicted in operations and measured in seconds; (3) errors of predicted crossovers beside measured
ones, on shapes outside the model's fit.
"""

import argparse
import os

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}

import math
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from fwdrev.api.calibrate import calibration_runs
from fwdrev.bench import FixedPlan, LocalExecutor, Sweep, fingerprint, make_spec
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.bench.timing.primitives import measure_tables
from fwdrev.bench.workers.engine_prices import hand_out
from fwdrev.modes import Chain, Driven, engine
from fwdrev.modes.bracketing.machine_prices import Seconds, Table
from fwdrev.results import Run, create, load, log_ratios
from fwdrev.results.costs.fit import Fit, fit_rates
from fwdrev.results.costs.prediction import prediction
from fwdrev.results.stats.estimate import log_mean

PURE = ("forward", "reverse")

ALLOWED = 1.05
"""The factors of `bracketed` over the better of the two."""

PLANES: list[dict[str, Any]] = [
    {"problem": "driven"},
    *({"problem": "mlp", "wrt": "x", "options": {"depth": d, "width": w}} for d in (2, 4, 6) for w in (8, 64, 256)),
    {"problem": "mlp", "options": {"depth": 3, "width": 32}, "inputs": "4:64:*4", "outputs": "1:64:*4"},
    {"problem": "autoencoder", "wrt": "x"},
    {"problem": "autoencoder", "inputs": "4:256:*4", "outputs": "1:64:*4"},
]
"""An mlp's Jacobian with respect to θ has a column for each weight, so its plane is smaller."""

WAIST = {"problem": "autoencoder", "wrt": "x", "options": {"hidden": 300, "waist": 20}, "inputs": [2000]}

UNSEEN = [{"options": {"depth": d, "width": w}} for d, w in ((4, 64), (5, 48), (3, 256))]
"""Of `driven`, the first the standard plane; calibration sees depths 2, 3 and 6 and widths 96, 32 and 128."""


def main() -> None:
    """Calibrates, then runs the three parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--part", choices=["planes", "chains", "predictions"], help="only this one")
    given = parser.parse_args()
    rounds, parts = given.rounds, [given.part] if given.part else ["planes", "chains", "predictions"]
    machine = fingerprint(1)
    print(f"{machine['cpu_model_name']}, 1 thread, {machine['blas']} {machine['settings'] or ''}")
    with tempfile.TemporaryDirectory() as folder:
        tables = Seconds({kind: Table(values) for kind, values in measure_tables(8.0).items()}, {})
        fit = fit_rates(calibration_runs(Path(folder), machine), tables)
        print("calibrated; typical errors:", ", ".join(f"{name} {e:.0%}" for name, e in fit.error.items()), flush=True)
        if "planes" in parts:
            for number, fields in enumerate(PLANES):
                _show_plane(_measured(Path(folder) / f"plane-{number}", fields | {"rounds": rounds}, fit))
            _show_waist(Path(folder), rounds, fit)
        if "chains" in parts:
            _show_chains(fit)
        for number, fields in enumerate(UNSEEN if "predictions" in parts else []):
            asked = fields | {"rounds": rounds, "engines": list(PURE)}
            _show_prediction(_measured(Path(folder) / f"unseen-{number}", asked, fit), fit)


def _measured(folder: Path, fields: dict[str, Any], fit: Fit) -> Run:
    spec = make_spec({"engines": [*PURE, "bracketed"], "blocks": 6, "block_seconds": 1e-3} | fields)
    scratch = folder.with_suffix(".scratch")
    scratch.mkdir()
    hand_out(fit.seconds, scratch)
    with create(folder, spec, fingerprint(spec.threads)) as journal:
        for observation in Sweep(spec, LocalExecutor(spec, scratch), FixedPlan(spec)):
            journal.append(observation)
    return load(folder)


def _against_best(run: Run, name: str, pure: tuple[str, str]) -> dict[tuple[int, int], Any]:
    """In each cell the ratio to the better of the two, with its interval."""
    one, other = (log_ratios(run, (name, each)).table for each in pure)
    worse = one.mean() > other.mean()
    return {at: log_mean((one if worse[at] else other)[at].dropna().to_numpy()) for at in one.columns}


def _show_plane(run: Run) -> None:
    found = _against_best(run, "bracketed", PURE)
    worst = max(found, key=lambda at: found[at].point)
    options = "".join(f" {key} {value}" for key, value in run.spec.options.items())
    mean = math.exp(float(np.mean([math.log(e.point) for e in found.values()])))
    over = sum(e.point > ALLOWED for e in found.values())
    e = found[worst]
    print(
        f"{run.spec.problem}{options}, wrt {run.spec.wrt.value}: bracketed ÷ best of the two in {len(found)} cells: "
        f"mean {mean:.3f}, worst {e.point:.3f} ({e.low:.3f} … {e.high:.3f}) at n = {worst[0]}, m = {worst[1]}; "
        f"over {ALLOWED} in {over}",
        flush=True,
    )


def _show_waist(folder: Path, rounds: int, fit: Fit) -> None:
    for name, pure in (("bracketed", PURE), ("jax-bracketed", ("jax-jvp", "jax-vjp"))):
        fields = WAIST | {"outputs": [2000], "engines": [*pure, name], "rounds": rounds, "block_seconds": 50e-3}
        found = _against_best(_measured(folder / f"waist-{name}", fields, fit), name, pure)
        e = found[2000, 2000]
        print(
            f"2000-300-20-300-2000, wrt x: {name} is {1 / e.point:.1f} times faster than the better of "
            f"{pure[0]} and {pure[1]} ({1 / e.high:.1f} … {1 / e.low:.1f})",
            flush=True,
        )


def _show_chains(fit: Fit) -> None:
    """50 factors whose 51 random sizes lie between 64 and 2048, evenly in logarithms, so that arithmetic counts.

    Between 4 and 512 most products take as long as a call, and the value of the function as long as its Jacobian.
    """
    if available_cpus():
        os.sched_setaffinity(0, available_cpus()[-1:])
    for seed in range(3):
        rng = np.random.default_rng(seed)
        sizes = np.exp(rng.uniform(math.log(64), math.log(2048), 51)).round().astype(int)
        layers = [
            Driven(rng.standard_normal((b, a)) / math.sqrt(a), np.zeros((b, 0)), np.zeros(b))
            for a, b in pairwise(sizes.tolist())
        ]
        chain = Chain(tuple(layers))
        x, theta = rng.standard_normal(chain.n_in), np.zeros(0)
        names = [*PURE, "bracketed"]
        calls = {name: partial(engine(name).priced(fit.seconds).prepare(chain, "x"), x, theta) for name in names}
        counts = {name: engine(name).cost(chain, "x").multiply_adds for name in names}
        values = timed_blocks(calls, calibrate(calls, 5e-3), 10, Random(seed))
        best = min(PURE, key=lambda name: np.median(values[name]))
        gains = np.log(np.array(values[best]) / np.array(values["bracketed"]))
        in_operations = min(counts[name] for name in PURE) / counts["bracketed"]
        print(
            f"50 random factors, {chain.n_out} × {chain.n_in}: gain predicted {in_operations:.1f} in operations, "
            f"measured {math.exp(float(np.median(gains))):.1f} in seconds over {best} (blocks, 10 to 90 %: "
            f"{math.exp(float(np.quantile(gains, 0.1))):.1f} … {math.exp(float(np.quantile(gains, 0.9))):.1f})",
            flush=True,
        )


def _show_prediction(run: Run, fit: Fit) -> None:
    found = prediction(run, PURE, fit.seconds)
    options = "".join(f" {key} {value}" for key, value in run.spec.options.items())
    print(f"driven{options}, forward against reverse: crossover m* at each n, measured and predicted")
    for n, (measured, predicted) in found.crossovers.items():
        off = "" if measured is None or predicted is None else f"{predicted / measured - 1:+.0%}"
        shown = ["none" if at is None else f"{at:.1f}" for at in (measured, predicted)]
        print(f"{n:>6}  {shown[0]:>7}  {shown[1]:>7}  {off}")
    print(
        f"median error {found.median_error or math.nan:.0%}, worst {found.worst_error or math.nan:.0%}; the winner is "
        f"right in {found.right} of {found.decided} cells beyond ±10 % of a tie",
        flush=True,
    )


if __name__ == "__main__":
    main()
