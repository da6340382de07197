"""Judges shifts from a baseline: verdicts after one look, or after a second one at what the first left open.

If forward takes longer *against reverse*, either forward became slower or reverse faster: a ratio cannot tell.
On the same machine seconds can: the arm whose own seconds moved by most of the shift is the one that changed; if
neither did, it stays open. So a faster engine is no regression of its partners.

All tests of a look are corrected together (Holm). If a second look follows, the first fails nothing: it only flags,
and fresh rounds decide. Both looks share the baseline and its errors, so the second corrects for
all shifts, not only for the flagged ones. So the share of false alarms holds, whatever is measured again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fwdrev.modes.core.arrays import Vector
from fwdrev.results.gate.baseline.ratio_shifts import Shift
from fwdrev.results.gate.findings import SCREENING
from fwdrev.results.gate.verdicts.report import ReportLine, Verdict
from fwdrev.results.stats.holm import holm
from fwdrev.results.stats.paired_shifts import Shifts
from fwdrev.results.text.quantities import change_text, percent_text

_MOST = 2 / 3
"""The share of a shift that an arm's own seconds must show for the arm to be the one that changed. The machine may then
have changed by a third of the shift between the runs without the wrong arm being named."""

_FEWEST_ADVISED, _MOST_ADVISED = 20, 10_000
"""The rounds to advise for a baseline with too few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The shifts in the first rounds and, after a second look, by subject in fresh rounds and in all rounds."""

    first: Sequence[Shift]
    fresh: Mapping[str, Shift] | None = None
    all: Mapping[str, Shift] = field(default_factory=dict)


def opened(found: Sequence[Shift], threshold: float, alpha: float, *, here: bool) -> tuple[list[Shift], list[Shift]]:
    """The shifts for a second look: flagged ones, and undecided ones that more rounds may decide.

    On other machines nothing fails, so nothing is flagged; nor is anything surely better.
    """
    flagged: list[Shift] = []
    undecided: list[Shift] = []
    margin = math.log1p(threshold)
    within = _shifts(found).within(np.full(len(found), margin))
    columns = zip(found, _beyond(found, margin, SCREENING), _beyond(found, margin, alpha), within, strict=True)
    for shift, seems, surely, same in columns:
        told = _moved(shift, margin, up=seems > 0, here=True)
        if here and seems and (told.fails or told.open or not surely):
            flagged.append(shift)
        elif not (surely or same or shift.settled or _hopeless(shift, margin)):
            undecided.append(shift)
    return flagged, undecided


def told_shifts(looks: Looks, threshold: float, alpha: float, *, here: bool) -> Iterator[ReportLine]:
    """The verdicts; `here`: both runs are of one machine. Elsewhere, no shift is a regression or an improvement."""
    margin = math.log1p(threshold)
    left = ([], []) if looks.fresh is None else opened(looks.first, threshold, alpha, here=here)
    flagged, undecided = ({shift.subject for shift in shifts} for shifts in left)
    again = {name: shift for name, shift in (looks.fresh or {}).items() if name in flagged | undecided}
    signs, later = _beyond(looks.first, margin, alpha), _beyond(looks.first, margin, alpha, again)
    for shift, sign, sign_again in zip(looks.first, signs, later, strict=True):
        name = shift.subject
        if name not in flagged | undecided:
            yield _told(shift, margin, sign, here=here)
        elif name not in again:
            grounds = f"{_change(shift)}, and could not be measured again"
            yield ReportLine(subject=name, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=not shift.settled)
        elif sign_again:
            told = _told(again[name], margin, sign_again, here=here)
            yield replace(told, grounds=f"{told.grounds}, {'confirmed ' if told.fails else ''}in fresh rounds")
        else:
            decides, rounds = (again[name], "fresh") if name in flagged else (looks.all[name], "all")
            told = _told(decides, margin, 0, here=here)
            yield replace(told, grounds=f"{told.grounds}, in {rounds} rounds")


def shift_lines(found: Sequence[Shift], threshold: float, alpha: float) -> Iterator[str]:
    """The smallest shift of a ratio that nine of ten such runs would show."""
    ratios = [shift for shift in found if not shift.settled]
    if ratios:
        margins, levels = np.full(len(ratios), math.log1p(threshold)), np.full(len(ratios), alpha / (2 * len(found)))
        least = _shifts(ratios).detectable(margins, levels)
        what = "function" if all(shift.of_function for shift in ratios) else "ratio"
        middle, worst = percent_text(float(np.median(least))), percent_text(float(least.max()))
        yield f"could be seen in a {what}: from {middle} (median), {worst} (worst)"


def _beyond(found: Sequence[Shift], margin: float, level: float, only: Mapping[str, Shift] | None = None) -> list[int]:
    """1 for each shift above the margin, -1 below minus the margin, else 0; corrected for all of `found` together.

    `only`: judge only these, from another look; the others stay in the family as tests that reject nothing.
    """
    looked = found if only is None else [only.get(shift.subject, shift) for shift in found]
    shifts, margins = _shifts(looked), np.full(len(found), margin)
    sides: Vector = np.concatenate([shifts.p_slower(margins), shifts.p_faster(margins)])
    if only is not None:
        there = np.array([shift.subject in only for shift in found] * 2, dtype=bool)
        sides = np.where(there | np.isnan(sides), sides, 1.0)
    above, below = np.split(holm(sides, np.ones(sides.size)) <= level, 2)
    signs: list[int] = (above.astype(int) - below).tolist()
    return signs


def _shifts(found: Sequence[Shift]) -> Shifts:
    """The shifts as tests take them: `kept` is one more than the degrees of freedom."""
    mean, error, freedom = (np.array([getattr(s, name) for s in found]) for name in ("mean", "error", "freedom"))
    return Shifts(mean=mean, error=error, rounds=freedom + 1, kept=freedom + 1)


def _told(shift: Shift, margin: float, sign: int, *, here: bool) -> ReportLine:
    if sign:
        return _moved(shift, margin, up=sign > 0, here=here)
    if bool(_shifts([shift]).within(np.array([margin]))[0]):  # False without a test
        grounds = f"within the threshold: {_change(shift)}"
        return ReportLine(subject=shift.subject, verdict=Verdict.UNCHANGED, grounds=grounds)
    return ReportLine(
        subject=shift.subject,
        verdict=Verdict.INCONCLUSIVE,
        grounds=_change(shift) + ("" if shift.settled else _why_open(shift, margin)),
        open=not shift.settled,
    )


def _moved(shift: Shift, margin: float, *, up: bool, here: bool) -> ReportLine:
    """The finding for a shift beyond the threshold; the arm that caused it decides its meaning.

    If a ratio hardly depends on m, small changes move a crossover far: it counts only if the arms also moved enough.
    A function is not slower because the control is faster, or the other way round: the control is not part of the code.
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


def _why_open(shift: Shift, margin: float) -> str:
    """Advice that would decide it."""
    if math.isnan(shift.error):
        return ""
    whole = (math.log(shift.change.high / shift.change.low) / 2) if shift.change.low and shift.change.high else math.nan
    if _hopeless(shift, margin) or shift.then_half > _MOST * whole:
        wanted = shift.then_rounds * (2 * shift.then_half / margin) ** 2
        rounds = min(max(_FEWEST_ADVISED, 10 * math.ceil(wanted / 10)), _MOST_ADVISED)
        return f": the baseline's own rounds are too few: measure it anew with --rounds {rounds}"
    return f": the threshold, {percent_text(math.expm1(margin))}, lies inside"


def _hopeless(shift: Shift, margin: float) -> bool:
    """Whether the baseline's own interval exceeds the threshold, however often it is measured now."""
    return shift.then_half >= margin


def _change(shift: Shift) -> str:
    """The change, then both sides; for a crossover only both sides."""
    if shift.settled or math.isnan(shift.error):
        return shift.words
    return ", ".join(part for part in (change_text(shift.change), shift.words) if part)
