"""A choice by counts: the cheapest mode that fits, or else reverse mode."""

from typing import Any

import pytest

from fwdrev.api.mode_choice import by_counts
from fwdrev.modes.functions.mode_costs import ModeCosts
from fwdrev.modes.jaxpr.cost import RATES, JaxprCost


def counted(refused: dict[str, str] | None = None, **modes: tuple[float, float]) -> ModeCosts:
    """The seconds and the peak bytes of each mode."""
    costs = {
        mode: JaxprCost(
            counts={"elements": round(seconds / RATES["elements"])},
            largest_bytes=0,
            result_bytes=0,
            peak_bytes=int(peak),
        )
        for mode, (seconds, peak) in modes.items()
    }
    return ModeCosts(costs=costs, programs={}, refused=refused or {})


@pytest.mark.parametrize(
    ("modes", "mode", "words"),
    [
        ({"forward": (1.0, 1), "reverse": (2.0, 1)}, "forward", "0.5 of the time of the next mode"),
        ({"forward": (2.0, 1), "reverse": (1.0, 1)}, "reverse", "0.5 of the time of the next mode"),
        ({"forward": (0.99, 1), "reverse": (1.0, 1)}, "reverse", "no other mode to take less than 98%"),
        ({"forward": (1.0, 1), "reverse": (2.0, 1), "mixed": (0.5, 1)}, "mixed", "0.5 of the time"),
        ({"forward": (1.0, 1.24e9), "reverse": (2.0, 1e9)}, "forward", "0.5 of the time"),
        (
            {"forward": (1.0, 1.5e9), "reverse": (2.0, 1e9)},
            "reverse",
            "forward mode is out of the question: it needs far",
        ),
        ({"forward": (1.0, 2e8), "reverse": (2.0, 0)}, "forward", "0.5 of the time"),
        ({"forward": (1.0, 2.1e8), "reverse": (2.0, 0)}, "reverse", "it needs far more memory"),
        ({"forward": (1.0, 1.5e9)}, "forward", "reverse mode: JAX refuses it"),
        ({"reverse": (1.0, 1)}, "reverse", "forward mode is out of the question: no rule"),
        ({}, "reverse", "reverse mode: JAX refuses it"),
    ],
)
def test_the_cheapest_that_fits(modes: dict[str, Any], mode: str, words: str) -> None:
    """Forward mode must save two per cent, and may need a quarter and 200 MB more memory."""
    refused = {"reverse": "JAX refuses it"} if "reverse" not in modes else {"forward": "no rule"}
    found = by_counts(counted({} if len(modes) > 1 else refused, **modes))
    assert found.mode == mode
    assert words in found.reason
    assert found.seconds.keys() == modes.keys()


def test_what_is_beyond_three_times_the_best_is_not_in_question() -> None:
    """A mode that does not fit is not in question either."""
    found = by_counts(counted(forward=(1.0, 1), reverse=(2.9, 1), mixed=(3.1, 1)))
    assert found.in_question == ["forward", "reverse"]
    assert by_counts(counted(forward=(1.0, 1e9), reverse=(2.0, 1))).in_question == ["reverse"]
