"""`JaxLayer`: any function that JAX can trace, as a layer; push is jax.jvp, pull is jax.vjp.

A black-box function is a chain of one such layer: then `forward` is n pushes and `reverse` is m pulls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import jax
import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.errors import InputError
from fwdrev.modes.layers.autodiff import AutodiffLayer

Function = Callable[[AnyArray, AnyArray], AnyArray]


@dataclass(frozen=True)
class JaxLayer(AutodiffLayer):
    """x^{k+1} = function(x, θ) for vectors of `inputs` and of `params` entries; the function returns a vector."""

    function: Function
    inputs: int
    params: int = 0

    @property
    def n_in(self) -> int:
        """The number of entries of x."""
        return self.inputs

    @property
    def n_params(self) -> int:
        """The number of entries of θ."""
        return self.params

    @cached_property
    def n_out(self) -> int:
        """The number of outputs, found by tracing the function; raises InputError unless it returns a vector."""
        shapes = (np.empty(size, np.float32) for size in (self.inputs, self.params))
        out = jax.eval_shape(self.function, *shapes)
        if not isinstance(out, jax.ShapeDtypeStruct) or len(out.shape) != 1:
            raise InputError(f"the function of a JaxLayer returns {out}: let it return one vector")
        return int(out.shape[0])

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """function(x, θ)."""
        return self.function(x, theta)
