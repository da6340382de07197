"""Progress of a sweep on standard error: a bar with the time left on a terminal, a line per round elsewhere."""

import os
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress

from pyperf import perf_counter
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from fwdrev.bench.records.observation import PREPARING, WEIGHING, Observation
from fwdrev.bench.records.parsing import duration

Left = Callable[[], float | None]

_PASSES = {PREPARING: "compiling and checking", WEIGHING: "measuring memory"}

_PLAIN_TERMINALS = {"", "dumb", "unknown"}
"""Values of TERM for terminals that cannot move the cursor back."""

_NARROWEST = 40
"""The fewest columns for a bar on one line; in fewer, each update would leave lines behind."""


def watched(observations: Iterable[Observation], left: Left) -> Generator[Observation, None, None]:
    """Passes observations on and shows progress; `left`: the expected seconds to the end."""
    console = Console(stderr=True)
    return _bars(observations, left, console) if can_redraw(console) else _lines(observations, left)


def can_redraw(console: Console) -> bool:
    """Whether to draw a bar: not into a file, which rich takes for a terminal if FORCE_COLOR is set, nor in CI logs."""
    return (
        console.file.isatty()
        and console.is_interactive
        and os.environ.get("TERM", "") not in _PLAIN_TERMINALS
        and not os.environ.get("CI")
        and console.width >= _NARROWEST
    )


def _bars(observations: Iterable[Observation], left: Left, console: Console) -> Generator[Observation, None, None]:
    """A bar over time, not over cells, whose times differ by a factor of a thousand."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    start = perf_counter()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("starting", total=None, left="")
        for observation in observations:
            seconds, passed = left(), perf_counter() - start
            progress.update(
                task,
                description=_what(observation),
                completed=passed,
                total=None if seconds is None else passed + seconds,
                left=_left(seconds),
            )
            yield observation


def _lines(observations: Iterable[Observation], left: Left) -> Generator[Observation, None, None]:
    at: dict[str | None, int] = {}
    for observation in observations:
        if at.get(observation.machine) != observation.round:
            at[observation.machine] = observation.round
            with suppress(OSError):  # standard error is closed: no reason to stop measuring
                print(f"{_what(observation)}{_left(left(), ', ')}", file=sys.stderr, flush=True)  # noqa: T201
        yield observation


def _what(observation: Observation) -> str:
    what = _PASSES.get(observation.round, f"round {observation.round + 1}")
    return what if observation.machine is None else f"{observation.machine}: {what}"


def _left(seconds: float | None, before: str = "") -> str:
    return "" if seconds is None else f"{before}about {duration(seconds)} left"
