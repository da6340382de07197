"""The time of a torch.func tangent beside a cotangent: paired times of jacfwd and jacrev over many shapes.

`fwdrev.jacobian` weighs tangents so that it leaves reverse mode only if that pays: see `_PASS` in
`fwdrev/api/torch_jacobian.py`. This needs PyTorch, so it is not part of `make bench`.
"""

import math
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import torch

from fwdrev.bench.timing.blocks import calibrate, timed_blocks

SIZES = ((3, 3), (30, 30), (100, 100), (300, 300), (100, 300), (300, 100), (200, 300), (300, 200))
MANY = 100
WIDTH = 64


def functions(n: int, m: int) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """A layer, a network of two layers, and a function without a product."""
    A, B, C = torch.randn(m, n), torch.randn(WIDTH, n), torch.randn(m, WIDTH)
    repeats = math.ceil(m / n)
    yield "layer", lambda x: torch.tanh(A @ x)
    yield "network", lambda x: C @ torch.tanh(B @ torch.sin(x))
    yield "elements", lambda x: torch.sin(x.repeat(repeats)[:m])


def main() -> None:
    """Prints a line for each function, and the geometric mean of those with many passes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    weights = []
    for n, m in SIZES:
        x = torch.randn(n)
        for name, f in functions(n, m):
            arms = {"forward": partial(torch.func.jacfwd(f), x), "reverse": partial(torch.func.jacrev(f), x)}
            for call in arms.values():
                call()
            values = timed_blocks(arms, calibrate(arms, 0.02), 8, Random(0))
            ratio = statistics.median(a / b for a, b in zip(values["forward"], values["reverse"], strict=True))
            weight = ratio * m / n
            print(f"{name:9} n = {n:3}, m = {m:3}: jacfwd ÷ jacrev {ratio:5.2f}, a tangent ÷ a cotangent {weight:5.2f}")
            if min(n, m) >= MANY:
                weights.append(weight)
    print(f"\na tangent takes {statistics.geometric_mean(weights):.2f} times as long as a cotangent")


if __name__ == "__main__":
    main()
