"""Engines and problems of other packages: loads their entry points, checks them, and reports errors in one line.

    for point in plugins("engine"):
        point.name, point.package
        point.tried(lambda: checked_engine(point.loaded()))

Their code may raise anything, print, or be no engine at all. None of that may disturb commands that do not use it, so
everything becomes one UnavailableError that names the package.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import EntryPoint, distributions, entry_points
from importlib.util import find_spec
from operator import index
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from fwdrev.modes.core.data import Json
from fwdrev.modes.core.engine import Direction, Engine
from fwdrev.modes.core.problem import LARGEST, Problem
from fwdrev.modes.errors import FwdrevError, Raised, UnavailableError, attempt
from fwdrev.modes.problems.shapes import RULE, ShapeRule

_FACTS: dict[str, type] = {"name": str, "summary": str, "direction": Direction, "library": str, "computes": bool}
"""The facts that an engine declares, with their types."""

_PLAIN = (bool, int, float, str)
"""The types of a problem's options: those that a specification and a command line can hold."""

_APART = frozenset(",:=")
"""Besides spaces, a name must not contain this: it separates names in lists."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point; `kind`: engine or problem.

    `point`: an EntryPoint of importlib.metadata, or of its backport, which takes its place once anything imports it.
    """

    kind: str
    point: Any

    @property
    def name(self) -> str:
        """The name by which users ask for it."""
        return str(self.point.name)

    @property
    def package(self) -> str:
        """The package that brings it."""
        dist = self.point.dist
        try:
            return str(dist.metadata["Name"] or "without a name") if dist is not None else "without a name"
        except (AttributeError, KeyError, TypeError, ValueError, OSError):
            return "without a name"  # each version of Python reports broken metadata in its own way

    def loaded(self) -> object:
        """Imports the named object; what the import prints goes to standard error, since programs read our output."""
        if not self.name or not self.name.isprintable() or _APART & set(self.name) or len(self.name.split()) != 1:
            raise _UnfitError(
                "nobody can ask for this name: it has to be one word without commas, colons and equals signs"
            )
        with redirect_stdout(sys.stderr):
            found: object = self.point.load()
        return found

    def tried(self, action: Callable[[], T], where: str = "") -> T:
        """Returns the action's result; turns its errors into one line, and passes our own errors on unchanged."""
        try:
            return action()
        except UnavailableError as error:
            raise UnavailableError(f"{self._called}: {error}") from error
        except (FwdrevError, MemoryError):
            raise
        except (Exception, SystemExit) as error:  # third-party code: an import may even end the interpreter
            said = str(error) if isinstance(error, _UnfitError) else f"{type(error).__name__}: {error}"
            msg = f"{self._called} cannot be used{' ' * bool(where)}{where}: {said}; {self._advice(error)}"
            raise UnavailableError(" ".join(msg.split())) from error

    @property
    def _called(self) -> str:
        return f"{self.kind} {self.name!r} of package {self.package}"

    def _advice(self, error: BaseException) -> str:
        """What to do about an error of third-party code."""
        return "install what it needs" if isinstance(error, ImportError) else f"mend or uninstall {self.package}"


class Given(Plugin):
    """An engine or a problem that the user names as MODULE:NAME or FILE.py:NAME, without an entry point."""

    __slots__ = ()

    def loaded(self) -> object:
        """Also finds modules in the working folder, after all others, as the processes of a sweep do."""
        where, _, name = self.name.rpartition(":")
        folder = Path.cwd()
        if where.endswith(".py"):
            folder, where = Path(where).resolve().parent, Path(where).stem
        if not all(part.isidentifier() for part in [*where.split("."), *name.split(".")]):
            raise _UnfitError("write it as MODULE:NAME or FILE.py:NAME")
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        with redirect_stdout(sys.stderr):
            found: object = EntryPoint(name, f"{where}:{name}", "").load()
        return found

    @property
    def _called(self) -> str:
        return f"{self.kind} {self.name!r}"

    def _advice(self, error: BaseException) -> str:
        """What to do about an error of the user's own code."""
        where, _, name = self.name.rpartition(":")
        if isinstance(error, ModuleNotFoundError):
            return "run it in the folder that has this module, or install what it needs"
        if isinstance(error, AttributeError):
            return f"does {where} define {name}?"
        if isinstance(error, _OtherArgumentsError):
            return f"for a function that returns numbers: fwdrev advise {self.name} --shape N"
        return f"mend {self.name}"


class _UnfitError(Exception):
    """An entry point names an object of the wrong kind."""


class _OtherArgumentsError(_UnfitError):
    """A factory takes other arguments than those of a problem: it may be a function to differentiate."""


def named(kind: str, name: str) -> Plugin:
    """The engine or problem that is named as MODULE:NAME."""
    return Given(kind, EntryPoint(name, name, f"fwdrev.{kind}s"))


def on_the_path(name: str) -> bool:
    """Whether the module of MODULE:NAME is imported already, or can be without a further folder on Python's path."""
    where = name.rpartition(":")[0]
    if where.endswith(".py"):
        return Path(where).stem in sys.modules
    top = where.partition(".")[0]
    return top in sys.modules or not isinstance(attempt(lambda: find_spec(top)), Raised | None)


def plugins(kind: str) -> list[Plugin]:
    """All entry points of this kind, in the order in which Python finds them, without repeats."""
    return list(dict.fromkeys(Plugin(kind, point) for point in _entry_points(f"fwdrev.{kind}s")))


def only(found: Sequence[Plugin]) -> Plugin:
    """The single entry point of these, which share a name; raises UnavailableError where they differ."""
    if len({point.point.value for point in found}) > 1:
        places = " and ".join(f"{point.package} ({point.point.value})" for point in found)
        msg = f"{found[0].kind} {found[0].name!r} is given by several packages, {places}: uninstall all but one"
        raise UnavailableError(msg)
    return found[0]


def _entry_points(group: str) -> Sequence[Any]:
    """Skips packages with unreadable metadata, since one of them would hide all others."""
    found = attempt(lambda: entry_points(group=group))
    if not isinstance(found, Raised):
        return found
    each = [attempt(partial(getattr, dist, "entry_points")) for dist in distributions()]
    return [point for points in each if not isinstance(points, Raised) for point in points if point.group == group]


def checked_engine(named: object) -> Engine:
    """Checks that the named object is an engine or a class of engines with all facts; returns the engine."""
    made = named() if isinstance(named, type) and issubclass(named, Engine) else named
    if not isinstance(made, Engine):
        kind = f"the class {named.__name__}" if isinstance(named, type) else f"of type {type(named).__name__}"
        raise _UnfitError(f"its entry point names something that is {kind}, and not a class derived from Engine")
    for fact, kind_of in _FACTS.items():
        if not isinstance(told := getattr(made, fact), kind_of):
            raise _UnfitError(f"its {fact} is {told!r:.60}, and not a {kind_of.__name__}")
    return made


def checked_factory(named: object) -> Callable[..., Any]:
    """Checks that the named object is a callable with four arguments whose options have plain defaults."""
    if not callable(named):
        raise _UnfitError(f"its entry point names something of type {type(named).__name__}, and not a factory")
    try:
        inspect.signature(named).bind(1, 1, None, None)
    except TypeError as error:
        known = "a problem is called with n, m, rng and dtype, and returns a Problem"
        raise _OtherArgumentsError(f"TypeError: {error}; {known}") from None
    for option, default in options_of(named).items():
        if not isinstance(default, _PLAIN):
            raise _UnfitError(f"its option {option} has no default that is a number, a truth value or text")
    if not isinstance(getattr(named, RULE, None), ShapeRule | None):
        raise _UnfitError("its shapes are not those of the decorator `shaped`")
    return named


def options_of(factory: Callable[..., Any]) -> dict[str, Any]:
    """The options of a factory by name, with their defaults."""
    parameters = inspect.signature(factory).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def checked_problem(made: object, n: int, m: int) -> Problem:
    """Checks that the factory made a problem of that shape, with a point that fits its chain."""
    if not isinstance(made, Problem):
        raise _UnfitError(f"its factory returns a {type(made).__name__}, and no Problem")
    if (made.n, made.m) != (n, m):
        raise _UnfitError(f"its factory returns a problem of n = {made.n}, m = {made.m}")
    made.chain.check(np.asarray(made.x), np.asarray(made.theta))
    return made


def checked_counts(told: object, kind: type[T]) -> T:
    """The counts of an engine as Python integers; raises TypeError or ValueError for anything else."""
    if not isinstance(told, kind):
        raise TypeError(f"its counts are of type {type(told).__name__}, and no {kind.__name__}")
    numbers = {field.name: getattr(told, field.name) for field in fields(cast("Any", told))}
    whole = {name: None if number is None else index(number) for name, number in numbers.items()}
    if any(number is not None and number < 0 for number in whole.values()):
        raise ValueError(f"its counts are below zero: {told!r:.200}")
    return kind(**whole)


def checked_shape(found: Json) -> tuple[int, int]:
    """Checks that a rule of shapes returned two sizes."""
    n, m = found
    if not all(isinstance(size, int | np.integer) and 1 <= size <= LARGEST for size in (n, m)):
        raise _UnfitError(f"its rule of shapes returns {found!r:.60}, and not two sizes from 1 to {LARGEST}")
    return int(n), int(m)
