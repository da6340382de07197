"""`fwdrev report --watch`: the live view, from the first line of a run to Ctrl-C."""

import json
import shutil
import signal
import socket
from pathlib import Path

import pytest

from tests.command import expect_one_line, fwdrev
from tests.live import MARKER, await_change, fetched, stopped, until, watching


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Path:
    """A copy of a run, alone in a folder."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def test_a_port_in_use(run: Path) -> None:
    """One line names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fwdrev("report", run, "--watch", "--port", port)
    expect_one_line(done, 2, f"cannot serve on 127.0.0.1 port {port}: Address already in use; give another --port")


def test_an_address_of_another_machine(run: Path) -> None:
    """One line refuses it too."""
    done = fwdrev("report", run, "--watch", "--host", "192.0.2.1", "--allow-remote")
    expect_one_line(done, 2, "cannot serve on 192.0.2.1 port 0")


def test_watch_from_the_first_line_to_ctrl_c(empty: Path, whole: Path) -> None:
    """An empty run is served, here at a name of this machine; each new line shows eventually; Ctrl-C is no failure."""
    with watching(empty, "--host", "localhost") as (address, process):
        assert address.startswith("http://127.0.0.1:")
        assert fetched(address)[2].startswith(MARKER)
        for line in (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)[:3]:
            _, tag, _ = fetched(address + "data.json")
            assert fetched(address + "data.json", tag)[:2] == (304, tag)
            with (empty / "journal.jsonl").open("ab") as journal:
                journal.write(line)
            await_change(address + "data.json", tag)
        status, other, body = fetched(address + "data.json", tag)
        assert (status, other != tag) == (200, True)
        json.loads(body)
        errors = stopped(process)
        assert process.returncode == 0
    assert errors.splitlines() == ["live report: Ctrl-C stops it", "stopped"]
    assert not (empty / "report.html").exists()


def test_watch_a_torn_run_that_goes(run: Path, asked_to_open: Path) -> None:
    """The browser opens the address, which is served by then, and learns that a run has been removed.

    A torn line is reported at the start, not at each request. The view ends with its terminal, like all our commands,
    with the code of the signal.
    """
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-70])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with watching(run, "--open", "--host", "127.0.0.2", "--port", port) as (address, process):
        until(asked_to_open.exists)
        assert asked_to_open.read_text() == address
        assert address == f"http://127.0.0.2:{port}/"
        for _ in range(3):
            assert fetched(address + "data.json")[0] == 200
        shutil.rmtree(run)
        assert fetched(address + "data.json")[0] == 503
        errors = stopped(process, signal.SIGTERM)
        assert process.returncode == 128 + signal.SIGTERM
    assert errors.count("warning: ") == 1


@pytest.mark.usefixtures("no_browser")
def test_watch_without_a_browser_for_other_machines(run: Path) -> None:
    """The command says what to open and goes on; with both options, other machines may read the report."""
    with watching(run, "--open", "--host", "0.0.0.0", "--allow-remote") as (address, process):  # noqa: S104 - tested
        assert fetched(address)[0] == 200
        assert f"warning: no browser was found: open {address} yourself" in stopped(process)
        assert process.returncode == 0
