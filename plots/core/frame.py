"""The frame of every figure: a question above it, the run's facts below it, the same words on its axes."""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.plots.core.style import LESS_INK, shown
from fwdrev.results.runs.run import Run
from fwdrev.results.text.summary import processes_text

_LETTERS_PER_INCH = 17
"""The most letters in a line of a caption."""


def ask(figure: Figure, question: str, hint: str = "") -> None:
    """Sets the title: the question that the figure answers, and how to read it."""
    title = figure.suptitle(f"{question}\n " if hint else question, x=0.01, ha="left", weight="bold", size=11)
    if hint:  # in the free line below the question
        figure.add_artist(Annotation(hint, (0, 0), xycoords=title, va="bottom", size=9.5))


def foot(figure: Figure, run: Run, note: str = "", *, how: str | None = None) -> None:
    """Writes the caption of a run."""
    write_foot(figure, caption(run, note, how=how).splitlines())


def write_foot(figure: Figure, lines: Sequence[str]) -> None:
    """Writes the caption small and below everything; breaks long lines."""
    width = int(figure.get_figwidth() * _LETTERS_PER_INCH)
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, width))
    figure.supxlabel(text, fontsize=7.5, color=LESS_INK, x=0.01, ha="left")


def caption(run: Run, note: str = "", *, how: str | None = None) -> str:
    """The caption: the problem and `how` it was measured; the machine, the versions and the date; notes.

    Without `how` it gives the number of rounds, each in a fresh process.
    """
    known, machine = facts(run), run.machine
    problem = ", ".join(text for key, text in known.items() if key == "problem" or key.startswith("option "))
    measured = how or f"{processes_text(run)}, bands and bars: 95 % intervals"
    versions = machine.get("versions", {})
    numpy, blas, jax = map(shown, (versions.get("numpy", "?"), machine.get("blas", "?"), versions.get("jax", "?")))
    lines = [
        f"{problem}, Jacobian {known['wrt']}, {known['dtype']}; {measured}",
        f"{known['machine']}, {known['threads']}, numpy {numpy} ({blas}), jax {jax}, {run.created[:10]}",
        note,
    ]
    return "\n".join(line for line in lines if line)


def facts(run: Run) -> dict[str, str]:
    """A run's subject and machine as words by key, in the order of the caption."""
    spec, machine = run.spec, run.machine
    threads = machine.get("threads", spec.threads)
    return {
        "problem": f"problem {shown(spec.problem)}",
        **{f"option {key}": f"{shown(key)} {shown(value)}" for key, value in spec.options.items()},
        "wrt": f"with respect to {spec.wrt.value}",
        "dtype": spec.dtype,
        "machine": shown(machine.get("cpu_model_name", "unknown processor")),
        "threads": f"{threads} thread{'s' * (threads != 1)}",
        "device": shown(machine.get("device", spec.device.value)),
        "blas": shown(machine.get("blas", "unknown BLAS")),
        **{f"version {key}": f"{shown(key)} {shown(value)}" for key, value in machine.get("versions", {}).items()},
        "created": shown(run.created[:16].replace("T", " ")),
    }


def inputs_label(spec: SweepSpec) -> str:
    """The meaning of n: `driven` can have it in θ."""
    on_theta = spec.problem == "driven" and spec.options.get("n_of", spec.wrt.value) != "x"
    return "inputs n (parameters θ)" if on_theta else "inputs n"
