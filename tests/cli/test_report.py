"""`fwdrev report`: what it writes, and what it never overwrites."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

from tests.command import expect_one_line, fwdrev, largest_file
from tests.live import MARKER


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Path:
    """A copy of a run, alone in a folder."""
    return Path(shutil.copytree(whole, tmp_path / "run"))


def test_help_has_an_example() -> None:
    """The help also names every option."""
    done = fwdrev("report", "--help")
    assert done.returncode == 0
    assert "Example: fwdrev report runs/today --open" in done.stdout
    for option in ("--out", "--open", "--watch", "--host", "--port", "--allow-remote", "--json"):
        assert option in done.stdout


def test_the_report_lies_in_the_run(run: Path) -> None:
    """The report's path and size are printed; it has the permissions of any new file; no other file appears."""
    before = set(run.iterdir())
    done = fwdrev("report", run)
    assert done.returncode == 0, done.stderr
    path = run / "report.html"
    assert done.stdout.startswith(f"report: {path} (")
    assert path.read_bytes().startswith(MARKER)
    assert set(run.iterdir()) - before == {path}
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_a_report_is_made_anew(run: Path, tmp_path: Path) -> None:
    """A report is derived, so no question is asked; an open old file keeps its content; a link stays a link."""
    path, link = tmp_path / "a.html", tmp_path / "b.html"
    path.write_bytes(MARKER + b" of last week")
    link.symlink_to(path)
    with path.open("rb") as old:
        done = fwdrev("report", run, "--out", link, "--json")
        assert old.read() == MARKER + b" of last week"
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"report": str(link), "bytes": path.stat().st_size}
    assert link.is_symlink()
    assert b"last week" not in path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"<!doctype html>\n<p>mine", b"\n" + MARKER, b"\xff\xfe"])
@pytest.mark.parametrize("name", ["report.html", "mine.html"])
def test_what_is_not_ours_stays(run: Path, content: bytes, name: str) -> None:
    """Files of any other kind stay, even under the default name."""
    path = run / name
    path.write_bytes(content)
    expect_one_line(fwdrev("report", run, "--out", path), 2, f"{path} exists already and is no report of fwdrev")
    if name == "report.html":
        assert fwdrev("report", run).returncode == 2
    assert path.read_bytes() == content


@pytest.mark.parametrize("out", [".", "null", "pipe", "dangling"])
def test_what_is_no_file_stays(run: Path, out: str, tmp_path: Path, null_device: Path) -> None:
    """Folders, devices, pipes without a writer and links to nowhere are refused."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to("nowhere")
    expect_one_line(fwdrev("report", run, "--out", out, cwd=tmp_path), 2, f"{out} exists already and is no report")
    assert null_device.is_char_device()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("out", ["/proc/none", "none/report.html", 300 * "x"])
def test_what_cannot_be_written(run: Path, out: str) -> None:
    """One line names it."""
    expect_one_line(fwdrev("report", run, "--out", out), 2, "give --out a file that can be written")


def test_a_full_disk_leaves_the_old_report(run: Path) -> None:
    """The old report stays whole, and no other file remains; no file can grow here."""
    path = run / "report.html"
    path.write_bytes(MARKER + b" of last week")
    before = set(run.iterdir())
    with largest_file(0):
        done = fwdrev("report", run)
    expect_one_line(done, 2, f"cannot write {path}: File too large")
    assert path.read_bytes() == MARKER + b" of last week"
    assert set(run.iterdir()) == before


def test_several_runs(run: Path, whole: Path, empty: Path, tmp_path: Path) -> None:
    """Several runs share one report, in the first; an empty run causes a warning; a repeated one counts once."""
    done = fwdrev("report", empty, run, whole, empty)
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"warning: {empty} has no measured cell yet: it is left out\n"
    assert done.stdout.startswith(f"report: {empty / 'report.html'} (")
    assert list(tmp_path.rglob("*.html")) == [empty / "report.html"]


def test_a_torn_journal_is_reported_with_a_warning(run: Path) -> None:
    """The warning comes once, on standard error."""
    journal = run / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-70])
    done = fwdrev("report", run, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("warning: ")
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout)["bytes"] > 0


def test_nothing_measured(empty: Path, tmp_path: Path) -> None:
    """The exit code is 4, and there is no file."""
    expect_one_line(fwdrev("report", empty), 4, f"{empty}: no measured cell yet")
    assert fwdrev("report", empty, empty.parent / "empty").returncode == 4
    assert list(tmp_path.rglob("*.html")) == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((), "Missing argument 'RUN...'"),
        (("none",), "none is not a run"),
        (("none", "--watch"), "none is not a run"),
        (("none", "--watch", "--out", "a.html"), "--out cannot be given with --watch"),
        (("none", "--watch", "--json"), "--json cannot be given with --watch"),
        (("none", "--port", "0"), "--port says how a report is served: give --watch too"),
        (("none", "--host", "127.0.0.1"), "--host says how a report is served: give --watch too"),
        (("none", "--allow-remote"), "--allow-remote says how a report is served: give --watch too"),
        (("none", "--watch", "--port", "65536"), "port = 65536: give a number from 0"),
        (("none", "--watch", "--port", "-1"), "port = -1: give a number from 0"),
        (("none", "--watch", "--port", "http"), "Invalid value for '--port'"),
        (("none", "--watch", "--host", "0.0.0.0"), "host = 0.0.0.0: other machines could read"),  # noqa: S104
        (("none", "--watch", "--host", "::"), "host = ::: other machines could read"),
        (("none", "--watch", "--host", "192.0.2.1"), "give --allow-remote too if they may"),
        (("none", "--watch", "--host", "example.org"), "host = 'example.org': give an address such as 127.0.0.1"),
        (("none", "--watch", "--host", "example.org", "--allow-remote"), "other names are not looked up"),
        (("none", "--watch", "--host", ""), "host = '': give an address"),
        (("none", "--watch", "--allow-remote"), "--allow-remote needs --host"),
    ],
)
def test_bad_input_gets_one_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """The exit code is 2; nothing is left behind."""
    expect_one_line(fwdrev("report", *arguments, cwd=tmp_path), 2, part)
    assert list(tmp_path.iterdir()) == []


def test_open(run: Path, asked_to_open: Path) -> None:
    """The browser gets the file's absolute address."""
    done = fwdrev("report", "run", "--open", cwd=run.parent)
    assert done.returncode == 0, done.stderr
    assert asked_to_open.read_text() == (run / "report.html").as_uri()


@pytest.mark.usefixtures("no_browser")
def test_open_without_a_browser(run: Path) -> None:
    """A message says what to open; the report is written anyway, and standard output is clean."""
    done = fwdrev("report", run, "--open", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"warning: no browser was found: open {(run / 'report.html').as_uri()} yourself\n"
    assert json.loads(done.stdout)["report"] == str(run / "report.html")
