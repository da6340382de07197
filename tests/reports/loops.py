"""Situations of control flow and of users' derivative rules: loops, branches, solvers, nested Jacobians."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import ode

from tests.reports.situation import OURS, Call, at, table

SITUATIONS, situation = table()

odeint: Any = ode.odeint

X = np.linspace(0.1, 0.9, 3)


@situation("jax-ml/jax#650")
def loop_of_unknown_length() -> Call:
    """Reverse mode refuses it, forward mode does not."""

    def f(x: Any) -> Any:
        return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, jnp.tile(x, 1)))[1]

    return Call(f=f, args=(X,), refused=True)


@situation("jax-ml/jax#2956")
def loop_with_bounds_that_are_known() -> Call:
    """It becomes a scan."""
    return Call(f=lambda x: jax.lax.fori_loop(0, 5, lambda i, y: jnp.sin(y) * x[0] + i, jnp.tile(x, 20)), args=(X,))


@situation("jax-ml/jax#2956")
def loop_with_bounds_that_are_not_known() -> Call:
    """It becomes a while loop."""
    f = lambda x, n: jax.lax.fori_loop(0, n, lambda _, y: jnp.sin(y) * x[0], jnp.tile(x, 20))  # noqa: E731
    return Call(f=f, args=(X, jnp.array(3)), refused=True)


@situation("jax-ml/jax#18311")
def rule_round_a_loop() -> Call:
    """Forward mode accepts it, reverse mode would have to go backwards through the loop."""

    @jax.custom_jvp
    def total(c: Any) -> Any:
        return jax.lax.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] + jnp.exp(-c * s[0])), (0, c))[1]

    @total.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (c,), (d,) = primals, tangents
        body = lambda s: (s[0] + 1, s[1] - d * s[0] * jnp.exp(-c * s[0]))  # noqa: E731
        return total(c), jax.lax.while_loop(lambda s: s[0] < 5, body, (0, d))[1]

    return Call(f=lambda c: jnp.tile(total(c), 20), args=(X,), refused=True)


@situation("jax-ml/jax#18311")
def linear_rule_round_a_loop() -> Call:
    """A loop finds a fixed point, and the implicit function theorem its derivative: both modes accept it."""

    @jax.custom_jvp
    def root(a: Any) -> Any:
        return jax.lax.while_loop(lambda s: s[0] < 30, lambda s: (s[0] + 1, 0.5 * (s[1] + a / s[1])), (0, a))[1]

    @root.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        y = root(primals[0])
        return y, tangents[0] / (2 * y)

    return Call(f=lambda a: jnp.tile(root(a), 20), args=(X,))


@situation("google-research/ott#7", long=True)
def fixed_number_of_steps() -> Call:
    """Rows and columns are scaled in turns, as in optimal transport."""

    def f(cost: Any) -> Any:
        kernel = jnp.exp(-cost.reshape(4, 4))

        def step(scales: Any, _: None) -> Any:
            u = 1 / (kernel @ scales[1])
            return (u, 1 / (kernel.T @ u)), None

        u, v = jax.lax.scan(step, (jnp.ones(4), jnp.ones(4)), None, length=30)[0]
        return u[:, None] * kernel * v

    return Call(f=f, args=(np.random.default_rng(0).random(16),))


@situation("jax-ml/jax#8239")
def bounded_loop() -> Call:
    """Some steps do nothing, but reverse mode keeps each of them."""

    def f(x: Any) -> Any:
        def step(y: Any, _: None) -> Any:
            return jax.lax.cond(jnp.sum(y) < 4, lambda y: y * 1.1, lambda y: y, y), None

        return jnp.tile(jax.lax.scan(step, x, None, length=40)[0], 20)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#1131")
def scan_over_data() -> Call:
    """There are a carried state and outputs of all steps."""

    def f(w: Any, xs: Any) -> Any:
        return jax.lax.scan(lambda h, x: (jnp.tanh(w * h + x), h.sum()), jnp.zeros(3), xs)

    return Call(f=f, args=(X, np.random.default_rng(0).standard_normal((30, 3))))


@situation("jax-ml/jax#19498", long=True)
def associative_scan() -> Call:
    """A linear recurrence becomes a tree."""

    def f(weight: Any, xs: Any) -> Any:
        def combine(one: Any, other: Any) -> Any:
            return one[0] * other[0], other[0] * one[1] + other[1]

        return jax.lax.associative_scan(combine, (jnp.repeat(weight[None], len(xs), axis=0), xs))[1]

    return Call(f=f, args=(X, np.random.default_rng(0).standard_normal((4, 3))))


@situation("jax-ml/jax#2412")
def scan_over_nothing() -> Call:
    """There are no steps."""
    return Call(f=lambda x: jax.lax.scan(lambda c, y: (c * y, c), jnp.tile(x, 20), jnp.zeros(0)), args=(X,))


@situation("jax-ml/jax#15906")
def nested_scans_with_checkpoints() -> Call:
    """Few states are kept, the others are recomputed."""

    def f(x: Any) -> Any:
        @jax.checkpoint
        def outer(y: Any, _: None) -> Any:
            return jax.lax.scan(lambda y, _: (jnp.sin(y) * x[0], None), y, None, length=6)

        return jax.lax.scan(outer, jnp.tile(x, 20), None, length=5)[0]

    return Call(f=f, args=(X,))


@situation(OURS)
def recomputed() -> Call:
    """A policy says what to save."""
    f = jax.checkpoint(lambda x: jnp.tile(jnp.sin(jnp.sin(x)), 20), policy=jax.checkpoint_policies.dots_saveable)
    return Call(f=f, args=(X,))


@situation(OURS)
def branches() -> Call:
    """There are a condition on the input, and a switch on an integer."""

    def f(x: Any, k: Any) -> Any:
        y = jax.lax.cond(x[0] > 0.5, jnp.sin, jnp.cos, x)
        return jnp.tile(jax.lax.switch(k, [lambda y: y, jnp.exp, lambda y: y**2], y), 20)

    return Call(f=f, args=(X, 1), again=[at(X + 1, 1), at(X, 2), at(X, 0)])


def _decay(y: Any, _t: Any, k: Any) -> Any:
    return -k * y


@situation("jax-ml/jax#7401", long=True)
def ordinary_differential_equation() -> Call:
    """Its solver has a rule for reverse mode only."""
    times = jnp.linspace(0.0, 1.0, 9)
    return Call(f=lambda k: odeint(_decay, jnp.ones(3), times, k), args=(X,), rounding=1e4)


@situation("jax-ml/jax#3558", jit=False)
def differential_equation_that_closes_over() -> Call:
    """The parameters come by closure."""
    times = jnp.linspace(0.0, 1.0, 9)
    return Call(f=lambda k: odeint(lambda y, t: _decay(y, t, k), jnp.ones(3), times), args=(X,), rounding=1e4)


@situation("jax-ml/jax#7401", jit=False, long=True)
def second_derivative_of_a_differential_equation() -> Call:
    """JAX refuses forward mode over reverse mode there, not reverse over reverse."""
    times = jnp.linspace(0.0, 1.0, 3)
    loss = lambda k: odeint(_decay, jnp.ones(2), times, k)[-1].sum()  # noqa: E731
    return Call(f=jax.grad(loss), args=(np.array([0.4, 0.6]),), rounding=1e4)


@situation("jax-ml/jax#10134")
def integrator_by_hand() -> Call:
    """A scan runs steps of Runge and Kutta."""

    def f(k: Any) -> Any:
        def step(y: Any, h: Any) -> Any:
            k1 = -k * y
            k2 = -k * (y + h / 2 * k1)
            return y + h * k2, y

        return jax.lax.scan(step, jnp.ones(3), jnp.full(20, 0.05))[1]

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#4106", long=True)
def matrix_exponential() -> Call:
    """It has a switch over its degrees."""
    return Call(f=jax.jit(jax.scipy.linalg.expm), args=(np.arange(4.0).reshape(2, 2) / 4,))


@situation("jax-ml/jax#1402")
def root_of_an_equation() -> Call:
    """custom_root differentiates implicitly."""

    def f(a: Any) -> Any:
        def solve(g: Any, guess: Any) -> Any:
            return jax.lax.fori_loop(0, 30, lambda _, y: y - g(y) / (3 * y**2), guess)

        root = jax.lax.custom_root(lambda y: y**3 - a, jnp.ones(()), solve, lambda g, y: y / g(1.0))
        return root * jnp.arange(30.0)

    return Call(f=f, args=(2.0,))


@situation("jax-ml/jax#6127")
def compiled_rule_for_reverse_mode_alone() -> Call:
    """The rule is inside jit."""

    @jax.custom_vjp
    def squares(x: Any) -> Any:
        return jnp.tile(x**2, 20)

    squares.defvjp(lambda x: (squares(x), x), lambda x, u: (u.reshape(20, -1).sum(axis=0) * 2 * x,))
    return Call(f=jax.jit(lambda x: squares(x) * 2), args=(X,))


@situation(OURS)
def jacobian_of_a_gradient() -> Call:
    """This is a Hessian."""
    return Call(f=jax.grad(lambda x: jnp.prod(jnp.sin(x)) + x @ x), args=(X,))


@situation(OURS, long=True)
def jacobian_of_a_jacobian() -> Call:
    """The inner Jacobian is our own."""
    import fwdrev

    return Call(f=fwdrev.jacobian(lambda x: jnp.outer(jnp.sin(x), x)), args=(X,))


@situation("patrick-kidger/lineax#171", long=True)
def jacobian_of_a_function_with_a_jacobian_inside() -> Call:
    """The normal equations of an inner function."""
    import fwdrev

    def f(x: Any) -> Any:
        J = fwdrev.jacobian(lambda y: jnp.outer(jnp.sin(y), jnp.arange(5.0)).ravel())(x)
        return jnp.linalg.solve(J.T @ J + jnp.eye(x.size), x)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#529")
def products_with_jacobians_inside() -> Call:
    """Gauss–Newton products: forward, then backward."""

    def f(x: Any) -> Any:
        residuals = lambda y: jnp.outer(jnp.sin(y), jnp.arange(5.0)).ravel()  # noqa: E731
        pushed = jax.jvp(residuals, (x,), (jnp.ones_like(x),))[1]
        return jnp.tile(jax.vjp(residuals, x)[1](pushed)[0], 9)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#12514")
def derivative_that_is_infinite() -> Call:
    """Both modes give infinity."""
    return Call(f=lambda x: jnp.tile(jnp.log(x), 20), args=(np.array([0.0, 1.0]),), doubt=True)
