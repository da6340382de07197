"""Advice without a clock: what the counts of each arm's program let expect."""

from dataclasses import replace

from fwdrev.bench.records.trials import Expected, Facts
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results.advice.decision import Advice, AdvisedArm, elsewhere
from fwdrev.results.stats.estimate import Estimate

__all__ = ["UNCOUNTED", "counted_advice"]

UNCOUNTED = "only programs of JAX are counted: leave out --no-measure (measure=False) for PyTorch's tensors"

_TIED = 0.98
"""Of two expected times: from there on they count as equal."""


def counted_advice(facts: Facts, expected: Expected) -> Advice:
    """The arm of which the least time is expected; raises NothingMeasuredError where none could be counted."""
    if facts.framework != "jax":
        raise InputError(UNCOUNTED)
    seconds, lost = expected.seconds, {**expected.late, **expected.reasons}
    if not seconds:
        why = "; ".join(f"{name}: {reason}" for name, reason in lost.items())
        msg = f"nothing of {facts.name} could be counted: {why}"
        raise NothingMeasuredError(msg)
    order = sorted(seconds, key=seconds.__getitem__)
    ratio = None
    if len(order) > 1:
        ratio = Estimate(point=seconds[order[0]] / seconds[order[1]], low=None, high=None)
    known = [AdvisedArm(name=name, code=expected.codes[name], counted_seconds=seconds[name]) for name in order]
    unknown = {**facts.left_out, **lost}
    others = [AdvisedArm(name=name, code=facts.codes.get(name), reason=reason) for name, reason in unknown.items()]
    from fwdrev.modes.jaxpr.cost import RATES, unknown_text  # which imports JAX: the command has no other use for it

    names = [name for primitives in expected.unknown.values() for name in primitives]
    notes = [*facts.notes, unknown_text(names)] if names else facts.notes
    facts = replace(facts, overhead_seconds=RATES["calls"], notes=notes)
    return Advice(
        facts=facts,
        recommend=order[0],
        runner_up=order[1] if ratio is not None else None,
        ratio=ratio,
        tie=ratio is not None and ratio.point > _TIED,
        arms=(*known, *others),
        elsewhere=elsewhere(facts, seconds),
        rounds=0,
        fresh=False,
        measured=False,
    )
