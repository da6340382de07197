"""One side of a comparison: a program of its own that measures the code that it finds, told line by line what to do.

It is run by its path with the code of some revision on the path. So it uses nothing of the harness there, only what
fwdrev promises to everybody, and the standard library: it has to run with revisions that know nothing of it.

An arm is an engine, or a function of one array: `MODULE:FUNCTION`, `jacfwd:MODULE:FUNCTION`, `jacrev:MODULE:FUNCTION`;
and there is always `control`, which is the same work whatever the revision.
"""

import base64
import gc
import json
import os
import random
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from functools import partial
from importlib import import_module
from itertools import repeat
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

CONTROL = "control"
"""The arm that cannot differ."""

_PROBES = 3
"""Calls from which a duration is guessed; the shortest counts, since delays only add."""

_ANEW_SECONDS = 5e-3
"""What takes no longer to make is made anew for each block: where its arrays happen to lie in memory moves an arm by
two per cent, as much as a fresh process does. Programs of JAX take longer."""

_PADDING = 1 << 16
"""Bytes, at most, that lie between the old arrays and the new, at random."""

_PROBE_SECONDS = 1e-3
"""Of a probe by which a delay is measured out: long enough for the clock."""

_STEPS = {"float64": (1e-4, 1e-7), "float32": (1e-2, 1e-3)}
"""Of difference quotients: two, since near a kink one may be off."""

Answer = dict[str, Any]
Call = Callable[[], Any]


def main() -> None:
    """Answer each line of standard input with one line; what libraries print goes to standard error."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    side = Side()
    actions: Mapping[str, Callable[..., Answer]] = {
        "start": side.start,
        "cell": side.cell,
        "prepare": side.prepare,
        "count": side.count,
        "run": side.run,
    }
    for line in sys.stdin:
        gc.disable()  # it runs between the questions
        command = json.loads(line)
        out.write(json.dumps(_tried(actions[command.pop("do")], command)) + "\n")
        out.flush()
        gc.enable()


class Side:
    """What is kept from one command to the next."""

    def __init__(self) -> None:
        """Nothing is imported yet."""
        self.root = self.other = Path()
        self.fwdrev: Any = None
        self.at: dict[str, Any] = {}
        self.problem: Any = None
        self.calls: dict[str, Call] = {}
        self.waits: dict[str, float] = {}
        self.quick: set[str] = set()
        self.padding = bytearray()
        self.looked_at = 0

    def start(self, root: str, other: str, arms: list[str], cpus: list[int], alive: int, *, own: bool) -> Answer:
        """Import what the arms need, before anything is timed.

        `own`: the project is fwdrev itself, so that the one of this side is to be measured, not the one installed;
        `alive`: a pipe that closes when whoever asks is gone.
        """
        threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
        self.root, self.other = Path(root), Path(other)
        self.fwdrev = import_module("fwdrev")
        found = _file(self.fwdrev)
        if own and not found.is_relative_to(self.root):
            raise ImportError(f"fwdrev comes from {found}, not from {self.root}")
        jax = import_module("jax") if any(self.library(arm) == "jax" for arm in arms) else None
        if cpus and hasattr(os, "sched_setaffinity"):  # both sides may load at once, but XLA counts its processors
            os.sched_setaffinity(0, cpus)
        if jax is not None:
            jax.devices()
        self.refuse_strangers()
        gc.freeze()
        return {"fwdrev": str(found)}

    def library(self, arm: str) -> str | None:
        """What an arm computes with, as far as that can be known before it is prepared."""
        if ":" in arm:
            return "jax" if arm.count(":") > 1 else None
        try:
            return str(self.fwdrev.engine(arm).library)
        except Exception:  # noqa: BLE001 - whatever it is, it comes again when the arm is prepared, and is told there
            return None

    def cell(self, **at: object) -> Answer:
        """Forget the arms of the cell before; problem and inputs are made by the first arm that needs them."""
        self.at, self.problem = dict(at), None
        self.calls, self.waits, self.quick = {}, {}, set()
        return {}

    def prepare(self, arm: str, delay: float, loops: int) -> Answer:
        """Make an arm ready and tell its products; how long a call takes, unless `loops` is known.

        `delay`: the share of its own time by which each of its blocks is made longer, for tests of what is made of it.
        """
        start = perf_counter()
        call, product, value = self.made(arm)
        seconds = perf_counter() - start
        answer = {"prepare_seconds": seconds, "product": _text(product(call())), "quotients": value()}
        self.refuse_strangers()
        self.calls[arm] = call
        if seconds < _ANEW_SECONDS:
            self.quick.add(arm)
        if not loops:
            answer["seconds"] = min(_timed(call, 1) for _ in range(_PROBES))
        self.waits[arm] = delay * _steady(call) if delay else 0.0
        return answer

    def count(self, arm: str) -> Answer:
        """The exact counts of an engine and of its compiler; costs a compilation."""
        if arm == CONTROL or ":" in arm:
            return {}
        engine, chain, wrt = self.fwdrev.engine(arm), self.made_problem().chain, self.at["wrt"]
        counts = {"cost": engine.cost(chain, wrt), "program": engine.program_cost(chain, wrt)}
        return {
            name: asdict(record)
            for name, record in counts.items()
            if is_dataclass(record) and not isinstance(record, type)
        }

    def run(self, arm: str, loops: int) -> Answer:
        """Seconds per call in one block, after calls that fill the caches (see `fwdrev.bench.timing`)."""
        if arm in self.quick:
            self.problem, self.padding = None, bytearray(random.randrange(_PADDING))
            self.calls[arm] = self.made(arm)[0]
        call, wait = self.calls[arm], self.waits[arm] * loops
        _timed(call, 1 + loops // 8)
        return {"seconds": _timed(call, loops, wait) / loops}

    def made(self, arm: str) -> tuple[Call, Callable[[Any], Any], Callable[[], list[str]]]:
        """An arm's call, what is compared of its result, and difference quotients for the same."""
        if arm == CONTROL:
            return _control(), _flat, list
        if ":" in arm:
            return self.made_function(arm)
        found = self.made_problem()
        engine = self.fwdrev.engine(arm)
        jacobian = engine.prepare(found.chain, self.at["wrt"])
        quotients = self.engine_quotients if getattr(engine, "computes", True) else list
        return partial(jacobian, found.x, found.theta), _times_random, quotients

    def made_problem(self) -> Any:  # noqa: ANN401 - of fwdrev at that revision
        """The problem of this cell, made once."""
        if self.problem is None:
            at = self.at
            made = partial(self.fwdrev.problem, at["problem"], n=at["n"], m=at["m"], seed=at["seed"])
            self.problem = made(dtype=at["dtype"], **at["options"])
        return self.problem

    def made_function(self, arm: str) -> tuple[Call, Callable[[Any], Any], Callable[[], list[str]]]:
        """A function of this side's project, at an array of n numbers: as it is, or its Jacobian by JAX."""
        *how, module, name = arm.split(":")
        function = getattr(self.own_module(module), name)
        x = self.made_inputs()
        if not how:
            return partial(_ready, function, x), _flat, list
        jax = import_module("jax")
        jacobian = jax.jit({"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}[how[0]](function))
        point = jax.numpy.asarray(x)
        return partial(_ready, jacobian, point), _times_random, partial(_quotients, function, x)

    def made_inputs(self) -> Any:  # noqa: ANN401 - an array of the user's
        """What MODULE:INPUTS returns for n, or n random numbers."""
        n, seed, inputs = self.at["n"], self.at["seed"], self.at["inputs"]
        if inputs is None:
            numpy = import_module("numpy")
            return numpy.random.default_rng([seed, n]).standard_normal(n).astype(self.at["dtype"])
        module, _, name = inputs.partition(":")
        return getattr(self.own_module(module), name)(n)

    def own_module(self, name: str) -> ModuleType:
        """A module of this side, and of no other place."""
        module = import_module(name)
        if not _file(module).is_relative_to(self.root):
            raise ImportError(f"{name} comes from {_file(module)}, not from {self.root}")
        return module

    def engine_quotients(self) -> list[str]:
        """Of the chain's own value, in the direction by which its Jacobian is multiplied."""
        found, wrt = self.made_problem(), self.at["wrt"]
        if not hasattr(found.chain, "value"):
            return []
        cut = {"x": found.x.size, "theta": 0, "both": found.x.size}[wrt]

        def value(z: Any) -> Any:  # noqa: ANN401 - arrays
            x, theta = (z[:cut] if wrt != "theta" else found.x), (z[cut:] if wrt != "x" else found.theta)
            return found.chain.value(x, theta)

        numpy = import_module("numpy")
        parts = {"x": [found.x], "theta": [found.theta], "both": [found.x, found.theta]}[wrt]
        return _quotients(value, numpy.concatenate(parts))

    def refuse_strangers(self) -> None:
        """Nothing may come from the other side: then it would be compared with itself. Looks only where more is there.

        What is installed is shared, even where it is installed inside the project.
        """
        if len(sys.modules) == self.looked_at:
            return
        self.looked_at = len(sys.modules)
        other, shared = f"{self.other}{os.sep}", f"{sys.prefix}{os.sep}"
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name != "__main__" and file.startswith(other) and not file.startswith(shared):
                raise ImportError(f"{name} comes from the other side, {file}")


def _tried(action: Callable[..., Answer], command: dict[str, Any]) -> Answer:
    try:
        return action(**command)
    except Exception as error:  # noqa: BLE001 - whatever the code of a revision raises is what there is to tell of it
        traceback.print_exc()
        return {"failed": f"{type(error).__name__}: {error}"}


def _timed(call: Call, loops: int, wait: float = 0.0) -> float:
    start = perf_counter()
    for _ in repeat(None, loops):
        call()
    if wait:
        end = perf_counter() + wait
        while perf_counter() < end:
            pass
    return perf_counter() - start


def _steady(call: Call) -> float:
    """Seconds per call within a block."""
    loops = max(1, round(_PROBE_SECONDS / _timed(call, 1)))
    return min(_timed(call, loops) for _ in range(_PROBES)) / loops


def _control() -> Call:
    """A matrix product and some functions of its entries, of a fixed size, in memory of its own: about 50 µs."""
    numpy = import_module("numpy")
    A = numpy.linspace(-1.0, 1.0, 64 * 64).reshape(64, 64)
    B = numpy.empty_like(A)

    def work() -> Any:  # noqa: ANN401 - an array
        numpy.matmul(A, A, out=B)
        numpy.tanh(B, out=B)
        return numpy.multiply(B, A, out=B)

    return work


def _ready(function: Callable[[Any], Any], x: Any) -> Any:  # noqa: ANN401 - arrays
    """JAX answers before it is done."""
    found = function(x)
    wait = getattr(found, "block_until_ready", None)
    return found if wait is None else wait()


def _quotients(function: Callable[[Any], Any], x: Any) -> list[str]:  # noqa: ANN401 - arrays
    numpy = import_module("numpy")
    v = _random(x.size).astype(x.dtype)
    steps = [x.dtype.type(h) for h in _STEPS[x.dtype.name]]
    return [
        _text(_flat((numpy.asarray(function(x + h * v)) - numpy.asarray(function(x - h * v))) / (2 * h))) for h in steps
    ]


def _times_random(J: Any) -> Any:  # noqa: ANN401 - arrays
    """J · v: every column is in it, and each row is one of its entries."""
    J = import_module("numpy").asarray(J)
    return _flat(J.reshape(-1, J.shape[-1]) @ _random(J.shape[-1]).astype(J.dtype))


def _flat(found: Any) -> Any:  # noqa: ANN401 - arrays
    return import_module("numpy").asarray(found).ravel()


def _random(size: int) -> Any:  # noqa: ANN401 - an array
    return import_module("numpy").random.default_rng(size).standard_normal(size)


def _text(array: Any) -> str:  # noqa: ANN401 - an array
    return base64.b64encode(array.astype("<f8").tobytes()).decode()


def _file(module: ModuleType) -> Path:
    """Where it comes from; a package without `__init__` has only a path."""
    file = getattr(module, "__file__", None)
    return Path(file) if file else Path(next(iter(getattr(module, "__path__", ["/"]))))


def _end_with(alive: int) -> None:
    """Whoever asks holds the other end; this thread waits and costs nothing."""
    os.read(alive, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
