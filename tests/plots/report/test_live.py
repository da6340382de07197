"""The live report: what a browser gets, and when it is made anew."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from fwdrev.plots.report.live import LiveReport
from fwdrev.plots.report.server import serve
from tests.live import Growing, Pages, get


@pytest.fixture
def run(tmp_path: Path, whole: Path) -> Growing:
    """A run without observations."""
    return Growing(tmp_path / "run", whole)


def test_the_page_and_its_data(address: str, run: Growing) -> None:
    """The page knows that it is live; both are UTF-8, also for an empty run."""
    status, headers, body = get(address, "/")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert json.loads(body.decode()) == ["page, live=True, ñ", 0]
    run.grow()
    status, headers, body = get(address, "/data.json?again")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(body) == ["data", 1]
    assert int(headers["Content-Length"]) == len(body)


def test_the_tag_changes_with_the_run(address: str, run: Growing) -> None:
    """An unchanged run gives 304 without a body; each new line gives 200 with another tag."""
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
    """Resuming a sweep rewrites the manifest, and prices may be added."""
    before = get(address)[1]["ETag"]
    with (run.folder / name).open("a", encoding="utf-8") as stream:
        stream.write("\n")
    assert get(address)[1]["ETag"] != before


def test_the_tag_changes_with_the_date(address: str, run: Growing) -> None:
    """A manifest may be rewritten with the same size."""
    before = get(address)[1]["ETag"]
    os.utime(run.folder / "manifest.json", ns=(1, 1))
    assert get(address)[1]["ETag"] != before


def test_made_once_for_each_change(address: str, run: Growing, pages: Pages) -> None:
    """Many requests, even simultaneous ones, share it."""
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
    """The first report, which lacks the line, never gets the later tag."""
    pages.meanwhile = run.grow
    tag = get(address)[1]["ETag"]
    pages.meanwhile = lambda: None
    status, _, body = get(address, If_None_Match=tag)
    assert (status, json.loads(body)) == (200, ["data", 1])


def test_the_sweep_has_the_machine_most_of_the_time(run: Growing, pages: Pages) -> None:
    """A report that took 2 s is kept for 18 s; then changes show. The first one does not count: it loads libraries."""
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
    """Requests never report it."""
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
    """A missing run gives 503 and one line, even after an earlier report; the server waits until the run is back."""
    monkeypatch.setattr("fwdrev.plots.report.live._REST", rest)
    assert get(address, path)[0] == 200
    run.folder.rename(tmp_path / "elsewhere")
    status, headers, body = get(address, path)
    assert (status, headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert b"was the run moved, or removed?" in body
    assert body.count(b"\n") == 1
    (tmp_path / "elsewhere").rename(run.folder)
    assert get(address, path)[0] == 200


def test_a_damaged_run_is_one_line(address: str, run: Growing) -> None:
    """A damaged run gives 503 with the fault."""
    (run.folder / "manifest.json").write_text("{}")
    status, _, body = get(address)
    assert status == 503
    assert b"is damaged" in body
    assert body.count(b"\n") == 1


def test_several_runs(run: Growing, whole: Path, pages: Pages) -> None:
    """The report has all of them, and each changes the tag."""
    with serve([whole, run.folder]) as address:
        before = get(address)[1]["ETag"]
        count = pages.asked[-1][1]
    run.grow()
    with serve([whole, run.folder]) as address:
        assert get(address)[1]["ETag"] != before
    assert pages.asked[-1][1] == count + 1 > 2
