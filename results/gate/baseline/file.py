"""A stored baseline: a run's results, small enough to keep in a repository and to read in a diff.

One line for each arm in a cell, each pair of arms in a cell and each crossover, in a fixed order, so that a diff
shows the changes. No host names, no paths, and only the values that a comparison needs.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fwdrev.bench.records.given_file import content
from fwdrev.bench.records.whole_file import write_whole
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.baseline.record import BASELINE_FORMAT, Baseline, sweep_in
from fwdrev.results.runs.schema import Machine


def baseline_text(baseline: Baseline) -> str:
    """The text of the file, the same for any order of the baseline's entries."""
    parts = ",\n".join(f"{json.dumps(name)}: {_part(baseline, name)}" for name in Baseline.model_fields)
    return f"{{\n{parts}\n}}\n"


def _part(baseline: Baseline, name: str) -> str:
    """Facts by name and records in order, one line each; anything else unchanged."""
    value = getattr(baseline, name)
    if isinstance(value, tuple):
        entries = sorted(value, key=lambda entry: entry.key)
        return _lines("[", [_plain(entry.model_dump(mode="json", exclude_defaults=True)) for entry in entries], "]")
    if isinstance(value, Machine):
        value = value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, dict):
        return _lines("{", [f"{_plain(key)}: {_plain(value[key], sort_keys=True)}" for key in sorted(value)], "}")
    return _plain(value)


def _lines(begin: str, lines: Iterable[str], end: str) -> str:
    inside = ",\n".join(f"  {line}" for line in lines)
    return f"{begin}\n{inside}\n{end}" if inside else f"{begin}{end}"


def _plain(value: Json, *, sort_keys: bool = False) -> str:
    return json.dumps(value, allow_nan=False, sort_keys=sort_keys)


def save_baseline(baseline: Baseline, path: Path, *, force: bool = False) -> None:
    """Writes it, whole or not at all.

    Raises InputError if the file exists, unless `force` replaces it, or cannot be written.
    """
    try:
        write_whole(path, baseline_text(baseline), new=not force)
    except FileExistsError:
        raise InputError(f"{path} exists already: --force replaces it, or give another file") from None
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; give a file in a folder that can be written"
        raise InputError(msg) from None


def load_baseline(path: Path) -> Baseline:
    """Reads it; raises InputError if the file is no baseline, is damaged, or comes from a later version of fwdrev."""
    try:
        text = content(path).decode("utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot read {path} ({error.strerror}): give the file that `fwdrev baseline RUN -o FILE` wrote"
        raise InputError(msg) from None
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # not JSON, or absurd numbers and depths
        raise _refused(path, str(error)) from None
    given = data.get("format") if isinstance(data, dict) and "ratios" in data else None
    if isinstance(given, int) and given > BASELINE_FORMAT:  # it may have fields of later versions
        msg = f"{path} has format {given}: this version of fwdrev reads 1 to {BASELINE_FORMAT}; update fwdrev"
        raise InputError(msg)
    try:
        found = Baseline.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _refused(path, f"{where or 'it'}: {first['msg']}") from None
    sweep_in(found.spec, path)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a name with two values, as a bad merge leaves it."""
    for name, count in Counter(name for name, _ in pairs).items():
        if count > 1:
            raise ValueError(f"{name!r} is there twice")
    return dict(pairs)


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is no baseline, or damaged: {reason}; write it anew by `fwdrev baseline RUN -o FILE`")
