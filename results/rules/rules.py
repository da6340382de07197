"""The rules of thumb by which libraries and people choose a mode, scored on measured cells.

    for score in scores(log_ratios(run, ("forward", "reverse"))):
        print(score.rule.name, score.right, score.mean_slowdown, score.worst_slowdown)

A rule sees the sizes of a cell only. Its *slowdown* there is the time of the mode that it picks ÷ that of the faster
one: 1 where it is right.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.costs.prediction import TIE
from fwdrev.results.display import Displayed
from fwdrev.results.stats.log_ratios import LogRatios, cell_means

Sizes = tuple[int, int]
"""A size: a cell (n, m), or columns and rows of a Jacobian."""

_FEW = 100
"""The number of inputs in lineax's rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`forward(n, m)`: whether it picks forward mode at n inputs and m outputs; `when` is the same in words.

    `knows`: the cells (n, m) for which it has an answer; None for all of them.
    """

    name: str
    when: str
    source: str
    forward: Callable[[int, int], bool]
    knows: frozenset[Sizes] | None = None

    def to_json(self) -> dict[str, str]:
        """This record as plain data."""
        return {"rule": self.name, "forward_when": self.when, "source": self.source}


RULES: tuple[Rule, ...] = (
    Rule(name="always reverse", when="never", source="jax.jacobian, which is jacrev", forward=lambda *_: False),
    Rule(
        name="passes",
        when="n < m",
        source="a pass costs the same in both modes; first proposal in jax issue 2344",
        forward=lambda n, m: n < m,
    ),
    Rule(
        name="passes, ties forward",
        when="n ≤ m",
        source="DiffSharp; asdex, for a dense Jacobian, whose colours are its rows and columns",
        forward=lambda n, m: n <= m,
    ),
    Rule(
        name="operation bounds",
        when="n ≤ 5/3 m",
        source="bounds on operations, by which a reverse pass takes 5/3 of a forward one",
        forward=lambda n, m: 3 * n <= 5 * m,
    ),
    Rule(
        name="lineax",
        when="n < 100 or n ≤ 1.5 m",
        source="lineax, _misc.jacobian",
        forward=lambda n, m: n < _FEW or 2 * n <= 3 * m,
    ),
)
"""The rules in use, each with its source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Displayed):
    """The score of a rule over `cells` cells.

    `right` of `decided`: of the cells beyond a tie, those in which it picks the faster mode. `mean_slowdown`
    (geometric) and `worst_slowdown` are over all cells; `worst_at` is (n, m).
    """

    rule: Rule
    cells: int
    decided: int
    right: int
    mean_slowdown: float
    worst_slowdown: float
    worst_at: Sizes

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        return self.rule.to_json() | {
            "cells": self.cells,
            "decided": self.decided,
            "right": self.right,
            "mean_slowdown": self.mean_slowdown,
            "worst_slowdown": self.worst_slowdown,
            "worst_at": list(self.worst_at),
        }


class Scores(Displayed, list[Score]):
    """A list that a notebook shows as a table."""

    __slots__ = ()


def rule_from(ratios: LogRatios, name: str, when: str, source: str) -> Rule:
    """A prediction as a rule: forward where the mean of its log ratios (forward to reverse) is below 0.

    It knows the cells that have a predicted ratio.
    """
    picks = {cell: log < 0 for cell, log in cell_means(ratios.table).items()}
    return Rule(name=name, when=when, source=source, forward=lambda n, m: picks[n, m], knows=frozenset(picks))


def predictions(counts: LogRatios, model: LogRatios | None) -> list[Rule]:
    """Our own predictions as rules: operation counts and, where the machine was calibrated, the cost model."""
    by_counts = rule_from(counts, "operation counts", "it takes fewer multiply–adds", "the engines' own counts")
    if model is None:
        return [by_counts]
    return [by_counts, rule_from(model, "cost model", "the cost model expects it to be faster", "fwdrev calibrate")]


def scores(ratios: LogRatios, others: Sequence[Rule] = ()) -> Scores:
    """Every rule in use and `others`, the best first; `ratios` are of a forward to a reverse engine.

    Leaves out a rule that knows no measured cell.
    """
    measured = cell_means(ratios.grid).keys()
    rules = [*RULES, *(rule for rule in others if rule.knows is None or rule.knows & measured)]
    return Scores(sorted((score(rule, ratios) for rule in rules), key=lambda s: s.mean_slowdown))


def score(rule: Rule, ratios: LogRatios, shapes: Mapping[Sizes, Sizes] = MappingProxyType({})) -> Score:
    """Scores one rule on the grid's cells that it knows; raises NothingMeasuredError if none was measured.

    A rule that knows all sizes sees the `shapes` of the cells' Jacobians if given, otherwise n and m.
    """
    known = cell_means(ratios.grid)
    if rule.knows is not None:
        known = {cell: log for cell, log in known.items() if cell in rule.knows}
    if not known:
        msg = f"no cell of the grid has both {ratios.pair[0]} and {ratios.pair[1]}: no rule can be scored"
        raise NothingMeasuredError(msg)
    cells, logs = list(known), np.array(list(known.values()))
    seen = [shapes.get(cell, cell) for cell in cells] if rule.knows is None else cells
    picked = np.where([rule.forward(n, m) for n, m in seen], logs, -logs)  # log(time of its pick / of the other)
    lost, decided = np.maximum(picked, 0.0), np.abs(logs) > TIE
    worst = int(lost.argmax())
    return Score(
        rule=rule,
        cells=len(cells),
        decided=int(decided.sum()),
        right=int((decided & (picked < 0)).sum()),
        mean_slowdown=math.exp(lost.mean()),
        worst_slowdown=math.exp(lost[worst]),
        worst_at=cells[worst],
    )
