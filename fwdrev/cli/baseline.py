"""What a later run is compared with: `fwdrev baseline`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwdrev.cli.common.options import SourcePath, declared
from fwdrev.cli.common.show import AsJson, answer, caution, interruptible, loaded, note, quoted
from fwdrev.modes.errors import InputError, NothingMeasuredError

if TYPE_CHECKING:
    from fwdrev.bench.records.spec import SweepSpec
    from fwdrev.results.gate.baseline.record import Baseline, FunctionSpec


_ROUNDS = 20
"""Of functions: more than a check has, since what this leaves open stays open in every later one."""

_MEASURED = {
    "functions": Annotated[
        str | None,
        typer.Option(
            help="Measure these, MODULE:FUNCTION or FILE.py:FUNCTION, with commas between; default those of "
            "[tool.fwdrev] in pyproject.toml."
        ),
    ],
    "point": Annotated[
        str | None,
        typer.Option(metavar="MODULE:FUNCTION", help="A function that returns their input, as for `fwdrev check`."),
    ],
    "sizes": Annotated[str | None, typer.Option(help="Their sizes; default 1000.")],
    "rounds": Annotated[
        int | None, typer.Option(help="How many fresh processes for functions, at least 3; default 20.")
    ],
    "path": SourcePath,
}


@declared(_MEASURED)
def baseline(
    run: Annotated[
        Path | None, typer.Argument(metavar="[RUN]", help="The folder of a sweep; or give --functions.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; keep it with the code.")],
    given: dict[str, Any],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the results of a run or of functions for later checks.

    They go into a small file, for `fwdrev check --baseline FILE`.
    """
    from fwdrev.results.gate.baseline.build import baseline_of
    from fwdrev.results.gate.baseline.file import save_baseline

    if run is None:
        made = _of_functions(out, given, force=force)
    elif given:
        one = f"--{next(iter(given))}"
        msg = f"{run} and {one}: a baseline is of a run, or of functions that are measured now; give one of them"
        raise InputError(msg)
    else:
        made = baseline_of(loaded(run))
    save_baseline(made, out, force=force)
    _tell(made, out, run, as_json=as_json)


def _of_functions(out: Path, given: dict[str, Any], *, force: bool) -> "Baseline":
    """Measured here, beside the control. Where one fails, nothing is written."""
    from dataclasses import replace

    from fwdrev.bench.revisions.git_worktree import here
    from fwdrev.cli.gate.asked import asked
    from fwdrev.cli.gate.measured_functions import measured
    from fwdrev.results.gate.baseline.build import function_baseline, unmeasured_functions

    found = asked({{"functions": "engines", "sizes": "inputs"}.get(name, name): each for name, each in given.items()})
    if not found.functions:
        raise InputError(
            "give RUN, the folder of a sweep, or --functions MODULE:FUNCTION[,…], or list functions under "
            "[tool.fwdrev] in pyproject.toml"
        )
    _check_writable(out, force=force)
    if "rounds" not in given:
        more = max(found.spec.rounds, _ROUNDS)
        found = replace(found, spec=found.spec.model_copy(update={"rounds": more}))
    found.check_rounds()
    caution(found.spec.threads)
    with interruptible(), here() as opened:
        own = replace(opened, path=tuple(map(Path, found.path)))
        found, sides, _ = found.on(own)
        run = measured(found.spec, found.point, sides)
    if failed := unmeasured_functions(run):
        raise NothingMeasuredError(f"nothing is written, since not all could be measured: {'; '.join(failed)}")
    return function_baseline(run, _kept(found.spec, found.point, sides.path))


def _check_writable(out: Path, *, force: bool) -> None:
    """Before anything is measured, which would be lost."""
    from fwdrev.bench.records.whole_file import obstacle, taken

    if taken(out) and not force:
        raise InputError(f"{out} exists already: --force replaces it, or give another file")
    if why := obstacle(out):
        raise InputError(f"cannot write {out}: {why}; give a file in a folder that can be written")


def _kept(spec: "SweepSpec", points: str | None, path: tuple[Path, ...]) -> "FunctionSpec":
    """Enough to measure them again."""
    from fwdrev.results.gate.baseline.record import FunctionSpec

    each = (points or "").split(",") if points else []
    return FunctionSpec(
        functions=spec.engines,
        points=each[:1] if len(set(each)) == 1 else each,
        sizes=spec.inputs,
        path=[place.as_posix() for place in path],
        **{key: getattr(spec, key) for key in ("rounds", "blocks", "block_seconds", "dtype", "threads", "seed")},
    )


def _tell(made: "Baseline", out: Path, run: Path | None, *, as_json: bool) -> None:
    """What is kept, and how it is compared with."""
    from fwdrev.bench.records.parsing import names_function
    from fwdrev.results.gate.baseline.file import baseline_text
    from fwdrev.results.gate.subjects import arm_subject
    from fwdrev.results.text.quantities import bytes_text, seconds_text

    size = len(baseline_text(made))
    if (functions := made.functions) is not None:
        parts = {"functions": len(functions.functions), "sizes": len(functions.sizes), "ratios": len(made.ratios)}
    else:
        parts = {
            "cells": len({entry.cell for entry in made.arms}),
            "arms": len({entry.arm for entry in made.arms}),
            "ratios": len(made.ratios),
            "crossovers": len(made.crossovers),
        }
    kept = ", ".join(f"{number} {name if number != 1 else name.removesuffix('s')}" for name, number in parts.items())
    lines = [f"baseline: {out} ({size / 1e3:.1f} kB): {kept}"]
    for entry in [entry for entry in made.arms if names_function(entry.arm)]:
        took = "" if entry.seconds is None else seconds_text(entry.seconds)
        memory = "" if entry.memory is None else f", {bytes_text(entry.memory)} of memory"
        lines.append(f"{arm_subject(entry.arm, entry.n, entry.m)}: {took}{memory}")
    lines.append(f"compare:  fwdrev check --baseline {quoted(out)}")
    answer({"baseline": str(out), "bytes": size, **parts}, lines, as_json=as_json)
    if not made.ratios and run is not None:
        note(f"warning: {run} has no ratio of two arms in three rounds: only counts can be compared")
