"""Shared by tests of the command: one sweep, measured in this process, and the command's output."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.command import TINY, fwdrev
from tests.doubles.workers_here import workers_here


@pytest.fixture(scope="session")
def measured_and_told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "CompletedProcess[str]"]:
    """A run of `TINY` in a folder called `here`, and the command's answer."""
    folder = tmp_path_factory.mktemp("measured")
    with workers_here():
        done = fwdrev(*TINY, "--out", "here", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "here", done


@pytest.fixture(scope="session")
def measured(measured_and_told: tuple[Path, "CompletedProcess[str]"]) -> Path:
    """The folder of that run; a test that changes anything works on a copy."""
    return measured_and_told[0]
