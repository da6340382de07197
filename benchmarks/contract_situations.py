"""Functions and arguments of real size for `contract.py`, each made in a process of its own: jax or torch, options."""

import time

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["JAX", "TORCH", "Made"]

Made = tuple[object, tuple[object, ...], dict[str, object]]
"""A function, its arguments, and the options of fwdrev.jacobian that jax.jacobian does not know."""

_RANDOM = np.random.default_rng(0)


def _data(*shape: int) -> np.ndarray:
    return _RANDOM.standard_normal(shape).astype(np.float32)


def sorted_data() -> Made:
    """A sort of 10,000 rows beside what is differentiated."""
    return lambda p, X: jnp.sort(X, axis=0)[:50] @ p, (jnp.ones(10), _data(10_000, 10)), {}


def sorted_data_closed_over() -> Made:
    """The same as a constant."""
    X = jnp.asarray(_data(10_000, 10))
    return lambda p: jnp.sort(X, axis=0)[:50] @ p, (jnp.ones(10),), {}


def cumulated_data() -> Made:
    """A cumulative sum of 30,000 rows."""
    return lambda p, X: jnp.cumsum(X, axis=0)[::30] @ p, (jnp.ones(10), _data(30_000, 10)), {}


def cumulated_data_closed_over() -> Made:
    """The same as a constant."""
    X = jnp.asarray(_data(30_000, 10))
    return lambda p: jnp.cumsum(X, axis=0)[::30] @ p, (jnp.ones(10),), {}


def sparse_closed_over() -> Made:
    """A sparse matrix of 200,000 rows."""
    from jax.experimental import sparse

    n = 200_000
    indices = sparse.eye(n).indices

    def f(x: jax.Array) -> jax.Array:
        matrix = sparse.BCOO((jnp.ones(n), indices), shape=(n, n), indices_sorted=True, unique_indices=True)
        return (matrix @ (jnp.ones(n) / x))[:200]

    return f, (2.0,), {}


def _tiled(x: jax.Array) -> jax.Array:
    return jnp.cumsum(jnp.sin(jnp.cumsum(jnp.tile(x, 100))))[::1500]


def tiled_and_cumulated() -> Made:
    """3000 inputs, 300,000 values between, 200 outputs: forward mode would take gigabytes."""
    return _tiled, (jnp.linspace(0.0, 1.0, 3000),), {}


def tiled_and_cumulated_in_chunks() -> Made:
    """Eight cotangents at a time."""
    return _tiled, (jnp.linspace(0.0, 1.0, 3000),), {"chunk": 8}


def wide_between() -> Made:
    """30 inputs, 200 outputs, two million values between: reverse mode takes several times the memory."""

    def f(x: jax.Array) -> jax.Array:
        wide = jnp.sin(jnp.repeat(x, 2_000_400 // x.size))
        return jnp.sum((wide * wide).reshape(200, -1), axis=1)

    return f, (jnp.linspace(0.1, 0.9, 30),), {}


def long_simulation() -> Made:
    """Three inputs, 500 states, 1000 steps."""

    def f(p: jax.Array) -> jax.Array:
        def step(state: jax.Array, _: None) -> tuple[jax.Array, None]:
            return state + 0.01 * jnp.tanh(p[0] * state + p[1] * jnp.roll(state, 1)), None

        return jax.lax.scan(step, jnp.linspace(0.0, 1.0, 500) * p[2], None, length=1000)[0]

    return f, (jnp.array([0.3, -0.2, 1.1]),), {}


def deep_scan() -> Made:
    """Five inputs, 20 states, 10,000 steps."""

    def f(p: jax.Array) -> jax.Array:
        step = lambda y, _: (jnp.sin(y) + p[0], None)  # noqa: E731
        return jax.lax.scan(step, jnp.tile(p, 4), None, length=10_000)[0]

    return f, (jnp.linspace(0.1, 0.5, 5),), {}


def deep_scan_to_one() -> Made:
    """1000 inputs, one output, 3000 steps."""

    def f(x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda y, _: (jnp.sin(y) * x, None), x, None, length=3000)[0].sum()

    return f, (jnp.linspace(0.1, 0.5, 1000),), {}


def associative_scan() -> Made:
    """A linear recurrence of 1000 steps."""
    xs = jnp.asarray(_data(1000, 4))

    def f(w: jax.Array) -> jax.Array:
        combine = lambda a, b: (a[0] * b[0], b[0] * a[1] + b[1])  # noqa: E731
        return jax.lax.associative_scan(combine, (jnp.repeat(w[None], 1000, axis=0), xs))[1][::10]

    return f, (jnp.full(4, 0.9),), {}


def _unrolled(x: jax.Array, operations: int) -> jax.Array:
    y = x
    for k in range(operations // 2):
        y = jnp.sin(y + 0.001 * k)
    return y


def unrolled() -> Made:
    """1000 operations in Python, as many outputs as inputs."""
    return lambda x: _unrolled(x, 1000), (jnp.linspace(0.0, 1.0, 20),), {}


def unrolled_tall() -> Made:
    """1000 operations in Python, of two inputs that are repeated."""
    return lambda x: _unrolled(jnp.tile(x, 200), 1000), (jnp.array([0.1, 0.9]),), {}


def unrolled_and_compiled() -> Made:
    """300 operations in a compiled function."""
    return jax.jit(lambda x: _unrolled(jnp.tile(x, 200), 300)), (jnp.array([0.1, 0.9]),), {}


def _decay(y: jax.Array, _t: jax.Array, k: jax.Array) -> jax.Array:
    return -k * y + 0.1 * jnp.roll(y, 1)


def differential_equation() -> Made:
    """JAX's own solver, for reverse mode alone."""
    from jax.experimental.ode import odeint

    times = jnp.linspace(0.0, 1.0, 50)
    return lambda k: odeint(_decay, jnp.ones(10), times, k), (jnp.linspace(0.5, 1.5, 10),), {}


def differential_equation_that_closes_over() -> Made:
    """The same with the rates by closure."""
    from jax.experimental.ode import odeint

    times = jnp.linspace(0.0, 1.0, 50)
    rates = jnp.linspace(0.5, 1.5, 10)
    return lambda k: odeint(lambda y, t: _decay(y, t, k), jnp.ones(10), times), (rates,), {}


def _diffrax(adjoint: str) -> Made:
    import diffrax

    def f(k: jax.Array) -> jax.Array:
        term, times = diffrax.ODETerm(lambda t, y, k: _decay(y, t, k)), diffrax.SaveAt(ts=jnp.linspace(0.0, 1.0, 50))
        y0, options = jnp.ones(10), {"adjoint": getattr(diffrax, adjoint)(), "max_steps": 256}
        return diffrax.diffeqsolve(term, diffrax.Tsit5(), 0.0, 1.0, 0.01, y0, k, saveat=times, **options).ys

    return f, (jnp.linspace(0.5, 1.5, 10),), {}


def diffrax_checkpointed() -> Made:
    """The default of diffrax, for reverse mode alone."""
    return _diffrax("RecursiveCheckpointAdjoint")


def diffrax_direct() -> Made:
    """Both modes go through the solver."""
    return _diffrax("DirectAdjoint")


def diffrax_backsolve() -> Made:
    """The adjoint equation is solved backwards in time."""
    return _diffrax("BacksolveAdjoint")


def least_squares() -> Made:
    """A fit by optimistix, as a function of 200 data."""
    import optimistix

    def f(data: jax.Array) -> jax.Array:
        t = jnp.linspace(0.0, 2.0, 200)
        solver = optimistix.LevenbergMarquardt(rtol=1e-4, atol=1e-4)
        fit = optimistix.least_squares(lambda y, _: y[0] * jnp.exp(-y[1] * t) - data, solver, jnp.ones(2), throw=False)
        return fit.value

    return f, (jnp.exp(-jnp.linspace(0.0, 2.0, 200)),), {}


def linear_equations() -> Made:
    """200 equations by lineax, whose matrix depends on five numbers."""
    import lineax

    A = jnp.asarray(_data(200, 200)) + 20 * jnp.eye(200)

    def f(a: jax.Array) -> jax.Array:
        return lineax.linear_solve(lineax.MatrixLinearOperator(A + jnp.diag(jnp.tile(a, 40))), jnp.ones(200)).value

    return f, (jnp.arange(5.0),), {}


def weights_of_a_module() -> Made:
    """A network of equinox with 20,000 weights and ten outputs."""
    import equinox

    model = equinox.nn.MLP(20, 10, 100, 2, key=jax.random.key(0))
    arrays, rest = equinox.partition(model, equinox.is_inexact_array)
    x = jnp.asarray(_data(20))
    return lambda arrays: equinox.combine(arrays, rest)(x), (arrays,), {}


def mean_of_nothing() -> Made:
    """NaN in forward mode alone."""
    return lambda x: x[0] * jnp.ones(1000) + jnp.mean(x[1]), ((jnp.ones(()), jnp.ones((0,))),), {}


def conjugate_gradients() -> Made:
    """Of a matrix that is not symmetric: the modes disagree."""

    def f(theta: jax.Array) -> jax.Array:
        matrix = jnp.array([[2.0, 0.3], [-0.7, 1.0]]) + jnp.outer(theta, jnp.array([1.0, -1.0]))
        return jnp.outer(jax.scipy.sparse.linalg.cg(matrix, theta)[0], jnp.arange(1.0, 300.0)).ravel()

    return f, (jnp.array([0.2, 0.9]),), {}


def rule_for_reverse_mode() -> Made:
    """Tall, with a rule for reverse mode alone."""

    @jax.custom_vjp
    def by_hand(x: jax.Array) -> jax.Array:
        return jnp.sin(x)

    by_hand.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (u * jnp.cos(x),))
    return lambda x: jnp.tile(by_hand(x), 1000), (jnp.linspace(0.1, 0.9, 3),), {}


def many_outputs() -> Made:
    """20,000 outputs of three inputs: reverse mode makes a basis of gigabytes."""
    return lambda x: jnp.outer(jnp.sin(x), jnp.arange(6_667.0)).ravel()[:20_000], (jnp.linspace(0.1, 0.9, 3),), {}


def many_inputs() -> Made:
    """A million inputs, one output."""
    return lambda x: jnp.sum(jnp.sin(x) ** 2), (jnp.linspace(0.1, 0.9, 1_000_000),), {}


def hessian() -> Made:
    """The Jacobian of a gradient with respect to 500 inputs."""
    A = jnp.asarray(_data(500, 500))
    return jax.grad(lambda x: jnp.sum(jnp.tanh(A @ x) ** 2)), (jnp.linspace(-1.0, 1.0, 500),), {}


def eigenvalues() -> Made:
    """Of a matrix of 60 rows: 3600 inputs, 60 outputs."""
    return lambda a: jnp.linalg.eigvalsh(a + a.T), (_data(60, 60),), {}


def solved() -> Made:
    """300 equations whose matrix depends on four numbers."""
    A = jnp.asarray(_data(300, 300)) + 30 * jnp.eye(300)
    return lambda t: jnp.linalg.solve(A + jnp.outer(jnp.tile(t, 75), jnp.ones(300)), jnp.ones(300)), (_data(4),), {}


def transformed() -> Made:
    """A Fourier transform of 4096 values made of four."""
    f = lambda x: jnp.abs(jnp.fft.rfft(jnp.sin(jnp.outer(x, jnp.arange(1024.0)).ravel())))  # noqa: E731
    return f, (jnp.linspace(0.1, 0.9, 4),), {}


def convolved() -> Made:
    """An image of 64 × 64 by three kernels that are differentiated."""
    image = jnp.asarray(_data(1, 1, 64, 64))
    return lambda k: jax.lax.conv(image, k, (2, 2), "SAME"), (_data(1, 1, 3, 3),), {}


def kernel_residuals() -> Made:
    """2000 residuals of a kernel with 60 inputs."""
    X = jnp.asarray(_data(2000, 3))

    def f(x: jax.Array) -> jax.Array:
        K = jnp.exp(-jnp.sum((X[:, None] - x.reshape(-1, 3)[None]) ** 2, axis=-1))
        return K @ jnp.linalg.solve(K.T @ K + jnp.eye(20), K.T @ X[:, 0])

    return f, (_data(60),), {}


def external_program() -> Made:
    """A callback that takes 50 ms, with a rule for its derivative that runs it once more."""

    def slow(x: np.ndarray) -> np.ndarray:
        time.sleep(0.05)
        return np.sin(x)

    @jax.custom_jvp
    def simulate(x: jax.Array) -> jax.Array:
        return jax.pure_callback(slow, jax.ShapeDtypeStruct(x.shape, x.dtype), x, vmap_method="broadcast_all")

    @simulate.defjvp
    def _(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[jax.Array, jax.Array]:
        return simulate(primals[0]), tangents[0] * simulate(primals[0] + np.pi / 2)

    return lambda x: jnp.outer(simulate(x), jnp.arange(200.0)).ravel(), (jnp.linspace(0.1, 0.9, 3),), {}


def tree_of_arrays() -> Made:
    """200 arrays in a dictionary."""
    x = {f"w{k}": jnp.full(5, k / 200) for k in range(200)}
    return lambda x: jnp.stack([jnp.sin(w).sum() for w in x.values()])[:10], (x,), {}


def small() -> Made:
    """A function that costs next to nothing."""
    return lambda x: jnp.tile(jnp.sin(x), 20), (jnp.linspace(0.1, 0.9, 3),), {}


def torch_network() -> Made:
    """20,000 weights, ten outputs."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(100, 180), torch.nn.Tanh(), torch.nn.Linear(180, 10))
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    x = torch.ones(100)
    return lambda weights: torch.func.functional_call(model, weights, (x,)), (weights,), {}


def torch_kernel() -> Made:
    """60 inputs, 4000 outputs, a matrix of 4000 × 4000 made between."""
    import torch

    points = torch.linspace(0.0, 1.0, 4000)[:, None]
    A = torch.sin(torch.outer(torch.arange(4000.0), torch.arange(1.0, 61.0)))
    return lambda x: torch.exp(-torch.cdist(points, points)) @ torch.sin(A @ x), (torch.ones(60),), {}


def torch_in_chunks() -> Made:
    """1000 rows, 64 at a time."""
    import torch

    A = torch.sin(torch.outer(torch.arange(1000.0), torch.arange(1.0, 2001.0)))
    return lambda x: torch.tanh(A @ x), (torch.ones(2000),), {"chunk": 64}


def torch_tall() -> Made:
    """Five inputs, 5000 outputs."""
    import torch

    return lambda x: torch.outer(torch.sin(x), torch.arange(1000.0)).ravel(), (torch.linspace(0.1, 0.9, 5),), {}


def torch_images() -> Made:
    """A convolution and a normalisation in evaluation, by 8 × 3 × 3 × 3 weights."""
    import torch

    layers = [torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(8)]
    model = torch.nn.Sequential(*layers).eval()
    x = torch.ones(1, 3, 32, 32)
    f = lambda w: torch.func.functional_call(model, {"0.weight": w}, (x,))  # noqa: E731
    return f, (model[0].weight.detach(),), {}


def torch_rule_for_reverse_mode() -> Made:
    """A long function that forward mode refuses at its end."""
    import torch

    class Square(torch.autograd.Function):
        generate_vmap_rule = True
        forward = staticmethod(lambda x: x**2)
        setup_context = staticmethod(lambda ctx, inputs, _: ctx.save_for_backward(*inputs))
        backward = staticmethod(lambda ctx, u: 2 * ctx.saved_tensors[0] * u)

    A = torch.sin(torch.outer(torch.arange(1500.0), torch.arange(1.0, 1501.0))) / 40

    def f(x: torch.Tensor) -> torch.Tensor:
        y = x.repeat(300)
        for _ in range(5):
            y = torch.tanh(A @ y)
        return Square.apply(y)

    return f, (torch.ones(5),), {}


JAX = {
    make.__name__: make
    for make in (
        sorted_data,
        sorted_data_closed_over,
        cumulated_data,
        cumulated_data_closed_over,
        sparse_closed_over,
        tiled_and_cumulated,
        tiled_and_cumulated_in_chunks,
        wide_between,
        long_simulation,
        deep_scan,
        deep_scan_to_one,
        associative_scan,
        unrolled,
        unrolled_tall,
        unrolled_and_compiled,
        differential_equation,
        differential_equation_that_closes_over,
        diffrax_checkpointed,
        diffrax_direct,
        diffrax_backsolve,
        least_squares,
        linear_equations,
        weights_of_a_module,
        mean_of_nothing,
        conjugate_gradients,
        rule_for_reverse_mode,
        many_outputs,
        many_inputs,
        hessian,
        eigenvalues,
        solved,
        transformed,
        convolved,
        kernel_residuals,
        external_program,
        tree_of_arrays,
        small,
    )
}
"""By name."""

TORCH = {
    make.__name__: make
    for make in (
        torch_network,
        torch_kernel,
        torch_in_chunks,
        torch_tall,
        torch_images,
        torch_rule_for_reverse_mode,
    )
}
"""By name; they need PyTorch."""
