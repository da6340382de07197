"""Prepares and times the arms of a user's function in this process."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random

import jax
import numpy as np
from pyperf import perf_counter

from fwdrev.bench.functions.calls import SLOW, Call, compiled_in, idle, probed, quotient, ready
from fwdrev.bench.functions.within import within
from fwdrev.bench.machine.memory import available_bytes
from fwdrev.bench.records.reasons import one_line
from fwdrev.bench.records.trials import Expected, Facts, LostArmError, Prepared, Values
from fwdrev.bench.timing.blocks import timed_blocks
from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.core.jacobians import Function, selected
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.functions.candidates import CHUNKED, Counted, FunctionArm, chunked_arm, cost_of_arm, function_arms
from fwdrev.modes.functions.coloured import NotSparseError, coloured_arm, cost_of_sample, sampled
from fwdrev.modes.functions.probe import FunctionProbe
from fwdrev.modes.functions.torch_function import torch_arms, torch_costs, torch_free_bytes

_SHARES = {True: 0.8, False: 0.5}
"""The share of free memory that an arm may need, in a process that may die and in one that must not."""

_CALLS = 3
"""The calls that preparing an arm takes; one for a slow arm (see `probed`), counted 1.5 times to be safe."""

_SCALES = (0.5, 20.0)
"""A factor on the counted seconds: a call's possible time on this machine, judged by the function's own."""

_TELLS = 1e-3
"""A call of the function from this many seconds on shows how fast the machine is."""

_COUNTED_COLOURS = 4.0
"""The seconds that asdex may take for the whole pattern when nothing is measured."""


class FunctionTrials:
    """See `bench.records.trials.Trials`. It cannot end a hanging arm, which runs in this process."""

    fresh = False

    def __init__(
        self,
        found: FunctionProbe,
        stages: Mapping[str, Function] | None = None,
        at: Callable[[str], None] = lambda _: None,
        *,
        may_die: bool = False,
    ) -> None:
        """It calls `at` with each arm before it runs; `may_die`: this process exists only for the arms."""
        self._found, self._at, self._may_die = found, at, may_die
        self._left_out: dict[str, str] = {}
        if found.framework == "torch":
            self._arms = torch_arms(found)
            if stages:
                self._left_out["mixed"] = "only functions of JAX have mixed mode"
        else:
            self._arms, coloured = function_arms(found, stages), coloured_arm(found)
            if isinstance(coloured, FunctionArm):
                self._arms[coloured.name] = coloured
            else:
                self._left_out["coloured"] = coloured
        self._programs: dict[str, Function] = {}
        self._counted: dict[str, Counted] = {}

    def facts(self, seconds: float = math.inf) -> Facts:
        """The facts known before any measurement."""
        v, _ = self._directions
        quick = 2 * self._found.call_seconds <= seconds / 4
        return replace(
            self.outline(),
            overhead_seconds=probed(idle(self._found)),
            quotient=quotient(self._found, v).tolist() if quick else (),
        )

    def outline(self) -> Facts:
        """The facts known before anything runs."""
        found = self._found
        return Facts(
            name=found.name,
            n=found.n,
            m=found.m,
            dtype=found.x.dtype.name,
            device=found.device,
            batch=found.batch,
            codes={name: arm.code for name, arm in self._arms.items()},
            left_out=self._left_out,
            precision=found.precision,
            framework=found.framework,
            call_seconds=found.call_seconds,
        )

    def expected(self, seconds: float = math.inf, *, measured: bool = True) -> Expected:
        """The predictions from counts for each arm, including chunked ones."""
        end, found = perf_counter() + seconds, Expected()
        for name in list(self._arms):
            found = found | self.count(name, max(1.0, end - perf_counter()), measured=measured)
        return found

    def count(self, arm: str, seconds: float = math.inf, *, measured: bool = True) -> Expected:
        """The predictions for one arm and its chunked variant.

        The coloured arm must come after the modes: a sample of its columns estimates its cost beside them, and
        all columns do if nothing will be `measured` and the sample is promising.
        """
        self._at(arm)
        counted = attempt(lambda: self._count(arm, seconds, measured=measured))
        if isinstance(counted, Raised):  # an error of the user's code, or a rule that JAX lacks
            return Expected.lost(arm, _told(counted.error, seconds), late=isinstance(counted.error, TimeoutError))
        return self._expected(arm, counted)

    def _count(self, arm: str, seconds: float, *, measured: bool) -> Counted:
        if self._found.framework == "torch":
            return torch_costs(self._found)[arm]
        if arm == "coloured":
            return self._coloured(seconds, measured=measured)
        return cost_of_arm(self._found, self._arms[arm])

    def offer(self, arm: str, held: int) -> None:
        """Add the chunked variant of an arm whose passes all at once hold that many bytes."""
        made = chunked_arm(self._found, next(mode for mode, name in CHUNKED.items() if name == arm), held)
        if made is not None:
            self._arms[arm] = made

    def prepare(self, arm: str, seconds: float = math.inf) -> Prepared:
        """Compile an arm and call it a few times; raises LostArmError."""
        self._at(arm)
        self._refuse_too_long(arm, seconds)
        found = attempt(lambda: self._prepared(self._arms[arm], seconds))
        if not isinstance(found, Raised):
            return found
        if isinstance(found.error, LostArmError):
            raise found.error
        raise LostArmError(arm, _told(found.error, seconds), late=isinstance(found.error, TimeoutError))

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float = math.inf) -> Values:
        """One round of paired blocks; first compiles and calls arms that this process has not prepared yet."""
        for name in loops:
            self._at(name)
            if name not in self._programs:
                self._programs[name] = self._arms[name].program()
                ready(self._programs[name], self._found.args)
        calls: dict[str, Call] = {name: partial(ready, self._programs[name], self._found.args) for name in loops}
        return timed_blocks(calls, loops, blocks, Random(seed), self._at)

    def _expected(self, arm: str, counted: Counted) -> Expected:
        """The predictions for an arm and its chunked variant; a reason for one that does not fit into memory."""
        self._counted[arm] = counted
        made = chunked_arm(self._found, arm, counted.held) if self._found.framework == "jax" else None
        more = Expected()
        if made is not None:
            self._arms[made.name] = made
            more = replace(self.count(made.name), held={made.name: counted.held})
        needs = self._too_large(counted.peak_bytes)
        if needs is not None:
            return more | Expected(reasons={arm: needs})
        found = Expected(
            codes={arm: self._arms[arm].code},
            seconds={arm: counted.seconds},
            peaks={arm: counted.peak_bytes},
            unknown={arm: counted.unknown} if counted.unknown else {},
        )
        return more | found

    def _coloured(self, seconds: float, *, measured: bool) -> Counted:
        """The coloured arm; raises NotSparseError, TimeoutError."""
        found, others = self._found, self._counted
        counted = cost_of_sample(found, within(seconds, lambda: sampled(found), "asdex"), others)
        if measured or any(other.seconds < counted.seconds for other in others.values()):
            return counted
        try:
            return within(min(seconds, _COUNTED_COLOURS), lambda: cost_of_arm(found, self._arms["coloured"]), "asdex")
        except TimeoutError:
            return counted

    def _prepared(self, arm: FunctionArm, seconds: float) -> Prepared:
        found = self._found
        program = within(seconds, arm.program, "asdex") if arm.name == "coloured" else arm.program()
        compile_seconds, memory = compiled_in(program, found.args)
        needs = None if memory is None else self._too_large(memory)
        if needs is not None:
            raise LostArmError(arm.name, needs)
        call = partial(ready, program, found.args)
        began = perf_counter()
        J = call()
        first = perf_counter() - began
        products = found.products(J, *self._directions)
        del J
        self._programs[arm.name] = program
        return Prepared(
            compile_seconds=compile_seconds,
            memory_bytes=memory,
            seconds=probed(call, first),
            products=products.tolist(),
        )

    def _refuse_too_long(self, arm: str, seconds: float) -> None:
        """Raise unless the call is expected to end in time, since nothing can end a call in this process."""
        counted, found = self._counted.get(arm), self._found
        if counted is None or self._may_die:
            return
        scale = found.call_seconds / found.counted_seconds if found.counted_seconds else 1.0
        scale = min(max(scale, _SCALES[0]), _SCALES[1]) if found.call_seconds > _TELLS else 1.0
        compiling = found.compile_seconds * max(1.0, counted.equations / max(1, found.equations))
        call = scale * counted.seconds
        needs = compiling + (_CALLS if call < SLOW else _CALLS / 2) * call
        if needs > seconds:
            reason = f"it is expected to need {needs:.2g} s, more than the {seconds:.2g} s that are left for it"
            raise LostArmError(arm, reason, late=True, needs=needs)

    def _too_large(self, needs: int) -> str | None:
        free = _free_bytes(self._found)
        if free is None or needs <= _SHARES[self._may_die] * free:
            return None
        here = "" if self._may_die else f", of which this process may take {_SHARES[False]:.0%}"
        return f"it needs about {needs / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free{here}"

    @property
    def _directions(self) -> tuple[Vector, Vector]:
        """v (n,) and u (m,), the same for every arm and every process."""
        rng = np.random.default_rng([self._found.n, self._found.m])
        return rng.standard_normal(self._found.n), rng.standard_normal(self._found.m)


def _told(error: Exception, seconds: float) -> str:
    """The reason why an arm is lost, in one line."""
    if isinstance(error, TimeoutError):
        return f"asdex took longer for the pattern than the {seconds:.3g} s that it was given, a share of the budget"
    return one_line(str(error) if isinstance(error, NotSparseError) else f"{type(error).__name__}: {error}")


def _free_bytes(found: FunctionProbe) -> int | None:
    """The free memory on the arguments' device; None if unknown."""
    if found.framework == "torch":
        return torch_free_bytes(found, available_bytes())
    device = next(iter(jax.tree.leaves(selected(found.argnums, found.args))[0].devices()))
    if device.platform == "cpu":
        return available_bytes()
    stats = device.memory_stats() or {}
    limit = stats.get("bytes_limit")
    return None if limit is None else int(limit - stats.get("bytes_in_use", 0))
