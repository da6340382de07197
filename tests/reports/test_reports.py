"""`fwdrev.jacobian` gives what jax.jacobian gives in every situation of the tables: at once, again, and compiled."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest

import fwdrev
from tests.reports import arguments, arrays, keys, large, libraries, loops, values
from tests.reports.comparing import arguments_of, assert_same, compiled, outcome
from tests.reports.situation import OURS, Call, Situation

SITUATIONS: dict[str, Situation] = {}
for module in (large, values, keys, arguments, loops, arrays, libraries):
    assert not SITUATIONS.keys() & module.SITUATIONS.keys()
    SITUATIONS |= module.SITUATIONS

TRACED = [
    name for part in (keys, arguments, loops) for name, one in part.SITUATIONS.items() if one.jit and not one.long
]
"""The situations that are about tracing, and not about the values of an operation or a library."""


@pytest.fixture(autouse=True)
def as_users_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ranks are promoted, as JAX does by default, and the cache folder is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.numpy_rank_promotion("allow"):
        yield


def check(found: Any, expected: Any, call: Call) -> None:
    """Expects the other side's value or type of exception; where JAX may refuse, we may answer."""
    (value, error), (known, refusal) = found, expected
    if refusal is not None and call.refused and error is None:
        return
    assert error == refusal
    if refusal is None:
        assert_same(value, known, call.rounding)


def made(name: str) -> tuple[Call, Call]:
    """Our function and its arguments, and JAX's."""
    ours = SITUATIONS[name].make()
    return ours, SITUATIONS[name].make() if SITUATIONS[name].anew else ours


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if one.long else name for name, one in SITUATIONS.items()]
)
def test_called(name: str) -> None:
    """Values, structure, dtypes and exceptions are those of JAX, at each of two or more calls."""
    ours, theirs = made(name)
    found, expected = fwdrev.jacobian(ours.f, **ours.options, **ours.ours), jax.jacobian(theirs.f, **theirs.options)
    for one, other in zip(arguments_of(ours), arguments_of(theirs), strict=True):
        with warnings.catch_warnings():
            if ours.doubt:
                warnings.filterwarnings("ignore", "(?is).*mode", UserWarning)
            result = outcome(found, one)
        check(result, outcome(expected, other), ours)


@pytest.mark.long
@pytest.mark.parametrize("name", TRACED)
def test_compiled(name: str) -> None:
    """Results are those of JAX inside jax.jit too, where the two modes are not compared."""
    ours, theirs = made(name)
    found, expected = fwdrev.jacobian(ours.f, **ours.options, **ours.ours), jax.jacobian(theirs.f, **theirs.options)
    (first, *_), (known, *_) = arguments_of(ours), arguments_of(theirs)
    result = outcome(compiled(found, first), ((), {}))
    if result[1] is None and ours.doubt:
        return
    alone = outcome(expected, known)
    if result[1] is not None or alone[1] is not None:  # the two may say so in different ways when compiled
        alone = outcome(compiled(expected, known), ((), {}))
    check(result, alone, ours)


def test_every_situation_has_its_report() -> None:
    """A situation's report is a repository and a number, or says that there is none."""
    for name, situation in SITUATIONS.items():
        assert situation.report == OURS or re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", situation.report), name
