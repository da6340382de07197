"""Equations of motion x' = f(x, u) with one control u, and their derivatives: the systems of `control`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Matrix, Namespace, Vector
from fwdrev.modes.problems.sampling import Rng


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """x' = f(x, u) for x of `states` numbers. `slopes` writes ( f_x │ f_u ) at (x, u) into its last argument.

    `start` draws the state at which a rollout begins, `controls` as many controls as asked for.
    """

    states: int
    step: float
    field: Callable[[Namespace, AnyArray, AnyArray], AnyArray]
    slopes: Callable[[Vector, np.floating, Matrix], None]
    start: Callable[[Rng], Vector]
    controls: Callable[[Rng, int], Vector]


CART, POLE, LENGTH, GRAVITY = 1.0, 0.1, 0.5, 9.81
"""Masses in kg, the distance of the pole's mass from its joint in m, m/s²."""


def _cart_pole(xp: Namespace, x: AnyArray, u: AnyArray) -> AnyArray:
    """A point mass on a massless pole on a cart that u pushes; x has position, angle from upright, and their rates.

    From the Lagrangian: with a the cart's acceleration and α the pole's, (M + m sin²) a = u + m sin (l ω² - g cos) and
    l α = g sin - a cos.
    """
    v, omega = x[2], x[3]
    s, c = xp.sin(x[1]), xp.cos(x[1])
    a = (u + POLE * s * (LENGTH * omega**2 - GRAVITY * c)) / (CART + POLE * s**2)
    return xp.stack([v, omega, a, (GRAVITY * s - a * c) / LENGTH])


def _cart_pole_slopes(x: Vector, u: np.floating, out: Matrix) -> None:
    omega = x[3]
    s, c = np.sin(x[1]), np.cos(x[1])
    q = CART + POLE * s * s
    a = (u + POLE * s * (LENGTH * omega * omega - GRAVITY * c)) / q
    a_angle = (POLE * c * LENGTH * omega * omega - POLE * GRAVITY * (c * c - s * s) - 2 * a * POLE * s * c) / q
    a_omega = 2 * POLE * LENGTH * s * omega / q
    out[...] = 0
    out[0, 2] = out[1, 3] = 1
    out[2] = 0, a_angle, 0, a_omega, 1 / q
    out[3] = out[2] * (-c / LENGTH)
    out[3, 1] += (GRAVITY * c + a * s) / LENGTH


CAUGHT = (0.4, 0.2)
"""The catch rates of prey and of predators at full effort, from Sager's fishing problem (mintOC)."""


def _lotka_volterra(xp: Namespace, x: AnyArray, u: AnyArray) -> AnyArray:
    """Prey and predators, both fished with effort u."""
    prey, predators = x[0], x[1]
    met = prey * predators
    return xp.stack([prey - met - CAUGHT[0] * u * prey, met - predators - CAUGHT[1] * u * predators])


def _lotka_volterra_slopes(x: Vector, u: np.floating, out: Matrix) -> None:
    prey, predators = x
    out[0] = 1 - predators - CAUGHT[0] * u, -prey, -CAUGHT[0] * prey
    out[1] = predators, prey - 1 - CAUGHT[1] * u, -CAUGHT[1] * predators


MOTIONS = {
    "cart-pole": Motion(
        states=4,
        step=0.02,
        field=_cart_pole,
        slopes=_cart_pole_slopes,
        start=lambda rng: np.array([0, np.pi, 0, 0]) + 0.1 * rng.standard_normal(4),
        controls=lambda rng, n: rng.standard_normal(n),
    ),
    "lotka-volterra": Motion(
        states=2,
        step=0.1,
        field=_lotka_volterra,
        slopes=_lotka_volterra_slopes,
        start=lambda rng: np.array([0.5, 0.7]) * rng.uniform(0.9, 1.1, 2),
        controls=lambda rng, n: rng.uniform(0, 1, n),
    ),
}
"""The systems, by name."""
