"""Keeps the fastest modes by measurement in the user's cache folder.

There is one small file for each function, shapes and machine, and at most a few thousand in all:

    key = choice_key(programs, x, {"chunk": None})         # of the compared programs and their point
    remembered(key, ("forward", "reverse"))                # "forward", or None
    remember(key, "forward", {"forward": 1e-6, "reverse": 2e-6})

A damaged or unwritable file costs a measurement and raises nothing; the first one causes a warning.
"""

import hashlib
import json
import platform
import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr

from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.records.whole_file import write_whole
from fwdrev.modes.core.data import Pytree
from fwdrev.results.runs.cache_folder import cache_folder

_FORMAT = 2

_MOST = 2000
"""The most files to keep: the oldest go first."""

_NUMBER = re.compile(r"(?<=[\s(])(?:[-\d][\w.+-]*|inf|nan|True|False):(\w+\[\])")
"""A number in a program, such as `2.0:f64[]`."""

_ADDRESS = re.compile(r"0x[0-9a-f]+")
"""The address of a function."""

_warned: list[Path] = []


def choice_key(programs: Sequence[ClosedJaxpr], x: Pytree, options: Mapping[str, Any]) -> str:
    """The key of the compared programs, the options, the device of the point, and the versions.

    Of constants and numbers in the programs only shapes and dtypes count, since they may be new at each call. Of the
    facts that affect times, those that can be read without delay count.
    """
    texts = [_ADDRESS.sub("0x", _NUMBER.sub(r"_:\1", str(program))) for program in programs]
    devices = next((leaf.devices() for leaf in jax.tree.leaves(x) if isinstance(leaf, jax.Array)), None)
    default = jax.config.jax_default_device or jax.devices()[0]  # type: ignore[attr-defined]  # an option that it makes
    device = min(devices or [default], key=str)
    machine = [version(name) for name in ("fwdrev", "jax", "jaxlib")]
    machine += [getattr(device, name, str(device)) for name in ("platform", "device_kind")]
    machine += [_processor(), str(len(available_cpus()))]
    facts = [texts, sorted((name, repr(value)) for name, value in options.items()), machine]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def choice_path(key: str) -> Path:
    """The file of a key; raises OSError if there is no place for it."""
    return cache_folder() / "jacobian" / f"{key}.json"


def remembered(key: str, modes: Collection[str]) -> str | None:
    """The fastest mode, if it is known and one of `modes`."""
    path = Path(f"{key}.json")
    try:
        path = choice_path(key)
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
    """Keeps the choice with the typical seconds per call behind it; replaces an older one at once."""
    path = Path(f"{key}.json")
    try:
        path = choice_path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"format": _FORMAT, "mode": mode, "seconds": dict(seconds)}))
        _evict(path.parent)
    except OSError as error:
        _warn(path, f"cannot be written ({error.strerror})")


def _evict(folder: Path) -> None:
    """Removes the oldest files if there are too many; another process may do the same at the same time."""
    files = list(folder.iterdir())
    if len(files) <= _MOST:
        return
    for _, file in sorted((file.stat().st_mtime, file) for file in files)[: len(files) - _MOST]:
        file.unlink(missing_ok=True)


def _processor() -> str:
    """The processor's model, if known, since JAX calls every processor "cpu"."""
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
