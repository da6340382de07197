"""What the timing gate is worth here: `fwdrev selftest`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from fwdrev.api.new_names import free_file
from fwdrev.bench.records.parsing import problem_options
from fwdrev.cli.common.exit_codes import EXIT_INTERRUPTED
from fwdrev.cli.common.options import Arms, CopyPattern, Inputs, Option, Outputs, Point, Problem, SourcePath, Wrt
from fwdrev.cli.common.show import AsJson, answer, caution, note, quoted
from fwdrev.modes.errors import InputError

__all__ = ["selftest"]


def selftest(
    *,
    runs: Annotated[int, typer.Option(min=0, help="Runs of the gate on code against itself.")] = 10,
    delayed: Annotated[int, typer.Option(min=0, help="Runs with delays put in on purpose.")] = 5,
    out: Annotated[Path | None, typer.Option(help="A new file; default selftest-DATE-TIME.jsonl.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this file until it has so many runs.")] = None,
    problem: Problem = None,
    option: Option = None,
    inputs: Inputs = None,
    outputs: Outputs = None,
    engines: Arms = None,
    point: Point = None,
    copy: CopyPattern = None,
    path: SourcePath = None,
    wrt: Wrt = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh pairs of processes in each look.")] = None,
    threshold: Annotated[str | None, typer.Option(help="As for `fwdrev check`; default 5%.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the problems, of the order and of the delays.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the gate is wrong about identical code here, and what slow-downs it finds."""
    from fwdrev.cli.gate.asked import asked
    from fwdrev.results.gate.aa_test.summary import summarised, summary_lines

    given: dict[str, Any] = {
        "problem": problem,
        "options": problem_options(option) if option else None,
        "inputs": inputs,
        "outputs": outputs,
        "wrt": wrt,
        "rounds": rounds,
        "seed": seed,
    }
    given = {key: value for key, value in given.items() if value is not None}
    others = {"out": out, "engines": engines, "point": point, "threshold": threshold, **given}
    if resume is not None and any(value is not None for value in others.values()):
        name = next(name for name, value in others.items() if value is not None)
        msg = f"--resume {resume} with --{name}: what is measured stands in the file; leave one of them out"
        raise InputError(msg)
    file = resume or out or free_file(Path(f"selftest-{datetime.now(UTC):%Y%m%d-%H%M%S}.jsonl"))
    places: dict[str, Sequence[str]] = {"copy": copy or [], "path": path or []}
    start = None
    if resume is None:
        start = asked(
            given, engines=engines, point=point, threshold=threshold, copy=copy, path=path, looked_up_later=False
        )
        places = {"copy": start.copy, "path": start.path}
    try:
        for line in _measured(file, start, runs, delayed, places):
            note(line)
    except KeyboardInterrupt:
        note(f"interrupted; go on with: fwdrev selftest --resume {quoted(file)}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    from fwdrev.results.gate.aa_test.record import load_record

    record = load_record(file)
    summary = summarised(record)
    answer(summary.to_json(), [*summary_lines(record, summary), "", f"record: {file}"], as_json=as_json)


def _measured(
    path: Path,
    start: Any,  # noqa: ANN401 - an Asked, whose module is imported late
    runs: int,
    delayed: int,
    places: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Progress, until the record at `path` has so many runs; `start`: what a new one measures."""
    from fwdrev.bench.machine.facts import fingerprint
    from fwdrev.bench.revisions.function_files import in_modules
    from fwdrev.bench.revisions.git_worktree import itself
    from fwdrev.bench.revisions.lookup import looked_up
    from fwdrev.results.gate.aa_test.record import create, load_record

    with itself(**places) as opened:
        sides = opened
        if start is None:
            record = load_record(path)
            if record.commit != sides.commit:
                msg = f"{path} measured the code at {record.commit[:12]}, this is {sides.commit[:12]}: check that out"
                raise InputError(msg)
        else:
            spec, point, sides = in_modules(start.spec, start.point, sides)
            found = looked_up(spec, sides, inputs=point)  # both sides are the same: what one lacks was written wrongly
            spec = found.sized(spec, asked=start.sized)
            record = create(
                path,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=fingerprint(spec.threads),
                spec=spec,
                point=point,
                commit=sides.commit,
                threshold=start.threshold,
            )
        caution(record.spec.threads)
        yield from record.warnings
        yield from _completed(record, sides, runs, delayed)


def _completed(record: Any, sides: Any, runs: int, delayed: int) -> Iterator[str]:  # noqa: ANN401 - a Record and Sides, whose modules are imported late
    """Whatever is missing; runs on identical code first."""
    from fwdrev.bench.records.sides import delay_of
    from fwdrev.bench.revisions.rounds import against
    from fwdrev.modes.errors import NothingMeasuredError
    from fwdrev.results.gate.aa_test.record import Measured, RecordedRun
    from fwdrev.results.gate.aa_test.summary import delays_for
    from fwdrev.results.gate.run import gate_run
    from fwdrev.results.gate.verdicts.report import Outcome

    have = {kind: sum(bool(run.delays) is kind for run in record.runs) for kind in (False, True)}
    plan = [(index, False) for index in range(have[False], runs)]
    plan += [(index, True) for index in range(have[True], delayed)]
    told: set[str] = set()
    for done, (index, slower) in enumerate(plan):
        began = perf_counter()
        delays = delays_for(record.spec, record.threshold, index) if slower else []
        measure = partial(
            against,
            sides=sides,
            inputs=record.point,
            delays=[delay_of(text) for text in delays],
            order=1 + 2 * index + slower,
        )
        run = gate_run(record.spec, measure, threshold=record.threshold)
        if run.gate.outcome is Outcome.NOTHING:
            raise NothingMeasuredError(f"nothing could be measured: {'; '.join(run.reasons)}")
        yield from (f"warning: {reason}" for reason in run.reasons if reason not in told)
        told.update(run.reasons)
        record.append(
            RecordedRun(
                delays=delays,
                seconds=perf_counter() - began,
                first=Measured.of(run.first),
                again=None if run.again is None else Measured.of(run.again),
            )
        )
        what = " ".join(delays) or "identical code"
        yield f"run {done + 1} of {len(plan)}: {what}: {run.gate.outcome}, {perf_counter() - began:.0f} s"
