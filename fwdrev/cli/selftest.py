"""What the timing gate is worth here: `fwdrev selftest`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwdrev.api.new_names import free_file
from fwdrev.cli.common.options import (
    Arms,
    CopyPattern,
    Inputs,
    Option,
    Outputs,
    Point,
    Problem,
    SourcePath,
    Wrt,
    declared,
    option_name,
)
from fwdrev.cli.common.show import AsJson, answer, caution, interruptible, note, quoted
from fwdrev.modes.errors import InputError, NothingMeasuredError

if TYPE_CHECKING:
    from fwdrev.bench.revisions.git_worktree import Sides
    from fwdrev.cli.gate.asked import Asked
    from fwdrev.results.gate.aa_test.record import Record
    from fwdrev.results.gate.run import GateRun


_SPECIFIED = {
    "problem": Problem,
    "option": Option,
    "inputs": Inputs,
    "outputs": Outputs,
    "engines": Arms,
    "point": Point,
    "copy": CopyPattern,
    "path": SourcePath,
    "wrt": Wrt,
    "rounds": Annotated[int | None, typer.Option(help="How many fresh pairs of processes in each look.")],
    "threshold": Annotated[str | None, typer.Option(help="As for `fwdrev check`; default 5%.")],
    "seed": Annotated[int | None, typer.Option(help="The seed of the problems, the order and the delays.")],
}

_PLACES = ("copy", "path")
"""What a record does not hold: where code is found here."""


@declared(_SPECIFIED)
def selftest(
    *,
    runs: Annotated[int, typer.Option(min=0, help="How many times to compare the code with itself.")] = 10,
    delayed: Annotated[int, typer.Option(min=0, help="How many times to put in delays on purpose.")] = 5,
    out: Annotated[Path | None, typer.Option(help="A new file; default selftest-DATE-TIME.jsonl.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this file until it has so many runs.")] = None,
    given: dict[str, Any],
    as_json: AsJson = False,
) -> None:
    """Measure how often the gate is wrong on this machine.

    It compares identical code with itself, and code with delays put in on purpose.
    """
    from fwdrev.cli.gate.asked import asked
    from fwdrev.results.gate.aa_test.record import load_record
    from fwdrev.results.gate.aa_test.summary import summarised, summary_lines

    file = resume or out or free_file(Path(f"selftest-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"))
    if resume is None:
        start = asked(given, looked_up_later=False)
        places = {"copy": start.copy, "path": start.path}
    else:
        if others := (["out"] if out else []) + [name for name in given if name not in _PLACES]:
            msg = f"--resume {resume} with {option_name(others[0])}: what is measured stands in the file"
            raise InputError(f"{msg}; leave one of them out")
        start, places = None, {name: given.get(name, []) for name in _PLACES}
    with interruptible(lambda: f"go on with: fwdrev selftest --resume {quoted(file)}"):
        for line in _measured(file, start, runs, delayed, places):
            note(line)
    record = load_record(file)
    summary = summarised(record)
    answer(summary.to_json(), [*summary_lines(record, summary), "", f"record: {file}"], as_json=as_json)


def _measured(
    path: Path, start: "Asked | None", runs: int, delayed: int, places: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Progress, until the record at `path` has so many runs; `start`: what a new one measures."""
    from fwdrev.bench.machine.facts import fingerprint
    from fwdrev.bench.revisions.git_worktree import itself
    from fwdrev.results.gate.aa_test.record import create, load_record

    with itself(**places) as opened:
        sides = opened
        if start is None:
            record = load_record(path)
            if record.commit != sides.commit:
                msg = f"{path} measured the code at {record.commit[:12]}, this is {sides.commit[:12]}: check that out"
                raise InputError(msg)
        else:
            start, sides, _ = start.on(opened)  # both sides are the same: what one lacks was written wrongly
            record = create(
                path,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=fingerprint(start.spec.threads),
                spec=start.spec,
                point=start.point,
                commit=sides.commit,
                threshold=start.threshold,
            )
        caution(record.spec.threads)
        yield from record.warnings
        yield from _completed(record, sides, runs, delayed)


def _completed(record: "Record", sides: "Sides", runs: int, delayed: int) -> Iterator[str]:
    """The missing runs, those on identical code first."""
    from fwdrev.results.gate.aa_test.record import Measured, RecordedRun
    from fwdrev.results.gate.aa_test.summary import delays_for

    have = {kind: sum(bool(run.delays) is kind for run in record.runs) for kind in (False, True)}
    plan = [(index, False) for index in range(have[False], runs)]
    plan += [(index, True) for index in range(have[True], delayed)]
    told: set[str] = set()
    for done, (index, slower) in enumerate(plan, 1):
        began = perf_counter()
        delays = delays_for(record.spec, record.threshold, index) if slower else []
        run = _run(record, sides, delays, order=1 + 2 * index + slower)
        yield from (f"warning: {reason}" for reason in run.reasons if reason not in told)
        told.update(run.reasons)
        first, again = Measured.of(run.first), None if run.again is None else Measured.of(run.again)
        seconds = perf_counter() - began
        record.append(RecordedRun(delays=delays, seconds=seconds, first=first, again=again))
        what = " ".join(delays) or "identical code"
        yield f"run {done} of {len(plan)}: {what}: {run.gate.outcome}, {seconds:.0f} s"


def _run(record: "Record", sides: "Sides", delays: Sequence[str], *, order: int) -> "GateRun":
    """The gate on code against itself, with these delays in head."""
    from fwdrev.bench.records.sides import delay_of
    from fwdrev.bench.revisions.rounds import against
    from fwdrev.results.gate.run import gate_run
    from fwdrev.results.gate.verdicts.report import Outcome

    delayed = [delay_of(text) for text in delays]
    measure = partial(against, sides=sides, inputs=record.point, delays=delayed, order=order)
    run = gate_run(record.spec, measure, threshold=record.threshold)
    if run.gate.outcome is Outcome.NOTHING:
        raise NothingMeasuredError(f"nothing could be measured: {'; '.join(run.reasons)}")
    return run
