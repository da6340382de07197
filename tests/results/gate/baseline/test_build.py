"""A baseline as a file: its extract of a run, its diffs, and refusals."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from fwdrev.bench import Cell
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results import Run, crossover, log_ratios, times
from fwdrev.results.gate.baseline.build import baseline_of, pairs_of
from fwdrev.results.gate.baseline.file import baseline_text, load_baseline, save_baseline
from fwdrev.results.gate.baseline.record import BASELINE_FORMAT, Baseline
from fwdrev.results.published import published
from tests.scripted import scripted_run, with_counts


def small(**more: Any) -> Run:
    """A run of two n, three m and three engines with counts."""
    fields: dict[str, Any] = {"inputs": "64,256", "outputs": "4,16,64", "rounds": 4}
    return with_counts(scripted_run(noise=0.02, **fields | {"engines": ["forward", "reverse", "jax-jvp"]} | more))


def stored(text: str, folder: Path) -> Baseline:
    """Reads a baseline from a file with this text."""
    path = folder / "read.json"
    path.write_text(text, encoding="utf-8")
    return load_baseline(path)


def test_it_holds_what_the_run_shows() -> None:
    """Ratios, crossovers and seconds equal those of the tables, to the stored digits."""
    run = small()
    baseline = baseline_of(run)
    everywhere = {(cell, name) for cell in run.spec.cells for name in run.spec.engines}
    assert {(e.cell, e.arm) for e in baseline.arms} == everywhere
    seconds = times(run).set_index(["n", "m", "engine"])["point"]
    assert all(math.isclose(e.seconds or 0, seconds[e.n, e.m, e.arm], rel_tol=1e-3) for e in baseline.arms)
    assert all((e.multiply_adds, e.passes) == (10 * e.n * e.m, e.n) for e in baseline.arms)
    logs = log_ratios(run, ("forward", "reverse"))
    ratios = [e for e in baseline.ratios if e.against == "reverse"]
    assert len(ratios) == 6
    for e in ratios:
        rounds = logs.table[e.n, e.m].to_numpy()
        assert math.isclose(e.ratio, math.exp(rounds.mean()), rel_tol=1e-5)
        assert math.isclose(e.error, rounds.std(ddof=1) / 2, rel_tol=1e-2)
        assert e.rounds == 4
        half = 3.182446 * e.error  # Student's t of three degrees of freedom, 97.5 %
        assert e.estimate.low == pytest.approx(e.ratio * math.exp(-half))
        assert e.estimate.high == pytest.approx(e.ratio * math.exp(half))
    lines = crossover(logs).in_m
    assert [e.n for e in baseline.crossovers] == list(lines)
    for place in baseline.crossovers:
        size, kept = lines[place.n].size, place.crossing.size
        assert size is not None
        assert kept is not None
        one, other = (list(each.to_json().values()) for each in (size, kept))
        assert np.allclose(one, other, rtol=1e-4)
        assert (place.crossing.cheaper, place.crossing.open_ends) == (lines[place.n].cheaper, lines[place.n].open_ends)


def test_pairs_are_few() -> None:
    """The pairs are those with a crossover, and each arm with the first: no pair twice, in either order."""
    assert pairs_of(["jax-vjp", "forward", "jax-jvp", "reverse", "bracketed"]) == [
        ("forward", "reverse"),
        ("jax-jvp", "jax-vjp"),
        ("forward", "jax-vjp"),
        ("reverse", "jax-vjp"),
        ("bracketed", "jax-vjp"),
    ]
    assert pairs_of(["forward"]) == []


def test_the_file_is_stable_and_sorted(tmp_path: Path) -> None:
    """Writing twice, reading and writing, or another order give the same bytes; a newline is at the end."""
    baseline = baseline_of(small())
    text = baseline_text(baseline)
    turned = baseline.model_copy(update={"arms": baseline.arms[::-1], "ratios": baseline.ratios[::-1]})
    assert text == baseline_text(baseline_of(small())) == baseline_text(turned)
    assert baseline_text(stored(text, tmp_path)) == text
    assert text.endswith("}\n")
    data = json.loads(text)
    assert list(data["spec"]) == sorted(data["spec"])
    for part in ("arms", "ratios"):
        keys = [(e["n"], e["m"], e["arm"], e.get("against", "")) for e in data[part]]
        assert keys == sorted(keys)
    jsonschema.validate(data, json.loads(published("baseline").read_text(encoding="utf-8")))


def test_a_changed_cell_is_a_changed_line() -> None:
    """One count more changes one line of a diff; every entry has its own line, short enough to read."""
    before, after = (baseline_text(baseline_of(with_counts(small(), more=more))) for more in (0, 7))
    changed = [pair for pair in zip(before.splitlines(), after.splitlines(), strict=True) if len(set(pair)) == 2]
    assert len(changed) == 1
    assert '"multiply_adds": 10240,' in changed[0][0]
    assert '"multiply_adds": 10247,' in changed[0][1]
    entries = [line for line in before.splitlines() if line.startswith('  {"n"')]
    assert len(entries) == 18 + 12 + 2
    assert max(map(len, entries)) < 170


def test_too_few_rounds_leave_counts() -> None:
    """Two rounds have no useful variance; with neither counts nor times there is no baseline."""
    assert baseline_of(small(rounds=2)).ratios == ()
    assert len(baseline_of(small(rounds=2)).arms) == 18
    assert baseline_of(small(rounds=1)).crossovers[0].low is None
    with pytest.raises(NothingMeasuredError, match="no times and no counts"):
        baseline_of(replace(small(), observations=()))


def test_a_part_that_is_not_known_is_left_out(tmp_path: Path) -> None:
    """An unknown count or time has no null."""
    run = scripted_run(inputs="64", outputs="16", rounds=3)
    text = baseline_text(baseline_of(run))
    assert "multiply_adds" not in text
    prepared = replace(with_counts(run), observations=with_counts(run).observations[:1])
    (arm, *_) = baseline_of(prepared).arms
    assert (arm.seconds, arm.multiply_adds, arm.cell) == (None, 10240, Cell(64, 16))
    assert stored(baseline_text(baseline_of(prepared)), tmp_path).ratios == ()


def _changed(change: str) -> str:
    """A baseline's text after a change."""
    text = baseline_text(baseline_of(small()))
    lines = text.splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith('  {"n"'))
    ways = {
        "empty": "",
        "cut off": text[:-40],
        "a conflict": "<<<<<<< ours\n" + text,
        "a list": "[]",
        "no baseline": json.dumps({"spec": {}}),
        "a line twice": "\n".join([*lines[: first + 1], *lines[first:]]),
        "not a number": text.replace('"rounds": 4}', '"rounds": NaN}', 1),
        "text for a number": text.replace('"n": 64', '"n": "64"', 1),
        "a size of none": text.replace('"n": 64', '"n": 0', 1),
        "another field": text.replace('"passes"', '"paces"', 1),
        "one arm": text.replace('"arm": "forward", "against": "reverse"', '"arm": "reverse", "against": "reverse"', 1),
        "another option": text.replace('"blocks"', '"bloks"', 1),
        "too deep": "[" * 100_000,
    }
    return ways[change]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("empty", "is no baseline, or damaged"),
        ("cut off", "is no baseline, or damaged"),
        ("a conflict", "is no baseline, or damaged"),
        ("a list", "is no baseline, or damaged"),
        ("no baseline", "created: Field required"),
        ("a line twice", "64, 4, forward is there twice"),
        ("not a number", "is no baseline, or damaged"),
        ("text for a number", "arms.0.n: Input should be a valid integer"),
        ("a size of none", "arms.0.n: Input should be greater"),
        ("another field", "arms.0.paces: Extra inputs are not permitted"),
        ("one arm", "reverse against itself"),
        ("another option", "unknown option of a sweep 'bloks'"),
        ("too deep", "is no baseline, or damaged"),
    ],
)
def test_what_is_none_is_refused(change: str, said: str, tmp_path: Path) -> None:
    """One line each names the fault."""
    with pytest.raises(InputError, match=r"^[^\n]+$") as caught:
        stored(_changed(change), tmp_path)
    assert said in str(caught.value)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    """The message has a remedy, whatever the file contains."""
    text = baseline_text(baseline_of(small())).replace('"format": 2', '"more": [], "format": 3')
    with pytest.raises(InputError, match=f"has format 3: this version of fwdrev reads 1 to {BASELINE_FORMAT}; update"):
        stored(text, tmp_path)


def test_it_is_not_replaced_unasked(tmp_path: Path) -> None:
    """`force` replaces it; nothing else is left in the folder."""
    path = tmp_path / "baseline.json"
    first, second = baseline_of(small()), baseline_of(small(rounds=3))
    save_baseline(first, path)
    with pytest.raises(InputError, match="exists already: --force replaces it"):
        save_baseline(second, path)
    assert load_baseline(path).spec["rounds"] == 4
    save_baseline(second, path, force=True)
    assert load_baseline(path).spec["rounds"] == 3
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_or_read(tmp_path: Path) -> None:
    """The message has a remedy."""
    with pytest.raises(InputError, match=r"cannot write .*: No such file or directory; give a file in a folder"):
        save_baseline(baseline_of(small()), tmp_path / "nowhere" / "baseline.json")
    for path in (tmp_path / "nowhere.json", tmp_path):
        with pytest.raises(InputError, match=r"cannot read .*: give the file that `fwdrev baseline RUN -o FILE` wrote"):
            load_baseline(path)
