"""Arms of a real function in this process: refused before it runs, too late, or run, and on which device."""

import itertools
import json
import os
import subprocess
import sys
from types import FunctionType, SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.bench.functions.in_process import FunctionTrials
from fwdrev.bench.records.trials import LostArmError
from fwdrev.modes.functions.probe import probe_function


def neighbours(x: Any) -> Any:
    """Differences: two entries in each row."""
    return x[1:] * x[1:] - x[:-1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of an asdex that finds three columns alike, and then never ends."""
    if sys.gettrace() is not None:
        pytest.skip("under a debugger or a coverage tool, calls into asdex have no limit")
    calls: list[str] = []

    def sparsity(_f: Any, x: Any) -> Any:
        calls.append("sample")
        return SimpleNamespace(cols=np.repeat(np.arange(x.size), 2))

    def coloring(*_args: Any, **_options: Any) -> None:
        calls.append("whole")
        for _ in itertools.count():
            sum(range(100))

    # a call is given up only at a line of asdex, so this call must belong to it
    endless = FunctionType(coloring.__code__, {**globals(), "__name__": "asdex.coloring"}, closure=coloring.__closure__)
    module = SimpleNamespace(
        jacobian_sparsity=sparsity, jacobian_coloring=endless, __spec__=SimpleNamespace(origin="asdex")
    )
    monkeypatch.setitem(sys.modules, "asdex", module)
    return calls


def free(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    """Pretends that this many bytes are free."""
    monkeypatch.setattr("fwdrev.bench.functions.in_process.available_bytes", lambda: int(size))


def test_the_pattern_waits_for_its_turn(asked: list[str]) -> None:
    """Counting samples a few columns; preparing the arm looks for the whole pattern, and gives up in time."""
    trials = FunctionTrials(probe_function(neighbours, (np.ones(400),)), may_die=True)  # however long it should take
    assert asked == []
    expected = trials.expected()
    assert asked == ["sample"]
    assert expected.seconds["coloured"] < min(expected.seconds["forward"], expected.seconds["reverse"])
    with pytest.raises(LostArmError, match=r"asdex took longer for the pattern than the 0\.2 s") as told:
        trials.prepare("coloured", 0.2)
    assert told.value.late
    assert asked == ["sample", "whole"]
    assert trials.prepare("forward").seconds > 0


def test_a_pattern_that_is_late_is_counted_by_its_sample(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is measured, the whole pattern is used if it is found in time, as it is more exact."""
    monkeypatch.setattr("fwdrev.bench.functions.in_process._COUNTED_COLOURS", 0.1)
    expected = FunctionTrials(probe_function(neighbours, (np.ones(400),), run=False)).expected(measured=False)
    assert asked == ["sample", "whole"]
    assert "coloured" in expected.seconds


def test_a_dense_pattern_is_not_looked_for(monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    """A few columns suffice."""
    monkeypatch.setattr(
        sys.modules["asdex"], "jacobian_sparsity", lambda _, x: SimpleNamespace(cols=np.repeat(np.arange(x.size), 20))
    )
    expected = FunctionTrials(probe_function(lambda x: jnp.outer(x, x).sum(0), (np.ones(20),))).expected()
    assert "20 passes or more, hardly fewer than the 20" in expected.reasons["coloured"]
    assert asked == []


def test_what_does_not_fit_is_refused_by_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dense Jacobians of a function with a sparse one are refused before they run; the sparse one fits."""
    pytest.importorskip("asdex", exc_type=ImportError)
    free(monkeypatch, 10e6)
    trials = FunctionTrials(probe_function(neighbours, (np.ones(2000),)))
    expected = trials.expected()
    assert set(expected.seconds) == {"coloured"}
    assert "GB of memory, and 0.01 GB are free, of which this process may take 50%" in expected.reasons["forward"]
    assert len(trials.prepare("coloured").products) == 3999


def test_chunks_may_fit_where_all_passes_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result is small, the intermediate arrays are not."""
    W = np.ones((100, 200))
    free(monkeypatch, 80e6)
    expected = FunctionTrials(probe_function(lambda x: jnp.tanh(W * x[None]).sum(0), (np.ones(200),))).expected()
    assert "GB of memory" in expected.reasons["forward"]
    assert "forward-chunked" in expected.seconds
    assert expected.held["forward-chunked"] > 0


def test_what_the_compiler_says_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """An arm without counts is refused before its first call."""
    trials = FunctionTrials(probe_function(lambda x: jnp.outer(x, x), (np.ones(100),)))
    free(monkeypatch, 1e6)
    with pytest.raises(LostArmError, match="GB of memory") as told:
        trials.prepare("forward")
    assert not told.value.late


def test_what_would_not_end_in_time_does_not_begin() -> None:
    """A call that would be late is refused in this process; in a process that may be killed it may try."""
    x = np.ones(1000)
    found = probe_function(jnp.tanh, (x,))
    trials = FunctionTrials(found)
    assert trials.expected().seconds["forward"] > 1e-4
    with pytest.raises(LostArmError, match="is expected to need") as told:
        trials.prepare("forward", 1e-4)
    assert told.value.late
    assert told.value.needs is not None
    assert told.value.needs > 1e-4
    mortal = FunctionTrials(found, may_die=True)
    mortal.expected()
    assert mortal.prepare("forward", 1e-4).seconds > 0


DEVICES = """
import json, jax, jax.numpy as jnp, numpy as np
import fwdrev
from fwdrev.bench.functions.in_process import FunctionTrials
from fwdrev.modes.functions.probe import probe_function
second = jax.devices()[1]
found = probe_function(lambda x, y: jnp.sin(x) * y, (jax.device_put(np.ones(3), second), np.arange(3.0)), argnums=0)
arm = FunctionTrials(found)._arms["forward"]
here = probe_function(jnp.sin, (np.ones(3),))
with jax.default_device(second):
    there = probe_function(jnp.sin, (np.ones(3),))
    ran = {str(d) for d in there.value(there.x).devices()}
told = {
    "device": found.device, "value": [str(d) for d in found.value(found.x).devices()],
    "jacobian": [str(d) for d in arm.program()(*found.args).devices()], "default": here.device, "there": there.device,
    "ran": list(ran), "second": str(second),
}
print(json.dumps(told))
"""


def test_the_device_is_that_of_the_arguments() -> None:
    """The default device does not matter; NumPy arrays go where JAX puts them."""
    env = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    done = subprocess.run([sys.executable, "-c", DEVICES], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    second = told["second"]
    assert (told["device"], told["value"], told["jacobian"]) == ("cpu:1", [second], [second])
    assert (told["default"], told["there"], told["ran"]) == ("cpu", "cpu:1", [second])
