"""Scoreboards in words: a table of the rules, one of the problems, and the best simple rule as code."""

from collections.abc import Iterator, Sequence

from fwdrev.results.display import aligned
from fwdrev.results.rules.scoreboard import OverProblems, Scoreboard
from fwdrev.results.text.quantities import number_text


def scoreboard_lines(boards: Sequence[Scoreboard]) -> list[str]:
    """The text of scoreboards: each pair of engines, then their common parts."""
    pairs: list[str] = []
    for board in boards:
        notes = (f"note: {note}" for note in board.notes)
        pairs += [*_rules(board), "", *_problems(board), "", *_best(board), *notes, "", ""]
    sources = {found.rule.name: found.rule.source for board in boards for found in board.rules}
    return [*pairs, *_LEGEND, "", *aligned([("rule", "where it comes from"), *sources.items()])]


_LEGEND = (
    "A rule sees n columns and m rows of the Jacobian; a cell is named by the n and m of its sweep.",
    "right: of the cells that differ by more than 10 %; mean, worst: time of its choice ÷ time of the faster one.",
)


def _rules(board: Scoreboard) -> Iterator[str]:
    one, other = board.pair
    count = len(board.problems)
    over = f"{count} problems, each of which weighs the same" if count > 1 else "1 problem"
    yield f"{one} or {other}, chosen by a rule, over {over}:"
    yield from aligned(
        [
            ("rule", "forward when", "right", "mean", "worst"),
            *((found.rule.name, found.rule.when, *_numbers(found, board)) for found in board.rules),
        ]
    )


def _problems(board: Scoreboard) -> Iterator[str]:
    """A table of the problems, and one of the mean slow-down of each rule on them."""
    numbers = [str(i + 1) for i in range(len(board.problems))]
    told = zip(numbers, board.problems, board.rules[0].each, strict=True)
    rows = [(i, one.name, str(found.cells), ", ".join(map(str, one.folders))) for i, one, found in told]
    yield from aligned([("", "problem", "cells", "runs"), *rows])
    if len(numbers) > 1:
        yield ""
        means = [(found.rule.name, *(f"{each.mean_slowdown:.3f}" for each in found.each)) for found in board.rules]
        yield from aligned([("mean in problem", *numbers), *means])


def _best(board: Scoreboard) -> Iterator[str]:
    right, mean, worst = _numbers(board.fitted, board)
    yield f"The best simple rule (where it was fitted: right {right}, mean {mean}, worst {worst}):"
    yield ""
    yield f"    {board.best.code}"
    yield ""
    if board.left_out is None:
        yield "What it costs on a problem that it was not fitted to cannot be told from one: give runs of several."
        return
    right, mean, worst = _numbers(board.left_out, board)
    yield f"On problems that it was not fitted to, each left out in turn: right {right}, mean {mean}, worst {worst}."


def _numbers(found: OverProblems, board: Scoreboard) -> tuple[str, str, str]:
    """The columns of a score: share right, mean slow-down, and the worst with its cell."""
    right = "none differ" if found.right is None else f"{found.right:.0%}"
    n, m = found.worst.worst_at
    where = f" at n = {n}, m = {m}" + (f" (problem {found.worst_in + 1})" if len(board.problems) > 1 else "")
    worst = number_text(found.worst.worst_slowdown)
    return right, f"{found.mean_slowdown:.3f}", worst + where * (worst != "1")
