"""Gate reports written by hand, for tests of their displays."""

from dataclasses import replace

from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict

__all__ = ["BETTER", "HOSTILE", "LESS", "OPEN", "SAME", "WORSE", "many", "of"]

WORSE = ReportLine(
    subject="mine at n = 4, m = 2", verdict=Verdict.REGRESSED, grounds="time 1.12, could see 6%", fails=True
)
LESS = ReportLine(subject="mine at n = 8, m = 2", verdict=Verdict.COUNTS_CHANGED, grounds="passes 3 → 2")
BETTER = ReportLine(subject="forward at n = 4, m = 2", verdict=Verdict.IMPROVED, grounds="time 0.81")
OPEN = ReportLine(subject="reverse at n = 4, m = 2", verdict=Verdict.INCONCLUSIVE, grounds="not measured", open=True)
SAME = ReportLine(subject="reverse at n = 8, m = 2", verdict=Verdict.UNCHANGED, grounds="time 1.001")

HOSTILE = (
    "a|b",
    "a\\|b\\",
    "`a` ``b",
    "<script>alert(1)</script><b>",
    "&lt; &#64;",
    "*a* **b**",
    "_c_ __d__",
    "~~e~~",
    "[a](http://b) ![c](d) <http://e>",
    "@octocat a@b.com team/repo#1 #12 GH-12",
    "https://example.com",
    "at www.example.com",
    "at dead12beef",
    "see GH-12",
    "1. a",
    "# a",
    "- [ ] a",
    ":+1: $x$",
    "::error title=x::y",
    "]]> <!-- --> -->",
    "a, b: c%0A%",
    "жёлтый 日本 🎉",
)


def of(
    *told: ReportLine, outcome: Outcome = Outcome.REGRESSED, title: str = "base", notes: tuple[str, ...] = ()
) -> GateReport:
    """A report of these findings."""
    return GateReport(title=title, outcome=outcome, told=told, notes=notes)


def many(number: int, told: ReportLine) -> tuple[ReportLine, ...]:
    """Several findings of one kind, each with its own subject."""
    return tuple(replace(told, subject=f"f{i}") for i in range(number))
