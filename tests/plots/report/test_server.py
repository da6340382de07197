"""The server of the live report: its answers, its refusals, and its end."""

import http.client
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fwdrev.modes.errors import InputError
from fwdrev.plots.report.server import serve
from tests.live import Growing, Pages, get, said


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Growing:
    """A run without observations."""
    return Growing(tmp_path / "run", whole)


@pytest.mark.parametrize("path", ["/", "/data.json", "/none"])
def test_headers_of_every_answer(address: str, path: str) -> None:
    """Headers forbid storing, guessing types, passing the address on, and frames."""
    _, headers, _ = get(address, path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert "Python" not in headers["Server"]


@pytest.mark.parametrize("path", ["/favicon.ico", "/journal.jsonl", "/../manifest.json", "/data.json/"])
def test_there_is_nothing_else(address: str, path: str) -> None:
    """Other paths give 404; no file of the run is served."""
    status, _, body = get(address, path)
    assert (status, body) == (404, b"there are / and /data.json\n")


@pytest.mark.parametrize("path", ["/", "/data.json", "/none"])
def test_head_is_get_without_the_body(address: str, path: str) -> None:
    """Status and headers are the same except for the date."""
    (status, headers, body), (other, others, nothing) = get(address, path), get(address, path, method="HEAD")
    assert (status, nothing) == (other, b"")
    assert len(body) > 0
    del headers["Date"], others["Date"]
    assert headers.items() == others.items()
    assert said(address, f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_no_other_method(address: str, method: str) -> None:
    """Others give 405 with the allowed ones."""
    status, headers, body = get(address, method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert body.count(b"\n") == 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "", "[", "[::1", "a@b:c"])
def test_names_that_others_point_here_are_refused(address: str, host: str, pages: Pages) -> None:
    """Other names get 403 before anything is read, for any port (DNS rebinding)."""
    for path in ("/", "/data.json", "/none"):
        assert get(address, path, Host=host)[0] == 403
    assert not pages.asked


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.2:8000", "[::1]:8000"])
def test_names_of_this_machine_are_answered(address: str, host: str) -> None:
    """Any port is accepted, since a tunnel has its own."""
    assert get(address, Host=host)[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b" 403 "),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", b" 403 "),
        (b"GET / HTTP/9.1\r\nHost: localhost\r\n\r\n", b"version"),
        (b"\x16\x03\x01 what is this\r\n\r\n", b""),
        (b"GET /" + 70_000 * b"a" + b" HTTP/1.1\r\n", b"Long"),
    ],
)
def test_odd_requests(address: str, request_: bytes, status: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """No host, two hosts or another protocol is refused in one line, silently in the terminal."""
    assert status in said(address, request_)
    assert get(address)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_goes_away(address: str, pages: Pages, capfd: pytest.CaptureFixture[str]) -> None:
    """The browser resets the connection while its report is made; there is no traceback, and the next is answered."""
    asked, gone = threading.Event(), threading.Event()

    def leave() -> None:
        asked.set()
        gone.wait(30)

    pages.meanwhile = leave
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(b"GET /data.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(30)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    gone.set()
    pages.meanwhile = lambda: None
    assert get(address)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_an_error_of_ours_is_told(address: str, pages: Pages, capfd: pytest.CaptureFixture[str]) -> None:
    """A bug shows its traceback in the terminal, and the server keeps running."""

    def fail() -> None:
        msg = "a bug"
        raise ZeroDivisionError(msg)

    pages.meanwhile = fail
    with pytest.raises(http.client.RemoteDisconnected):
        get(address)
    pages.meanwhile = lambda: None
    assert get(address)[0] == 200
    assert "ZeroDivisionError: a bug" in capfd.readouterr().err


def test_a_port_in_use(run: Growing, address: str) -> None:
    """One line names it."""
    port = urlsplit(address).port or 0
    with pytest.raises(InputError, match=rf"cannot serve on 127.0.0.1 port {port}: Address already in use; give"):
        serve([run.folder], "127.0.0.1", port).__enter__()


def test_an_address_of_another_machine(run: Growing) -> None:
    """Such an address cannot be served on."""
    with pytest.raises(InputError, match=r"cannot serve on 192\.0\.2\.1 port 0: "):
        serve([run.folder], "192.0.2.1").__enter__()


def test_the_port_is_free_afterwards(run: Growing, pages: Pages) -> None:
    """Even after use it is free, so the same command works again at once."""
    assert not pages.asked
    with serve([run.folder]) as address:
        get(address)
    port = urlsplit(address).port or 0
    with serve([run.folder], "127.0.0.1", port) as again:
        assert again == address
        assert get(again)[0] == 200


def test_all_addresses(run: Growing, pages: Pages) -> None:
    """The printed address works here; the server answers to any address, but not to other names."""
    assert not pages.asked
    with serve([run.folder], "0.0.0.0") as address:  # noqa: S104 - under test
        assert address.startswith("http://127.0.0.1:")
        assert get(address)[0] == 200
        assert get(address, Host="192.0.2.1:80")[0] == 200
        assert get(address, Host="evil.example")[0] == 403


def test_ipv6(run: Growing, pages: Pages) -> None:
    """The address has brackets, as browsers need."""
    assert not pages.asked
    try:
        with serve([run.folder], "::1") as address:
            assert address.startswith("http://[::1]:")
            assert get(address)[0] == 200
    except InputError as error:
        pytest.skip(str(error))
