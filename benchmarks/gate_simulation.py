"""Simulates how often the gate errs and what it finds: identical code, code at the threshold, and slower code.

    python -m benchmarks.gate_simulation [--runs 2000] [--rounds 10] [--seed 1] [--correlation 0.5]

Each run is a first look at 24 cells × 4 arms, then fresh rounds of flagged ones. Intervals of shares: Wilson's, 95 %.
Half a minute by default; it needs no quiet machine, since it times nothing.
"""

import argparse
from dataclasses import replace

import numpy as np
from scipy.stats import binomtest

from tests.doubles.simulated_gate import SCENARIOS, Setting, Truth


def main() -> None:
    """One table: a row for each scenario, a column for each truth, and the coverage of 95 % intervals."""
    parser = argparse.ArgumentParser(description="rates of the gate in simulated noise")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--correlation", type=float, help="of a round's noise with the last's, in all scenarios")
    options = parser.parse_args()
    print(f"{options.runs} runs each, {options.rounds} rounds: share that ends as a regression")
    print("| scenario |", " | ".join(truth.value for truth in Truth), "| intervals that hold the truth |")
    print("|---" * (len(Truth) + 2) + "|")
    other = {} if options.correlation is None else {"correlation": options.correlation}
    for name, scenario in SCENARIOS.items():
        setting = Setting(scenario=replace(scenario, **other), rounds=options.rounds)
        print(f"| {name} |", " | ".join(_rates(setting, options.runs, options.seed)), "|", flush=True)


def _rates(setting: Setting, runs: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    reds = [setting.count_regressions(rng, setting.truth(truth), runs) for truth in Truth]
    covered = setting.covered(rng, setting.truth(Truth.SAME), runs)
    return [*(_share(red, runs) for red in reds), _share(covered, runs)]


def _share(red: int, runs: int) -> str:
    interval = binomtest(red, runs).proportion_ci(method="wilson")
    return f"{red / runs:.2%} ({interval.low:.2%} to {interval.high:.2%})"


if __name__ == "__main__":
    main()
