"""Where engines and problems are found by name: our own tables, then the entry points of installed packages.

    engine("forward").prepare(problem("driven", n=64, m=16).chain, "theta")

A third party adds an engine with an entry point in the group `fwdrev.engines` that names an `Engine` class, and a
problem with one in `fwdrev.problems` that names a factory. Our own names come first and cannot be taken.
"""

import inspect
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

import numpy as np

from fwdrev.modes.chain import float_dtype
from fwdrev.modes.errors import FwdrevError, InputError, UnavailableError, unknown
from fwdrev.modes.instance import LARGEST, Problem
from fwdrev.modes.interface import Engine
from fwdrev.modes.shapes import ANY, ShapeRule, rule_of

__all__ = [
    "ENGINES",
    "PROBLEMS",
    "alias_of",
    "engine",
    "engine_name",
    "engine_names",
    "find_engine",
    "nearest_shape",
    "problem",
    "problem_names",
    "problem_options",
    "problem_shape",
    "problem_summary",
    "shape_rule",
]

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "forward": "fwdrev.modes.forward:Forward",
        "reverse": "fwdrev.modes.reverse:Reverse",
        "bracketed": "fwdrev.modes.bracketed:Bracketed",
        "jax-jvp": "fwdrev.modes.jax_jvp:JaxJvp",
        "jax-vjp": "fwdrev.modes.jax_vjp:JaxVjp",
        "jax-bracketed": "fwdrev.modes.jax_bracketed:JaxBracketed",
        "null": "fwdrev.modes.null:Null",
    }
)
"""Our engines: name, then module and class, imported when asked for."""

_ALIASES: Mapping[str, str] = MappingProxyType({"noop": "null"})
"""What else an engine is called: programs that read a table take "null" for a value that is missing."""

PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "driven": "fwdrev.modes.problems:driven",
        "mlp": "fwdrev.modes.problems:mlp",
        "autoencoder": "fwdrev.modes.problems:autoencoder",
        "mgh32": "fwdrev.modes.linear_problems:mgh32",
        "mgh33": "fwdrev.modes.linear_problems:mgh33",
        "arrowhead": "fwdrev.modes.linear_problems:arrowhead",
        "helmholtz": "fwdrev.modes.physics:helmholtz",
        "heart-dipole": "fwdrev.modes.physics:heart_dipole",
        "propane-combustion": "fwdrev.modes.physics:propane_combustion",
        "brusselator": "fwdrev.modes.physics:brusselator",
        "gmm": "fwdrev.modes.gmm:gmm",
        "lstm": "fwdrev.modes.lstm:lstm",
        "bundle-adjustment": "fwdrev.modes.bundle_adjustment:bundle_adjustment",
        "hand-tracking": "fwdrev.modes.hand_tracking:hand_tracking",
        "control": "fwdrev.modes.rollout:control",
        "convolution": "fwdrev.modes.convolution:convolution",
        "fourier-features": "fwdrev.modes.fourier_features:fourier_features",
    }
)
"""Our problems: name, then module and factory."""


def engine_name(name: str) -> str:
    """The name of an engine that may be called otherwise; any other name as it is."""
    return _ALIASES.get(name, name)


def alias_of(name: str) -> str:
    """How an engine is called where its own name would mean something else; any other name as it is."""
    return next((alias for alias, own in _ALIASES.items() if own == name), name)


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises InputError for an unknown name and UnavailableError where the engine's own library is missing.
    """
    found = _find("engine", engine_name(name), ENGINES)
    made = found() if isinstance(found, type) else found
    if not isinstance(made, Engine):
        msg = f"engine {name!r} is a {type(made).__name__}: its entry point has to name a class derived from Engine"
        raise InputError(msg)
    return made


def find_engine(name: str) -> Engine | None:
    """The engine of that name, or None where it is not installed: a run may come from another machine."""
    try:
        return engine(name)
    except FwdrevError:
        return None


def problem(name: str, *, n: int, m: int, seed: int = 0, dtype: str = "float64", **options: Any) -> Problem:  # noqa: ANN401
    """The problem of that name with n inputs and m outputs; the same seed gives the same problem.

    `options` are the problem's own (see `problem_options`). Raises InputError for what it does not know, and for a
    shape that the problem does not have (see `problem_shape`).
    """
    factory = _find("problem", name, PROBLEMS)
    found = nearest_shape(name, n, m, options)
    if found != (n, m):
        msg = (
            f"problem {name!r} has no shape n = {n}, m = {m}: it has {problem_shape(name)}; "
            f"the nearest is n = {found[0]}, m = {found[1]}"
        )
        raise InputError(msg)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        msg = f"seed = {seed!r}: give a whole number, 0 or more"
        raise InputError(msg)
    rng = np.random.default_rng([seed, n, m, zlib.crc32(name.encode())])
    made: Problem = factory(int(n), int(m), rng, float_dtype(dtype), **options)
    return made


def problem_options(name: str) -> dict[str, Any]:
    """The options of a problem with their defaults."""
    parameters = inspect.signature(_find("problem", name, PROBLEMS)).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


def shape_rule(name: str) -> ShapeRule | None:
    """Which shapes a problem has; None for any n × m."""
    return rule_of(_find("problem", name, PROBLEMS))


def problem_shape(name: str) -> str:
    """Which shapes a problem has, in words."""
    rule = shape_rule(name)
    return ANY if rule is None else rule.words


def nearest_shape(name: str, n: int, m: int, options: Mapping[str, Any] = MappingProxyType({})) -> tuple[int, int]:
    """The shape (n, m) of the problem that is nearest to the given one, with these options; itself if it exists.

    Raises InputError for options that the problem does not have and for sizes that no problem has.
    """
    known = problem_options(name)
    for option in options:
        if option not in known:
            raise unknown(f"option of problem {name!r}", option, known)
    for size, given in (("n", n), ("m", m)):
        if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 1 <= given <= LARGEST:
            msg = f"{size} = {given!r}: give a whole number from 1 to {LARGEST}"
            raise InputError(msg)
    rule = shape_rule(name)
    if rule is None:
        return int(n), int(m)
    found = rule.nearest(int(n), int(m), **{**known, **options})
    return int(found[0]), int(found[1])


def problem_summary(name: str) -> str:
    """What a problem is: the first line of its factory's docstring."""
    return (inspect.getdoc(_find("problem", name, PROBLEMS)) or name).splitlines()[0]


def engine_names() -> list[str]:
    """Ours in their order, then those of other packages."""
    return _names("engine", ENGINES)


def problem_names() -> list[str]:
    """Ours in their order, then those of other packages."""
    return _names("problem", PROBLEMS)


def _names(kind: str, ours: Mapping[str, str]) -> list[str]:
    theirs = {point.name for point in entry_points(group=f"fwdrev.{kind}s")}
    return [*ours, *sorted(theirs - set(ours))]


def _find(kind: str, name: str, ours: Mapping[str, str]) -> Callable[..., Any]:
    if name in ours:
        module, _, attribute = ours[name].partition(":")
        ours_found: Callable[..., Any] = _loaded(kind, name, lambda: getattr(import_module(module), attribute))
        return ours_found
    for point in entry_points(group=f"fwdrev.{kind}s", name=name):
        theirs: Callable[..., Any] = _loaded(kind, name, point.load)
        return theirs
    raise unknown(kind, name, _names(kind, ours))


def _loaded(kind: str, name: str, load: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever the entry point names
    try:
        return load()
    except FwdrevError:
        raise
    except (ImportError, AttributeError) as error:
        msg = f"{kind} {name!r} cannot be loaded: {error}; install what it needs"
        raise UnavailableError(msg) from error
