"""What two sides showed, round by round, as a gate decides from it."""

from collections.abc import Collection, Mapping, Sequence
from statistics import median

import numpy as np

from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation, direction_of
from fwdrev.results.gate.paired_sides import Counts, Pair, Sides

__all__ = ["counts_of", "log_ratio", "sides_of", "unmeasured"]

_FAILED = {Status.WRONG, Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED}
"""How an arm ends by itself; skipped is what waited for the other side, or is larger than what failed."""

_TRIMMED = 0.2
"""Of the blocks at either end: a preempted one does not count, and it varies a tenth less than the median of ten."""

_NEVER = "it was asked for, and no round came to it"
"""Why a pair is in no observation, where a round would have said so of itself."""


def sides_of(observations: Sequence[SideObservation], asked: Collection[Pair] = ()) -> Sides:
    """The trimmed mean over blocks of log(time of head / time of base), in each round, cell and arm; and all counts.

    What failed on a side, or was skipped, is there with its reason, and so is what was `asked` for and is in no
    observation: asked for and not measured is no pass. Seconds are medians over rounds of medians over blocks.
    """
    rounds = sorted({o.round for o in observations})
    cells = sorted({o.cell for o in observations} | {cell for cell, _ in asked})
    seen = (name for o in observations for name in o.base if name != CONTROL)
    arms = list(dict.fromkeys([*seen, *(name for _, name in asked)]))
    logs = np.full((len(rounds), len(cells), len(arms)), np.nan)
    control = np.full((len(rounds), len(cells)), np.nan)
    counts: dict[Pair, tuple[Counts, Counts]] = {}
    reasons: dict[Pair, str] = {}
    ended: dict[Pair, Status] = {}
    for o in observations:
        at = rounds.index(o.round), cells.index(o.cell)
        for name, (base, head) in _both(o).items():
            if name == CONTROL:
                control[at] = _log_ratio(base, head)
                continue
            logs[at][arms.index(name)] = _log_ratio(base, head)
            if base.cost is not None or base.program is not None:
                counts[o.cell, name] = (counts_of(base), counts_of(head))
            if why := _why(base, head):
                reasons.setdefault((o.cell, name), why)
                ended.setdefault((o.cell, name), _ended(base, head))
    seconds = _seconds(observations)
    for pair in asked:
        if pair not in seconds and pair not in counts and pair not in reasons:
            reasons[pair] = _NEVER
    return Sides(
        cells=tuple(cells),
        arms=tuple(arms),
        directions=tuple(direction_of(name) for name in arms),
        logs=logs,
        control=control,
        counts=counts,
        reasons=reasons,
        ended=ended,
        seconds=seconds,
    )


def _seconds(observations: Sequence[SideObservation]) -> dict[Pair, tuple[float, float]]:
    """Per call, of base and of head."""
    rounds: dict[Pair, list[tuple[float, float]]] = {}
    for o in observations:
        for name, (base, head) in _both(o).items():
            if base.values and head.values and name != CONTROL:
                rounds.setdefault((o.cell, name), []).append((median(base.values), median(head.values)))
    return {pair: (median(one for one, _ in both), median(other for _, other in both)) for pair, both in rounds.items()}


def _ended(base: ArmResult, head: ArmResult) -> Status:
    """Of the side that ended by itself, head first; skipped where neither did."""
    return next((arm.status for arm in (head, base) if arm.status in _FAILED), Status.SKIPPED)


def _why(base: ArmResult, head: ArmResult) -> str:
    """Why an arm was not timed; empty where it was."""
    sides = {"base": base, "head": head}
    failed = {f"{side} {arm.status}: {arm.reason}" for side, arm in sides.items() if arm.status in _FAILED}
    skipped = {f"{arm.status}: {arm.reason}" for arm in sides.values() if arm.status is Status.SKIPPED}
    return "; ".join(sorted(failed or skipped))


def unmeasured(observations: Sequence[SideObservation]) -> dict[tuple[str, str], list[Cell]]:
    """Why an arm was not measured, and in which cells: by (arm, side and reason)."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for o in observations:
        for name, sides in _both(o).items():
            for side, arm in zip(("base", "head"), sides, strict=True):
                if arm.status in _FAILED:
                    found.setdefault((name, f"{side}: {arm.status}: {arm.reason}"), []).append(o.cell)
    return found


def _both(o: SideObservation) -> Mapping[str, tuple[ArmResult, ArmResult]]:
    return {name: (arm, o.head[name]) for name, arm in o.base.items() if name in o.head}


def _log_ratio(base: ArmResult, head: ArmResult) -> float:
    """NaN where one side has no blocks."""
    if not base.values or len(base.values) != len(head.values):
        return float("nan")
    return log_ratio(base.values, head.values)


def log_ratio(base: Sequence[float], head: Sequence[float]) -> float:
    """The trimmed mean of log(head / base) over blocks that stood side by side."""
    logs = np.sort(np.log(head) - np.log(base))
    cut = max(1, round(_TRIMMED * len(logs))) if len(logs) > 2 else 0  # noqa: PLR2004 - of two there is no middle
    return float(logs[cut : len(logs) - cut].mean())


def counts_of(arm: ArmResult) -> Counts:
    """All that are known of it."""
    cost, program = arm.cost, arm.program
    return Counts(
        multiply_adds=None if cost is None else cost.multiply_adds,
        passes=None if cost is None else cost.passes,
        flops=None if program is None else program.flops,
        bytes_accessed=None if program is None else program.bytes_accessed,
    )
