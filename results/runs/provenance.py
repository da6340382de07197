"""Whether rounds, or runs, belong together: of the same machine, with the same versions and settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fwdrev.bench.records.machine import differences
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError
from fwdrev.results.runs.run import Run


def check_same(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError for the first difference between two fingerprints: then the run cannot continue here."""
    for key, before, here in differences(then, now):
        one_sided = None in (before, here)
        found = f"{key if one_sided else 'it'} is {'missing' if here is None else here}"
        change = f"{'set' if here is None else 'unset'} {key}, or " if one_sided and key.isupper() else ""
        raise InputError(
            f"{folder} was measured {_with(key, before)}, here {found}: rounds of different machines, versions or "
            f"settings cannot be mixed; {change}start a new run"
        )


def check_one_machine(runs: Sequence[Run]) -> None:
    """Raise InputError for the first run whose times cannot be compared with those of the first one's machine."""
    for run in runs[1:]:
        for key, one, other in differences(deciding(runs[0].machine), deciding(run.machine)):
            first = f"with {one}" if one is not None and other is not None else _with(key, one)
            raise InputError(
                f"{run.folder} was measured {_with(key, other)}, {runs[0].folder} {first}: runs of different machines, "
                "versions or settings cannot be scored together; give those of one"
            )


def _with(key: str, value: Json) -> str:
    return f"without {key}" if value is None else f"with {key} {value}"


_DECIDES = ("cpu_model_name", "blas", "settings", "threads", "device")
"""The facts of a fingerprint that prices depend on, with the versions of the libraries that compute."""

_LIBRARIES = ("fwdrev", "numpy", "jax", "jaxlib")


def deciding(machine: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a fingerprint that decides how long an operation takes: runs that agree in it are of one machine."""
    versions = machine.get("versions", {})
    return {key: machine.get(key) for key in _DECIDES} | {name: versions.get(name) for name in _LIBRARIES}
