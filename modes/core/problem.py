"""An instance of a problem: a chain and a point, made from a name, dimensions, a seed and options.

    p = problem("driven", n=256, m=64)
    p.chain, p.x, p.theta, p.n, p.m

The problem defines what n counts: the parameters of `driven`, the inputs of `mlp` and `autoencoder`.
"""

from dataclasses import dataclass

import numpy as np

from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.layer import Layer
from fwdrev.modes.errors import InputError

LARGEST = 10**6
"""The largest size: with a layer of 64, a problem of 10⁶ inputs already has constants of half a gigabyte."""

_LARGEST_OPTION = 10_000
"""The largest depth, width or number of parts: a square matrix of that size takes 800 MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A chain and the point (x, θ) at which to differentiate it; n inputs, m outputs."""

    name: str
    chain: Chain
    x: Vector
    theta: Vector
    n: int

    @property
    def m(self) -> int:
        """m, the number of outputs."""
        return self.chain.n_out

    def __repr__(self) -> str:
        """One line without arrays, for notebooks."""
        return f"<problem {self.name}: n = {self.n}, m = {self.m}, {len(self.chain.layers)} layers, {self.chain.dtype}>"


def of_inputs(name: str, x: Vector, *layers: Layer) -> Problem:
    """A problem without parameters: n counts the entries of x."""
    return Problem(name=name, chain=Chain(layers, x.dtype), x=x, theta=np.zeros(0, x.dtype), n=x.size)


def positive(**options: int) -> None:
    """Raise InputError unless the option is a whole number from 1 to 10 000."""
    for name, given in options.items():
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _LARGEST_OPTION:
            raise InputError(f"{name} = {given!r}: give a whole number from 1 to {_LARGEST_OPTION}")
