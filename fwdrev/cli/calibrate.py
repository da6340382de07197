"""Calibrating this machine: `fwdrev calibrate`."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwdrev.cli.common.show import AsJson, answer, caution, each_run, loaded, note
from fwdrev.modes.errors import InputError
from fwdrev.results.display import aligned

if TYPE_CHECKING:
    from fwdrev.results.runs.run import Run


_TABLE_SECONDS = 8.0
"""For some three thousand operations: each is measured to a few per cent, and eight of them make a prediction."""


def calibrate(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Fit to these runs of this machine instead.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Measure what operations cost on this machine.

    Takes under a minute. Afterwards costs can be predicted, and bracketed plans by seconds.
    """
    from fwdrev.api.calibrate import calibration_runs
    from fwdrev.bench.machine.facts import fingerprint
    from fwdrev.bench.timing.primitives import measure_tables
    from fwdrev.modes.bracketing.machine_prices import Seconds, Table
    from fwdrev.results.costs.calibration import Calibration, calibration_place, save_calibration
    from fwdrev.results.costs.fit import fit_rates

    machine = fingerprint(threads=1)
    path = calibration_place(machine)
    given = [_of_this_machine(loaded(folder), machine) for folder in each_run(runs or ())]
    caution(threads=1)
    note("calibrating: leave the machine alone meanwhile")
    tables = Seconds({kind: Table(values) for kind, values in measure_tables(_TABLE_SECONDS).items()}, {})
    with tempfile.TemporaryDirectory() as folder:
        fit = fit_rates(given or calibration_runs(Path(folder), machine), tables)
    found = Calibration(
        seconds=fit.seconds, error=fit.error, created=datetime.now(UTC).isoformat(timespec="seconds"), machine=machine
    )
    save_calibration(found, path)
    lines = aligned((name, f"typical error {error:.0%}") for name, error in found.error.items())
    data = {"calibration": str(path), "error": dict(found.error), "rates": found.seconds.to_json()["rates"]}
    answer(data, [*lines, f"calibrated: {path}"], as_json=as_json)


def _of_this_machine(run: "Run", machine: dict[str, Any]) -> "Run":
    from fwdrev.results.costs.calibration import calibration_path

    if calibration_path(run.machine) != calibration_path(machine):
        raise InputError(f"{run.folder} was measured on another machine or with other versions: give runs of this one")
    return run
