"""Situations of cost, on a small scale: large constants, wide intermediate values, small chunks."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import OURS, Call, table

SITUATIONS, situation = table()


def _data(rows: int, columns: int) -> Any:
    return np.random.default_rng(0).standard_normal((rows, columns))


@situation(OURS, long=True)
def sorted_data() -> Call:
    """A sort of 10,000 rows is independent of the differentiated argument."""
    return Call(f=lambda p, X: jnp.sort(X, axis=0)[:50] @ p, args=(np.ones(10), _data(10_000, 10)))


@situation("jax-ml/jax#21300", jit=False)
def sorted_data_closed_over() -> Call:
    """The compiler folds operations that depend on no argument."""
    X = jnp.asarray(_data(10_000, 10))
    return Call(f=lambda p: jnp.sort(X, axis=0)[:50] @ p, args=(np.ones(10),))


@situation(OURS, long=True)
def cumulated_data() -> Call:
    """A cumulative sum of 30,000 rows, of which few are used."""
    return Call(f=lambda p, X: jnp.cumsum(X, axis=0)[::300] @ p, args=(np.ones(4), _data(30_000, 4)))


@situation("jax-ml/jax#24707")
def cumulated_data_closed_over() -> Call:
    """The same, closed over: the compiler folds a windowed sum for seconds."""
    X = jnp.asarray(_data(30_000, 4))
    return Call(f=lambda p: jnp.cumsum(X, axis=0)[::300] @ p, args=(np.ones(4),))


@situation("jax-ml/jax#14655", long=True)
def sparse_closed_over() -> Call:
    """A sparse matrix has many indices."""
    from jax.experimental import sparse

    n = 5_000
    identity: Any = sparse.eye(n)
    indices = identity.indices

    def f(x: Any) -> Any:
        matrix = sparse.BCOO((jnp.ones(n), indices), shape=(n, n), indices_sorted=True, unique_indices=True)
        return (matrix @ (jnp.ones(n) / x))[:100]

    return Call(f=f, args=(2.0,))


@situation("jax-ml/jax#18475", long=True)
def condition_on_a_long_range() -> Call:
    """It is cheap to recompute, and large to keep."""
    return Call(f=lambda x: x * jnp.where(jnp.arange(2_000) == 5, 1.0, 2.0), args=(7.0,))


@situation("jax-ml/jax#10596", long=True)
def transformed_pulse_closed_over() -> Call:
    """The Fourier transform of a constant."""
    pulse = jnp.asarray(_data(8_000, 1)[:, 0])
    return Call(f=lambda x: jnp.abs(jnp.fft.fft(pulse))[:500] * x, args=(1.5,))


@situation("jax-ml/jax#12789", long=True)
def updated_block() -> Call:
    """A block of ones with one changed entry."""
    return Call(f=lambda x: jnp.ones((16, 16, 16)).at[10, 10, 10].set(x[0]).sum(axis=0), args=(np.ones(2),))


def _tiled(x: Any) -> Any:
    wide = jnp.tile(x, 20)
    return jnp.cumsum(jnp.sin(jnp.cumsum(wide)))[:: wide.size // 40][:40]


@situation(OURS, long=True)
def tiled_and_cumulated() -> Call:
    """The intermediate array is many times wider than input and output."""
    return Call(f=_tiled, args=(np.linspace(0.0, 1.0, 300),))


@situation("PlasmaControl/DESC#826", long=True)
def tiled_and_cumulated_in_chunks() -> Call:
    """The same with eight cotangents at a time."""
    return Call(f=_tiled, args=(np.linspace(0.0, 1.0, 300),), ours={"chunk": 8})


@situation("PlasmaControl/DESC#539", long=True)
def looped_columns() -> Call:
    """The loop computes one column at a time."""
    return Call(f=lambda x: jnp.sin(jnp.outer(x, jnp.arange(30.0))).ravel(), args=(np.ones(7),), ours={"chunk": 1})


@situation("pytorch/functorch#1058", long=True)
def residuals_of_a_kernel() -> Call:
    """A kernel between data and few inputs has ten times more residuals than inputs."""
    X = jnp.asarray(_data(200, 3))

    def f(x: Any) -> Any:
        points = x.reshape(-1, 3)
        kernel = jnp.exp(-jnp.sum((X[:, None] - points[None]) ** 2, axis=-1))
        return jnp.linalg.solve(kernel.T @ kernel + jnp.eye(points.shape[0]), kernel.T @ X[:, 0]) @ kernel.T

    return Call(f=f, args=(_data(1, 21)[0],))


@situation("jax-ml/jax#1923", long=True)
def tensor_of_covariances() -> Call:
    """An outer product of fourth order is reduced at once."""

    def f(phi: Any) -> Any:
        return jnp.einsum("i,j,k,l,j,kl->i", phi, phi, phi, phi, jnp.sin(phi), jnp.outer(phi, phi))

    return Call(f=f, args=(np.linspace(0.1, 1.0, 8),))


@situation("pytorch/functorch#636", long=True)
def states_of_a_long_simulation() -> Call:
    """Reverse mode keeps every state, forward mode none."""

    def f(p: Any) -> Any:
        def step(state: Any, _: None) -> Any:
            return state + 0.01 * jnp.tanh(p[0] * state + p[1] * jnp.roll(state, 1)), None

        return jax.lax.scan(step, jnp.linspace(0.0, 1.0, 400) * p[2], None, length=200)[0]

    return Call(f=f, args=(np.array([0.3, -0.2, 1.1]),))


@situation("jax-ml/jax#2777", long=True)
def unrolled_in_python() -> Call:
    """The loop becomes many operations."""

    def f(x: Any) -> Any:
        y = x
        for k in range(20):
            y = jnp.sin(y + 0.01 * k) * x[0]
        return jnp.tile(y, 5)

    return Call(f=f, args=(np.linspace(0.5, 1.0, 4),))


@situation("HIPS/autograd#542", long=True)
def many_arguments() -> Call:
    """Forty arguments are differentiated at once."""
    return Call(
        f=lambda *xs: jnp.stack([jnp.sin(x) * k for k, x in enumerate(xs)]).sum(axis=0),
        args=tuple(np.full(3, k / 40) for k in range(40)),
        options={"argnums": tuple(range(40))},
    )
