"""Every requested arm appears in every output, however it ended: all ways × all formats."""

import json
import re
from dataclasses import replace
from itertools import combinations_with_replacement, cycle, product
from typing import Any

import pytest

from fwdrev.cli.common.show import exit_code
from fwdrev.results.gate.run import GateRun
from fwdrev.results.gate.text import judged
from fwdrev.results.gate.verdicts.github import annotations
from fwdrev.results.gate.verdicts.junit import junit
from fwdrev.results.gate.verdicts.markdown import markdown
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict, text_lines
from tests.gate_reports import HOSTILE, many, of
from tests.gate_ways import SAME, SIZES, WAYS, Way, ended
from tests.report_formats import Page, annotation, cases

NAMES = {"functions": ("mymodule:step", "mymodule:other"), "engines": ("forward", "reverse")}
CODES = {
    Outcome.UNCHANGED: 0,
    Outcome.IMPROVED: 0,
    Outcome.REGRESSED: 1,
    Outcome.INCONCLUSIVE: 3,
    Outcome.MISSING: 4,
    Outcome.NOTHING: 4,
}


def subjects(arm: str, way: Way) -> list[str]:
    """The subjects of this arm that are not simply unchanged."""
    if way.lacks:
        return [arm]
    sizes = [] if way.verdict is Verdict.UNCHANGED else way.sizes
    return [f"{arm} at size {n}" if ":" in arm else f"{arm} at n = {n}, m = 2" for n in sizes]


def expect_told(run: GateRun, arms: dict[str, Way]) -> None:
    """Expects each of them in each format; untimed ones are in the first line of formats that have one."""
    report = judged(run.gate, "base 1a2b (main)", run.reasons)
    (headline,) = Page(markdown(report)).texts["h2"]
    for arm, way in arms.items():
        for subject in subjects(arm, way):
            (told,) = [each for each in report.told if each.subject == subject]
            assert (told.verdict, told.untimed) == (way.verdict, way.untimed)
            assert way.says in told.grounds
            assert way.untimed is None or f"{subject} ({way.untimed})" in headline
    expect_shown(report)
    data = json.loads(json.dumps(run.gate.to_json(), allow_nan=False))
    assert data["outcome"] == report.outcome.value
    own = [f for f in data["findings"] if f["subject"]["kind"] == "cell" or f["verdict"] in {"new", "missing"}]
    inside = [(arms[m["arm"]], m["arm"], m["n"], f) for f in own for m in f["subject"]["members"]]
    assert sorted((arm, n) for _, arm, n, _ in inside) == sorted(product(arms, SIZES))
    for way, _, n, finding in inside:
        there = n in way.sizes
        assert finding["verdict"] == (way.verdict.value if there else "unchanged")
        assert finding["ended"] == (way.untimed if there and not way.lacks else None)
        assert way.untimed is None or not there or way.says in finding["reason"]


def expect_shown(report: GateReport) -> None:
    """Expects text, Markdown, annotations and JUnit of any report that is not too long for GitHub."""
    told = [each for each in report.told if each.verdict is not Verdict.UNCHANGED or _odd(each)]
    untimed = [each for each in told if each.untimed]
    text = "\n".join(text_lines(report))
    page = Page(markdown(report))
    shown = [annotation(line) for line in annotations(report)]
    results = cases(junit(report))
    rows = {(verdict, _words(subject)) for verdict, subject, _ in page.rows}
    for each in told:
        assert each.subject in text
        assert (each.verdict, _words(each.subject)) in rows
        assert any(each.subject in message for _, _, message in shown)
        assert results[each.subject] == _result(each)
    assert text.splitlines()[-1] == f"outcome: {report.outcome}"
    assert ("nothing to compare" in results) is (report.outcome is Outcome.NOTHING)
    assert len(results) == len({each.subject for each in report.told}) + (report.outcome is Outcome.NOTHING)
    (headline,) = page.texts["h2"]
    assert headline.partition("fwdrev check: ")[2].partition(";")[0] == report.outcome
    title = {"title": f"fwdrev check: {report.outcome}"}
    (first,) = [message for _, more, message in shown if more == title and message.endswith(report.title)]
    assert ("not timed: " in headline) is ("not timed: " in first) is bool(untimed)
    for level in ("error", "warning", "notice"):
        assert sum(each[0] == level for each in shown) <= 10
    assert exit_code(report.outcome) == CODES[report.outcome]


def _odd(told: ReportLine) -> bool:
    return told.fails or told.open or bool(told.untimed)


def _result(told: ReportLine) -> str:
    if told.fails:
        return "failure"
    unknown = {Verdict.INCONCLUSIVE, Verdict.FLAGGED, Verdict.NEW, Verdict.MISSING}
    return "skipped" if told.open or told.untimed or told.verdict in unknown else "passed"


def _words(text: str) -> str:
    """Collapses white space, as a browser does."""
    return " ".join(text.split(" ")).strip(" ")


@pytest.mark.parametrize("kind", ["functions", pytest.param("engines", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", WAYS)
def test_every_way_to_end_is_told(name: str, kind: str) -> None:
    """Every ending appears beside an unchanged arm, and alone."""
    one, other = NAMES[kind]
    way = WAYS[name]
    for arms, outcome in (({one: way, other: SAME}, way.outcome), ({one: way}, way.alone or way.outcome)):
        run = ended(arms)
        assert run.gate.outcome is outcome
        expect_told(run, arms)


SOME = [
    *("same", "slower", "faster", "noisy", "more operations", "wrong in head", "timed out in base at one size"),
    *("crashed in head in fresh rounds", "skipped in both", "new", "missing"),
]
WORST = (Outcome.REGRESSED, Outcome.MISSING, Outcome.INCONCLUSIVE, Outcome.IMPROVED, Outcome.UNCHANGED)


@pytest.mark.parametrize(("one", "other"), [*combinations_with_replacement(SOME, 2)])
def test_the_worst_of_two_is_the_outcome(one: str, other: str) -> None:
    """A regression stands beside anything, an untimed arm is no pass, and neither hides the other."""
    arms = dict(zip(NAMES["functions"], (WAYS[one], WAYS[other]), strict=True))
    run = ended(arms)
    compared = any(way.alone is None and not way.lacks for way in arms.values())
    if not compared and Outcome.MISSING not in {way.outcome for way in arms.values()}:
        all_new = all(way.lacks for way in arms.values())
        assert run.gate.outcome is (Outcome.INCONCLUSIVE if all_new else Outcome.NOTHING)
    else:
        assert run.gate.outcome is min((way.outcome for way in arms.values()), key=WORST.index)
    expect_told(run, arms)


@pytest.mark.parametrize("kind", NAMES)
def test_what_is_gone_on_purpose_does_not_decide(kind: str) -> None:
    """The arm is still named, as skipped."""
    arms = dict(zip(NAMES[kind], (WAYS["missing"], SAME), strict=True))
    run = ended(arms, allow_missing=True)
    assert run.gate.outcome is Outcome.UNCHANGED
    expect_told(run, arms)


def test_a_pair_that_no_round_came_to_is_told() -> None:
    """A pair that measuring lost without a message is reported."""
    arms = dict(zip(NAMES["functions"], (replace(SAME, silent=True), SAME), strict=True))
    run = ended(arms)
    assert run.gate.outcome is Outcome.INCONCLUSIVE
    report = judged(run.gate, "title", run.reasons)
    expect_shown(report)
    found = {each.subject: (each.untimed, each.grounds) for each in report.told if each.open}
    said = ("not measured", "it was asked for, and no round came to it")
    assert found == {f"mymodule:step at size {n}": said for n in SIZES}


ODD = [*HOSTILE, "f" * 200, "mymodule.sub:" + "|" * 300, "@" * 300, "жёлтый" * 60, "a\nb\tc", "<b>" * 120]
FLAGS: list[dict[str, Any]] = [
    {},
    {"open": True},
    {"fails": True},
    {"untimed": "wrong"},
    {"open": True, "untimed": "timed out"},
]


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_told_under_every_name(verdict: Verdict) -> None:
    """Names may be markup, break lines, or be longer than any line; all outcomes occur."""
    outcomes = cycle(Outcome)
    for flags, name in zip(cycle(FLAGS), [*Outcome, *ODD], strict=False):
        told = ReportLine(subject=f"f {name} z", verdict=verdict, grounds=f"since {name}", **flags)
        same = ReportLine(subject="g", verdict=Verdict.UNCHANGED, grounds="")
        expect_shown(of(told, same, outcome=next(outcomes)))


@pytest.mark.parametrize("number", [9, 10, 11, 41])
@pytest.mark.parametrize("flags", FLAGS)
def test_none_of_many_is_lost(number: int, flags: dict[str, Any]) -> None:
    """More findings than a terminal shows with grounds, and than GitHub shows annotations, are all named."""
    verdicts = [verdict for verdict in Verdict if verdict is not Verdict.UNCHANGED]
    told = [
        ReportLine(subject=f"mymodule:step{i}_{v}", verdict=verdict, grounds="x" * 500, **flags)
        for v, verdict in enumerate(verdicts)
        for i in range(number // len(verdicts) + 1)
    ]
    expect_shown(of(*told, outcome=Outcome.INCONCLUSIVE))


def test_where_there_is_no_room_a_count_says_so() -> None:
    """The headline and the first annotation name some and count the rest; all are in the text and in JUnit."""
    wrong = ReportLine(subject="", verdict=Verdict.INCONCLUSIVE, grounds="y" * 200, open=True, untimed="wrong")
    report = of(*many(3_000, wrong), outcome=Outcome.INCONCLUSIVE)
    (headline,) = Page(markdown(report)).texts["h2"]
    messages = [annotation(line)[2] for line in annotations(report)]
    for text, most in ((headline, 1_000), (messages[0], 4_096), (messages[-1], 4_096)):
        assert len(text) < most
        (more,) = re.findall(r" and ([\d,]+) more", text)
        named = len(re.findall(r"\bf\d+\b", text))
        before = 0 if text is not messages[-1] else 8
        assert named > 10
        assert before + named + int(more.replace(",", "")) == 3_000
    assert len(messages) == 10
    lines = text_lines(report)
    assert all(set(re.findall(r"\bf\d+\b", line)) for line in lines if "not timed" in line)
    assert {f"f{i}" for i in range(3_000)} <= set(re.findall(r"\bf\d+\b", "\n".join(lines)))
    assert set(cases(junit(report)).values()) == {"skipped"}
    assert len(cases(junit(report))) == 3_000
