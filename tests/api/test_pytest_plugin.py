"""The fixture `fwdrev_gate`: verdicts become passes, failures and skips.

For decisions, rounds are scripted: a callable returns the seconds that it takes.
"""

import re
from collections.abc import Iterator
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest

import fwdrev.pytest_gate  # imported here, it stays imported after a run within this process
import fwdrev.pytest_plugin
from fwdrev.bench.records.callables import CallableRound
from fwdrev.bench.timing.callables import PairedCallables

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
OURS = ("-p", "no:fwdrev", "-p", fwdrev.pytest_plugin.__name__)
"""Loads the plugin whether or not this checkout is installed with its entry points."""


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the clock by rounds that wobble around the callables' results, a tenth of a second each."""

    def rounds(self: PairedCallables, count: int, blocks: int) -> Iterator[CallableRound]:
        for wobble in islice(cycle((0.98, 1.03, 1.0, 0.97, 1.02)), count):
            f, g = self._made
            yield CallableRound(f=(float(f()) * wobble,) * blocks, g=(float(g()),) * blocks, seconds=0.1)

    monkeypatch.setattr(PairedCallables, "rounds", rounds)


def ran(pytester: pytest.Pytester, *arguments: str, body: str) -> pytest.RunResult:
    """Runs one test with this body in this process."""
    pytester.makepyfile(f"def test_speed(fwdrev_gate):\n    {body}\n")
    return pytester.runpytest_inprocess(*OURS, *arguments)


def one(monkeypatch: pytest.MonkeyPatch, number: str | None, of: str | None = None) -> None:
    """Imitates a worker of pytest-xdist, or none."""
    for name, value in (("PYTEST_XDIST_WORKER", number), ("PYTEST_XDIST_WORKER_COUNT", of)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the workers of these tests themselves."""
    one(monkeypatch, None)


SLOWER = "fwdrev_gate(lambda: 1.3, lambda: 1.0, max_ratio=1.1)"
EDGE = "fwdrev_gate(lambda: 1.1, lambda: 1.0, max_ratio=1.1)"


@pytest.mark.usefixtures("scripted")
def test_fast_enough_passes_and_is_returned(pytester: pytest.Pytester) -> None:
    """The result has all its grounds, and there is a line at the end."""
    body = """found = fwdrev_gate(lambda: 1.0, lambda: 1.0, max_ratio=1.1)
    assert found.ratio.low < 1.0 < found.ratio.high <= 1.1 < found.detectable
    assert (found.verdict, found.rounds, found.again) == ("within", 10, None)
    assert (found.f_seconds, found.g_seconds, found.seconds_needed) == (1.0, 1.0, None)"""
    result = ran(pytester, body=body)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*= fwdrev_gate =*",
            "*.py::test_speed: within: f takes 1.00 times as long as g (0.9* to 1.0*), 1 s and 1 s a call; allowed 1.1",
        ]
    )


@pytest.mark.usefixtures("scripted")
def test_slower_fails_with_one_line(pytester: pytest.Pytester) -> None:
    """The line has the ratio, its interval, the times, the allowed ratio and the confirming rounds; no traceback."""
    result = ran(pytester, body=SLOWER)
    result.assert_outcomes(failed=1)
    line = "f takes 1.30 times as long as g (1.2* to 1.3*), 1.3 s and 1 s a call; allowed 1.1; confirmed in 10 fresh *"
    result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*pytest_gate.py*")
    result.stdout.fnmatch_lines(["*.py::test_speed: regressed: *"])


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("setting", "outcome"), [(None, "skipped"), ("skip", "skipped"), ("pass", "passed"), ("fail", "failed")]
)
def test_what_is_not_decided_is_a_matter_of_choice(pytester: pytest.Pytester, setting: Any, outcome: str) -> None:
    """The test is skipped unless configured otherwise, and reported in any case, at its line."""
    if setting is not None:
        pytester.makeini(f"[pytest]\nfwdrev_inconclusive = {setting}\n")
    result = ran(pytester, "-rs", body=f"assert {EDGE}.verdict == 'inconclusive'")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines(["*.py::test_speed: inconclusive: *; could have seen 1.1*"])
    if outcome == "skipped":
        place = "test_what_is_not_decided_is_a_matter_of_choice.py:2"
        advice = "raise max_seconds (5) or max_ratio, or choose fwdrev_inconclusive = pass or fail"
        result.stdout.fnmatch_lines([f"SKIPPED*{place}: not decided: f takes 1.1* lies inside *; *; {advice}"])


FEW_CALLS = ("f, f, max_seconds=1e-9", 0, "a few calls do not decide it")
FEW_ROUNDS = ("setup=lambda: (time.sleep(0.02), (f, f))[1], max_seconds=0.05", 2, "2 rounds do not decide it")


@pytest.mark.parametrize(
    ("calls", "rounds", "why", "setting", "outcome"),
    [
        (*FEW_CALLS, None, "skipped"),
        (*FEW_CALLS, "pass", "passed"),
        (*FEW_ROUNDS, "skip", "skipped"),
        (*FEW_ROUNDS, "fail", "failed"),
    ],
)
def test_too_little_time_is_undecided_too(
    pytester: pytest.Pytester, calls: str, rounds: int, why: str, setting: str | None, outcome: str
) -> None:
    """Too little time follows the same setting; a line at the end says what it needs; the result has known values."""
    if setting is not None:
        pytester.makeini(f"[pytest]\nfwdrev_inconclusive = {setting}\n")
    pytester.makepyfile(f"""
        import time
        def f(): time.sleep(0.001)
        def test_speed(fwdrev_gate):
            found = fwdrev_gate({calls})
            assert (found.verdict, found.max_ratio) == ("inconclusive", 1.1)
            assert found.rounds <= {rounds}
            assert (found.ratio.low, found.ratio.high, found.detectable) == (None, None, None)
            assert found.seconds_needed > 0 < found.ratio.point
    """)
    result = pytester.runpytest_inprocess(*OURS, "-rsf")
    result.assert_outcomes(**{outcome: 1})
    if rounds == 0:
        result.stdout.fnmatch_lines([f"*.py::test_speed: inconclusive: f takes *; {why}, two looks need about *s"])
    if outcome == "skipped":
        told = "not decided: *, two looks need about *; raise max_seconds (*), or choose fwdrev_inconclusive = *"
        result.stdout.fnmatch_lines([f"SKIPPED*{told}"])
    elif outcome == "failed":
        result.stdout.fnmatch_lines(["*not decided: *, two looks need about *; raise max_seconds (*)"])


@pytest.mark.usefixtures("scripted")
def test_ten_per_cent_more_is_allowed_by_default(pytester: pytest.Pytester) -> None:
    """The default of max_ratio is 1.1."""
    body = "assert fwdrev_gate(lambda: 1.0, lambda: 1.0).max_ratio == 1.1"
    ran(pytester, body=body).assert_outcomes(passed=1)
    result = ran(pytester, body="fwdrev_gate(lambda: 1.2, lambda: 1.0)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["f takes 1.20 times as long as g *; allowed 1.1; confirmed *"])


@pytest.mark.usefixtures("scripted")
def test_each_gate_has_a_line(pytester: pytest.Pytester) -> None:
    """Two gates of one test and one of another have three; a test without gates has none."""
    pytester.makepyfile(f"def test_a(fwdrev_gate):\n    {EDGE[:-4]}2.0)\n    {SLOWER}\ndef test_b(): pass\n")
    out = pytester.runpytest_inprocess(*OURS).stdout.lines
    told = [line.split(": ")[1] for line in out if ".py::test_a: " in line]
    assert told == ["within", "regressed"]
    assert not any("test_b: " in line for line in out)
    pytester.makepyfile("def test_b(): pass")
    pytester.runpytest_inprocess(*OURS).stdout.no_fnmatch_line("*fwdrev_gate*")


def test_the_page_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's Python runs unchanged, except for the clock."""

    def rounds(self: PairedCallables, count: int, blocks: int) -> Iterator[CallableRound]:
        for call in self._made:
            call()
        return (CallableRound(f=(1.0,) * blocks, g=(1.0,) * blocks, seconds=0.1) for _ in range(count))

    monkeypatch.setattr(PairedCallables, "rounds", rounds)
    code = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "pytest.md").read_text(), re.DOTALL | re.MULTILINE)
    pytester.makepyfile("\n".join(code))
    pytester.runpytest_inprocess(*OURS).assert_outcomes(passed=3)


def test_an_unknown_setting_is_refused(pytester: pytest.Pytester) -> None:
    """The message lists the known ones."""
    result = ran(pytester, "-o", "fwdrev_inconclusive=maybe", body="pass")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*fwdrev_inconclusive = maybe: choose skip or pass or fail"])


@pytest.mark.usefixtures("scripted")
def test_it_can_be_skipped(pytester: pytest.Pytester) -> None:
    """A command-line option skips it."""
    ran(pytester, "--fwdrev-skip", body=SLOWER).assert_outcomes(skipped=1)


@pytest.mark.usefixtures("scripted")
def test_beside_other_workers_it_does_not_measure(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """The configuration may allow it, and a single worker measures."""
    one(monkeypatch, "gw0", "2")
    result = ran(pytester, "-rs", body=SLOWER)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*beside other workers of pytest-xdist, unless fwdrev_xdist = measure"])
    ran(pytester, "-o", "fwdrev_xdist=measure", body=SLOWER).assert_outcomes(failed=1)
    one(monkeypatch, "gw0", "1")
    ran(pytester, body=SLOWER).assert_outcomes(failed=1)


def test_errors_of_the_callables_pass(pytester: pytest.Pytester) -> None:
    """Errors are unchanged, even our own errors where a callable uses fwdrev."""
    places = ("fwdrev_gate({}, dict", "fwdrev_gate(dict, {}", "fwdrev_gate(setup={}")
    errors = {"ZeroDivisionError": "lambda: 1 / 0", "fwdrev.modes.InputError": "lambda: fwdrev.engine('no')"}
    tests = [
        f"def test_{i}(fwdrev_gate):\n    with pytest.raises({error}):\n        {place.format(of)}, max_ratio=1.1)\n"
        for i, (place, (error, of)) in enumerate(product(places, errors.items()))
    ]
    pytester.makepyfile("import fwdrev, fwdrev.modes, pytest\n" + "".join(tests))
    pytester.runpytest_inprocess(*OURS).assert_outcomes(passed=6)


REFUSED = {
    "f, f, max_ratio=0": "max_ratio is 0: give a number above 0",
    "f, f, max_ratio='fast'": "max_ratio is 'fast': give a number, time of f ÷ time of g, such as 1.1",
    "f, f, max_ratio='20%'": "max_ratio is '20%': give a number, time of f ÷ time of g, such as 1.2",
    "f, f, max_ratio='120%'": "max_ratio is '120%': give a number, time of f ÷ time of g, such as 1.2",
    "f, f, max_ratio='0.5'": "max_ratio is '0.5': give a number, time of f ÷ time of g, such as 0.5",
    "f, f, max_seconds='20s'": "max_seconds is '20s': give a number above 0",
    "f, f, max_ratio=float('nan')": "max_ratio is nan: give a number above 0",
    "f, f, max_ratio=True": "max_ratio is True: give a number above 0",
    "f, f, max_ratio=1.1, max_seconds=-1": "max_seconds is -1: give a number above 0",
    "f, max_ratio=1.1": "g is None: give a callable without arguments*",
    "f, abs, max_ratio=1.1": "g needs arguments (*): give a callable without any, such as lambda: work(x)",
    "f, setup=f, max_ratio=1.1": "both callables and setup were given: *",
    "setup=lambda x: x, max_ratio=1.1": "setup needs arguments *",
    "setup=lambda: f, max_ratio=1.1": "setup returned <function *: it has to return two callables, f and g",
    "setup=lambda: (f, 1), max_ratio=1.1": "g is 1: *",
}
"""Arguments, and the line that they end in."""


def test_bad_arguments_end_in_one_line(pytester: pytest.Pytester) -> None:
    """Each says what was given and what to do, and shows none of our code."""
    tests = [f"def test_{i}(fwdrev_gate):\n    fwdrev_gate({given})\n" for i, given in enumerate(REFUSED)]
    pytester.makepyfile("def f(): pass\n" + "".join(tests))
    result = pytester.runpytest_subprocess(*OURS, "-p", "no:jaxtyping")
    result.assert_outcomes(failed=len(REFUSED))
    failed = result.outlines[: next(i for i, line in enumerate(result.outlines) if "short test summary" in line)]
    told = [line for line in failed if line.startswith("fwdrev_gate: ")]
    assert len(told) == len(REFUSED)
    result.stdout.fnmatch_lines([f"fwdrev_gate: {line}".replace("[", "[[]") for line in REFUSED.values()])
    assert not any("Traceback" in line or "exception" in line or ".py:" in line for line in failed)


def test_it_measures(pytester: pytest.Pytester) -> None:
    """Here the clock runs, far from any edge: fifty times the work is slower, and the same work is not."""
    pytester.makepyfile("""
        def work(count):
            def call():
                for _ in range(count):
                    pass
            return call

        def test_slower(fwdrev_gate):
            fwdrev_gate(work(50_000), work(1000), max_ratio=2, max_seconds=20)

        def test_same(fwdrev_gate):
            fwdrev_gate(work(1000), work(1000), max_ratio=25, max_seconds=20)

        def test_made_anew(fwdrev_gate):
            fwdrev_gate(setup=lambda: (work(1000), work(1000)), max_ratio=25, max_seconds=20)
    """)
    result = pytester.runpytest_subprocess(*OURS)
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines(["*::test_slower: regressed: *", "*::test_same: within: *", "*_anew: within: *"])
