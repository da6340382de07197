"""Whether this machine can measure: `fwdrev doctor`."""

from typing import Annotated

import typer

from fwdrev.cli.common.show import AsJson, answer, note
from fwdrev.modes.errors import InputError

_SHORTEST, _LONGEST = 1, 600
"""Seconds: four processes have to start, and longer would be no better."""


def doctor(
    *,
    seconds: Annotated[float, typer.Option(help="How long to measure the noise, from 1 to 600.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Say whether this machine is fit to measure, and what to do."""
    if not _SHORTEST <= seconds <= _LONGEST:  # nor is "not a number"
        raise InputError(f"seconds = {seconds:g}: give a number from {_SHORTEST} to {_LONGEST}")

    from fwdrev.bench.machine.facts import machine
    from fwdrev.bench.timing.noise import noise_rounds
    from fwdrev.results.doctor import diagnose, diagnosis_lines

    facts = machine()
    note(f"measuring the noise for {seconds:g} s: leave the machine alone meanwhile")
    found = diagnose(facts, noise_rounds(seconds))
    answer(found.to_json(), diagnosis_lines(found), as_json=as_json)
