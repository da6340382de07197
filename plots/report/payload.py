"""What a report shows, as plain data: every statistic is computed here; the browser only divides what has no interval.

Columns over the cells are packed arrays in the order of `cells`: base64 of little-endian numbers, which a browser
decodes into typed arrays at once. What is not known is NaN, or -1 for an index.
"""

import base64
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.modes.registry import find_engine
from fwdrev.plots.core.frame import inputs_label
from fwdrev.plots.core.style import colour, line_style, marks, shade
from fwdrev.plots.figures.regret import scored
from fwdrev.plots.figures.winner_map import contenders
from fwdrev.plots.pair import PairOfRun, pair_of_run
from fwdrev.results.costs.calibration import calibration_of
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import arms, times
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.export import spec_toml
from fwdrev.results.runs.observations import Observations
from fwdrev.results.runs.run import Run
from fwdrev.results.runs.winners import winners
from fwdrev.results.stats.blocks import Blocks, block_median
from fwdrev.results.stats.crossover import crossover, crossover_points
from fwdrev.results.stats.estimate import log_means
from fwdrev.results.text.sentences import pair_words, winner_words
from fwdrev.results.text.summary import failure_lines, law_text, prediction_text, processes_text

MOST_VALUES = 600_000
"""Up to so many timed blocks are in the report one by one (3.2 MB); beyond, the median of each round."""

_MOST_PREDICTED = 300
"""Cells: each has to be planned for every engine, which takes a millisecond or several."""

_FLOAT, _EXACT, _INDEX = "f4", "f8", "i4"
"""Types of packed numbers: seven digits; whole numbers up to 2**53; indices."""

_COUNTS = ("multiply_adds", "passes", "bytes_moved", "peak_bytes", "allocated_bytes", "program_bytes")


def run_payload(run: Run) -> dict[str, Any]:
    """Everything about one run."""
    blocks, table = timed_blocks(run), arms(run)
    sizes = [(cell.n, cell.m) for cell in Observations.of(run.observations).cells]
    cells = pd.MultiIndex.from_tuples(sizes, names=["n", "m"]) if sizes else pd.MultiIndex.from_arrays([[], []])
    names = [name for name in run.spec.engines if name in set(table["engine"]) | set(blocks.engines)]
    return {
        **_facts(run),
        "engines": [_engine(name, mark) for name, mark in marks(names).items()],
        "measured": [names.index(name) for name in blocks.engines],
        "cells": {"n": _packed([n for n, _ in sizes], _INDEX), "m": _packed([m for _, m in sizes], _INDEX)},
        "columns": _columns(blocks, table, cells, names),
        "values": _values(blocks, cells),
        "pairs": [_pair(run, blocks, table, cells, pair) for pair in combinations(blocks.engines, 2)],
        "winners": _winners(blocks, cells, names),
    }


def _packed(values: ArrayLike, kind: str = _FLOAT) -> dict[str, str]:
    data = np.asarray(values, dtype=f"<{kind}").tobytes()
    return {"type": kind, "base64": base64.b64encode(data).decode("ascii")}


def _facts(run: Run) -> dict[str, Any]:
    """What was measured, where, and what went wrong."""
    spec = run.spec
    return {
        "name": run.folder.resolve().name,
        "created": run.created,
        "problem": spec.problem,
        "options": dict(spec.options),
        "wrt": spec.wrt.value,
        "dtype": spec.dtype,
        "processes": processes_text(run),
        "inputs": inputs_label(spec),
        "outputs": "outputs m",
        "grid": {"n": list(spec.sizes_n), "m": list(spec.sizes_m)},
        "machine": run.machine,
        "spec": spec_toml(spec),
        "failures": failure_lines(run),
        "warnings": list(run.warnings),
    }


def _engine(name: str, mark: str) -> dict[str, Any]:
    found = find_engine(name)
    return {
        "name": name,
        "mark": mark,
        "direction": found.direction.value if found else "unknown",
        "colour": colour(name),
        "shade": shade(name),
        "dashed": line_style(name) != "-",
    }


def _columns(blocks: Blocks, table: pd.DataFrame, cells: pd.MultiIndex, names: list[str]) -> list[dict[str, Any]]:
    """For each engine a column of each cost."""
    timed = times(blocks).set_index(["n", "m"])
    each = table.set_index(["n", "m"])
    columns = []
    for name in names:
        own = timed[timed["engine"] == name].reindex(cells)
        costs = each[each["engine"] == name].reindex(cells)
        found = {"time": "point", "low": "low", "high": "high"}
        columns.append(
            {key: _packed(own[column]) for key, column in found.items()}
            | {"prepare_seconds": _packed(costs["prepare_seconds"].astype(float))}
            | {key: _packed(costs[key].astype(float), _EXACT) for key in _COUNTS}
        )
    return columns


def _values(blocks: Blocks, cells: pd.MultiIndex) -> dict[str, Any]:
    """Seconds of each timed block, (cells, engines, rounds, blocks); of each round where there are too many blocks."""
    logs = blocks.logs.transpose(1, 2, 0, 3)
    whole = logs.size <= MOST_VALUES
    if not whole:
        logs = block_median(blocks.logs).transpose(1, 2, 0)[..., np.newaxis]
    timed = pd.MultiIndex.from_tuples([(c.n, c.m) for c in blocks.cells]) if blocks.cells else cells[:0]
    return {
        "whole": whole,
        "rounds": list(blocks.rounds),
        "blocks": logs.shape[-1],
        "row": _packed(timed.get_indexer(cells), _INDEX),
        "seconds": _packed(np.exp(logs)),
    }


def _pair(run: Run, blocks: Blocks, table: pd.DataFrame, cells: pd.MultiIndex, pair: tuple[str, str]) -> dict[str, Any]:
    """Time of the first ÷ time of the second in each cell, where they cross, and who says so."""
    names = {"one": pair[0], "other": pair[1]}
    planned = pair in default_pairs(blocks.engines) and len(cells) <= _MOST_PREDICTED
    try:
        of = pair_of_run(run, pair, calibration_of(run) if planned else None, blocks, table)
    except NothingMeasuredError:  # no cell has both
        return names | {"empty": True}
    return names | _compared(of, cells)


def _compared(of: PairOfRun, cells: pd.MultiIndex) -> dict[str, Any]:
    found = crossover(of.ratios)
    ends = zip(("point", "low", "high"), log_means(of.ratios.table.to_numpy()), strict=True)
    means = pd.DataFrame(dict(ends)).set_axis(of.ratios.table.columns).reindex(cells)
    return {
        **{key: _packed(means[key]) for key in ("point", "low", "high")},
        "words": [*pair_words(of.ratios, found), *([prediction_text(of.found)] if of.found else [])],
        "law": law_text(found.law) if found.law else None,
        "crossover": [{"n": n, "open": list(c.open_ends)} | c.size.to_json() for n, c in found.in_m.items() if c.size],
        "counted": [[n, at] for n, at in crossover_points(of.counts).items()],
        "expected": [[n, at] for n, at in crossover_points(of.model).items()] if of.model else [],
        "rules": [score.to_json() for score in scored(of) or []],
    }


def _winners(blocks: Blocks, cells: pd.MultiIndex, names: Sequence[str]) -> Mapping[str, Any]:
    """The fastest engine in each cell and the next; without those that compute nothing."""
    table = winners(blocks, contenders(blocks.engines))
    at = table.set_index(["n", "m"]).reindex(cells)
    index = {name: i for i, name in enumerate(names)}
    return {
        **{key: _packed([index.get(name, -1) for name in at[key]], _INDEX) for key in ("engine", "next")},
        **{key: _packed(at[key].astype(float)) for key in ("point", "low", "high")},
        "words": winner_words(table),
    }
