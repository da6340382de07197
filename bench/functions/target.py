"""Finds the function that `MODULE:FUNCTION` names.

This runs the user's code, so it belongs in a separate process; the command itself uses only `checked`.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

from fwdrev.bench.records.parsing import beside
from fwdrev.modes.errors import InputError, Raised, attempt, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`what`: MODULE:FUNCTION, FILE.py:FUNCTION, or several functions with commas, applied one after the other.

    The point comes from a file of arrays (`at`), from `shapes` of random numbers, or from a function (`point`), of the
    same module where it names none. `dtype` is float32, float64 or None: the point's own. `argnums` and `has_aux` are
    those of jax.jacobian; None: all arguments. With `vmap` the function takes one sample of the point. `torch`: arrays
    become tensors of PyTorch.
    """

    what: str
    at: str | None = None
    shapes: Sequence[Sequence[int]] | None = None
    point: str | None = None
    argnums: int | Sequence[int] | None = None
    has_aux: bool = False
    vmap: bool = False
    seed: int = 0
    dtype: str | None = None
    torch: bool = False


def checked(target: Target) -> Target:
    """Checks the options and returns the target with the module of the point written out; raises InputError."""
    where, _ = parts_of(target.what)
    given = [name for name in ("at", "shapes", "point") if getattr(target, name)]
    if len(given) != 1:
        raise InputError("give the point, in one way: --shape 1000, --at FILE.npz or --point MODULE:FUNCTION")
    if target.point is None:
        return target
    point = beside(where, target.point)
    parts_of(point)
    return replace(target, point=point)


def functions_of(target: Target) -> dict[str, Callable[..., Any]]:
    """The names of the functions, in the order of their application; raises InputError."""
    where, names = parts_of(target.what)
    return {name: function_of(where, name) for name in names}


def parts_of(text: str) -> tuple[str, list[str]]:
    """The module or file, and the names after the colon, each with dots if needed."""
    where, _, names = text.rpartition(":")
    found = [name.strip() for name in names.split(",")]
    named = all(part.isidentifier() for name in found for part in name.split("."))
    if not where or not named or len(set(found)) < len(found):
        raise InputError(f"target {text!r}: write it as MODULE:FUNCTION or FILE.py:FUNCTION, stages as MODULE:f1,f2,f3")
    return where, found


def function_of(where: str, name: str) -> Callable[..., Any]:
    """The object of that name, which may have dots, in the module; raises InputError."""
    module = _module(where)
    found: Any = module
    *owners, last = name.split(".")
    for number, part in enumerate([*owners, last]):
        holder, found = found, getattr(found, part, None)
        if found is None:
            inside = ".".join([where, *owners[:number]]) if number else where
            known = [key for key in (vars(module) if holder is module else dir(holder)) if not key.startswith("_")]
            callables = [key for key in known if callable(getattr(holder, key, None))]
            raise unknown(f"function of {inside}", part, callables if part == last else known)
    if not callable(found):
        raise InputError(f"{where}:{name} is of type {type(found).__name__}: name a function")
    function: Callable[..., Any] = found
    return function


def _module(where: str) -> ModuleType:
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            raise InputError(f"there is no file {path}: give MODULE:FUNCTION or FILE.py:FUNCTION")
        found = attempt(partial(_from_file, path.resolve()))
    else:
        found = attempt(partial(importlib.import_module, where))
    if not isinstance(found, Raised):
        return found
    error = found.error
    if isinstance(error, InputError):
        raise error from None
    from fwdrev.modes.functions.trace_errors import said, users_line

    if isinstance(error, ModuleNotFoundError) and f"{where}.".startswith(f"{error.name}."):
        msg = f"no module named {error.name!r}: run it in the folder that has it, or name the file, FILE.py:FUNCTION"
        raise InputError(msg)
    do = "it has to import without this command, too"
    if isinstance(error, ImportError) and "relative import" in str(error) and where.endswith(".py"):
        inside = Path(where).resolve()
        do = f"for relative imports name it as part of its package: in {inside.parent.parent}, "
        do += f"{inside.parent.name}.{inside.stem}:FUNCTION"
    raise InputError(f"importing {where} fails: {said(error)}{users_line(error)}; {do}")


@cache
def _from_file(path: Path) -> ModuleType:
    """Runs a file once, however often it is named; it can import its neighbours, as when run as a script.

    A file of a package is imported as part of it, so that relative imports work.
    """
    folders = list(takewhile(lambda folder: (folder / "__init__.py").is_file(), path.parents))
    if folders:
        sys.path.append(str(folders[-1].parent))
        inside = [folder.name for folder in reversed(folders)]
        module = importlib.import_module(".".join(inside if path.stem == "__init__" else [*inside, path.stem]))
        if module.__file__ is not None and Path(module.__file__).resolve() == path:
            return module
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file: give one whose name ends in .py, or MODULE:FUNCTION")
    sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module
