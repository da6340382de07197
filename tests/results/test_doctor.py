"""Findings of `fwdrev doctor` from made-up facts and noise, without measurements."""

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.machine.facts import pyperf_says
from fwdrev.bench.records.machine import Blas, Frequency, Machine, NoiseRound, PyperfSays, Timer, Xla
from fwdrev.results.doctor import Diagnosis, Finding, Level, diagnose, diagnosis_lines
from fwdrev.results.stats.estimate import t_quantile
from fwdrev.results.stats.noise import noise_of, smallest_difference

GOOD = Machine(
    processor="made up",
    cores=4,
    available=4,
    load=0.2,
    frequency=Frequency(governors=("performance",), turbo=False),
    timer=Timer(resolution=4e-8, cost=5e-8),
    blas=Blas(name="openblas 1", threads=1, settings={}),
    xla=Xla(version="0.8", devices=("cpu",), problem=None),
    pyperf=PyperfSays(advices=(), warnings=(), problem=None),
)

SHOWN = """Show the system configuration

System state
============

CPU: use 2 logical CPUs: 0-1

Advices
=======

Perf event: Set max sample rate to 1
Linux scheduler: Use isolcpus

Warnings
========

Turbo Boost (MSR): [Errno 2] No such file

Run "python -m pyperf system tune" to tune the system configuration to run benchmarks
"""


def rounds(spread: float = 0.0, drift: float = 0.0, *, pinned: bool = True) -> list[NoiseRound]:
    """Eleven processes of six seconds, with these standard deviations of log ratios and log times."""
    steps = np.linspace(-1, 1, 11)
    steps /= np.std(steps, ddof=1)
    return [
        NoiseRound(
            a=(1e-4 * math.exp(drift * x + spread * x),) * 3,
            b=(1e-4 * math.exp(drift * x),) * 3,
            pinned=pinned,
            seconds=6.0,
        )
        for x in map(float, steps)
    ]


def found(name: str, machine: Machine = GOOD, **noise_of_rounds: Any) -> Finding:
    """The finding of that name."""
    return next(f for f in diagnose(machine, rounds(**noise_of_rounds)).findings if f.name == name)


def test_a_good_machine_needs_no_advice() -> None:
    """All is well, and the last line says so."""
    good = diagnose(GOOD, rounds())
    assert good.fit
    assert {(f.status, f.advice) for f in good.findings} == {(Level.OK, "")}
    lines = diagnosis_lines(good)
    assert len(lines) == len(good.findings) + 2
    assert lines[-1] == "fit to measure: 0 warnings (!), 0 notes (·)"


@pytest.mark.parametrize(
    ("name", "change", "status", "part"),
    [
        ("cores", {"available": 1}, "note", "1 of 4 (made up)"),
        ("load", {"load": 0.0}, "ok", "0.00 per core"),
        ("load", {"load": 2.0}, "note", "0.50 per core"),
        ("load", {"load": 40.0}, "warning", "10.00 per core"),
        ("load", {"load": None}, "note", "cannot be seen here"),
        ("frequency", {"frequency": Frequency(governors=(), turbo=None)}, "note", "cannot be seen here"),
        ("frequency", {"frequency": Frequency(governors=("performance",), turbo=None)}, "ok", "turbo cannot be seen"),
        ("frequency", {"frequency": Frequency(governors=("performance",), turbo=True)}, "note", "turbo on"),
        ("frequency", {"frequency": Frequency(governors=(), turbo=False)}, "ok", "governor cannot be seen, turbo off"),
        (
            "frequency",
            {"frequency": Frequency(governors=("performance", "powersave"), turbo=False)},
            "note",
            "powersave",
        ),
        ("blas", {"blas": Blas(name="b", threads=1, settings={"OPENBLAS_CORETYPE": "Haswell"})}, "note", "=Haswell"),
        ("cores", {"quota": 8.0}, "ok", "4 of 4"),
        ("cores", {"quota": 1.5}, "note", "a quota allows the time of 1.5"),
        ("cores", {"quota": 0.5}, "warning", "a quota allows the time of 0.5"),
        ("settings", {"settings": {"LD_PRELOAD": "libjemalloc.so.2"}}, "note", "LD_PRELOAD=libjemalloc.so.2"),
        ("settings", {"settings": {"JAX_DISABLE_JIT": "1"}}, "warning", "JAX_DISABLE_JIT=1"),
        ("settings", {"overridden": {"JAX_ENABLE_X64": "0"}}, "note", "JAX_ENABLE_X64=0"),
        ("timer", {"timer": Timer(resolution=1e-5, cost=5e-8)}, "note", "10000 ns"),
        ("timer", {"timer": Timer(resolution=4e-8, cost=2e-6)}, "note", "2000 ns for a reading"),
        ("timer", {"timer": Timer(resolution=0.01, cost=5e-8)}, "warning", "resolution"),
        ("timer", {"timer": Timer(resolution=math.inf, cost=0.0)}, "warning", "resolution inf"),
        ("xla", {"xla": Xla(version="", devices=(), problem="no answer in 60 s")}, "warning", "no answer in 60 s"),
        ("xla", {"xla": Xla(version="1", devices=("gpu (H)", "gpu (H)"), problem=None)}, "ok", "gpu (H), gpu (H)"),
        ("pyperf", {"pyperf": PyperfSays(advices=(), warnings=(), problem="no answer")}, "note", "no answer"),
        ("pyperf", {"pyperf": pyperf_says(SHOWN)}, "note", "advice (2) and warnings (1)"),
    ],
)
def test_what_is_found(name: str, change: dict[str, Any], status: str, part: str) -> None:
    """Everything but `ok` has a remedy; only a warning makes a machine unfit."""
    machine = dataclasses.replace(GOOD, **change)
    finding = found(name, machine)
    assert (finding.status.value, part in finding.found, bool(finding.advice)) == (status, True, status != "ok"), (
        finding
    )
    assert diagnose(machine, rounds()).fit == (status != "warning")


@pytest.mark.parametrize(
    ("name", "measured", "status"),
    [
        ("noise", {"spread": 0.0}, "ok"),
        ("noise", {"spread": 0.009}, "ok"),
        ("noise", {"spread": 0.03}, "note"),
        ("noise", {"spread": 0.06}, "warning"),
        ("times", {"drift": 0.04}, "ok"),
        ("times", {"drift": 0.5}, "note"),
        ("noise", {"drift": 0.5}, "ok"),
        ("pinning", {"pinned": False}, "note"),
    ],
)
def test_what_is_measured(name: str, measured: dict[str, Any], status: str) -> None:
    """Drifting times do not harm ratios; a minute is ten of these processes."""
    finding = found(name, **measured)
    assert finding.status.value == status, finding
    assert bool(finding.advice) == (status != "ok")


def test_advice_is_below_its_finding() -> None:
    """Each of its lines has an arrow; the last line explains the marks."""
    lines = diagnosis_lines(diagnose(dataclasses.replace(GOOD, pyperf=pyperf_says(SHOWN), load=4.0), rounds()))
    assert [line for line in lines if "→" in line][1:] == [
        "             → Perf event: Set max sample rate to 1",
        "             → Linux scheduler: Use isolcpus",
        "             → Turbo Boost (MSR): [Errno 2] No such file",
    ]
    assert sum(line.startswith("! load") for line in lines) == 1
    assert lines[-1] == "not fit to measure as it is: 1 warning (!), 1 note (·)"


def test_the_noise_in_numbers() -> None:
    """By hand: t = 2.262157 for 9 degrees of freedom, z = 0.841621, d = 3.103778 · 0.01 / √10."""
    measured = noise_of(rounds(spread=0.01, drift=0.2))
    assert (measured.processes, measured.blocks, measured.rounds_per_minute) == (11, 3, 10)
    assert measured.ratio_spread == pytest.approx(0.01)
    assert measured.smallest_difference == pytest.approx(0.00986333, rel=1e-5)
    assert measured.seconds_per_call == pytest.approx(1e-4)
    assert noise_of(rounds(drift=0.2)).between_processes == pytest.approx(0.2)
    assert noise_of(rounds(drift=0.2)).between_blocks == pytest.approx(0)
    slow = [dataclasses.replace(each, seconds=100.0) for each in rounds(spread=0.01)]
    assert noise_of(slow).rounds_per_minute == 2


def test_the_smallest_difference_is_seen_four_times_in_five() -> None:
    """An interval from ten rounds excludes zero that often, as claimed."""
    rng, spread, n = np.random.default_rng(0), 0.02, 10
    logs = rng.normal(math.log1p(smallest_difference(spread, n)), spread, (20_000, n))
    half = t_quantile(n) * np.std(logs, axis=1, ddof=1) / math.sqrt(n)
    assert np.mean(np.mean(logs, axis=1) > half) == pytest.approx(0.8, abs=0.03)


def test_json_of_a_diagnosis() -> None:
    """The JSON is strict and has the documented keys."""
    made: Diagnosis = diagnose(GOOD, rounds())
    data = json.loads(json.dumps(made.to_json(), allow_nan=False))
    assert list(data) == ["fit", "findings", "noise"]
    assert all(list(row) == ["name", "status", "found", "advice"] for row in data["findings"])
