"""A function of PyTorch's tensors at a point, and the ways to its Jacobian by torch.func.

    found = torch_function(f, (x,))
    found.n, found.m
    arms, left_out = torch_arms(found)
    arms["reverse"].code                      # "torch.func.jacrev(f)"

PyTorch is never imported here: whoever has a tensor has imported it. Nothing is compiled, and PyTorch does not say what
memory a call on the processor takes.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from fwdrev.modes.arrays import AnyArray, Vector
from fwdrev.modes.errors import InputError
from fwdrev.modes.function import FlatFunction, Function, array_of, batch_of, checked_outputs, checked_repeats, where
from fwdrev.modes.function_arms import CHUNKED, SMALL, FunctionArm, argnums_code
from fwdrev.modes.function_errors import failed
from fwdrev.modes.interface import Direction

__all__ = ["has_tensors", "torch_arms", "torch_function", "torch_idle", "waiting"]


def has_tensors(args: Sequence[Any]) -> bool:
    """Whether a tensor of PyTorch is among the arguments, or in a container among them."""
    torch = sys.modules.get("torch")
    return torch is not None and any(isinstance(leaf, torch.Tensor) for leaf in jax.tree.leaves(args))


def waiting(args: Sequence[Any]) -> Callable[[], object]:
    """What waits until the device of the tensors has finished."""
    on_gpu = any(getattr(leaf, "is_cuda", False) for leaf in jax.tree.leaves(args))
    return sys.modules["torch"].cuda.synchronize if on_gpu else lambda: None


def torch_function(function: Function, args: tuple[Any, ...], *, name: str = "f", vmap: bool = False) -> FlatFunction:
    """Look at a function at a point; costs two calls. See `flat_function`; raises InputError."""
    leaves, tree = jax.tree.flatten(_checked(args))
    shapes = [tuple(leaf.shape) for leaf in leaves]
    batch = batch_of(shapes) if vmap else None
    if batch is not None:
        leaves = [leaf[0] for leaf in leaves]
    parts = [array_of(leaf) for leaf in leaves]
    torch: Any = sys.modules["torch"]
    cuts = np.cumsum([part.size for part in parts])[:-1]

    def value(v: AnyArray) -> Vector:
        pieces = np.split(np.asarray(v), cuts)
        given = [
            torch.as_tensor(piece.reshape(leaf.shape).astype(float), dtype=leaf.dtype, device=leaf.device)
            for piece, leaf in zip(pieces, leaves, strict=True)
        ]
        return _vector(function(*jax.tree.unflatten(tree, given)))

    first, second = (_called(function, jax.tree.unflatten(tree, leaves), name) for _ in range(2))
    outputs = checked_outputs(first, name)
    checked_repeats(first, second, name, "draw random numbers before it is called")
    return FlatFunction(
        name=name,
        function=function,
        args=args,
        batch=batch,
        x=np.concatenate([part.ravel() for part in parts]),
        m=sum(outputs),
        value=value,
        shapes=(outputs, tuple(part.size for part in parts)),
        device=str(leaves[0].device.type),
        framework="torch",
    )


def torch_arms(
    found: FlatFunction, stages: Mapping[str, Function] | None = None
) -> tuple[dict[str, FunctionArm], dict[str, str]]:
    """Forward, reverse and, where the Jacobian has many rows, reverse in chunks; why others are left out."""
    forward, reverse = Direction.FORWARD.value, Direction.REVERSE.value
    arms = {forward: _arm(found, forward, "jacfwd"), reverse: _arm(found, reverse, "jacrev")}
    row = (found.n + found.m) * found.x.itemsize * (found.batch or 1)  # at least that is held for each cotangent
    chunk = 1 << max(0, (SMALL // row).bit_length() - 1)
    if chunk < found.m:
        name = CHUNKED[Direction.REVERSE]
        arms[name] = _arm(found, name, "jacrev", chunk)
    return arms, {"mixed": "only functions of JAX have mixed mode"} if stages else {}


def torch_idle(found: FlatFunction) -> Callable[[], object]:
    """The Jacobian of next to nothing: what a call costs at least."""
    torch: Any = sys.modules["torch"]
    x = torch.zeros(1, device=found.device)
    return partial(_finished(torch.func.jacrev(lambda x: x + 1), (x,)), x)


def _arm(found: FlatFunction, name: str, transform: str, chunk: int | None = None) -> FunctionArm:
    options = argnums_code(found) + (f", chunk_size={chunk}" if chunk else "")
    code = f"torch.func.{transform}({found.name}{options})"

    def program() -> Function:
        func: Any = sys.modules["torch"].func
        chosen = {} if chunk is None else {"chunk_size": chunk}
        jacobian = getattr(func, transform)(found.function, found.argnums, **chosen)
        return _finished(jacobian if found.batch is None else func.vmap(jacobian), found.args)

    return FunctionArm(name=name, code=code if found.batch is None else f"torch.func.vmap({code})", program=program)


def _finished(jacobian: Function, args: tuple[Any, ...]) -> Function:
    """The same, waiting for the device of those arguments."""
    wait = waiting(args)

    def finished(*args: Any) -> Any:  # noqa: ANN401 - tensors
        J = jacobian(*args)
        wait()
        return J

    return finished


def _checked(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """All of them tensors of finite floating-point numbers."""
    torch: Any = sys.modules["torch"]
    for path, leaf in jax.tree_util.tree_leaves_with_path(args):
        place = where("argument", path)
        if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
            kind = str(leaf.dtype) if isinstance(leaf, torch.Tensor) else f"of type {type(leaf).__name__}"
            msg = f"{place} is {kind}: give tensors of floating-point numbers, and bind others by functools.partial"
            raise InputError(msg)
        if not np.all(np.isfinite(array_of(leaf))):
            msg = f"{place} has NaN or infinity in it: give a point at which all numbers are finite"
            raise InputError(msg)
    if not sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(args)):
        msg = "the arguments have no numbers in them: give tensors with at least one"
        raise InputError(msg)
    return args


def _called(function: Function, args: tuple[Any, ...], name: str) -> Any:  # noqa: ANN401 - a pytree of arrays
    try:
        return jax.tree.map(_numpy, function(*args))
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(failed(name, error)) from None


def _numpy(leaf: Any) -> Any:  # noqa: ANN401 - a tensor, or what the user took for one
    return array_of(leaf) if isinstance(leaf, sys.modules["torch"].Tensor) else leaf


def _vector(outputs: Any) -> Vector:  # noqa: ANN401 - a pytree of tensors
    return np.concatenate([np.ravel(array_of(leaf)) for leaf in jax.tree.leaves(outputs)])
