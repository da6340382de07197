"""Observations in columns are those that were put in, and lines that are read quickly mean the same."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from fwdrev.bench import Cell, Observation
from fwdrev.bench.records.observation import ArmResult, Status
from fwdrev.results import load, timed_blocks, values
from fwdrev.results.runs.observations import Observations
from fwdrev.results.runs.schema import parse_line, plain_line
from tests.scripted import on_disk, on_machines, scripted_run

RUN = scripted_run(noise=0.05, inputs="64,128", outputs="4,16", rounds=3)
FAILED = ArmResult(status=Status.CRASHED, reason="it fell")


def _mixed() -> list[Observation]:
    """Passes, whole rounds on two machines and on none, and some in which one engine or both failed."""
    found = list(on_machines(RUN, ("b", "a")).observations)
    found[9] = replace(found[9], machine=None, seconds=None)
    found[11] = replace(found[11], arms={**found[11].arms, "reverse": FAILED})
    found[13] = replace(found[13], arms=dict.fromkeys(found[13].arms, FAILED))
    found[15] = replace(found[15], machine="c", arms={**found[15].arms, "forward": FAILED})
    return found


@pytest.mark.parametrize("given", [RUN.observations, _mixed(), [], _mixed()[:8], _mixed()[11:12]])
def test_they_are_what_was_put_in(given: Sequence[Observation]) -> None:
    """As a sequence: in order, by position from either end, in parts."""
    found = Observations.of(given)
    assert found == tuple(given)
    assert list(found) == list(given)
    assert [found[i] for i in range(-len(given), len(given))] == [*given, *given]
    assert found[2:-1:2] == tuple(given[2:-1:2])
    assert Observations.of(found) is found
    with pytest.raises(IndexError):
        found[len(given)]
    assert found != (*given, RUN.observations[0])
    assert found.cells == sorted({o.cell for o in given})
    assert found.rounds == {o.round for o in given if o.round >= 0}
    assert found.machines == {o.machine for o in given if o.round >= 0}


def test_every_value_is_timed_wherever_it_stands() -> None:
    """Arms beside a failed one have their values in tables and blocks, at their place."""
    given = _mixed()
    run = replace(RUN, observations=Observations.of(given))
    known = {
        (o.round, o.cell.n, o.cell.m, name, block): (arm.loops, value, o.machine)
        for o in given
        for name, arm in o.arms.items()
        for block, value in enumerate(arm.values)
    }
    table = values(run)
    keys = zip(*(table[key] for key in ("round", "n", "m", "engine", "block")), strict=True)
    machines = [name if isinstance(name, str) else None for name in table["machine"]]
    told = zip(table["loops"], table["seconds"], machines, strict=True)
    assert dict(zip(keys, told, strict=True)) == known
    blocks = timed_blocks(run)
    assert blocks.machines == ("", "a", "b", "c")
    for (index, n, m, name, block), (_, value, machine) in known.items():
        row, column = blocks.rounds.index(index), blocks.cells.index(Cell(n, m))
        assert blocks.logs[row, column, blocks.engines.index(name), block] == pytest.approx(np.log(value))
        assert blocks.owners is not None
        assert blocks.machines[blocks.owners[row, column]] == (machine or "")
    assert np.isfinite(blocks.logs).sum() == len(known)


@pytest.mark.parametrize("repeated", [0, 8, 13])
def test_a_repeated_cell_is_left_out(repeated: int, tmp_path: Path) -> None:
    """Of a pass, a round or a failure: the first one counts, and one line says so."""
    folder = on_disk(tmp_path / "run", replace(RUN, observations=tuple(_mixed())))
    journal = folder / "journal.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join([*lines, lines[repeated]]))
    run = load(folder)
    assert run.observations == tuple(_mixed())
    (warning,) = run.warnings
    assert f"line {len(lines) + 1} is left out, it is no new part of this sweep" in warning


_NUMBERS = st.one_of(st.integers(-2, 2), st.integers(), st.floats(), st.booleans(), st.none(), st.just(1e-13))
_ARM: dict[str, Any] = {"status": "measured", "loops": 3, "values": [1e-3, 2e-3]}
_LINE: dict[str, Any] = {"round": 0, "n": 4, "m": 2, "seconds": 0.5, "machine": "a", "arms": {"forward": _ARM}}


@st.composite
def _lines(draw: st.DrawFn) -> str:
    """A line with something missing, something more, or something else in it."""
    line = json.loads(json.dumps(_LINE))
    for part in (line, line["arms"]["forward"]):
        for key in draw(st.sets(st.sampled_from(sorted(part)))):
            part[key] = draw(st.one_of(_NUMBERS, st.text(max_size=3), st.lists(_NUMBERS, max_size=3)))
        for key in draw(st.sets(st.sampled_from([*part, "more"]), max_size=1)):
            part.pop(key, None) if key in part else part.update(more=1)
        if line.get("arms") is not part and not isinstance(line.get("arms"), dict):
            break
    return json.dumps(line)


@given(_lines())
def test_lines_read_quickly_mean_the_same(text: str) -> None:
    """Whatever is read quickly would have been read slowly, as the same."""
    quick = plain_line(text.encode())
    if quick is not None:
        found = parse_line(text)
        names = {name: (arm.loops, tuple(arm.values)) for name, arm in quick.arms.items()}
        assert names == {name: (arm.loops, arm.values) for name, arm in found.arms.items()}
        assert (quick.round, quick.n, quick.m) == (found.round, found.cell.n, found.cell.m)
        assert quick.seconds == found.seconds


def test_what_a_sweep_writes_is_read_quickly() -> None:
    """Every round of engines that were measured, on a machine of a cluster or not."""
    for run in (RUN, on_machines(RUN, ("a",))):
        for observation in run.observations:
            line = json.dumps(observation.to_json()).encode()
            assert (plain_line(line) is not None) == (observation.round >= 0)
