"""The source of each situation."""

import re

import pytest

__all__ = ["OURS", "SOURCE", "report"]

OURS = "found by us"
"""The source of situations that were not reported in public."""

SOURCE = re.compile(rf"[\w.-]+/[\w.-]+#\d+|https://\S+|{OURS}(: .+)?")
"""OWNER/REPOSITORY#NUMBER, the address of a page, or `OURS`, with how we found it if that helps."""


def report(source: str) -> pytest.MarkDecorator:
    """Marks a situation with its source."""
    if not SOURCE.fullmatch(source):
        msg = f"{source!r}: give OWNER/REPOSITORY#NUMBER, the address of a page, or {OURS!r}"
        raise ValueError(msg)
    return pytest.mark.report(source)
