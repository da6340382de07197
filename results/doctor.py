"""Judges whether a machine is fit to measure: turns facts and noise into findings, each with advice.

Only a warning makes a machine unfit. A note is worth knowing; the measured noise already includes its effect.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from fwdrev.bench.records.machine import (
    DISTORTING,
    EFFECTS,
    OVERRIDDEN,
    Blas,
    Frequency,
    Machine,
    NoiseRound,
    PyperfSays,
    Timer,
    Xla,
)
from fwdrev.results.display import Plain
from fwdrev.results.stats.noise import Noise, noise_of

_BUSY, _FULL = 0.25, 0.75
"""The load per core from which other programs run now and then, and from which hardly a core is free."""

_COARSE, _TOO_COARSE = 2e-6, 2e-5
"""Clock resolutions in seconds: a thousandth and a hundredth of a default block (2 ms)."""

_SLOW = 1e-6
"""The seconds of a slow clock reading: without a system call, a reading takes a twentieth of that."""

_ALONE = 1.0
"""The processors that one thread needs."""

_DRIFTS = 0.05
"""The spread between processes from which absolute times of different runs are not comparable."""

_SMALL, _LARGE = 0.01, 0.05
"""The smallest detectable differences that a regression gate needs, and that a crossover tolerates."""


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"


_MARKS = {Level.OK: "✓", Level.NOTE: "·", Level.WARNING: "!"}


@dataclass(frozen=True, slots=True)
class Finding(Plain):
    """One fact about the machine; `advice` is empty if there is nothing to do."""

    name: str
    status: Level
    found: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis(Plain):
    """All findings, with the noise in numbers."""

    findings: tuple[Finding, ...]
    noise: Noise

    @property
    def fit(self) -> bool:
        """Whether there is no warning."""
        return all(finding.status is not Level.WARNING for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """This record as plain data, with whether the machine is fit."""
        return {"fit": self.fit} | asdict(self)


def diagnose(machine: Machine, rounds: Sequence[NoiseRound]) -> Diagnosis:
    """The findings in this order: the machine, its software, the measured noise, further advice."""
    noise = noise_of(rounds)
    findings = (
        _cores(machine),
        _load(machine),
        _frequency(machine.frequency),
        _blas(machine.blas),
        _settings(machine),
        _timer(machine.timer),
        _xla(machine.xla),
        _pinning(pinned=all(each.pinned for each in rounds)),
        _times(noise),
        _noise(noise),
        _pyperf(machine.pyperf),
    )
    return Diagnosis(findings, noise)


def diagnosis_lines(found: Diagnosis) -> list[str]:
    """A line for each finding with its advice below, then whether the machine is fit."""
    width = max(len(finding.name) for finding in found.findings)
    lines: list[str] = []
    for finding in found.findings:
        lines.append(f"{_MARKS[finding.status]} {finding.name:<{width}}  {finding.found}")
        lines += [f"  {'':<{width}}  → {line}" for line in finding.advice.splitlines()]
    warnings, notes = (sum(f.status is level for f in found.findings) for level in (Level.WARNING, Level.NOTE))
    verdict = "fit to measure" if found.fit else "not fit to measure as it is"
    return [*lines, "", f"{verdict}: {_count(warnings, 'warning')} (!), {_count(notes, 'note')} (·)"]


def _cores(machine: Machine) -> Finding:
    found = f"{machine.available} of {machine.cores} ({machine.processor})"
    if machine.quota is not None and machine.quota < machine.available:
        found += f", of which a quota allows the time of {machine.quota:.3g}"
        advice = "who uses it up is stopped for a while, in the middle of what is timed: give the container more"
        status = Level.WARNING if machine.quota < _ALONE else Level.NOTE
        return Finding("cores", status, found, advice)
    if machine.available > 1:
        return Finding("cores", Level.OK, found)
    advice = "what is measured shares its core with everything else: let this process have two or more"
    return Finding("cores", Level.NOTE, found, advice)


def _load(machine: Machine) -> Finding:
    if machine.load is None:
        return Finding("load", Level.NOTE, "cannot be seen here", "see to it yourself that nothing else runs")
    each = machine.load / machine.cores
    status = _level(each, _BUSY, _FULL)
    advice = "" if status is Level.OK else "stop what else runs, or wait until it has ended; `top` shows what it is"
    return Finding("load", status, f"{each:.2f} per core in the last minute", advice)


def _frequency(seen: Frequency) -> Finding:
    if not seen.governors and seen.turbo is None:
        advice = "on a virtual machine its host decides; what it does is in the noise below"
        return Finding("frequency", Level.NOTE, "cannot be seen here", advice)
    turbo = "cannot be seen" if seen.turbo is None else "on" if seen.turbo else "off"
    found = f"governor {', '.join(seen.governors) or 'cannot be seen'}, turbo {turbo}"
    if set(seen.governors) <= {"performance"} and not seen.turbo:
        return Finding("frequency", Level.OK, found)
    advice = "the clock changes with load and heat: `python -m pyperf system tune`, as root, holds it still"
    return Finding("frequency", Level.NOTE, found, advice)


def _blas(used: Blas) -> Finding:
    found = f"{used.name}, told to use {_count(used.threads, 'thread')}"
    if not used.settings:
        return Finding("blas", Level.OK, found)
    found += ", with " + ", ".join(f"{key}={value}" for key, value in used.settings.items())
    advice = "these choose its kernels and may slow it down: unset them unless they are what you want to measure"
    return Finding("blas", Level.NOTE, found, advice)


def _settings(machine: Machine) -> Finding:
    """Debugging settings make a measurement worthless; other settings change its results."""
    given = machine.settings | machine.overridden
    if not given:
        return Finding("settings", Level.OK, "none in the environment that changes what is measured")
    distorting = machine.settings.keys() & DISTORTING.keys()
    effects = [f"{key}: {(EFFECTS | OVERRIDDEN)[key]}" for key in given]
    if distorting:
        effects.append(f"unset {', '.join(sorted(distorting))}, unless that is what you want to measure")
    found = ", ".join(f"{key}={value}" for key, value in given.items())
    return Finding("settings", Level.WARNING if distorting else Level.NOTE, found, "\n".join(effects))


def _timer(clock: Timer) -> Finding:
    found = f"resolution {clock.resolution * 1e9:.0f} ns, {clock.cost * 1e9:.0f} ns for a reading"
    if clock.resolution <= _COARSE and clock.cost <= _SLOW:
        return Finding("timer", Level.OK, found)
    status = Level.WARNING if clock.resolution > _TOO_COARSE else Level.NOTE
    advice = "choose a better clock source (tsc, if the machine has it), or longer blocks with --block-seconds"
    return Finding("timer", status, found, advice)


def _xla(jax: Xla) -> Finding:
    if jax.problem is not None:
        advice = "engines on JAX, and the check of every other engine, need it: see what `python -c 'import jax'` says"
        return Finding("xla", Level.WARNING, f"JAX does not start: {jax.problem}", advice)
    return Finding("xla", Level.OK, f"JAX {jax.version} on {', '.join(jax.devices)}")


def _pinning(*, pinned: bool) -> Finding:
    if pinned:
        return Finding("pinning", Level.OK, "a process stays on the core it is given")
    advice = "the system moves processes between cores while they are timed; Linux would let us hold them"
    return Finding("pinning", Level.NOTE, "not possible here", advice)


def _times(noise: Noise) -> Finding:
    found = f"spread {_percent(noise.between_processes)} between processes, {_percent(noise.between_blocks)} per block"
    if noise.between_processes <= _DRIFTS:
        return Finding("times", Level.OK, found)
    advice = "compare engines of one run (they are paired), not times of different runs"
    return Finding("times", Level.NOTE, found, advice)


def _noise(noise: Noise) -> Finding:
    smallest = noise.smallest_difference
    found = (
        f"ratios spread {_percent(noise.ratio_spread)} between {noise.processes} processes: "
        f"in a minute a difference of {_percent(smallest)} can be seen"
    )
    status = _level(smallest, _SMALL, _LARGE)
    advice = "stop what else runs, or measure longer: four times the rounds see half of it"
    return Finding("noise", status, found, "" if status is Level.OK else advice)


def _pyperf(says: PyperfSays) -> Finding:
    if says.problem is not None:
        advice = "run `python -m pyperf system show` yourself"
        return Finding("pyperf", Level.NOTE, f"says nothing: {says.problem}", advice)
    lines = [*says.advices, *says.warnings]
    if not lines:
        return Finding("pyperf", Level.OK, "`pyperf system show` has no advice")
    found = f"`pyperf system show` has advice ({len(says.advices)}) and warnings ({len(says.warnings)})"
    return Finding("pyperf", Level.NOTE, found, advice="\n".join(lines))


def _level(value: float, note: float, warning: float) -> Level:
    return Level.WARNING if value > warning else Level.NOTE if value > note else Level.OK


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.2g} %"
