"""The arms of a user's function, prepared and timed in this process."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import jax
import numpy as np
from pyperf import perf_counter

from fwdrev.bench.failure import one_line
from fwdrev.bench.memory import available_bytes
from fwdrev.bench.timing import timed_blocks
from fwdrev.bench.trials import Expected, Facts, LostArmError, Prepared, Values
from fwdrev.modes.arrays import Vector
from fwdrev.modes.errors import InputError
from fwdrev.modes.function import FlatFunction, Function
from fwdrev.modes.function_arms import CHUNKED, FunctionArm, chunked_arm, function_arms
from fwdrev.modes.function_counts import costs_of_arms
from fwdrev.modes.interface import Direction
from fwdrev.modes.torch_function import torch_arms, torch_idle

__all__ = ["UNCOUNTED", "FunctionTrials"]

UNCOUNTED = "only programs of JAX are counted: leave out --no-measure (measure=False) for PyTorch's tensors"

_SHARE = 0.8
"""Of the memory that is free: what an arm may need."""

_PROBES, _PROBE_SECONDS, _PROBING_SECONDS = 3, 1e-3, 0.3
"""Blocks from which a duration is guessed, how long each is, and how long all of them."""

_STEP = {2: 1e-1, 4: 1e-2, 8: 1e-5}
"""Of difference quotients, by bytes of a number. They only have to tell a right derivative from a wrong one."""

Call = Callable[[], object]


class FunctionTrials:
    """See `fwdrev.bench.trials.Trials`. Nobody ends an arm that hangs: this is the process in which it does."""

    fresh = False

    def __init__(
        self,
        found: FlatFunction,
        stages: Mapping[str, Function] | None = None,
        notes: tuple[str, ...] = (),
        at: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`at` is told which arm comes next."""
        self._found, self._notes, self._at = found, notes, at
        arms_of = torch_arms if found.framework == "torch" else function_arms
        self._arms, self._left_out = arms_of(found, stages)
        self._programs: dict[str, Function] = {}

    def facts(self, seconds: float = math.inf) -> Facts:
        """What is known before anything is measured."""
        v, _ = self._directions
        return replace(
            self.outline(),
            overhead_seconds=_probed(_idle(self._found)),
            quotient=_quotient(self._found, v).tolist(),
        )

    def outline(self) -> Facts:
        """What is known before anything is run."""
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
            notes=self._notes,
        )

    def expected(self, seconds: float = math.inf) -> Expected:
        """What the counts of each arm let expect, those in chunks included; raises InputError without a program."""
        if self._found.framework != "jax":
            raise InputError(UNCOUNTED)
        arms, costs, reasons = costs_of_arms(self._found, self._arms)
        return Expected(
            codes={name: arms[name].code for name in costs},
            seconds={name: cost.seconds for name, cost in costs.items()},
            reasons=reasons,
        )

    def offer(self, arm: str, held: int) -> str | None:
        """Take an arm in chunks into the list, if it is worth a try where all passes at once hold that many bytes."""
        made = chunked_arm(self._found, {name: mode for mode, name in CHUNKED.items()}[arm], held)
        if made is None:
            return None
        self._arms[arm] = made
        return made.code

    def prepare(self, arm: str, seconds: float = math.inf) -> Prepared:
        """Compile it and call it a few times; raises LostArmError."""
        self._at(arm)
        try:
            return self._prepared(self._arms[arm])
        except Exception as error:
            if isinstance(error, LostArmError):
                raise
            raise LostArmError(arm, one_line(f"{type(error).__name__}: {error}")) from None

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float = math.inf) -> Values:
        """One round of paired blocks; what this process has not prepared yet is compiled and called first."""
        for name in loops:
            self._at(name)
            if name not in self._programs:
                self._programs[name] = self._arms[name].program()
                _ready(self._programs[name], self._found.args)
        calls: dict[str, Call] = {name: partial(_ready, self._programs[name], self._found.args) for name in loops}
        return timed_blocks(calls, loops, blocks, Random(seed), self._at)

    def _prepared(self, arm: FunctionArm) -> Prepared:
        found, program = self._found, arm.program()
        compile_seconds, held, memory = _compiled(program, found.args)
        self._refuse_too_large(arm.name, memory)
        call = partial(_ready, program, found.args)
        v, u = self._directions
        J = found.matrix(call())
        products = np.concatenate([J @ v, u @ J])
        self._programs[arm.name] = program
        offers: dict[str, str] = {}
        if arm.name in {mode.value for mode in CHUNKED} and held is not None:
            name = CHUNKED[Direction(arm.name)]
            code = self.offer(name, held)
            offers = {} if code is None else {name: code}
        return Prepared(
            compile_seconds=compile_seconds,
            memory_bytes=memory,
            held_bytes=held,
            seconds=_probed(call),
            products=products.tolist(),
            offers=offers,
        )

    def _refuse_too_large(self, name: str, memory: int | None) -> None:
        free = available_bytes()
        if memory is not None and free is not None and memory > _SHARE * free:
            reason = f"it needs {memory / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free"
            raise LostArmError(name, reason)

    @property
    def _directions(self) -> tuple[Vector, Vector]:
        """v (n,) and u (m,), the same for every arm and every process."""
        rng = np.random.default_rng([self._found.n, self._found.m])
        return rng.standard_normal(self._found.n), rng.standard_normal(self._found.m)


def _compiled(program: Function, args: tuple[Any, ...]) -> tuple[float | None, int | None, int | None]:
    """Seconds to compile, and the bytes of `_memory`; None of what is not compiled."""
    if not hasattr(program, "lower"):
        return None, None, None
    start = perf_counter()
    compiled = program.lower(*args).compile()
    seconds = perf_counter() - start
    return seconds, *_memory(compiled)


def _idle(found: FlatFunction) -> Call:
    """A call that computes nothing, or next to nothing."""
    if found.framework == "torch":
        return torch_idle(found)
    return partial(_ready, jax.jit(lambda x: x + 1), (np.float32(0),))


def _ready(program: Function, args: tuple[Any, ...]) -> Any:  # noqa: ANN401 - a pytree of arrays
    """JAX answers before it is done."""
    return jax.block_until_ready(program(*args))  # type: ignore[no-untyped-call] # of JAX


def _probed(call: Call) -> float:
    """Seconds per call: the best of a few blocks, since delays only add. Slow calls are not repeated for long."""
    call()
    began = perf_counter()
    best = _timed(call, 1)
    loops = max(1, round(_PROBE_SECONDS / best))
    for _ in range(_PROBES):
        if perf_counter() - began > _PROBING_SECONDS:
            break
        best = min(best, _timed(call, loops) / loops)
    return best


def _timed(call: Call, loops: int) -> float:
    start = perf_counter()
    for _ in range(loops):
        call()
    return max(float(perf_counter() - start), 1e-9)


def _memory(compiled: Any) -> tuple[int | None, int | None]:  # noqa: ANN401 - a compiled program of JAX
    """Bytes that are held on the way, and those together with the result; None where the compiler does not tell."""
    stats = compiled.memory_analysis()
    held, result = (getattr(stats, f"{part}_size_in_bytes", None) for part in ("temp", "output"))
    return (None, None) if held is None or result is None else (int(held), int(held + result))


def _quotient(found: FlatFunction, v: Vector) -> Vector:
    """J · v by central differences."""
    direction = v.astype(found.x.dtype)
    scale = max(1.0, float(np.max(np.abs(found.x)))) / float(np.max(np.abs(v)))
    h = found.x.dtype.type(_STEP[min(8, found.x.dtype.itemsize)] * scale)
    up, down = (np.asarray(found.value(found.x + step * direction)) for step in (h, -h))
    return np.asarray((up.astype(float) - down.astype(float)) / (2 * float(h)))
