"""The machine's fingerprint: what a reader needs to know about where a run was measured."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pyperf

from fwdrev.bench.environment import available_cpus

__all__ = ["fingerprint"]

_PACKAGES = ("fwdrev", "numpy", "jax", "jaxlib", "scipy", "pyperf")

_FROM_PYPERF = ("cpu_model_name", "cpu_config", "platform", "python_version", "python_implementation", "aslr", "timer")
"""Of pyperf's metadata what describes the machine; names of hosts and paths stay out of it."""


def fingerprint(threads: int, device: str = "cpu") -> dict[str, Any]:
    """Processor, system, versions, the BLAS in use, threads, processors and JAX's device; plain data."""
    collected = pyperf.Run([1.0], metadata={"name": "probe"}).get_metadata()
    facts: dict[str, Any] = {key: str(collected[key]) for key in _FROM_PYPERF if key in collected}
    facts.setdefault("cpu_model_name", platform.processor() or platform.machine())
    facts["cpus"] = len(available_cpus()) or os.cpu_count() or 1
    facts["memory_bytes"] = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    facts["threads"] = threads
    facts["device"] = device
    facts["blas"] = _blas()
    facts["settings"] = {name: os.environ[name] for name in sorted(os.environ) if name.startswith("OPENBLAS_CORE")}
    facts["versions"] = {name: _version(name) for name in _PACKAGES}
    return facts


def _blas() -> str:
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
