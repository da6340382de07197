"""The plugin for pytest: the fixture `fwdrev_gate`, its settings, and its lines in the summary.

    def test_speed(fwdrev_gate):
        fwdrev_gate(f, g, max_ratio=1.1)           # time of f ÷ time of g, decided as `fwdrev check` decides

pytest loads this module wherever fwdrev is installed, so it imports nothing else until a test measures.
"""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import pytest

_NAME = "fwdrev_gate"

_SETTINGS = {
    "fwdrev_inconclusive": ("what a test does if fwdrev_gate cannot decide it in its time", "skip", "pass", "fail"),
    "fwdrev_xdist": ("what fwdrev_gate does beside other workers of pytest-xdist", "skip", "measure"),
}
"""The settings' help and choices; the first choice is the default."""

_UNSAFE = "thread_unsafe"
"""The marker that stops plugins from running a test in several threads at once."""

_RUNS = pytest.StashKey[int]()
"""The attempt number of a test, since plugins may repeat failed tests."""


class _Summary:
    """Collects the lines of all gates, also from tests in other processes.

    If a test is run again, only the lines of its last run are kept.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, object], list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "teardown":  # its report carries all lines
            return
        told = [f"{report.nodeid}: {each[1]}" for each in report.user_properties if each[0] == _NAME]
        if told:
            self._told[report.nodeid, getattr(report, "worker_id", None)] = told

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest does not export its class
        if self._told:
            terminalreporter.section("fwdrev_gate")
            for line in (line for lines in self._told.values() for line in lines):
                terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds one option of the command line and two settings of the configuration."""
    parser.getgroup("fwdrev").addoption(
        "--fwdrev-skip", action="store_true", help="skip every test that measures with fwdrev_gate"
    )
    for name, (help_text, *choices) in _SETTINGS.items():
        parser.addini(name, f"{help_text}: {' or '.join(choices)}", default=choices[0])


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a value that is not among the choices."""
    for name, (_, *choices) in _SETTINGS.items():
        if config.getini(name) not in choices:
            msg = f"{name} = {config.getini(name)}: choose {' or '.join(choices)}"
            raise pytest.UsageError(msg)
    config.pluginmanager.register(_Summary(), "fwdrev-summary")


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Marks gates as single-threaded, if a plugin that runs tests in threads has registered the marker."""
    if not any(str(line).startswith(_UNSAFE) for line in config.getini("markers")):
        return
    for item in items:
        if _NAME in getattr(item, "fixturenames", ()):
            item.add_marker(getattr(pytest.mark, _UNSAFE)(reason="fwdrev_gate measures"))


@pytest.fixture
def fwdrev_gate(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - a FwdrevGate; importing it would be heavy
    """Call it with f and g to assert that time of f ÷ time of g is at most max_ratio; see `fwdrev.pytest_gate`."""
    config = request.config
    if config.getoption("fwdrev_skip"):
        pytest.skip("--fwdrev-skip")
    others = "PYTEST_XDIST_WORKER" in os.environ and os.environ.get("PYTEST_XDIST_WORKER_COUNT") != "1"
    if others and config.getini("fwdrev_xdist") == "skip":
        pytest.skip("fwdrev_gate does not measure beside other workers of pytest-xdist, unless fwdrev_xdist = measure")
    with warnings.catch_warnings():  # warnings while libraries load are not the test's
        warnings.simplefilter("ignore")
        from fwdrev.pytest_gate import FwdrevGate

    node = request.node
    run = node.stash[_RUNS] = node.stash.get(_RUNS, 0) + 1
    node.user_properties[:] = [each for each in node.user_properties if each[0] != _NAME]
    again = f" (run {run} of this test)" if run > 1 else ""
    return FwdrevGate(
        told=lambda text: node.user_properties.append((_NAME, f"{text}{again}")),
        inconclusive=config.getini("fwdrev_inconclusive"),
    )
