"""The sweeps of a calibration: small planes of a few shapes, with the engines of the cost model."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.plan import FixedPlan
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import make_spec
from fwdrev.bench.sweep.local import LocalExecutor
from fwdrev.bench.sweep.runner import Sweep
from fwdrev.results.runs.journal import create
from fwdrev.results.runs.run import Run, load

_SHAPES = ((2, 96), (3, 32), (6, 128))
"""The depths and widths of `driven`: few layers and many, states smaller and larger than the outputs."""

_NETWORKS = ((3, 16), (5, 96))
"""The depths and widths of `mlp`, whose layers alternate between a product and an activation."""

_NUMPY = {"inputs": "4:2048:*8", "outputs": "1:1024:*8", "rounds": 3, "blocks": 4, "block_seconds": 1e-3}
_JAX = {"inputs": "4:1024:*16", "outputs": "1:256:*16", "rounds": 1, "blocks": 4, "block_seconds": 1e-3}
"""Few cells: compiling the references and JAX's own engines takes longer than measuring them."""


class _Unweighed(LocalExecutor):
    """The local executor without the memory pass."""

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Measures no memory."""
        return iter(())


def calibration_runs(folder: Path, machine: Mapping[str, Any]) -> list[Run]:
    """Measures NumPy's engines on every shape, JAX's on the first two of `driven`; keeps the runs in `folder`."""
    planes = [(_NUMPY, ["forward", "reverse"], "driven", shape) for shape in _SHAPES]
    planes += [(_NUMPY | {"wrt": "x"}, ["forward", "reverse"], "mlp", shape) for shape in _NETWORKS]
    planes += [(_JAX, ["jax-jvp", "jax-vjp"], "driven", shape) for shape in _SHAPES[:2]]
    runs = []
    for number, (fields, engines, problem, (depth, width)) in enumerate(planes):
        options = {"depth": depth, "width": width}
        spec = make_spec({**fields, "engines": engines, "problem": problem, "options": options})
        scratch, path = folder / f"calibration-{number}.scratch", folder / f"calibration-{number}"
        scratch.mkdir()
        with create(path, spec, machine) as journal:
            for observation in Sweep(spec, _Unweighed(spec, scratch), FixedPlan(spec)):
                journal.append(observation)
        runs.append(load(path))
    return runs
