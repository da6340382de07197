"""Arrays as text: base64 of little-endian numbers, which a browser decodes into typed arrays at once."""

import base64
from typing import Any

import numpy as np

__all__ = ["counts", "indices", "numbers"]


def numbers(values: Any) -> dict[str, str]:  # noqa: ANN401 - anything that becomes an array
    """To seven digits; NaN is what is not known."""
    return _packed(values, "<f4")


def counts(values: Any) -> dict[str, str]:  # noqa: ANN401 - likewise
    """Exact up to 2**53; NaN is what is not known."""
    return _packed(values, "<f8")


def indices(values: Any) -> dict[str, str]:  # noqa: ANN401 - likewise
    """Whole numbers; -1 is none."""
    return _packed(values, "<i4")


def _packed(values: Any, dtype: str) -> dict[str, str]:  # noqa: ANN401 - likewise
    data = np.ascontiguousarray(values, dtype=dtype).tobytes()
    return {"type": dtype[1:], "base64": base64.b64encode(data).decode("ascii")}
