"""`fwdrev.jacobian`: a drop-in for jax.jacobian that uses forward mode where that is cheaper.

    J = fwdrev.jacobian(f)(x)                             # what jax.jacobian(f)(x) returns
    print(fwdrev.jacobian(f).explain(x))                  # which mode, and why
    J = fwdrev.jacobian(f, decide="measure")(x)           # by the clock instead of by counts
    J = fwdrev.jacobian([encode, decode], mode="mixed")(x)

Like jax.jacobian it does not compile: put jax.jit around what it returns.
"""

from collections.abc import Sequence
from functools import wraps
from typing import Any, Protocol, SupportsIndex, runtime_checkable

from fwdrev.api.choices import Chooser
from fwdrev.api.jax_jacobian import JaxJacobian
from fwdrev.api.mode_choice import AUTO, FORWARD, MIXED, REVERSE, ModeChoice
from fwdrev.api.torch_jacobian import TorchJacobian
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Function, checked_argnums, checked_chunk
from fwdrev.modes.errors import unknown
from fwdrev.modes.functions.staged import checked_stages, composed
from fwdrev.modes.functions.torch_products import has_tensors

_MODES = (AUTO, FORWARD, REVERSE, MIXED)

_DECISIONS = ("count", "measure")


@runtime_checkable
class JacobianFunction(Protocol):
    """The result of `jacobian`: a function of the arguments of `fun`."""

    def __call__(self, *args: Pytree, **kwargs: Pytree) -> Pytree:
        """The Jacobian."""
        ...

    def explain(self, *args: Pytree, **kwargs: Pytree) -> ModeChoice:
        """The mode for a call with these arguments, the expected costs of each mode, and the reason."""
        ...


def jacobian(
    fun: Function | Sequence[Function],
    argnums: SupportsIndex | Sequence[SupportsIndex] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    *,
    mode: str = AUTO,
    chunk: int | None = None,
    decide: str = "count",
) -> JacobianFunction:
    """The Jacobian of `fun` with respect to the arguments `argnums`, as jax.jacobian returns it, by the cheaper mode.

    `mode`: "forward" (jax.jacfwd), "reverse" (jax.jacrev), "mixed", or "auto": chosen at the first call for each
    combination of shapes, dtypes and values of other arguments. `fun` may be a sequence of stages, the first to be
    called first; "mixed" needs stages, and "auto" then chooses among three modes. `chunk`: tangents or cotangents at
    a time.

    `decide`: "count" traces `fun` once and counts operations; nothing is timed and nothing written. "measure" compiles
    and times the modes that counts leave open, for at most two calls of reverse mode and a second, and
    keeps the result in the user's cache folder. Either way, reverse mode, which is jax.jacobian, gives way only to a
    mode that fits beside it (1.25 times the memory and 200 MB) and agrees with it in one product, which costs a
    pass of each at the first call. Under jit, vmap or grad, counts decide, unless an earlier call outside did.

    For PyTorch tensors, the Jacobian is that of torch.func.jacrev or jacfwd; the numbers of entries decide, for
    which `fun` runs once more, and twice more if forward mode is chosen.

    The result has a method `explain(*args)`: the mode, the expected costs of each mode, and the reason.

    Raises InputError for an unknown mode or way to decide, a bad chunk, and stages that are not functions; when
    called, whatever jax.jacobian raises.
    """
    if mode not in _MODES:
        raise unknown("mode", mode, _MODES)
    if decide not in _DECISIONS:
        raise unknown("way to decide", decide, _DECISIONS)
    stages = None if callable(fun) and mode != MIXED else checked_stages(fun)
    f: Function = composed(stages) if stages is not None else fun  # type: ignore[assignment]  # checked above
    options: dict[str, Any] = {"mode": mode, "chunk": checked_chunk(chunk), "decide": decide}
    options |= {"has_aux": has_aux, "holomorphic": holomorphic, "allow_int": allow_int}
    numbers = checked_argnums(argnums)
    return automatic(f, JaxJacobian(f, numbers, stages=stages, **options), TorchJacobian(f, numbers, **options))


def automatic(f: Function, of_arrays: Chooser, of_tensors: Chooser) -> JacobianFunction:
    """Passes each call to the Jacobian of JAX or of PyTorch, by its arguments."""

    @wraps(f)
    def jacobian(*args: Pytree, **kwargs: Pytree) -> Pytree:
        return (of_tensors if has_tensors(args, kwargs) else of_arrays)(args, kwargs)

    def explain(*args: Pytree, **kwargs: Pytree) -> ModeChoice:
        return (of_tensors if has_tensors(args, kwargs) else of_arrays).explain(args, kwargs)

    jacobian.explain = explain  # type: ignore[attr-defined]  # a function with a method
    return jacobian  # type: ignore[return-value]
