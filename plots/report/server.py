"""The live report, served to a browser on this machine.

with serve([Path("runs/today")]) as address:     # http://127.0.0.1:43210/
    ...                                          # until you leave

The page asks for `data.json` again and again, and gets it when a run has changed.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from socket import AF_INET, AF_INET6, socket
from socketserver import TCPServer
from urllib.parse import urlsplit

from fwdrev.modes.errors import FwdrevError, InputError
from fwdrev.plots.report.live import Answer, LiveReport

LOOPBACK = "127.0.0.1"

_PATIENCE = 30.0
"""Seconds for a client that says nothing, or does not listen."""

_NOTICED = 0.1
"""Seconds until the server sees that it is to stop."""


@contextmanager
def serve(folders: Sequence[Path], host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve the live report while the context lasts; gives its address. `host` is an address, port 0 any free one.

    Raises InputError when nothing can be served there.
    """
    try:
        server = _Server(LiveReport(folders), host, port)
    except OSError as error:
        msg = f"cannot serve on {host} port {port}: {error.strerror}; give another --port, or none for any free one"
        raise InputError(msg) from None
    with server:
        threading.Thread(target=server.serve_forever, args=(_NOTICED,), daemon=True).start()
        try:
            yield server.address
        finally:
            server.shutdown()


class _Server(ThreadingHTTPServer):
    """A thread for each request; none outlives the process."""

    def __init__(self, report: LiveReport, host: str, port: int) -> None:
        self.report = report
        self._host = ip_address(host)
        self.address_family = AF_INET6 if isinstance(self._host, IPv6Address) else AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Without looking up a name for the address, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self._host), int(self.server_address[1])

    @property
    def address(self) -> str:
        """For a browser on this machine."""
        host = self._host
        if host.is_unspecified:  # every address of this machine
            host = ip_address("::1" if isinstance(host, IPv6Address) else LOOPBACK)
        return f"http://{f'[{host}]' if isinstance(host, IPv6Address) else host}:{self.server_port}/"

    def is_named(self, header: str) -> bool:
        """Whether a request means this server, and not a name that somebody else points at it (DNS rebinding)."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
            asked = ip_address(LOOPBACK if name == "localhost" else name)
        except ValueError:
            return False
        return asked.is_loopback or self._host.is_unspecified or asked == self._host

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """A browser that went away is nothing to tell."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One request: GET or HEAD of the page or its data."""

    server: _Server
    server_version, sys_version = "fwdrev", ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """The page, its data, or one line that says why not."""
        report = self.server.report
        known = {"/": (report.page, "text/html"), "/data.json": (report.data, "application/json")}
        answer, kind = known.get(self.path.partition("?")[0], (None, ""))
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not self.server.is_named(hosts[0]):
            self.send_error(HTTPStatus.FORBIDDEN, "ask for this server by the address that it printed")
        elif answer is None:
            self.send_error(HTTPStatus.NOT_FOUND, "there are / and /data.json")
        else:
            self._send(answer, kind)

    do_HEAD = do_GET  # noqa: N815 - as the base class has it

    def _send(self, answer: Callable[[], Answer], kind: str) -> None:
        try:
            found = answer()
        except FwdrevError as error:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, " ".join(str(error).split()))
            return
        known = {tag.strip().removeprefix("W/") for tag in self.headers.get("If-None-Match", "").split(",")}
        if found.tag in known or "*" in known:
            self._reply(HTTPStatus.NOT_MODIFIED, kind, b"", found.tag)
        else:
            self._reply(HTTPStatus.OK, kind, found.body, found.tag)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """One line of text; also for what the base class refuses."""
        status = HTTPStatus(code)
        if status is HTTPStatus.NOT_IMPLEMENTED:  # no do_METHOD
            status, message = HTTPStatus.METHOD_NOT_ALLOWED, "GET and HEAD are all there is"
        self._reply(status, "text/plain", f"{message or status.phrase}\n".encode(errors="replace"))

    def _reply(self, status: HTTPStatus, kind: str, body: bytes, tag: str = "") -> None:
        headers = {
            "Content-Type": f"{kind}; charset=utf-8",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": "frame-ancestors 'none'",  # the only rule that the page cannot state itself
            **({"ETag": tag} if tag else {}),
            **({"Content-Length": str(len(body))} if status is not HTTPStatus.NOT_MODIFIED else {}),
            **({"Allow": "GET, HEAD"} if status is HTTPStatus.METHOD_NOT_ALLOWED else {}),
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Nothing: the terminal is for the address."""
