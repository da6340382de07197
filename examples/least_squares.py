"""A least-squares fit by Gauss–Newton: many residuals, few parameters, so the Jacobian is tall and forward mode wins.

It fits a sum of three Gaussian peaks to noisy points. A step solves J d ≈ -r, with the Jacobian J, (points, 9), at the
current parameters; if the error would grow, the step is halved. Forward mode needs nine passes, reverse mode one for
every point.

    python examples/least_squares.py [--points 50,200,800]
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from turns import medians

import fwdrev

TRUTH = np.array([1.0, -2.0, 0.7, 0.6, 0.5, 0.4, 0.8, 2.2, 0.9])
"""Height, place and width of each peak."""

ENGINES = ("jax-jvp", "jax-vjp")


def peaks(z: jax.Array, places: jax.Array) -> jax.Array:
    """Σ height exp(-((t - place) / width)²) at all places t: (9,) → (points,)."""
    height, centre, width = z.reshape(3, 3, 1).transpose(1, 0, 2)
    return (height * jnp.exp(-(((places[None] - centre) / width) ** 2))).sum(axis=0)


def data(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and noisy values."""
    places = np.linspace(-4.0, 4.0, points)
    noise = np.random.default_rng(0).normal(0.0, 0.01, points)
    return places, np.asarray(peaks(jnp.asarray(TRUTH), jnp.asarray(places))) + noise


def fit(jacobian: Callable[..., np.ndarray], points: int, steps: int = 15) -> tuple[np.ndarray, list[float]]:
    """The parameters, and the root mean square residual before each step."""
    places, values = data(points)
    z, errors = TRUTH * 1.15, []
    for _ in range(steps):
        r = np.asarray(peaks(z, places)) - values
        errors.append(float(np.sqrt(np.mean(r**2))))
        step = np.linalg.lstsq(np.asarray(jacobian(z, np.empty(0))), -r, rcond=None)[0]
        for _ in range(10):
            if np.mean((np.asarray(peaks(z + step, places)) - values) ** 2) <= np.mean(r**2):
                break
            step = step / 2
        z = z + step
    return z, errors


def prepared(engine: str, points: int) -> Callable[..., np.ndarray]:
    """The Jacobian of the residuals, which is that of the curve: the data do not depend on the parameters."""
    places = jnp.asarray(data(points)[0])
    chain = fwdrev.Chain((fwdrev.JaxLayer(lambda z, _: peaks(z, places), inputs=TRUTH.size),))
    return fwdrev.engine(engine).prepare(chain, "x")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the fit by both modes, then the cost of a Jacobian as the number of points grows."""
    parser = argparse.ArgumentParser(description="Gauss–Newton with forward and with reverse mode")
    parser.add_argument("--points", default="50,200,800")
    sizes = [int(size) for size in parser.parse_args(arguments).points.split(",")]
    jax.config.update("jax_enable_x64", val=True)

    found = {engine: fit(prepared(engine, sizes[0]), sizes[0]) for engine in ENGINES}
    z, errors = found["jax-jvp"]
    print(f"{sizes[0]} points: root mean square residual {errors[0]:.4f} → {errors[-1]:.4f}")
    print(f"farthest from the truth: {np.abs(z - TRUTH).max():.3f}")
    print(f"forward and reverse differ by {np.abs(z - found['jax-vjp'][0]).max():.1e}\n")

    print(f"{'points':>7} {'jax-jvp':>12} {'jax-vjp':>12}   reverse ÷ forward")
    for size in sizes:
        one, other = medians([partial(prepared(engine, size), TRUTH, np.empty(0)) for engine in ENGINES])
        print(f"{size:>7} {1e3 * one:>9.3f} ms {1e3 * other:>9.3f} ms {other / one:>12.1f}")


if __name__ == "__main__":
    main()
