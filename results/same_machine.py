"""Whether a run was measured where another one was: on the same machine, with the same versions and settings."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fwdrev.modes.errors import InputError

__all__ = ["check_same", "differences"]


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


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and settings beside the other facts."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat
