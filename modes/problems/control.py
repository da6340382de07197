"""`control`: a motion rolled out by Runge–Kutta steps, one control per step; the controls are the parameters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.core.linear_map import Full
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.core.scan import scan
from fwdrev.modes.errors import unknown
from fwdrev.modes.layers.driven import Driven
from fwdrev.modes.layers.sized import SizedLayer
from fwdrev.modes.problems.dynamics import MOTIONS, Motion
from fwdrev.modes.problems.sampling import Precision, Rng, matrix, vector

_STAGES = np.array([[0, 1 / 6], [1 / 2, 1 / 3], [1 / 2, 1 / 3], [1, 1 / 6]])
"""For each stage: how far it goes along the last stage's slope, in steps, and its weight."""


def control(n: int, m: int, rng: Rng, dtype: Precision, *, system: str = "cart-pole") -> Problem:
    """A rollout of cart-pole or lotka-volterra: n steps with a control each, m sensors that read the final state.

    A chain of n Runge–Kutta steps of fourth order, θ^k the control of step k and x the initial state, then the sensors
    tanh(C x + c). The state is small (4 numbers or 2): the Jacobian goes through a waist at every step, and has no
    higher rank. Cart and pole begin with the pole hanging nearly at rest; their step is 0.02 s, that of the fish 0.1.
    """
    found = MOTIONS.get(str(system))
    if found is None:
        raise unknown("system", system, MOTIONS)
    steps = (RungeKutta(n_in=found.states, n_out=found.states, n_params=1, motion=found),) * n
    sensors = Driven(matrix(rng, m, found.states, dtype), np.empty((m, 0), dtype), 0.1 * vector(rng, m, dtype))
    x, theta = found.start(rng).astype(dtype), found.controls(rng, n).astype(dtype)
    return Problem(name="control", chain=Chain((*steps, sensors), dtype), x=x, theta=theta, n=n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RungeKutta(SizedLayer):
    """x^{k+1} = x + h/6 (k_1 + 2 k_2 + 2 k_3 + k_4), the classical step of x' = f(x, θ^k), θ^k one constant control."""

    motion: Motion

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The state after one step."""
        xp = x.__array_namespace__()
        field, u = self.motion.field, theta[0]

        def stage(carry: tuple[AnyArray, AnyArray], row: AnyArray) -> tuple[AnyArray, AnyArray]:
            k, end = carry
            k = field(xp, x + row[0] * k, u)
            return k, end + row[1] * k

        rows = xp.asarray(self.motion.step * _STAGES, dtype=x.dtype)
        _, end = scan(xp, stage, (xp.zeros_like(x), x), rows)
        return end

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_RungeKuttaLinearization":
        """A workspace of a few states."""
        return _RungeKuttaLinearization(self, dtype, order)


class _RungeKuttaLinearization(Linearization):
    """Differentiates the stages with respect to (x, u) at once: K_i = ( f_x │ f_u ) · ( I + a_i h K_{i-1} ; 0 1 )."""

    __slots__ = ("_at", "_fields", "_motion", "_slopes", "_stages", "_total")

    J_x: Full
    J_theta: Full

    def __init__(self, layer: RungeKutta, dtype: np.dtype[Any], order: Order) -> None:
        s = layer.motion.states
        self._motion = layer.motion
        self._stages = [tuple(row) for row in (layer.motion.step * _STAGES).astype(dtype)]
        self._at, self._slopes = np.empty((s + 1, s + 1), dtype), np.empty((s, s + 1), dtype)
        self._total = np.empty((s, s + 1), dtype)
        self.J_x = Full(np.empty((s, s), dtype, order=order))
        self.J_theta = Full(np.empty((s, 1), dtype, order=order))

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        motion, u, s = self._motion, theta[0], x.size
        at, total = self._at, self._total
        k, K, end = np.zeros_like(x), np.zeros_like(total), x
        total[...] = 0
        for distance, weight in self._stages:
            here = x + distance * k
            k = motion.field(np, here, u)
            motion.slopes(here, u, self._slopes)
            at[...] = 0
            np.fill_diagonal(at, 1)
            at[:s] += distance * K
            K = self._slopes.dot(at)
            end = end + weight * k
            total += weight * K
        self.J_x.M[...] = total[:, :s]
        np.fill_diagonal(self.J_x.M, self.J_x.M.diagonal() + 1)
        self.J_theta.M[...] = total[:, s:]
        return end
