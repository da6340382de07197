"""A result that is held is never overwritten; its memory is used again once it is let go."""

import numpy as np
import pytest

from fwdrev.modes import engine, problem

RECURSIONS = ("forward", "reverse")


@pytest.mark.parametrize("name", RECURSIONS)
def test_a_held_result_is_never_overwritten(name: str) -> None:
    """Also when it is held as a view only, and whatever number of results is held."""
    p, q = problem("driven", n=32, m=8, seed=1), problem("driven", n=32, m=8, seed=2)
    jacobian = engine(name).prepare(p.chain, "theta")
    held = [jacobian(p.x, p.theta), jacobian(p.x, p.theta)[:, 3:5], jacobian(p.x, p.theta).T]
    copies = [J.copy() for J in held]
    for _ in range(5):
        jacobian(q.x, q.theta)
    for J, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(J, copy)


@pytest.mark.parametrize("name", RECURSIONS)
def test_memory_is_used_again(name: str) -> None:
    """A loop that keeps only its last result needs the memory of two."""
    p = problem("driven", n=32, m=8)
    jacobian = engine(name).prepare(p.chain, "theta")
    places = set()
    for _ in range(10):
        J = jacobian(p.x, p.theta)
        places.add(J.__array_interface__["data"][0])
    assert len(places) <= 2
