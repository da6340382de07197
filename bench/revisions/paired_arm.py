"""Prepares, compares and counts one arm on both sides before it is timed, or finds the reason why it cannot be."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from fwdrev.bench.processes.side_process import ArmLostError
from fwdrev.bench.records.observation import ArmResult, Memory, Status
from fwdrev.bench.records.reasons import means_memory, one_line
from fwdrev.bench.revisions.agreement import disagreement, wrong
from fwdrev.bench.revisions.missing import hint, unlike
from fwdrev.bench.revisions.pair import Pair
from fwdrev.modes.core.cost import EngineCost, ProgramCost

R = TypeVar("R", EngineCost, ProgramCost, Memory)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedArm:
    """One arm in base and in head; `seconds` per call, the shorter of both, if requested."""

    base: ArmResult
    head: ArmResult
    seconds: float | None = None

    @property
    def good(self) -> bool:
        """Whether to time it: on both sides or not at all."""
        return self.base.status is self.head.status is Status.MEASURED

    def timed(self, loops: int, base: list[float], head: list[float]) -> "PairedArm":
        """The results of both sides, with their values."""
        return replace(
            self,
            base=replace(self.base, loops=loops, values=tuple(base)),
            head=replace(self.head, loops=loops, values=tuple(head)),
        )


def prepared_arm(
    pair: Pair, arm: str, dtype: str, *, loops: int, delay: float, counted: bool, tolerance: float | None = None
) -> PairedArm:
    """Prepares the arm on both sides and checks it; with `loops` = 0, also estimates the time of a call.

    `tolerance`: the allowed difference, as in `bench.revisions.rounds.against`; if given, `error` of
    head is the actual difference.
    """
    command = {"do": "prepare", "arm": arm, "loops": loops, "delay": 0.0}
    base, head = pair.ask(command, command | {"delay": delay})
    one, other = _judged(base, dtype), _judged(head, dtype)
    if one.status is Status.FAILED and (what := hint(pair, arm, base)):
        one = replace(one, reason=f"{one.reason}; {what}")
    if one.status is other.status is Status.MEASURED:
        reason, error = disagreement(base, head, dtype, tolerance)
        other = replace(other, error=error)
        if reason is not None:
            other = replace(other, status=Status.WRONG, reason=_unsteady(pair, arm) or reason)
        elif counted and (what := unlike(pair)):
            one = replace(one, status=Status.FAILED, reason=f"it runs without a file that head imports: {what}")
        elif counted:
            counts = pair.ask({"do": "count", "arm": arm})
            one, other = _counted(one, counts[0]), _counted(other, counts[1])
    seconds = None if loops else min(float(answer.get("seconds", 0.0)) for answer in (base, head))
    return _both(one, other, seconds)


def lost_arm(error: ArmLostError) -> PairedArm:
    """The results of an arm for which a side failed, died or was late."""
    lost = ArmResult(status=error.status, reason=error.reason)
    fine = ArmResult(status=Status.MEASURED)
    return _both(lost, fine) if error.side == "base" else _both(fine, lost)


def _both(base: ArmResult, head: ArmResult, seconds: float | None = None) -> PairedArm:
    """The result of a side that is not timed because the other one failed."""
    return PairedArm(base=_spared(base, head, "head"), head=_spared(head, base, "base"), seconds=seconds)


def _spared(one: ArmResult, other: ArmResult, name: str) -> ArmResult:
    if one.status is not Status.MEASURED or other.status is Status.MEASURED:
        return one
    return ArmResult(status=Status.SKIPPED, reason=f"not timed, since {name} ended: {other.status.value}")


def _judged(answer: Mapping[str, Any], dtype: str) -> ArmResult:
    if "failed" in answer:
        return _failed(answer["failed"])
    arm = ArmResult(status=Status.MEASURED, prepare_seconds=answer["prepare_seconds"])
    reason = wrong(answer, dtype)
    return arm if reason is None else replace(arm, status=Status.WRONG, reason=reason)


def _unsteady(pair: Pair, arm: str) -> str | None:
    """The reason if inputs or results change from call to call, so that the sides could agree only by chance."""
    for side, answer in zip(("base", "head"), pair.ask({"do": "repeat", "arm": arm}), strict=True):
        for what, how in (("inputs", "its point makes other inputs"), ("results", "it returns other results")):
            if not answer.get(what, True):
                return f"in {side} {how} from call to call: seed its random numbers"
    return None


def _counted(arm: ArmResult, answer: Mapping[str, Any]) -> ArmResult:
    if "failed" in answer:
        return _failed(answer["failed"])
    return replace(
        arm,
        cost=_known(EngineCost, answer.get("cost")),
        program=_known(ProgramCost, answer.get("program")),
        memory=_known(Memory, {"allocated": None, **answer["memory"]}) if "memory" in answer else None,
    )


def _failed(said: str) -> ArmResult:
    status = Status.OUT_OF_MEMORY if means_memory(said) else Status.FAILED
    return ArmResult(status=status, reason=one_line(said))


def _known(kind: type[R], record: Mapping[str, Any] | None) -> R | None:
    """Another revision's counts in our fields; None if it does not count the same things."""
    names = [field.name for field in fields(kind)]
    if record is None or not set(names) <= record.keys():
        return None
    return kind(**{name: record[name] for name in names})
