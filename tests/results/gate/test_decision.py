"""The gate's decision by the clock: numbers by hand, and each of its rules alone."""

import math

import numpy as np
import pytest
from scipy import stats

from fwdrev.results.gate.decision import decide
from fwdrev.results.gate.sides import Sides
from fwdrev.results.gate.subjects import Kind, subjects_of
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from fwdrev.results.stats.holm import holm
from tests.gate_sides import ONE, WOBBLE, alone, flagged, grid, noisy, slower


def test_a_finding_is_the_paired_t_test() -> None:
    """Change, interval and p-value are those of SciPy's t test of the logs less their control."""
    logs, control = np.array([0.081, 0.062, 0.095, 0.070]), np.array([0.01, -0.012, 0.02, 0.004])
    expected = stats.ttest_1samp(logs - control, math.log1p(0.05), alternative="greater")
    interval = stats.ttest_1samp(logs - control, 0.0).confidence_interval(0.95)
    (found,) = decide(alone(logs, control)).findings
    assert found.rounds == 4
    assert found.p == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.change is not None
    edges = np.log([found.change.point, found.change.low or 0, found.change.high or 0])
    assert edges == pytest.approx([(logs - control).mean(), interval.low, interval.high])


def test_the_control_of_a_round_is_the_median_over_its_cells() -> None:
    """An extreme cell does not move it, and a cell without a control does not stop it."""
    control = np.array([[0.1, 0.1, 9.0, np.nan]] * 5)
    sides = grid(0.1 + noisy())
    with_cells = Sides(cells=sides.cells, arms=sides.arms, logs=sides.logs, control=control)
    assert with_cells.drift == pytest.approx([0.1] * 5)
    assert decide(with_cells).outcome is Outcome.UNCHANGED


def test_holm_by_hand() -> None:
    """With equal weights: 3 × .01, 2 × .03, then never less than before; weights shrink with each rejection."""
    assert holm(np.array([0.01, 0.04, 0.03]), np.ones(3)) == pytest.approx([0.03, 0.06, 0.06])
    # p / w: .04, .02, .05; so the second comes first: .02 × 1, then .04 × (.25 + .25), then .05 × .25 raised to that
    weighted = holm(np.array([0.01, 0.01, 0.0125]), np.array([0.25, 0.5, 0.25]))
    assert weighted == pytest.approx([0.02, 0.02, 0.02])
    assert holm(np.array([0.9, np.nan, 0.02]), np.ones(3)) == pytest.approx([0.9, np.nan, 0.04], nan_ok=True)


def test_a_slowdown_is_flagged_and_then_confirmed() -> None:
    """The first look calls nothing regressed; fresh rounds that show it again do."""
    first = decide(slower(0.2))
    assert (first.findings[0].verdict, first.outcome) == (Verdict.FLAGGED, Outcome.INCONCLUSIVE)
    assert first.pairs_again == (ONE,)
    again = decide(slower(0.2), confirmation=slower(0.15))
    assert (again.findings[0].verdict, again.outcome) == (Verdict.REGRESSED, Outcome.REGRESSED)
    assert not flagged(again)


def test_fresh_rounds_are_tested_alone() -> None:
    """The p-value is that of the fresh rounds, in a family of the flagged findings."""
    fresh = slower(0.08)
    (found,) = decide(slower(0.5), confirmation=fresh).findings
    expected = stats.ttest_1samp(fresh.logs.ravel(), math.log1p(0.05), alternative="greater")
    assert found.p_again == pytest.approx(expected.pvalue, rel=1e-12)
    assert found.again is not None
    assert found.again.point == pytest.approx(1.08)


@pytest.mark.parametrize(
    ("fresh", "verdict", "outcome"),
    [
        (slower(0.0), Verdict.UNCHANGED, Outcome.UNCHANGED),
        (slower(0.05), Verdict.INCONCLUSIVE, Outcome.INCONCLUSIVE),
        (slower(0.2, 40 * np.array(WOBBLE)), Verdict.INCONCLUSIVE, Outcome.INCONCLUSIVE),
        (slower(0.2, (0.0, 0.001)), Verdict.INCONCLUSIVE, Outcome.INCONCLUSIVE),
        (alone([math.nan] * 5), Verdict.INCONCLUSIVE, Outcome.INCONCLUSIVE),
        (grid(0.2), Verdict.INCONCLUSIVE, Outcome.INCONCLUSIVE),
    ],
    ids=["as fast as before", "at the threshold", "too noisy", "two rounds", "not measured", "other cells"],
)
def test_what_is_not_confirmed_is_no_regression(fresh: Sides, verdict: Verdict, outcome: Outcome) -> None:
    """The first look does not matter, and nothing is left to confirm."""
    gate = decide(slower(0.2), confirmation=fresh)
    assert (gate.findings[0].verdict, gate.outcome, flagged(gate)) == (verdict, outcome, [])


def test_a_confirmation_at_one_per_cent() -> None:
    """Fresh rounds with a p-value between alpha and the level of the first look do not confirm."""
    fresh = slower(0.055)
    p = stats.ttest_1samp(fresh.logs.ravel(), math.log1p(0.05), alternative="greater").pvalue
    assert 0.01 < p < 0.1
    assert decide(slower(0.2), confirmation=fresh).outcome is Outcome.INCONCLUSIVE
    assert decide(slower(0.2), confirmation=fresh, alpha=0.1).outcome is Outcome.REGRESSED


@pytest.mark.parametrize("rounds", [1, 2])
def test_no_verdict_from_fewer_than_three_rounds(rounds: int) -> None:
    """Even ten times slower code has none."""
    (found,) = decide(alone(math.log(10) + np.arange(rounds) * 1e-6)).findings
    assert (found.verdict, found.change, found.p, found.detectable) == (Verdict.INCONCLUSIVE, None, None, None)
    assert decide(alone(np.zeros(rounds))).outcome is Outcome.INCONCLUSIVE


def test_a_shift_of_all_is_the_machines() -> None:
    """With head and control 20 % slower in each round nothing has changed; without the control it is flagged."""
    shifted = 0.2 + np.array(WOBBLE)
    gate = decide(alone(shifted, control=np.full(5, 0.2)))
    assert gate.outcome is Outcome.UNCHANGED
    assert gate.drift is not None
    assert gate.drift.point == pytest.approx(math.exp(0.2))
    assert flagged(decide(alone(shifted)))


def test_a_round_without_control_does_not_count() -> None:
    """A round with a time of zero does not count either."""
    gate = decide(alone([0.0, 0.001, 0.002, 5.0, -math.inf], control=[0.0, 0.0, 0.0, math.nan, 0.0]))
    assert (gate.findings[0].rounds, gate.outcome) == (3, Outcome.UNCHANGED)


def test_the_whole_interval_decides() -> None:
    """Beyond the threshold on either side it means slower or faster, within it unchanged, across it inconclusive."""
    verdicts = {by: decide(slower(by)).findings[0].verdict for by in (0.1, 0.05, 0.01, -0.01, -0.2)}
    assert list(verdicts.values()) == [
        Verdict.FLAGGED,
        Verdict.INCONCLUSIVE,
        Verdict.UNCHANGED,
        Verdict.UNCHANGED,
        Verdict.IMPROVED,
    ]
    assert decide(slower(0.0, 10 * np.array(WOBBLE))).outcome is Outcome.INCONCLUSIVE
    assert decide(slower(0.1), threshold=0.2).outcome is Outcome.UNCHANGED


def test_an_improvement_is_fine_unless_something_else_is_not() -> None:
    """An improvement gives exit code 0; one regression makes all a regression, and one open cell leaves all open."""
    assert decide(slower(-0.2)).outcome is Outcome.IMPROVED
    logs = noisy()
    logs[:, 0, 0] -= 0.5
    logs[:, 1, 1] += 0.5
    assert decide(grid(logs), confirmation=grid(logs)).outcome is Outcome.REGRESSED
    logs[:, 1, 1] = [-0.3, 0.3, 0.0, 0.2, -0.2]
    assert decide(grid(logs)).outcome is Outcome.INCONCLUSIVE


def test_a_mode_shows_what_no_cell_does() -> None:
    """With 4 % in all cells of forward mode the mode is flagged, and neither a cell nor the other mode."""
    logs = noisy(0.001, arms=3)
    logs[:, :, [0, 2]] += math.log(1.04)
    sides = grid(logs, ("forward", "reverse", "jax-jvp"))
    gate = decide(sides, confirmation=sides)
    kinds = {(f.subject.kind, f.subject.name) for f in gate.findings if f.verdict is Verdict.REGRESSED}
    assert kinds >= {(Kind.MODE, "forward"), (Kind.ARM, "forward"), (Kind.ARM, "jax-jvp")}
    assert not kinds & {(Kind.MODE, "reverse"), (Kind.ARM, "reverse"), (Kind.CELL, "forward")}
    assert set(decide(sides).pairs_again) >= {(c, a) for c in sides.cells for a in ("forward", "jax-jvp")}
    assert gate.outcome is Outcome.REGRESSED


def test_pools_are_means_over_their_members_round_by_round() -> None:
    """A row's p-value is that of the t test of its cells' means, at half the threshold, before weighted Holm."""
    logs = noisy(0.01, seed=3) + 0.03
    row = logs.reshape(5, 4, 2)[:, [0, 2]].mean(axis=(1, 2))
    found = next(f for f in decide(grid(logs)).findings if (f.subject.kind, f.subject.name) == (Kind.ROW, "2"))
    plain = stats.ttest_1samp(row, math.log1p(0.025), alternative="greater").pvalue
    p = [
        stats.ttest_1samp(logs[:, c, a], math.log1p(0.05), alternative="greater").pvalue
        for c in range(4)
        for a in (0, 1)
    ]
    pools = [[logs[:, :, a].mean(axis=1) for a in (0, 1)], [row, logs[:, [1, 3]].mean(axis=(1, 2))]]
    pools += [[logs[:, [2 * i, 2 * i + 1]].mean(axis=(1, 2)) for i in (0, 1)]]
    p += [stats.ttest_1samp(x, math.log1p(0.025), alternative="greater").pvalue for kind in pools for x in kind]
    adjusted = holm(np.array(p), np.array([1 / 16] * 8 + [1 / 12] * 6))
    assert found.p == pytest.approx(adjusted[int(np.argmin(np.abs(np.array(p) - plain)))], rel=1e-9)


def test_pools_have_what_was_measured_throughout() -> None:
    """Pools have names and members by kind; incomplete pairs are in none; arms without a direction are in no mode."""
    logs = noisy(arms=3)
    logs[2, 0, 0] = math.nan
    pools = [s for s in subjects_of(grid(logs, ("forward", "jax-jvp", "null"))) if s.pooled]
    sizes = {(s.kind.value, s.name): len(s.members) for s in pools}
    assert sizes == {
        ("mode", "forward"): 7,
        ("arm", "forward"): 3,
        ("arm", "jax-jvp"): 4,
        ("arm", "null"): 4,
        ("m", "2"): 5,
        ("m", "3"): 6,
        ("n", "1"): 5,
        ("n", "8"): 6,
    }
    assert not any(s.pooled for s in subjects_of(slower(0.0)))


def test_a_pool_is_confirmed_by_all_of_its_members_only() -> None:
    """Fresh rounds without one of its cells say nothing of it."""
    logs = noisy(0.001) + np.array([math.log(1.04), 0.0])
    fresh = logs.copy()
    fresh[:, 3, 0] = math.nan
    assert decide(grid(logs), confirmation=grid(logs)).outcome is Outcome.REGRESSED
    gate = decide(grid(logs), confirmation=grid(fresh))
    mode = next(f for f in gate.findings if f.subject.kind is Kind.MODE)
    assert (mode.verdict, mode.open, gate.outcome) == (Verdict.INCONCLUSIVE, True, Outcome.INCONCLUSIVE)


def test_an_open_pool_leaves_its_cells_their_word() -> None:
    """With all 2.5 % slower, pools are open, but no cell is beyond 5 %."""
    gate = decide(grid(noisy() + math.log1p(0.025)))
    assert {f.verdict for f in gate.findings if f.subject.pooled} == {Verdict.INCONCLUSIVE}
    assert gate.outcome is Outcome.UNCHANGED


def test_detectable_is_found_in_nine_of_ten() -> None:
    """SciPy's noncentral t gives this at the level of the first look."""
    (found,) = decide(slower(0.0)).findings
    assert found.detectable is not None
    error = np.std(WOBBLE, ddof=1) / math.sqrt(5)
    shift = (math.log1p(found.detectable) - math.log1p(0.05)) / error
    assert stats.nct.sf(stats.t.isf(0.1, 4), 4, shift) == pytest.approx(0.9, abs=1e-6)
