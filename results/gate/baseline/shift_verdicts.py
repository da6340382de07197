"""What shifts from a baseline mean: verdicts after one look, or after a second one at what the first left open.

That forward takes longer *against reverse* can mean that forward became slower, or reverse faster: a ratio cannot say.
On the same machine seconds can: the arm whose own seconds moved by most of the shift is the one that changed, and where
neither did it stays open. So a faster engine is no regression of those that it is compared with.

All tests of a look are corrected together (Holm). Where a second look follows, the first fails nothing: it only flags,
and fresh rounds decide. Both looks share the baseline and whatever is unlucky in it, so that the second corrects for
all shifts, not only for those that were flagged. So the share of false alarms holds, whatever is measured again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Shaped

from fwdrev.modes.core.arrays import Vector
from fwdrev.results.gate.baseline.ratio_shifts import Shift
from fwdrev.results.gate.findings import SCREENING
from fwdrev.results.gate.verdicts.report import ReportLine, Verdict
from fwdrev.results.stats.holm import holm
from fwdrev.results.stats.paired_shifts import Shifts
from fwdrev.results.text.changes import change_text, percent_text

__all__ = ["Looks", "Opened", "opened", "shift_lines", "told_shifts"]

_MOST = 2 / 3
"""Of a shift: what an arm's own seconds must have moved to be the one that changed. The machine may then have become
faster or slower by a third of the shift, between the runs, without the wrong arm being named."""

_FEWEST_ADVISED, _MOST_ADVISED = 20, 10_000
"""Rounds that a baseline is advised to have whose own are too few."""

Truths = Shaped[np.ndarray, "shifts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the first look leaves open: shifts that it `flagged`, and those `undecided` that more rounds may decide."""

    flagged: tuple[Shift, ...]
    undecided: tuple[Shift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The same shifts in the first rounds, in fresh ones, and in all of them; the last two by subject."""

    first: Sequence[Shift]
    fresh: Mapping[str, Shift] = field(default_factory=dict)
    all: Mapping[str, Shift] = field(default_factory=dict)
    twice: bool = False


def opened(found: Sequence[Shift], threshold: float, alpha: float, *, here: bool) -> Opened:
    """What a second look is for. Elsewhere than on the baseline's machine nothing fails, so nothing is flagged."""
    margin = math.log1p(threshold)
    up, down = _beyond(found, margin, SCREENING)
    sure_up, sure_down = _beyond(found, margin, alpha)
    flagged: list[Shift] = []
    undecided: list[Shift] = []
    if not found:
        return Opened(flagged=(), undecided=())
    within = _shifts(found).within(np.full(len(found), margin))
    for shift, above, below, surely, same in zip(found, up, down, sure_up | sure_down, within, strict=True):
        if here and (above or below) and not (surely and _decided(shift, margin, up=bool(above))):
            flagged.append(shift)
        elif not (surely or same or shift.settled or _hopeless(shift, margin)):
            undecided.append(shift)
    return Opened(flagged=tuple(flagged), undecided=tuple(undecided))


def told_shifts(looks: Looks, threshold: float, alpha: float, *, here: bool) -> Iterator[ReportLine]:
    """The verdicts; `here`: both runs are of the same machine. Elsewhere no shift is a regression or an improvement."""
    if not looks.first:
        return
    margin = math.log1p(threshold)
    up, down = _beyond(looks.first, margin, alpha)
    if not looks.twice:
        for shift, above, below in zip(looks.first, up, down, strict=True):
            yield _told(shift, margin, above=bool(above), below=bool(below), here=here)
        return
    left = opened(looks.first, threshold, alpha, here=here)
    flagged = {shift.subject for shift in left.flagged}
    again = flagged | {shift.subject for shift in left.undecided}
    slower, faster = _beyond(looks.first, margin, alpha, {name: looks.fresh[name] for name in again & set(looks.fresh)})
    columns = zip(looks.first, up, down, slower, faster, strict=True)
    for shift, above, below, later_above, later_below in columns:
        name = shift.subject
        if name not in again:
            yield _told(shift, margin, above=bool(above), below=bool(below), here=here)
        elif name not in looks.fresh:
            yield _unconfirmed(shift)
        elif later_above or later_below:
            told = _told(looks.fresh[name], margin, above=bool(later_above), below=bool(later_below), here=here)
            yield replace(told, grounds=f"{told.grounds}, {'confirmed ' * told.fails}in fresh rounds")
        else:
            decides = looks.fresh[name] if name in flagged else looks.all[name]
            told = _told(decides, margin, above=False, below=False, here=here)
            rounds = "in fresh rounds" if name in flagged else "in all rounds"
            yield replace(told, grounds=f"{told.grounds}, {rounds}")


def shift_lines(found: Sequence[Shift], threshold: float, alpha: float) -> Iterator[str]:
    """The smallest shift of a ratio that nine of ten such runs would show."""
    ratios = [shift for shift in found if not shift.settled]
    if ratios:
        margins, levels = np.full(len(ratios), math.log1p(threshold)), np.full(len(ratios), alpha / (2 * len(found)))
        least = _shifts(ratios).detectable(margins, levels)
        what = "function" if all(shift.of_function for shift in ratios) else "ratio"
        middle, worst = percent_text(float(np.median(least))), percent_text(float(least.max()))
        yield f"could be seen in a {what}: from {middle} (median), {worst} (worst)"


def _beyond(
    found: Sequence[Shift], margin: float, level: float, measured: Mapping[str, Shift] | None = None
) -> tuple[Truths, Truths]:
    """Which are above the margin, and which below minus the margin, corrected for all of `found` together.

    `measured`: take those alone, from another look; the others stay in the family, as tests that reject nothing.
    """
    if not found:
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)
    looked = [shift if measured is None else measured.get(shift.subject, shift) for shift in found]
    shifts, margins = _shifts(looked), np.full(len(found), margin)
    sides: Vector = np.concatenate([shifts.p_slower(margins), shifts.p_faster(margins)])
    if measured is not None:
        there = np.tile([shift.subject in measured for shift in found], 2)
        sides = np.where(there | np.isnan(sides), sides, 1.0)
    rejected = holm(sides, np.ones(sides.size)) <= level
    above, below = np.split(rejected, 2)
    return above, below


def _shifts(found: Sequence[Shift]) -> Shifts:
    """As tests take them: `kept` is one more than the degrees of freedom."""
    mean, error, freedom = (np.array([getattr(s, name) for s in found]) for name in ("mean", "error", "freedom"))
    return Shifts(mean=mean, error=error, rounds=freedom + 1, kept=freedom + 1)


def _told(shift: Shift, margin: float, *, above: bool, below: bool, here: bool) -> ReportLine:
    if above or below:
        return _moved(shift, margin, up=above, here=here)
    if bool(_shifts([shift]).within(np.array([margin]))[0]):  # not so where nothing can be tested
        return ReportLine(
            subject=shift.subject, verdict=Verdict.UNCHANGED, grounds=f"within the threshold: {_change(shift)}"
        )
    return ReportLine(
        subject=shift.subject,
        verdict=Verdict.INCONCLUSIVE,
        grounds=_change(shift) + ("" if shift.settled else _why_open(shift, margin)),
        open=not shift.settled,
    )


def _moved(shift: Shift, margin: float, *, up: bool, here: bool) -> ReportLine:
    """One beyond the threshold; whose doing it is decides what it means.

    Where a ratio hardly depends on m, little moves a crossover far: that counts when the arms moved beyond it too.
    A function is not slower because the control is faster, nor the other way round: the control is no part of the code.
    """
    one, other = (shift.arm, shift.other) if up else (shift.other, shift.arm)
    slowed, sped = shift.own if up else shift.own[::-1]
    apart = slowed - sped
    known = apart > (margin if shift.settled else 0)
    verdict = Verdict.INCONCLUSIVE
    if not here:
        words = f"{one} takes longer against {other}, on another machine: "
    elif known and slowed >= _MOST * apart and (up or not shift.of_function):
        verdict, words = Verdict.REGRESSED, f"{one} became slower against {other}: "
    elif known and -sped >= _MOST * apart and not (up and shift.of_function):
        verdict, words = Verdict.IMPROVED, f"{other} became faster against {one}: "
    elif shift.settled and abs(apart) <= margin:
        grounds = f"both stayed within the threshold: {_change(shift)}"
        return ReportLine(subject=shift.subject, verdict=verdict, grounds=grounds)
    else:
        words = f"{one} became slower or {other} faster, their seconds do not say which: "
    if shift.of_function:
        unsure = "the control moved too, so that the machine may have changed: "
        words = "on another machine: " if not here else unsure if verdict is Verdict.INCONCLUSIVE else ""
    return ReportLine(
        subject=shift.subject,
        verdict=verdict,
        grounds=f"{words}{_change(shift)}",
        fails=verdict is Verdict.REGRESSED,
        open=verdict is Verdict.INCONCLUSIVE,
    )


def _decided(shift: Shift, margin: float, *, up: bool) -> bool:
    """Whether a move beyond the threshold needs no second look: it is for the better, or means nothing."""
    told = _moved(shift, margin, up=up, here=True)
    return not (told.fails or told.open)


def _unconfirmed(shift: Shift) -> ReportLine:
    """One that was to be measured again, and was not."""
    grounds = f"{_change(shift)}, and could not be measured again"
    return ReportLine(subject=shift.subject, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=not shift.settled)


def _why_open(shift: Shift, margin: float) -> str:
    """What would decide it."""
    if math.isnan(shift.error):
        return ""
    whole = (math.log(shift.change.high / shift.change.low) / 2) if shift.change.low and shift.change.high else math.nan
    if _hopeless(shift, margin) or shift.then_half > _MOST * whole:
        wanted = shift.then_rounds * (2 * shift.then_half / margin) ** 2
        rounds = min(max(_FEWEST_ADVISED, 10 * math.ceil(wanted / 10)), _MOST_ADVISED)
        return f": the baseline's own rounds are too few: measure it anew with --rounds {rounds}"
    return f": the threshold, {percent_text(math.expm1(margin))}, lies inside"


def _hopeless(shift: Shift, margin: float) -> bool:
    """Whether the baseline alone leaves more than the threshold open, however often it is measured now."""
    return shift.then_half >= margin


def _change(shift: Shift) -> str:
    """By how much, then both sides; a crossover is told by both sides alone."""
    if shift.settled or math.isnan(shift.error):
        return shift.words
    return ", ".join(part for part in (change_text(shift.change), shift.words) if part)
