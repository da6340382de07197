"""Scripted runs: sweeps whose times follow a formula, so that the truth is known and no clock is asked."""

from pathlib import Path
from typing import Any

from fwdrev.bench import Cell, ScriptedExecutor, Sweep, make_spec
from fwdrev.results import Run

__all__ = ["scripted_run", "seconds", "true_m", "true_n"]


def seconds(engine: str, cell: Cell) -> float:
    """A call's overhead and work in proportion to the passes, with everything that makes the plane's curves bend."""
    if engine == "forward":
        return 5e-6 + 2e-9 * cell.n * (40 + cell.m)
    return 7e-6 + 2.6e-9 * cell.m * (60 + cell.n)


def true_m(n: int) -> float:
    """Where the two formulas meet, at this n."""
    return (2e-9 * 40 * n - 2e-6) / (2.6e-9 * (60 + n) - 2e-9 * n)


def true_n(m: int) -> float:
    """Where they meet, at this m."""
    return (2e-6 + 2.6e-9 * 60 * m) / (2e-9 * (40 + m) - 2.6e-9 * m)


def scripted_run(
    seed: int = 0,
    *,
    noise: float = 0.0,
    shift: float = 0.0,
    tails: int | None = None,
    drift: float = 0.0,
    **fields: Any,
) -> Run:
    """A whole sweep, in memory; noise as the scripted executor has it."""
    spec = make_spec(
        {"engines": ["forward", "reverse"], "inputs": "64:512:*2", "outputs": "1:1024:*4", "rounds": 5} | fields
    )
    visits = len(spec.cells) * spec.rounds
    executor = ScriptedExecutor(
        spec.engines, seconds, noise=noise, shift=shift, tails=tails, drift=drift, visits=visits, seed=seed
    )
    return Run(
        folder=Path("scripted"),
        spec=spec,
        machine={"cpu_model_name": "a <script>machine</script>", "versions": {"numpy": "2"}},
        created="2026-01-01T00:00:00+00:00",
        observations=tuple(Sweep(spec, executor)),
        warnings=(),
    )
