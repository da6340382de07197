"""Situations of value: the two modes give different numbers, NaN for zero, or another dtype."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import OURS, Call, at, table

SITUATIONS, situation = table()


@situation("jax-ml/jax#10410")
def mean_of_nothing() -> Call:
    """The mean is NaN and depends on nothing: forward mode makes the whole column NaN."""
    return Call(f=lambda x: x[0] * jnp.ones(1000) + jnp.mean(x[1]), args=((jnp.ones(()), jnp.ones((0,))),), doubt=True)


@situation("jax-ml/jax#5798")
def where_and_square_root() -> Call:
    """The branch not taken has an infinite derivative."""
    return Call(
        f=lambda x: jnp.where(x < 1.0, x, jnp.sqrt(x))[None] * jnp.ones((50, 1)),
        args=(np.array([0.0, 0.5, 2.0]),),
        doubt=True,
    )


@situation("jax-ml/jax#4900")
def power_with_a_nan() -> Call:
    """One base is NaN; the exponent is differentiated."""
    return Call(
        f=lambda y, t: y**t,
        args=(np.array([1.0, 2.0, np.nan]), 1.0),
        options={"argnums": 1},
        doubt=True,
    )


@situation("jax-ml/jax#4900")
def second_derivative_of_a_power_with_a_nan() -> Call:
    """Reverse mode over reverse mode spreads the NaN, forward mode does not."""
    inner = jax.jacrev(lambda y, t: y**t, 1)
    return Call(f=inner, args=(np.array([1.0, 2.0, np.nan]), 1.0), options={"argnums": 1}, doubt=True)


@situation("jax-ml/jax#14149")
def one_output_is_nan() -> Call:
    """Reverse mode makes the derivatives of the others NaN, too."""
    return Call(
        f=lambda x: (jnp.mean(x), jnp.mean(x**2), jnp.mean(jnp.sqrt(x))),
        args=(np.array([-1.0, -2.0, -3.0], np.float32),),
        doubt=True,
    )


@situation("jax-ml/jax#654")
def distances_with_a_diagonal() -> Call:
    """Each particle has distance zero from itself; the diagonal is masked after the division."""

    def f(conf: Any, charges: Any) -> Any:
        difference = conf[:, None] - conf[None]
        distance = jnp.sqrt(jnp.sum(difference**2, axis=-1))
        energy = charges[:, None] * charges[None] / distance
        return jnp.sum(jnp.where(jnp.eye(len(charges)), 0.0, energy), axis=0)

    conf = np.random.default_rng(0).standard_normal((5, 3))
    return Call(f=f, args=(conf, np.full(5, 0.3)), options={"argnums": (0, 1)}, doubt=True)


@situation("IvanYashchuk/jax-fenics-adjoint#2")
def root_of_a_square_at_zero() -> Call:
    """Infinity times zero."""
    return Call(f=lambda x: jnp.tile(jnp.sqrt(jnp.square(x)), 30), args=(np.zeros(2),), doubt=True)


@situation("jax-ml/jax#3058")
def norm_at_zero() -> Call:
    """It has no derivative there."""
    return Call(f=lambda x: jnp.linalg.norm(x) * jnp.arange(1.0, 40.0), args=(np.zeros(3),), doubt=True)


@situation("jax-ml/jax#4177")
def squared_norm_at_zero() -> Call:
    """It has a derivative, but NaN comes out."""
    return Call(f=lambda x: jnp.linalg.norm(x) ** 2 * jnp.arange(1.0, 40.0), args=(np.zeros(2),), doubt=True)


@situation("jax-ml/jax#18450")
def zeroth_power_at_zero() -> Call:
    """The power is compiled inside, with an integer exponent."""
    return Call(f=jax.jit(lambda x, k: x**k), args=(0.0, 0), again=[at(0.5, 0), at(0.0, 2)])


@situation("jax-ml/jax#10993", long=True)
def rows_of_a_cumulative_product() -> Call:
    """Half precision overflows."""
    x = np.linspace(-7.5, -0.5, 10).astype(np.float16)
    return Call(f=lambda x: jax.lax.cumprod(x, reverse=True), args=(x,), doubt=True, rounding=3.0)


@situation("jax-ml/jax#10993", long=True)
def solution_by_conjugate_gradients() -> Call:
    """The matrix is not symmetric, which the two modes treat differently."""
    conjugate_gradients: Any = jax.scipy.sparse.linalg.cg

    def f(theta: Any) -> Any:
        matrix = jnp.array([[2.0, 0.3], [-0.7, 1.0]]) + jnp.outer(theta, jnp.array([1.0, -1.0]))
        return jnp.outer(conjugate_gradients(matrix, theta)[0], jnp.arange(1.0, 30.0))

    return Call(f=f, args=(np.array([0.2, 0.9]),), doubt=True)


@situation("jax-ml/jax#10993")
def triangular_factor() -> Call:
    """The orthogonal and the triangular factor of a small matrix."""
    return Call(f=lambda a: tuple(jnp.linalg.qr(a)), args=(np.array([[1.0, -3.0], [2.5, 0.5]]),))


@situation("jax-ml/jax#10993")
def covariance_of_few_bits() -> Call:
    """Each step rounds to eight bits."""
    return Call(f=lambda x: jnp.cov(x, bias=True) * jnp.ones(20), args=(jnp.arange(5.0).astype(jnp.bfloat16),))


@situation("jax-ml/jax#2784")
def clipped_cotangent() -> Call:
    """A rule for reverse mode only clips: it is not the derivative."""

    @jax.custom_vjp
    def clip(x: Any) -> Any:
        return x

    clip.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -0.5, 0.5),))
    return Call(f=lambda x: jnp.outer(clip(x), jnp.arange(40.0)), args=(np.ones(2),))


@situation("jax-ml/jax#12158")
def wrong_rule() -> Call:
    """The rule is no derivative, but linear: both modes follow it."""

    @jax.custom_jvp
    def absolute(x: Any) -> Any:
        return jnp.abs(x)

    @absolute.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (d,) = primals, tangents
        return jnp.abs(x), jnp.where(x > 0, d, jnp.where(x < 0, -d, 2 * d))

    return Call(f=lambda x: jnp.outer(absolute(x), jnp.arange(20.0)), args=(np.array([-1.0, 0.0, 1.0]),))


@situation("jax-ml/jax#12158")
def rule_that_is_not_linear() -> Call:
    """Reverse mode refuses it; forward mode would give something."""

    @jax.custom_jvp
    def absolute(x: Any) -> Any:
        return jnp.abs(x)

    @absolute.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (d,) = primals, tangents
        return jnp.abs(x), jnp.where(x > 0, d, jnp.where(x < 0, -d, jnp.abs(d)))

    return Call(f=lambda x: jnp.outer(absolute(x), jnp.arange(20.0)), args=(np.array([-1.0, 0.0, 1.0]),), refused=True)


@situation(OURS)
def transpose_that_is_wrong() -> Call:
    """The transposed solve is three times too large: only the comparison of the modes can find it."""

    def f(x: Any) -> Any:
        def solve(_: Any, b: Any) -> Any:
            return b / 2

        def transposed(_: Any, b: Any) -> Any:
            return 3 * b / 2

        y = jax.lax.custom_linear_solve(lambda v: 2 * v, jnp.sin(x), solve, transposed)
        return jnp.outer(y, jnp.arange(1.0, 40.0))

    return Call(f=f, args=(np.array([0.1, 0.7, 1.1]),), doubt=True)


@situation("jax-ml/jax#2311")
def singular_vectors_of_equal_values() -> Call:
    """Both modes give NaN."""

    def f(a: Any) -> Any:
        U, S, V = jnp.linalg.svd(a, full_matrices=False)
        return (U * S) @ V

    return Call(f=f, args=(np.diag([1.0, 1.0, 2.0]),), doubt=True)


@situation("jax-ml/jax#8732")
def norm_by_singular_values() -> Call:
    """A complicated way to a norm."""

    def f(a: Any) -> Any:
        U, S, Vh = jnp.linalg.svd(a, full_matrices=False)
        return jnp.linalg.norm((U * S) @ Vh)

    return Call(f=f, args=(np.diag([1.0, 1.0, 2.0, 3.0]),), doubt=True)


@situation("jax-ml/jax#1665")
def eigenvectors_of_equal_values() -> Call:
    """The matrix is a multiple of the identity."""
    return Call(f=lambda a: jnp.linalg.eigh(a)[1], args=(2 * np.eye(3),), doubt=True)


@situation("jax-ml/jax#17518")
def full_singular_vectors() -> Call:
    """There is no rule for them."""
    return Call(f=lambda a: jnp.linalg.svd(a, full_matrices=True)[0], args=(np.arange(6.0).reshape(3, 2),))


@situation("jax-ml/jax#6638")
def wider_output() -> Call:
    """The Jacobian has the dtype of the input, which forward mode would not give."""
    return Call(f=lambda x, y: x * y, args=(np.ones(3, np.float32), np.arange(20.0)[:, None]))


@situation("jax-ml/jax#7780")
def two_dtypes() -> Call:
    """The identity of a half and a single precision number."""
    return Call(f=lambda x: x, args=((np.ones((), np.float16), np.ones((), np.float32)),))


@situation("jax-ml/jax#7157")
def real_and_complex() -> Call:
    """They are in one tree, which JAX refuses."""
    return Call(f=lambda x: x["a"] * jnp.abs(x["b"]), args=({"a": np.ones(2), "b": np.ones(2) * 1j},))


@situation("jax-ml/jax#3121")
def real_to_complex() -> Call:
    """Forward mode alone would accept it."""
    return Call(f=lambda x: x * (1 + 2j), args=(np.ones(3),))


@situation("jax-ml/jax#603")
def complex_cosine() -> Call:
    """It is holomorphic on complex numbers."""
    zs = 0.5j * np.arange(1, 5) + np.arange(1, 5)
    return Call(f=lambda z: jnp.outer(jnp.cos(z * 2), jnp.arange(9.0)), args=(zs,), options={"holomorphic": True})


@situation("jax-ml/jax#610")
def complex_to_real() -> Call:
    """Reverse mode alone accepts it."""
    return Call(f=lambda z: jnp.outer(jnp.abs(z), jnp.arange(9.0)), args=(np.array([1 + 2j, -1j]),))


@situation("jax-ml/jax#3121")
def holomorphic_at_real_numbers() -> Call:
    """This is refused."""
    return Call(f=lambda v: jnp.ones((3, 3)) @ v, args=(np.ones(3),), options={"holomorphic": True})


@situation("jax-ml/jax#22843")
def half_precision() -> Call:
    """Half precision in and out."""
    x = np.linspace(0.1, 1.0, 3).astype(np.float16)
    return Call(f=lambda x: jnp.outer(jnp.sin(x), jnp.arange(20.0).astype(jnp.float16)), args=(x,))


@situation("jax-ml/jax#9179")
def brain_floats() -> Call:
    """NumPy does not know them."""
    return Call(f=lambda x: jnp.tile(jnp.exp(x), 9), args=(jnp.linspace(0.0, 1.0, 4).astype(jnp.bfloat16),))


@situation(OURS)
def eight_bits() -> Call:
    """Values are cast into and out of a float of eight bits."""
    x = jnp.linspace(0.25, 1.0, 4).astype(jnp.float8_e4m3fn)
    return Call(f=lambda x: jnp.tile((x.astype(jnp.float32) * 2).astype(jnp.float8_e4m3fn), 8), args=(x,))


@situation(OURS)
def through_integers() -> Call:
    """Rounding between makes all derivatives zero."""
    return Call(f=lambda x: jnp.tile(x.astype(int).astype(float), 30), args=(np.array([0.3, 2.7]),))


@situation("pytorch/functorch#353")
def straight_through() -> Call:
    """The value is rounded, the derivative is that of tanh."""

    def f(x: Any) -> Any:
        smooth = jnp.tanh(x)
        return jnp.tile(smooth + jax.lax.stop_gradient(jnp.clip(jnp.round(x), -1, 1) - smooth), 20)

    return Call(f=f, args=(np.array([-0.3, 1.2]),))


@situation("pytorch/pytorch#128600")
def stopped_gradient() -> Call:
    """One of two summands is held."""
    return Call(f=lambda x: jnp.outer(x + jax.lax.stop_gradient(x) ** 2, jnp.arange(20.0)), args=(np.ones(2),))


@situation("jax-ml/jax#12158", long=True)
def ties() -> Call:
    """Several largest entries are equal."""

    def f(x: Any) -> Any:
        parts = (jnp.max(x), jnp.sort(x).sum(), jnp.maximum(x[0], x[1]), jnp.median(x), jnp.abs(x[2]))
        return jnp.tile(jnp.stack(parts), 20)

    return Call(f=f, args=(np.array([1.0, 1.0, 0.0]),))
