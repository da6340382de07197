"""What rules of thumb cost over all measured problems: `fwdrev rules`."""

from pathlib import Path
from typing import Annotated

import typer

from fwdrev.cli.common.show import AsJson, answer, each_run, loaded


def rules(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="The folders of sweeps on one machine.")],
    pair: Annotated[
        str | None, typer.Option(help="A forward and a reverse engine; default all pairs of one library.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Score rules of thumb over all the problems you measured.

    Beside them stand our counts and our cost model; the best simple rule is printed as Python.
    """
    from fwdrev.bench.records.parsing import engine_pair
    from fwdrev.results.rules.scoreboard import pairs_of, scoreboard
    from fwdrev.results.rules.scoreboard_text import scoreboard_lines

    found = [loaded(run) for run in each_run(runs)]
    measured = [name for run in found for name in run.spec.engines]
    pairs = pairs_of(found) if pair is None else [engine_pair(pair, measured)]
    boards = [scoreboard(found, each) for each in pairs]
    answer({"pairs": [board.to_json() for board in boards]}, scoreboard_lines(boards), as_json=as_json)
