"""The surroundings of a worker process: environment variables, processors, and the memory that it may use."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fwdrev.bench.machine.cgroup import cpu_quota
from fwdrev.bench.machine.git import without_repository
from fwdrev.bench.machine.memory import available_bytes
from fwdrev.bench.machine.processors import available_cpus, pinned_cpus, usable_cpus
from fwdrev.bench.processes.process import ask
from fwdrev.bench.records.machine import DISTORTING, EFFECTS, settings
from fwdrev.bench.records.spec import Device, SweepSpec
from fwdrev.modes.errors import InputError

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

PASSED_ON = (
    *("XLA_", "JAX_", "OMP_", "OPENBLAS_", "MKL_", "VECLIB_", "CUDA_", "NVIDIA_", "LD_LIBRARY_PATH", "TMPDIR"),
    *EFFECTS,
)
"""Prefixes of the variables that change measurements; pyperf's workers inherit them only on request."""

_SHARE = 0.8
"""The share of free memory for all workers together, where the specification sets no limit."""

_ASK_JAX = "import jax; found = jax.devices('gpu'); print(found[0].device_kind, *[f'× {len(found)}'][: len(found) - 1])"
_START_SECONDS = 120.0


def cautions(threads: int) -> Iterator[str]:
    """Warnings about the surroundings of a measurement, one line each, before it begins."""
    if available_cpus() and not pinned_cpus(threads):
        yield "processes cannot be pinned to processors here (the system refuses it): what is measured varies more"
    quota = cpu_quota()
    if quota is not None and quota < threads:
        yield (
            f"the time of {quota:g} processors is all that the container may use, for {threads} threads: what is "
            "measured is stopped now and then; give the container more"
        )
    for name, value in settings(os.environ).items():
        if name in DISTORTING:
            yield f"{name}={value} is set: {DISTORTING[name]}; unset it unless that is what you want to measure"


def check_machine(spec: SweepSpec) -> None:
    """Raises InputError if the specification asks for more threads than there are processors."""
    have = usable_cpus()
    if spec.threads > have:
        raise InputError(f"threads = {spec.threads}: this machine lets us use {have}; take {have} or fewer")


def memory_share(spec: SweepSpec, workers: int) -> int | None:
    """The bytes that each of `workers` processes may allocate; None if unknown, and on a GPU."""
    if spec.memory_limit is not None:
        return spec.memory_limit
    free = None if spec.device is Device.GPU else available_bytes()
    return None if free is None else int(_SHARE * free / workers)


def worker_environment(spec: SweepSpec, folder: Path, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a worker: the inherited one, with the threads set and JAX's compilation cache in `folder`.

    By default it inherits that of this process.
    """
    env = without_repository(os.environ if inherited is None else inherited)
    env |= dict.fromkeys(_THREADS, str(spec.threads))
    if spec.threads == 1:
        env["XLA_FLAGS"] = f"{env.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    if spec.device is Device.GPU:
        env["JAX_PLATFORMS"] = "cuda,cpu"
        env["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # two workers may prepare at once
    else:
        env["JAX_PLATFORMS"] = "cpu"
    env["JAX_ENABLE_X64"] = "1"
    if any("\ud800" <= letter <= "\udfff" for letter in str(folder)):  # JAX fails with a name that is not UTF-8
        env["JAX_ENABLE_COMPILATION_CACHE"] = "0"
    else:
        env["JAX_COMPILATION_CACHE_DIR"] = str(folder / "programs")
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    env["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return env


def device_name(spec: SweepSpec) -> str:
    """`cpu`, or the name of the GPU that JAX finds, and how many if several.

    Raises InputError if a GPU is wanted and there is none.
    """
    if spec.device is Device.CPU:
        return "cpu"
    answer = ask(["-c", _ASK_JAX], worker_environment(spec, Path()), _START_SECONDS)
    if answer.problem is not None:
        raise InputError(
            f"device = gpu: JAX finds no GPU here ({answer.problem[:200]}); install jax with CUDA on a machine with one"
        )
    return f"gpu: {answer.text.strip()}"


def worker_settings() -> dict[str, str]:
    """The default environment of a sweep's worker: one thread."""
    return worker_environment(SweepSpec(), Path(os.devnull))  # no folder, since nothing is compiled
