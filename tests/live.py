"""Shared by the tests of the live report: a growing run, stand-ins for the page, clients, the command."""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

from fwdrev.results import Run
from tests.scripted import on_disk, scripted_run

__all__ = [
    "MARKER",
    "Growing",
    "Pages",
    "await_change",
    "fetched",
    "get",
    "said",
    "stopped",
    "until",
    "watching",
    "write_run",
]

MARKER = b"<!doctype html>\n<!-- fwdrev report -->"
"""The beginning of every report."""


def write_run(folder: Path) -> Path:
    """Writes a scripted run to disk."""
    return on_disk(folder, scripted_run(noise=0.02, shift=0.01))


class Pages:
    """Stand-ins for the page's functions: they record their calls, and a hook runs during each."""

    def __init__(self) -> None:
        """Starts with no calls."""
        self.asked: list[tuple[str, int]] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def page(self, runs: Sequence[Run], *, live: bool = False) -> str:
        """Returns a text with the options of the call."""
        return self._made(f"page, live={live}, ñ", runs)

    def data(self, runs: Sequence[Run]) -> str:
        """Returns the number of observations."""
        return self._made("data", runs)

    def _made(self, what: str, runs: Sequence[Run]) -> str:
        self.asked.append((what, sum(len(run.observations) for run in runs)))
        self.meanwhile()
        return json.dumps(self.asked[-1], ensure_ascii=False)


class Growing:
    """A run that is still being measured: an empty journal that receives the lines of a whole run."""

    def __init__(self, folder: Path, whole: Path) -> None:
        """Starts the run in a new folder."""
        self.folder = folder
        self._lines = iter((whole / "journal.jsonl").read_bytes().splitlines(keepends=True))
        folder.mkdir()
        shutil.copy(whole / "manifest.json", folder)
        self.append(b"")

    def append(self, data: bytes) -> None:
        """Appends to the journal as a sweep does."""
        with (self.folder / "journal.jsonl").open("ab") as stream:
            stream.write(data)

    def grow(self) -> None:
        """Adds one observation."""
        self.append(next(self._lines))

    def tear(self) -> None:
        """Adds an unfinished line."""
        self.append(next(self._lines)[:40])


Got = tuple[int, http.client.HTTPMessage, bytes]


def get(address: str, path: str = "/data.json", *, method: str = "GET", **headers: str) -> Got:
    """Gets status, headers and body; underscores in the names of headers become hyphens."""
    return ask(address, path, method, {name.replace("_", "-"): value for name, value in headers.items()})


def ask(address: str, path: str, method: str, headers: Mapping[str, str]) -> Got:
    """Sends one request over one connection."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(str(where.hostname), where.port or 0, timeout=30)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.msg, answer.read()
    finally:
        connection.close()


def said(address: str, request: bytes) -> bytes:
    """Sends these bytes and returns the whole answer."""
    where = urlsplit(address)
    with socket.create_connection((where.hostname, where.port), timeout=30) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(4096), b""))


@contextmanager
def watching(*arguments: object) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Starts the live view and reads its address from standard output."""
    command = [sys.executable, "-m", "fwdrev", "report", *map(str, arguments), "--watch"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = _read(process.stdout).readline().strip()
            assert address, _read(process.stderr).read()
            yield address, process
        finally:
            process.kill()


def _read(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until this holds, for at most so many seconds."""
    for _ in range(int(20 * seconds)):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited in vain")


def await_change(address: str, tag: str) -> None:
    """Waits for a change as the page does."""
    until(lambda: fetched(address, tag)[0] == 200)


def stopped(process: subprocess.Popen[str], number: int = signal.SIGINT) -> str:
    """Stops it and returns its standard error; expects nothing but the address on standard output."""
    process.send_signal(number)
    out, errors = process.communicate(timeout=30)
    assert out == ""
    assert "Traceback" not in errors
    return errors


def fetched(address: str, tag: str = "") -> tuple[int, str, bytes]:
    """Fetches status, tag and body."""
    asked = urllib.request.Request(address, headers={"If-None-Match": tag} if tag else {})  # noqa: S310 - our server
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our server
            return answer.status, answer.headers["ETag"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["ETag"], error.read()
