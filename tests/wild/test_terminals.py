"""Progress on terminals of all kinds: a bar where it can be redrawn, lines elsewhere, and never a reason to stop."""

import fcntl
import os
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

import pytest
from rich.console import Console

from fwdrev.bench.sweep.progress import can_redraw
from tests.wild.outcomes import command, environment
from tests.wild.reports import OURS, report

VARIABLES = ("TERM", "CI", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


def _opened() -> tuple[int, int]:
    """Both ends of a terminal of 80 columns: the display, and the end that programs write to."""
    shown, written = os.openpty()
    fcntl.ioctl(written, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    return shown, written


@pytest.fixture
def terminal() -> Iterator[TextIO]:
    """The end of a terminal that programs write to."""
    shown, written = _opened()
    with os.fdopen(written, "w", encoding="utf-8") as stream:
        yield stream
    os.close(shown)


@pytest.mark.parametrize(
    ("env", "drawn"),
    [
        pytest.param({"TERM": "xterm"}, True, marks=report(OURS)),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, True, marks=report("npm/npm#7568")),
        pytest.param({"TERM": "dumb"}, False, marks=report("rust-lang/cargo#4832")),
        pytest.param({"TERM": "dumb", "FORCE_COLOR": "1"}, False, marks=report("vshulcz/deja-vu#903")),
        pytest.param({"TERM": "unknown"}, False, marks=report("a8m/pb#82")),
        pytest.param({}, False, marks=report(OURS)),
        pytest.param({"TERM": "xterm", "CI": "true"}, False, marks=report("wolph/python-progressbar#204")),
        pytest.param({"TERM": "xterm", "COLUMNS": "1"}, False, marks=report("curl/curl#4818")),
        pytest.param({"TERM": "xterm", "COLUMNS": "0"}, False, marks=report("diazoxide/charter#594")),
        pytest.param({"TERM": "xterm", "TTY_INTERACTIVE": "0"}, False, marks=report(OURS)),
    ],
)
def test_a_bar_is_drawn_where_it_can_be(
    env: Mapping[str, str],
    drawn: bool,  # noqa: FBT001 - an expectation
    terminal: TextIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each setting of a terminal, a CI service or a user counts."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert can_redraw(Console(file=terminal)) is drawn


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
@report("tardis-sn/tardis#494")
def test_a_file_gets_lines(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file gets lines even if rich takes it for a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv(variable, "1")
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        console = Console(file=log)
        assert console.is_terminal, "rich is not fooled: this shows nothing"
        assert not can_redraw(console)


@pytest.mark.parametrize("term", ["xterm", pytest.param("dumb", marks=pytest.mark.long)])
@report("tqdm/tqdm#1033")
def test_a_terminal_that_goes_away_stops_nothing(term: str) -> None:
    """After its window closes every write fails, of the bar and of lines alike."""
    shown, written = _opened()
    env = {key: value for key, value in environment(TERM=term).items() if key == "TERM" or key not in VARIABLES}
    with subprocess.Popen(command("watched"), stdout=subprocess.PIPE, stderr=written, env=env) as process:
        os.close(written)
        beginning = os.read(shown, 100)
        os.close(shown)
        answer, _ = process.communicate(timeout=120)
    assert (b"\x1b" in beginning) is (term == "xterm")
    assert process.returncode == 1
    assert answer.decode().endswith("outcome: regressed\n")


@report("wolph/python-progressbar#204")
def test_a_log_has_a_line_for_each_round(tmp_path: Path) -> None:
    """No character moves the cursor, however colours are requested."""
    log = tmp_path / "log"
    with log.open("wb") as stream:
        env = environment(FORCE_COLOR="1", TERM="xterm-256color", TTY_COMPATIBLE="1")
        done = subprocess.run(command("watched"), stdout=subprocess.DEVNULL, stderr=stream, env=env, check=False)
    assert done.returncode == 1
    lines = log.read_text(encoding="ascii").splitlines()
    assert [line.partition(",")[0] for line in lines][:3] == ["compiling and checking", "measuring memory", "round 1"]
    assert len(lines) == 7
    assert all(line.isprintable() for line in lines)
