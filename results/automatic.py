"""`fwdrev.jacobian`: a drop-in for jax.jacobian that finds out which mode is the cheaper one for each shape.

    J = fwdrev.jacobian(f)(x)                             # what jax.jacobian(f)(x) returns
    J = fwdrev.jacobian(f, decide="count")(x)             # by counts alone: nothing is measured, nothing is written
    J = fwdrev.jacobian([encode, decode], mode="mixed")(x)

Like jax.jacobian it does not compile: put jax.jit around what it returns.
"""

import sys
from collections.abc import Sequence
from functools import wraps
from typing import Any

from fwdrev.modes.errors import unknown
from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, Pytree, checked_chunk
from fwdrev.modes.jax_stages import checked_stages, composed
from fwdrev.modes.torch_function import has_tensors
from fwdrev.results.choosing import DECISIONS, Chooser
from fwdrev.results.torch_jacobians import TorchJacobian

__all__ = ["AUTO", "automatic", "jacobian"]

AUTO = "auto"

_MODES = (AUTO, *(str(one) for one in (Direction.FORWARD, Direction.REVERSE, Direction.MIXED)))


def jacobian(
    fun: Function | Sequence[Function],
    argnums: Argnums = 0,
    has_aux: bool = False,  # noqa: FBT001, FBT002 - the signature is that of jax.jacobian
    holomorphic: bool = False,  # noqa: FBT001, FBT002
    allow_int: bool = False,  # noqa: FBT001, FBT002
    *,
    mode: str = AUTO,
    chunk: int | None = None,
    decide: str = "measure",
) -> Function:
    """The Jacobian of `fun` with respect to the arguments `argnums`, as jax.jacobian returns it, by a mode that suits.

    `mode`: "forward" (jax.jacfwd), "reverse" (jax.jacrev), "mixed", or "auto": the fastest, found at the first call for
    each combination of shapes and dtypes. `fun` may be a sequence of stages, the first to be called first; "mixed"
    needs one, and "auto" then has three modes to choose from. `chunk`: tangents or cotangents at a time.

    `decide`: "measure" compiles the modes that are in question and times them for a third of a second; the outcome is
    kept in the user's cache folder. "count" compares what is counted and runs nothing. Under jit, vmap or grad nothing
    can be measured: what an earlier call found out is looked up, and else counts decide. A mode that JAX refuses, as
    reverse mode through a while_loop, is not taken.

    Of PyTorch's tensors the Jacobian is that of torch.func.jacfwd or jacrev; there, counts are those of inputs and
    outputs, for which the function is called once.

    Raises InputError for an unknown mode or way to decide, a chunk that is no size, and what are no stages.
    """
    _check(mode, decide, chunk)
    stages = None if callable(fun) and mode != Direction.MIXED else checked_stages(fun)
    f: Function = composed(stages) if stages is not None else fun  # type: ignore[assignment]  # checked above
    options = {"has_aux": has_aux, "holomorphic": holomorphic, "allow_int": allow_int}
    chooser = Chooser(f, argnums, stages=stages, chunk=chunk, decide=decide, **options)
    of_tensors = TorchJacobian(f, argnums, mode=mode, chunk=chunk, decide=decide, **options)
    if mode == AUTO:
        return automatic(f, chooser, of_tensors)
    return _named(f, chooser.by_mode[mode], of_tensors)


def _check(mode: str, decide: str, chunk: int | None) -> None:
    if mode not in _MODES:
        raise unknown("mode", mode, _MODES)
    if decide not in DECISIONS:
        raise unknown("way to decide", decide, DECISIONS)
    checked_chunk(chunk)


def _named(f: Function, chosen: Function, of_tensors: Function) -> Function:
    @wraps(f)
    def jacobian(*args: Any, **kwargs: Any) -> Pytree:  # noqa: ANN401 - whatever f takes
        if "torch" in sys.modules and has_tensors(args):
            return of_tensors(*args, **kwargs)
        return chosen(*args, **kwargs)

    return jacobian


def automatic(f: Function, chooser: Chooser, of_tensors: Function) -> Function:
    """The Jacobian that asks the chooser at each call."""

    @wraps(f)
    def jacobian(*args: Any, **kwargs: Any) -> Pytree:  # noqa: ANN401 - whatever f takes
        if "torch" in sys.modules and has_tensors(args):
            return of_tensors(*args, **kwargs)
        return chooser.chosen(args, kwargs)(*args, **kwargs)

    return jacobian
