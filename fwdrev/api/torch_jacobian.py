"""Jacobians of functions of PyTorch's tensors by torch.func, in the mode that is chosen.

PyTorch is never imported here: a program that has a tensor has imported it. Operations are not counted: the numbers of
entries decide, for which the function is run once more at the first call, with copies of its other arguments; the state
of the random generators is put back afterwards.
"""

import sys
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fwdrev.api.choices import REVERSE, Choices, Chosen, Key, ModeChoice
from fwdrev.api.fastest import Arm, raced
from fwdrev.api.mode_choice import AUTO, USER, contradiction
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.jacobians import Argnums, Function, Pytree, present, selected
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.torch_function import waiting
from fwdrev.modes.functions.torch_products import TorchPoint, copies, entries, generators_kept, is_nested, torch_pytree

__all__ = ["TorchJacobian"]

_FORWARD = str(Direction.FORWARD)

_PASS = 1.5
"""Cotangents that a tangent weighs. It was 1.2 in the mean over functions with 100 to 300 passes each way, up to 1.6
with half as many outputs again as inputs: there jacfwd only just took as long as jacrev (PyTorch 2.13, one thread of an
Intel Xeon, 2026-11-29; `benchmarks/torch_passes.py`)."""

_QUESTIONABLE = 3.0
"""Times fewer passes: beyond, the clock is not asked."""


class TorchJacobian:
    """The Jacobians of one function, and what was chosen for which arguments."""

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
        self._argnums = argnums
        self._refused = [name for name, on in (("holomorphic", holomorphic), ("allow_int", allow_int)) if on]
        self._known, self._provisional = Choices(), Choices()
        self._contradicted = False

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian as torch.func returns it; raises InputError for what torch.func cannot do."""
        if self._mode != AUTO or self._refused:
            self._check(args)
            return self._by(self._mode)(*args, **kwargs)
        torch = sys.modules["torch"]
        if torch.compiler.is_compiling():
            return self._by(self._in_graph(args, kwargs))(*args, **kwargs)
        try:  # as `_key` has it for tensors alone
            kinds = tuple([(arg.shape, arg.dtype, arg.device, arg.requires_grad) for arg in args])
            chosen = None if kwargs else self._known.of((None, kinds, torch.is_grad_enabled()))
        except AttributeError:
            chosen = None
        chosen = self._chosen(args, kwargs) if chosen is None else chosen
        if chosen.choice.mode == REVERSE:
            return chosen.function(*args, **kwargs)
        try:
            return chosen.function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, torch.func.jacrev may not raise it
            failed = f"{_FORWARD} mode failed ({type(error).__name__})"
        J = self._by(REVERSE)(*args, **kwargs)
        self._known.keep(self._key(args, kwargs), self._chosen_by(ModeChoice(mode=REVERSE, reason=failed)))
        return J

    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice that a call with these arguments follows; decides now if none was made before."""
        self._check(args)
        if self._mode == AUTO:
            return self._chosen(args, kwargs).choice
        return ModeChoice(mode=self._mode, reason="asked for by its name")

    def _check(self, args: Sequence[Any]) -> None:
        if self._refused:
            msg = f"{self._refused[0]}=True with tensors of PyTorch: torch.func has no such option; leave it out"
            raise InputError(msg)
        if self._mode == Direction.MIXED:
            msg = "mode 'mixed' with tensors of PyTorch: only functions of JAX have it; take 'forward' or 'reverse'"
            raise InputError(msg)
        if (
            self._mode == _FORWARD
            and present(self._argnums, args)
            and not self._whole(entries(selected(self._argnums, args)))
        ):
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
        if isinstance(number, int) and number < 0:  # of which jacfwd makes zeros
            return lambda *args: func.jacfwd(self._f, number + len(args), has_aux=self._has_aux)(*args)
        return func.jacfwd(self._f, self._argnums, has_aux=self._has_aux)  # type: ignore[no-any-return]

    def _in_graph(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """For torch.compile, which drops the call of the function from the graph again, since only sizes are used."""
        if self._refused_by_torch(args, kwargs) is not None:
            return REVERSE
        value = self._f(*args)
        n, m = entries(selected(self._argnums, args)), entries(value[0] if self._has_aux else value)
        return _FORWARD if self._whole(n) and n * _PASS < m else REVERSE

    def _chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen:
        key = self._key(args, kwargs)
        known = self._known.find(key)
        if known is not None:
            return known
        nested = is_nested(args)
        known = self._provisional.find(key) if nested else None
        if known is not None:
            return known
        choice, outputs = self._decided(args, kwargs, nested=nested)
        chosen = self._chosen_by(choice, outputs)
        (self._provisional if nested else self._known).keep(key, chosen)
        if choice.contradicted:
            self._contradicted, self._provisional = True, Choices()
            warnings.warn(contradiction(self._f, choice), stacklevel=USER - 1)
        return chosen

    def _chosen_by(self, choice: ModeChoice, outputs: Hashable = None) -> Chosen:
        return Chosen(function=self._by(choice.mode), choice=choice, outputs=outputs)

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key | None:
        """Tensors by what decides about the modes' results, anything else by its value."""
        torch = sys.modules["torch"]
        try:
            leaves, tree = (args, None) if not kwargs else torch_pytree().tree_flatten((args, kwargs))
            if not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
                leaves, tree = torch_pytree().tree_flatten((args, kwargs))
            kinds = [_kind(torch, leaf) for leaf in leaves]
        except Exception:  # noqa: BLE001 - containers of users
            return None
        return Key.of(tree, kinds, torch.is_grad_enabled())

    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, nested: bool) -> tuple[ModeChoice, Hashable]:
        """The choice, and what decides of the outputs."""
        refused = self._refused_by_torch(args, kwargs)
        if refused is not None:
            return ModeChoice(mode=REVERSE, reason=refused), None
        with generators_kept(args) as random:
            at = TorchPoint(self._f, self._argnums, args, has_aux=self._has_aux)
            try:
                at.run_backwards()
            except Exception as error:  # noqa: BLE001 - whatever f raises, the user sees it when the Jacobian is computed
                return ModeChoice(mode=REVERSE, reason=f"reverse mode fails ({type(error).__name__})"), None
            if random():
                return ModeChoice(mode=REVERSE, reason="torch.func.jacfwd refuses random numbers"), at.outputs
            choice = self._weighed(at)
            if choice.mode != REVERSE and nested and self._contradicted:
                choice = replace(choice, mode=REVERSE, reason="at an earlier call the modes gave different values")
            if self._decide == "measure" and not nested:
                choice = self._measured(choice, at, args)
            return choice if choice.mode == REVERSE or nested else _confirmed(choice, at), at.outputs

    def _refused_by_torch(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str | None:
        """What torch.func.jacrev raises an error for, or does in its own way."""
        if kwargs:
            return "torch.func takes no keyword arguments"
        if not present(self._argnums, args):
            return "argnums names an argument that is not there"
        if not isinstance(self._argnums, int) and min(self._argnums, default=0) < 0:
            return "torch.func.jacrev does not count several arguments from the end"
        return None

    def _weighed(self, at: "TorchPoint") -> ModeChoice:
        """By the numbers of entries."""
        n, m = at.n, at.m
        sizes = {_FORWARD: at.itemsize * (n * n + n * m), REVERSE: at.itemsize * (m * m + n * m)}
        if at.kinds != {at.real_kind}:
            return ModeChoice(mode=REVERSE, reason="inputs and outputs are not of one floating-point type", bytes=sizes)
        if not self._whole(n):
            return ModeChoice(mode=REVERSE, reason="torch.func.jacfwd has no chunks", bytes=sizes)
        forward = n * _PASS < m
        close = n * _PASS <= _QUESTIONABLE * m and m <= _QUESTIONABLE * n * _PASS
        return ModeChoice(
            mode=_FORWARD if forward else REVERSE,
            reason=f"{n} tangents at {_PASS:g} cotangents each are {'' if forward else 'no '}less than {m} cotangents",
            bytes=sizes,
            in_question=(_FORWARD, REVERSE) if close else (),
        )

    def _measured(self, choice: ModeChoice, at: "TorchPoint", args: Sequence[Any]) -> ModeChoice:
        """By the clock; where a mode fails, by the numbers of entries."""
        if not choice.in_question:
            return choice
        wait, args = waiting(args), copies(args)

        def arm(mode: str) -> Arm:
            jacobian = self._by(mode)
            return lambda: lambda: (jacobian(*args), wait())

        try:
            seconds = raced({mode: arm(mode) for mode in choice.in_question}, {_FORWARD: at.n * _PASS, REVERSE: at.m})
        except Exception:  # noqa: BLE001 - no rule, no memory; the user sees it when the Jacobian is computed
            return choice
        if len(seconds) < len(choice.in_question):
            return replace(choice, measured=seconds, reason=f"{choice.reason}; measuring both would take too long")
        mode = min(seconds, key=seconds.__getitem__)
        return replace(choice, mode=mode, measured=seconds, reason="measured to be the fastest")


def _confirmed(choice: ModeChoice, at: TorchPoint) -> ModeChoice:
    """The choice, or reverse mode where forward mode does not give the same, and as much of it to differentiate."""
    try:
        found, further = at.products()
    except Exception as error:  # noqa: BLE001 - an operation without tangents
        return replace(choice, mode=REVERSE, reason=f"the modes cannot be compared ({type(error).__name__})")
    if len(further) > 1:
        return replace(
            choice, mode=REVERSE, reason="the modes' results differ in dtype, or in what requires a gradient"
        )
    return choice if found.agree else choice.refuted(found)


def _kind(torch: Any, leaf: Any) -> tuple[Any, Any]:  # noqa: ANN401 - the module, and any leaf
    if isinstance(leaf, torch.Tensor):
        kind = leaf.shape, leaf.dtype, leaf.device, leaf.requires_grad
        return kind, kind
    return (type(leaf), leaf), type(leaf)
