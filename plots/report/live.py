"""The report of runs that are still being measured: made on request, once for each change.

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
"""Of a run: with what it was planned by, if that was kept, all that a report is made from."""

_REST = 9
"""For each second that a report took to make, so many without another: the sweep has the machine nine tenths of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a browser gets, and the tag by which it can ask whether there is something new."""

    tag: str
    body: bytes


class LiveReport:
    """The report of runs as they are now, made on request."""

    def __init__(self, folders: Sequence[Path], clock: Callable[[], float] = time.monotonic) -> None:
        """Of these folders; while a report is young for what it took to make, by `clock`, it is not made anew."""
        self._folders = tuple(folders)
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[Callable[..., str], Answer] = {}
        self._rested = 0.0

    def page(self) -> Answer:
        """The page, which then asks for the data itself; raises InputError when a run is gone."""
        return self._answer(_page)

    def data(self) -> Answer:
        """What the page shows; raises InputError when a run is gone."""
        return self._answer(_data)

    def _answer(self, make: Callable[[Sequence[Run]], str]) -> Answer:
        """A second request waits for the one that is being made."""
        with self._lock:
            tag = _tag(self._folders)  # before reading: what is appended meanwhile is new to the next who asks
            made = self._made.get(make)
            began = self._clock()
            if made is not None and (made.tag == tag or began < self._rested):
                return made
            text = make([load(folder) for folder in self._folders])
            self._made[make] = Answer(tag=tag, body=text.encode(errors="replace"))
            if made is not None:  # the first one also loaded libraries
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
    """An entity tag that changes with size or date of any file that a report is made from."""
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
