"""One side of a comparison: a separate program that measures the code that it finds, commanded line by line.

It runs by its path, with some revision's code on the module path. So it uses only the standard library and the public
interface of fwdrev: it must run with revisions that do not know it.

An arm is an engine, or a function of the project, `MODULE:FUNCTION`, or its Jacobian, `jacfwd:MODULE:FUNCTION` or
`jacrev:MODULE:FUNCTION`. There is always `control`, the same work in every revision. A function is called
with the result of its point, also a function of the project, which takes the size or nothing.
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
"""The arm with the same work on both sides; `bench.records.sides` uses the same name."""

ALIVE = "FWDREV_ALIVE"
"""The variable with the number of a pipe that the command keeps open while it lives."""

_PROBES = 3
"""The number of calls to estimate a duration; the shortest counts, since delays only add."""

_ANEW_SECONDS = 5e-3
"""Up to this many seconds, an arm is made anew for each block: the place of its arrays in memory moves its time by
two per cent, as much as a fresh process does. JAX programs are made once: a new one would be traced and compiled
within the block."""

_PADDING = 1 << 16
"""The most bytes, drawn at random, between the old arrays and the new."""

_PROBE_SECONDS = 1e-3
"""The seconds of a probe that scales a delay: long enough for the clock."""

_STEPS = {"float64": (1e-4, 1e-7), "float32": (1e-2, 1e-3)}
"""The two steps of difference quotients, since near a kink one may be off. Fewer digits are too few for a quotient."""

_COARSE_FIRST = ("bfloat16", "float16", "float32", "complex64")
"""Types less precise than float64; whole numbers and truth values are exact."""

_NOT_FOUND = re.compile(r"cannot import name '(\w+)' from")
"""Finds the name in an ImportError, which has no attribute for it before Python 3.12."""

Answer = dict[str, Any]
Call = Callable[[], Any]
Tree = Any
"""Arrays and numbers, however they are nested."""

Prepared = tuple[Call, Callable[[Tree], list[Any]], Callable[[], list[str]]]
"""An arm's call, the arrays of its result to compare, and difference quotients for these."""

T = TypeVar("T")


def main() -> None:
    """Answers each line of standard input with one line; what libraries print goes to standard error.

    Measured code finds standard input at its end; otherwise it could wait there, like a debugger, or take our lines.
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
    """A method for each command, with the state that they share."""

    def __init__(self) -> None:
        """Imports nothing yet."""
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
        """Import the arms' libraries, before anything is timed.

        `own`: the project is fwdrev itself, so measure this side's copy, not the installed one;
        `path`: folders to search first, since PYTHONPATH cannot hold a folder with a colon in its name;
        `modules`: the project's modules that loaded before without fault; they load on the processors `loading`, so
        that both sides can load at once; `memory`: the bytes that an arm may map beyond those mapped when it is
        prepared; None: no limit.
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
            _attempt(partial(import_module, name))  # if one fails here, it fails again at its arm, which reports it
        _pin(cpus)
        if jax is not None:
            jax.devices()
        self.refuse_strangers()
        gc.freeze()
        return {"fwdrev": str(found)}

    def library(self, arm: str) -> str | None:
        """The library that an arm computes with, if known before it is prepared."""
        if ":" in arm:
            return "jax" if arm.count(":") > 1 else None
        found = _attempt(lambda: str(self.fwdrev.engine(arm).library))
        return None if isinstance(found, Exception) else found  # preparing the arm reports it

    def find(self, arm: str) -> Answer:
        """The reason why this side lacks an arm; none if it has it, even if that fails, which is reported later.

        For a function: whether it `takes` parameters.
        """
        if ":" in arm:
            return self.find_function(*arm.split(":")[-2:])
        found = _attempt(lambda: self.fwdrev.engine(arm))
        if isinstance(found, Exception) and str(found).startswith("unknown engine"):
            return {"lacks": str(found)}
        return {"unavailable": str(found)} if isinstance(found, ImportError) else {}

    def find_function(self, where: str, name: str) -> Answer:
        """Like `find`, for a function of this side's project."""
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
        """Forget the last cell's arms; the first arm that needs problem and inputs makes them."""
        self.at, self.problem = dict(at), None
        self.calls, self.waits, self.quick = {}, {}, set()
        return {}

    def prepare(self, arm: str, delay: float, loops: int) -> Answer:
        """Prepare an arm and report its products; and the time of a call, unless `loops` is known.

        `delay`: lengthens each of its blocks by this share of its own time, to test the verdicts.
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
        """Whether a function's inputs, made twice, are equal, and then its results for equal inputs."""
        if ":" not in arm:
            return {"inputs": True, "results": True}
        call, product, _ = self.made(arm)
        one, other = (_text(product(call())) for _ in range(2))
        same, again = (_digest(self.made_inputs(arm)) for _ in range(2))
        return {"inputs": same == again, "results": one == other}

    def load(self, arm: str) -> None:
        """Import its library first: libraries map gigabytes, which are not the arm's memory."""
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
        """Prepare the control, an engine or a function."""
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
        """The problem of this cell, from this revision's fwdrev; made once."""
        if self.problem is None:
            at = self.at
            made = partial(self.fwdrev.problem, at["problem"], n=at["n"], m=at["m"], seed=at["seed"])
            self.problem = made(dtype=at["dtype"], **at["options"])
            for point in (self.problem.x, self.problem.theta):  # an engine that altered it would spoil the others
                if hasattr(point, "setflags"):
                    point.setflags(write=False)
        return self.problem

    def made_function(self, arm: str) -> Prepared:
        """A function of this side's project with its inputs: plain, or its compiled Jacobian by JAX."""
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
        """The arguments of a function: the result of its point, where a tuple means several; none if it takes none.

        Without a point: a vector of random numbers of that size.
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
        return made if type(made) is tuple else (made,)  # a named tuple is a record, and one argument

    def own_function(self, module: str, name: str) -> Callable[..., Any]:
        """A function of this side's project; its name may have dots."""
        owner: Any = self.own_module(module)
        function: Callable[..., Any] = reduce(getattr, name.split("."), owner)
        return function

    def own_module(self, name: str) -> ModuleType:
        """Import a module of this side, and refuse one from elsewhere."""
        module = import_module(name)
        if not _file(module).is_relative_to(self.root):
            raise ImportError(f"{name} comes from {_file(module)}, not from {self.root}", name=name)
        return module

    def where(self, modules: list[str]) -> Answer:
        """The files from which this side imports these modules, where it can."""
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
        """The imported files of this side's project, relative to it, without packages installed inside it."""
        root = f"{self.root}{os.sep}"
        others = (f"{place}{os.sep}" for place in (sys.prefix, sys.base_prefix, self.other))
        inside = tuple(place for place in others if place.startswith(root))
        files = {getattr(module, "__file__", None) or "" for module in list(sys.modules.values())}
        return {"files": sorted(f.removeprefix(root) for f in files if f.startswith(root) and not f.startswith(inside))}

    def refuse_strangers(self) -> None:
        """Raise if a module came from the other side, which would be compared with itself. Checks only new modules.

        Installed packages are shared, even if installed inside the project.
        """
        if len(sys.modules) == self.looked_at or self.other == self.root:
            return
        self.looked_at = len(sys.modules)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None) or ""
            if name != "__main__" and self.is_strange(file):
                raise ImportError(f"{name} comes from the other side, {file}", name=name)

    def is_strange(self, file: str) -> bool:
        """Whether a file lies in the other side's folder, and not in a shared folder or one of ours within it.

        If the other side is the whole file system: only files that this side has, too.
        """
        whole = self.other == Path(self.other.anchor)
        if not file.startswith(str(self.other) if whole else f"{self.other}{os.sep}") or file.startswith(self.shared):
            return False
        return not whole or (self.root / Path(file).relative_to(self.other)).exists()


def _pin(cpus: Sequence[int]) -> None:
    """Pin all threads of this process to these processors, if there are any and the system allows it."""
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return
    try:
        threads = [int(place.name) for place in Path("/proc/self/task").iterdir()]
    except OSError:  # the system does not list threads: pin only this one
        threads = [0]
    for thread in threads:
        with suppress(OSError):  # refused, as in some containers: the command warns, and measures anyway
            os.sched_setaffinity(thread, cpus)


def _limit(extra: int | None) -> None:
    """Limit this process to that many bytes more, so that an arm that takes too much fails by itself."""
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
    """The result of `call`, or its error: a revision's code may raise anything."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - see above
        return error


def _missing(error: BaseException) -> Answer:
    """The module that could not be imported, or the missing file; also as the cause of an engine's failure."""
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
    """Seconds per call in one block."""
    loops = max(1, round(_PROBE_SECONDS / _timed(call, 1)))
    return min(_timed(call, loops) for _ in range(_PROBES)) / loops


def _takes(function: Callable[..., Any]) -> bool:
    """Whether a function has a parameter, if its signature is known."""
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some C functions have no signature
        return True


def _digest(inputs: Tree) -> str:
    """A digest of inputs: shapes, types and numbers of their arrays; other values do not count."""
    found = hashlib.sha256()
    for leaf in _leaves(inputs):
        if leaf.dtype.kind in "biufc":
            found.update(f"{leaf.shape}{leaf.dtype}".encode() + leaf.tobytes())
    return found.hexdigest()


def _growth(call: Call) -> int | None:
    """The bytes by which the process grows in memory during a call; None if unknown."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the peak
        before = _bytes_of("VmRSS")
        call()
        peak = _bytes_of("VmHWM")
    except OSError:  # not on this system
        return None
    return None if before is None or peak is None else max(0, peak - before)


def _bytes_of(name: str) -> int | None:
    """A size of this process from /proc, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


def _control() -> Call:
    """The control: a matrix product of fixed size and some functions of its entries, in its own memory: about 50 µs."""
    numpy = import_module("numpy")
    A = numpy.linspace(-1.0, 1.0, 64 * 64).reshape(64, 64)
    B = numpy.empty_like(A)

    def work() -> Tree:
        numpy.matmul(A, A, out=B)
        numpy.tanh(B, out=B)
        return numpy.multiply(B, A, out=B)

    return work


def _ready(function: Callable[..., Tree], *inputs: Tree) -> Tree:
    """Waits for JAX, which returns before it is done, also for several arrays."""
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
    """J · v for each array of a Jacobian: it covers every column, and each row gives one entry.

    `shape`: the point's shape, whose axes come last; one axis by default.
    """
    return [_product(leaf, leaf.shape[-1:] if shape is None else shape) for leaf in _leaves(J)]


def _product(J: Tree, shape: tuple[int, ...]) -> Tree:
    """Multiplies in the precision of J, or the nearest one that NumPy supports."""
    numpy = import_module("numpy")
    rows, size = math.prod(J.shape[: J.ndim - len(shape)]), math.prod(shape)
    wide = numpy.result_type(J.dtype, numpy.float32) if J.dtype.kind in "fciub" else numpy.float32
    product = J.reshape(rows, size).astype(wide, copy=False) @ _random(size).astype(wide)
    return product if J.dtype.kind in "iub" else product.astype(J.dtype, copy=False)


def _leaves(found: Tree) -> list[Any]:
    """The arrays of a result, however nested; those of a mapping in the order of its keys."""
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
    """All numbers of a result in one vector, in double precision; a complex number counts as two."""
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
    """The file of a module; a package without `__init__` has only a path."""
    file = getattr(module, "__file__", None)
    return Path(file) if file else Path(next(iter(getattr(module, "__path__", ["/"]))))


def end_with_command() -> None:
    """The same as in `fwdrev.bench.processes.inside`, which this program cannot import."""
    alive = int(os.environ.pop(ALIVE))

    def wait() -> None:
        os.read(alive, 1)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    main()
