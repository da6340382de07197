"""Measuring processes get requests on standard input: measured code can neither wait there nor take a line."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import revision
from fwdrev.bench.revisions.rounds import against
from tests.wild.reports import OURS, report
from tests.wild.repositories import new_repository

ASKING = "def f(x):\n    input()\n    return 2 * x\n"

OWN_STREAMS = """
import sys
from fwdrev.bench.functions import worker as function_worker
from fwdrev.bench.workers import sweep_worker as worker
from fwdrev.bench.processes.inside import own_streams
assert worker.own_streams is function_worker.own_streams is own_streams
questions, answers = own_streams()
print("printed", flush=True)
print(repr(sys.stdin.read()), questions.read(), file=answers, flush=True)
"""


@report("airspeed-velocity/asv#802")
def test_a_side_does_not_wait_in_what_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten `breakpoint()` or `input()` would wait for us until the time limit, or take our next line."""
    new_repository(tmp_path / "project", {"asking.py": ASKING})
    monkeypatch.chdir(tmp_path / "project")
    spec = SweepSpec(engines=["asking:f"], inputs=[4], outputs=[2], rounds=1, blocks=1, block_seconds=1e-5, timeout=20)
    with revision("HEAD") as sides, closing(against(spec, sides)) as observations:
        (seen,) = observations
    for side in (seen.base, seen.head):
        assert side["asking:f"].reason == "EOFError: EOF when reading a line"


@report(OURS)
def test_workers_have_their_questions_for_themselves() -> None:
    """Workers of sweeps and of advice keep theirs alike; output of measured code is never an answer either."""
    command = [sys.executable, "-c", OWN_STREAMS]
    done = subprocess.run(command, input="a question", capture_output=True, text=True, check=True, timeout=100)
    assert (done.stdout, done.stderr) == ("'' a question\n", "printed\n")
