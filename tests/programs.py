"""JAX in tests: programs are compiled quickly rather than well, each only once, and forgotten before they are many.

Every operation outside of jax.jit is a program of more than a megabyte that takes two hundredths of a second to
compile, and a third of that to read from a file. The tests make some ten thousand of them.
"""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

__all__ = ["compile_quickly", "forget_if_large", "optimised"]

_ROOM = 800 << 20
"""The size of the process, in bytes, up to which programs are kept."""

_LARGE = 80 << 20
"""The growth of a larger process, in bytes, after which all programs are forgotten."""

_WITHOUT_FLAG = Version("0.12")
"""From here on, XLA does not know the flag below."""

_least = 1 << 62
"""The least size of the process in bytes since programs were last forgotten."""


def compile_quickly(folder: Path) -> None:
    """Turns most optimisations off in a loaded JAX, and reads programs that were compiled before from the folder."""
    jax: Any = sys.modules.get("jax")
    if jax is None or jax.config.jax_compilation_cache_dir is not None:
        return
    from jax.experimental.compilation_cache import compilation_cache

    jax.config.update("jax_disable_most_optimizations", True)  # noqa: FBT003
    _emit_quickly(jax)
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    compilation_cache.reset_cache()  # the first program has settled that there is none


def _emit_quickly(jax: Any) -> None:
    """Halves the time that a program takes: XLA's older emitters, and one MLIR context instead of one per program."""
    from jax._src.interpreters import mlir

    if hasattr(mlir, "make_ir_context"):
        mlir.make_ir_context = cache(mlir.make_ir_context)
    if Version(version("jaxlib")) < _WITHOUT_FLAG:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false", prepend=" ")
            jax.devices()  # which reads the flags; processes that tests start do without it


@contextmanager
def optimised() -> Iterator[None]:
    """Compiles as by default: at its lowest level, XLA computes NaN for some finite results."""
    import jax

    jax.config.update("jax_disable_most_optimizations", False)  # type: ignore[no-untyped-call]  # noqa: FBT003
    yield
    jax.config.update("jax_disable_most_optimizations", True)  # type: ignore[no-untyped-call]  # noqa: FBT003


def forget_if_large() -> None:
    """Forgets all programs if the process has grown by much, and returns their memory to the system."""
    global _least  # noqa: PLW0603 - state of the process
    _least = min(_least, _bytes())
    jax: Any = sys.modules.get("jax")
    if jax is None or _bytes() < max(_least + _LARGE, _ROOM):
        return
    jax.clear_caches()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    _least = _bytes()


def _bytes() -> int:
    """The memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
