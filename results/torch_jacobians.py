"""Jacobians of PyTorch's functions by torch.func, in the mode that is the faster one; PyTorch is never imported here.

Whoever has a tensor has imported it.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from fwdrev.modes.errors import InputError
from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, Pytree, selected
from fwdrev.modes.torch_function import waiting
from fwdrev.results.fastest import fastest, median_seconds

__all__ = ["TorchJacobian"]

_FORWARD, _REVERSE = str(Direction.FORWARD), str(Direction.REVERSE)


class TorchJacobian:
    """A function of what `f` takes."""

    def __init__(
        self,
        f: Function,
        argnums: Argnums,
        *,
        mode: str,
        chunk: int | None,
        decide: str,
        has_aux: bool,
        holomorphic: bool,
        allow_int: bool,
    ) -> None:
        self._f, self._mode, self._chunk, self._decide, self._has_aux = f, mode, chunk, decide, has_aux
        self._argnums = argnums if isinstance(argnums, int) else tuple(argnums)
        self._refused = [name for name, on in (("holomorphic", holomorphic), ("allow_int", allow_int)) if on]
        self._known: dict[Any, Function] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Pytree:  # noqa: ANN401 - whatever f takes
        """The Jacobian as torch.func returns it; raises InputError for what torch.func cannot do."""
        leaves, tree = jax.tree.flatten((args, kwargs))
        key = tree, tuple((x.shape, x.dtype, x.device) if hasattr(x, "device") else type(x) for x in leaves)
        if key not in self._known:
            self._known[key] = self._chosen(args, kwargs)
        return self._known[key](*args, **kwargs)

    def _chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Function:
        if self._refused:
            msg = f"{self._refused[0]}=True with tensors of PyTorch: torch.func has no such option; leave it out"
            raise InputError(msg)
        if self._mode == Direction.MIXED:
            msg = "mode 'mixed' with tensors of PyTorch: only functions of JAX have it; take 'forward' or 'reverse'"
            raise InputError(msg)
        whole = self._chunk is None or _entries(selected(self._argnums, args)) <= self._chunk
        if self._mode == _FORWARD and not whole:
            msg = f"chunk={self._chunk} with mode 'forward' and tensors of PyTorch: torch.func.jacfwd has no chunks"
            raise InputError(f"{msg}; take mode 'reverse' or leave it out")
        if self._mode in {_FORWARD, _REVERSE}:
            return self._by(self._mode)
        if not whole:
            return self._by(_REVERSE)
        return self._by(self._measured(args, kwargs) if self._decide == "measure" else self._fewer(args, kwargs))

    def _by(self, mode: str) -> Function:
        func = sys.modules["torch"].func
        if mode == Direction.REVERSE:
            return func.jacrev(self._f, self._argnums, has_aux=self._has_aux, chunk_size=self._chunk)  # type: ignore[no-any-return]
        return func.jacfwd(self._f, self._argnums, has_aux=self._has_aux)  # type: ignore[no-any-return]

    def _measured(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """By the clock; a mode that fails is not taken, and where both do the user sees why."""
        wait = waiting(args)
        arms = {mode: _call(self._by(mode), args, kwargs, wait) for mode in (_FORWARD, _REVERSE)}
        working = {mode: call for mode, call in arms.items() if _works(call)}
        if len(working) < len(arms):
            return next(iter(working), _REVERSE)
        try:
            return fastest(median_seconds(working))
        except Exception:  # noqa: BLE001 - no memory; whatever it is, the user sees it when the Jacobian is computed
            return self._fewer(args, kwargs)

    def _fewer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Forward mode where there are fewer inputs than outputs; an error of f passes through."""
        value = self._f(*args, **kwargs)
        inputs, outputs = selected(self._argnums, args), value[0] if self._has_aux else value
        return _FORWARD if _entries(inputs) < _entries(outputs) else _REVERSE


def _works(call: Function) -> bool:
    try:
        call()
    except Exception:  # noqa: BLE001 - a derivative rule that is not there, or an error of f
        return False
    return True


def _entries(tree: Pytree) -> int:
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def _call(f: Function, args: Sequence[Any], kwargs: Mapping[str, Any], wait: Function) -> Function:
    def call() -> None:
        f(*args, **kwargs)
        wait()

    return call
