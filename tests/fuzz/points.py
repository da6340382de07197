"""Points with faults: archives of arrays of every kind, with false headers."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.strategies import damaged


def _saved(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


_ARRAYS = [
    _saved(array)
    for array in (
        np.arange(3.0),
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0)[::-2],
        np.arange(3, dtype=">f8"),
        np.arange(3, dtype=np.float16),
        np.arange(3, dtype=np.longdouble),
        np.arange(3, dtype=np.uint64),
        np.arange(3) * 1j,
        np.array([True, False]),
        np.array(7),
        np.array(0.5),
        np.array("name"),
        np.array(["a", "b"]),
        np.array([b"a"]),
        np.array(["2026-01-01"], dtype="M8[D]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        np.array([{"a": 1}, None], dtype=object),
        np.array([], dtype=float),
        np.zeros((0, 10**6)),
        np.array([np.nan, np.inf, -np.inf]),
    )
] + [b"", b"text", b"\x93NUMPY"]

_SHAPES = (b"(10**9,)", b"(99999999999,)", b"(-3,)", b"(3,3)", b"()", b"3", b"None", b"(3.0,)", b"(True,)", b"((3,),)")
_DTYPES = (b"'|O'", b"'<f4'", b"'<f3'", b"'V8'", b"'<M8'", b"None", b"[('a','<f8')]", b"'nonsense'", b"'" + b"x" * 5000)
_LIES = [
    *((b"(3,)", shape) for shape in _SHAPES),
    *((b"'<f8'", dtype) for dtype in _DTYPES),
    *((b"False", b"True"), (b"False", b"2"), (b"fortran_order", b"x")),
    *((b"}", b""), (b"{", b"__import__('os')"), (b"<f8", b"\xff")),
]
"""Texts in a header, and their replacements."""


def _lying(data: bytes, lie: tuple[bytes, bytes]) -> bytes:
    """Falsifies a header, and corrects its length if possible."""
    new = data.replace(*lie, 1)
    grown = len(new) - len(data)
    if len(data) > 10 and data.startswith(b"\x93NUMPY"):
        length = int.from_bytes(data[8:10], "little") + grown
        if 0 <= length < 2**16:
            return new[:8] + length.to_bytes(2, "little") + new[10:]
    return new


def _archive(members: Sequence[tuple[str, bytes]], method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def points() -> st.SearchStrategy[bytes]:
    """Archives, single arrays, and fragments of either."""
    array = st.sampled_from(_ARRAYS)
    data = st.one_of(array, st.builds(_lying, array, st.sampled_from(_LIES)), damaged(array))
    name = st.sampled_from(
        ["x.npy", "y.npy", "arr_0.npy", "arr_1.npy", "arr_0", "x", "../x.npy", "a/b.npy", ".npy", "x\n.npy"]
    )
    members = st.lists(st.tuples(name, data), max_size=3, unique_by=lambda member: member[0])
    methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    archives = st.builds(_archive, members, methods)
    return st.one_of(archives, archives, data, damaged(archives))
