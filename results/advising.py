"""Advice on a function in this process: `fwdrev.advise`.

    advice = fwdrev.advise(f, x)                    # measured, about 20 s at most
    advice = fwdrev.advise(f, x, measure=False)     # by counts, at once
    print(advice)

Here a function that hangs, hangs; `fwdrev advise` runs it in processes of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fwdrev.bench.trials import Facts, Trials
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results.advice import Advice, advice_of
from fwdrev.results.advice_counts import counted_advice
from fwdrev.results.advice_doubts import doubt
from fwdrev.results.advice_rounds import observed

__all__ = ["advise", "measured_advice"]


def advise(
    f: Callable[..., Any] | Sequence[Callable[..., Any]],
    *args: Any,  # noqa: ANN401 - arrays, or pytrees of arrays
    measure: bool = True,
    budget: float | str = 20.0,
    stages: Sequence[Callable[..., Any]] = (),
    vmap: bool = False,
    seed: int = 0,
) -> Advice:
    """Which way to compute the Jacobian of `f` at `args` with respect to all of them.

    `measure=False` traces `f` and counts operations, in milliseconds; otherwise all arms are compiled, checked and
    timed in turns for `budget` seconds (or "1min") at most. `stages`, applied one after the other, make up `f`, which
    may be their sequence itself: then mixed mode is tried, too. `vmap`: `f` takes one sample and the arrays have a
    leading axis of samples. A function of PyTorch's tensors is measured by torch.func.

    Raises InputError for a function that cannot be differentiated or measured, NothingMeasuredError where every arm
    failed.
    """
    from fwdrev.bench.function_trials import UNCOUNTED, FunctionTrials
    from fwdrev.bench.units import seconds_of
    from fwdrev.modes.function import check_stages, flat_function
    from fwdrev.modes.jax_stages import checked_stages, composed
    from fwdrev.modes.torch_function import has_tensors, torch_function

    seconds, name = seconds_of(str(budget)), _name(f, "f")
    if not callable(f):
        stages = checked_stages(f)
        f = composed(stages)
    if has_tensors(args):
        if not measure:
            raise InputError(UNCOUNTED)
        found = torch_function(f, args, name=name, vmap=vmap)
    else:
        found = flat_function(f, args, name=name, vmap=vmap, run=measure)
    if stages:
        check_stages(found, composed(stages))
    trials = FunctionTrials(found, _named(stages))
    if not measure:
        return counted_advice(trials.outline(), trials.expected())
    return measured_advice(trials, trials.facts(), seconds, seed=seed)


def measured_advice(
    trials: Trials, facts: Facts, budget: float, *, seed: int = 0, told: Callable[[str], None] = lambda _: None
) -> Advice:
    """What the trials of a function show within the budget; raises NothingMeasuredError where no arm works."""
    seen = observed(trials, facts, budget, seed=seed, told=told)
    if not seen.prepared:
        why = "; ".join(f"{name}: {seen.reasons.get(name, 'not tried')}" for name in facts.codes)
        msg = f"nothing of {facts.name} could be measured in {budget:.3g} s, which a larger budget may change: {why}"
        raise NothingMeasuredError(msg)
    advice = advice_of(facts, seen, fresh=trials.fresh)
    doubted = doubt(facts, seen.prepared[advice.recommend].products)
    if doubted is None:
        return advice
    return replace(advice, facts=replace(facts, notes=(*facts.notes, doubted)))


def _name(function: Any, otherwise: str) -> str:  # noqa: ANN401 - a function, or its stages
    """As a line of code can name it; a lambda has no name."""
    name = str(getattr(function, "__name__", ""))
    return name if name.isidentifier() else otherwise


def _named(stages: Sequence[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Each stage under a name of its own."""
    names = [_name(stage, f"f{i}") for i, stage in enumerate(stages, 1)]
    if len(set(names)) < len(names):
        names = [f"f{i}" for i in range(1, len(stages) + 1)]
    return dict(zip(names, stages, strict=True))
