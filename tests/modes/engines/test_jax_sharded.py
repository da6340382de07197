"""The sharded engines over four devices, which XLA makes of this processor in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.command import started

FOUR = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}

PROGRAM = """
import json, sys
import numpy as np
from fwdrev.modes import engine, problem

for line in sys.stdin:
    direction, name, wrt, n, m = json.loads(line)
    p = problem(name, n=n, m=m)
    plain, sharded = engine(f"jax-{direction}"), engine(f"jax-{direction}-sharded")
    J = sharded.prepare(p.chain, wrt)(p.x, p.theta)
    off = np.abs(np.asarray(J) - plain.prepare(p.chain, wrt)(p.x, p.theta)).max()
    flops = [each.program_cost(p.chain, wrt).flops for each in (sharded, plain)]
    shares = [shard.data.shape for shard in J.addressable_shards]
    print(json.dumps({"off": float(off), "whole": J.shape, "shares": shares, "flops": flops}))
"""

EQUAL = [("jvp", "control", "theta", 32, 16), ("vjp", "control", "theta", 32, 16)]
UNEQUAL = [("jvp", "control", "both", 13, 7), ("vjp", "mlp", "x", 3, 2)]

Case = tuple[str, str, str, int, int]


@pytest.fixture(scope="module")
def found() -> dict[Case, dict[str, Any]]:
    """The largest difference, the shapes of J and of its shares, and XLA's operations on one device and on the only."""
    text = "".join(json.dumps(case) + "\n" for case in EQUAL + UNEQUAL)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], input=text, env=os.environ | FOUR, capture_output=True, text=True, check=True
    )
    return dict(zip(EQUAL + UNEQUAL, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("case", EQUAL + UNEQUAL, ids=str)
def test_the_jacobian_is_that_of_one_device(case: Case, found: dict[Case, dict[str, Any]]) -> None:
    """Also where the shares are not equal, or some devices have no seed."""
    assert found[case]["off"] < 1e-13


@pytest.mark.parametrize("case", EQUAL, ids=str)
def test_each_device_does_its_share(case: Case, found: dict[Case, dict[str, Any]]) -> None:
    """A quarter of the columns or rows, which stay there, for little more than a quarter of the operations."""
    rows, columns = found[case]["whole"]
    share = [rows, columns // 4] if case[0] == "jvp" else [rows // 4, columns]
    assert found[case]["shares"] == [share] * 4
    on_one, of_all = found[case]["flops"]
    assert 0.2 < on_one / of_all < 0.45


@pytest.mark.long
def test_a_sweep_measures_them(tmp_path: Path) -> None:
    """With the number of devices in the record, since runs with different numbers are not comparable."""
    engines = "jax-jvp-sharded,jax-vjp-sharded"
    options = ("--inputs=4", "--outputs=4", f"--engines={engines}", "--rounds=1", "--blocks=2", "--out=run", "--json")
    done = started("sweep", *options, cwd=tmp_path, env=FOUR)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["machine"]["settings"]["XLA_FLAGS"] == FOUR["XLA_FLAGS"]
    last = json.loads((tmp_path / "run" / "journal.jsonl").read_text().splitlines()[-1])
    assert {arm["status"] for arm in last["arms"].values()} == {"measured"}
