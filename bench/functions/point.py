"""The point that the options of `fwdrev advise` describe: a file, shapes, or a function of the user's."""

import importlib
import inspect
import math
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from fwdrev.bench.functions.target import Target, function_of, parts_of
from fwdrev.bench.machine.memory import available_bytes
from fwdrev.bench.records.given_file import opened
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.errors import InputError, Raised, attempt

_COPIES = 3
"""The copies of a point in memory: as read, as the arms' array, and as one vector."""

_WIDEST = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16}
"""The bytes of a number in JAX and PyTorch, by kind."""


def point_of(target: Target, first: Callable[..., Any]) -> tuple[Any, ...]:
    """The arguments for the function `first`; raises InputError."""
    if not target.torch:
        return _arrays(target, first)
    import jax

    torch = _torch()
    args = _arrays(target, first)
    made: tuple[Any, ...] = jax.tree.map(partial(_tensor, torch=torch), args)
    return made


def _tensor(array: Pytree, torch: ModuleType) -> Pytree:
    """An array in this machine's byte order, without negative strides, which PyTorch lacks. Other values unchanged."""
    if not isinstance(array, np.ndarray):
        return array
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


def _arrays(target: Target, first: Callable[..., Any]) -> tuple[Any, ...]:
    if target.shapes is not None:
        _check_shapes(target.shapes, target, first)
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


def _check_shapes(shapes: Sequence[Sequence[int]], target: Target, first: Callable[..., Any]) -> None:
    """One for each argument; raises InputError, which a call with too many or too few would not say as clearly."""
    try:
        signature = inspect.signature(first)
    except (TypeError, ValueError):  # some functions in C have none
        return
    try:
        signature.bind(*shapes)
    except TypeError:
        _, names = parts_of(target.what)
        known = ", ".join(signature.parameters) or "no arguments"
        given = f"--shape is given {len(shapes)} time{'s' * (len(shapes) > 1)}"
        msg = f"{given}, and {names[0]} takes {known}: give one for each argument"
        stages = f" of {names[0]}, the first stage; every other stage takes what the one before it returns"
        raise InputError(msg + (stages if len(names) > 1 else "")) from None


def _read(path: Path, first: Callable[..., Any]) -> list[Any]:
    """Reads the arrays of a file, in the order of the function's arguments."""
    loaded = attempt(partial(_loaded, path))
    if isinstance(loaded, Raised):  # for a damaged file, zipfile and NumPy raise many kinds of errors
        msg = f"cannot read {path}: {' '.join(str(loaded.error).split())}; write it with numpy.savez, plain arrays only"
        raise InputError(msg)
    arrays = {name: _plain(array, f"{path}: {name}") for name, array in loaded.items()}
    numbered = [f"arr_{i}" for i in range(len(arrays))]
    if arrays and set(arrays) == set(numbered):
        return [arrays[name] for name in numbered]
    return _by_name(arrays, path, first)


def _loaded(path: Path) -> dict[str, Any]:
    with opened(path, text=False) as file:
        if not file.read(6).startswith((b"PK", b"\x93NUMPY")):  # otherwise NumPy takes it for a pickle and reports that
            raise ValueError("it is neither an .npz file nor an .npy file")
        file.seek(0)
        _check_unpacked(file)
        loaded = np.load(file, allow_pickle=False)
        return {name: loaded[name] for name in loaded.files} if hasattr(loaded, "files") else {"arr_0": loaded}


def _check_unpacked(file: BinaryIO) -> None:
    """Check that an archive's content fits into memory: zeros shrink a thousandfold when packed."""
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            need = sum(member.file_size for member in archive.infolist())
        _check_free(need, "unpacked it")
    file.seek(0)


def _check_free(size: int, what: str) -> None:
    """Check that the point and its copies fit into memory."""
    have = available_bytes()
    if have is not None and _COPIES * size > have:
        raise MemoryError(f"{what} takes {size / 1e9:.3g} GB, {_COPIES} times over, and {have / 1e9:.3g} GB are free")


def _plain(array: Pytree, where: str) -> Pytree:
    """Turns a single whole number, truth value or string into Python's own: it may be a size, or a name."""
    dtype = getattr(array, "dtype", None)
    if dtype is not None and array.ndim == 0 and dtype.kind in "biuUS":
        return array.item()
    if dtype is None or dtype.kind not in _WIDEST or dtype.itemsize > _WIDEST[dtype.kind]:
        raise InputError(f"{where} is no array of plain numbers ({dtype}): write it as floats, integers or booleans")
    return array.astype(dtype.newbyteorder("="))


def _by_name(arrays: Mapping[str, Any], path: Path, first: Callable[..., Any]) -> list[Any]:
    """The arrays named like parameters, in their order."""
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
    """Calls the user's function; a tuple means several arguments."""
    import jax

    where, names = parts_of(point)
    if len(names) > 1:
        raise InputError(f"point {point!r}: name one function that returns the inputs")
    made = attempt(function_of(where, names[0]))
    if isinstance(made, Raised):
        from fwdrev.modes.functions.trace_errors import said, users_line

        why = f"{said(made.error)}{users_line(made.error)}"
        raise InputError(f"{point} fails: {why}; it is called without arguments and returns the inputs")
    args: tuple[Any, ...] = jax.tree.map(lambda leaf: _cast(leaf, target), made if isinstance(made, tuple) else (made,))
    return args


def _cast(leaf: Pytree, target: Target) -> Pytree:
    """Converts floating-point numbers to the requested type; leaves others unchanged."""
    if target.dtype is None or not hasattr(leaf, "dtype"):
        return leaf
    if hasattr(leaf, "is_floating_point"):  # a PyTorch tensor
        return leaf.to(getattr(sys.modules["torch"], target.dtype)) if leaf.is_floating_point() else leaf
    import jax.numpy as jnp

    return leaf.astype(target.dtype) if jnp.issubdtype(leaf.dtype, jnp.floating) else leaf


def _dtype(target: Target) -> np.dtype[Any]:
    """The dtype that the user chose, or the one in which JAX or PyTorch computes by default."""
    if target.dtype is not None:
        return np.dtype(target.dtype)
    if target.torch:
        return np.dtype(str(_torch().get_default_dtype()).removeprefix("torch."))
    import jax.numpy as jnp

    return jnp.zeros(0).dtype
