"""Engines as a sweep uses them: those that plan do so at the prices in the sweep's folder, if there are any."""

import json
from functools import cache
from pathlib import Path

from fwdrev.bench.records.whole_file import write_whole
from fwdrev.modes.bracketing.machine_prices import Seconds
from fwdrev.modes.core.engine import Engine
from fwdrev.modes.core.prices import OPERATIONS, Prices
from fwdrev.modes.registry import engine

_FILE = "prices.json"


def hand_out(prices: Seconds, folder: Path) -> None:
    """Hand these prices to all workers of the sweep whose files are in `folder`."""
    write_whole(folder / _FILE, json.dumps(prices.to_json()))


def planned(name: str, folder: Path) -> Engine:
    """The engine of that name; it plans by operations if no prices were handed out."""
    return engine(name).priced(_prices(folder))


@cache
def _prices(folder: Path) -> Prices:
    try:
        return Seconds.from_json(json.loads((folder / _FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return OPERATIONS
