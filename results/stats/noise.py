"""The noise of a machine: the scatter of its times, and the smallest difference that it can detect."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from fwdrev.bench.records.machine import NoiseRound
from fwdrev.results.display import Plain
from fwdrev.results.stats.estimate import t_quantile

_MINUTE = 60.0

_POWER = 0.8
"""The usual power: finds a difference of that size in four of five attempts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Plain):
    """Seconds and fractions; a spread is the standard deviation of logarithms, 0.01 for one per cent."""

    processes: int
    blocks: int
    seconds_per_process: float
    seconds_per_call: float
    between_processes: float
    between_blocks: float
    ratio_spread: float
    rounds_per_minute: int
    smallest_difference: float


def noise_of(rounds: Sequence[NoiseRound]) -> Noise:
    """The noise in at least two rounds with equally many blocks.

    `between_processes` is the spread of the processes' median times, `between_blocks` that of a block within its
    process, `ratio_spread` that of the processes' log ratios, each the median of log(a/b) over the blocks.
    """
    a, b = np.log([each.a for each in rounds]), np.log([each.b for each in rounds])
    both = np.concatenate([a, b], axis=1)
    spread = float(np.std(np.median(a - b, axis=1), ddof=1))
    seconds = float(np.median([each.seconds for each in rounds]))
    in_a_minute = max(2, int(_MINUTE / seconds))
    return Noise(
        processes=len(rounds),
        blocks=a.shape[1],
        seconds_per_process=seconds,
        seconds_per_call=float(np.exp(np.median(both))),
        between_processes=float(np.std(np.median(both, axis=1), ddof=1)),
        between_blocks=math.sqrt(float(np.mean(np.var(both, axis=1, ddof=1)))),
        ratio_spread=spread,
        rounds_per_minute=in_a_minute,
        smallest_difference=smallest_difference(spread, in_a_minute),
    )


def smallest_difference(spread: float, rounds: int) -> float:
    """The smallest relative difference of two arms that `rounds` rounds detect: exp(d) - 1, d = (t + z) · s / √R.

    s is the standard deviation of the log ratios of R rounds; t is Student's two-sided 95 % quantile with R - 1
    degrees of freedom, for an interval that excludes no difference; z is the normal 80 % quantile, so that
    it does so in four of five attempts (the usual sample size formula). Ten rounds determine s itself only
    to within a factor of about two. Two arms that are the same function share the place of their
    code and data, so this is the best that a machine can do.
    """
    return math.expm1((t_quantile(rounds) + float(stats.norm.ppf(_POWER))) * spread / math.sqrt(rounds))
