"""Runs on several machines of one type: how far these differ, what is told, and what is exported."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyperf
import pytest

from fwdrev.results import load, log_ratios, timed_blocks, times, to_csv, to_pyperf
from fwdrev.results.runs.machines import machine_spread, machines_of
from fwdrev.results.runs.run import runs_in
from fwdrev.results.text.summary import machine_lines, processes_text
from tests.command import expect_one_line, fwdrev
from tests.scripted import on_disk, on_machines, scripted_run

ALONE = scripted_run(noise=0.02, inputs="64,128", outputs="4,16", rounds=6)


def test_machines_count_once_each() -> None:
    """By the mean of their rounds: the estimate is that over machines, however many rounds each has."""
    uneven = [replace(o, machine="a" if o.round < 5 else "b") for o in ALONE.observations]
    run = replace(ALONE, observations=tuple(uneven))
    rounds, machines = (log_ratios(each, ("forward", "reverse")).table for each in (ALONE, run))
    assert list(machines.index) == [0, 1]
    np.testing.assert_allclose(machines.iloc[0], rounds.iloc[:5].mean())
    np.testing.assert_allclose(machines.iloc[1], rounds.iloc[5])
    assert set(times(run)["rounds"]) == {2}
    assert processes_text(run) == "6 rounds in fresh processes on 2 machines"


def test_the_spread_of_machines_is_told() -> None:
    """Which is slowest and by how much, and what one more machine would be worth: Student's t over machines."""
    run = on_machines(ALONE, ("a", "b", "c"), spread=0.1, seed=2)
    spread = machine_spread(timed_blocks(run))
    assert spread is not None
    assert np.prod(list(spread.times.values())) == pytest.approx(1, abs=0.05)
    assert spread.factor == max(spread.times.values()) / min(spread.times.values())
    assert spread.narrower == pytest.approx((4.3027 / 3**0.5) / (3.1824 / 4**0.5), rel=1e-3)
    first, second = machine_lines(run)
    assert f"longer on {spread.slowest} than on {spread.fastest}" in first
    assert "one more would make them 1.56 times narrower" in second
    assert "narrower" not in "".join(machine_lines(on_machines(ALONE, tuple("abcdef"))))


def test_one_machine_has_no_spread() -> None:
    """Nor have machines that measured no cell in common."""
    assert machine_spread(timed_blocks(ALONE)) is None
    assert machine_lines(on_machines(ALONE, ("a",))) == []
    assert machines_of(ALONE) == []
    assert machines_of(on_machines(ALONE, ("a",))) == ["a"]
    apart = tuple(replace(o, machine="a" if o.cell.n == 64 else "b") for o in ALONE.observations)
    assert machine_spread(timed_blocks(replace(ALONE, observations=apart))) is None


def test_plain_data_have_the_machines(tmp_path: Path) -> None:
    """With the time on each, relative to all; a run on one machine has no such part."""
    on_disk(tmp_path / "run", on_machines(ALONE, ("a", "b")))
    on_disk(tmp_path / "alone", ALONE)
    found = json.loads(fwdrev("crossover", "run", "--json", cwd=tmp_path).stdout)
    assert set(found["machines"]) == {"a", "b"}
    assert found["machines"]["a"] * found["machines"]["b"] == pytest.approx(1)
    assert "machines" not in json.loads(fwdrev("crossover", "alone", "--json", cwd=tmp_path).stdout)


def test_pyperf_gets_a_file_for_each_machine(tmp_path: Path) -> None:
    """With its name and its rounds; standard output has room for one only. CSV says where each block was timed."""
    run = on_machines(ALONE, ("node/1", "b"))
    on_disk(tmp_path / "run", run)
    done = fwdrev("export", "run", "--format", "pyperf", "--out", "p.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for file, name in (("p-node-1.json", "node/1"), ("p-b.json", "b")):
        suite = pyperf.BenchmarkSuite.load(str(tmp_path / file))
        assert {one.get_metadata()["hostname"] for one in suite.get_benchmarks()} == {name}
        assert {one.get_nrun() for one in suite.get_benchmarks()} == {3}
    expect_one_line(fwdrev("export", "run", "--format", "pyperf", cwd=tmp_path), 2, "one file for each")
    assert "hostname" not in to_pyperf(ALONE)
    assert to_csv(run).splitlines()[0].endswith(",seconds,machine")
    assert to_csv(ALONE).splitlines()[0].endswith(",seconds")
    assert "'=1+1" in to_csv(on_machines(ALONE, ("=1+1", "b")))


def test_a_folder_of_runs_stands_for_them(tmp_path: Path) -> None:
    """The only one is read; of several each command takes all, or asks for one."""
    on_disk(tmp_path / "nodes" / "one", on_machines(ALONE, ("a", "b")))
    assert load(tmp_path / "nodes").folder == tmp_path / "nodes" / "one"
    on_disk(tmp_path / "nodes" / "other", ALONE)
    assert runs_in(tmp_path / "nodes") == [tmp_path / "nodes" / "one", tmp_path / "nodes" / "other"]
    expect_one_line(fwdrev("crossover", "nodes", cwd=tmp_path), 2, "2 types of machine")
    done = fwdrev("plot", "nodes", "--format", "svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "nodes" / "figures" / "side-by-side-forward-reverse.svg").exists()
    assert fwdrev("report", "nodes", cwd=tmp_path).returncode == 0
    assert (tmp_path / "nodes" / "report.html").exists()
