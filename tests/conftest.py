"""Settings for every test: strict JAX, hypothesis without deadlines, no calibration.

Fixtures for the tests of reports: a run on disk, a browser that only records its addresses, a server.
"""

import gc
import os
import shutil
import signal
import stat
import tempfile
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.programs import compile_quickly, forget_if_large, optimised
from tests.shape_checks import check_quickly

if TYPE_CHECKING:  # modules imported here would be imported before shape checking is on
    from tests.live import Growing, Pages

check_quickly()

_cache = tempfile.TemporaryDirectory(prefix="fwdrev-tests-")
os.environ["XDG_CACHE_HOME"] = _cache.name  # tests give the same result whether or not this machine is calibrated

_programs = Path(_cache.name) / "programs"

_temporary = Path(_cache.name) / "tmp"
_temporary.mkdir()
os.environ["TMPDIR"] = str(_temporary)  # for commands: files left by a killed one must not affect the tests beside it

for _name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
    os.environ.pop(_name, None)  # runs of pytest started by tests are independent of this one

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "JAX_ENABLE_X64": "1", "JAX_NUMPY_RANK_PROMOTION": "raise"}


hypothesis.settings.register_profile("fwdrev", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("fwdrev")


for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:  # ignored in the background or under nohup
        signal.signal(_number, _handler)


def pytest_collection_finish() -> None:
    """Freezes all objects that exist before the first test, so that garbage collection skips them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Compiles JAX programs quickly, and forgets them when there are many."""
    compile_quickly(_programs)
    yield
    forget_if_large()


@pytest.fixture
def compiled_by_default() -> Iterator[None]:
    """Compiles as users do, for tests about XLA's output."""
    with optimised():
        yield


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole scripted run on disk."""
    from tests.live import write_run

    return write_run(tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture
def empty(tmp_path: Path, whole: Path) -> Path:
    """The same run before its first observation."""
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(whole / "manifest.json", folder)
    (folder / "journal.jsonl").touch()
    return folder


@pytest.fixture
def null_device(tmp_path: Path) -> Path:
    """A device of the test's own, `null` in its folder: run by root, a fault of ours could remove the machine's."""
    null = tmp_path / "null"
    try:
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        null.symlink_to("/dev/null")
        if os.geteuid() == 0:
            pytest.skip("no device can be made here")
    return null


@pytest.fixture
def asked_to_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The addresses that a browser was asked to show."""
    shown, browser = tmp_path / "shown", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {shown}.new && mv {shown}.new {shown}\n')
    browser.chmod(0o755)
    _forget_browsers(monkeypatch)
    monkeypatch.setenv("BROWSER", str(browser))
    return shown


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """No browser: neither a preferred one nor an installed one."""
    _forget_browsers(monkeypatch)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")


def _forget_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes Python search for browsers again; it does so once per process."""
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setattr(webbrowser, "_tryorder", None)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> "Pages":
    """Stand-ins for the functions of the page."""
    from tests.live import Pages

    found = Pages()
    monkeypatch.setattr("fwdrev.plots.report.page.report_page", found.page)
    monkeypatch.setattr("fwdrev.plots.report.page.report_data", found.data)
    return found


@pytest.fixture
def address(run: "Growing", pages: "Pages", monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server of the run that never stops for lack of requests."""
    from fwdrev.plots.report.server import serve

    assert not pages.asked
    monkeypatch.setattr("fwdrev.plots.report.live._REST", 0)
    with serve([run.folder]) as found:
        yield found
