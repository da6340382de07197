"""A sweep over processes on this machine, some of which are killed or hang."""

import os
from pathlib import Path

import pytest

from tests.cli.cluster_faults import faults

pytest.importorskip("distributed")


@pytest.mark.long
@pytest.mark.skipif(
    os.environ.get("FWDREV_NAMESPACES") == "required", reason="the same runs over a network, where that is required"
)
def test_no_cell_is_lost_or_measured_twice(tmp_path: Path) -> None:
    """A worker is killed, one hangs for 20 s, then the scheduler is killed."""
    faults(tmp_path)
