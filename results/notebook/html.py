"""The HTML of each record that shows itself in a notebook. Whatever text a record holds comes out escaped."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import singledispatch

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.advice.record import Advice
from fwdrev.results.advice.words import HEAD, advice_words, arm_rows, function_text, remarks
from fwdrev.results.costs.prediction import Prediction
from fwdrev.results.display import figure_of, in_words, page, table
from fwdrev.results.rules.rules import Score, Scores
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import log_ratios
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.crossing import Crossing
from fwdrev.results.stats.crossover import Crossover, Law, crossover
from fwdrev.results.stats.estimate import LEVEL, Estimate
from fwdrev.results.stats.log_ratios import LogRatios
from fwdrev.results.text.quantities import number_text
from fwdrev.results.text.sentences import pair_words
from fwdrev.results.text.summary import (
    ends_text,
    failure_lines,
    interval_text,
    law_text,
    percent,
    prediction_text,
    rounds_text,
    size_text,
)

_MOST = 10
"""Lines about failures or warnings; then only the number of the others is told."""


@singledispatch
def record_html(shown: object) -> str:
    """The HTML of a record; below, what each kind registers."""
    return in_words(repr(shown))


@record_html.register
def _run(run: Run) -> str:
    """Facts, answers, the map, failures and warnings; a run that measured nothing says so."""
    blocks = timed_blocks(run)
    answers, engines = _answers(run, blocks), ", ".join(blocks.engines)
    nothing = f"No cell has times of a forward and of a reverse engine of one library; timed were {engines}."
    return page(
        table([], _facts(run), f"Run {run.folder}"),
        *(in_words(" ".join(pair_words(ratios, found))) for ratios, found in answers),
        _sizes([found for _, found in answers]),
        figure_of(run),
        "" if answers else in_words(nothing if engines else "Nothing was measured."),
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


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    shown = "".join(in_words(line, "li") for line in [*lines[:_MOST], *more])
    return f"{in_words(f'{title}:')}<ul>{shown}</ul>"


@record_html.register
def _advice(advice: Advice) -> str:
    words = [*remarks(advice), *advice_words(advice)]
    rows = table(HEAD, arm_rows(advice), function_text(advice))
    return page(rows, *map(in_words, words), in_words(advice.code, "pre"))


@record_html.register
def _crossover(found: Crossover) -> str:
    one, other = found.pair
    crossings = [*found.in_m.values(), *found.in_n.values()]
    level = next((c.size.level for c in crossings if c.size is not None), LEVEL)
    return page(
        _crossings(("n", "m*"), found.in_m, level, f"{one} and {other} break even at m* outputs, at each n"),
        _crossings(("m", "n*"), found.in_n, level, "and at n* inputs, at each m"),
        in_words(f"law: {law_text(found.law)}" if found.law else "law: none, fewer than two crossovers in range"),
    )


def _crossings(names: tuple[str, str], crossings: dict[int, Crossing], level: float, title: str) -> str:
    rows = [
        (size, number_text(c.size.point), interval_text(c), c.cheaper)
        if c.size is not None
        else (size, "none in range", "", f"{c.cheaper} throughout")
        for size, c in crossings.items()
    ]
    return table([*names, f"{percent(level)} interval", "cheaper below"], rows, title)


@record_html.register
def _crossing(found: Crossing) -> str:
    below = "" if found.size is None else f"; {found.cheaper} is cheaper below"
    return in_words(f"break-even at {size_text(found)}{below}")


@record_html.register
def _estimate(e: Estimate) -> str:
    known = "no interval" if e.low is None else f"{percent(e.level)} interval {ends_text(e)}"
    return in_words(f"{number_text(e.point)} ({known})")


@record_html.register
def _law(law: Law) -> str:
    return in_words(law_text(law))


@record_html.register
def _ratios(ratios: LogRatios) -> str:
    one, other = ratios.pair
    return page(figure_of(ratios) or in_words(f"{one} and {other}: no cell in which both are known"))


@record_html.register
def _prediction(found: Prediction) -> str:
    rows = [
        (n, *("none in range" if size is None else number_text(size) for size in sizes))
        for n, sizes in found.crossovers.items()
    ]
    one, other = found.pair
    title = f"{one} and {other}: measured and predicted by the cost model"
    return page(table(["n", "measured m*", "predicted m*"], rows, title), in_words(prediction_text(found)))


@record_html.register
def _score(score: Score) -> str:
    return _scores([score])


@record_html.register(Scores)
def _scores(scores: Iterable[Score]) -> str:
    head = ["rule", "forward when", "right", "mean slowdown", "worst slowdown", "worst at", "source"]
    return table(
        head,
        [
            (
                each.rule.name,
                each.rule.when,
                f"{each.right} of {each.decided}",
                f"{each.mean_slowdown:.2f}",
                number_text(each.worst_slowdown),
                f"n = {each.worst_at[0]}, m = {each.worst_at[1]}",
                each.rule.source,
            )
            for each in scores
        ],
    )
