"""PyTorch, imported when a test first uses it: its import takes two seconds and 200 MB. Skips the test without it.

from tests.reports.torch_on_demand import torch
"""

from typing import Any

import pytest


class _OnDemand:
    """The module's public attributes."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pytest asks for some as it collects
            raise AttributeError(name)
        return getattr(pytest.importorskip("torch"), name)


torch: Any = _OnDemand()
