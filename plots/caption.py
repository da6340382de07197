"""Captions: where, when and from how much a figure was measured."""

from fwdrev.results.journal import Run
from fwdrev.results.tables import values

__all__ = ["caption"]


def caption(run: Run, note: str = "") -> str:
    """The problem and the rounds; the machine, the versions and the date; what else to note: a line each."""
    spec, machine = run.spec, run.machine
    options = "".join(f", {key} {value}" for key, value in spec.options.items())
    rounds = values(run)["round"].nunique()
    versions = machine.get("versions", {})
    threads = machine.get("threads", 1)
    problem = f"problem {spec.problem}{options}, Jacobian with respect to {spec.wrt.value}, {spec.dtype}"
    measured = f"{rounds} rounds in fresh processes, bands and bars: 95 % intervals"
    processor = f"{machine.get('cpu_model_name', 'unknown processor')}, {threads} thread{'s' * (threads > 1)}"
    libraries = f"numpy {versions.get('numpy', '?')} ({machine.get('blas', '?')}), jax {versions.get('jax', '?')}"
    lines = [f"{problem}; {measured}", f"{processor}, {libraries}, {run.created[:10]}", note]
    return "\n".join(line for line in lines if line)
