"""Measuring: `fwdrev sweep`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwdrev.cli.common.options import Engines, Option, Problem, Wrt, declared, option_name
from fwdrev.cli.common.show import AsJson, answer, interruptible, loaded, note, quoted
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, NothingMeasuredError

if TYPE_CHECKING:
    from fwdrev.api.sweep import Report
    from fwdrev.results.runs.run import Run
    from fwdrev.results.stats.crossover import Crossover


_SPECIFIED = {
    "problem": Problem,
    "option": Option,
    "inputs": Annotated[
        str | None,
        typer.Option(
            help="Sizes n: 4:4096:*4, 10:50:+10 or 4,16,100. Of x; for driven of θ, unless --wrt x. With --wrt theta a "
            "Jacobian has a column for each parameter, however many that makes."
        ),
    ],
    "outputs": Annotated[str | None, typer.Option(help="Sizes m, written in the same ways.")],
    "engines": Engines,
    "wrt": Wrt,
    "rounds": Annotated[
        int | None, typer.Option(help="How many fresh processes measure the whole plane, one after the other.")
    ],
    "blocks": Annotated[int | None, typer.Option(help="How many blocks of each engine to time in a cell and round.")],
    "block_seconds": Annotated[float | None, typer.Option(help="The length of a block in seconds.")],
    "dtype": Annotated[str | None, typer.Option(help="float64 or float32.")],
    "threads": Annotated[int | None, typer.Option(help="The threads of BLAS and XLA; default 1.")],
    "device": Annotated[str | None, typer.Option(help="The device of the JAX engines: cpu or gpu.")],
    "transfers": Annotated[
        bool | None,
        typer.Option("--transfers", help="With --device gpu: count copying x and θ to it, and the Jacobian back."),
    ],
    "seed": Annotated[int | None, typer.Option(help="The seed of the problems and of the order.")],
    "precision": Annotated[
        str | None, typer.Option(help="Refine the plane until each crossover is known this well, e.g. 5%.")
    ],
    "budget": Annotated[str | None, typer.Option(help="The longest time to refine, e.g. 120s; default 10min.")],
    "timeout": Annotated[str | None, typer.Option(help="The longest time for one cell, e.g. 60s; default 300s.")],
    "memory_limit": Annotated[str | None, typer.Option(help="The address space of a worker, e.g. 4GB.")],
    "protocol": Annotated[
        str | None, typer.Option(help="paired: engines side by side; or pyperf: one after the other by pyperf.")
    ],
    "prices": Annotated[
        str | None,
        typer.Option(help="What bracketed engines plan by: operations, or seconds (default once calibrated)."),
    ],
}
"""The fields of a specification."""


@declared(_SPECIFIED)
def sweep(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Measure a small plane in less than a minute.")] = False,
    spec: Annotated[Path | None, typer.Option(help="A TOML file with any of the options below.")] = None,
    given: dict[str, Any],
    rigorous: Annotated[bool, typer.Option("--rigorous", help="Use twice as many rounds.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Use half as many rounds.")] = False,
    out: Annotated[Path | None, typer.Option(help="A new folder; default runs/DATE-TIME-PROBLEM.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run; --rounds may add more.")] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Measure on each machine of a Dask cluster: the address of its scheduler, local:N, or a TOML file.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the plane: every engine in every cell, round by round.

    All engines of a cell are timed side by side in one process, and each round is a fresh process.
    """
    from fwdrev.api.sweep import MAY_CHANGE, kept, measure, new_run, old_run
    from fwdrev.bench.records.parsing import names

    if "engines" in given:
        given["engines"] = names(given["engines"])
    effort = _effort(rigorous=rigorous, fast=fast)
    if resume is not None:
        others = {"quick": quick, "spec": spec, "out": out, "rigorous": rigorous, "fast": fast}
        refused = [key for key, value in others.items() if value] + [key for key in given if key not in MAY_CHANGE]
        if refused:
            msg = f"{option_name(refused[0])} cannot be given with --resume, which goes on with what {resume} was made"
            raise InputError(f"{msg} for: allowed are {', '.join(map(option_name, MAY_CHANGE))}")
    if cluster is not None:
        _over(cluster, given | effort, quick=quick, spec=spec, out=out, resume=resume, as_json=as_json)
        return
    if resume is None:
        folder, opened = new_run(given | effort, quick=quick, spec=spec, out=out, told=note)
    else:
        folder, opened = resume, old_run(resume, given)
    with interruptible(lambda: kept(folder), also_stopped=True):
        report = measure(folder, opened, note)
    _show([(folder, report)], as_json=as_json)


def _over(cluster: str, given: dict[str, Any], *, as_json: bool, **others: Any) -> None:  # noqa: ANN401 - as above
    """A sweep over the machines of a cluster."""
    from fwdrev.api.cluster_sweep import cluster_run
    from fwdrev.api.sweep import kept

    begun: list[Path] = []
    with interruptible(lambda: kept(begun[0], cluster) if begun else "nothing was measured", also_stopped=True):
        reports = cluster_run(cluster, given, **others, told=note, begun=begun.append)
    _show(reports, as_json=as_json, cluster=True)


def _effort(*, rigorous: bool, fast: bool) -> dict[str, str]:
    if rigorous and fast:
        raise InputError("--rigorous and --fast: give one of them")
    return {"effort": "rigorous"} if rigorous else {"effort": "fast"} if fast else {}


def _show(reports: "Sequence[tuple[Path, Report]]", *, as_json: bool, cluster: bool = False) -> None:
    """What to know after a sweep: what failed, where things cross, why it ended, what to do next.

    `cluster`: these are the runs of its types of machine.
    """
    from fwdrev.results.runs.cells import engines_measured

    runs = [(loaded(folder), report) for folder, report in reports]
    found = [_crossovers(run) for run, _ in runs]
    told = list(zip(runs, found, strict=True))
    lines = [line for (run, report), each in told for line in _lines(run, report, each, cluster=cluster)]
    measured = [quoted(run.folder) for run, _ in runs if engines_measured(run)]
    lines += [f"figures:  fwdrev plot {' '.join(measured)}"] if measured else []
    data = [_data(run, report, each) for (run, report), each in told]
    answer({"runs": data} if cluster else data[0], lines, as_json=as_json)
    if not measured:
        raise NothingMeasuredError(
            f"{reports[0][0]}: no engine could be measured in any cell; fwdrev engines lists those that can be used "
            "here"
        )


def _crossovers(run: "Run") -> "list[Crossover]":
    from fwdrev.results.runs.cells import engines_measured, log_ratios
    from fwdrev.results.runs.engine_pairs import default_pairs
    from fwdrev.results.stats.crossover import crossover

    return [crossover(log_ratios(run, pair)) for pair in default_pairs(engines_measured(run))]


def _lines(run: "Run", report: "Report", found: "Sequence[Crossover]", *, cluster: bool) -> list[str]:
    from fwdrev.results.runs.cells import engines_measured
    from fwdrev.results.runs.machines import machines_of
    from fwdrev.results.text.summary import crossover_lines, failure_lines, machine_lines

    on = ", ".join(machines_of(run))
    lines = [f"{run.folder.name}, on {on}:" if on else run.folder.name, ""] if cluster else []
    lines += failure_lines(run)
    for each in found:
        lines += [*crossover_lines(each), ""]
    lines += [*machine_lines(run), f"ended:    {report.outcome}", f"rounds:   {_time(report)}"]
    return lines + ([f"measured: {run.folder}"] if engines_measured(run) else [])


def _data(run: "Run", report: "Report", found: "Sequence[Crossover]") -> dict[str, Json]:
    from fwdrev.results.runs.cells import failures
    from fwdrev.results.runs.machines import machines_json

    return {
        "run": str(run.folder),
        **machines_json(run),
        "outcome": report.outcome,
        "measuring_seconds": report.measuring,
        "timed_seconds": report.timed,
        "crossovers": [each.to_json() for each in found],
        "failures": failures(run).to_dict(orient="records"),
    }


def _time(report: "Report") -> str:
    from fwdrev.bench.records.parsing import duration

    if not report.measuring:
        return "there was nothing left to measure"
    return f"{duration(report.measuring)}, {report.timed / report.measuring:.0%} of it inside timed blocks"
