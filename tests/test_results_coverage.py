"""The interval of the crossover contains the true crossover as often as it says."""

from fwdrev.results import crossover, log_ratios
from tests.scripted import scripted_run, true_m, true_n

PAIR = ("forward", "reverse")
SWEEPS = 400


def test_crossover_interval_covers() -> None:
    """In 400 simulated sweeps (values 5 % noisy, rounds shifted by 5 %) 93 to 97 % of the intervals hold the truth."""
    hits: list[bool] = []
    for seed in range(SWEEPS):
        found = crossover(log_ratios(scripted_run(seed, noise=0.05, shift=0.05), PAIR))
        for n, crossing in found.in_m.items():
            size = crossing.size
            assert size is not None
            assert size.low is not None
            assert size.high is not None
            hits.append(size.low <= true_m(n) <= size.high)
    assert len(hits) == SWEEPS * 4
    assert 0.93 <= sum(hits) / len(hits) <= 0.97


def test_without_noise_the_crossover_is_exact() -> None:
    """Up to interpolation: within 2 % on a grid of powers of two, in both directions."""
    found = crossover(log_ratios(scripted_run(inputs="16:1024:*2", outputs="1:1024:*2"), PAIR))
    for known, crossings in ((true_m, found.in_m), (true_n, found.in_n)):
        inside = {at: c.size.point for at, c in crossings.items() if c.size is not None}
        assert len(inside) >= 5
        for at, point in inside.items():
            assert abs(point / known(at) - 1) < 0.02
