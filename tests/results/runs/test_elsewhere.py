"""Runs can be read on any system: POSIX-only modules are needed to measure only."""

import subprocess
import sys
from pathlib import Path

import pytest

from fwdrev.modes.errors import SurroundingsError
from fwdrev.results.runs.journal import create
from tests.scripted import scripted_run

_READ = """
import os, sys

sys.modules |= {"fcntl": None, "resource": None}
import fwdrev

del os.O_NONBLOCK, os.O_NOCTTY, os.set_blocking, os.fchmod
run = fwdrev.load(sys.argv[1])
from fwdrev.results import cells, crossover, log_ratios, memory_ratios, timed_blocks, winners
from fwdrev.results import to_costs, to_csv, to_pyperf

pair = "forward", "reverse"
law = crossover(log_ratios(run, pair)).law
texts = [to_csv(run), to_costs(run), to_pyperf(run), run._repr_html_(), law._repr_html_()]
tables = [cells(run), winners(timed_blocks(run))]
assert all(map(len, [*texts, *tables])) and "<svg" in texts[3]
memory_ratios(run, pair)
print(f"{law.alpha.point:.2f}")
"""


def test_a_run_is_read_without_fcntl_and_resource(whole: Path) -> None:
    """The run's tables, crossover, exports and HTML work."""
    command = [sys.executable, "-c", _READ, str(whole)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0


def test_measuring_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message takes one line, and no folder is left."""
    monkeypatch.setitem(sys.modules, "fcntl", None)
    run = scripted_run(inputs="8", outputs="4")
    with pytest.raises(SurroundingsError, match="needs a POSIX system"), create(tmp_path / "run", run.spec, {}):
        pytest.fail("no journal without a lock")
    assert list(tmp_path.iterdir()) == []
