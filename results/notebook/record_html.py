"""The HTML of each record that shows itself in a notebook. Whatever text a record holds comes out escaped."""

from collections.abc import Iterable

from fwdrev.results.advice.record import HEAD, Advice, advice_words, arm_rows, function_text, remarks
from fwdrev.results.costs.prediction import Prediction
from fwdrev.results.display import figure_of, in_words, page, table
from fwdrev.results.notebook.run_html import run_html
from fwdrev.results.rules.rules import Score, Scores
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.crossing import Crossing
from fwdrev.results.stats.crossover import Crossover, Law
from fwdrev.results.stats.estimate import LEVEL, Estimate
from fwdrev.results.stats.log_ratios import LogRatios
from fwdrev.results.text.quantities import number_text
from fwdrev.results.text.summary import interval_text, law_text, percent, prediction_text, size_text

__all__ = ["record_html"]


def record_html(shown: object) -> str:  # noqa: C901, PLR0911 - one for each kind of record
    """The HTML of a record."""
    match shown:
        case Run():
            return run_html(shown)
        case Advice():
            return _advice(shown)
        case Crossover():
            return _crossover(shown)
        case Crossing():
            return in_words(f"break-even at {size_text(shown)}{_below(shown)}")
        case Estimate():
            return in_words(_estimate(shown))
        case Law():
            return in_words(law_text(shown))
        case LogRatios():
            return _ratios(shown)
        case Prediction():
            return _prediction(shown)
        case Scores():
            return _scores(shown)
        case Score():
            return _scores([shown])
        case _:
            return in_words(repr(shown))


def _advice(advice: Advice) -> str:
    words = [*remarks(advice), *advice_words(advice)]
    rows = table(HEAD, arm_rows(advice), function_text(advice))
    return page(rows, *map(in_words, words), in_words(advice.code, "pre"))


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
    rows = [(size, _point(c), interval_text(c), _cheaper(c)) for size, c in crossings.items()]
    return table([*names, f"{percent(level)} interval", "cheaper below"], rows, title)


def _point(found: Crossing) -> str:
    return "none in range" if found.size is None else number_text(found.size.point)


def _cheaper(found: Crossing) -> str:
    return f"{found.cheaper} throughout" if found.size is None else found.cheaper


def _below(found: Crossing) -> str:
    return "" if found.size is None else f"; {found.cheaper} is cheaper below"


def _estimate(e: Estimate) -> str:
    if e.low is None or e.high is None:
        return f"{number_text(e.point)} (no interval)"
    return f"{number_text(e.point)} ({percent(e.level)} interval {number_text(e.low)} … {number_text(e.high)})"


def _ratios(ratios: LogRatios) -> str:
    one, other = ratios.pair
    return page(figure_of(ratios) or in_words(f"{one} and {other}: no cell in which both are known"))


def _prediction(found: Prediction) -> str:
    rows = [(n, *map(_size, (measured, predicted))) for n, (measured, predicted) in found.crossovers.items()]
    one, other = found.pair
    title = f"{one} and {other}: measured and predicted by the cost model"
    return page(table(["n", "measured m*", "predicted m*"], rows, title), in_words(prediction_text(found)))


def _size(size: float | None) -> str:
    return "none in range" if size is None else number_text(size)


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
