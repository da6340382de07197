"""The machine's fingerprint: what a reader needs to know about where a run was measured."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyperf

from fwdrev.bench.machine.cgroup import cpu_quota
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.records.machine import settings, total_bytes

__all__ = ["fingerprint"]

_PACKAGES = ("fwdrev", "numpy", "jax", "jaxlib", "scipy", "pyperf")

_FROM_PYPERF = ("cpu_model_name", "cpu_config", "platform", "python_version", "python_implementation", "aslr", "timer")
"""Of pyperf's metadata what describes the machine; names of hosts and paths stay out of it."""


def fingerprint(threads: int, device: str = "cpu") -> dict[str, Any]:
    """Processor, system, versions, the BLAS in use, threads, processors and JAX's device; plain data."""
    collected = pyperf.Run([1.0], metadata={"name": "probe"}).get_metadata()
    facts: dict[str, Any] = {key: str(collected[key]) for key in _FROM_PYPERF if key in collected}
    facts.setdefault("cpu_model_name", platform.processor() or platform.machine() or "unknown processor")
    facts["cpus"] = len(available_cpus()) or os.cpu_count() or 1
    facts["memory_bytes"] = total_bytes()
    if (quota := cpu_quota()) is not None and quota < facts["cpus"]:
        facts["cpu_quota"] = quota
    facts["threads"] = threads
    facts["device"] = device
    facts["blas"] = _blas()
    facts["settings"] = settings(os.environ)
    facts["versions"] = {name: _version(name) for name in _PACKAGES}
    return facts


def _blas() -> str:
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
