"""Rules of thumb over all measured problems, and the best simple rule with its cross-validated score.

    board = scoreboard([load("runs/plane"), load("runs/auto")], ("forward", "reverse"))
    for each in board.rules:
        print(each.rule.name, each.right, each.mean_slowdown, each.worst.worst_slowdown)
    print(board.best.code)

Every problem has the same weight, however many cells it has.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results.rules.pooled_problems import MeasuredProblem, measured_problems
from fwdrev.results.rules.rules import RULES, Rule, Score, score
from fwdrev.results.rules.threshold_rule import SimpleRule, simple_rule
from fwdrev.results.runs.cells import engines_measured
from fwdrev.results.runs.engine_pairs import default_pairs, forward_first
from fwdrev.results.runs.provenance import check_one_machine
from fwdrev.results.runs.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class OverProblems:
    """One rule on several problems, or for each problem the rule fitted to the others; `each`: its scores."""

    each: tuple[Score, ...]

    @property
    def rule(self) -> Rule:
        """The rule on the first problem; the same on all unless fitted."""
        return self.each[0].rule

    @property
    def right(self) -> float | None:
        """The mean share of decided cells in which it is right; None if no problem has any."""
        shares = [found.right / found.decided for found in self.each if found.decided]
        return fmean(shares) if shares else None

    @property
    def mean_slowdown(self) -> float:
        """The geometric mean of the slow-downs over the problems."""
        return math.exp(fmean(math.log(found.mean_slowdown) for found in self.each))

    @property
    def worst_in(self) -> int:
        """The number of the problem with the worst cell."""
        return max(range(len(self.each)), key=lambda i: self.each[i].worst_slowdown)

    @property
    def worst(self) -> Score:
        """The score on the problem with the worst cell."""
        return self.each[self.worst_in]

    def to_json(self, problems: Sequence[MeasuredProblem]) -> dict[str, Any]:
        """This record as plain data."""
        n, m = self.worst.worst_at
        return {
            "right": self.right,
            "mean_slowdown": self.mean_slowdown,
            "worst_slowdown": self.worst.worst_slowdown,
            "worst_at": {"problem": problems[self.worst_in].name, "n": n, "m": m},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoreboard:
    """All rules on all problems, the best first.

    `best`: the best simple rule; `fitted`: its scores on the problems of its fit; `left_out`: the scores of rules
    fitted without the scored problem, None for a single problem. `notes`: what is missing,
    and why.
    """

    pair: tuple[str, str]
    problems: tuple[MeasuredProblem, ...]
    rules: tuple[OverProblems, ...]
    best: SimpleRule
    fitted: OverProblems
    left_out: OverProblems | None
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        problems = [
            {
                "problem": problem.name,
                "runs": [str(folder) for folder in problem.folders],
                "rules": [score(rule, problem.ratios, problem.shapes).to_json() for rule in (*RULES, *problem.others)],
            }
            for problem in self.problems
        ]
        rules = [found.rule.to_json() | found.to_json(self.problems) for found in self.rules]
        return {
            "pair": list(self.pair),
            "problems": problems,
            "rules": rules,
            "best": self.best.to_json() | self.fitted.to_json(self.problems) | {"left_out": self._left_out()},
            "notes": list(self.notes),
        }

    def _left_out(self) -> dict[str, Any] | None:
        if self.left_out is None:
            return None
        each = [
            {"problem": problem.name} | found.to_json()
            for problem, found in zip(self.problems, self.left_out.each, strict=True)
        ]
        return self.left_out.to_json(self.problems) | {"problems": each}


def pairs_of(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The pairs of a forward and a reverse engine of one library that any run measured, without repeats.

    Raises NothingMeasuredError without any.
    """
    measured = [engines_measured(run) for run in runs]
    pairs = list(dict.fromkeys(pair for names in measured for pair in default_pairs(names)))
    if not pairs:
        each = "; ".join(
            f"{run.folder}: {', '.join(names) or 'nothing'}" for run, names in zip(runs, measured, strict=True)
        )
        msg = f"no run measured a forward and a reverse engine of one library ({each}): no rule can be scored"
        raise NothingMeasuredError(msg)
    return pairs


def scoreboard(runs: Sequence[Run], pair: tuple[str, str]) -> Scoreboard:
    """The scoreboard of a forward and a reverse engine, given in either order.

    Raises InputError for runs of different machines and for engines that no rule chooses between, and
    NothingMeasuredError if no run measured both in a cell.
    """
    check_one_machine(runs)
    ordered = forward_first(pair)
    if ordered is None:
        msg = f"pair {pair[0]},{pair[1]}: a rule picks forward or reverse mode; name a forward and a reverse engine"
        raise InputError(msg)
    problems, notes = measured_problems(runs, ordered)
    if not problems:
        raise NothingMeasuredError(f"no rule can be scored for {ordered[0]} and {ordered[1]}; {'; '.join(notes)}")
    best = simple_rule([problem.points for problem in problems])
    return Scoreboard(
        pair=ordered,
        problems=problems,
        rules=_rules(problems),
        best=best,
        fitted=_over([best.rule] * len(problems), problems),
        left_out=_each_left_out(problems),
        notes=notes,
    )


def _rules(problems: Sequence[MeasuredProblem]) -> tuple[OverProblems, ...]:
    """The rules in use, and our predictions if they cover every problem."""
    columns = [{rule.name: rule for rule in (*RULES, *problem.others)} for problem in problems]
    everywhere = [name for name in columns[0] if all(name in column for column in columns)]
    found = [_over([column[name] for column in columns], problems) for name in everywhere]
    return tuple(sorted(found, key=lambda each: each.mean_slowdown))


def _over(rules: Sequence[Rule], problems: Sequence[MeasuredProblem]) -> OverProblems:
    """The rules of a prediction, one for each problem."""
    scores = [score(rule, each.ratios, each.shapes) for rule, each in zip(rules, problems, strict=True)]
    return OverProblems(each=tuple(scores))


def _each_left_out(problems: Sequence[MeasuredProblem]) -> OverProblems | None:
    """For each problem, the score of the rule that is best on the others."""
    if len(problems) == 1:
        return None
    points = [problem.points for problem in problems]
    rules = [simple_rule(points[:i] + points[i + 1 :]).rule for i in range(len(points))]
    return _over(rules, problems)
