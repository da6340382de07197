"""Gradient descent with the G recursion, with the D recursion, and with JAX.

A network with a squared error behind it is a chain that ends in one number, so its Jacobian is the gradient. All three
train on the same points from the same start, and take the same path. The cost of a step differs: the forward recursion
carries a column for every parameter, the reverse recursion a single row.

    python examples/gradient_descent.py [--steps 300] [--widths 4,8,16,32,64,128]
"""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from turns import medians

import fwdrev
from fwdrev.modes import Activate, Chain, Dense, SquaredError, activation

INPUTS, OUTPUTS, POINTS, RATE = 2, 1, 8, 0.5
ENGINES = {"G recursion": "forward", "D recursion": "reverse", "JAX": "jax-vjp"}

Gradient = Callable[[np.ndarray], np.ndarray]


def samples() -> tuple[np.ndarray, np.ndarray]:
    """Points (POINTS, INPUTS) on a circle, and the product of their coordinates, (POINTS, OUTPUTS)."""
    angle = np.linspace(0.0, 2 * np.pi, POINTS, endpoint=False)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return x, x.prod(axis=1, keepdims=True)


def network(width: int, target: np.ndarray) -> Chain:
    """INPUTS → width → width → OUTPUTS with tanh between, and the squared distance from the target."""
    tanh = Activate(width, activation("tanh"))
    dense = (Dense(INPUTS, width), tanh, Dense(width, width), tanh, Dense(width, OUTPUTS))
    return Chain((*dense, SquaredError(target)))


def gradient_of(engine: str, width: int) -> Gradient:
    """The mean gradient over all points, by one Jacobian for each: θ → (parameters,)."""
    x, t = samples()
    jacobians = [fwdrev.engine(engine).prepare(network(width, target), "theta") for target in t]

    def gradient(theta: np.ndarray) -> np.ndarray:
        return np.mean([np.asarray(J(point, theta))[0] for J, point in zip(jacobians, x, strict=True)], axis=0)

    return gradient


def start(width: int) -> np.ndarray:
    """Initial weights of variance 1 / inputs, the same for every engine."""
    rng = np.random.default_rng(0)
    layers = [layer for layer in network(width, np.zeros(OUTPUTS)).layers if layer.n_params]
    return np.concatenate([rng.standard_normal(a.n_params) / np.sqrt(a.n_in + 1) for a in layers])


def descend(gradient: Gradient, theta: np.ndarray, steps: int) -> np.ndarray:
    """The path: (steps + 1, parameters)."""
    path = [theta]
    for _ in range(steps):
        path.append(path[-1] - RATE * gradient(path[-1]))
    return np.array(path)


def error(width: int, theta: np.ndarray) -> float:
    """The mean squared error over the points."""
    x, t = samples()
    values = [float(network(width, target).value(point, theta)[0]) for point, target in zip(x, t, strict=True)]
    return float(np.mean(values))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the path, then the cost of a step as the network grows."""
    parser = argparse.ArgumentParser(description="gradient descent by three ways to the same gradient")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--widths", default="4,8,16,32,64,128")
    options = parser.parse_args(arguments)
    widths = [int(width) for width in options.widths.split(",")]

    width = widths[0]
    paths = {name: descend(gradient_of(engine, width), start(width), options.steps) for name, engine in ENGINES.items()}
    reference = paths["JAX"]
    before, after = (error(width, theta) for theta in (reference[0], reference[-1]))
    print(f"width {width}, {options.steps} steps: error {before:.4f} → {after:.4f}")
    for name, path in paths.items():
        print(f"  {name:<12} farthest from JAX's path: {np.abs(path - reference).max():.1e}")

    print(f"\n{'width':>6} {'parameters':>11}" + "".join(f"{name:>14}" for name in ENGINES) + "   G ÷ D")
    for width in widths:
        theta = start(width)
        times = medians([partial(gradient_of(engine, width), theta) for engine in ENGINES.values()])
        cells = "".join(f"{1e3 * seconds:>11.2f} ms" for seconds in times)
        print(f"{width:>6} {theta.size:>11}{cells} {times[0] / times[1]:>7.1f}")


if __name__ == "__main__":
    main()
