"""The report of runs during measurement: made on request, once for each change.

report = LiveReport([Path("runs/today")])
report.page(), report.data()     # each with a tag that changes with the run
"""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fwdrev.modes.errors import InputError
from fwdrev.results.costs.calibration import KEPT
from fwdrev.results.runs.run import JOURNAL, MANIFEST, Run, load

_NEEDED = (MANIFEST, JOURNAL)
"""The files of a run that a report needs, with its calibration if kept."""

_REST = 9
"""The seconds of rest after each second spent on a report, so that the sweep keeps nine tenths of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer for a browser, with the tag by which it can ask for news."""

    tag: str
    body: bytes


class LiveReport:
    """The report of runs as they are now, made on request."""

    def __init__(self, folders: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        """Serves these folders; does not remake a report that is young relative to its cost, by `clock`."""
        self._folders = tuple(folders)
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[Callable[..., str], Answer] = {}
        self._rested = 0.0

    def page(self) -> Answer:
        """The page, which then asks for the data; raises InputError if a run is gone."""
        return self._answer(_page)

    def data(self) -> Answer:
        """The data of the page; raises InputError if a run is gone."""
        return self._answer(_data)

    def _answer(self, make: Callable[[Sequence[Run]], str]) -> Answer:
        """Makes an answer; a second request waits for the first."""
        with self._lock:
            tag = _tag(self._folders)  # before reading, so that later additions count as news
            made = self._made.get(make)
            began = self._clock()
            if made is not None and (made.tag == tag or began < self._rested):
                return made
            text = make([load(folder) for folder in self._folders])
            self._made[make] = Answer(tag=tag, body=text.encode(errors="replace"))
            if made is not None:  # the first report also loaded libraries
                ended = self._clock()
                self._rested = ended + _REST * (ended - began)
            return self._made[make]


def _page(runs: Sequence[Run]) -> str:
    from fwdrev.plots.report.page import report_page

    return report_page(runs, live=True)


def _data(runs: Sequence[Run]) -> str:
    from fwdrev.plots.report.page import report_data

    return report_data(runs)


def _tag(folders: Sequence[Path]) -> str:
    """An entity tag that changes with size or date of any file of the report."""
    facts = []
    for folder in folders:
        for name in (*_NEEDED, KEPT):
            try:
                found = (folder / name).stat()
            except OSError as error:
                if name in _NEEDED:
                    msg = f"cannot read {folder / name}: {error.strerror}; was the run moved, or removed?"
                    raise InputError(msg) from None
                continue
            facts.append((str(folder), name, found.st_size, found.st_mtime_ns))
    return f'"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'
