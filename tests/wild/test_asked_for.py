"""Every requested arm gets a finding, even if neither side has it, only one does, or it could not be measured."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

import pytest

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, Lacking, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import revision
from fwdrev.bench.revisions.lookup import looked_up
from fwdrev.cli.app import main
from fwdrev.cli.commands import run as command
from fwdrev.cli.common.show import exit_code
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.compare import compared, without_run
from fwdrev.results.gate.baseline.record import Baseline
from fwdrev.results.gate.run import gate_run
from fwdrev.results.gate.sides import Pair
from fwdrev.results.gate.text import judged
from fwdrev.results.gate.verdicts.github import annotations
from fwdrev.results.gate.verdicts.junit import junit
from fwdrev.results.gate.verdicts.markdown import markdown
from fwdrev.results.gate.verdicts.report import Outcome, Verdict, text_lines
from tests.baselines import measured
from tests.doubles.lasting_pairs import lasting_pairs
from tests.plugin import install_plugin
from tests.project import MODEL, commit, make_project
from tests.wild.reports import OURS, report

SMALL, LARGE = Cell(4, 2), Cell(8, 2)

NEW = Lacking(side="base", reason="model has no function 'newer'")
GONE = Lacking(side="head", reason="model has no function 'older'")

LATE = ArmResult(status=Status.TIMED_OUT, reason="no answer within 1 s")
BARRED = ArmResult(status=Status.SKIPPED, reason="larger than n = 4, m = 2, where it ended: timed out")
WAITED = ArmResult(status=Status.SKIPPED, reason="not timed, since head ended: crashed")
CRASHED = ArmResult(status=Status.CRASHED, reason="killed by signal 9")
FAILED = ArmResult(status=Status.FAILED, reason="ValueError: no")
WRONG = ArmResult(status=Status.WRONG, reason="the sides differ")

Ended = Mapping[Pair, tuple[ArmResult, ArmResult]]


def script(ends: Ended) -> Callable[..., Generator[SideObservation, None, None]]:
    """Scripts rounds with equal times on both sides; arms in this table end so in the first round and drop out."""

    def rounds(spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        fine = ArmResult(status=Status.MEASURED, loops=1, values=(1.0, 1.0))
        for number in range(spec.rounds):
            for cell in spec.cells:
                wanted = [arm for arm in spec.engines if only is None or (cell, arm) in only]
                arms = {arm: (fine, fine) for arm in [*wanted, CONTROL] if (cell, arm) not in ends}
                arms |= {arm: ends[cell, arm] for arm in wanted if (cell, arm) in ends and number == 0}
                base, head = ({arm: both[side] for arm, both in arms.items()} for side in (0, 1))
                yield SideObservation(round=number, cell=cell, base=base, head=head, seconds=0.1)

    return rounds


def case(source: str, name: str, *values: object) -> object:
    """A row with its report."""
    return pytest.param(*values, id=name, marks=report(source))


EVERYWHERE = {(cell, "model:step"): (FAILED, FAILED) for cell in (SMALL, LARGE)}
MIXED = {(SMALL, "model:step"): (LATE, WAITED), (LARGE, "model:step"): (BARRED, BARRED)}


@pytest.mark.parametrize(
    ("apart", "ends", "code", "told"),
    [
        case("bheisler/criterion.rs#530", "new beside another", {"model:newer": NEW}, {}, 0, {"model:newer": "new"}),
        case("nubo-db/dynoxide#192", "nothing but new", {"model:newer": NEW, "model:step": NEW}, {}, 3, {}),
        case("BurntSushi/cargo-benchcmp#28", "gone", {"model:older": GONE}, {}, 4, {"model:older": "missing"}),
        case(OURS, "nothing but gone", {"model:older": GONE, "model:step": GONE}, {}, 4, {}),
        case(OURS, "new and gone", {"model:newer": NEW, "model:older": GONE}, {}, 4, {"model:newer": "new"}),
        case("dotnet/performance#1807", "failed on both sides", {}, EVERYWHERE, 4, {}),
        case("dotnet/performance#1807", "one cell on both sides", {}, {(SMALL, "model:step"): (LATE, LATE)}, 3, {}),
        case("rust-lang/rustc-perf#7", "on one side", {}, {(SMALL, "model:step"): (WAITED, CRASHED)}, 3, {}),
        case(OURS, "wrong", {}, {(LARGE, "model:step"): (WRONG, WRONG)}, 3, {}),
        case(OURS, "late, and larger", {"model:newer": NEW}, MIXED, 4, {"model:newer": "new"}),
    ],
)  # fmt: skip
def test_every_form_tells_what_was_not_measured(
    apart: dict[str, Lacking], ends: Ended, code: int, told: dict[str, str]
) -> None:
    """Each format gives the reason, as a skipped or failed test and never as a pass; the code never means slower."""
    arms = list(dict.fromkeys(["model:step", *apart]))
    spec = gate_spec({"inputs": [4, 8], "outputs": [2], "rounds": 4}, arms)
    run = gate_run(spec, script(ends), lacking=apart)
    report = judged(run.gate, "title", run.reasons)
    assert exit_code(report.outcome) == code
    found = {each.subject: each.verdict.value for each in report.told}
    assert told.items() <= found.items()
    absent = [each for each in report.told if each.untimed]
    assert len(absent) == len(apart) + len(ends)
    xml, rows, text, notes = (
        junit(report),
        markdown(report),
        "\n".join(text_lines(report)),
        "\n".join(annotations(report)),
    )
    reasons = {f["reason"] for f in run.gate.to_json()["findings"] if f["reason"]}
    assert reasons == {each.grounds for each in absent}
    for each in absent:
        assert each.grounds in text
        assert f'type="{each.verdict}" message="{each.grounds}"' in xml
        assert each.grounds.partition(": ")[0] in rows
        assert f"{each.subject}: {each.grounds}" in notes
    assert xml.count("<skipped") + xml.count("<failure") == len(absent)


@report("BurntSushi/cargo-benchcmp#28")
def test_what_is_gone_may_be_allowed() -> None:
    """An allowed absence is reported and decides nothing; if it leaves nothing else, nothing was compared."""
    spec = gate_spec({"inputs": [4, 8], "outputs": [2], "rounds": 4}, ["model:step", "model:older"])
    for apart, outcome in (
        ({"model:older": GONE}, Outcome.UNCHANGED),
        ({"model:older": GONE, "model:step": GONE}, Outcome.NOTHING),
    ):
        run = gate_run(spec, script({}), lacking=apart, allow_missing=True)
        report = judged(run.gate, "title")
        assert report.outcome is outcome
        (told, *_) = [each for each in report.told if each.verdict is Verdict.MISSING]
        assert not told.fails
        assert f"{told.subject}: {told.grounds}" in "\n".join(annotations(report))
        assert "<failure" not in junit(report)


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        case(OURS, "the control", ["forward", CONTROL], "engine 'control': that is what the work is called"),
        case(OURS, "twice a function", ["model:step", "model:step"], "name each one once"),
        case(OURS, "twice an engine", ["forward", "forward"], "name each one once"),
        case(OURS, "a space", ["model:my step"], "write it as MODULE:FUNCTION"),
        case(OURS, "a file with a dot", ["src/my.model.py:step"], "write it as MODULE:FUNCTION or FILE.py:FUNCTION"),
        case(OURS, "no function", ["model:"], "write it as MODULE:FUNCTION"),
        case(OURS, "no module", [":step"], "write it as MODULE:FUNCTION"),
        case(OURS, "another way", ["hessian:model:step"], "jacfwd:MODULE:FUNCTION"),
        case(OURS, "a method", ["model:Net..step"], "write it as MODULE:FUNCTION"),
        case(OURS, "four parts", ["jacfwd:a:b:c"], "write it as MODULE:FUNCTION"),
        case(OURS, "nothing", [], "name at least one"),
    ],
)
def test_names_that_cannot_be_meant(arms: list[str], said: str) -> None:
    """Impossible names are refused before anything starts."""
    with pytest.raises(InputError, match=said):
        gate_spec({}, arms, looked_up_later=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project, the current folder, in which head has another function and another engine than base."""
    made = make_project(tmp_path / "project")
    (made / "raises.py").write_text("raise OSError('no')\n")
    (made / "ends.py").write_text("import sys\nsys.exit('usage: …')\n")
    commit(made)
    (made / "model.py").write_text(MODEL.replace("def moody", "def newer"))
    points = made / "mine-1.0.dist-info" / "entry_points.txt"
    points.write_text(points.read_text().replace("mine =", "renamed ="))
    monkeypatch.chdir(made)
    monkeypatch.setenv("PYTHONPATH", str(made), prepend=":")
    return made


@pytest.mark.usefixtures("project")
@report("rjmurillo/moq.analyzers#1266")
def test_each_side_is_asked_before_anything_is_measured() -> None:
    """Functions and engines that a side lacks are found before measuring; those that fail or exit are measured."""
    arms = ["model:step", "model:newer", "jacrev:model:moody", "forward", "mine", "renamed", "raises:f", "ends:f"]
    spec = gate_spec({"inputs": [4], "outputs": [2]}, arms, looked_up_later=True)
    with revision("HEAD") as sides:
        found = looked_up(spec, sides, inputs="model:point").lacking
    assert {name: each.side for name, each in found.items()} == {
        "model:newer": "base",
        "jacrev:model:moody": "head",
        "mine": "head",
        "renamed": "base",
    }
    assert found["jacrev:model:moody"].reason.startswith("model has no function 'moody'")
    assert found["mine"].reason.startswith("unknown engine 'mine': known are ")


@pytest.mark.usefixtures("project")
@report(OURS)
def test_what_neither_side_has_is_wrong_usage() -> None:
    """Everything missing, and the point, is reported in one line with the existing names."""
    arms = ["model:step", "model:stepp", "modle:step", "numpy:sin", "model:np", "step"]
    spec = gate_spec({"inputs": [4], "outputs": [2]}, arms, looked_up_later=True)
    with revision("HEAD") as sides, pytest.raises(InputError) as caught:
        looked_up(spec, sides, inputs="model:pint")
    said = str(caught.value)
    assert said.startswith("model:stepp, modle:step, numpy:sin, model:np, step, model:pint: neither ")
    for part in (
        "model has no function 'stepp': it has newer, point, step; did you mean 'step'?",
        "there is no module 'modle'",
        "which is not in this project",
        "model:np is of type module, and no function",
        "unknown engine 'step': known are bracketed, ",
        "model has no function 'pint': it has newer, point, step; did you mean 'point'?",
        "a function is written MODULE:FUNCTION",
    ):
        assert part in said
    assert len(said.splitlines()) == 1


@report("rjmurillo/moq.analyzers#1266")
def test_the_whole_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A gate that can measure one of three arms fails for the missing one; every file names it and the reason."""
    asked = "model:step,model:newer,model:moody"
    sizes = ("--sizes", "4", "--rounds", "3", "--threshold", "900%", "--point", "model:point")
    files = ("--junit", "junit.xml", "--markdown", "check.md", "--json", "--github")
    with lasting_pairs():
        code = command(["check", "--against", "HEAD", "--engines", asked, *sizes, *files])
    shown = capsys.readouterr()
    data = json.loads(shown.out)
    assert (code, data["exit_code"], data["outcome"], data["compared"]) == (4, 4, "missing", 1)
    reasons = {f["subject"]["name"]: f["reason"] for f in data["findings"] if f["reason"]}
    assert reasons["model:newer"].startswith("base does not have it: model has no function 'newer'")
    assert reasons["model:moody"].startswith("head does not have it: model has no function 'moody'")
    for file in ("junit.xml", "check.md"):
        text = (project / file).read_text()
        assert "base does not have it" in text
        assert "head does not have it" in text
    assert "::error title=fwdrev check%3A missing::model:moody: head does not have it" in shown.err
    assert "::notice title=fwdrev check%3A new::model:newer: base does not have it" in shown.err


def with_engines(*engines: str) -> Baseline:
    """A baseline that was measured elsewhere with these engines too."""
    baseline = baseline_of(measured())
    return baseline.model_copy(update={"spec": {**baseline.spec, "engines": ["forward", "reverse", *engines]}})


@report(OURS)
def test_an_engine_of_a_baseline_that_cannot_be_loaded_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine is not gone: the finding says what to install, and the outcome is inconclusive."""
    install_plugin(tmp_path, monkeypatch)
    report = compared(with_engines("absent"), measured(seed=1))
    assert report.outcome is Outcome.INCONCLUSIVE
    (told,) = [each for each in report.told if each.subject == "absent"]
    assert (told.verdict, told.open, told.fails) == (Verdict.INCONCLUSIVE, True, False)
    assert told.grounds.startswith("unavailable here: engine 'absent' of package fwdrev-plugin cannot be used")
    assert "fwdrev_needs_what_is_not_there" in told.grounds
    assert told.grounds.endswith("install what it needs")


@report(OURS)
def test_an_engine_of_a_baseline_that_is_gone() -> None:
    """The check fails unless that is allowed; if no engine is left, each is reported and nothing was compared."""
    report = compared(with_engines("older"), measured(seed=1))
    (told,) = [each for each in report.told if each.subject == "older"]
    assert (report.outcome, told.verdict, told.fails) == (Outcome.MISSING, Verdict.MISSING, True)
    assert "::error title=fwdrev check%3A missing::older: in the baseline" in "\n".join(annotations(report))
    allowed = compared(with_engines("older"), measured(seed=1), allow_missing=True)
    assert allowed.outcome is Outcome.UNCHANGED
    alone = with_engines().model_copy(update={"spec": {**with_engines().spec, "engines": ["older"]}})
    assert without_run(alone).outcome is Outcome.MISSING
    assert without_run(alone, allow_missing=True).outcome is Outcome.NOTHING


@report(OURS)
@pytest.mark.parametrize(
    ("arms", "code"), [pytest.param("model:fails", 4, marks=pytest.mark.long), ("model:step,model:fails", 0)]
)
def test_what_a_selftest_does_not_measure_is_told(
    arms: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is reported once with its reason; if nothing else was requested, there is no word about the gate."""
    project = make_project(tmp_path / "project")
    (project / "model.py").write_text(f"{MODEL}\ndef fails(x):\n    raise ValueError('not here')\n", encoding="utf-8")
    commit(project)
    monkeypatch.chdir(project)
    small = ("--point", "model:point", "--rounds", "3", "--threshold", "900%", "--runs", "1", "--delayed", "0")
    monkeypatch.setattr(
        "sys.argv", ["fwdrev", "selftest", "--engines", arms, *small, "--out", str(tmp_path / "record")]
    )
    with lasting_pairs(), pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code or 0) == code
    assert err.count("model:fails, base: failed: ValueError: not here") == 1
    assert ("identical code called slower" in out) is (code == 0)
