"""Modes that were measured to be the fastest, kept in the user's cache folder.

There is one small file for each function, shapes and machine:

    key = choice_key(closed, {"argnums": 0})               # of a traced function
    remembered(key, ("forward", "reverse"))                # "forward", or None
    remember(key, "forward", {"forward": 1e-6, "reverse": 2e-6})

A file that is damaged or cannot be written costs a measurement, not an error; the first one is told in a warning.
"""

import hashlib
import json
import os
import platform
import re
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import jax
import platformdirs
from jax.extend.core import ClosedJaxpr

from fwdrev.bench.environment import available_cpus

__all__ = ["choice_key", "choice_path", "remember", "remembered"]

_FORMAT = 1

_warned: list[Path] = []


def choice_key(closed: ClosedJaxpr, options: Mapping[str, Any]) -> str:
    """Of a traced function (constants by their shapes), how its Jacobian is asked for, and the machine."""
    facts = [str(closed), sorted((name, repr(value)) for name, value in options.items()), _machine()]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def choice_path(key: str) -> Path:
    """The file of a key."""
    return Path(platformdirs.user_cache_dir("fwdrev", appauthor=False)) / "jacobian" / f"{key}.json"


def remembered(key: str, modes: Collection[str]) -> str | None:
    """The mode that was the fastest, if that is known and one of `modes`."""
    path = choice_path(key)
    try:
        stored = json.loads(path.read_bytes())
        if stored["format"] == _FORMAT and stored["mode"] in modes:
            return str(stored["mode"])
        _warn(path, "holds no choice of this version")
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(path, f"cannot be read ({error.strerror})")
    except (ValueError, TypeError, KeyError, RecursionError):
        _warn(path, "is damaged")
    return None


def remember(key: str, mode: str, seconds: Mapping[str, float]) -> None:
    """Keep the choice, and the typical seconds of a call that it was made from; replaces what was there at once."""
    path = choice_path(key)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps({"format": _FORMAT, "mode": mode, "seconds": dict(seconds)}), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        _warn(path, f"cannot be written ({error.strerror})")


def _machine() -> list[str]:
    """What times depend on, as far as it can be asked without delay."""
    device = jax.devices()[0]
    return [jax.__version__, device.platform, device.device_kind, _processor(), str(len(available_cpus()))]


def _processor() -> str:
    """Its model, where the system tells: all processors are of the kind "cpu" to JAX."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _warn(path: Path, what: str) -> None:
    if not _warned:
        _warned.append(path)
        advice = "the mode of a Jacobian is measured instead of remembered; set XDG_CACHE_HOME to a folder that works"
        warnings.warn(f"{path} {what}: {advice}", stacklevel=2)
