"""What is timed on a GPU, where JAX's arrays need not be the processor's; a processor stands for it here."""

from typing import Any

import jax
import numpy as np
import pytest

from fwdrev.bench.records.spec import SweepSpec, make_spec
from fwdrev.bench.workers.cell_visit import timed_call
from fwdrev.modes import engine, problem
from fwdrev.modes.errors import InputError
from tests.command import expect_one_line, fwdrev


@pytest.mark.parametrize(
    ("name", "fields", "given", "got"),
    [
        ("jax-jvp", {}, np.ndarray, jax.Array),
        ("jax-jvp", {"device": "gpu"}, jax.Array, jax.Array),
        ("jax-jvp", {"device": "gpu", "transfers": True}, np.ndarray, np.ndarray),
        ("forward", {"device": "gpu"}, np.ndarray, np.ndarray),
    ],
)
def test_transfers_are_counted_or_not(name: str, fields: dict[str, Any], given: type, got: type) -> None:
    """On a GPU the point is there before the call and the Jacobian stays there, unless transfers are to be counted."""
    p = problem("driven", n=4, m=3)
    prepared = engine(name).prepare(p.chain, "theta")
    seen = []

    def jacobian(x: Any, theta: Any) -> Any:
        seen.append((x, theta))
        return prepared(x, theta)

    J = timed_call(engine(name), jacobian, SweepSpec(**fields), p)()
    assert all(isinstance(array, given) for array in seen[0])
    assert isinstance(J, got)
    np.testing.assert_allclose(np.asarray(J), prepared(p.x, p.theta))


def test_a_processor_has_no_transfers() -> None:
    """So they cannot be counted."""
    with pytest.raises(InputError, match="the processor has none"):
        make_spec({"transfers": True})
    expect_one_line(fwdrev("sweep", "--transfers"), 2, "give device gpu as well")
