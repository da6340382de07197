"""A function of PyTorch tensors at a point: its outputs, and one product of its Jacobian by each mode.

    at = TorchPoint(f, 0, (x,), has_aux=False)
    at.run_backwards()                           # calls f; now at.n and at.m are known
    products, _ = at.products()                  # calls f once more, forwards
    products.agree

This module never imports PyTorch: a program with a tensor has imported it.
"""

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Argnums, Function, curried, numbers_of, selected
from fwdrev.modes.functions.product_check import Products, compared, directions


def has_tensors(args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> bool:
    """Whether a PyTorch tensor is among the arguments, or in a container that PyTorch knows."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "Tensor"):
        return False
    if any(isinstance(arg, torch.Tensor) for arg in args):  # first, since torch.compile looks into this function
        return True
    if not kwargs and all(hasattr(arg, "aval") for arg in args):  # JAX arrays
        return False
    return any(isinstance(leaf, torch.Tensor) for leaf in torch_pytree().tree_leaves((tuple(args), dict(kwargs or {}))))


def torch_pytree() -> ModuleType:
    """PyTorch's own pytree module, which torch.func follows; PyTorch 2.5 has no public name for it."""
    return sys.modules["torch.utils._pytree"]


class TorchPoint:
    """A function at a point, run backwards once; then the facts about its outputs."""

    def __init__(self, f: Function, argnums: Argnums, args: Sequence[Any], *, has_aux: bool) -> None:
        pytree = torch_pytree()
        self._leaves, tree = pytree.tree_flatten(selected(argnums, args))
        held = [None if i in numbers_of(argnums, args) else arg for i, arg in enumerate(args)]

        def of(*leaves: Pytree) -> tuple[Pytree, ...]:
            # torch.func lets a function change its arguments and the tensors that it makes, and no others
            at = curried(f, argnums, copies(held), {})
            value = at(pytree.tree_unflatten(list(leaves), tree))
            return tuple(pytree.tree_leaves(value[0] if has_aux else value))

        self._of = of

    def run_backwards(self) -> None:
        """Calls the function to find its outputs; pulls nothing yet."""
        self._y, self._pull = sys.modules["torch"].func.vjp(self._of, *self._leaves)
        self.n, self.m = entries(self._leaves), entries(self._y)
        self.outputs = tuple((tuple(out.shape), out.dtype) for out in self._y)
        self.kinds = {leaf.dtype for leaf in (*self._leaves, *self._y)}
        self.real_kind = next((kind for kind in self.kinds if kind.is_floating_point), None)
        self.itemsize = max((leaf.element_size() for leaf in self._leaves), default=1)

    def products(self) -> tuple[Products, set[tuple[Any, bool]]]:
        """J v and uᵀ J side by side; their dtypes, and which of them would be differentiated further.

        The tangent is pushed as one of a batch, as torch.func.jacfwd does: there other dtypes may come out.
        """
        torch: Any = sys.modules["torch"]
        v, u = _directions(self._leaves), _directions(self._y)
        pulled = self._pull(u)
        push = torch.func.vmap(lambda *v: torch.func.jvp(self._of, tuple(self._leaves), v)[1])
        pushed = [tangent[0] for tangent in push(*(tensor[None] for tensor in v))]
        arrays = [[tensor.detach().cpu().double().numpy() for tensor in each] for each in (u, pushed, pulled, v)]
        return compared(*arrays, real_bytes=self.itemsize), {
            (tensor.dtype, tensor.requires_grad) for tensor in (*pushed, *pulled)
        }


def _directions(like: Sequence[Any]) -> tuple[Any, ...]:
    """The directions: tensors of the shapes of these tensors."""
    torch = sys.modules["torch"]
    arrays = directions([tuple(t.shape) for t in like], ["float64"] * len(like))
    return tuple(torch.as_tensor(a).to(t) for a, t in zip(arrays, like, strict=True))


def entries(tree: Pytree) -> int:
    """The number of entries in the tensors of a tree."""
    return sum(math.prod(leaf.shape) for leaf in torch_pytree().tree_leaves(tree))


def is_nested(args: Sequence[Any]) -> bool:
    """Whether these are tensors of torch.func, inside vmap or another Jacobian, whose values are unknown."""
    torch: Any = sys.modules["torch"]
    wrapped = sys.modules["torch._C._functorch"].is_functorch_wrapped_tensor  # PyTorch has no public function for that
    leaves = torch_pytree().tree_leaves(tuple(args))
    return any(isinstance(leaf, torch.Tensor) and wrapped(leaf) for leaf in leaves)


def copies(args: Sequence[Any]) -> tuple[Any, ...]:
    """The tree with copies of all tensors, since a function may change them."""
    torch: Any = sys.modules["torch"]
    copied: tuple[Any, ...] = torch_pytree().tree_map_only(torch.Tensor, torch.clone, tuple(args))
    return copied


@contextmanager
def generators_kept(args: Sequence[Any]) -> Iterator[Callable[[], bool]]:
    """Restores the states of the random generators of the processor and of the tensors' devices.

    The function that it yields tells whether one of them has changed.
    """
    torch: Any = sys.modules["torch"]
    leaves = torch_pytree().tree_leaves(tuple(args))
    devices = {leaf.device for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.is_cuda}
    state = torch.get_rng_state()
    states = {device: torch.cuda.get_rng_state(device) for device in devices}

    def changed() -> bool:
        now = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, states)]
        return not all(map(torch.equal, now, [state, *states.values()]))

    try:
        yield changed
    finally:
        torch.set_rng_state(state)
        for device, each in states.items():
            torch.cuda.set_rng_state(each, device)
