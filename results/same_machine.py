"""Whether a run can be gone on with here: on the same machine, with the same versions and settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fwdrev.modes.errors import InputError

__all__ = ["check_same"]


def check_same(folder: Path, then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError for the first difference between two fingerprints."""
    before, here = _flat(then), _flat(json.loads(json.dumps(now)))
    for key in sorted(here.keys() | before.keys()):
        if here.get(key) != before.get(key):
            msg = (
                f"{folder} was measured with {key} {before.get(key)}, here it is {here.get(key)}: rounds of different "
                "machines or versions cannot be mixed; start a new run"
            )
            raise InputError(msg)


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and settings beside the other facts."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat
