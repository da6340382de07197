"""The live report: what a browser gets, when it is made anew, and whom the server refuses."""

import http.client
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fwdrev.modes.errors import InputError
from fwdrev.plots.live import LiveReport
from fwdrev.plots.serving import serve
from fwdrev.results import Run, create
from tests.scripted import scripted_run


class Pages:
    """In place of the page's own functions: what was asked for is kept, and a hook runs meanwhile."""

    def __init__(self) -> None:
        """Nothing was asked yet."""
        self.asked: list[tuple[str, int]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def page(self, runs: Sequence[Run], *, live: bool = False) -> str:
        """Says how it was asked."""
        return self._made(f"page, live={live}, ñ", runs)

    def data(self, runs: Sequence[Run]) -> str:
        """Says how many observations there are."""
        return self._made("data", runs)

    def _made(self, what: str, runs: Sequence[Run]) -> str:
        self.asked.append((what, sum(len(run.observations) for run in runs)))
        self.meanwhile()
        return json.dumps(self.asked[-1], ensure_ascii=False)


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Pages:
    """Stand-ins for the page's functions."""
    found = Pages()
    monkeypatch.setattr("fwdrev.plots.report.page.report_page", found.page)
    monkeypatch.setattr("fwdrev.plots.report.page.report_data", found.data)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scripted run on disk."""
    made = scripted_run(noise=0.02)
    folder = tmp_path_factory.mktemp("runs") / "whole"
    with create(folder, made.spec, dict(made.machine)) as journal:
        for observation in made.observations:
            journal.append(observation)
    return folder


class Growing:
    """A run that is being measured: an empty journal, to which the lines of a whole run are added."""

    def __init__(self, folder: Path, whole: Path) -> None:
        """In a new folder."""
        self.folder = folder
        self._lines = iter((whole / "journal.jsonl").read_bytes().splitlines(keepends=True))
        folder.mkdir()
        shutil.copy(whole / "manifest.json", folder)
        self.append(b"")

    def append(self, data: bytes) -> None:
        """As a sweep does."""
        with (self.folder / "journal.jsonl").open("ab") as stream:
            stream.write(data)

    def grow(self) -> None:
        """One observation more."""
        self.append(next(self._lines))

    def tear(self) -> None:
        """A part of the next line."""
        self.append(next(self._lines)[:40])


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Growing:
    """With nothing in it."""
    return Growing(tmp_path / "run", whole)


@pytest.fixture
def address(run: Growing, pages: Pages, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Of a server of that run, which never rests."""
    assert not pages.asked
    monkeypatch.setattr("fwdrev.plots.live._REST", 0)
    with serve([run.folder]) as found:
        yield found


Got = tuple[int, http.client.HTTPMessage, bytes]


def get(address: str, path: str = "/data.json", *, method: str = "GET", **headers: str) -> Got:
    """Status, headers, body; a header's underscores are hyphens."""
    return ask(address, path, method, {name.replace("_", "-"): value for name, value in headers.items()})


def ask(address: str, path: str, method: str, headers: Mapping[str, str]) -> Got:
    """One request over one connection."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(str(where.hostname), where.port or 0, timeout=30)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.msg, answer.read()
    finally:
        connection.close()


def test_the_page_and_its_data(address: str, run: Growing) -> None:
    """The page knows that it is live; both are UTF-8, also of a run with nothing in it."""
    status, headers, body = get(address, "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert json.loads(body.decode()) == ["page, live=True, ñ", 0]
    run.grow()
    status, headers, body = get(address, "/data.json?again")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(body) == ["data", 1]
    assert int(headers["Content-Length"]) == len(body)


@pytest.mark.parametrize("path", ["/", "/data.json", "/none"])
def test_headers_of_every_answer(address: str, path: str) -> None:
    """Nothing is stored, guessed or passed on."""
    _, headers, _ = get(address, path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Python" not in headers["Server"]


def test_the_tag_changes_with_the_run(address: str, run: Growing) -> None:
    """304 without a body while nothing happens; 200 with another tag after each line."""
    run.grow()
    _, headers, _ = get(address)
    tag = headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, headers, body = get(address, If_None_Match=known)
        assert (status, headers["ETag"], body) == (304, tag, b"")
    run.grow()
    status, headers, body = get(address, If_None_Match=tag)
    assert (status, json.loads(body)) == (200, ["data", 2])
    assert headers["ETag"] != tag


@pytest.mark.parametrize("name", ["manifest.json", "calibration.json"])
def test_the_tag_changes_with_the_other_files(address: str, run: Growing, name: str) -> None:
    """A resumed sweep writes the manifest anew, and prices may come with it."""
    before = get(address)[1]["ETag"]
    with (run.folder / name).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert get(address)[1]["ETag"] != before


def test_the_tag_changes_with_the_date(address: str, run: Growing) -> None:
    """Also where the size stays: a manifest that was written anew."""
    before = get(address)[1]["ETag"]
    os.utime(run.folder / "manifest.json", ns=(1, 1))
    assert get(address)[1]["ETag"] != before


def test_made_once_for_each_change(address: str, run: Growing, pages: Pages) -> None:
    """However many ask, also at once and while it is being made."""
    pages.meanwhile = lambda: time.sleep(0.05)
    for lines in (1, 2):
        run.grow()
        threads = [threading.Thread(target=get, args=(address,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert pages.asked == [("data", each + 1) for each in range(lines)]


def test_a_line_that_comes_meanwhile_is_new_to_the_next(address: str, run: Growing, pages: Pages) -> None:
    """It never gets the tag of the report that lacks it."""
    pages.meanwhile = run.grow
    tag = get(address)[1]["ETag"]
    pages.meanwhile = lambda: None
    status, _, body = get(address, If_None_Match=tag)
    assert (status, json.loads(body)) == (200, ["data", 1])


def test_the_sweep_has_the_machine_most_of_the_time(run: Growing, pages: Pages) -> None:
    """A report that took 2 s is good for 18 s; then changes show. The first one loads libraries: it does not count."""
    now = 0.0

    def work() -> None:
        nonlocal now
        now += 2.0

    pages.meanwhile = work
    report = LiveReport([run.folder], clock=lambda: now)
    report.data()
    run.grow()
    second = report.data()
    assert (json.loads(second.body), now) == (["data", 1], 4.0)
    run.grow()
    now = 4.0 + 17.9
    assert report.data() == second
    now = 4.0 + 18.0
    assert json.loads(report.data().body) == ["data", 2]
    assert len(pages.asked) == 3


def test_a_torn_line_is_left_out(address: str, run: Growing, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a word, however often it is asked for."""
    run.grow()
    run.tear()
    for _ in range(3):
        assert json.loads(get(address)[2]) == ["data", 1]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("path", ["/", "/data.json"])
@pytest.mark.parametrize("rest", [0, 1e9])
def test_a_run_that_is_gone(
    address: str, run: Growing, path: str, rest: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """503 and one line, also where an older report was made; the server lives on until the run is back."""
    monkeypatch.setattr("fwdrev.plots.live._REST", rest)
    assert get(address, path)[0] == 200
    run.folder.rename(tmp_path / "elsewhere")
    status, headers, body = get(address, path)
    assert (status, headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert b"was the run moved, or removed?" in body
    assert body.count(b"\n") == 1
    (tmp_path / "elsewhere").rename(run.folder)
    assert get(address, path)[0] == 200


def test_a_damaged_run_is_one_line(address: str, run: Growing) -> None:
    """503 with what is wrong with it."""
    (run.folder / "manifest.json").write_text("{}")
    status, _, body = get(address)
    assert status == 503
    assert b"is damaged" in body
    assert body.count(b"\n") == 1


@pytest.mark.parametrize("path", ["/favicon.ico", "/journal.jsonl", "/../manifest.json", "/data.json/"])
def test_there_is_nothing_else(address: str, path: str) -> None:
    """404; no file of the run is served."""
    status, _, body = get(address, path)
    assert (status, body) == (404, b"there are / and /data.json\n")


@pytest.mark.parametrize("path", ["/", "/data.json", "/none"])
def test_head_is_get_without_the_body(address: str, path: str) -> None:
    """The same status and headers but for the date."""
    (status, headers, body), (other, others, nothing) = get(address, path), get(address, path, method="HEAD")
    assert (status, nothing) == (other, b"")
    assert len(body) > 0
    del headers["Date"], others["Date"]
    assert headers.items() == others.items()
    assert said(address, f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()).endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_no_other_method(address: str, method: str) -> None:
    """405, and which are allowed."""
    status, headers, body = get(address, method=method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert body.count(b"\n") == 1


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:80", "", "[", "[::1", "a@b:c"])
def test_names_that_others_point_here_are_refused(address: str, host: str, pages: Pages) -> None:
    """403 before anything is read, whatever port is named (DNS rebinding)."""
    for path in ("/", "/data.json", "/none"):
        assert get(address, path, Host=host)[0] == 403
    assert not pages.asked


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.2:8000", "[::1]:8000"])
def test_names_of_this_machine_are_answered(address: str, host: str) -> None:
    """With any port: a tunnel has its own."""
    assert get(address, Host=host)[0] == 200


def said(address: str, request: bytes) -> bytes:
    """The whole answer to these very bytes."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


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
    """No host, two hosts, another protocol: refused in a line, without one in the terminal."""
    assert status in said(address, request_)
    assert get(address)[0] == 200
    assert capfd.readouterr() == ("", "")


def test_a_browser_that_goes_away(address: str, pages: Pages, capfd: pytest.CaptureFixture[str]) -> None:
    """While its report is made, with a reset: no traceback, and the next one is answered."""
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
    """A bug is not hidden: its traceback is in the terminal, and the server lives on."""

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
    """One line that names it."""
    port = urlsplit(address).port or 0
    with pytest.raises(InputError, match=rf"cannot serve on 127.0.0.1 port {port}: Address already in use; give"):
        serve([run.folder], "127.0.0.1", port).__enter__()


def test_an_address_of_another_machine(run: Growing) -> None:
    """Cannot be served on."""
    with pytest.raises(InputError, match=r"cannot serve on 192\.0\.2\.1 port 0: "):
        serve([run.folder], "192.0.2.1").__enter__()


def test_the_port_is_free_afterwards(run: Growing, pages: Pages) -> None:
    """Also after it was used; so the same command works again at once."""
    assert not pages.asked
    with serve([run.folder]) as address:
        get(address)
    port = urlsplit(address).port or 0
    with serve([run.folder], "127.0.0.1", port) as again:
        assert again == address
        assert get(again)[0] == 200


def test_all_addresses(run: Growing, pages: Pages) -> None:
    """The one that is printed works here; any address is an answer, a name is none."""
    assert not pages.asked
    with serve([run.folder], "0.0.0.0") as address:  # noqa: S104 - what is tested
        assert address.startswith("http://127.0.0.1:")
        assert get(address)[0] == 200
        assert get(address, Host="192.0.2.1:80")[0] == 200
        assert get(address, Host="evil.example")[0] == 403


def test_ipv6(run: Growing, pages: Pages) -> None:
    """In brackets, as a browser wants it."""
    assert not pages.asked
    try:
        with serve([run.folder], "::1") as address:
            assert address.startswith("http://[::1]:")
            assert get(address)[0] == 200
    except InputError as error:
        pytest.skip(str(error))


def test_several_runs(run: Growing, whole: Path, pages: Pages) -> None:
    """All of them are in it, and each changes the tag."""
    with serve([whole, run.folder]) as address:
        before = get(address)[1]["ETag"]
        count = pages.asked[-1][1]
    run.grow()
    with serve([whole, run.folder]) as address:
        assert get(address)[1]["ETag"] != before
    assert pages.asked[-1][1] == count + 1 > 2
