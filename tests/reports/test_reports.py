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


@pytest.fixture(autouse=True)
def as_users_have_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ranks are promoted, as JAX does by default, and the cache folder is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.numpy_rank_promotion("allow"):
        yield


def check(found: Any, expected: Any, call: Call) -> None:
    """The value of the other side or the type of what it raises; where reverse mode refuses, forward mode may serve."""
    (value, error), (known, refusal) = found, expected
    if refusal is not None and call.forward and error is None:
        return
    assert error == refusal
    if refusal is None:
        assert_same(value, known, call.rounding)


def made(name: str) -> tuple[Call, Call]:
    """What ours is called with, and what JAX's is."""
    ours = SITUATIONS[name].make()
    return ours, SITUATIONS[name].make() if SITUATIONS[name].anew else ours


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if one.long else name for name, one in SITUATIONS.items()]
)
def test_called(name: str) -> None:
    """Twice, or as often as the situation asks for: values, structure, dtypes and exceptions are those of JAX."""
    ours, theirs = made(name)
    found, expected = fwdrev.jacobian(ours.f, **ours.options, **ours.ours), jax.jacobian(theirs.f, **theirs.options)
    for one, other in zip(arguments_of(ours), arguments_of(theirs), strict=True):
        with warnings.catch_warnings():
            if ours.doubt:
                warnings.filterwarnings("ignore", "(?is).*mode", UserWarning)
            result = outcome(found, one)
        check(result, outcome(expected, other), ours)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name, situation in SITUATIONS.items() if situation.jit])
def test_compiled(name: str) -> None:
    """The same inside jax.jit, where the two modes are not compared."""
    ours, theirs = made(name)
    found, expected = fwdrev.jacobian(ours.f, **ours.options, **ours.ours), jax.jacobian(theirs.f, **theirs.options)
    (first, *_), (known, *_) = arguments_of(ours), arguments_of(theirs)
    result = outcome(compiled(found, first), ((), {}))
    if result[1] is None and ours.doubt:
        return
    alone = outcome(expected, known)
    if result[1] is not None or alone[1] is not None:  # the two may say so in different ways when they are compiled
        alone = outcome(compiled(expected, known), ((), {}))
    check(result, alone, ours)


def test_every_situation_has_its_report() -> None:
    """A repository and a number, or that there is none."""
    for name, situation in SITUATIONS.items():
        assert situation.report == OURS or re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", situation.report), name
