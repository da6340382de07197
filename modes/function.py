"""A user's JAX function at a point, as a function of one vector.

    found = flat_function(f, (x,))
    found.n, found.m                    # numbers in all inputs, and in all outputs
    found.value(found.x)                # the outputs as one vector
    found.matrix(jax.jacfwd(f)(x))      # that Jacobian as one matrix (m, n)

What cannot be differentiated, or not be measured, is refused with one line that says what to change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.arrays import AnyArray, Matrix, Vector
from fwdrev.modes.errors import InputError
from fwdrev.modes.function_errors import failed, untraceable
from fwdrev.modes.jacobians import Function

__all__ = [
    "FlatFunction",
    "Function",
    "array_of",
    "batch_of",
    "check_stages",
    "checked_outputs",
    "checked_repeats",
    "flat_function",
    "where",
]

_REPEATED = {2: 1e-1, 4: 1e-5, 8: 1e-12}
"""By bytes of a number: how far two calls may differ, relatively. A GPU may add in another order."""

_COMPILED = {2: 1.0, 4: 5e-2, 8: 1e-4}
"""The same between a call that is compiled and one that is not: XLA reorders sums, and a long recursion lets
rounding errors grow."""


_KEYED = "random numbers on a key of jax.random that is the same each time"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlatFunction:
    """A function and the arguments at which its Jacobian is asked for; n inputs, m outputs.

    `value`, compiled, takes a vector like `x` (n,), all inputs in one, to all outputs in one (m,). With `batch` the
    arguments have a leading axis of that length; then `x`, n and m are those of one sample, the first. `framework` is
    "jax" or "torch".
    """

    name: str
    function: Function
    args: tuple[Any, ...]
    batch: int | None
    x: Vector
    m: int
    value: Callable[[AnyArray], AnyArray]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    device: str
    framework: str = "jax"

    @property
    def n(self) -> int:
        """The inputs."""
        return self.x.size

    @property
    def argnums(self) -> int | tuple[int, ...]:
        """All arguments, as JAX counts them."""
        return 0 if len(self.args) == 1 else tuple(range(len(self.args)))

    def matrix(self, J: Any) -> Matrix:  # noqa: ANN401 - a pytree
        """A Jacobian as JAX returns it, of the first sample where there is a batch, as one matrix (m, n)."""
        leaves = jax.tree.leaves(J, is_leaf=_is_sparse)
        blocks = [array_of(leaf) for leaf in leaves]
        if self.batch is not None:
            blocks = [block[0] for block in blocks]
        outputs, inputs = self.shapes
        grid = [block.reshape(outputs[i // len(inputs)], -1) for i, block in enumerate(blocks)]
        rows = [grid[i : i + len(inputs)] for i in range(0, len(grid), len(inputs))]
        return np.block(rows)


def flat_function(
    function: Function, args: tuple[Any, ...], *, name: str = "f", vmap: bool = False, run: bool = True
) -> FlatFunction:
    """Look at a function at a point; costs three calls and a compilation, or a trace unless `run`.

    `vmap`: the function takes one sample, and all arrays of `args` have a leading axis of samples. What only shows when
    the function runs, NaN and whether two calls agree, is not looked at unless `run`. Raises InputError.
    """
    args = jax.tree.map(jnp.asarray, _checked_inputs(args))
    batch = batch_of([leaf.shape for leaf in jax.tree.leaves(args)]) if vmap else None
    sample = args if batch is None else jax.tree.map(lambda a: a[0], args)
    x, unravel = ravel_pytree(sample)

    def of_vector(v: AnyArray) -> AnyArray:
        return ravel_pytree(function(*unravel(v)))[0]

    value = jax.jit(of_vector)
    outputs = _outputs_of_calls(function, sample, value, x, name) if run else _outputs_of_trace(function, sample, name)
    shapes = outputs, tuple(int(leaf.size) for leaf in jax.tree.leaves(sample))
    return FlatFunction(
        name=name,
        function=function,
        args=args,
        batch=batch,
        x=np.asarray(x),
        m=sum(outputs),
        value=value,
        shapes=shapes,
        device=jax.devices()[0].platform,
    )


def check_stages(found: FlatFunction, composed: Function) -> None:
    """Refuse stages that return more or fewer numbers than the function; the rest shows in their Jacobians."""
    if found.framework != "jax" or found.batch is not None:
        return
    m = sum(_outputs_of_trace(composed, found.args, "the function of the stages"))
    if m != found.m:
        msg = f"the stages return {m} numbers and {found.name} {found.m}: give stages that make up the function"
        raise InputError(msg)


def _outputs_of_calls(
    function: Function, sample: tuple[Any, ...], value: Callable[[AnyArray], AnyArray], x: AnyArray, name: str
) -> tuple[int, ...]:
    """The sizes of the outputs, which are the same in two calls and in a compiled one."""
    first = _called(function, sample, name)
    sizes = checked_outputs(first, name)
    checked_repeats(first, _called(function, sample, name), name)
    try:
        compiled = np.asarray(value(x))
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(untraceable(name, error)) from None
    _check_compiled(compiled, np.asarray(ravel_pytree(first)[0]), name)
    return sizes


def _outputs_of_trace(function: Function, sample: tuple[Any, ...], name: str) -> tuple[int, ...]:
    """The sizes of the outputs, as JAX sees them."""
    try:
        return checked_outputs(jax.eval_shape(function, *sample), name)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(untraceable(name, error)) from None


def _checked_inputs(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """All of them finite floating-point numbers."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(args):
        place = where("argument", path)
        if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, int, complex)):
            msg = f"{place} is of type {type(leaf).__name__}: give arrays of floating-point numbers"
            raise InputError(msg)
        if isinstance(leaf, jax.core.Tracer):
            msg = f"{place} is traced: under jit, vmap or grad there is no time to be taken; ask outside of them"
            raise InputError(msg)
        _check_floating(place, leaf)
        if not np.all(np.isfinite(np.asarray(leaf, dtype=float))):
            msg = f"{place} has NaN or infinity in it: give a point at which all numbers are finite"
            raise InputError(msg)
    if not sum(np.size(leaf) for leaf in jax.tree.leaves(args)):
        msg = "the arguments have no numbers in them: give arrays with at least one"
        raise InputError(msg)
    return args


def _check_floating(place: str, leaf: Any) -> None:  # noqa: ANN401 - an array or a number
    dtype = jnp.result_type(leaf)
    if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize > 1:
        return
    if jnp.issubdtype(dtype, jnp.floating):
        msg = f"{place} is {dtype}, which is too coarse to check a derivative: give float16, bfloat16 or wider"
        raise InputError(msg)
    if jnp.issubdtype(dtype, jnp.complexfloating):
        msg = f"{place} is {dtype}: complex derivatives are not measured; split it into real and imaginary parts"
    else:
        msg = (
            f"{place} is {dtype}, which has no derivative: give floating-point numbers, or bind it by functools.partial"
        )
    raise InputError(msg)


def batch_of(shapes: Sequence[tuple[int, ...]]) -> int:
    """The length of the axis that all arrays share."""
    lengths = {shape[0] if shape else None for shape in shapes}
    if len(lengths) == 1 and (length := lengths.pop()):
        return int(length)
    told = ", ".join(map(str, shapes))
    msg = f"vmap: the inputs have shapes {told}; all of them need the same leading axis, of at least one sample"
    raise InputError(msg)


def _called(function: Function, args: tuple[Any, ...], name: str) -> Any:  # noqa: ANN401 - what the user's code returns
    try:
        return function(*args)
    except jax.errors.UnexpectedTracerError as error:
        raise InputError(untraceable(name, error)) from None
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(failed(name, error)) from None


def checked_outputs(outputs: Any, name: str) -> tuple[int, ...]:  # noqa: ANN401 - what the user's code returns
    """The sizes of the arrays of a pytree, all of which are finite floating-point numbers."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(outputs):
        place = where(f"the output of {name}", path, whole=not path)
        traced = isinstance(leaf, jax.ShapeDtypeStruct)
        if not traced and not isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, int, complex)):
            msg = f"{place} is of type {type(leaf).__name__}: return arrays only"
            raise InputError(msg)
        dtype = jnp.result_type(leaf)
        if not jnp.issubdtype(dtype, jnp.floating):
            msg = f"{place} is {dtype}, which has no derivative here: return real floating-point numbers"
            raise InputError(msg)
        if not traced and not np.all(np.isfinite(np.asarray(leaf, dtype=float))):
            msg = f"{place} is NaN or infinite at the given point: give a point at which the function is defined"
            raise InputError(msg)
    sizes = tuple(int(np.size(leaf)) for leaf in jax.tree.leaves(outputs))
    if not sum(sizes):
        msg = f"{name} returns no numbers: return at least one"
        raise InputError(msg)
    return sizes


def checked_repeats(first: Any, second: Any, name: str, keyed: str = _KEYED) -> None:  # noqa: ANN401 - pytrees
    """Refuse a function of which two calls at the same point differ; `keyed`: what its random numbers should do."""
    same = bool(jax.tree.structure(first) == jax.tree.structure(second))  # type: ignore[operator] # of a PyTreeDef
    if same and not _differ(ravel_pytree(first)[0], ravel_pytree(second)[0], _REPEATED):
        return
    msg = (
        f"two calls of {name} at the same point differ: it is random or has side effects; let it depend on its "
        f"arguments only, and {keyed}"
    )
    raise InputError(msg)


def _check_compiled(compiled: Vector, first: Vector, name: str) -> None:
    if _differ(compiled, first, _COMPILED):
        msg = (
            f"{name} returns something else under jax.jit than without: it reads or changes something besides its "
            "arguments, or is unstable at this point; let it depend on its arguments only"
        )
        raise InputError(msg)


def _differ(one: AnyArray, other: AnyArray, tolerances: dict[int, float]) -> bool:
    a, b = (np.asarray(values, dtype=float) for values in (one, other))
    if a.shape != b.shape:
        return True
    allowed = tolerances[min(8, np.asarray(other).dtype.itemsize)]
    return bool(np.max(np.abs(a - b)) > allowed * np.max(np.abs(b)))


def where(what: str, path: Any, *, whole: bool = False) -> str:  # noqa: ANN401 - JAX's keys
    """`argument 0['w']`: an argument has its number, an output its place in what is returned."""
    if whole:
        return what
    if what == "argument":
        return f"argument {path[0].idx}{jax.tree_util.keystr(path[1:])}"
    return f"{what}{jax.tree_util.keystr(path)}"


def array_of(leaf: Any) -> AnyArray:  # noqa: ANN401 - an array of JAX, sparse or not, or a tensor of PyTorch
    """As NumPy has it, with JAX's bfloat16 where PyTorch has that."""
    if _is_sparse(leaf):
        return np.asarray(leaf.todense())
    if not hasattr(leaf, "detach"):
        return np.asarray(leaf)
    tensor = leaf.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        return np.asarray(tensor.float().numpy(), jnp.bfloat16)
    return np.asarray(tensor)


def _is_sparse(leaf: Any) -> bool:  # noqa: ANN401 - anything
    return hasattr(leaf, "todense")
