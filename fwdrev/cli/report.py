"""The report of runs, as a file or live: `fwdrev report`."""

import os
import threading
import webbrowser
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwdrev.bench.records.whole_file import status
from fwdrev.cli.common.drawing import prepare_drawing
from fwdrev.cli.common.files import check_place, unwritable, write
from fwdrev.cli.common.show import AsJson, answer, each_run, loaded, note, quoted
from fwdrev.modes.errors import InputError, NothingMeasuredError

if TYPE_CHECKING:
    from fwdrev.results.gate.aa_test.record import Record


_LAST_PORT = 65535

_POLITE = 10
"""Niceness of a live report: what is being measured goes first."""


def report(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="The folders of sweeps, or the file of a selftest.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="A file; default report.html in the first run, or beside a selftest.")
    ] = None,
    host: Annotated[str | None, typer.Option(help="The address to serve on; default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="The port to serve on; default any free one.")] = None,
    *,
    open_: Annotated[bool, typer.Option("--open", help="Show it in the browser.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Serve it live while the sweep runs, until Ctrl-C.")] = False,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Let other machines read it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the interactive report, one HTML file, or serve it live."""
    prepare_drawing()
    given, runs = runs, each_run(runs)
    if watch:
        _refuse({"--out": out is not None, "--json": as_json}, "cannot be given with --watch, which writes no file")
        _watch(runs, _address(host, allow_remote=allow_remote), port or 0, open_=open_)
        return
    serving = {"--host": host is not None, "--port": port is not None, "--allow-remote": allow_remote}
    _refuse(serving, "says how a report is served: give --watch too")
    record = _record(runs)
    path = out or (given[0] / "report.html" if record is None else record.path.with_suffix(".html"))
    _check_ours(path)
    if out is not None:
        check_place(out)
    page = (_page(runs) if record is None else _aa_page(record)).encode(errors="replace")
    write(path, page)
    answer({"report": str(path), "bytes": len(page)}, [f"report: {path} ({len(page) / 1e6:.1f} MB)"], as_json=as_json)
    if open_:
        _open(path.resolve().as_uri())


def _refuse(given: dict[str, bool], why: str) -> None:
    for option, is_given in given.items():
        if is_given:
            raise InputError(f"{option} {why}")


def _record(paths: Sequence[Path]) -> "Record | None":
    """Of a selftest, where its file was given."""
    files = [path for path in paths if path.is_file()]
    if files and len(paths) > 1:
        msg = f"{files[0]} is a file: the record of a selftest is reported alone; give the folders of runs without it"
        raise InputError(msg)
    if not files:
        return None
    from fwdrev.results.gate.aa_test.record import load_record

    record = load_record(files[0])
    for warning in record.warnings:
        note(f"warning: {warning}")
    if not record.runs:
        msg = f"{files[0]}: no run of the gate in it yet; go on with fwdrev selftest --resume {quoted(files[0])}"
        raise NothingMeasuredError(msg)
    return record


def _aa_page(record: "Record") -> str:
    from fwdrev.plots.report.aa_page import aa_page
    from fwdrev.results.gate.aa_test.summary import summarised

    return aa_page(record, summarised(record))


def _page(folders: Sequence[Path]) -> str:
    """Of the runs that hold values; warns of the others."""
    from fwdrev.plots.report.page import report_page
    from fwdrev.results.runs.cells import engines_measured
    from fwdrev.results.runs.run import go_on

    found = []
    for run in map(loaded, folders):
        if engines_measured(run):
            found.append(run)
        elif len(folders) > 1:
            note(f"warning: {run.folder} has no measured cell yet: it is left out")
    if not found:
        msg = f"{', '.join(map(str, folders))}: no measured cell yet; --watch waits for cells, or {go_on(folders[0])}"
        raise NothingMeasuredError(msg)
    return report_page(found)


def _check_ours(path: Path) -> None:
    """Raises InputError for anything but a report or nothing, before anything is computed."""
    from fwdrev.plots.report.page import MARKER

    try:
        taken = status(path) is not None or path.is_symlink()
        ours = taken and path.is_file() and _begins(path, MARKER.encode())
    except OSError as error:
        raise unwritable(path, str(error.strerror)) from None
    if taken and not ours:
        raise InputError(f"{path} exists already and is no report of fwdrev: give --out a new file, or remove this one")


def _begins(path: Path, mark: bytes) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(mark)) == mark


def _address(host: str | None, *, allow_remote: bool) -> str:
    """Where to serve; other machines can read it only if that was said twice."""
    from fwdrev.plots.report.server import LOOPBACK

    if host is None and allow_remote:
        msg = "--allow-remote needs --host ADDRESS: the address of this machine to serve on, 0.0.0.0 for all of them"
        raise InputError(msg)
    if host in {None, "localhost"}:
        return LOOPBACK
    try:
        address = ip_address(str(host))
    except ValueError:
        msg = f"host = {host!r}: give an address such as 127.0.0.1, or localhost; other names are not looked up"
        raise InputError(msg) from None
    if not (address.is_loopback or allow_remote):
        msg = f"host = {host}: other machines could read the report there; give --allow-remote too if they may"
        raise InputError(msg)
    return str(address)


def _watch(folders: Sequence[Path], host: str, port: int, *, open_: bool) -> None:
    """Until Ctrl-C, which is how this ends, and no failure."""
    from fwdrev.plots.report.server import serve

    if not 0 <= port <= _LAST_PORT:
        raise InputError(f"port = {port}: give a number from 0 (any free one) to {_LAST_PORT}")
    for folder in folders:
        loaded(folder)  # is it a run at all?
    os.nice(_POLITE)
    with suppress(KeyboardInterrupt), serve(folders, host, port) as address:
        answer({}, [address], as_json=False)
        note("live report: Ctrl-C stops it")
        if open_:
            _open(address)
        threading.Event().wait()
    note("stopped")


def _open(address: str) -> None:
    """In the browser that the user prefers."""
    try:
        shown = webbrowser.open(address)
    except webbrowser.Error:
        shown = False
    if not shown:
        note(f"warning: no browser was found: open {address} yourself")
