"""Captions: where, when and from how much a figure was measured."""

from fwdrev.bench.spec import Protocol
from fwdrev.plots.style import shown
from fwdrev.results.run import Run
from fwdrev.results.tables import values

__all__ = ["caption"]


def caption(run: Run, note: str = "", *, how: str | None = None) -> str:
    """The problem and `how` it was measured; the machine, the versions and the date; what else to note.

    Without `how` it says how many rounds there were, each in a process of its own.
    """
    spec, machine = run.spec, run.machine
    options = "".join(f", {shown(key)} {shown(value)}" for key, value in spec.options.items())
    versions = machine.get("versions", {})
    threads = machine.get("threads", 1)
    problem = f"problem {shown(spec.problem)}{options}, Jacobian with respect to {spec.wrt.value}, {spec.dtype}"
    measured = how or f"{_rounds(run)} in fresh processes, bands and bars: 95 % intervals"
    processor = f"{shown(machine.get('cpu_model_name', 'unknown processor'))}, {threads} thread{'s' * (threads > 1)}"
    numpy, jax, blas = (
        shown(each) for each in (versions.get("numpy", "?"), versions.get("jax", "?"), machine.get("blas", "?"))
    )
    libraries = f"numpy {numpy} ({blas}), jax {jax}"
    lines = [f"{problem}; {measured}", f"{processor}, {libraries}, {run.created[:10]}", note]
    return "\n".join(line for line in lines if line)


def _rounds(run: Run) -> str:
    """How many each cell has; fewer far from the crossover, where a sweep has refined the plane."""
    each = values(run).groupby(["n", "m"])["round"].nunique()
    fewest, most = (int(each.min()), int(each.max())) if len(each) else (0, 0)
    by = " of pyperf" if run.spec.protocol is Protocol.PYPERF else ""
    return f"{most if fewest == most else f'{fewest} to {most}'} rounds{by}"
