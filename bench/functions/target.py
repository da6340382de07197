"""What `MODULE:FUNCTION` names, and the point that the options of `fwdrev advise` describe.

All of it runs the user's code, so it belongs into a process of its own; only `checked` is for the command itself.
"""

import importlib
import importlib.util
import inspect
import math
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from fwdrev.bench.machine.memory import available_bytes
from fwdrev.bench.records.given_file import opened
from fwdrev.modes.errors import InputError, unknown

_COPIES = 3
"""Of a point: as it is read, as the arms' array, and as one vector."""

_WIDEST = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}
"""Bytes of a number that JAX and PyTorch compute with, by its kind."""

__all__ = ["Target", "checked", "functions_of", "point_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`what`: MODULE:FUNCTION, FILE.py:FUNCTION, or several functions with commas, applied one after the other.

    The point comes from a file of arrays (`at`), from `shapes` of random numbers, or from a function (`point`). `dtype`
    is float32, float64 or None: as the point has it. `argnums` and `has_aux` are those of jax.jacobian; None: all
    arguments. With `vmap` the function takes one sample of the point. `torch`: arrays become tensors of PyTorch.
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
    """The same, if it can be meant; raises InputError."""
    _parts(target.what)
    given = [name for name in ("at", "shapes", "point") if getattr(target, name)]
    if len(given) != 1:
        msg = "give the point, in one way: --shape 1000, --at FILE.npz or --point MODULE:FUNCTION"
        raise InputError(msg)
    if target.point is not None:
        _parts(target.point)
    return target


def functions_of(target: Target) -> dict[str, Callable[..., Any]]:
    """The functions by name, in the order in which they are applied; raises InputError."""
    where, names = _parts(target.what)
    module = _module(where)
    return {name: _function(module, where, name) for name in names}


def point_of(target: Target, first: Callable[..., Any]) -> tuple[Any, ...]:
    """The arguments for `first`; raises InputError."""
    if not target.torch:
        return _arrays(target, first)
    import jax

    torch = _torch()
    args = _arrays(target, first)

    made: tuple[Any, ...] = jax.tree.map(lambda leaf: _tensor(leaf, torch) if _is_array(leaf) else leaf, args)
    return made


def _tensor(array: Any, torch: ModuleType) -> Any:  # noqa: ANN401 - an array of NumPy, a tensor
    """Of the array in this machine's byte order, without negative strides: PyTorch knows neither."""
    try:
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), order="C"))
    except TypeError:
        msg = f"--torch: an array of {array.dtype} cannot become a tensor: give floats, integers or booleans"
        raise InputError(msg) from None


def _torch() -> ModuleType:
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        msg = f"--torch: PyTorch cannot be imported ({error}); install it here, or leave --torch out"
        raise InputError(msg) from None


def _is_array(leaf: Any) -> bool:  # noqa: ANN401 - anything
    return isinstance(leaf, np.ndarray)


def _arrays(target: Target, first: Callable[..., Any]) -> tuple[Any, ...]:
    if target.shapes is not None:
        try:
            _check_free(8 * sum(math.prod(shape) for shape in target.shapes), "it")
        except MemoryError as error:
            msg = f"shape {' and '.join(','.join(map(str, shape)) for shape in target.shapes)}: {error}; take less"
            raise InputError(msg) from None
        rng = np.random.default_rng(target.seed)
        return tuple(rng.standard_normal(tuple(shape)).astype(_dtype(target)) for shape in target.shapes)
    if target.at is not None:
        return tuple(_cast(array, target) for array in _read(Path(target.at), first))
    return _made(str(target.point), target)


def _parts(text: str) -> tuple[str, list[str]]:
    """The module or file, and the names after the colon, each of which may have dots."""
    where, _, names = text.rpartition(":")
    found = [name.strip() for name in names.split(",")]
    named = all(part.isidentifier() for name in found for part in name.split("."))
    if not where or not named or len(set(found)) < len(found):
        msg = f"target {text!r}: write it as MODULE:FUNCTION or FILE.py:FUNCTION, stages as MODULE:f1,f2,f3"
        raise InputError(msg)
    return where, found


def _module(where: str) -> ModuleType:
    try:
        return _from_file(_file(where)) if where.endswith(".py") else importlib.import_module(where)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        from fwdrev.modes.functions.trace_errors import said, users_line

        if isinstance(error, ModuleNotFoundError) and f"{where}.".startswith(f"{error.name}."):
            msg = (
                f"no module named {error.name!r}: run it in the folder that has it, or name the file, FILE.py:FUNCTION"
            )
            raise InputError(msg) from None
        do = "it has to import without this command, too"
        if isinstance(error, ImportError) and "relative import" in str(error) and where.endswith(".py"):
            inside = Path(where).resolve()
            do = f"for relative imports name it as part of its package: in {inside.parent.parent}, "
            do += f"{inside.parent.name}.{inside.stem}:FUNCTION"
        msg = f"importing {where} fails: {said(error)}{users_line(error)}; {do}"
        raise InputError(msg) from None


def _file(where: str) -> Path:
    path = Path(where)
    if not path.is_file():
        msg = f"there is no file {path}: give MODULE:FUNCTION or FILE.py:FUNCTION"
        raise InputError(msg)
    return path.resolve()


@cache
def _from_file(path: Path) -> ModuleType:
    """Run once, however often it is named; its neighbours can be imported by it, as when it is run.

    A file of a package is imported as a part of that, so that it can import relatively.
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
        msg = f"{path} is no Python file"
        raise InputError(msg)
    sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, where: str, name: str) -> Callable[..., Any]:
    """What the name, which may have dots, stands for in the module."""
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
        msg = f"{where}:{name} is of type {type(found).__name__}: name a function"
        raise InputError(msg)
    function: Callable[..., Any] = found
    return function


def _read(path: Path, first: Callable[..., Any]) -> list[Any]:
    """The arrays of a file, in the order of the function's arguments."""
    try:
        with opened(path, text=False) as file:
            _check_format(file)
            _check_unpacked(file)
            loaded = np.load(file, allow_pickle=False)
            arrays = {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"arr_0": loaded}
    except Exception as error:  # noqa: BLE001 - of a damaged file, zipfile and NumPy raise what they come across
        msg = f"cannot read {path}: {' '.join(str(error).split())}; write it with numpy.savez, plain arrays only"
        raise InputError(msg) from None
    arrays = {name: _plain(array, f"{path}: {name}") for name, array in arrays.items()}
    numbered = [f"arr_{i}" for i in range(len(arrays))]
    if arrays and set(arrays) == set(numbered):
        return [arrays[name] for name in numbered]
    return _by_name(arrays, path, first)


def _check_format(file: BinaryIO) -> None:
    """NumPy takes anything else for pickled objects, and tells how to run the code in them."""
    if not file.read(6).startswith((b"PK", b"\x93NUMPY")):
        raise ValueError("it is neither an .npz file nor an .npy file")
    file.seek(0)


def _check_unpacked(file: BinaryIO) -> None:
    """Whether what an archive holds fits into memory: zeros are packed a thousand times smaller than they are."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            need = sum(member.file_size for member in archive.infolist())
        _check_free(need, "unpacked it")
    file.seek(0)


def _check_free(size: int, what: str) -> None:
    """Also for the copies that are made of it."""
    have = available_bytes()
    if have is not None and _COPIES * size > have:
        msg = f"{what} takes {size / 1e9:.3g} GB, {_COPIES} times over, and {have / 1e9:.3g} GB are free"
        raise MemoryError(msg)


def _plain(array: Any, where: str) -> Any:  # noqa: ANN401 - an array, or the bytes of another file in an archive
    """A single whole number, truth value or string as Python's own: it may be a size, or a name."""
    dtype = getattr(array, "dtype", None)
    if dtype is not None and array.ndim == 0 and dtype.kind in "biuUS":
        return array.item()
    if dtype is None or dtype.kind not in _WIDEST or dtype.itemsize > _WIDEST[dtype.kind]:
        msg = f"{where} is no array of plain numbers ({dtype}): write it as floats, integers or booleans"
        raise InputError(msg)
    return array.astype(dtype.newbyteorder("="))


def _by_name(arrays: Mapping[str, Any], path: Path, first: Callable[..., Any]) -> list[Any]:
    """Those that are named like parameters."""
    try:
        parameters = list(inspect.signature(first).parameters)
    except (TypeError, ValueError):
        parameters = []
    wanted = parameters[: len(arrays)]
    if not arrays or set(wanted) != set(arrays):
        have, takes = ", ".join(arrays) or "nothing", ", ".join(parameters) or "unnamed arguments"
        msg = f"{path} has {have}, the function takes {takes}: name the arrays like the arguments, or arr_0, arr_1, …"
        raise InputError(msg)
    return [arrays[name] for name in wanted]


def _made(point: str, target: Target) -> tuple[Any, ...]:
    """What the user's function returns: a tuple is several arguments."""
    import jax

    where, names = _parts(point)
    if len(names) > 1:
        msg = f"point {point!r}: name one function that returns the inputs"
        raise InputError(msg)
    make = _function(_module(where), where, names[0])
    try:
        made = make()
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        from fwdrev.modes.functions.trace_errors import said, users_line

        msg = f"{point} fails: {said(error)}{users_line(error)}; it is called without arguments and returns the inputs"
        raise InputError(msg) from None
    args: tuple[Any, ...] = jax.tree.map(lambda leaf: _cast(leaf, target), made if isinstance(made, tuple) else (made,))
    return args


def _cast(leaf: Any, target: Target) -> Any:  # noqa: ANN401 - an array, or what the user took for one
    """Floating-point numbers as they were asked for; anything else as it is."""
    if target.dtype is None or not hasattr(leaf, "dtype"):
        return leaf
    if hasattr(leaf, "is_floating_point"):  # a tensor of PyTorch
        return leaf.to(getattr(sys.modules["torch"], target.dtype)) if leaf.is_floating_point() else leaf
    import jax.numpy as jnp

    return leaf.astype(target.dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _dtype(target: Target) -> Any:  # noqa: ANN401 - a NumPy dtype
    """What JAX, or PyTorch, computes with, unless it was asked for another."""
    if target.dtype is not None:
        return np.dtype(target.dtype)
    if target.torch:
        return np.dtype(str(_torch().get_default_dtype()).removeprefix("torch."))
    import jax.numpy as jnp

    return jnp.zeros(0).dtype
