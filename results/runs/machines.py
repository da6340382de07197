"""The machines of one type that measured a run, and how far they differ."""

from dataclasses import dataclass

import numpy as np

from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.observations import Observations
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.estimate import t_quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpread:
    """How far several machines of one type differ.

    `times`: by name the time on it ÷ the geometric mean over all machines, the median over cells and engines;
    `narrower`: the factor by which one more machine narrows intervals over machines, for the same spread.
    """

    times: dict[str, float]
    narrower: float

    @property
    def slowest(self) -> str:
        """The name of the slowest machine."""
        return max(self.times, key=lambda name: self.times[name])

    @property
    def fastest(self) -> str:
        """The name of the fastest machine."""
        return min(self.times, key=lambda name: self.times[name])

    @property
    def factor(self) -> float:
        """The time of the slowest ÷ that of the fastest."""
        return self.times[self.slowest] / self.times[self.fastest]


def machines_of(run: Run) -> list[str]:
    """The names of a cluster's machines that measured rounds of this run; empty for a run on this machine alone."""
    return sorted(name for name in Observations.of(run.observations).machines if name is not None)


def machines_json(run: Run) -> dict[str, dict[str, float | None]]:
    """As a part of plain data: each machine of a cluster with its relative time, None if unknown; {} for one alone."""
    spread, names = machine_spread(timed_blocks(run)), machines_of(run)
    return {"machines": {name: spread.times[name] if spread else None for name in names}} if names else {}


def machine_spread(blocks: Blocks) -> MachineSpread | None:
    """How far the machines differ, in the cells that all of them measured; None for one machine, or without such cells.

    The median over cells and engines of log(time ÷ mean over machines).
    """
    if not blocks.machines:
        return None
    logs = blocks.medians.reshape(len(blocks.machines), -1)
    shared = logs[:, ~np.isnan(logs).any(axis=0)]
    if not shared.size:
        return None
    centred = np.median(shared - shared.mean(axis=0), axis=1)
    count = np.array([len(blocks.machines), len(blocks.machines) + 1])
    half = t_quantile(count) / np.sqrt(count)
    times = {name or "this machine": float(np.exp(log)) for name, log in zip(blocks.machines, centred, strict=True)}
    return MachineSpread(times=times, narrower=float(half[0] / half[1]))
