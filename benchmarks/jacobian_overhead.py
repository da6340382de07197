"""The overhead of `fwdrev.jacobian` per call once it has decided: beside its chosen function, in paired blocks.

The function is as cheap as possible and its Jacobian compiled, so that the difference shows.
"""

import argparse
import statistics
from random import Random

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.api.jacobian import automatic
from fwdrev.api.jax_jacobian import JaxJacobian
from fwdrev.api.mode_choice import AUTO
from fwdrev.api.torch_jacobian import TorchJacobian
from fwdrev.bench.timing.blocks import timed_blocks


def main() -> None:
    """Prints one line for each kind of arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=40)
    given = parser.parse_args()
    x = jnp.ones(3)
    for name, args in {
        "one array": (x,),
        "three arrays": (x, x, x),
        "a NumPy array": (np.ones(3, np.float32),),
        "a dictionary of 6": (dict.fromkeys("abcdef", x),),
        "a Python number": (1.5,),
        "an option beside": (x, 3),
    }.items():
        added, direct = _added(args, given.blocks)
        print(f"{name:18} {added:5.2f} µs more than {direct:5.2f} µs")


def _added(args: tuple[object, ...], blocks: int) -> tuple[float, float]:
    """Median difference of paired blocks, and the time of the call itself, both in microseconds."""

    def f(*args: object) -> jax.Array:
        return sum(jnp.sum(leaf) for leaf in jax.tree.leaves(args)) * jnp.ones(1)

    direct = jax.jit(jax.jacrev(f))
    options = {"mode": AUTO, "chunk": None, "decide": "count", "has_aux": False}
    of_arrays = JaxJacobian(f, 0, **options)
    of_arrays.by_mode = dict.fromkeys(of_arrays.by_mode, direct)
    found = automatic(f, of_arrays, TorchJacobian(f, 0, **options))
    arms = {"direct": lambda: direct(*args), "found": lambda: found(*args)}
    for call in arms.values():
        call()
    values = timed_blocks(arms, dict.fromkeys(arms, 300), blocks, Random(0))
    added = [b - a for a, b in zip(values["direct"], values["found"], strict=True)]
    return 1e6 * statistics.median(added), 1e6 * statistics.median(values["direct"])


if __name__ == "__main__":
    main()
