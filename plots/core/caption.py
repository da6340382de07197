"""Captions: where, when and from how much a figure was measured."""

from fwdrev.plots.core.style import shown
from fwdrev.results.runs.run import Run
from fwdrev.results.text.summary import processes_text

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
    measured = how or f"{processes_text(run)}, bands and bars: 95 % intervals"
    processor = f"{shown(machine.get('cpu_model_name', 'unknown processor'))}, {threads} thread{'s' * (threads > 1)}"
    numpy, jax, blas = (
        shown(each) for each in (versions.get("numpy", "?"), versions.get("jax", "?"), machine.get("blas", "?"))
    )
    libraries = f"numpy {numpy} ({blas}), jax {jax}"
    lines = [f"{problem}; {measured}", f"{processor}, {libraries}, {run.created[:10]}", note]
    return "\n".join(line for line in lines if line)
