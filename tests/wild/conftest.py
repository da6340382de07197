"""Every situation has its report: a test without one is an error of collection."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

_HERE = Path(__file__).parent


@pytest.fixture
def command() -> Callable[..., tuple[int, str]]:
    """Returns the exit code of the command, run in this process, and its standard error."""
    from tests.command import fwdrev  # modules imported here would be imported before shape checking is on

    def ended(*arguments: object) -> tuple[int, str]:
        done = fwdrev(*arguments)
        return done.returncode, done.stderr

    return ended


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Refuses tests of this folder without a report."""
    bare = [item.nodeid for item in _situations(items) if not item.get_closest_marker("report")]
    if bare:
        msg = f"no report given, see tests/wild/reports.py: {', '.join(bare)}"
        raise pytest.UsageError(msg)


def pytest_report_collectionfinish(config: pytest.Config, items: Sequence[pytest.Item]) -> list[str]:
    """Prints the table if tests are only collected."""
    if not config.option.collectonly:
        return []
    rows = [(item.name, item.get_closest_marker("report")) for item in _situations(items)]
    return [f"{name}  {', '.join(mark.args)}" for name, mark in rows if mark is not None]


def _situations(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if _HERE in item.path.parents]
