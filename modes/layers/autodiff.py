"""`AutodiffLayer`: a layer that gives its value only; its Jacobians are jax.jvp and jax.vjp of that.

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
    """A step without derivatives of its own; a subclass is a frozen dataclass with its sizes and its `value`.

    For an engine it is a black box, as `JaxLayer` is: operations are what XLA's analysis says, not an exact count.
    """

    __slots__ = ()

    @abstractmethod
    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """x^{k+1}, (n_out,), by functions of `x.__array_namespace__()`, so that NumPy can compute it as JAX does.

        A formula that is analytic takes complex x and θ as well: then a complex step checks its Jacobian.
        """

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> Linearization:
        """Compiles on first use."""
        from fwdrev.modes.layers.jax_linearization import JaxLinearization

        return JaxLinearization(self, dtype)


Traced = AutodiffLayer
"""Its earlier name."""
