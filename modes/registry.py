"""Finds engines and problems by name: in our own tables, then in the entry points of installed packages.

    engine("forward").prepare(problem("driven", n=64, m=16).chain, "theta")

A third party adds an engine with an entry point in the group `fwdrev.engines` that names an `Engine` class, and a
problem with one in `fwdrev.problems` that names a factory. Our own names come first and cannot be taken. Without an
entry point it is named as MODULE:CLASS or FILE.py:CLASS, a problem as MODULE:FACTORY.
"""

import inspect
import zlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np

from fwdrev.modes.core.chain import float_dtype
from fwdrev.modes.core.data import Json
from fwdrev.modes.core.engine import Engine
from fwdrev.modes.core.problem import LARGEST, Problem
from fwdrev.modes.errors import FwdrevError, InputError, UnavailableError, unknown
from fwdrev.modes.plugins import (
    Plugin,
    checked_engine,
    checked_factory,
    checked_problem,
    checked_shape,
    named,
    on_the_path,
    only,
    options_of,
    plugins,
)
from fwdrev.modes.problems.shapes import ANY, NATURAL, RULE, ShapeRule, completed

ENGINES: Mapping[str, str] = MappingProxyType(
    {
        "forward": "fwdrev.modes.engines.forward:Forward",
        "reverse": "fwdrev.modes.engines.reverse:Reverse",
        "bracketed": "fwdrev.modes.engines.bracketed:Bracketed",
        "jax-jvp": "fwdrev.modes.engines.jax_reference:JaxJvp",
        "jax-vjp": "fwdrev.modes.engines.jax_reference:JaxVjp",
        "jax-jvp-sharded": "fwdrev.modes.engines.jax_sharded:JaxJvpSharded",
        "jax-vjp-sharded": "fwdrev.modes.engines.jax_sharded:JaxVjpSharded",
        "jax-bracketed": "fwdrev.modes.engines.jax_bracketed:JaxBracketed",
        "null": "fwdrev.modes.engines.noop:Noop",
    }
)
"""Our engines: name, then module and class, imported on demand."""

_ALIASES: Mapping[str, str] = MappingProxyType({"noop": "null"})
"""Other names of engines: programs that read a table take "null" for a missing value."""

PROBLEMS: Mapping[str, str] = MappingProxyType(
    {
        "driven": "fwdrev.modes.problems.networks:driven",
        "mlp": "fwdrev.modes.problems.networks:mlp",
        "autoencoder": "fwdrev.modes.problems.networks:autoencoder",
        "mgh32": "fwdrev.modes.problems.linear:mgh32",
        "mgh33": "fwdrev.modes.problems.linear:mgh33",
        "arrowhead": "fwdrev.modes.problems.linear:arrowhead",
        "helmholtz": "fwdrev.modes.problems.physics:helmholtz",
        "heart-dipole": "fwdrev.modes.problems.physics:heart_dipole",
        "propane-combustion": "fwdrev.modes.problems.physics:propane_combustion",
        "brusselator": "fwdrev.modes.problems.physics:brusselator",
        "gmm": "fwdrev.modes.problems.gmm:gmm",
        "lstm": "fwdrev.modes.problems.lstm:lstm",
        "bundle-adjustment": "fwdrev.modes.problems.bundle_adjustment:bundle_adjustment",
        "hand-tracking": "fwdrev.modes.problems.hand_tracking:hand_tracking",
        "control": "fwdrev.modes.problems.control:control",
        "convolution": "fwdrev.modes.problems.convolution:convolution",
        "fourier-features": "fwdrev.modes.problems.fourier_features:fourier_features",
    }
)
"""Our problems: name, then module and factory."""

_OURS = {"engine": ENGINES, "problem": PROBLEMS}


def engine_name(name: str) -> str:
    """The name of an engine, given that or another name of it; returns unknown names unchanged."""
    return _ALIASES.get(name, name)


def alias_of(name: str) -> str:
    """The name of an engine for tables, where "null" would mean a missing value; returns other names unchanged."""
    return next((alias for alias, own in _ALIASES.items() if own == name), name)


def engine(name: str) -> Engine:
    """The engine of that name.

    Raises InputError for an unknown name and UnavailableError for an engine unusable here: its library is missing,
    or another package's entry point names no engine.
    """
    name = engine_name(name)
    point = _point("engine", name)
    if point is None:
        made: Engine = _ours("engine", name)()
        return made
    return point.tried(lambda: checked_engine(point.loaded()))


def is_ours(found: Engine) -> bool:
    """Whether the engine belongs to this package; errors of other packages' engines are not ours."""
    return type(found).__module__.partition(".")[0] == __name__.partition(".")[0]


def find_engine(name: str) -> Engine | None:
    """Returns None where the engine is not installed: a run may come from another machine.

    So a file in the working folder, which may have come with the run, is not imported for a name that the run has.
    """
    if ":" in name and not on_the_path(name):
        return None
    try:
        return engine(name)
    except FwdrevError:
        return None


def engine_fault(name: str) -> str | None:
    """Why the engine of that name cannot be used here, or None."""
    return _fault(engine, name)


def problem(
    name: str, *, n: int | None = None, m: int | None = None, seed: int = 0, dtype: str = "float64", **options: Json
) -> Problem:
    """The problem of that name with n inputs and m outputs; the same seed gives the same problem.

    A size that is not given is the problem's natural one (see `natural_shape`), as far as it goes with the other.
    `options` are the problem's own (see `problem_options`). Raises InputError for unknown ones, and for a
    shape that the problem does not allow (see `problem_shape`).
    """
    factory = _factory(name)
    n, m = completed(n, m, lambda n, m: nearest_shape(name, n, m, options))
    found = nearest_shape(name, n, m, options)
    if found != (n, m):
        raise InputError(
            f"problem {name!r} has no shape n = {n}, m = {m}: it has {problem_shape(name)}; "
            f"the nearest is n = {found[0]}, m = {found[1]}"
        )
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"seed = {seed!r}: give a whole number, 0 or more")
    rng = np.random.default_rng([seed, n, m, zlib.crc32(name.encode())])
    make = partial(factory, int(n), int(m), rng, float_dtype(dtype), **options)
    point = _point("problem", name)
    if point is None:
        made: Problem = make()
        return made
    return point.tried(lambda: checked_problem(make(), n, m), f"at n = {n}, m = {m}")


def natural_shape(name: str, options: Mapping[str, Any] = MappingProxyType({})) -> tuple[int, int]:
    """The small shape (n, m) that a problem has by itself: 64 × 16, or the nearest to it that it allows."""
    return nearest_shape(name, *NATURAL, options)


def problem_options(name: str) -> dict[str, Any]:
    """The options of a problem with their defaults."""
    return options_of(_factory(name))


def problem_fault(name: str) -> str | None:
    """Why the problem of that name cannot be used here, or None; it may still fail at some sizes."""
    return _fault(_factory, name)


def _fault(find: Callable[[str], object], name: str) -> str | None:
    try:
        find(name)
    except FwdrevError as error:
        return str(error)
    return None


def shape_rule(name: str) -> ShapeRule | None:
    """The rule for a problem's shapes; None for any n × m."""
    found: ShapeRule | None = getattr(_factory(name), RULE, None)
    return found


def problem_shape(name: str) -> str:
    """The shapes of a problem, in words."""
    rule = shape_rule(name)
    return ANY if rule is None else rule.words


def nearest_shape(name: str, n: int, m: int, options: Mapping[str, Any] = MappingProxyType({})) -> tuple[int, int]:
    """The problem's shape (n, m) nearest to the given one, with these options; the given one itself if allowed.

    Raises InputError for unknown options and for sizes outside of all problems.
    """
    known = problem_options(name)
    for option in options:
        if option not in known:
            raise unknown(f"option of problem {name!r}", option, known)
    for size, given in (("n", n), ("m", m)):
        if isinstance(given, bool) or not isinstance(given, int | np.integer) or not 1 <= given <= LARGEST:
            raise InputError(f"{size} = {given!r}: give a whole number from 1 to {LARGEST}")
    rule = shape_rule(name)
    if rule is None:
        return int(n), int(m)
    point = _point("problem", name)

    def nearest() -> tuple[int, int]:
        return checked_shape(rule.nearest(int(n), int(m), **{**known, **options}))

    return nearest() if point is None else point.tried(nearest, "in its shapes")


def problem_summary(name: str) -> str:
    """The summary of a problem: the first line of its factory's docstring."""
    return (inspect.getdoc(_factory(name)) or name).splitlines()[0]


def engine_names() -> list[str]:
    """Ours in their order, then those of other packages."""
    return _names("engine")


def problem_names() -> list[str]:
    """Ours in their order, then those of other packages."""
    return _names("problem")


def taken_names(kind: str) -> list[str]:
    """Warnings, one for each engine or problem of another package that uses one of our names."""
    return [
        f"{kind} {point.name!r} of package {point.package} is not used: the name is taken by one of fwdrev's own"
        for point in plugins(kind)
        if point.name in _OURS[kind]
    ]


def _names(kind: str) -> list[str]:
    return [*_OURS[kind], *sorted({point.name for point in plugins(kind)} - set(_OURS[kind]))]


def _point(kind: str, name: str) -> Plugin | None:
    """The entry point of another package's engine or problem; None for ours."""
    if name in _OURS[kind]:
        return None
    found = [point for point in plugins(kind) if point.name == name]
    if ":" in name and not found:
        return named(kind, name)
    if not found:
        raise unknown(kind, name, _names(kind))
    return only(found)


def _factory(name: str) -> Callable[..., Any]:
    """The factory of a problem; raises as `engine` does."""
    point = _point("problem", name)
    if point is None:
        return _ours("problem", name)
    return point.tried(lambda: checked_factory(point.loaded()))


def _ours(kind: str, name: str) -> Callable[..., Any]:
    """Loads an engine's class or a problem's factory."""
    module, _, attribute = _OURS[kind][name].partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), attribute)
    except ImportError as error:
        raise UnavailableError(f"{kind} {name!r} cannot be loaded: {error}; install what it needs") from error
    return found
