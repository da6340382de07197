"""Progress of a sweep on standard error: a bar with the time left on a terminal, a line per round elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import suppress

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fwdrev.bench.cell import PREPARING, Observation
from fwdrev.bench.spec import SweepSpec

__all__ = ["watched"]


def watched(observations: Iterator[Observation], spec: SweepSpec) -> Iterator[Observation]:
    """The same observations, while progress is shown."""
    console = Console(stderr=True)
    return _bars(observations, spec, console) if console.is_terminal else _lines(observations, spec)


def _bars(observations: Iterator[Observation], spec: SweepSpec, console: Console) -> Iterator[Observation]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cells, left:"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        cells = len(spec.cells)
        preparing = progress.add_task("compiling and checking", total=cells)
        measuring = progress.add_task("measuring", total=cells * spec.rounds, start=False)
        for observation in observations:
            if observation.round == PREPARING:
                progress.advance(preparing)
            else:
                progress.start_task(measuring)
                progress.update(measuring, description=f"round {observation.round + 1} of {spec.rounds}", advance=1)
            yield observation


def _lines(observations: Iterator[Observation], spec: SweepSpec) -> Iterator[Observation]:
    at = None
    for observation in observations:
        if observation.round != at:
            at = observation.round
            what = "compiling and checking" if at == PREPARING else f"round {at + 1} of {spec.rounds}"
            with suppress(OSError):  # nobody reads it any more: no reason to stop measuring
                print(f"{what}: {len(spec.cells)} cells", file=sys.stderr, flush=True)  # noqa: T201
        yield observation
