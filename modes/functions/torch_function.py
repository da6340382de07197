"""A function of PyTorch tensors at a point, and the ways to compute its Jacobian by torch.func.

    found = probe_torch(f, (x,))
    found.n, found.m
    torch_arms(found)["reverse"].code         # "torch.func.jacrev(f)"

This module never imports PyTorch: a program with a tensor has imported it. Nothing is compiled, and PyTorch does not
report the memory of a call on the processor.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import jax
import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.core.data import Json, Pytree
from fwdrev.modes.core.jacobians import Function, curried, numbers_of, selected
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.arguments import batch_of, checked_inputs, checked_numbers, first_sample, wide_axes
from fwdrev.modes.functions.candidates import CHUNKED, SMALL, Counted, FunctionArm, options_code
from fwdrev.modes.functions.checks import checked_outputs, checked_repeats, without_aux
from fwdrev.modes.functions.jacobian_products import array_of
from fwdrev.modes.functions.probe import FunctionProbe, coarsest
from fwdrev.modes.functions.trace_errors import explained, failed

_BATCHED = 0.1
"""The share of a call's time that one of many batched passes takes: they share Python's overhead for each operation."""

_ENTRY = 1e-9
"""Seconds for each entry of a pass, which writes and reads it."""

_COPIES = 2
"""A factor on held memory: PyTorch stacks, splits and moves axes."""


def waiting(args: Sequence[Any]) -> Callable[[], object]:
    """A function that waits until the tensors' device has finished."""
    torch: Any = sys.modules["torch"]
    device = next((leaf.device for leaf in jax.tree.leaves(args) if isinstance(leaf, torch.Tensor)), None)
    if device is None or device.type == "cpu":
        return lambda: None
    if device.type == "cuda":
        return partial(torch.cuda.synchronize, device)
    wait: Callable[[], object] = getattr(torch, device.type).synchronize
    return wait


def probe_torch(
    function: Function,
    args: tuple[Pytree, ...],
    *,
    name: str = "f",
    argnums: Json = None,
    has_aux: bool = False,
    vmap: bool = False,
) -> FunctionProbe:
    """Probes a function at a point; costs two calls. See `probe_function`; raises InputError."""
    torch: Any = sys.modules["torch"]
    wanted = checked_numbers(argnums, len(args))
    numbers = numbers_of(wanted, args)
    checked_inputs(args, numbers, _check, "tensors")
    held = [i for i, arg in enumerate(args) if not all(map(torch.is_tensor, jax.tree.leaves(arg)))]
    axes = wide_axes(args, held, numbers) if vmap else ()
    batch = batch_of(args, axes) if vmap else None
    sample = first_sample(args, axes)
    leaves, tree = jax.tree.flatten(selected(wanted, sample))
    parts = [array_of(leaf) for leaf in leaves]
    cuts = np.cumsum([part.size for part in parts])[:-1]
    at = curried(function, wanted, sample, {})

    def value(v: AnyArray) -> Vector:
        given = [
            torch.as_tensor(piece.reshape(leaf.shape).astype(float), dtype=leaf.dtype, device=leaf.device)
            for piece, leaf in zip(np.split(np.asarray(v), cuts), leaves, strict=True)
        ]
        outputs = without_aux(at(jax.tree.unflatten(tree, given)), name, has_aux=has_aux)
        return np.concatenate([np.ravel(array_of(leaf)) for leaf in jax.tree.leaves(outputs)])

    def called() -> Pytree:
        return explained(
            lambda: jax.tree.map(_numpy, without_aux(function(*sample), name, has_aux=has_aux)), name, failed
        )

    first = called()
    sizes = checked_outputs(first, name)
    began = perf_counter()
    second = called()
    call_seconds = perf_counter() - began
    checked_repeats(first, second, name, "draw random numbers before it is called")
    return FunctionProbe(
        name=name,
        function=function,
        args=args,
        argnums=wanted,
        has_aux=has_aux,
        axes=axes,
        batch=batch,
        x=np.concatenate([part.ravel() for part in parts]),
        value=value,
        shapes=(sizes, tuple(part.size for part in parts)),
        device=str(leaves[0].device),
        precision=coarsest(part.dtype for part in [*parts, *jax.tree.leaves(first)]),
        framework="torch",
        call_seconds=call_seconds,
    )


def torch_arms(found: FunctionProbe) -> dict[str, FunctionArm]:
    """Forward, reverse and, where the Jacobian has many rows, reverse in chunks."""
    arms = [_arm(found, "forward", "jacfwd"), _arm(found, "reverse", "jacrev")]
    chunk = _chunk(found)
    if chunk < found.m:
        arms.append(_arm(found, CHUNKED["reverse"], "jacrev", chunk))
    return {arm.name: arm for arm in arms}


def torch_costs(found: FunctionProbe) -> dict[str, Counted]:
    """The expected cost from entries and the time of a call: n or m passes over n + m numbers each."""
    n, m, batch = found.n, found.m, found.batch or 1

    def counted(passes: int, at_once: int) -> Counted:
        seconds = (1 + passes / at_once) * found.call_seconds
        seconds += passes * (_BATCHED * found.call_seconds + (n + m) * batch * _ENTRY)
        entries = at_once * (passes + n + m) + n * m  # seeds, their images, and the result
        return Counted(seconds=seconds, peak_bytes=_COPIES * entries * found.x.itemsize * batch)

    return {"forward": counted(n, n), "reverse": counted(m, m), CHUNKED["reverse"]: counted(m, min(m, _chunk(found)))}


def torch_free_bytes(found: FunctionProbe, available: int | None) -> int | None:
    """The available memory on the tensors' device, given that of the processor."""
    if found.device == "cpu":
        return available
    torch: Any = sys.modules["torch"]
    return int(torch.cuda.mem_get_info(found.device)[0]) if found.device.startswith("cuda") else None


def torch_idle(found: FunctionProbe) -> Callable[[], object]:
    """A nearly empty Jacobian: the least that a call costs."""
    torch: Any = sys.modules["torch"]
    x = torch.zeros(1, device=found.device)
    return partial(_finished(torch.func.jacrev(lambda x: x + 1), (x,)), x)


def _chunk(found: FunctionProbe) -> int:
    """The number of cotangents at a time; each holds at least as many numbers as there are inputs and outputs."""
    row = (found.n + found.m) * found.x.itemsize * (found.batch or 1)
    return 1 << max(0, (SMALL // row).bit_length() - 1)


def _arm(found: FunctionProbe, name: str, transform: str, chunk: int | None = None) -> FunctionArm:
    options = options_code(found) + (f", chunk_size={chunk}" if chunk else "")
    code = f"torch.func.{transform}({found.name}{options})"
    if found.batch is not None:
        code = f"torch.func.vmap({code}{f', in_dims={found.axes}' if None in found.axes else ''})"

    def program() -> Function:
        func: Any = sys.modules["torch"].func
        chosen = {} if chunk is None else {"chunk_size": chunk}
        jacobian = getattr(func, transform)(found.function, found.argnums, has_aux=found.has_aux, **chosen)
        if found.batch is not None:
            jacobian = func.vmap(jacobian, in_dims=found.axes)
        return _finished(jacobian, found.args)

    return FunctionArm(name=name, code=code, program=program)


def _finished(jacobian: Function, args: tuple[Any, ...]) -> Function:
    """The function, waiting for the device of its arguments."""
    wait = waiting(args)

    def finished(*args: Pytree) -> Pytree:
        J = jacobian(*args)
        wait()
        return J

    return finished


def _check(place: str, leaf: Pytree) -> None:
    """Refuse anything but a tensor of floating-point numbers."""
    tensor = isinstance(leaf, sys.modules["torch"].Tensor)
    if not tensor or not leaf.is_floating_point():
        kind = str(leaf.dtype) if tensor else f"of type {type(leaf).__name__}"
        msg = f"{place} is {kind}: give tensors of floating-point numbers, or leave it out of argnums (--argnums)"
        raise InputError(msg)
    if leaf.element_size() == 1:
        msg = f"{place} is {leaf.dtype}, which is too coarse to check a derivative: give float16, bfloat16 or wider"
        raise InputError(msg)


def _numpy(leaf: Pytree) -> Pytree:
    if not isinstance(leaf, sys.modules["torch"].Tensor):
        return leaf
    if leaf.is_floating_point() and leaf.element_size() == 1:
        msg = f"an output is {leaf.dtype}, which is too coarse to check a derivative: return float16, bfloat16 or wider"
        raise InputError(msg)
    return array_of(leaf)
