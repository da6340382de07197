"""One side of a comparison: a program of its own that measures the code that it finds, told line by line what to do.

It is run by its path with the code of some revision on the path. So it uses the standard library and the public
interface of fwdrev, and no part of the harness: it has to run with revisions that know nothing of it.

An arm is an engine, or a function of the project, `MODULE:FUNCTION`, or its Jacobian, `jacfwd:MODULE:FUNCTION` or
`jacrev:MODULE:FUNCTION`. There is always `control`, which is the same work whatever the revision. A function is called
with what its point returns, a function of the project too, which takes the size or nothing.
"""

import base64
import gc
import hashlib
import inspect
import json
import math
import os
import random
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass
from difflib import get_close_matches
from functools import partial, reduce
from importlib import import_module
from itertools import repeat
from operator import index
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any, TypeVar

CONTROL = "control"
"""The arm that cannot differ; the same as in `bench.records.sides`."""

ALIVE = "FWDREV_ALIVE"
"""The variable with the number of a pipe that the command holds open as long as it lives."""

_PROBES = 3
"""Calls from which a duration is guessed; the shortest counts, since delays only add."""

_ANEW_SECONDS = 5e-3
"""What takes no longer to make is made anew for each block: where its arrays happen to lie in memory moves an arm by
two per cent, as much as a fresh process does. Programs of JAX are made once: another one would be traced and compiled
within the block."""

_PADDING = 1 << 16
"""Bytes, at most, that lie between the old arrays and the new, at random."""

_PROBE_SECONDS = 1e-3
"""Of a probe that scales a delay: long enough for the clock."""

_STEPS = {"float64": (1e-4, 1e-7), "float32": (1e-2, 1e-3)}
"""Of difference quotients: two, since near a kink one may be off. Fewer digits are too few for a quotient."""

_COARSE_FIRST = ("bfloat16", "float16", "float32", "complex64")
"""Types that are less precise than float64; whole numbers and truth values are exact."""

_NOT_FOUND = re.compile(r"cannot import name '(\w+)' from")
"""An ImportError has that name in no attribute before Python 3.12."""

Answer = dict[str, Any]
Call = Callable[[], Any]
Tree = Any
"""Arrays and numbers, however they are nested."""

Prepared = tuple[Call, Callable[[Tree], list[Any]], Callable[[], list[str]]]
"""An arm's call, the arrays of its result that are compared, and difference quotients for the same."""

T = TypeVar("T")


def main() -> None:
    """Answer each line of standard input with one line; what libraries print goes to standard error.

    What is measured finds standard input at its end: it would wait for us there, as a debugger does, or take our lines.
    """
    commands, out = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    end_with_command()
    side = Side()
    for line in commands:
        gc.disable()  # it runs between the questions
        command = json.loads(line)
        out.write(json.dumps(_answer(getattr(side, command.pop("do")), command)) + "\n")
        out.flush()
        gc.enable()


class Side:
    """A method for each command, and what is kept from one to the next."""

    def __init__(self) -> None:
        """Nothing is imported yet."""
        self.root = self.other = Path()
        self.shared: tuple[str, ...] = ()
        self.fwdrev: Any = None
        self.at: dict[str, Any] = {}
        self.problem: Any = None
        self.calls: dict[str, Call] = {}
        self.waits: dict[str, float] = {}
        self.quick: set[str] = set()
        self.padding = bytearray()
        self.looked_at = 0
        self.memory: int | None = None

    def start(
        self,
        root: str,
        other: str,
        arms: list[str],
        cpus: list[int],
        *,
        own: bool,
        path: Sequence[str] = (),
        modules: Sequence[str] = (),
        loading: Sequence[int] = (),
        memory: int | None = None,
    ) -> Answer:
        """Import what the arms need, before anything is timed.

        `own`: the project is fwdrev itself, so that the one of this side is to be measured, not the one installed;
        `path`: where modules are looked for first, which PYTHONPATH cannot say of a folder with a colon in its name;
        `modules`: of the project, which loaded before without fault; they are loaded on the processors `loading`, so
        that both sides can do so at once; `memory`: bytes that an arm may take beyond what is mapped when it is
        prepared, or as many as there are.
        """
        self.root, self.other, self.memory = Path(root), Path(other), memory
        self.shared = tuple(
            f"{place}{os.sep}"
            for place in (root, sys.prefix, sys.base_prefix)
            if Path(place) != self.other and Path(place).is_relative_to(self.other)
        )
        sys.path[:] = [*path, *(place for place in sys.path if place not in path)]
        self.fwdrev = import_module("fwdrev")
        found = _file(self.fwdrev)
        if own and not found.is_relative_to(self.root):
            raise ImportError(f"fwdrev comes from {found}, not from {self.root}")
        jax = import_module("jax") if any(self.library(arm) == "jax" for arm in arms) else None
        _pin(loading)  # both sides may load at once, but XLA counts its processors
        for name in modules:
            _attempt(partial(import_module, name))  # one that fails here fails again, and is reported, at its arm
        _pin(cpus)
        if jax is not None:
            jax.devices()
        self.refuse_strangers()
        gc.freeze()
        return {"fwdrev": str(found)}

    def library(self, arm: str) -> str | None:
        """What an arm computes with, as far as that can be known before it is prepared."""
        if ":" in arm:
            return "jax" if arm.count(":") > 1 else None
        found = _attempt(lambda: str(self.fwdrev.engine(arm).library))
        return None if isinstance(found, Exception) else found  # it comes again, and is told, when the arm is prepared

    def find(self, arm: str) -> Answer:
        """Why this side does not have an arm; nothing where it has one, even one that fails, which is told later.

        Of a function: whether it `takes` anything.
        """
        if ":" in arm:
            return self.find_function(*arm.split(":")[-2:])
        found = _attempt(lambda: self.fwdrev.engine(arm))
        if isinstance(found, Exception) and str(found).startswith("unknown engine"):
            return {"lacks": str(found)}
        return {"unavailable": str(found)} if isinstance(found, ImportError) else {}

    def find_function(self, where: str, name: str) -> Answer:
        """As `find`, for a function of this side's project."""
        module = _attempt(partial(import_module, where))
        if isinstance(module, Exception):
            missing = module.name if isinstance(module, ModuleNotFoundError) else None
            own = missing is not None and f"{where}.".startswith(f"{missing}.")
            return {"lacks": f"there is no module {missing!r}"} if own else {}
        place = _file(module)
        if not any(place.is_relative_to(side) for side in (self.root, self.other)):
            return {"lacks": f"{where} comes from {place}, which is not in this project"}
        *owners, last = name.split(".")
        holder: Any = module
        for owner in owners:
            holder = getattr(holder, owner, None)
        found = getattr(holder, last, None)
        if callable(found):
            return {"takes": _takes(found)}
        if found is not None:
            return {"lacks": f"{where}:{name} is of type {type(found).__name__}, and no function"}
        within = ".".join([where, *owners])
        members = vars(holder).items() if hasattr(holder, "__dict__") else ()
        known = sorted(key for key, each in members if callable(each) and not key.startswith("_"))
        near = get_close_matches(last, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return {"lacks": f"{within} has no function {last!r}: it has {', '.join(known) or 'none'}{hint}"}

    def cell(self, **at: object) -> Answer:
        """Forget the arms of the cell before; problem and inputs are made by the first arm that needs them."""
        self.at, self.problem = dict(at), None
        self.calls, self.waits, self.quick = {}, {}, set()
        return {}

    def prepare(self, arm: str, delay: float, loops: int) -> Answer:
        """Make an arm ready and tell its products; how long a call takes, unless `loops` is known.

        `delay`: the share of its own time by which each of its blocks is made longer, for tests of what is made of it.
        """
        self.load(arm)
        _limit(self.memory)
        start = perf_counter()
        call, product, value = self.made(arm)
        seconds = perf_counter() - start
        found = product(call())
        answer = {"prepare_seconds": seconds, "product": _text(found), "kind": _kind(found), "quotients": value()}
        answer["inputs"] = _digest(self.made_inputs(arm)) if ":" in arm else ""
        self.refuse_strangers()
        self.calls[arm] = call
        if seconds < _ANEW_SECONDS and self.library(arm) != "jax":
            self.quick.add(arm)
        if not loops:
            answer["seconds"] = min(_timed(call, 1) for _ in range(_PROBES))
        self.waits[arm] = delay * _steady(call) if delay else 0.0
        return answer

    def repeat(self, arm: str) -> Answer:
        """Whether the inputs of a function, made twice, are the same, and then its results of the same inputs."""
        if ":" not in arm:
            return {"inputs": True, "results": True}
        call, product, _ = self.made(arm)
        one, other = (_text(product(call())) for _ in range(2))
        same, again = (_digest(self.made_inputs(arm)) for _ in range(2))
        return {"inputs": same == again, "results": one == other}

    def load(self, arm: str) -> None:
        """Import what it needs: libraries map gigabytes, which are not what the arm takes."""
        import_module("numpy")
        for name in (arm, self.at.get("points", {}).get(arm, "")):
            if ":" in name:
                self.own_module(name.split(":")[-2])

    def count(self, arm: str) -> Answer:
        """The exact counts of an engine and of its compiler, which costs a compilation; the memory of a function."""
        if arm == CONTROL:
            return {}
        if ":" in arm:
            return {"memory": {"resident": _growth(self.calls[arm])}}
        engine, chain, wrt = self.fwdrev.engine(arm), self.made_problem().chain, self.at["wrt"]
        counts = {"cost": engine.cost(chain, wrt), "program": engine.program_cost(chain, wrt)}
        return {
            name: {key: None if number is None else index(number) for key, number in asdict(record).items()}
            for name, record in counts.items()
            if is_dataclass(record) and not isinstance(record, type)
        }

    def run(self, arm: str, loops: int) -> Answer:
        """Seconds per call in one block, after calls that fill the caches (see `fwdrev.bench.timing.blocks`)."""
        if arm in self.quick:
            self.problem, self.padding = None, bytearray(random.randrange(_PADDING))
            self.calls[arm] = self.made(arm)[0]
        call, wait = self.calls[arm], self.waits[arm] * loops
        _timed(call, 1 + loops // 8)
        return {"seconds": _timed(call, loops, wait) / loops}

    def made(self, arm: str) -> Prepared:
        """The control, an engine or a function, made ready."""
        if arm == CONTROL:
            return _control(), _leaves, list
        if ":" in arm:
            return self.made_function(arm)
        found = self.made_problem()
        engine = self.fwdrev.engine(arm)
        jacobian = engine.prepare(found.chain, self.at["wrt"])
        quotients = self.engine_quotients if getattr(engine, "computes", True) else list
        return partial(jacobian, found.x, found.theta), _times_random, quotients

    def made_problem(self) -> Tree:
        """The problem of this cell, of fwdrev at that revision; made once."""
        if self.problem is None:
            at = self.at
            made = partial(self.fwdrev.problem, at["problem"], n=at["n"], m=at["m"], seed=at["seed"])
            self.problem = made(dtype=at["dtype"], **at["options"])
            for point in (self.problem.x, self.problem.theta):  # an engine that altered it would make the others wrong
                if hasattr(point, "setflags"):
                    point.setflags(write=False)
        return self.problem

    def made_function(self, arm: str) -> Prepared:
        """A function of this side's project with its inputs: as it is, or its Jacobian by JAX, compiled."""
        *how, module, name = arm.split(":")
        function, inputs = self.own_function(module, name), self.made_inputs(arm)
        if not how:
            return partial(_ready, function, *inputs), _leaves, list
        x, *others = inputs
        jax = import_module("jax")
        jacobian = jax.jit({"jacfwd": jax.jacfwd, "jacrev": jax.jacrev}[how[0]](function))
        point = jax.numpy.asarray(x)
        call = partial(_ready, jacobian, point, *others)
        call()
        x = x if hasattr(x, "dtype") else import_module("numpy").asarray(x)
        value = partial(_quotients, lambda at: function(at, *others), x)
        return call, partial(_times_random, shape=point.shape), value

    def made_inputs(self, arm: str) -> tuple[Any, ...]:
        """The arguments of a function: what its point returns, a tuple as several; none if it takes none.

        Without a point, as many random numbers as the size says.
        """
        *_, module, name = arm.split(":")
        n, point = self.at["n"], self.at["points"].get(arm)
        if not _takes(self.own_function(module, name)):
            return ()
        if point is None:
            numpy = import_module("numpy")
            return (numpy.random.default_rng([self.at["seed"], n]).standard_normal(n).astype(self.at["dtype"]),)
        make = self.own_function(*point.split(":"))
        made = make(n) if _takes(make) else make()
        return made if type(made) is tuple else (made,)  # one with names is a record, and one argument

    def own_function(self, module: str, name: str) -> Callable[..., Any]:
        """A function of this side's project; its name may have dots."""
        owner: Any = self.own_module(module)
        function: Callable[..., Any] = reduce(getattr, name.split("."), owner)
        return function

    def own_module(self, name: str) -> ModuleType:
        """A module of this side, and of no other place."""
        module = import_module(name)
        if not _file(module).is_relative_to(self.root):
            raise ImportError(f"{name} comes from {_file(module)}, not from {self.root}", name=name)
        return module

    def where(self, modules: list[str]) -> Answer:
        """From which files this side has them, as far as it has."""
        return {"files": {name: str(_file(sys.modules[name])) for name in modules if name in sys.modules}}

    def engine_quotients(self) -> list[str]:
        """Difference quotients of the chain's own value, in the direction by which its Jacobian is multiplied."""
        found, wrt = self.made_problem(), self.at["wrt"]
        if not hasattr(found.chain, "value"):
            return []
        cut = 0 if wrt == "theta" else found.x.size

        def value(z: Tree) -> Tree:
            return found.chain.value(found.x if wrt == "theta" else z[:cut], found.theta if wrt == "x" else z[cut:])

        parts = {"x": [found.x], "theta": [found.theta], "both": [found.x, found.theta]}[wrt]
        return _quotients(value, import_module("numpy").concatenate(parts))

    def own(self) -> Answer:
        """The files of this side's project that were imported, relative to it; not what is installed inside it."""
        root = f"{self.root}{os.sep}"
        others = (f"{place}{os.sep}" for place in (sys.prefix, sys.base_prefix, self.other))
        inside = tuple(place for place in others if place.startswith(root))
        files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
        return {"files": sorted(f.removeprefix(root) for f in files if f.startswith(root) and not f.startswith(inside))}

    def refuse_strangers(self) -> None:
        """Nothing may come from the other side: then it would be compared with itself. Looks only where more is there.

        What is installed is shared, even where it is installed inside the project.
        """
        if len(sys.modules) == self.looked_at or self.other == self.root:
            return
        self.looked_at = len(sys.modules)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name != "__main__" and self.is_strange(file):
                raise ImportError(f"{name} comes from the other side, {file}", name=name)

    def is_strange(self, file: str) -> bool:
        """Whether it lies in the other side's folder, and not in one within that which is ours, or shared.

        Where the other side is the whole file system, only what this side has too.
        """
        whole = self.other == Path(self.other.anchor)
        if not file.startswith(str(self.other) if whole else f"{self.other}{os.sep}") or file.startswith(self.shared):
            return False
        return not whole or (self.root / Path(file).relative_to(self.other)).exists()


def _pin(cpus: Sequence[int]) -> None:
    """Hold all threads of this process on these processors, if there are any and the system lets us."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return
    try:
        threads = [int(place.name) for place in Path("/proc/self/task").iterdir()]
    except OSError:  # the system does not list them: only the one that asks
        threads = [0]
    for thread in threads:
        with suppress(OSError):  # refused, as in some containers: told by the command, and measured as it is
            os.sched_setaffinity(thread, cpus)


def _limit(extra: int | None) -> None:
    """Let this process map so many bytes more: an arm that takes all ends, where the system would end anything."""
    try:
        import resource

        mapped = _bytes_of("VmSize")
    except (ImportError, OSError):  # not on this system
        return
    if extra is not None and mapped is not None:
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        most = mapped + extra
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(action: Callable[..., Answer], command: Answer) -> Answer:
    found = _attempt(partial(action, **command))
    if not isinstance(found, Exception):
        return found
    traceback.print_exception(found)
    return {"failed": f"{type(found).__name__}: {found}", **_missing(found)}


def _attempt(call: Callable[[], T]) -> T | Exception:
    """What `call` returns, or what it raised: the code of a revision may raise anything."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - see above
        return error


def _missing(error: BaseException) -> Answer:
    """The module that could not be imported, or the file that is not there; also where an engine failed of it."""
    if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
        return {"file": os.path.realpath(error.filename)}
    if isinstance(error, ImportError) and error.name is not None:
        within = _NOT_FOUND.search(str(error))
        return {"modules": [f"{error.name}.{within[1]}"] if within else [error.name]}
    return {} if error.__cause__ is None else _missing(error.__cause__)


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


def _takes(function: Callable[..., Any]) -> bool:
    """Whether it has a parameter, as far as it says."""
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some that are written in C do not say
        return True


def _digest(inputs: Tree) -> str:
    """Equal where inputs are: their shapes, types and numbers; what is no array of numbers does not count."""
    found = hashlib.sha256()
    for leaf in _leaves(inputs):
        if leaf.dtype.kind in "biufc":
            found.update(f"{leaf.shape}{leaf.dtype}".encode() + leaf.tobytes())
    return found.hexdigest()


def _growth(call: Call) -> int | None:
    """Bytes by which the process grows in memory during a call; None where the system does not say."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
        before = _bytes_of("VmRSS")
        call()
        peak = _bytes_of("VmHWM")
    except OSError:  # not on this system
        return None
    return None if before is None or peak is None else max(0, peak - before)


def _bytes_of(name: str) -> int | None:
    """A size of this process, as /proc has it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def _control() -> Call:
    """A matrix product and some functions of its entries, of a fixed size, in memory of its own: about 50 µs."""
    numpy = import_module("numpy")
    A = numpy.linspace(-1.0, 1.0, 64 * 64).reshape(64, 64)
    B = numpy.empty_like(A)

    def work() -> Tree:
        numpy.matmul(A, A, out=B)
        numpy.tanh(B, out=B)
        return numpy.multiply(B, A, out=B)

    return work


def _ready(function: Callable[..., Tree], *inputs: Tree) -> Tree:
    """JAX answers before it is done, and may answer with several arrays."""
    found = function(*inputs)
    wait = getattr(found, "block_until_ready", None)
    if wait is not None:
        return wait()
    if (isinstance(found, tuple | list | dict) or is_dataclass(found)) and (jax := sys.modules.get("jax")):
        jax.block_until_ready(found)
    return found


def _quotients(function: Callable[[Tree], Tree], x: Tree) -> list[str]:
    v = _random(x.size).astype(x.dtype).reshape(x.shape)
    found = []
    for step in _STEPS.get(x.dtype.name, ()):
        h = x.dtype.type(step)
        found.append(_encoded((_flat(function(x + h * v)) - _flat(function(x - h * v))) / (2 * float(h))))
    return found


def _times_random(J: Tree, shape: tuple[int, ...] | None = None) -> list[Any]:
    """J · v for each array of a Jacobian: every column is in it, and each row is one of its entries.

    `shape`: of the point, whose axes come last; by default one axis.
    """
    return [_product(leaf, leaf.shape[-1:] if shape is None else shape) for leaf in _leaves(J)]


def _product(J: Tree, shape: tuple[int, ...]) -> Tree:
    """In the precision of J, or what NumPy multiplies that is next to it."""
    numpy = import_module("numpy")
    rows, size = math.prod(J.shape[: J.ndim - len(shape)]), math.prod(shape)
    wide = numpy.result_type(J.dtype, numpy.float32) if J.dtype.kind in "fciub" else numpy.float32
    product = J.reshape(rows, size).astype(wide, copy=False) @ _random(size).astype(wide)
    return product if J.dtype.kind in "iub" else product.astype(J.dtype, copy=False)


def _leaves(found: Tree) -> list[Any]:
    """The arrays of a result, however they are nested; of a mapping in the order of its keys."""
    if found is None:
        return []
    if isinstance(found, Mapping):
        return [leaf for key in sorted(found, key=str) for leaf in _leaves(found[key])]
    if isinstance(found, tuple | list):
        return [leaf for part in found for leaf in _leaves(part)]
    jax = sys.modules.get("jax")
    parts = [found] if jax is None or hasattr(found, "dtype") else jax.tree_util.tree_leaves(found)
    if [id(part) for part in parts] != [id(found)]:
        return [leaf for part in parts for leaf in _leaves(part)]
    if is_dataclass(found) and not isinstance(found, type):
        return [leaf for name in fields(found) for leaf in _leaves(getattr(found, name.name))]
    for plain in ("detach", "toarray", "todense"):  # tensors of PyTorch, sparse matrices
        if hasattr(found, plain):
            found = getattr(found, plain)()
    return [import_module("numpy").asarray(found)]


def _flat(found: Tree) -> Tree:
    """All numbers of a result in a row, in double precision; a complex one is two."""
    numpy = import_module("numpy")
    return numpy.concatenate([numpy.empty(0), *(_reals(leaf) for leaf in _leaves(found))])


def _reals(leaf: Tree) -> Tree:
    if leaf.dtype.kind == "c":
        return leaf.astype("<c16").ravel().view("<f8")
    try:
        return leaf.astype("<f8").ravel()
    except (TypeError, ValueError):
        raise TypeError(f"its result holds {leaf.dtype.name}, which is no number: {str(leaf)[:50]}") from None


def _kind(leaves: list[Any]) -> str:
    """The least precise type of number, complex if any is."""
    names = {leaf.dtype.name for leaf in leaves}
    least = next((name for name in _COARSE_FIRST if name in names), "float64")
    is_complex = any(leaf.dtype.kind == "c" for leaf in leaves)
    return {"float32": "complex64", "float64": "complex128"}.get(least, least) if is_complex else least


def _random(size: int) -> Tree:
    return import_module("numpy").random.default_rng(size).standard_normal(size)


def _text(found: Tree) -> str:
    return _encoded(_flat(found))


def _encoded(numbers: Tree) -> str:
    return base64.b64encode(numbers.astype("<f8").tobytes()).decode()


def _file(module: ModuleType) -> Path:
    """Where it comes from; a package without `__init__` has only a path."""
    file = getattr(module, "__file__", None)
    return Path(file) if file else Path(next(iter(getattr(module, "__path__", ["/"]))))


def end_with_command() -> None:
    """As `fwdrev.bench.processes.inside` has it, which is not to be had here."""
    alive = int(os.environ.pop(ALIVE))

    def wait() -> None:
        os.read(alive, 1)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
