"""The engine that does nothing: its time is the overhead of calling and timing."""

import numpy as np

from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost
from fwdrev.modes.core.engine import Direction, Engine, Jacobian


class Noop(Engine):
    """Returns the same zeros at every call."""

    __slots__ = ()

    name = "null"
    summary = "does nothing: measures the overhead of measuring"
    direction = Direction.NONE
    computes = False

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """One (m, N) array of zeros."""
        zeros = np.zeros((chain.n_out, chain.n_columns(Wrt(wrt))), chain.dtype)
        return lambda _x, _theta: zeros

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """No work; holds only the zeros."""
        held = chain.n_out * chain.n_columns(Wrt(wrt)) * chain.dtype.itemsize
        return EngineCost(multiply_adds=0, passes=0, bytes_moved=0, peak_bytes=held)
