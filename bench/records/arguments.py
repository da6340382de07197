"""What the words behind an option mean: names with commas, pairs of engines, a cell, a problem's own options."""

import json
import re
from collections.abc import Sequence
from typing import Any

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.errors import InputError, shown

__all__ = ["cell_of", "engine_pair", "names", "problem_options"]


def names(text: str) -> list[str]:
    """Names with commas between; engines by their own names."""
    from fwdrev.modes.registry import engine_name

    return [engine_name(name) for part in text.split(",") if (name := part.strip())]


def engine_pair(text: str, measured: Sequence[str]) -> tuple[str, str]:
    """Two engines, `one,other`; those that a run has measured need not be installed here."""
    from fwdrev.modes.registry import engine

    given = names(text)
    if len(given) != 2 or given[0] == given[1]:  # noqa: PLR2004 - a pair
        msg = f"pair {shown(text)}: name two different engines with a comma between, e.g. forward,reverse"
        raise InputError(msg)
    for name in given:
        if name not in measured:
            engine(name)
    return given[0], given[1]


def cell_of(text: str) -> Cell:
    """`n,m`, two sizes."""
    given = names(text)
    if len(given) != 2 or not all(re.fullmatch("[1-9][0-9]{0,6}", size) for size in given):  # noqa: PLR2004
        msg = f"cell {shown(text)}: give the inputs and the outputs, two whole numbers from 1 with a comma, e.g. 64,16"
        raise InputError(msg)
    return Cell(int(given[0]), int(given[1]))


def problem_options(given: list[str]) -> dict[str, Any]:
    """`key=value` as numbers where they are numbers."""
    options: dict[str, Any] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            msg = f"option {shown(text)}: write it as name=value, e.g. depth=6"
            raise InputError(msg)
        try:
            options[key] = json.loads(value)
        except (ValueError, RecursionError):  # of JSON, of numbers and depths beyond measure
            options[key] = value
    return options
