"""Whether rounds, or runs, belong together: of the same machine, with the same versions and settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fwdrev.modes.errors import InputError
from fwdrev.results.calibration import deciding
from fwdrev.results.run import Run

__all__ = ["check_one_machine", "check_same", "differences"]


def check_same(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Whether it can be gone on with here; raise InputError for the first difference between two fingerprints."""
    for key, before, here in differences(then, now):
        msg = (
            f"{folder} was measured with {key} {before}, here it is {here}: rounds of different "
            "machines or versions cannot be mixed; start a new run"
        )
        raise InputError(msg)


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """What two fingerprints do not have in common, by name: the fact, what it was, what it is."""
    before, here = _flat(then), _flat(json.loads(json.dumps(now)))
    for key in sorted(here.keys() | before.keys()):
        if here.get(key) != before.get(key):
            yield key, before.get(key), here.get(key)


def check_one_machine(runs: Sequence[Run]) -> None:
    """Raise InputError for the first run whose times cannot be compared with those of the first one's machine."""
    for run in runs[1:]:
        first, here = deciding(runs[0].machine), deciding(run.machine)
        for key, value in here.items():
            if value != first[key]:
                msg = (
                    f"{run.folder} was measured with {key} {value}, {runs[0].folder} with {first[key]}: runs of "
                    "different machines or versions cannot be scored together; give those of one"
                )
                raise InputError(msg)


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and settings beside the other facts."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat
