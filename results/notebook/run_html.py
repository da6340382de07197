"""A run at a glance: what was measured, the answer in words, the map, and what could not be measured."""

from collections.abc import Sequence
from contextlib import suppress

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.display import figure_of, in_words, page, table
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import log_ratios
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.crossover import Crossover, crossover
from fwdrev.results.stats.log_ratios import LogRatios
from fwdrev.results.text.sentences import pair_words
from fwdrev.results.text.summary import failure_lines, rounds_text, size_text

__all__ = ["run_html"]

_MOST = 10
"""Lines about failures or warnings; then only the number of the others is told."""


def run_html(run: Run) -> str:
    """Facts, answers, the map, failures and warnings; a run that measured nothing says so."""
    blocks = timed_blocks(run)
    answers = _answers(run, blocks)
    return page(
        table([], _facts(run), f"Run {run.folder}"),
        *(in_words(" ".join(pair_words(ratios, found))) for ratios, found in answers),
        _sizes([found for _, found in answers]),
        figure_of(run),
        "" if answers else in_words(_no_answer(blocks)),
        _listed("Not measured", failure_lines(run)),
        _listed("Warnings", run.warnings),
    )


def _facts(run: Run) -> list[tuple[str, str]]:
    spec, machine = run.spec, run.machine
    options = "".join(f", {key} {value}" for key, value in spec.options.items())
    versions = ", ".join(f"{name} {version}" for name, version in machine.get("versions", {}).items())
    threads = machine.get("threads", spec.threads)
    processor = f"{machine.get('cpu_model_name', 'unknown processor')}, {threads} thread{'s' * (threads > 1)}"
    return [
        ("problem", f"{spec.problem}{options}"),
        ("Jacobian", f"with respect to {spec.wrt.value}, {spec.dtype}"),
        ("inputs n", ", ".join(map(str, spec.sizes_n))),
        ("outputs m", ", ".join(map(str, spec.sizes_m))),
        ("engines", ", ".join(spec.engines)),
        ("rounds", f"{rounds_text(run)} of {spec.rounds}"),
        ("machine", processor),
        ("versions", versions or "unknown"),
        ("date", run.created[:10]),
    ]


def _answers(run: Run, blocks: Blocks) -> list[tuple[LogRatios, Crossover]]:
    """Of each pair of a forward and a reverse engine of one library that has a cell in common."""
    found = []
    for pair in default_pairs(blocks.engines):
        with suppress(NothingMeasuredError):
            ratios = log_ratios(run, pair, blocks)
            found.append((ratios, crossover(ratios)))
    return found


def _sizes(answers: Sequence[Crossover]) -> str:
    """M* of every pair beside each other."""
    if not answers:
        return ""
    names = [" and ".join(found.pair) for found in answers]
    sizes = sorted({n for found in answers for n in found.in_m})
    rows = [(n, *(size_text(found.in_m[n]) if n in found.in_m else "" for found in answers)) for n in sizes]
    return table(["n", *names], rows, "Outputs m* at which two engines break even")


def _no_answer(blocks: Blocks) -> str:
    if not blocks.engines:
        return "Nothing was measured."
    engines = ", ".join(blocks.engines)
    return f"No cell has times of a forward and of a reverse engine of one library; timed were {engines}."


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    shown = "".join(in_words(line, "li") for line in [*lines[:_MOST], *more])
    return f"{in_words(f'{title}:')}<ul>{shown}</ul>"
