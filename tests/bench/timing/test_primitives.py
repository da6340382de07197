"""Prices of array operations: the result of each operation and its place, the measured sizes, and the timing."""

import json
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.machine.environment import worker_settings
from fwdrev.bench.processes.process import Answer
from fwdrev.bench.timing import primitives
from fwdrev.bench.timing.primitives import measure_tables
from fwdrev.modes.core.arrays import Order, order
from fwdrev.modes.errors import NothingMeasuredError

ROWS, INNER, COLUMNS = 3, 4, 5


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> primitives._Room:
    """Small pieces."""
    monkeypatch.setattr(primitives, "_MOST_ENTRIES", 100)
    return primitives._Room()


def piece(room: primitives._Room, number: int, rows: int, columns: int, stored: Order = "C") -> Any:
    """The front of a piece as a matrix."""
    return room._pieces[number][: rows * columns].reshape(rows, columns, order=stored)


def expect_in_place(room: primitives._Room, found: Any, expected: Any, stored: Order) -> None:
    """Expects these values in the left half of a matrix twice as wide, at the front of the last piece, laid out so."""
    rows, columns = expected.shape
    place = piece(room, 3, rows, 2 * columns, stored)[:, :columns]
    np.testing.assert_allclose(found, expected)
    assert (found.strides, found.ctypes.data) == (place.strides, place.ctypes.data)


@pytest.mark.parametrize(("rows", "columns"), [(2, 1), (3, 1), (3, 5), (12, 5)])
def test_a_push_is_that_of_the_g_recursion(room: primitives._Room, rows: int, columns: int) -> None:
    """The map and its result are stored by columns if G, which is twice as wide, is tall."""
    stored = order(rows, 2 * columns)
    J, V = piece(room, 0, rows, INNER, stored), piece(room, 1, INNER, columns, order(INNER, columns))
    found: Any = primitives._PRODUCTS["push"](room, rows, INNER, columns)()
    expect_in_place(room, found, J @ V, stored)


def test_a_pull_is_that_of_the_d_recursion(room: primitives._Room) -> None:
    """The pull is stored by rows, into the result or into new memory."""
    expected = piece(room, 0, ROWS, INNER) @ piece(room, 1, INNER, COLUMNS)
    expect_in_place(room, primitives._PRODUCTS["pull"](room, ROWS, INNER, COLUMNS)(), expected, "C")
    fresh: Any = primitives._PRODUCTS["pull fresh"](room, ROWS, INNER, COLUMNS)()
    np.testing.assert_allclose(fresh, expected)
    assert not any(np.shares_memory(fresh, each) for each in room._pieces)


@pytest.mark.parametrize(("rows", "columns"), [(2, 1), (3, 1), (3, 5), (12, 5)])
def test_other_operations(room: primitives._Room, rows: int, columns: int) -> None:
    """Diagonals multiply from the left or from the right, and copies are exact."""
    stored = order(rows, 2 * columns)
    scaled = room._pieces[0][:rows, None] * piece(room, 1, rows, columns, stored)
    expect_in_place(room, primitives._OTHERS["scale rows"](room, rows, columns)(), scaled, stored)
    new: Any = primitives._OTHERS["scale columns"](room, rows, columns)()
    np.testing.assert_allclose(new, piece(room, 1, rows, columns) * room._pieces[0][:columns])
    expect_in_place(room, primitives._OTHERS["copy"](room, rows, columns)(), piece(room, 1, rows, columns), "C")


@pytest.mark.parametrize(("columns", "outputs", "inputs"), [(1, 1, 1), (2, 1, 1), (6, 2, 2), (7, 3, 1), (20, 4, 4)])
def test_outer_products_are_those_of_a_dense_layer(
    room: primitives._Room, columns: int, outputs: int, inputs: int
) -> None:
    """Products have about as many outputs as inputs and as many parameters as the table says, at least one of each."""
    x, U = room._pieces[0][:inputs], piece(room, 1, ROWS, outputs)
    expected = np.hstack([np.kron(U, x[None, :]), U])
    expect_in_place(room, primitives._OTHERS["outer"](room, ROWS, columns)(), expected, "C")


def test_sizes_that_take_too_long_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The work of a product counts, or the largest of its three matrices."""
    monkeypatch.setattr(primitives, "_MOST_WORK", 64)
    monkeypatch.setattr(primitives, "_MOST_ENTRIES", 32)
    fitting = [(4, 4, 4), (8, 4, 1), (1, 4, 8), (8, 1, 4), (8, 4), (1, 32)]
    assert all(map(primitives._fits, fitting))
    assert not any(map(primitives._fits, [(4, 4, 5), (33, 1, 1), (1, 1, 33), (1, 33, 1), (11, 1, 3), (8, 5)]))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Tables of a few sizes without a clock: records what is timed, for how long, in order."""
    noted: dict[str, list[Any]] = {"timed": [], "pinned": []}

    def make(kind: str) -> Any:
        return lambda _, *sizes: lambda: (kind, *sizes)

    def timed(call: Any, seconds: float) -> float:
        noted["timed"].append((*call(), seconds))
        return float(len(noted["timed"]))

    for name, value in {"_ROWS": 2, "_INNER": 3, "_COLUMNS": 4, "_MOST_WORK": 32, "_MOST_ENTRIES": 8}.items():
        monkeypatch.setattr(primitives, name, value)
    monkeypatch.setattr(primitives, "_PRODUCTS", {"push": make("push")})
    monkeypatch.setattr(primitives, "_OTHERS", {"copy": make("copy")})
    monkeypatch.setattr(primitives, "_timed", timed)
    monkeypatch.setattr(primitives, "pin", noted["pinned"].append)
    return noted


def test_each_size_is_timed_once_in_random_order(tiny: dict[str, list[Any]]) -> None:
    """Each has an equal share of the time; a table has an axis per size, by powers of two, with None as the rest."""
    tables = primitives._tables(60.0, [3])
    assert tiny["pinned"] == [[3]]
    sizes = [("push", a, b, c) for a in (1, 2) for b in (1, 2, 4) for c in (1, 2, 4, 8)]
    sizes = [size for size in sizes if max(size[1] * size[2], size[2] * size[3], size[1] * size[3]) <= 8]
    others: list[Any] = [("copy", a, c) for a in (1, 2) for c in (1, 2, 4, 8) if a * c <= 8]
    came = [each[:-1] for each in tiny["timed"]]
    assert sorted(came) == sorted([*sizes, *others])
    assert came != sorted(came)
    assert {each[-1] for each in tiny["timed"]} == {60.0 / len(came)}
    assert (np.shape(tables["push"]), np.shape(tables["copy"])) == ((2, 3, 4), (2, 4))
    for number, (kind, *at) in enumerate(came, start=1):
        place = tables[kind]
        for size in at:
            place = place[size.bit_length() - 1]
        assert place == number
    assert sum(entry is None for entry in np.ravel(np.array(tables["push"], object))) == 24 - len(sizes)
    assert json.loads(json.dumps(tables)) == tables


def test_the_median_of_three_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call does not count; a second one finds how many calls fill a third of the time, at least one."""
    now, calls = 0.0, 0
    costs = iter([9.0, 0.25, *[1.0] * 4, *[0.5] * 4, *[8.0] * 4])

    def call() -> None:
        nonlocal now, calls
        calls += 1
        now += next(costs)

    monkeypatch.setattr("fwdrev.bench.timing.blocks.perf_counter", lambda: now)
    assert primitives._timed(call, 3.0) == 1.0
    assert calls == 14
    costs = iter([9.0, 2.0, 3.0, 1.0, 2.0])
    assert primitives._timed(call, 3.0) == 2.0
    costs = iter([0.0] * 1000)
    calls = 0
    assert primitives._timed(call, 3e-6) == 0.0
    assert calls == 2 + 3 * 10, "a clock that sees nothing stands for a tenth of a microsecond"


def test_the_tables_come_from_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is pinned, with a worker's settings and a minute of spare time; a failing one gives the reason."""
    asked: list[Any] = []

    def ask(arguments: list[str], environment: dict[str, str], timeout: float) -> Answer:
        asked.append((arguments[:-1], json.loads(arguments[-1]), environment, timeout))
        return Answer(text='{"push": [1]}', problem=None if len(asked) == 1 else "ended with signal SIGSEGV")

    monkeypatch.setattr(primitives, "ask", ask)
    monkeypatch.setattr(primitives, "pinned_cpus", lambda threads: [7] * threads)
    assert measure_tables(8.0) == {"push": [1]}
    request = {"seconds": 8.0, "cpus": [7]}
    assert asked == [(["-m", "fwdrev.bench.timing.primitives"], request, worker_settings(), 68.0)]
    with pytest.raises(NothingMeasuredError, match="could not be measured: ended with signal SIGSEGV; try `fwdrev doc"):
        measure_tables(8.0)
