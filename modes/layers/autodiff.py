"""`AutodiffLayer`: a layer that defines only its value; JAX differentiates it by jax.jvp and jax.vjp.

    @dataclass(frozen=True, slots=True, eq=False)
    class Springs(AutodiffLayer):
        stiffness: AnyArray

        ...                              # n_in, n_out and, where there are parameters, n_params, as properties

        def value(self, x, theta):
            return self.stiffness * x**3

Its fields that are NumPy arrays go to the compiled program as arguments, so that another seed does not compile anew.
"""

from abc import abstractmethod
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order
from fwdrev.modes.core.layer import Layer, Linearization


class AutodiffLayer(Layer):
    """A step without its own derivatives; a subclass is a frozen dataclass with sizes and a `value`.

    For an engine it is a black box, like `JaxLayer`: its operations come from XLA's analysis and are not exact.
    """

    __slots__ = ()

    @abstractmethod
    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """x^{k+1}, (n_out,), by functions of `x.__array_namespace__()`, so that NumPy can compute it as JAX does.

        An analytic formula also takes complex x and θ, so that a complex step can check its Jacobian.
        """

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> Linearization:
        """Compiles on first use."""
        from fwdrev.modes.layers.jax_linearization import JaxLinearization

        return JaxLinearization(self, dtype)


Traced = AutodiffLayer
"""The earlier name of `AutodiffLayer`."""
