"""What pushing and pulling through the stages of a function costs, in seconds that counts let expect."""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

from fwdrev.modes.bracketing.search import Costs
from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.layer import Layer
from fwdrev.modes.core.prices import Number
from fwdrev.modes.jaxpr.cost import RATES, cost_of

__all__ = ["StageCosts"]


class StageCosts(Costs):
    """Of layers without parameters: what the value takes once, and what each seed adds."""

    def __init__(self, chain: Chain, dtype: Any) -> None:  # noqa: ANN401 - any dtype
        self.n = [chain.n_in, *(layer.n_out for layer in chain.layers)]
        self.p = [0] * len(chain.layers)
        self._dtype = dtype
        self._push = cache(lambda k: self._line(_pushes(chain.layers[k]), lambda q: (self.n[k], q), k))
        self._pull = cache(lambda k: self._line(_pulls(chain.layers[k]), lambda r: (r, self.n[k + 1]), k))

    def push(self, k: int, q: int) -> Number:
        """By jax.linearize."""
        value, seed = self._push(k)
        return value + q * seed

    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        """By jax.vjp."""
        value, seed = self._pull(k)
        return value + r * seed

    def dense(self, k: int, *, x: bool, theta: bool) -> Number:
        """By whichever takes fewer seeds, as JaxLayer forms it."""
        if self.n[k] > self.n[k + 1]:
            return self.pull(k, self.n[k + 1], x=x, theta=theta)
        return self.push(k, self.n[k])

    def multiply(self, rows: int, inner: int, columns: int) -> Number:
        """One product, by the same rates."""
        product = 2 * rows * inner * columns * RATES["flops"] + rows * columns * RATES["products"]
        return product + inner * (rows + columns) * RATES["operands"] + RATES["product calls"]

    def _line(
        self, program: Callable[..., Any], shape: Callable[[int], tuple[int, int]], k: int
    ) -> tuple[float, float]:
        """What none and each seed costs, from the counts of one and of two; infinite where JAX refuses that mode."""
        try:
            one, two = (cost_of(program, self._array((self.n[k],)), self._array(shape(q))).seconds for q in (1, 2))
        except Exception:  # noqa: BLE001 - whatever a stage raises, the user sees it when the Jacobian is computed
            return math.inf, 0.0
        seed = max(two - one, 0.0)
        return max(one - seed - RATES["calls"], 0.0), seed  # all stages are one call

    def _array(self, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - stands for an array of that shape
        return jax.ShapeDtypeStruct(shape, self._dtype)  # type: ignore[no-untyped-call]


def _pushes(layer: Layer) -> Callable[[AnyArray, AnyArray], AnyArray]:
    def push(x: AnyArray, V: AnyArray) -> AnyArray:
        _, linear = jax.linearize(lambda x: layer.value(x, jnp.zeros(0)), x)
        return jax.vmap(linear, in_axes=1, out_axes=1)(V)

    return push


def _pulls(layer: Layer) -> Callable[[AnyArray, AnyArray], AnyArray]:
    def pull(x: AnyArray, U: AnyArray) -> AnyArray:
        _, transposed = jax.vjp(lambda x: layer.value(x, jnp.zeros(0)), x)
        return jax.vmap(transposed)(U)

    return pull
