"""The paired protocol beside pyperf's: wall time, widths of intervals and agreement on the same plane.

    python benchmarks/protocols.py [--rounds 27] [--fast]

`paired` measures 4 × 4 cells of `driven` with `forward` and `reverse` twice, before and after pyperf: their difference
is the machine's own change. `--fast` is pyperf's, for a first look.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyperf import perf_counter

from fwdrev.bench import FixedPlan, LocalExecutor, Sweep, available_cpus, fingerprint, make_spec
from fwdrev.bench.records.spec import Protocol
from fwdrev.bench.sweep.progress import watched
from fwdrev.bench.sweep.pyperf_runner import PyperfExecutor
from fwdrev.results import Estimate, Run, log_ratios
from fwdrev.results.planning.forecast import TimeForecast
from fwdrev.results.stats.estimate import log_mean

PAIR = ("forward", "reverse")
PLANE = {"inputs": "16:1024:*4", "outputs": "4:256:*4", "engines": list(PAIR)}
PAIRED = {"blocks": 4, "block_seconds": 1e-3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Wall seconds of a whole sweep, preparations included, and the ratio in each cell."""

    seconds: float
    ratios: Mapping[tuple[int, int], Estimate]

    @property
    def width(self) -> float:
        """The geometric mean over cells of high / low, minus 1."""
        return float(np.expm1(np.mean([np.log(e.high / e.low) for e in self.ratios.values()])))


def main() -> None:
    """Measures, then prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=27, help="of the paired protocol")
    parser.add_argument("--fast", action="store_true", help="half of pyperf's processes")
    given = parser.parse_args()
    effort = "fast" if given.fast else "normal"
    before = _measured(PAIRED | {"rounds": given.rounds})
    stock = _measured({"protocol": "pyperf", "effort": effort})
    after = _measured(PAIRED | {"rounds": given.rounds, "seed": 1})
    machine = fingerprint(1)
    print(f"{machine['cpu_model_name']}, 1 thread, {machine['blas']} {machine['settings'] or ''}")
    print("forward ÷ reverse, driven, depth 4, width 64, float64; 95 % intervals")
    print(f"{'n':>6} {'m':>6}  paired                 pyperf                 agree")
    agree = sum(_row(cell, before, stock) for cell in before.ratios)
    print(f"they agree in {agree} of {len(before.ratios)} cells")
    same = sum(_overlap(before.ratios[cell], after.ratios[cell]) for cell in before.ratios)
    print(f"paired before and after agree in {same} of {len(before.ratios)} cells")
    for name, one in (("paired", before), ("pyperf", stock), ("paired again", after)):
        print(f"{name:>12}: {one.seconds:7.1f} s, mean width of an interval {one.width:.2%}")
    print(f"paired needs {stock.seconds / max(before.seconds, after.seconds):.0f} times less wall time")


def _measured(fields: dict[str, Any]) -> Outcome:
    spec = make_spec(PLANE | fields)
    executor = PyperfExecutor if spec.protocol is Protocol.PYPERF else LocalExecutor
    plan = FixedPlan(spec, TimeForecast(spec, len(available_cpus())))
    with tempfile.TemporaryDirectory() as scratch:
        start = perf_counter()
        observations = tuple(watched(Sweep(spec, executor(spec, Path(scratch)), plan), plan.seconds_left))
        seconds = perf_counter() - start
    run = Run(folder=Path(), spec=spec, machine={}, created="", observations=observations, warnings=())
    table = log_ratios(run, PAIR).table
    return Outcome(seconds=seconds, ratios={cell: log_mean(logs.to_numpy()) for cell, logs in table.items()})


def _row(cell: tuple[int, int], paired: Outcome, stock: Outcome) -> bool:
    one, other = paired.ratios[cell], stock.ratios[cell]
    agree = _overlap(one, other)
    texts = [f"{e.point:6.3f} ({e.low:6.3f} …{e.high:7.3f})" for e in (one, other)]
    print(f"{cell[0]:>6} {cell[1]:>6} {'  '.join(texts)}  {'yes' if agree else 'no'}")
    return agree


def _overlap(one: Estimate, other: Estimate) -> bool:
    return bool(one.low <= other.high and other.low <= one.high)


if __name__ == "__main__":
    main()
