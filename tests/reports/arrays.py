"""Situations of array operations: linear algebra, transforms, sorting, scattering, special functions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import OURS, Call, table

SITUATIONS, situation = table()

_RANDOM = np.random.default_rng(0)
X = np.linspace(0.1, 0.9, 4)
SQUARE = _RANDOM.standard_normal((3, 3)) + 3 * np.eye(3)


def _symmetric(a: Any) -> Any:
    return a + a.T


@situation("jax-ml/jax#5313")
def solved() -> Call:
    """Linear equations with many right-hand sides."""
    return Call(f=lambda a: jnp.linalg.solve(a, jnp.arange(30.0).reshape(3, 10)), args=(SQUARE,))


@situation("jax-ml/jax#5313")
def inverse_of_nothing() -> Call:
    """A matrix without rows."""
    return Call(f=jnp.linalg.inv, args=(np.zeros((0, 0)),))


@situation(OURS)
def eigenvalues() -> Call:
    """A symmetric matrix, with its vectors."""
    return Call(f=lambda a: jnp.linalg.eigh(_symmetric(a)), args=(SQUARE,))


@situation("jax-ml/jax#508")
def singular_values() -> Call:
    """They come with their vectors."""
    return Call(f=lambda a: tuple(jnp.linalg.svd(a, full_matrices=False)), args=(SQUARE,))


@situation(OURS, long=True)
def factors() -> Call:
    """The factors of Cholesky, and the determinant."""
    f = lambda a: (jnp.linalg.cholesky(a @ a.T), jnp.linalg.slogdet(a)[1], jnp.linalg.det(a))  # noqa: E731
    return Call(f=f, args=(SQUARE,))


@situation(OURS)
def singular_matrix() -> Call:
    """Its determinant has a derivative, its inverse has none."""
    f = lambda a: (jnp.linalg.det(a) * jnp.ones(20), jnp.linalg.inv(a))  # noqa: E731
    return Call(f=f, args=(np.ones((2, 2)),), doubt=True)


@situation("jax-ml/jax#16935")
def tridiagonal() -> Call:
    """A system with three diagonals."""

    def f(d: Any) -> Any:
        return jax.lax.linalg.tridiagonal_solve(-jnp.ones(4), d + 3, -jnp.ones(4), jnp.arange(40.0).reshape(4, 10))

    return Call(f=f, args=(X,))


@situation("pytorch/pytorch#93028")
def transformed() -> Call:
    """There and back, with real and complex numbers."""
    f = lambda x: (jnp.fft.irfft(jnp.fft.rfft(x, 24) ** 2), jnp.abs(jnp.fft.fft(x)))  # noqa: E731
    return Call(f=f, args=(X,))


@situation(OURS)
def transformed_to_complex() -> Call:
    """Complex outputs of real inputs are refused."""
    return Call(f=jnp.fft.fft, args=(X,))


@situation(OURS)
def sorted_and_selected() -> Call:
    """The sorted values, the largest ones, and their places."""

    def f(x: Any) -> Any:
        largest, where = jax.lax.top_k(x, 2)
        return jnp.sort(x), largest, jnp.tile(x[where], 20)

    return Call(f=f, args=(np.array([0.3, -1.0, 2.0, 0.7]),))


@situation(OURS)
def places_of_the_largest() -> Call:
    """Integers beside numbers are refused."""
    return Call(f=lambda x: jax.lax.top_k(x, 2), args=(X,))


@situation("jax-ml/jax#2255")
def summed_by_segments() -> Call:
    """Sums, largest values and products of groups."""
    ids = jnp.array([0, 0, 1, 2])
    ops = jax.ops

    def f(x: Any) -> Any:
        parts = (ops.segment_sum(x, ids, 30), ops.segment_max(x, ids, 3), ops.segment_min(x, ids, 3))
        return jnp.concatenate(parts)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#12004")
def multiplied_by_segments() -> Call:
    """Some factors are zero."""
    ids = jnp.array([0, 0, 1, 1])
    f = lambda x: jax.ops.segment_prod(x, ids, 30)  # noqa: E731
    return Call(f=f, args=(np.array([0.0, 2.0, 3.0, 0.5]),), doubt=True)


@situation("jax-ml/jax#7717", long=True)
def products_with_zeros() -> Call:
    """The product of all, and cumulative products."""
    f = lambda x: (jnp.prod(x) * jnp.ones(20), jnp.cumprod(x), jnp.cumsum(x), jax.lax.cummax(x))  # noqa: E731
    return Call(f=f, args=(np.array([1.0, 0.0, 3.0, 0.0]),), doubt=True)


@situation(OURS)
def ragged() -> Call:
    """Groups of rows of different sizes, each with its own matrix."""
    groups = jnp.array([1, 3], jnp.int32)
    rhs = jnp.asarray(np.random.default_rng(1).standard_normal((2, 3, 8)))
    f = lambda a: jax.lax.ragged_dot(a.reshape(4, 3), rhs, groups)  # noqa: E731
    return Call(f=f, args=(np.linspace(-1.0, 1.0, 12),))


@situation(OURS)
def gathered_and_scattered() -> Call:
    """Some indices are repeated or lie outside."""

    def f(x: Any) -> Any:
        return jnp.zeros(40).at[jnp.array([1, 1, 3, 99])].add(x), x[jnp.array([0, 0, 7])], jnp.zeros(9).at[2:6].set(x)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#2086")
def convolved() -> Call:
    """One and two dimensions."""
    kernel = jnp.asarray(np.random.default_rng(2).standard_normal((2, 1, 3, 3)))

    def f(x: Any) -> Any:
        image = jnp.outer(x, jnp.arange(1.0, 6.0))[None, None]
        return jax.lax.conv(image, kernel, (1, 1), "SAME"), jnp.convolve(x, jnp.arange(5.0))

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#22843", long=True)
def special_functions() -> Call:
    """Gamma, Bessel and error functions."""
    s = jax.scipy.special

    def f(x: Any) -> Any:
        return jnp.concatenate([s.gammaln(x), s.digamma(x), s.erf(x), s.i0e(x), s.logsumexp(x)[None], s.expit(x)] * 3)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#38610")
def incomplete_beta() -> Call:
    """Its parameters have no rule."""
    return Call(f=lambda a: jax.scipy.special.betainc(a, 2.0, 0.3) * jnp.ones(20), args=(1.5,))


@situation(OURS, jit=False, long=True)
def samples() -> Call:
    """Random numbers are differentiated by the parameters of their distribution."""

    def f(x: Any) -> Any:
        key = jax.random.key(0)
        return x * jax.random.normal(key, (10, 4)), jax.random.exponential(key, (10, 4)) / x

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#2130", jit=False)
def samples_of_another_dtype() -> Call:
    """Single precision while 64 bits are enabled."""
    f = lambda x: jax.random.gamma(jax.random.key(0), x, (10,), dtype=jnp.float32)  # noqa: E731
    return Call(f=f, args=(np.float32(1.5),))


@situation(OURS)
def interpolated() -> Call:
    """The points are differentiated."""
    f = lambda y: jnp.interp(jnp.linspace(0.0, 4.0, 30), jnp.arange(4.0), y)  # noqa: E731
    return Call(f=f, args=(X,))


@situation(OURS)
def einsum_of_several() -> Call:
    """Some indices are repeated."""
    f = lambda a, b: jnp.einsum("ij,jk,kl->il", a, b, jnp.ones((3, 12)))  # noqa: E731
    return Call(f=f, args=(SQUARE, SQUARE), options={"argnums": (0, 1)})


@situation("jax-ml/jax#7404")
def batched_singular_values() -> Call:
    """Several matrices at once."""
    f = lambda x: jnp.linalg.svd(x[:, None, None] * jnp.ones((2, 3)) + jnp.eye(2, 3), compute_uv=False)  # noqa: E731
    return Call(f=f, args=(X,))


@situation(OURS)
def mapped() -> Call:
    """The function contains a vmap."""
    return Call(f=lambda x: jax.vmap(lambda a, b: jnp.outer(a * b, b))(x, jnp.ones((4, 5))), args=(X,))


@situation(OURS)
def least_squares() -> Call:
    """The solution uses the singular values of the matrix."""
    f = lambda b: jnp.linalg.lstsq(jnp.asarray(np.vander(np.arange(4.0), 3)), b)[0]  # noqa: E731
    return Call(f=f, args=(X,))
