"""What tells runs apart: the title of each one in a figure of several, and what changed from one to the next."""

from collections.abc import Sequence
from itertools import pairwise

from fwdrev.plots.core.style import shown
from fwdrev.results.runs.run import Run

__all__ = ["changes", "differences"]


def differences(runs: Sequence[Run]) -> list[str]:
    """For each run what is not the same in all of them, in words; where that is nothing, the names of their folders."""
    facts = [_facts(run) for run in runs]
    keys = list(dict.fromkeys(key for each in facts for key in each))
    differing = [key for key in keys if len({each.get(key) for each in facts}) > 1]
    if not differing:
        return [shown(run.folder.name) for run in runs]
    return [", ".join(each.get(key, _default(key)) for key in differing) for each in facts]


def _default(key: str) -> str:
    """Of an option that was not given, or a version that was not recorded."""
    return f"default {shown(key.split(maxsplit=1)[-1])}"


def changes(runs: Sequence[Run]) -> list[str]:
    """For each run what is not as in the one before it, but for the date; empty where everything is."""
    facts = [{key: text for key, text in _facts(run).items() if key != "created"} for run in runs]
    return [
        "",
        *(", ".join(text for key, text in now.items() if before.get(key) != text) for before, now in pairwise(facts)),
    ]


def _facts(run: Run) -> dict[str, str]:
    """In the order in which they are told."""
    spec, machine = run.spec, run.machine
    options = {f"option {key}": f"{shown(key)} {shown(value)}" for key, value in spec.options.items()}
    versions = {f"version {key}": f"{shown(key)} {shown(value)}" for key, value in machine.get("versions", {}).items()}
    threads = machine.get("threads", spec.threads)
    return {
        "problem": f"problem {shown(spec.problem)}",
        **options,
        "wrt": f"with respect to {spec.wrt.value}",
        "dtype": spec.dtype,
        "machine": shown(machine.get("cpu_model_name", "unknown processor")),
        "threads": f"{threads} thread{'s' * (threads != 1)}",
        "device": shown(machine.get("device", spec.device.value)),
        "blas": shown(machine.get("blas", "unknown BLAS")),
        **versions,
        "created": shown(run.created[:16].replace("T", " ")),
    }
