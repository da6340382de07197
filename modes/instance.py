"""An instance of a problem: a chain and a point, made from a name, dimensions, a seed and options.

    p = problem("driven", n=256, m=64)
    p.chain, p.x, p.theta, p.n, p.m

What n counts, a problem says itself: the parameters of `driven`, the inputs of `mlp` and `autoencoder`.
"""

from dataclasses import dataclass

from fwdrev.modes.arrays import Vector
from fwdrev.modes.chain import Chain

__all__ = ["LARGEST", "Problem"]

LARGEST = 10**6
"""No size may be larger: with a layer of 64, a problem of 10⁶ inputs has constants of half a gigabyte."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A chain, and the point (x, θ) at which its Jacobian is asked for; n inputs, m outputs."""

    name: str
    chain: Chain
    x: Vector
    theta: Vector
    n: int

    @property
    def m(self) -> int:
        """The outputs."""
        return self.chain.n_out
