"""Facts about this machine: the fingerprint that a run stores, and facts about how well it measures.

`results.doctor` judges the latter.
"""

import json
import math
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyperf

from fwdrev.bench.machine.cgroup import cpu_quota, text_of
from fwdrev.bench.machine.environment import worker_settings
from fwdrev.bench.machine.processors import usable_cpus
from fwdrev.bench.processes.process import ask
from fwdrev.bench.records.machine import (
    OVERRIDDEN,
    Blas,
    Frequency,
    Machine,
    PyperfSays,
    Timer,
    Xla,
    settings,
    total_bytes,
)

_PACKAGES = ("fwdrev", "numpy", "jax", "jaxlib", "scipy", "pyperf")

_FROM_PYPERF = ("cpu_model_name", "cpu_config", "platform", "python_version", "python_implementation", "aslr", "timer")
"""The metadata of pyperf that describe the machine, without host names and paths."""

_SYS = Path("/sys/devices/system/cpu")
"""Linux's folder about processors; a virtual machine has little in it."""

_READINGS = 100_000
"""The number of clock readings, which take some milliseconds."""

_XLA_SECONDS, _PYPERF_SECONDS = 60.0, 15.0
"""The seconds that JAX may take to start, and pyperf to look around."""

_XLA = """
import json, jax
found = [f"{d.platform} ({d.device_kind})" if d.device_kind != d.platform else d.platform for d in jax.devices()]
print(json.dumps({"version": jax.__version__, "devices": found}))
"""

_BLAS_SETTINGS = ("OPENBLAS_", "MKL_", "BLIS_", "NPY_DISABLE_CPU", "NPY_ENABLE_CPU")
"""Prefixes of settings that choose how a BLAS or NumPy computes."""


def fingerprint(threads: int, device: str = "cpu") -> dict[str, Any]:
    """Processor, system, versions, the BLAS in use, threads, processors and JAX's device; plain data."""
    collected = pyperf.Run([1.0], metadata={"name": "probe"}).get_metadata()
    facts: dict[str, Any] = {key: str(collected[key]) for key in _FROM_PYPERF if key in collected}
    facts.setdefault("cpu_model_name", platform.processor() or platform.machine() or "unknown processor")
    facts["cpus"] = usable_cpus()
    facts["memory_bytes"] = total_bytes()
    if (quota := cpu_quota()) is not None and quota < facts["cpus"]:
        facts["cpu_quota"] = quota
    facts["threads"] = threads
    facts["device"] = device
    library = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    facts["blas"] = f"{library.get('name', 'unknown')} {library.get('version', '')}".strip()
    facts["settings"] = settings(os.environ)
    facts["versions"] = {name: _version(name) for name in _PACKAGES}
    return facts


def machine() -> Machine:
    """Collects all facts; takes about a second, most of it for starting JAX."""
    load: float | None = None
    with suppress(OSError, AttributeError):  # unknown, or not on this system
        load = os.getloadavg()[0]  # first, since the rest adds load
    facts = fingerprint(threads=1)
    return Machine(
        processor=str(facts["cpu_model_name"]),
        cores=os.cpu_count() or 1,
        available=usable_cpus(),
        load=load,
        frequency=frequency(),
        timer=timer(),
        blas=blas(str(facts["blas"]), os.environ),
        xla=_xla(),
        pyperf=_pyperf(),
        quota=cpu_quota(),
        settings={name: value for name, value in facts["settings"].items() if not name.startswith(_BLAS_SETTINGS)},
        overridden={name: os.environ[name] for name in OVERRIDDEN if os.environ.get(name)},
    )


def frequency(folder: Path = _SYS) -> Frequency:
    """Reads governors and turbo; Intel's driver has its own switch for turbo."""
    governors = {text_of(path).strip() for path in folder.glob("cpu*/cpufreq/scaling_governor")} - {""}
    no_turbo = text_of(folder / "intel_pstate" / "no_turbo").strip()
    boost = text_of(folder / "cpufreq" / "boost").strip()
    turbo = no_turbo == "0" if no_turbo else boost == "1" if boost else None
    return Frequency(governors=tuple(sorted(governors)), turbo=turbo)


def timer() -> Timer:
    """The facts of Python's best clock, which every measurement uses."""
    readings = [perf_counter() for _ in range(_READINGS)]
    steps = (later - earlier for earlier, later in pairwise(readings) if later > earlier)
    return Timer(resolution=min(steps, default=math.inf), cost=(readings[-1] - readings[0]) / (_READINGS - 1))


def blas(name: str, environment: Mapping[str, str]) -> Blas:
    """Reads the BLAS; numbers of threads are left out, since workers set them."""
    chosen = {
        key: value
        for key, value in sorted(environment.items())
        if key.startswith(_BLAS_SETTINGS) and not key.endswith("_NUM_THREADS")
    }
    return Blas(name=name, threads=int(worker_settings()["OPENBLAS_NUM_THREADS"]), settings=chosen)


def pyperf_says(text: str, problem: str | None = None) -> PyperfSays:
    """Parses the output of `pyperf system show`: paragraphs, some of which are a title with a rule."""
    paragraphs = [part.strip().splitlines() for part in text.split("\n\n")]
    sections = {title[0]: tuple(lines) for title, lines in pairwise(paragraphs) if title and title[-1].startswith("==")}
    return PyperfSays(advices=sections.get("Advices", ()), warnings=sections.get("Warnings", ()), problem=problem)


def _xla() -> Xla:
    """Asks JAX in a separate process, since a device may take long or end the process.

    It looks for all devices, since a sweep names the one that it wants, and takes the memory of none.
    """
    environment = os.environ | {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "JAX_PLATFORMS": ""}
    answer = ask(["-c", _XLA], environment, _XLA_SECONDS)
    if answer.problem is not None:
        return Xla(version="", devices=(), problem=answer.problem)
    try:
        found = json.loads(answer.text.splitlines()[-1])
        return Xla(version=found["version"], devices=tuple(found["devices"]), problem=None)
    except (ValueError, IndexError, KeyError, TypeError):  # another program has written there as well, or ended at once
        return Xla(version="", devices=(), problem=f"it said {answer.text[-200:]!r}")


def _pyperf() -> PyperfSays:
    """Ignores its exit code, which is 2 as soon as there is any advice."""
    answer = ask(["-m", "pyperf", "system", "show"], os.environ, _PYPERF_SECONDS)
    return pyperf_says(answer.text, None if answer.text else answer.problem)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
