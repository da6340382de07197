"""Where a situation comes from."""

import re

import pytest

__all__ = ["OURS", "SOURCE", "report"]

OURS = "found by us"
"""The source of what nobody has reported in public."""

SOURCE = re.compile(rf"[\w.-]+/[\w.-]+#\d+|https://\S+|{OURS}(: .+)?")
"""OWNER/REPOSITORY#NUMBER, the address of a page, or `OURS`, with how it was found if that says more."""


def report(source: str) -> pytest.MarkDecorator:
    """The mark of a situation that was reported there."""
    if not SOURCE.fullmatch(source):
        msg = f"{source!r}: give OWNER/REPOSITORY#NUMBER, the address of a page, or {OURS!r}"
        raise ValueError(msg)
    return pytest.mark.report(source)
