"""⟨u, J v⟩ = ⟨Jᵀ u, v⟩: push and pull belong to the same linear map, and dense writes out that map."""

from functools import partial
from itertools import chain
from typing import Literal

import numpy as np
from hypothesis import given, strategies as st

from fwdrev.modes import LinearMap, Problem
from tests.cases import problems


def _maps(p: Problem) -> list[LinearMap]:
    return list(chain(*p.chain.linearize(p.x, p.theta)))


@given(problems(), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_adjoint_identity(p: Problem, count: int, seed: int) -> None:
    """The identity holds for every map of every layer, with fewer and with more seeds than the map has columns."""
    rng = np.random.default_rng(seed)
    for J in _maps(p):
        V, U = rng.standard_normal((J.n_in, count)), rng.standard_normal((count, J.n_out))
        M = J.dense()
        sizes = np.abs(M) @ np.abs(V)
        assert (np.abs(U @ J.push(V) - J.pull(U) @ V) <= 1e-13 * (np.abs(U) @ sizes)).all()
        assert (np.abs(J.push(V) - M @ V) <= 1e-13 * sizes).all()


@given(problems(), st.integers(1, 12), st.sampled_from(["C", "F"]))
def test_out_is_filled_whatever_its_layout(p: Problem, count: int, order: Literal["C", "F"]) -> None:
    """`out` may be part of a larger matrix full of NaN; nothing else is written."""
    rng = np.random.default_rng(0)
    for J in _maps(p):
        V, U = rng.standard_normal((J.n_in, count)), rng.standard_normal((count, J.n_out))
        for call in (partial(J.push, V), partial(J.pull, U), J.dense):
            expected = call()
            rows, columns = expected.shape
            around = np.full((rows + 2, columns + 2), np.nan, order=order)
            call(out=around[1:-1, 1:-1])
            np.testing.assert_allclose(around[1:-1, 1:-1], expected, rtol=1e-12, atol=1e-14)
            assert np.isnan(around).sum() == around.size - expected.size
