"""Times single array operations on this machine, in tables over their sizes: the base of the cost model.

    measure_tables(8.0)["push"][3][6][4]     # seconds of (8, 64) · (64, 16)

A table has an axis for each size, in powers of two: rows, inner and columns of a product, rows and columns of
anything else. The maps themselves do each operation, as in the engines: they write into a part of a wider
matrix, stored by rows or by columns. None stands for sizes that would take too long.
"""

import json
import sys
from collections.abc import Callable, Iterable
from functools import partial
from math import prod
from random import Random
from statistics import median
from typing import Any

import numpy as np

from fwdrev.bench.machine.environment import worker_settings
from fwdrev.bench.machine.processors import pin, pinned_cpus
from fwdrev.bench.processes.process import ask
from fwdrev.bench.timing.blocks import timed
from fwdrev.modes.core.arrays import Matrix, Order, Vector, order
from fwdrev.modes.core.cost import Kind
from fwdrev.modes.core.linear_map import Diagonal, Full
from fwdrev.modes.core.structured_map import Outer
from fwdrev.modes.errors import NothingMeasuredError

Call = Callable[[], object]
Make = Callable[..., Call]

_ROWS, _INNER, _COLUMNS = 11, 10, 13
"""The largest sizes on each axis: 1024 rows, 512 inner, 4096 columns."""

_MOST_WORK, _MOST_ENTRIES = 2**25, 2**21
"""The most multiply–adds of a measured product, and the most entries of its largest matrix."""

_REPEATS = 3
"""The number of repeats, of which the median counts: a single delay changes nothing."""

_PATIENCE = 60.0
"""The seconds by which the process may exceed its time."""


def measure_tables(seconds: float) -> dict[str, Any]:
    """The table of each kind of operation, measured in a separate process in about `seconds`.

    Raises NothingMeasuredError if that process does not answer.
    """
    request = {"seconds": seconds, "cpus": pinned_cpus(1)}
    answer = ask(["-m", "fwdrev.bench.timing.primitives", json.dumps(request)], worker_settings(), seconds + _PATIENCE)
    if answer.problem is not None:
        raise NothingMeasuredError(f"array operations could not be measured: {answer.problem}; try `fwdrev doctor`")
    return dict(json.loads(answer.text))


class _Room:
    """Hands out matrices of any shape in memory that is already allocated."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._pieces = [rng.random(2 * _MOST_ENTRIES) for _ in range(4)]

    def matrix(self, piece: int, rows: int, columns: int, order: Order = "C") -> Matrix:
        """A matrix in one of four pieces."""
        return self._pieces[piece][: rows * columns].reshape(rows, columns, order=order)

    def vector(self, piece: int, size: int) -> Vector:
        """A vector in one of four pieces."""
        return self._pieces[piece][:size]

    def place(self, rows: int, columns: int, order: Order = "C") -> Matrix:
        """The left half of a wider matrix, to write a result into."""
        return self.matrix(3, rows, 2 * columns, order)[:, :columns]


def _push(room: _Room, rows: int, inner: int, columns: int) -> Call:
    """Operations as in the G recursion: tall matrices are stored by columns."""
    stored = order(rows, 2 * columns)
    J, V = Full(room.matrix(0, rows, inner, stored)), room.matrix(1, inner, columns, order(inner, columns))
    out = room.place(rows, columns, stored)
    return lambda: J.push(V, out)


def _pull(room: _Room, rows: int, inner: int, columns: int, *, fresh: bool = False) -> Call:
    """Operations as in the D recursion: all by rows, into the result; `fresh`: into a new D."""
    U, J = room.matrix(0, rows, inner), Full(room.matrix(1, inner, columns))
    out = None if fresh else room.place(rows, columns)
    return lambda: J.pull(U, out)


def _scale_rows(room: _Room, rows: int, columns: int) -> Call:
    S, stored = Diagonal(room.vector(0, rows)), order(rows, 2 * columns)
    M, out = room.matrix(1, rows, columns, stored), room.place(rows, columns, stored)
    return lambda: S.push(M, out)


def _scale_columns(room: _Room, rows: int, columns: int) -> Call:
    S, U = Diagonal(room.vector(0, columns)), room.matrix(1, rows, columns)
    return lambda: S.pull(U)


def _outer(room: _Room, rows: int, columns: int) -> Call:
    """A dense layer's weights with about as many rows as columns."""
    outputs = max(1, round(np.sqrt(columns)))
    J = Outer(room.vector(0, max(1, columns // outputs - 1)), outputs)
    U, out = room.matrix(1, rows, outputs), room.place(rows, J.n_in)
    return lambda: J.pull(U, out)


def _copy(room: _Room, rows: int, columns: int) -> Call:
    J, out = Full(room.matrix(1, rows, columns)), room.place(rows, columns)
    return lambda: J.dense(out)


_PRODUCTS: dict[str, Make] = {Kind.PUSH: _push, Kind.PULL: _pull, f"{Kind.PULL} fresh": partial(_pull, fresh=True)}
_OTHERS: dict[str, Make] = {
    Kind.SCALE_ROWS: _scale_rows,
    Kind.SCALE_COLUMNS: _scale_columns,
    Kind.OUTER: _outer,
    Kind.COPY: _copy,
}


def _tables(seconds: float, cpus: list[int]) -> dict[str, Any]:
    """Times all kinds in random order, so that drift does not become structure."""
    pin(cpus)
    tables = {kind: np.full((_ROWS, _INNER, _COLUMNS), None) for kind in _PRODUCTS}
    tables |= {kind: np.full((_ROWS, _COLUMNS), None) for kind in _OTHERS}
    wanted = [(kind, at) for kind, table in tables.items() for at in np.ndindex(table.shape) if _fits(2**a for a in at)]
    room, each = _Room(), seconds / len(wanted)
    for kind, at in Random(0).sample(wanted, len(wanted)):
        call = (_PRODUCTS | _OTHERS)[kind](room, *(2**a for a in at))
        tables[kind][at] = _timed(call, each)
    return {str(kind): table.tolist() for kind, table in tables.items()}


def _fits(sizes: Iterable[int]) -> bool:
    rows, *between, columns = sizes
    inner = prod(between)
    largest = max(rows * inner, inner * columns, rows * columns)
    return rows * inner * columns <= _MOST_WORK and largest <= _MOST_ENTRIES


def _timed(call: Call, seconds: float) -> float:
    """Seconds per call, without the first, which fills the caches."""
    call()
    loops = max(1, round(seconds / _REPEATS / max(timed(call, 1), 1e-7)))
    return median(timed(call, loops) / loops for _ in range(_REPEATS))


if __name__ == "__main__":
    json.dump(_tables(**json.loads(sys.argv[1])), sys.stdout)
