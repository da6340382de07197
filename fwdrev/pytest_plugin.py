"""What pytest knows of fwdrev: the fixture `fwdrev_gate`, its settings, and what it says at the end of a run.

    def test_speed(fwdrev_gate):
        fwdrev_gate(f, g, max_ratio=1.1)           # time of f ÷ time of g, decided as `fwdrev check` decides

pytest loads this module for everybody who has fwdrev installed, so it imports nothing more until a test measures.
"""

import os
from typing import Any

import pytest

__all__ = ["fwdrev_gate"]

_NAME = "fwdrev_gate"

_SETTINGS = {
    "fwdrev_inconclusive": (
        "what becomes of a test that fwdrev_gate cannot decide in its time",
        "skip",
        "pass",
        "fail",
    ),
    "fwdrev_xdist": ("what fwdrev_gate does beside other workers of pytest-xdist", "skip", "measure"),
}
"""What they are for, and what may be chosen; the first is the default."""


class _Summary:
    """Collects what the gates of all tests said, also where the tests run in other processes."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":  # it comes once for each test, and knows all that was said before
            self._lines += [f"{report.nodeid}: {text}" for name, text in report.user_properties if name == _NAME]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:  # noqa: ANN401 - pytest does not export its class
        if self._lines:
            terminalreporter.section("fwdrev_gate")
            for line in self._lines:
                terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option of the command line, two settings of the configuration."""
    parser.getgroup("fwdrev").addoption(
        "--fwdrev-skip", action="store_true", help="skip every test that measures with fwdrev_gate"
    )
    for name, (help_text, *choices) in _SETTINGS.items():
        parser.addini(name, f"{help_text}: {' or '.join(choices)}", default=choices[0])


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a setting that is none."""
    for name, (_, *choices) in _SETTINGS.items():
        if config.getini(name) not in choices:
            msg = f"{name} = {config.getini(name)}: choose {' or '.join(choices)}"
            raise pytest.UsageError(msg)
    config.pluginmanager.register(_Summary(), "fwdrev-summary")


@pytest.fixture
def fwdrev_gate(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - a FwdrevGate; importing it would be heavy
    """Call it with f and g to assert that time of f ÷ time of g is at most max_ratio; see `fwdrev.pytest_gate`."""
    config = request.config
    if config.getoption("fwdrev_skip"):
        pytest.skip("--fwdrev-skip")
    others = "PYTEST_XDIST_WORKER" in os.environ and os.environ.get("PYTEST_XDIST_WORKER_COUNT") != "1"
    if others and config.getini("fwdrev_xdist") == "skip":
        pytest.skip("fwdrev_gate does not measure beside other workers of pytest-xdist, unless fwdrev_xdist = measure")
    from fwdrev.pytest_gate import FwdrevGate

    return FwdrevGate(
        told=lambda text: request.node.user_properties.append((_NAME, text)),
        inconclusive=config.getini("fwdrev_inconclusive"),
    )
