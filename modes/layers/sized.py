"""Layers whose sizes are fields, for layers whose sizes do not follow from their constants."""

from dataclasses import dataclass, field

from fwdrev.modes.core.layer import Layer
from fwdrev.modes.layers.autodiff import AutodiffLayer


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizedLayer(Layer):
    """n_in inputs, n_out outputs and n_params parameters; a subclass adds its constants, its value and Jacobians."""

    n_in: int = field()  # without field(), the property of Layer would become the default
    n_out: int = field()
    n_params: int = 0


class Formula(SizedLayer, AutodiffLayer):
    """A sized layer differentiated by JAX; a subclass adds constants and a value."""

    __slots__ = ()
