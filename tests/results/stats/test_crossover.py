"""The crossover along a line: found if there is one, otherwise a value that says so, with honest intervals."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from scipy import stats
from scipy.interpolate import PchipInterpolator

from fwdrev.results import Crossing, LogRatios, Status, crossing, crossover, log_ratios
from fwdrev.results.stats.pchip import MonotoneCubic
from fwdrev.results.text.summary import crossover_lines, law_text, size_text
from tests.scripted import scripted_run

PAIR = ("forward", "reverse")
SIZES = np.array([1, 4, 16, 64, 256])


def _line(*logs: list[float]) -> Any:
    return crossing(SIZES, np.array(logs), PAIR)


def test_a_zero_between_two_sizes() -> None:
    """The zero is halfway in logarithms."""
    found = _line([2, 1, 0.5, -0.5, -1], [2, 1, 0.5, -0.5, -1.1])
    assert found.status is Status.FOUND
    assert found.size is not None
    assert found.size.point == pytest.approx(32, rel=0.02)
    assert found.cheaper == "reverse"


def test_none_in_range_is_a_value() -> None:
    """The value says which engine is cheaper throughout."""
    found = _line([2, 1, 1, 1, 1], [2, 1, 1, 1, 2])
    assert found.status is Status.NONE
    assert found.size is None
    assert found.to_json() is None
    assert size_text(found) == "none in range: reverse is cheaper throughout"


def test_one_round_has_a_point_and_no_interval() -> None:
    """An interval would be made up."""
    found = _line([2, 1, 0.5, -0.5, -1])
    assert found.size is not None
    assert found.size.low is None
    assert "no interval" in size_text(found)


def test_an_interval_that_leaves_the_range_says_so() -> None:
    """The interval ends at the edge, marked open."""
    found = _line([2, 1, 1, 1, -0.1], [2, 1, 1, 1, -1.5], [2, 1, 1, 1, 0.3])
    assert found.size is not None
    assert found.open_ends == ("high",)
    assert found.size.high == pytest.approx(256)
    assert "≥ 256" in size_text(found)
    assert found.to_json()["open"] == ["high"]


def test_the_cheaper_one_is_that_of_the_whole_side() -> None:
    """The cheaper engine is the one below the change of sign that counts, by all sizes on either side."""
    assert _line([-3, -3, 1, -3, -2]).cheaper == "forward"
    assert _line([3, 3, -1, 3, 2]).cheaper == "reverse"


def test_sizes_at_which_both_take_the_same_are_all_in_the_interval() -> None:
    """Without noise, the interval is exactly as long."""
    found = _line([2, 0, 0, -1, -1], [2, 0, 0, -1, -1]).size
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(4), pytest.approx(16))


def test_lines_are_those_of_the_grid_that_were_reached() -> None:
    """Sizes in between do not count, nor do those that no round reached."""
    columns = pd.MultiIndex.from_product([[8, 2], [4, 5, 64]], names=["n", "m"])
    ratios = LogRatios(pair=PAIR, table=pd.DataFrame(np.ones((2, 6)), columns=columns), outputs=(4, 64, 256))
    assert (ratios.n, ratios.m) == ([2, 8], [4, 64])
    assert ratios.grid.columns.get_level_values("m").tolist() == [4, 64, 4, 64]


def test_noise_far_from_the_crossover_does_not_move_it() -> None:
    """Of several sign changes, the one that best divides the line is taken."""
    found = _line([-0.01, 0.01, 3, -3, -3], [-0.02, 0.02, 3, -3, -3])
    assert found.size is not None
    assert 16 < found.size.point < 64


@given(
    st.lists(st.lists(st.sampled_from([-1.0, -1e-17, 0.0, 1e-17, 0.3, math.nan]), min_size=5, max_size=5), min_size=1)
)
def test_whatever_was_measured_has_an_answer(logs: list[list[float]]) -> None:
    """Ties, gaps and single sizes are found in range and inside their interval, or are none in range."""
    if np.isnan(logs).all():
        return
    found = _line(*logs)
    if found.size is None:
        return
    assert 1 - 1e-9 <= found.size.point <= 256 + 1e-9
    if found.size.low is not None:
        assert found.size.low <= found.size.point * (1 + 1e-9)
        assert found.size.high >= found.size.point * (1 - 1e-9)


@given(st.lists(st.sampled_from([-2.0, -0.7, -0.1, 0.0, 0.1, 0.3, 1.0]), min_size=2, max_size=9))
def test_between_two_sizes_it_is_scipys_monotone_cubic(mean: list[float]) -> None:
    """The curve is SciPy's where it is flat, at both ends, and for two points."""
    x, steps = np.log(np.arange(2, 2 + len(mean)) ** 2), np.linspace(0, 1, 5)[:, np.newaxis]
    pieces = np.arange(len(mean) - 1)
    at = x[:-1] + steps * np.diff(x)
    np.testing.assert_allclose(MonotoneCubic(x, np.array(mean))(pieces, at), PchipInterpolator(x, mean)(at), atol=1e-12)


@given(st.integers(0, 10_000), st.integers(2, 7))
def test_a_crossing_is_where_the_curve_is_zero_and_ends_where_t_says(seed: int, rounds: int) -> None:
    """Each follows its own formula: SciPy's curve, and the error from interpolated values of the rounds."""
    rng = np.random.default_rng(seed)
    logs = np.linspace(1, -1, 5) + rng.normal(0, 0.3, 5) + rng.normal(0, 0.2, (rounds, 5))
    x, found = np.log(SIZES), _line(*logs)
    assert found.size is not None
    curve = PchipInterpolator(x, logs.mean(axis=0))
    assert abs(curve(math.log(found.size.point))) < 1e-10
    for name, end in (("low", found.size.low), ("high", found.size.high)):
        if name not in found.open_ends:
            between = [np.interp(math.log(end), x, one) for one in logs]
            error = np.std(between, ddof=1) / math.sqrt(rounds)
            half = stats.t.ppf(0.975, rounds - 1) * error
            assert abs(curve(math.log(end))) == pytest.approx(half, rel=1e-7, abs=1e-10)


def test_interrupted_rounds_count_where_they_are_complete() -> None:
    """Every size has its own rounds, and the interval knows their number."""
    nan = math.nan
    rounds = [2, 1, 0.5, -0.5, -1], [2.1, 1.1, 0.6, -0.6, -1.1], [1.9, 0.9, 0.4, -0.4, -0.9]
    whole, more = _line(*rounds), _line(*rounds, [nan, nan, 0.5, -0.5, nan], [nan, nan, 0.5, -0.5, nan])
    assert whole.size is not None
    assert more.size is not None
    assert more.size.point == pytest.approx(whole.size.point)
    assert _width(more) < _width(whole), "two more rounds at both neighbours"
    torn = _line([2, 1, nan, -0.5, -1], [nan, nan, 0.5, nan, nan])
    assert torn.size is not None
    assert torn.size.low is None, "no size was measured twice"
    assert 4 < torn.size.point < 64


@pytest.mark.parametrize("seed", range(6))
def test_sizes_with_other_rounds_have_their_own_errors(seed: int) -> None:
    """Between two sizes: each mean's variance, the covariance of their common rounds, and freedom in between."""
    rng, x = np.random.default_rng(seed), np.log(SIZES)
    logs = np.array([2, 1, 0.4, -0.6, -1.5]) + rng.normal(0, 0.3, (8, 5))
    logs[:, 1], logs[:5, 2], logs[6:, 3], logs[:7, 4] = np.nan, np.nan, np.nan, np.nan  # 8, 0, 3, 6 and 1 rounds
    if seed % 2:
        logs[5, 3] = np.nan  # so that no round has both neighbours of the crossover
    found, there = _line(*logs).size, ~np.isnan(logs)
    assert found is not None
    curve = PchipInterpolator(x[[0, 2, 3, 4]], np.nanmean(logs[:, [0, 2, 3, 4]], axis=0))
    assert abs(curve(math.log(found.point))) < 1e-9
    for end in (found.low, found.high):
        at = math.log(end or math.nan)
        i, j = (0, 2) if at < x[2] else (2, 3)
        if not x[0] + 1e-9 < at < x[3] - 1e-9:
            continue  # the last size has one round: beyond the one before it, nothing is known
        w, (a, b), both = (at - x[i]) / (x[j] - x[i]), there[:, [i, j]].sum(axis=0), there[:, i] & there[:, j]
        apart = logs[both][:, [i, j]] - np.nanmean(logs[:, [i, j]], axis=0)
        shared = both.sum()
        covariance = apart.prod(axis=1).sum() / (shared - 1) * shared / (a * b) if shared > 1 else 0.0
        own = [np.nanvar(logs[:, k], ddof=1) / there[:, k].sum() for k in (i, j)]
        variance = (1 - w) ** 2 * own[0] + w**2 * own[1] + 2 * w * (1 - w) * covariance
        half = stats.t.ppf(0.975, 1 / ((1 - w) / (a - 1) + w / (b - 1))) * math.sqrt(max(variance, 0))
        assert abs(curve(at)) == pytest.approx(half, rel=1e-6)


def _width(found: Crossing) -> float:
    assert found.size is not None
    assert found.size.low is not None
    assert found.size.high is not None
    return math.log(found.size.high / found.size.low)


def test_the_law_of_a_power() -> None:
    """Crossovers around m* = 2 n^0.75 give it back; where all is linear, the jackknife is the t interval of a mean.

    `test_intervals_cover` tests how often such intervals hold the truth.
    """
    n, m = np.array([16, 64, 256]), np.array([4, 16, 64, 256, 1024])
    wobble = np.array([[0.3, -0.2, 0.1], [-0.1, 0.4, 0.2], [0.2, 0.1, -0.3], [-0.5, -0.2, 0.1]])
    crossings = np.log(2 * n**0.75) + wobble  # of each round
    columns = pd.MultiIndex.from_product([n, m], names=["n", "m"])
    table = pd.DataFrame((np.log(m) - crossings[:, :, np.newaxis]).reshape(4, -1), columns=columns)
    for level in (0.95, 0.5):
        whole = crossover(LogRatios(pair=PAIR, table=table, outputs=tuple(m.tolist())), level)
        law, lines_of_plane = whole.law, [*whole.in_m.values(), *whole.in_n.values()]
        assert law is not None
        assert {one.size.level for one in lines_of_plane if one.size is not None} == {level}
        lines = np.polyfit(np.log(n), crossings.T, 1)  # exponents, then logarithms of factors
        for found, each in ((law.alpha, lines[0]), (law.c, lines[1])):
            low, high = stats.t.interval(level, 3, each.mean(), stats.sem(each))
            expected = np.array([each.mean(), low, high])
            ends = (found.point, found.low, found.high)
            assert ends == pytest.approx(tuple(expected if found is law.alpha else np.exp(expected)))
            assert found.level == level
        assert law_text(law).startswith("m* = ")


def test_two_rounds_have_a_law_without_intervals() -> None:
    """Without one of them, the rest has no spread; a round without a crossover has the same effect."""
    law = crossover(log_ratios(scripted_run(noise=0.01, rounds=2), PAIR)).law
    assert law is not None
    assert (law.alpha.low, law.alpha.high, law.c.low, law.c.high) == (None,) * 4
    three = crossover(log_ratios(scripted_run(noise=0.01, rounds=3), PAIR)).law
    assert three is not None
    assert three.alpha.low is not None


def test_json_has_every_line_of_the_plane() -> None:
    """The documented keys are there: pair, points, law."""
    found = crossover(log_ratios(scripted_run(noise=0.05, inputs="16,64", outputs="4,64,512"), PAIR))
    data = found.to_json()
    assert data["pair"] == ["forward", "reverse"]
    assert [point["n"] for point in data["points"]] == [16, 64]
    assert [point["status"] for point in data["points"]] == ["none in range", "found"]
    assert [point["m"] for point in data["points_in_n"]] == [4, 64, 512]
    assert [point["cheaper_below"] for point in data["points"]] == ["forward", "reverse"]
    assert set(data["points"][1]["m"]) >= {"point", "low", "high", "level"}
    assert any("break even" in line for line in crossover_lines(found))


def test_a_single_cell_has_no_crossover() -> None:
    """The crossover is neither found nor an error."""
    found = crossover(log_ratios(scripted_run(inputs="64", outputs="8"), PAIR))
    assert found.in_m[64].status is Status.NONE
    assert found.law is None
