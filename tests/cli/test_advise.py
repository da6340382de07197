"""`fwdrev advise` on a user's own functions: real ones, and ones that fail, hang, print or die."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command import fwdrev
from tests.doubles.workers_here import functions_here

MODEL = """
import os
import time

import jax
import jax.numpy as jnp

def tall(x):
    t = jnp.linspace(0.0, 1.0, 1000)
    return jnp.exp(-t[:, None] * x[None]).sum(1)

def wide(x):
    return jnp.stack([jnp.sum(jnp.tanh(x) ** 2), jnp.sum(x[1:] * x[:-1])])

def two(p, y):
    print("a function may print")
    return {"u": p["a"] * y, "v": p["b"].sum()}

def point():
    return {"a": jnp.ones(2), "b": jnp.ones(3)}, 2.0

def encode(x):
    return jnp.tanh(x.reshape(4, -1).sum(1))

def decode(h):
    return jnp.sin(jnp.outer(h, h).ravel())

def sample(x, y):
    return x * y

class Decay:
    def residuals(self, p, n, t, y):
        return p[0] * jnp.exp(-p[1] * t) ** n - y, {"n": n}

    def point(self):
        return jnp.ones(2), 2, jnp.arange(50.0), jnp.ones(50)

decay = Decay()

def network(layers):
    h = jnp.ones(20)
    for w in layers:
        h = jnp.tanh(h @ w)
    return h

def layers():
    return [jnp.full(shape, 0.01) for shape in ((20, 180), (180, 180), (180, 10))]

def differences(x):
    return x[1:] ** 2 - x[:-1]

def branches(x):
    return x if x.sum() > 0 else -x

def dies(x):
    os._exit(3)

def hangs(x):
    time.sleep(1000)

def ruled(what):
    "sin, with a rule of its own that goes wrong in a batch of tangents, which only forward mode has."
    @jax.custom_jvp
    def function(x):
        return jnp.sin(x)

    @function.defjvp
    def rule(primals, tangents):
        if "Batch" in type(tangents[0]).__name__:
            what()
        return function(*primals), jnp.cos(primals[0]) * tangents[0]

    return function

forward_dies = ruled(lambda: os._exit(5))
forward_hangs = ruled(lambda: time.sleep(1000))

@jax.custom_jvp
def fails(x):
    return jnp.sin(x)

@fails.defjvp
def rule(primals, tangents):
    raise RuntimeError("no rule today")

"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with functions, the current one."""
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def advise(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it here, including the work of its processes."""
    with functions_here():
        return fwdrev("advise", *arguments)


def advice(*arguments: str) -> dict[str, Any]:
    """Returns its JSON."""
    return data_of(advise(*arguments, "--json"))


def data_of(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Parses the JSON of an answer."""
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("target", "shape", "sizes", "recommend", "code"),
    [
        ("model:tall", "3", (3, 1000), "forward", "jax.jit(jax.jacfwd(tall))"),
        pytest.param(
            "model.py:wide", "1000", (1000, 2), "reverse", "jax.jit(jax.jacrev(wide))", marks=pytest.mark.long
        ),
    ],
)
def test_a_clear_case_is_measured(
    target: str, shape: str, sizes: tuple[int, int], recommend: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few inputs forward wins, with few outputs reverse, by a clear factor, which short blocks show too."""
    monkeypatch.setattr("fwdrev.results.advice.rounds._BLOCK_SECONDS", 2e-3)
    data = advice(target, "--shape", shape, "--budget", "40s")
    assert (data["n"], data["m"]) == sizes
    assert (data["recommend"], data["code"], data["tie"]) == (recommend, code, False)
    assert data["times_faster"][data["runner_up"]]["point"] > 2
    assert data["function"] == target
    known = {arm["name"]: arm for arm in data["arms"]}
    for name in ("forward", "reverse"):
        assert known[name]["compile_seconds"] > 0
        assert known[name]["memory_bytes"] > 0
        assert known[name]["seconds"]["point"] > 0


@pytest.mark.usefixtures("project")
def test_counts_need_no_clock() -> None:
    """Counts give the same clear answers."""
    data = advice("model:tall", "--shape", "3", "--no-measure", "--dtype", "float64")
    assert (data["recommend"], data["measured"], data["dtype"]) == ("forward", False, "float64")
    told = fwdrev("advise", "model:tall", "--shape", "3", "--no-measure").stdout
    assert "Use forward: counts expect it to be " in told
    assert "interval" not in told.partition("Use forward")[2]


@pytest.mark.usefixtures("project")
def test_a_function_makes_the_point() -> None:
    """The default is a function of the same module; pytrees, several arguments and functions that print work."""
    data = advice("model:two", "--point", "point", "--no-measure")
    assert (data["n"], data["m"]) == (6, 3)
    assert data["code"].endswith("(two, argnums=(0, 1)))")


@pytest.mark.usefixtures("project")
def test_only_some_arguments_are_inputs() -> None:
    """Dotted names are run as code; integers are held constant; auxiliary outputs are not differentiated."""
    options = ("--point", "model:decay.point", "--argnums", "0,3", "--has-aux", "--no-measure")
    data = advice("model.py:decay.residuals", *options)
    assert (data["n"], data["m"]) == (52, 50)
    assert data["code"].endswith("(decay.residuals, argnums=(0, 3), has_aux=True), static_argnums=(1,))")
    done = advise("model:decay.residuals", "--point", "model:decay.point", "--argnums", "7")
    assert done.returncode == 2
    assert "argnums=7: the function is given 4 arguments" in done.stderr.splitlines()[-1]


@pytest.mark.long
@pytest.mark.usefixtures("project")
def test_a_hopeless_arm_does_not_eat_the_budget() -> None:
    """For a network with 37,800 parameters, reverse mode is tried first."""
    data = data_of(fwdrev("advise", "model:network", "--point", "model:layers", "--budget", "20s", "--json"))
    assert data["recommend"] == "reverse"
    assert any(word in reason_of(data, "forward") for word in ("GB of memory", "not tried"))
    assert data["rounds"] >= 1


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("size", ["500", pytest.param("10000", marks=pytest.mark.long)])
def test_a_large_sparse_jacobian_stays_sparse(size: str) -> None:
    """With 10,000 inputs and as many outputs, counts find a few passes without ever making it dense."""
    pytest.importorskip("asdex", exc_type=ImportError)
    assert advice("model:differences", "--shape", size, "--no-measure")["recommend"] == "coloured"


@pytest.mark.long
@pytest.mark.usefixtures("project")
def test_a_large_sparse_jacobian_is_measured() -> None:
    """With 100,000 inputs, dense Jacobians do not fit; the coloured one takes a few megabytes."""
    pytest.importorskip("asdex", exc_type=ImportError)
    data = advice("model:differences", "--shape", "100000", "--budget", "60s")
    assert data["recommend"] == "coloured"
    assert "GB of memory" in reason_of(data, "forward")


def reason_of(data: dict[str, Any], name: str) -> str:
    """The reason why that arm was left out."""
    return str(next(arm["reason"] for arm in data["arms"] if arm["name"] == name))


@pytest.mark.parametrize("names", [("arr_0", "arr_1"), ("x", "y")])
def test_a_file_has_the_point(project: Path, names: tuple[str, str]) -> None:
    """Arrays come in order, or by the names of the arguments; they may have a leading axis of samples."""
    arrays: dict[str, Any] = dict(zip(names, (np.ones((5, 3)), np.ones((5, 1))), strict=True))
    np.savez(project / "at.npz", **dict(reversed(arrays.items())))
    data = advice("model:sample", "--at", "at.npz", "--vmap", "--no-measure")
    assert (data["n"], data["m"], data["batch"]) == (4, 3, 5)
    assert data["code"].startswith("jax.jit(jax.vmap(")


@pytest.mark.usefixtures("project")
def test_stages_bring_mixed_mode() -> None:
    """Mixed mode has brackets between the stages, and code that names them."""
    data = advice("model:encode,decode", "--shape", "40", "--no-measure")
    mixed = next(arm for arm in data["arms"] if arm["name"] == "mixed")
    assert "encode, decode" in mixed["code"]
    assert mixed["reason"] is None
    assert (data["n"], data["m"]) == (40, 16)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("function", "said", "options"),
    [
        ("forward_dies", "exit code 5", ("--budget", "300s", "--no-measure")),
        pytest.param("forward_hangs", "longer than", ("--budget", "20s"), marks=pytest.mark.long),
    ],
)
def test_what_goes_wrong_in_an_arm_is_told(function: str, said: str, options: tuple[str, ...]) -> None:
    """The other arm is recommended."""
    done = fwdrev("advise", f"model:{function}", "--shape", "5", *options, "--json")
    assert "Traceback" not in done.stderr
    data = data_of(done)
    assert data["recommend"] == "reverse"
    assert said in reason_of(data, "forward")


@pytest.mark.usefixtures("project")
def test_where_no_arm_is_left_nothing_was_measured() -> None:
    """The exit code is 4, with the reason."""
    done = advise("model:fails", "--shape", "5", "--budget", "12s", "--json")
    assert (done.returncode, done.stdout) == (4, "")
    assert "no rule" in done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("function", "budget", "said"),
    [
        pytest.param("dies", "300s", "exit code 3", marks=pytest.mark.long),
        ("hangs", "1s", "longer than the 1 s"),
    ],
)
def test_a_function_that_never_returns_is_refused(function: str, budget: str, said: str) -> None:
    """The exit code is 2, within the budget."""
    done = fwdrev("advise", f"model:{function}", "--shape", "3", "--budget", budget)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("model", "--shape", "3"), "write it as MODULE:FUNCTION"),
        (("model:tall",), "give the point, in one way"),
        (("model:tall", "--shape", "3,0"), "give sizes from 1"),
        (("model:tall", "--shape", "3", "--shape", "4"), "--shape is given 2 times, and tall takes x"),
        (
            ("model:encode,decode", "--shape", "40", "--shape", "4"),
            "give one for each argument of encode, the first stage; every other stage takes what the one before it",
        ),
        (("model:sample", "--shape", "3"), "--shape is given 1 time, and sample takes x, y: give one for each"),
        (("model:tall", "--shape", "3", "--argnums", "x"), "give numbers of arguments with commas"),
        (("model:tall", "--shape", "3", "--has-aux"), "with has_aux it has to return (outputs, aux)"),
        (("model:tall", "--shape", "3", "--budget", "soon"), "give seconds such as 120s"),
        (("models:tall", "--shape", "3"), "no module named 'models'"),
        (("model:tal", "--shape", "3"), "did you mean 'tall'?"),
        (("model:branches", "--shape", "3"), "branches on a value"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    """The exit code is 2, without an answer or a traceback."""
    done = advise(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr.splitlines()[-1]
    assert sum(line.startswith("fwdrev:") for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
