"""Files of TOML that a person writes: read whole, and their faults explained in one line."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fwdrev.bench.records.given_file import content
from fwdrev.modes.errors import InputError, shown, unknown

__all__ = ["explained", "toml_of"]

_LARGEST = 2**20
"""Bytes of a file of TOML."""


def toml_of(path: Path, *, name: str, advice: str) -> dict[str, Any]:
    """What the file holds; raises InputError that calls it `name`, with `advice` where it cannot be read."""
    try:
        return tomllib.loads(content(path, _LARGEST).decode("utf-8"))
    except OSError as error:
        msg = f"{name}: {error.strerror}; {advice}"
        raise InputError(msg) from None
    except (ValueError, RecursionError) as error:  # of TOML, of its encoding, of numbers and depths beyond measure
        msg = f"{name} is not TOML: {str(error).splitlines()[0]}"
        raise InputError(msg) from None


def explained(errors: ValidationError, *, kind: str, known: Iterable[str], named: bool = False) -> str:
    """The first of them: what was given, what is allowed, in one line; `kind` and `known`: of the keys there may be.

    `named`: with the key also where the error is one of ours, which says what was given.
    """
    error: Any = errors.errors()[0]
    field = ".".join(str(part) for part in error["loc"][:2])
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return f"{field}: {cause}" if named and field else str(cause)
    if error["type"] == "extra_forbidden":
        return str(unknown(kind, field, known))
    return f"{field} = {shown(error['input'])}: {error['msg'][0].lower()}{error['msg'][1:]}"
