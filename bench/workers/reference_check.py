"""The check before timing: a Jacobian must agree with products computed independently of it.

For random v and u, it compares `J · v` with jax.jvp and `uᵀ · J` with jax.vjp of the chain's own value. A wrong arm is
recorded as wrong and never timed.
"""

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.reasons import one_line
from fwdrev.modes.core.arrays import AnyArray, Matrix, Vector
from fwdrev.modes.core.chain import Wrt
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.errors import SurroundingsError

TOLERANCE = {"float64": 1e-9, "float32": 1e-3}
"""The relative tolerance; rounding errors of our chains stay 100 times below it."""

_QUICKLY = {"xla_backend_optimization_level": 0}
"""Options for quick compilation: the reference runs once, so half the compile time is worth more than speed."""

_BY_DEFAULT: dict[str, int] = {}
"""Options if the quick program is wrong: at level 0, the XLA of JAX 0.12 returns NaN for some correct programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Random v (N,) and u (m,), and the products J · v (m,) and uᵀ · J (N,)."""

    v: Vector
    u: Vector
    Jv: Vector
    uJ: Vector  # noqa: N815 - uᵀ · J

    @property
    def holds(self) -> bool:
        """Whether u · (J v) = (u J) · v up to rounding; False if a number is not finite, or miscompiled."""
        with np.errstate(all="ignore"):
            apart = abs(self.u @ self.Jv - self.uJ @ self.v)
            scale = abs(self.u) @ abs(self.Jv) + abs(self.uJ) @ abs(self.v)
        return bool(apart <= TOLERANCE[self.v.dtype.name] * scale < np.inf)

    def save(self, path: Path) -> None:
        """Write it for later rounds; raises SurroundingsError if it cannot be written."""
        try:
            np.savez(path, v=self.v, u=self.u, Jv=self.Jv, uJ=self.uJ)
        except OSError as error:
            raise SurroundingsError(f"cannot write the reference {path}: {error.strerror or error}") from None

    @classmethod
    def load(cls, path: Path) -> "Reference":
        """Read what `save` wrote; raises SurroundingsError if it cannot be read."""
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                return cls(**{name: arrays[name] for name in ("v", "u", "Jv", "uJ")})
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise SurroundingsError(f"cannot read the reference {path}: {one_line(str(error))}") from None


def reference(problem: Problem, wrt: Wrt) -> Reference:
    """The products for one cell, by JAX; costs one compilation, or two if the first is not trustworthy."""
    found = _products(problem, wrt, _QUICKLY)
    return found if found.holds else _products(problem, wrt, _BY_DEFAULT)


def _products(problem: Problem, wrt: Wrt, options: dict[str, int]) -> Reference:
    import jax

    from fwdrev.modes.core.jax_compile import precision, pure_function

    chain, n_x = problem.chain, problem.chain.n_in if wrt.has_x else 0
    rng = np.random.default_rng([problem.n, problem.m])
    v = rng.standard_normal(chain.n_columns(wrt)).astype(chain.dtype)
    u = rng.standard_normal(chain.n_out).astype(chain.dtype)
    value, constants = pure_function(chain)

    def products(constants: AnyArray, x: AnyArray, theta: AnyArray, v: AnyArray, u: AnyArray) -> AnyArray:
        def f(x: AnyArray, theta: AnyArray) -> AnyArray:
            return value(constants, x, theta)

        x_dot = v[:n_x] if wrt.has_x else jax.numpy.zeros_like(x)
        theta_dot = v[n_x:] if wrt.has_theta else jax.numpy.zeros_like(theta)
        x_bar, theta_bar = jax.vjp(f, x, theta)[1](u)
        wanted = [x_bar] * wrt.has_x + [theta_bar] * wrt.has_theta
        return jax.jvp(f, (x, theta), (x_dot, theta_dot))[1], jax.numpy.concatenate(wanted)

    with precision(chain.dtype):
        Jv, uJ = jax.jit(products, compiler_options=options)(constants, problem.x, problem.theta, v, u)
    return Reference(v=v, u=u, Jv=np.asarray(Jv), uJ=np.asarray(uJ))


def deviation(J: Matrix, expected: Reference) -> float:
    """The largest deviation of J · v and uᵀ · J relative to their largest entry, over finite entries.

    Infinite for a wrong shape, or if only J is not finite.
    """
    if J.shape != (expected.u.size, expected.v.size):
        return np.inf
    with np.errstate(all="ignore"):
        return max(_relative(J @ expected.v, expected.Jv), _relative(expected.u @ J, expected.uJ))


def wrong_text(J: Matrix, expected: Reference, error: float) -> str:
    """The reason to record for a Jacobian with this deviation."""
    shape = expected.u.size, expected.v.size
    if J.shape != shape:
        return f"its Jacobian has the shape {J.shape}, not {shape}"
    if not np.isfinite(J).all():
        return f"its Jacobian is not finite ({_not_finite(J)}), and the products by jax.jvp and jax.vjp are"
    return f"its Jacobian differs from jax.jvp and jax.vjp by {error:.1e}, relatively"


def unchecked_text(J: Matrix, expected: Reference) -> str | None:
    """The part left unchecked because the reference is not finite, either; None if all was checked."""
    products = np.concatenate([expected.Jv, expected.uJ])
    if np.isfinite(products).all():
        return None
    own = "finite" if np.isfinite(J).all() else f"not finite ({_not_finite(J)})"
    return (
        f"not checked: the products by jax.jvp and jax.vjp are not finite ({_not_finite(products)}); its own is {own}"
    )


def _not_finite(values: AnyArray) -> str:
    """A share as text: `3 of 20`."""
    return f"{np.count_nonzero(~np.isfinite(values))} of {values.size}"


def cell_file(folder: Path, cell: Cell) -> Path:
    """The file with the reference of a cell during a sweep."""
    return folder / f"reference-{cell.n}-{cell.m}.npz"


def _relative(given: Vector, expected: Vector) -> float:
    finite = np.isfinite(expected)
    given, expected = given[finite], expected[finite]
    scale = float(np.max(np.abs(expected), initial=0)) or 1.0
    error = float(np.max(np.abs(given - expected), initial=0)) / scale
    return error if np.isfinite(error) else np.inf
