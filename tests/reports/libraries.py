"""Situations of libraries on JAX: diffrax, equinox, lineax and optimistix, which tests use but fwdrev does not need."""

import functools
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import lazy_loader
import numpy as np

from tests.reports.situation import OURS, Call, at, table

diffrax: Any = lazy_loader.load("diffrax")
equinox: Any = lazy_loader.load("equinox")
lineax: Any = lazy_loader.load("lineax")
optimistix: Any = lazy_loader.load("optimistix")

SITUATIONS, situation = table()

_INTEGRATED = 1e5
"""The factor on the usual rounding: the steps of an adaptive solver may differ in their last digits."""


@functools.cache
def _solved(adjoint: str) -> Any:
    """The decay of two quantities at a few times, as a function of its rates."""

    @jax.jit
    def f(k: Any) -> Any:
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda _, y, k: -k * y),
            diffrax.Tsit5(),
            t0=0.0,
            t1=1.0,
            dt0=0.1,
            y0=jnp.ones(2),
            args=k,
            saveat=diffrax.SaveAt(ts=jnp.linspace(0.0, 1.0, 6)),
            adjoint=getattr(diffrax, adjoint)(),
            max_steps=16,
        )
        return solution.ys

    return f


RATES = np.array([0.5, 1.5])


@situation("patrick-kidger/diffrax#314", long=True)
def checkpointed_differential_equation() -> Call:
    """The default of diffrax supports reverse mode only."""
    return Call(f=_solved("RecursiveCheckpointAdjoint"), args=(RATES,), rounding=_INTEGRATED)


@situation("patrick-kidger/diffrax#612", long=True)
def direct_differential_equation() -> Call:
    """Both modes go through the solver."""
    return Call(f=_solved("DirectAdjoint"), args=(RATES,), rounding=_INTEGRATED)


@situation("patrick-kidger/diffrax#537", long=True)
def differential_equation_in_forward_mode() -> Call:
    """It supports forward mode only."""
    return Call(f=_solved("ForwardMode"), args=(RATES,), refused=True)


@situation("patrick-kidger/diffrax#336", jit=False, long=True)
def differential_equation_backwards() -> Call:
    """The adjoint equation runs backwards in time: it only approximates the derivative of the steps."""
    return Call(f=_solved("BacksolveAdjoint"), args=(RATES,), rounding=_INTEGRATED)


@situation("patrick-kidger/diffrax#558", jit=False, long=True)
def stochastic_differential_equation() -> Call:
    """Its random path is computed again."""
    path = diffrax.VirtualBrownianTree(0.0, 1.0, 1e-2, (2,), jax.random.key(0))

    @jax.jit
    def f(k: Any) -> Any:
        drift, noise = diffrax.ODETerm(lambda _, y, k: -k * y), lambda _t, y, _k: lineax.DiagonalLinearOperator(0.1 * y)
        terms = diffrax.MultiTerm(drift, diffrax.ControlTerm(noise, path))
        times = diffrax.SaveAt(ts=jnp.linspace(0.0, 1.0, 6))
        y0 = jnp.ones(2)
        solved = diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, 1.0, 0.1, y0, k, saveat=times, max_steps=16)
        return solved.ys

    return Call(f=f, args=(RATES,), rounding=_INTEGRATED)


@situation("patrick-kidger/optimistix#50", jit=False, long=True)
def fit_of_a_differential_equation() -> Call:
    """Forward mode cannot differentiate the residuals of this least-squares problem."""
    solve = _solved("RecursiveCheckpointAdjoint")
    return Call(f=lambda k: (solve(k) - 0.5).ravel(), args=(RATES,), rounding=_INTEGRATED)


@situation("patrick-kidger/optimistix#51", long=True)
def solution_of_least_squares() -> Call:
    """The minimum depends on the data."""

    @jax.jit
    def f(data: Any) -> Any:
        residuals = lambda y, data: y[0] * jnp.exp(-y[1] * jnp.arange(4.0)) - data  # noqa: E731
        solver = optimistix.LevenbergMarquardt(rtol=1e-10, atol=1e-10)
        return jnp.tile(optimistix.least_squares(residuals, solver, jnp.ones(2), args=data).value, 9)

    return Call(f=f, args=(np.array([1.0, 0.6, 0.35, 0.2]),), rounding=_INTEGRATED)


@situation("patrick-kidger/optimistix#112", long=True)
def smallest_value() -> Call:
    """The minimum of a function depends on its parameters."""

    @jax.jit
    def f(a: Any) -> Any:
        solver = optimistix.BFGS(rtol=1e-10, atol=1e-10)
        return jnp.tile(optimistix.minimise(lambda y, a: jnp.sum((y - a) ** 4 + y**2), solver, a, args=a).value, 9)

    return Call(f=f, args=(np.array([0.5, 1.5]),), rounding=_INTEGRATED)


@situation("patrick-kidger/optimistix#61")
def root_by_newton() -> Call:
    """A fixed point is found, too."""

    @jax.jit
    def f(a: Any) -> Any:
        newton, iterated = optimistix.Newton(1e-10, 1e-10), optimistix.FixedPointIteration(1e-10, 1e-10)
        root = optimistix.root_find(lambda y, a: y**3 - a, newton, jnp.ones(2), args=a).value
        fixed = optimistix.fixed_point(lambda y, a: 0.5 * jnp.cos(y) * a, iterated, jnp.ones(2), args=a).value
        return jnp.tile(root + fixed, 9)

    return Call(f=f, args=(np.array([0.5, 0.9]),), rounding=_INTEGRATED)


@situation("patrick-kidger/lineax#75", long=True)
def linear_equations_of_a_jacobian() -> Call:
    """The operator is itself a Jacobian."""

    @jax.jit
    def f(a: Any) -> Any:
        operator = lineax.JacobianLinearOperator(lambda y, _: jnp.sin(y) * a + y, a)
        return jnp.tile(lineax.linear_solve(operator, jnp.arange(1.0, 4.0)).value, 9)

    return Call(f=f, args=(np.array([0.1, 0.5, 0.9]),))


@situation("patrick-kidger/lineax#87", long=True)
def linear_equations() -> Call:
    """Factors and conjugate gradients solve them."""

    @jax.jit
    def f(a: Any) -> Any:
        matrix = jnp.outer(a, a) + jnp.eye(3)
        positive = lineax.MatrixLinearOperator(matrix, lineax.positive_semidefinite_tag)
        gradients = lineax.CG(rtol=1e-12, atol=1e-12)
        one = lineax.linear_solve(lineax.MatrixLinearOperator(matrix), jnp.arange(3.0), lineax.QR()).value
        return jnp.tile(one + lineax.linear_solve(positive, a, gradients).value, 9)

    return Call(f=f, args=(np.array([0.1, 0.5, 0.9]),), rounding=_INTEGRATED)


def _network() -> Any:
    return equinox.nn.MLP(2, 5, 4, 1, key=jax.random.key(0))


@situation("patrick-kidger/equinox#603")
def weights_of_a_module() -> Call:
    """The arrays of a network, without its functions."""
    arrays, rest = equinox.partition(_network(), equinox.is_inexact_array)
    f = lambda arrays, x: equinox.combine(arrays, rest)(x)  # noqa: E731
    return Call(f=f, args=(arrays, np.array([0.5, -0.5])))


@situation("patrick-kidger/equinox#734")
def inputs_of_a_module() -> Call:
    """The network is the function."""
    return Call(f=_network(), args=(np.array([0.5, -0.5]),))


@situation("patrick-kidger/equinox#741", jit=False)
def whole_module() -> Call:
    """Its leaves include functions, which JAX refuses."""
    return Call(f=lambda model, x: model(x), args=(_network(), np.array([0.5, -0.5])))


@situation("patrick-kidger/equinox#1131")
def compiled_by_equinox() -> Call:
    """An argument is a module with leaves that are no arrays."""
    f = equinox.filter_jit(lambda x, model: jnp.tile(model(x), 9))
    return Call(f=f, args=(np.array([0.5, -0.5]), _network()))


@situation("patrick-kidger/equinox#746")
def array_as_a_static_field_of_a_module() -> Call:
    """Two such modules cannot be compared."""

    class Data(equinox.Module):  # type: ignore[misc]  # what is there only for tests has no types
        data: Any = equinox.field(static=True)
        scale: Any

    def make(k: float) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # equinox warns of the array
            return Data(np.full((10, 10), k), jnp.asarray(2.0))

    f = lambda x, data: jnp.outer(x, data.data) * data.scale  # noqa: E731
    x = np.array([0.5, 1.5])
    return Call(f=f, args=(x, make(1.0)), again=[at(x, make(2.0)), at(x, make(1.0))])


@situation("jax-ml/jax#8239")
def loop_of_equinox() -> Call:
    """It has checkpoints, for reverse mode only."""

    @jax.jit
    def f(x: Any) -> Any:
        body = lambda y: (y[0] + 1, jnp.sin(y[1]) * x)  # noqa: E731
        loop = equinox.internal.while_loop
        return jnp.tile(loop(lambda y: y[0] < 5, body, (0, x), kind="checkpointed", max_steps=8)[1], 9)

    return Call(f=f, args=(np.array([0.5, 1.5]),))


@situation("patrick-kidger/equinox#436")
def rule_of_equinox() -> Call:
    """It is for reverse mode only, with residuals that are no arrays."""
    f = equinox.filter_custom_vjp(lambda x: jnp.tile(x**2, 9))
    f.def_fwd(lambda _, x: (f(x), "kept"))
    f.def_bwd(lambda _kept, u, _perturbed, x: 2 * x * u.reshape(9, -1).sum(axis=0))
    return Call(f=f, args=(np.array([0.5, 1.5]),))


@situation(OURS)
def error_at_run_time() -> Call:
    """A callback checks a value, and fails at the second point."""

    def f(x: Any) -> Any:
        return jnp.tile(equinox.error_if(x, x[0] > 1, "too large"), 9)

    return Call(f=f, args=(np.array([0.5, 1.5]),), again=[at(np.array([0.6, 1.5]))])
