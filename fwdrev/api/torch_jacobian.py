"""Jacobians of functions of PyTorch tensors by torch.func, in a chosen mode.

This module never imports PyTorch: a program with a tensor has imported it. It counts no operations: the numbers of
entries decide, for which the function runs once more at the first call, with copies of its other arguments; the state
of the random generators is restored afterwards.
"""

import sys
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from fwdrev.api.choices import Chooser, Chosen, Key
from fwdrev.api.fastest import Arm, winner
from fwdrev.api.mode_choice import AUTO, FORWARD, MIXED, REVERSE, ModeChoice
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Function, present, selected
from fwdrev.modes.errors import InputError, Raised, attempt
from fwdrev.modes.functions.torch_function import waiting
from fwdrev.modes.functions.torch_products import TorchPoint, copies, entries, generators_kept, is_nested, torch_pytree

_PASS = 1.5
"""The cost of a tangent in cotangents. It was 1.2 in the mean over functions with 100 to 300 passes each way, up to 1.6
with 1.5 times as many outputs as inputs, where jacfwd just took as long as jacrev (PyTorch 2.13, one thread of an
Intel Xeon, 2026-11-29; `benchmarks/torch_passes.py`)."""

_QUESTIONABLE = 3.0
"""The ratio of passes beyond which the clock is not used."""


class TorchJacobian(Chooser):
    """The Jacobians of one function of tensors; torch.func has none of the `options` of jax.jacobian."""

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian as torch.func returns it; raises InputError for options that torch.func lacks."""
        if self._mode != AUTO or any(self._options.values()):
            self._check(args)
            return self._by(self._mode)(*args, **kwargs)
        if sys.modules["torch"].compiler.is_compiling():
            return self._by(self._in_graph(args, kwargs))(*args, **kwargs)
        return self._jacobian(self._chosen(args, kwargs), args, kwargs)

    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice that a call with these arguments follows; decides now if none was made before."""
        self._check(args)
        if self._mode == AUTO:
            return self._chosen(args, kwargs).choice
        return ModeChoice(mode=self._mode, reason="asked for by its name")

    def _check(self, args: Sequence[Any]) -> None:
        if refused := [name for name, on in self._options.items() if on]:
            raise InputError(f"{refused[0]}=True with tensors of PyTorch: torch.func has no such option; leave it out")
        if self._mode == MIXED:
            msg = "mode 'mixed' with tensors of PyTorch: only functions of JAX have it; take 'forward' or 'reverse'"
            raise InputError(msg)
        if self._mode != FORWARD or not present(self._argnums, args):
            return
        if not self._whole(entries(selected(self._argnums, args))):
            msg = f"chunk={self._chunk} with mode 'forward' and tensors of PyTorch: torch.func.jacfwd has no chunks"
            raise InputError(f"{msg}; take mode 'reverse' or leave it out")

    def _whole(self, n: int) -> bool:
        """Whether a chunk is as large as all tangents."""
        return self._chunk is None or n <= self._chunk

    def _by(self, mode: str) -> Function:
        func = sys.modules["torch"].func
        if mode == REVERSE:
            return func.jacrev(self._f, self._argnums, has_aux=self._has_aux, chunk_size=self._chunk)  # type: ignore[no-any-return]
        number = self._argnums
        if isinstance(number, int) and number < 0:  # for which jacfwd returns zeros
            return lambda *args: func.jacfwd(self._f, number + len(args), has_aux=self._has_aux)(*args)
        return func.jacfwd(self._f, self._argnums, has_aux=self._has_aux)  # type: ignore[no-any-return]

    def _in_graph(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """The sizes, for torch.compile, which drops the call from the graph, since only sizes are used."""
        if self._refused_by_torch(args, kwargs) is not None:
            return REVERSE
        value = self._f(*args)
        n, m = entries(selected(self._argnums, args)), entries(value[0] if self._has_aux else value)
        return FORWARD if self._whole(n) and n * _PASS < m else REVERSE

    def _glance(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen | None:
        """The same as `_key`, for tensors only."""
        kinds = tuple([(arg.shape, arg.dtype, arg.device, arg.requires_grad) for arg in args])
        return None if kwargs else self._known.of((None, kinds, sys.modules["torch"].is_grad_enabled()))

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key:
        """The kind of an argument: tensors by the properties that affect the modes' results, others by value."""
        torch: Any = sys.modules["torch"]
        leaves, tree = (args, None) if not kwargs else torch_pytree().tree_flatten((args, kwargs))
        if not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
            leaves, tree = torch_pytree().tree_flatten((args, kwargs))
        return Key.of(tree, [_kind(torch.Tensor, leaf) for leaf in leaves], torch.is_grad_enabled())

    def _traced(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        return is_nested(args)

    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ModeChoice, Hashable, bool]:
        final = not is_nested(args)
        refused = self._refused_by_torch(args, kwargs)
        if refused is not None:
            return ModeChoice(reason=refused), None, final
        with generators_kept(args) as random:
            at = TorchPoint(self._f, self._argnums, args, has_aux=self._has_aux)
            ran = attempt(at.run_backwards)
            if isinstance(ran, Raised):  # the user sees the error when the Jacobian is computed
                return ModeChoice(reason=f"reverse mode fails ({type(ran.error).__name__})"), None, final
            if random():
                return ModeChoice(reason="torch.func.jacfwd refuses random numbers"), at.outputs, final
            choice = self._weighed(at)
            if choice.mode != REVERSE and self._contradicted and not final:
                choice = choice.reversed("at an earlier call the modes gave different values")
            if self._decide == "measure" and final:
                choice = self._measured(choice, at, args)
            if choice.mode != REVERSE and final:
                choice = _confirmed(choice, at)
            return choice, at.outputs, final

    def _refused_by_torch(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """The reason why torch.func.jacrev refuses these arguments, or treats them specially; None otherwise."""
        if kwargs:
            return "torch.func takes no keyword arguments"
        if not present(self._argnums, args):
            return "argnums names an argument that is not there"
        if not isinstance(self._argnums, int) and min(self._argnums, default=0) < 0:
            return "torch.func.jacrev does not count several arguments from the end"
        return None

    def _weighed(self, at: TorchPoint) -> ModeChoice:
        """Decides by the numbers of entries."""
        n, m = at.n, at.m
        sizes = {FORWARD: at.itemsize * (n * n + n * m), REVERSE: at.itemsize * (m * m + n * m)}
        if at.kinds != {at.real_kind}:
            return ModeChoice(reason="inputs and outputs are not of one floating-point type", bytes=sizes)
        if not self._whole(n):
            return ModeChoice(reason="torch.func.jacfwd has no chunks", bytes=sizes)
        forward = n * _PASS < m
        close = n * _PASS <= _QUESTIONABLE * m and m <= _QUESTIONABLE * n * _PASS
        return ModeChoice(
            mode=FORWARD if forward else REVERSE,
            reason=f"{n} tangents at {_PASS:g} cotangents each are {'' if forward else 'no '}less than {m} cotangents",
            bytes=sizes,
            in_question=(FORWARD, REVERSE) if close else (),
        )

    def _measured(self, choice: ModeChoice, at: TorchPoint, args: Sequence[Any]) -> ModeChoice:
        """Decides by the clock if the modes are close; by the numbers of entries if one fails."""
        if not choice.in_question:
            return choice
        wait, args = waiting(args), copies(args)

        def arm(mode: str) -> Arm:
            jacobian = self._by(mode)
            return lambda: lambda: (jacobian(*args), wait())

        arms = {mode: arm(mode) for mode in choice.in_question}
        return winner(choice, arms, {FORWARD: at.n * _PASS, REVERSE: at.m}, "both")


def _confirmed(choice: ModeChoice, at: TorchPoint) -> ModeChoice:
    """The choice, or reverse mode if forward mode does not give the same result, equally differentiable."""
    found = attempt(at.products)
    if isinstance(found, Raised):
        return choice.confirmed(found)
    products, kinds = found
    if len(kinds) > 1:
        return choice.reversed("the modes' results differ in dtype, or in what requires a gradient")
    return choice.confirmed(products)


def _kind(tensor: type[Any], leaf: Pytree) -> tuple[Any, Any]:
    """The exact kind and the family kind of an argument."""
    if isinstance(leaf, tensor):
        kind = leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
        return kind, kind
    return (type(leaf), leaf), type(leaf)
