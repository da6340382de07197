"""Modes are raced within the limit of the call that they replace: the likeliest first, others while there is time."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.api import fastest
from fwdrev.api.fastest import raced


class World:
    """A clock that advances with preparations and calls, and records both."""

    def __init__(self, preparing: float, **seconds: float) -> None:
        self.now, self.log = 0.0, list[str]()
        self.arms = {name: self._arm(name, preparing, each) for name, each in seconds.items()}

    def _arm(self, name: str, preparing: float, seconds: float) -> Callable[[], Callable[[], object]]:
        def call() -> None:
            self.now += seconds
            self.log.append(name)

        def arm() -> Callable[[], object]:
            self.now += preparing
            return call

        return arm


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[World], None]:
    """Replaces the clock and the blocks by a world's."""

    def put(world: World) -> None:
        monkeypatch.setattr(fastest, "perf_counter", lambda: world.now)
        monkeypatch.setattr(fastest, "_typical", lambda calls: dict.fromkeys(calls, 1.0))

    return put


@pytest.mark.parametrize(
    ("preparing", "seconds", "expected", "log"),
    [
        (0.1, {"forward": 0.2, "reverse": 0.3}, {"forward": 1.0, "reverse": 2.0}, ["forward", "reverse"]),
        (0.1, {"forward": 0.3, "reverse": 0.2}, {"forward": 2.0, "reverse": 1.0}, ["reverse", "forward"]),
        (2.0, {"forward": 0.2, "reverse": 0.3}, {"forward": 1.0, "reverse": 2.0}, ["forward"]),
        (2.0, {"forward": 9.0, "reverse": 9.0}, {"forward": 1.0, "reverse": 2.0}, ["forward", "reverse"]),
        (0.1, {"forward": 9.0, "reverse": 4.0}, {"forward": 2.0, "reverse": 1.0}, ["reverse"]),
    ],
    ids=["both fit", "the likeliest first", "compiling takes long", "beside a long call", "three calls are too many"],
)
def test_the_next_arm_runs_only_if_it_fits(
    timed: Any, preparing: float, seconds: dict[str, float], expected: dict[str, float], log: list[str]
) -> None:
    """An arm's time, by the first arm's time and the counts, must fit into two calls of reverse mode and a second."""
    world = World(preparing, **seconds)
    timed(world)
    found = raced(world.arms, expected)
    assert world.log == log
    assert found == {name: pytest.approx(seconds[name]) for name in log}


def test_quick_arms_are_timed_in_blocks_and_slow_ones_are_not(timed: Any) -> None:
    """An arm three times slower at its first call is not called again."""
    world = World(0.0, forward=0.001, reverse=0.002, mixed=0.004)
    timed(world)
    found = raced(world.arms, {"forward": 1.0, "reverse": 1.0, "mixed": 1.0})
    assert found == {"forward": 1.0, "reverse": 1.0, "mixed": pytest.approx(0.004)}


def test_constants_are_arguments_of_what_is_compiled() -> None:
    """XLA would sort them while compiling."""
    X = np.ones((50, 3), np.float32)
    program = jax.make_jaxpr(lambda p: jnp.sort(X, axis=0) @ p)(jnp.ones(3))
    shapes: list[Any] = []
    real = jax.jit

    def noted(f: Any) -> Any:
        compiled = real(f)

        class Noted:
            @staticmethod
            def lower(constants: Any, leaves: Any) -> Any:
                shapes.append([c.shape for c in constants])
                return compiled.lower(constants, leaves)

        return Noted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwdrev.api.fastest.jax.jit", noted)
        call = fastest._compiling(program, jnp.ones(3))()
    assert shapes == [[(50, 3)]]
    np.testing.assert_array_equal(call()[0], np.full(50, 3.0))  # type: ignore[index]
