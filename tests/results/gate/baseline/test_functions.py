"""A baseline of functions: its extract of scripted observations, comparisons with it, and one real pair."""

import json
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.observation import ArmResult, Cell, Memory, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.modes.errors import InputError
from fwdrev.results import Run
from fwdrev.results.gate.baseline.build import function_baseline, function_run, unmeasured_functions
from fwdrev.results.gate.baseline.compare import compared, undecided, without_run
from fwdrev.results.gate.baseline.file import baseline_text, load_baseline
from fwdrev.results.gate.baseline.record import Baseline, FunctionSpec
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, Verdict
from fwdrev.results.published import published
from tests.command import fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.doubles.scripted_rounds import scripted_rounds

NAMES = ["model:step", "model:energy"]
SECONDS = {"model:step": 1.2e-3, "model:energy": 4e-5, CONTROL: 5e-5}
MEASURED = FunctionSpec(functions=NAMES, points=["model:start"], sizes=[1000], rounds=12, blocks=4, block_seconds=2e-3)
MACHINE: dict[str, Any] = {"cpu_model_name": "scripted", "versions": {"numpy": "2", "fwdrev": "1"}}


def run_of(seed: int = 0, *, noise: float = 0.01, machine: dict[str, Any] | None = None, **slower: float) -> Run:
    """Twelve rounds; each process has its own factor, and some blocks of the control take three times as long."""
    rng, factors = Random(seed), {f"model:{name}": factor for name, factor in slower.items() if name != "all"}

    def side(name: str) -> ArmResult:
        own = SECONDS[name] * factors.get(name, 1.0) * slower.get("all", 1.0) * (1 + rng.gauss(0, noise))
        blocks = (1, 1, 1, 3) if name == CONTROL else (1, 1, 1, 1)
        values = tuple(own * block * (1 + rng.gauss(0, noise / 4)) for block in blocks)
        return ArmResult(status=Status.MEASURED, loops=1, values=values, memory=Memory(resident=8_000_000))

    seen = [
        SideObservation(
            round=i, cell=Cell(1000, 1), base=arms, head={name: side(name) for name in SECONDS}, seconds=1.0
        )
        for i in range(12)
        for arms in [{name: side(name) for name in SECONDS}]
    ]
    return function_run(gate_spec({}, NAMES), seen, MACHINE | (machine or {}))


@pytest.fixture
def baseline() -> Baseline:
    """The baseline of the same functions, on another day."""
    return function_baseline(run_of(), MEASURED)


def told(report: GateReport, name: str = "model:step at size 1000") -> Any:
    """The finding on that function."""
    (found,) = [each for each in report.told if each.subject == name]
    return found


def test_the_file_holds_ratios_times_and_memory(baseline: Baseline, tmp_path: Path) -> None:
    """The file follows the schema, reads back unchanged, and contains all that a new measurement needs."""
    text = baseline_text(baseline)
    (tmp_path / "b.json").write_text(text)
    read = load_baseline(tmp_path / "b.json")
    assert baseline_text(read) == text
    assert read.functions == MEASURED
    assert (read.sweep.engines, read.sweep.inputs, read.sweep.outputs) == (NAMES, [1000], [1])
    jsonschema.validate(json.loads(text), json.loads(published("baseline").read_text(encoding="utf-8")))
    ratios = {entry.arm: entry for entry in read.ratios}
    assert set(ratios) == set(NAMES)
    assert abs(ratios["model:step"].ratio / 24 - 1) < 0.02
    assert ratios["model:step"].against == CONTROL
    (step,) = [entry for entry in read.arms if entry.arm == "model:step"]
    assert step.memory == 8_000_000
    assert step.seconds is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"functions": []}, "functions: List should have at least 1 item"),
        ({"sizes": [0]}, "sizes.0: Input should be greater than or equal to 1"),
        ({"points": 7}, "points: Input should be a valid list"),
        ({"outputs": [1]}, "outputs: Extra inputs are not permitted"),
    ],
)
def test_a_damaged_file_is_one_line(change: dict[str, Any], said: str, baseline: Baseline, tmp_path: Path) -> None:
    """The line has the fault and its place."""
    data = json.loads(baseline_text(baseline))
    data["spec"] |= change
    (tmp_path / "b.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"^[^\n]+$") as caught:
        load_baseline(tmp_path / "b.json")
    assert said in str(caught.value)


def test_a_file_of_format_1_is_read(baseline: Baseline, tmp_path: Path) -> None:
    """The file's values keep their meaning forever."""
    data = json.loads(baseline_text(baseline)) | {"format": 1}
    data["spec"] = gate_spec({}, NAMES).model_dump(mode="json")
    (tmp_path / "b.json").write_text(json.dumps(data))
    assert load_baseline(tmp_path / "b.json").functions is None


def test_unchanged_functions(baseline: Baseline) -> None:
    """On a machine that is a tenth slower today, nothing changes; a line reports the common shift."""
    for factor in (1.0, 1.1):
        report = compared(baseline, run_of(1, all=factor), threshold=0.1)
        assert report.outcome is Outcome.UNCHANGED
        assert len(report.told) == 2
    assert "memory 8 MB → 8 MB" in told(report).grounds
    assert any(note.startswith("control (the same work then and now") and "slower" in note for note in report.notes)


def test_a_slower_function_fails(baseline: Baseline) -> None:
    """Fresh rounds confirm it, with the change, the times and the memory; the other one is within the threshold."""
    run = run_of(1, step=1.3)
    again = undecided(baseline, run, threshold=0.1)
    assert again is not None
    assert again.flagged == ("model:step at size 1000",)
    assert again.rounds(spec := gate_spec({}, NAMES)) == 2 * spec.rounds
    report = compared(baseline, run, threshold=0.1, again=run_of(2, step=1.3))
    assert report.outcome is Outcome.REGRESSED
    found = told(report)
    assert (found.verdict, found.fails) == (Verdict.REGRESSED, True)
    assert found.grounds.startswith("30 % slower (")
    assert "ms → 1." in found.grounds
    assert found.grounds.endswith("memory 8 MB → 8 MB, confirmed in fresh rounds")
    assert told(report, "model:energy at size 1000").verdict is Verdict.UNCHANGED
    report = compared(baseline, run, threshold=0.1, again=run_of(2))
    assert report.outcome is Outcome.UNCHANGED


def test_elsewhere_nothing_fails(baseline: Baseline) -> None:
    """On another machine, or with another version of the control, a shift is reported and stays open."""
    for machine in ({"cpu_model_name": "another"}, {"versions": {"numpy": "2", "fwdrev": "2"}}):
        report = compared(baseline, run_of(1, machine=machine, step=1.3), threshold=0.1)
        assert report.outcome is Outcome.INCONCLUSIVE
        assert told(report).grounds.startswith("on another machine: 30 % slower")


def test_the_control_alone_fails_nothing(baseline: Baseline) -> None:
    """If only the control changes, the function is neither slower nor faster."""
    for factor in (0.7, 1.4):
        run = run_of(1, all=factor, step=1 / factor, energy=1 / factor)
        report = compared(baseline, run, threshold=0.1, again=run)
        assert report.outcome is Outcome.INCONCLUSIVE
        assert told(report).grounds.startswith("the control moved too")


def test_a_function_that_is_gone(baseline: Baseline) -> None:
    """The check fails unless that is allowed, even if all are gone and nothing can be measured."""
    gone = {"model:step": "model has no function 'step'"}
    run = run_of(1)
    left = [o for o in run.observations for _ in [o.arms.pop("model:step")]]  # type: ignore[attr-defined]
    assert left
    spec = run.spec.model_copy(update={"engines": ["model:energy", CONTROL]})
    run = Run(**{name: getattr(run, name) for name in run.__slots__} | {"spec": spec})
    for allowed, outcome in ((False, Outcome.MISSING), (True, Outcome.UNCHANGED)):
        report = compared(baseline, run, threshold=0.1, lacking=gone, allow_missing=allowed)
        assert report.outcome is outcome
        assert told(report, "model:step").verdict is Verdict.MISSING
    assert without_run(baseline, dict.fromkeys(NAMES, "gone")).outcome is Outcome.MISSING


def test_a_function_that_fails_now_is_open(baseline: Baseline) -> None:
    """The reason of the failure is given; the other one is compared."""
    failed = ArmResult(status=Status.FAILED, reason="ValueError: no")
    spared = ArmResult(status=Status.SKIPPED, reason="not timed, since base ended: failed")
    fine = run_of(1)
    seen = [
        SideObservation(
            round=o.round,
            cell=o.cell,
            base={**o.arms, "model:step": failed},
            head={**o.arms, "model:step": spared},
            seconds=1.0,
        )
        for o in fine.observations
    ]
    run = function_run(gate_spec({}, NAMES), seen, MACHINE)
    assert unmeasured_functions(run) == ["model:step: failed: ValueError: no"]
    report = compared(baseline, run, threshold=0.1)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert told(report).grounds == "not measured now: failed: ValueError: no"


CODE = "import numpy as np\ndef start(n): return np.linspace(0, 1, n)\ndef step(x): return np.sin(x)\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is in no git project."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(CODE)
    return tmp_path


def test_the_whole_way(project: Path) -> None:
    """Functions are measured without git, compared, and removed; the folder gets the file and nothing else."""
    ask = ("baseline", "-o", "b.json", "--functions", "model.py:step", "--point", "model:start", "--rounds", "3")
    with lasting_pairs():
        assert "model:step at size 64: " in fwdrev(*ask, "--sizes", "64").stdout
        done = fwdrev("check", "--baseline", "b.json", "--threshold", "900%")
    assert done.returncode in {0, 3}
    assert done.stdout.startswith("baseline b.json, measured anew; threshold 900 %\n")
    assert "model:step" in done.stdout or "unchanged: 1 of 1" in done.stdout
    assert {path.name for path in project.iterdir()} <= {"b.json", "model.py", "__pycache__"}
    (project / "model.py").write_text(CODE.replace("step", "steps"))
    done = fwdrev("check", "--baseline", "b.json")
    assert done.returncode == 4
    assert "model:step  in the baseline, and not here any more: model has no function 'step'" in done.stdout
    assert "did you mean 'steps'?" in done.stdout


@pytest.mark.parametrize(
    ("setting", "option", "threshold"),
    [
        ('threshold = "30%"', (), "30 %"),
        ('threshold = "30%"', ("--threshold", "40%"), "40 %"),
        ('find = "30%"', (), "10 %"),
    ],
)
def test_the_threshold_may_be_a_setting(
    setting: str, option: tuple[str, ...], threshold: str, baseline: Baseline, project: Path
) -> None:
    """The project's threshold counts unless an option replaces it; `find`, which chooses rounds too, does not count."""
    (project / "pyproject.toml").write_text(f"[tool.fwdrev]\n{setting}\n")
    (project / "b.json").write_text(baseline_text(baseline))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwdrev.cli.gate.check_baseline.judged_functions", unmeasured)
        done = fwdrev("check", "--baseline", "b.json", *option)
    assert done.stdout.startswith(f"baseline b.json, measured anew; threshold {threshold}\n"), done.stderr


def unmeasured(baseline: Baseline, *asked: Any, **options: Any) -> GateReport:
    """The report of a check that could measure nothing."""
    return without_run(baseline, title=asked[-1], **options)


def test_a_setting_makes_no_baseline_of_few_rounds(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting `rounds` is for checks; only the option makes the rounds of a baseline fewer than 20."""
    monkeypatch.setattr("fwdrev.cli.gate.measured_functions.against", scripted_rounds)
    table = '[tool.fwdrev]\nfunctions = ["model:step"]\npoints = "model:start"\nrounds = '
    for setting, option, rounds in ((3, (), 20), (21, (), 21), (3, ("--rounds", 4), 4)):
        (project / "pyproject.toml").write_text(f"{table}{setting}\n")
        assert fwdrev("baseline", "-o", "b.json", "--force", *option).returncode == 0
        kept = load_baseline(Path("b.json")).functions
        assert kept is not None
        assert kept.rounds == rounds


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("baseline -o new.json", "give RUN, the folder of a sweep, or --functions MODULE:FUNCTION"),
        ("baseline run -o new.json --functions model:step", "run and --functions: a baseline is of a run, or of"),
        ("baseline -o new.json --functions forward", "give RUN, the folder of a sweep, or --functions"),
        ("baseline -o new.json --functions model:step --rounds 2", "give at least 3"),
        ("baseline -o b.json --functions model:step", "b.json exists already: --force replaces it"),
        ("baseline -o new.json --functions model:stop --point model:start", "did you mean 'step'?"),
        ("baseline -o new.json --functions model:step", "no input to call it with: give --point"),
        ("check --baseline b.json --out kept", "b.json is a baseline of functions, which are measured and not kept"),
        ("check --baseline b.json --run kept", "b.json is a baseline of functions, which are measured and not kept"),
    ],
)
def test_bad_input(arguments: str, said: str, baseline: Baseline, project: Path) -> None:
    """The code is 2, with one line, and nothing is written."""
    (project / "b.json").write_text(baseline_text(baseline))
    done = fwdrev(*arguments.split())
    assert done.returncode == 2
    assert said in done.stderr
    assert len([line for line in done.stderr.splitlines() if not line.startswith("warning: ")]) == 1
    assert not (project / "new.json").exists()
