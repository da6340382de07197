"""What a machine of a cluster says of itself."""

import pytest

from fwdrev.bench import make_spec
from fwdrev.bench.cluster.host import facts
from fwdrev.modes.errors import InputError


def test_each_machine_says_whether_the_jacobians_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the memory of the machine where the command runs that counts."""
    plane = {"inputs": "1000", "outputs": "64"}
    spec = make_spec(plane).model_dump(mode="json")
    assert facts(spec)["problem"] is None
    monkeypatch.setattr("fwdrev.bench.records.spec.total_bytes", lambda: 8 * 1000 * 64)
    with pytest.raises(InputError, match="too large for this machine"):
        make_spec(plane)
    assert make_spec(plane, here=False).inputs == [1000]
    assert "too large for this machine" in str(facts(spec)["problem"])


def test_each_machine_says_what_else_it_lacks() -> None:
    """Engines, processors, a GPU."""
    for given, part in (
        ({"engines": ["none"]}, "unknown engine 'none'"),
        ({"threads": 1000}, "threads = 1000"),
        ({"device": "gpu"}, "JAX finds no GPU"),
    ):
        assert part in str(facts(given)["problem"])
