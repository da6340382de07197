"""Advice on a function in this process: `fwdrev.advise`.

    advice = fwdrev.advise(f, x)                    # measured, about 20 s at most
    advice = fwdrev.advise(f, x, measure=False)     # by counts, at once
    print(advice)

Here a function that hangs, hangs; `fwdrev advise` runs it in processes of its own.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, SupportsIndex

from fwdrev.bench.records.trials import Facts, Trials
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results.advice.decision import UNCOUNTED, Observed, advice_of, counted_advice
from fwdrev.results.advice.doubts import doubt
from fwdrev.results.advice.names import Names, caller
from fwdrev.results.advice.record import Advice
from fwdrev.results.advice.rounds import Order, observed

_MORE = 3.0
"""Times the budget that was too small: what to try next, unless more is known."""


def advise(
    f: Callable[..., Any] | Sequence[Callable[..., Any]],
    *args: Pytree,
    measure: bool = True,
    budget: float | str = 20.0,
    stages: Sequence[Callable[..., Any]] = (),
    argnums: SupportsIndex | Sequence[SupportsIndex] | None = None,
    has_aux: bool = False,
    vmap: bool = False,
    seed: int = 0,
) -> Advice:
    """Which way to compute the Jacobian of `f` at `args` with respect to all of them, or to those of `argnums`.

    `measure=False` traces `f` and counts operations, in milliseconds; otherwise arms are compiled, checked and timed in
    turns for `budget` seconds (or "1min") at most. `argnums` and `has_aux` are as in jax.jacobian; arguments that are
    not differentiated may be anything that `f` takes. `stages`, applied one after the other, make up `f`, which may be
    their sequence itself: then mixed mode is tried, too. `vmap`: `f` takes one sample and the arrays have a leading
    axis of samples. A function of PyTorch's tensors is measured by torch.func.

    Raises InputError for a function that cannot be differentiated or measured, NothingMeasuredError where every arm
    failed, or where the one that is expected to be the fastest could not be tried.
    """
    from fwdrev.bench.functions.in_process import FunctionTrials
    from fwdrev.bench.records.parsing import seconds_of
    from fwdrev.modes.functions.probe import check_stages, probe_function
    from fwdrev.modes.functions.staged import checked_stages, composed, composition
    from fwdrev.modes.functions.torch_function import probe_torch
    from fwdrev.modes.functions.torch_products import has_tensors

    end = perf_counter() + seconds_of(str(budget))
    names = Names(caller())
    name, title = names.of(f, "f"), names.title(f)
    if not callable(f):
        stages = checked_stages(f)
        f = composed(stages)
        title = ", ".join(named := list(_named(stages, names)))
        name = composition(named, len(args))
    options: dict[str, Any] = {"name": name, "argnums": argnums, "has_aux": has_aux, "vmap": vmap}
    if has_tensors(args):
        if not measure:
            raise InputError(UNCOUNTED)
        found = probe_torch(f, args, **options)
    else:
        found = probe_function(f, args, run=measure, **options)
    if stages:
        check_stages(found, composed(stages))
    trials = FunctionTrials(found, _named(stages, names))
    if not measure:
        return counted_advice(replace(trials.outline(), title=title), trials.expected(measured=False))
    facts = replace(trials.facts(end - perf_counter()), title=title)
    return measured_advice(trials, facts, max(0.0, end - perf_counter()), seed=seed)


def measured_advice(
    trials: Trials, facts: Facts, budget: float, *, seed: int = 0, told: Callable[[str], None] = lambda _: None
) -> Advice:
    """What the trials of a function show within the budget.

    Raises NothingMeasuredError where no arm works, and where one that was late is expected to be the fastest.
    """
    seen = observed(trials, facts, budget, seed=seed, told=told)
    if not seen.prepared:
        why = "; ".join(f"{name}: {seen.reasons.get(name, 'not tried')}" for name in seen.codes)
        msg = f"nothing of {facts.given} could be measured in {budget:.3g} s{_would_settle(seen, budget)}: {why}"
        raise NothingMeasuredError(msg)
    advice = advice_of(facts, seen, fresh=trials.fresh)
    order = Order(expected=seen.expected, long_seconds=seen.long_seconds)
    blocking, noted = order.faster(advice.recommend, seen.untried)
    if blocking is not None:
        msg = f"{facts.given}: {_expected(seen, blocking, advice.recommend, budget)}; nothing is recommended"
        raise NothingMeasuredError(msg + _would_settle(seen, budget))
    notes = [doubt(facts, seen.prepared[advice.recommend].products)]
    if noted is not None:
        notes.append(_expected(seen, noted, advice.recommend, budget) + _would_settle(seen, budget))
    return replace(advice, facts=replace(facts, notes=(*facts.notes, *(note for note in notes if note is not None))))


def _expected(seen: Observed, faster: str, name: str, budget: float) -> str:
    """That an arm was late, though counts expect it to be faster than the named one."""
    much = f" {seen.expected[name] / seen.expected[faster]:.2g} times" if name in seen.expected else ""
    late = f"it was not measured in {budget:.3g} s ({seen.reasons[faster]})"
    return f"counts expect {faster} to be{much} faster than {name}, but {late}"


def _would_settle(seen: Observed, budget: float) -> str:
    """Which budget to try next, where an arm was late."""
    if not seen.untried:
        return ""
    first = min(seen.untried, key=lambda name: seen.expected.get(name, math.inf))
    needs = max(seen.untried[first] or _MORE * budget, _MORE * budget)
    return f"; a budget of {max(1, math.ceil(needs))} s should settle it"


def _named(stages: Sequence[Callable[..., Any]], names: Names) -> dict[str, Callable[..., Any]]:
    """Each stage under a name of its own."""
    found = [names.of(stage, f"f{i}") for i, stage in enumerate(stages, 1)]
    if len(set(found)) < len(found):
        found = [f"f{i}" for i in range(1, len(stages) + 1)]
    return dict(zip(found, stages, strict=True))
