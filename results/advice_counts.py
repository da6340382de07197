"""Advice without a clock: what the counts of each arm's program let expect."""

from collections.abc import Mapping

from fwdrev.bench.trials import Facts
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.advice import Advice, AdvisedArm, elsewhere
from fwdrev.results.estimate import Estimate

__all__ = ["counted_advice"]


def counted_advice(facts: Facts, seconds: Mapping[str, float], reasons: Mapping[str, str]) -> Advice:
    """The arm of which the least time is expected; raises NothingMeasuredError where none could be counted.

    `seconds` as expected of a call of each arm, `reasons` why others have no counts.
    """
    if not seconds:
        why = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        msg = f"nothing of {facts.name} could be counted: {why}"
        raise NothingMeasuredError(msg)
    order = sorted(seconds, key=seconds.__getitem__)
    ratio = None
    if len(order) > 1:
        ratio = Estimate(point=seconds[order[0]] / seconds[order[1]], low=None, high=None)
    known = [AdvisedArm(name=name, code=facts.codes[name], counted_seconds=seconds[name]) for name in order]
    unknown = {**facts.left_out, **reasons}
    others = [AdvisedArm(name=name, code=facts.codes.get(name), reason=reason) for name, reason in unknown.items()]
    return Advice(
        facts=facts,
        recommend=order[0],
        runner_up=order[1] if ratio is not None else None,
        ratio=ratio,
        tie=False,
        arms=(*known, *others),
        elsewhere=elsewhere(facts, seconds),
        rounds=0,
        fresh=False,
        measured=False,
    )
