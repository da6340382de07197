"""Settings for every test: JAX as strict as it can be, hypothesis without a clock, no calibration.

Then what the tests of reports share: a run on disk, a browser that only notes what it is asked to show, a server.
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

if TYPE_CHECKING:  # what is imported here is imported before its shapes are checked
    from tests.live import Growing, Pages

_cache = tempfile.TemporaryDirectory(prefix="fwdrev-tests-")
os.environ["XDG_CACHE_HOME"] = _cache.name  # whether this machine was calibrated makes no difference

_programs = Path(_cache.name) / "programs"

_temporary = Path(_cache.name) / "tmp"
_temporary.mkdir()
os.environ["TMPDIR"] = str(_temporary)  # for commands: what a killed one leaves is not for the tests beside these

for _name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_XDIST_TESTRUNUID"):
    os.environ.pop(_name, None)  # the runs of pytest that tests start are no part of this one

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "JAX_ENABLE_X64": "1", "JAX_NUMPY_RANK_PROMOTION": "raise"}


hypothesis.settings.register_profile("fwdrev", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("fwdrev")


for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:  # in the background, or with nohup; commands under test heed them
        signal.signal(_number, _handler)


def pytest_collection_finish() -> None:
    """What is there before the first test stays: collecting garbage need not look at it each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Programs of JAX are compiled quickly, and forgotten where they have become many."""
    compile_quickly(_programs)
    yield
    forget_if_large()


@pytest.fixture
def compiled_by_default() -> Iterator[None]:
    """Programs are those that users get, where the test is about what XLA makes of them."""
    with optimised():
        yield


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scripted run on disk."""
    from tests.live import write_run

    return write_run(tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture
def empty(tmp_path: Path, whole: Path) -> Path:
    """The same before its first observation."""
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
    """Where the address goes that a browser is asked to show."""
    shown, browser = tmp_path / "shown", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {shown}.new && mv {shown}.new {shown}\n')
    browser.chmod(0o755)
    _forget_browsers(monkeypatch)
    monkeypatch.setenv("BROWSER", str(browser))
    return shown


@pytest.fixture
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a preferred one nor any that can be found."""
    _forget_browsers(monkeypatch)
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")


def _forget_browsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python looks for them once in a process."""
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setattr(webbrowser, "_tryorder", None)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> "Pages":
    """Stand-ins for the page's functions."""
    from tests.live import Pages

    found = Pages()
    monkeypatch.setattr("fwdrev.plots.report.page.report_page", found.page)
    monkeypatch.setattr("fwdrev.plots.report.page.report_data", found.data)
    return found


@pytest.fixture
def address(run: "Growing", pages: "Pages", monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a server of that run, which never rests."""
    from fwdrev.plots.report.server import serve

    assert not pages.asked
    monkeypatch.setattr("fwdrev.plots.report.live._REST", 0)
    with serve([run.folder]) as found:
        yield found
