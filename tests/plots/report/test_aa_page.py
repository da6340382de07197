"""The report of a self-test: it agrees with the record, and shows names literally."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from fwdrev.plots.figures.aa_test import aa_test_figure, lay_out_aa_test
from fwdrev.results.gate.aa_test.record import Record, load_record
from fwdrev.results.gate.aa_test.summary import delays_for, summarised
from tests.command import expect_one_line, fwdrev
from tests.results.gate.aa_test.test_summary import SPEC, made, run

NASTY = "<script>alert(1)</script>&lt;b&gt;"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A record of six runs on identical code, two with delays; the processor's name must not run as code."""
    found = made(tmp_path / "record.jsonl", machine={"cpu_model_name": NASTY, "cpus": 2})
    rng = np.random.default_rng(0)
    for _ in range(6):
        found.append(run(rng, []))
    for index in range(2):
        found.append(run(rng, delays_for(SPEC, 0.05, index)))
    return load_record(found.path)


class _Page(HTMLParser):
    """The tags of a page, and the text in its cells."""

    def __init__(self) -> None:
        """Starts with nothing read."""
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Starts an empty cell."""
        self.tags.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Adds text to the last cell."""
        if self.cells:
            self.cells[-1] += data


def test_the_page_says_what_the_record_says(record: Record) -> None:
    """The page lies beside the record by default; rates are those counted; names add no script, request or element."""
    done = fwdrev("report", record.path)
    assert done.returncode == 0, done.stderr
    text = record.path.with_suffix(".html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(text)
    rates = dict(zip(page.cells[3::3], page.cells[4::3], strict=False))
    assert rates["identical code called slower"] == "0 of 6"
    assert rates["a mode or an arm slower by 5.0%, found"] == "2 of 2"
    assert f"{NASTY}, 2 processors" in page.cells
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r'(?:href|src)="(?!#)', text)


def test_the_figure_has_every_finding(record: Record) -> None:
    """The figure shows the gate's changes on identical code and the advice's shares; and it can be drawn."""
    summary = summarised(record)
    layout = lay_out_aa_test(record, summary)
    assert len(layout.cells) == 6 * len(SPEC.cells) * len(SPEC.engines)
    assert np.all(np.diff(layout.cells) >= 0)
    assert np.abs(layout.cells).max() < 0.01
    rounds, share = layout.decided[0.05]
    assert [int(r) for r in rounds] == sorted({r for r, t in summary.advice.decided if t == 0.05})
    assert share == pytest.approx([1.0] * len(rounds))
    left, right = aa_test_figure(record, summary).axes
    assert left.get_legend_handles_labels()[1] == ["an arm in a cell", "a pool"]
    assert "5%" in right.get_legend_handles_labels()[1]


def test_what_cannot_be_reported(record: Record, tmp_path: Path) -> None:
    """A file beside folders, a file that is no record, a record without runs and a page not ours are refused."""
    expect_one_line(fwdrev("report", record.path, tmp_path), 2, "the record of a selftest is reported alone")
    (tmp_path / "none.jsonl").write_text("{}", encoding="utf-8")
    expect_one_line(fwdrev("report", tmp_path / "none.jsonl"), 2, "is no record of a selftest")
    empty = made(tmp_path / "empty.jsonl")
    expect_one_line(fwdrev("report", empty.path), 4, "no run of the gate in it yet")
    expect_one_line(fwdrev("report", record.path, "--watch"), 2, "")
    record.path.with_suffix(".html").write_text("mine", encoding="utf-8")
    expect_one_line(fwdrev("report", record.path), 2, "is no report of fwdrev")
