"""A held result is never overwritten; its memory is reused after it is released."""

import weakref

import numpy as np
import pytest

from fwdrev.modes import engine, problem
from fwdrev.modes.core.arrays import Matrix
from fwdrev.modes.engines.output_pool import OutputPool

ENGINES = ("forward", "reverse", "bracketed")


@pytest.mark.parametrize("name", ENGINES)
def test_a_held_result_is_never_overwritten(name: str) -> None:
    """A view alone protects a result, and any number of results may be held."""
    p, q = (problem("autoencoder", n=12, m=12, hidden=8, waist=1, seed=seed) for seed in (1, 2))
    jacobian = engine(name).prepare(p.chain, "x")
    held = [jacobian(p.x, p.theta), jacobian(p.x, p.theta)[:, 3:5], jacobian(p.x, p.theta).T]
    copies = [J.copy() for J in held]
    for _ in range(5):
        jacobian(q.x, q.theta)
    for J, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(J, copy)


@pytest.mark.parametrize("name", ENGINES)
def test_memory_is_used_again(name: str) -> None:
    """The next call reuses a released result; a loop that keeps only its last result alternates between two."""
    p = problem("autoencoder", n=12, m=12, hidden=8, waist=1)
    jacobian = engine(name).prepare(p.chain, "x")
    kept = weakref.ref(jacobian(p.x, p.theta))
    assert kept() is not None
    assert all(jacobian(p.x, p.theta) is kept() for _ in range(3))
    J, other = kept(), jacobian(p.x, p.theta)
    del J
    assert other is not kept()
    assert jacobian(p.x, p.theta) is kept()


def test_two_results_are_kept() -> None:
    """The pool keeps the last two results: of three held ones, the first is not handed out again."""
    made: list[int] = []

    def allocate() -> Matrix:
        made.append(len(made))
        return np.full((2, 3), float(made[-1]))

    pool = OutputPool(allocate, lambda J: J[:, 1:])
    first, second, third = (pool.take()[0] for _ in range(3))
    assert [J[0, 0] for J in (first, second, third)] == made == [0, 1, 2]
    del first
    fourth, views = pool.take()
    assert (fourth[0, 0], made) == (3, [0, 1, 2, 3])
    assert views.base is fourth
    del second, third
    assert pool.take()[0][0, 0] == 2
    del fourth
    assert pool.take()[0][0, 0] == 2, "views refer to the array, so that it is still in use"
    del views
    assert made == [0, 1, 2, 3]
