"""The figure of the rules of thumb as data, and predictions as rules."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fwdrev.bench import Cell
from fwdrev.plots import draw_regret, lay_out_regret
from fwdrev.plots.figures.regret import regret_figure, scored
from fwdrev.plots.pair import pair_of_run
from fwdrev.results import LogRatios, log_ratios, rule_from, scores
from tests.scripted import scripted_run, seconds, with_counts

PAIR = ("forward", "reverse")


def _predicted(logs: dict[tuple[int, int], float]) -> LogRatios:
    columns = pd.MultiIndex.from_tuples(list(logs), names=["n", "m"])
    table = pd.DataFrame([list(logs.values())], columns=columns)
    return LogRatios(pair=PAIR, table=table, outputs=tuple(sorted({m for _, m in logs})))


def test_a_prediction_is_a_rule_for_the_cells_that_it_knows() -> None:
    """A prediction chooses forward if it expects less time; it is scored where it predicts, and may be left out."""
    run = scripted_run(inputs="16:512:*2", outputs="4:1024:*4")
    ratios = log_ratios(run, PAIR)
    some = [Cell(16, 1024), Cell(512, 4), Cell(64, 64)]
    logs = {(cell.n, cell.m): math.log(seconds("forward", cell) / seconds("reverse", cell)) for cell in some}
    rule = rule_from(_predicted(logs), "ours", "x", "y")
    assert (rule.forward(16, 1024), rule.forward(512, 4)) == (True, False)
    assert rule.knows == frozenset(logs)
    found = {score.rule.name: score for score in scores(ratios, [rule])}
    assert found["ours"].cells == 3
    assert found["ours"].right == found["ours"].decided
    assert found["ours"].worst_slowdown == 1
    assert found["always reverse"].cells == 30
    stranger = rule_from(_predicted({(7, 7): -1.0}), "stranger", "x", "y")
    assert "stranger" not in {score.rule.name for score in scores(ratios, [stranger])}


def test_rows_are_the_scores() -> None:
    """The rows have mean and worst slow-down of each rule and its right share in words, the best first."""
    run = scripted_run(inputs="16:512:*2", outputs="4:1024:*4")
    found = scores(log_ratios(run, PAIR))
    layout = lay_out_regret(found, PAIR)
    lost = {
        (n, m): max(0.0, math.log(seconds("reverse", Cell(n, m)) / seconds("forward", Cell(n, m))))
        for n in run.spec.inputs
        for m in run.spec.outputs
    }
    row = layout.labels.index("always reverse")
    assert layout.mean[row] == pytest.approx(math.exp(np.mean(list(lost.values()))))
    assert layout.worst[row] == pytest.approx(math.exp(max(lost.values())))
    assert layout.worst_at[row] == max(lost, key=lost.__getitem__)
    assert (
        layout.right[row] == f"{found[row].right} of {found[row].decided} ({found[row].right / found[row].decided:.0%})"
    )
    assert "forward if n < m\n(passes)" in layout.labels
    assert list(layout.mean) == sorted(layout.mean)


def test_every_number_is_written() -> None:
    """Right, mean and worst of each rule stand below their heads; each row has two dots."""
    layout = lay_out_regret(scores(log_ratios(scripted_run(), PAIR)), PAIR)
    ax = Figure().subplots()
    draw_regret(layout, ax)
    assert len(ax.texts) == 3 * (len(layout.labels) + 1)
    assert {np.size(line.get_xdata()) for line in ax.lines if line.get_marker() == "o"} == {len(layout.labels)}


def test_rules_are_for_a_forward_and_a_reverse_engine() -> None:
    """The engines' order does not matter; two engines of one direction leave no choice."""
    run = with_counts(scripted_run(engines=["forward", "reverse", "jax-jvp"]))
    one, turned = (scored(pair_of_run(run, pair, None)) for pair in (PAIR, PAIR[::-1]))
    assert one is not None
    assert turned is not None
    assert [score.to_json() for score in turned] == [score.to_json() for score in one]
    assert "operation counts" in {score.rule.name for score in one}
    assert regret_figure(pair_of_run(run, PAIR[::-1], None)) is not None
    assert regret_figure(pair_of_run(run, ("forward", "jax-jvp"), None)) is None
