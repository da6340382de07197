"""The crossover of a whole plane: along every line, with the law m* = c · n^α fitted to it."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.results.display import Displayed, Plain
from fwdrev.results.stats.crossing import Crossing, crossing, crossing_point
from fwdrev.results.stats.estimate import LEVEL, Estimate, t_quantile
from fwdrev.results.stats.log_ratios import LogRatios

Lines = dict[int, tuple[Vector, Matrix]]
"""For each n: the sizes m, and the log ratios (rounds, sizes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law(Displayed, Plain):
    """m* = c · n^α: at this m the two engines break even."""

    c: Estimate
    alpha: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossover(Displayed):
    """Where a pair of engines breaks even: in m at each n, in n at each m, and as a law (None below two points)."""

    pair: tuple[str, str]
    in_m: dict[int, Crossing]
    in_n: dict[int, Crossing]
    law: Law | None

    def to_json(self) -> dict[str, Any]:
        """The crossover as plain data, as `fwdrev crossover --json` prints it."""
        return {
            "pair": list(self.pair),
            "points": _plain(self.in_m, "n", "m"),
            "points_in_n": _plain(self.in_n, "m", "n"),
            "law": None if self.law is None else self.law.to_json(),
        }


def _plain(crossings: dict[int, Crossing], at: str, along: str) -> list[dict[str, Any]]:
    return [
        {at: size, "status": c.status.value, along: c.to_json(), "cheaper_below": c.cheaper}
        for size, c in crossings.items()
    ]


def crossover(ratios: LogRatios, level: float = LEVEL) -> Crossover:
    """All crossings of the plane, and the law, with jackknife intervals over the rounds."""
    lines = {n: ratios.along_m(n) for n in ratios.n}
    in_m = {n: crossing(*line, ratios.pair, level) for n, line in lines.items()}
    in_n = {m: crossing(*ratios.along_n(m), ratios.pair, level) for m in ratios.m}
    return Crossover(pair=ratios.pair, in_m=in_m, in_n=in_n, law=_law(lines, in_m, len(ratios.table), level))


def crossover_points(ratios: LogRatios) -> dict[int, float]:
    """Only m* at each n that has one, for ratios known exactly, such as counts and predictions."""
    return _points({n: ratios.along_m(n) for n in ratios.n})


def _law(lines: Lines, in_m: dict[int, Crossing], rounds: int, level: float) -> Law | None:
    """The least-squares line through log m* over log n; the jackknife over rounds gives its intervals."""
    points = {n: c.size.point for n, c in in_m.items() if c.size is not None}
    whole = _line(points)
    if whole is None:
        return None
    crossed = {n: lines[n] for n in points}
    left_out = [
        _line(_points({n: (sizes, np.delete(logs, r, axis=0)) for n, (sizes, logs) in crossed.items()}))
        for r in range(rounds)
    ]
    spread = rounds - 1 > 1 and None not in left_out  # the remaining rounds need a spread
    pairs = np.array(left_out) if spread else None
    log_c, alpha = (_jackknife(value, None if pairs is None else pairs[:, i], level) for i, value in enumerate(whole))
    return Law(c=_exponential(log_c), alpha=alpha)


def _points(lines: Lines) -> dict[int, float]:
    """The crossover at each n that has one."""
    return {n: at for n, line in lines.items() if (at := crossing_point(*line)) is not None}


def _line(points: dict[int, float]) -> tuple[float, float] | None:
    """(log c, α) through log m* over log n, if there are two points."""
    if len(points) <= 1:
        return None
    alpha, log_c = np.polyfit(np.log(list(points)), np.log(list(points.values())), 1)
    return float(log_c), float(alpha)


def _jackknife(value: float, left_out: Vector | None, level: float) -> Estimate:
    if left_out is None:
        return Estimate(point=value, low=None, high=None, level=level)
    r = left_out.size
    error = math.sqrt((r - 1) / r * float(((left_out - left_out.mean()) ** 2).sum()))
    half = float(t_quantile(r, level)) * error
    return Estimate(point=value, low=value - half, high=value + half, level=level)


def _exponential(e: Estimate) -> Estimate:
    low, high = (None if end is None else math.exp(end) for end in (e.low, e.high))
    return Estimate(point=math.exp(e.point), low=low, high=high, level=e.level)
