"""Places: users without a home, caches that cannot be written, names of all kinds, read-only folders."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Self
from xml.etree import ElementTree as ET

import platformdirs
import pytest
import typer

from fwdrev.api import sweep as measure
from fwdrev.api.choice_cache import remember, remembered
from fwdrev.api.new_names import claimed_folder, free_file
from fwdrev.bench.records.whole_file import obstacle, status, write_whole
from fwdrev.cli import calibrate
from fwdrev.cli.gate import reports as judged
from fwdrev.modes import InputError
from fwdrev.results import load
from fwdrev.results.costs.calibration import calibrated, calibration_path
from tests.command import fwdrev
from tests.gate_reports import WORSE, of
from tests.wild.reports import OURS, report

REPOSITORY = Path(__file__).parents[2]

STRANGER = """
import pwd, sys
def unknown(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")
pwd.getpwuid = unknown
from fwdrev.cli.app import main
for line in sys.argv[1:]:
    sys.argv = ["fwdrev", *line.split()]
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0, (line, ended)
"""
"""Commands for a user that the system does not know, all in one process, since imports take long."""


@pytest.fixture
def stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home or an entry in passwd."""
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)

    def unknown(number: int) -> None:
        msg = f"getpwuid(): uid not found: {number}"
        raise KeyError(msg)

    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.parametrize(
    ("lines", "home"),
    [
        pytest.param(
            ["crossover RUN", "engines", "plot RUN --format svg --out figures"],
            None,
            marks=report("matplotlib/matplotlib#17707"),
        ),
        pytest.param(
            ["report RUN --out report.html"],
            "/dev/null",
            marks=[report("DiamondLightSource/blueapi#867"), pytest.mark.long],
        ),
    ],
)
def test_users_without_a_home(lines: list[str], home: str | None, whole: Path, tmp_path: Path) -> None:
    """Containers may run with any user number: there is no warning, and no folder is made."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, *(line.replace("RUN", str(whole)) for line in lines)],
        cwd=tmp_path,
        env=env if home is None else env | {"HOME": home},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in tmp_path.iterdir()} <= {"figures", "report.html"}


@pytest.mark.usefixtures("stranger")
@report("prefix-dev/pixi#3867")
def test_no_folder_is_named_after_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Older platformdirs allow it instead of raising."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fwdrev.api.choice_cache._warned", [])
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: "~/.cache/fwdrev")
    with pytest.warns(UserWarning, match="this user has no home folder"):
        remember("key", "forward", {"forward": 1e-6})
    assert remembered("key", ["forward"]) is None
    assert calibrated({}) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("cache", "why"),
    [
        pytest.param(None, "this user has no home folder", marks=report("python/mypy#10051")),
        pytest.param("file", "Not a directory", marks=report("john-kurkowski/tldextract#211")),
        pytest.param("file/below", "Not a directory", marks=report("nf-core/tools#1022")),
        pytest.param("x" * 300, "File name too long", marks=report(OURS)),
        pytest.param("/proc/none", "No such file or directory", marks=report("Aider-AI/aider#5452")),
    ],
)
@pytest.mark.usefixtures("stranger")
def test_without_a_cache_everything_else_works(
    cache: str | None,
    why: str,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., tuple[int, str]],
) -> None:
    """Choices are measured anew; a calibration is refused before measuring."""
    (tmp_path / "file").touch()
    if cache is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
    monkeypatch.setattr("fwdrev.api.choice_cache._warned", [])
    with pytest.warns(UserWarning, match=why):
        remember("key", "forward", {"forward": 1e-6})
    assert command("crossover", whole) == (0, "")
    monkeypatch.setattr("fwdrev.bench.timing.primitives.measure_tables", None)
    code, told = command("calibrate")
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("fwdrev: cannot write ")
    assert f"{why}; set XDG_CACHE_HOME to a folder that can be written" in told
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@report("trizen/youtube-viewer#82")
def test_a_cache_that_can_be_written_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users without a home have one too, and it is made if it does not exist."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "below" / "cache"))
    remember("key", "forward", {"forward": 1e-6})
    assert remembered("key", ["forward"]) == "forward"
    assert calibration_path({}).is_relative_to(tmp_path)


NAMES = [
    pytest.param("x" * 300, marks=report("Aider-AI/aider#3473")),
    pytest.param("file/below", marks=[report(OURS), pytest.mark.long]),
    pytest.param("loop", marks=report("python/cpython#109187")),
    pytest.param("loop/below", marks=[report("Aider-AI/aider#4141"), pytest.mark.long]),
    pytest.param("none/none", marks=[report(OURS), pytest.mark.long]),
    pytest.param("/proc/none", marks=[report(OURS), pytest.mark.long]),
]
"""Paths of files that do not exist and cannot."""

READ = [
    "crossover NAME",
    "plot NAME",
    "report NAME",
    "rules NAME",
    "baseline NAME -o out",
    "export NAME --format csv",
    "calibrate NAME",
    "sweep --spec NAME",
    "sweep --resume NAME",
    "selftest --resume NAME",
    "check --baseline NAME",
    "check --baseline BASELINE --run NAME",
    "explain --factors NAME",
]
"""Commands, with their options to read a file or a folder."""

WRITTEN = [
    "plot RUN --format svg --out NAME",
    "report RUN --out NAME",
    "baseline RUN -o NAME",
    "export RUN --format csv --out NAME",
    "export RUN --format csv --out NAME/",
    "check --baseline BASELINE --run RUN --junit NAME",
    "check --baseline BASELINE --run RUN --markdown NAME",
]
"""Commands, with their options to write a file into an existing folder."""


@pytest.fixture
def place(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a file, a loop of links and a baseline of a run."""
    from fwdrev.results.gate.baseline.build import baseline_of
    from fwdrev.results.gate.baseline.file import save_baseline

    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    save_baseline(baseline_of(load(whole)), tmp_path / "baseline.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be(
    name: str, place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., tuple[int, str]]
) -> None:
    """One line names it, for every such option of every command; nothing is measured or left behind."""
    monkeypatch.setattr(calibrate, "loaded", load)
    before = set(place.iterdir())
    for line in [*READ, *(line for line in WRITTEN if not (name == "none/none" and line.startswith("plot")))]:
        words = {"NAME": name, "NAME/": f"{name}/", "RUN": str(whole), "BASELINE": "baseline.json"}
        code, told = command(*(words.get(word, word) for word in line.split()))
        assert (code, told.count("\n"), "internal" in told) == (2, 1, False), (line, told)
        assert name in told, line
    assert set(place.iterdir()) == before


@pytest.mark.parametrize("name", NAMES[:1])
@pytest.mark.parametrize("line", ["sweep --out NAME", "selftest --out NAME"])
def test_a_name_that_cannot_be_measured_into(
    name: str, line: str, place: Path, command: Callable[..., tuple[int, str]]
) -> None:
    """One line names it; nothing is measured or left behind."""
    before = set(place.iterdir())
    code, told = command(*line.replace("NAME", name).split(), "--inputs", "4", "--outputs", "2")
    assert (code, name in told) == (2, True), told
    assert told.splitlines()[-1].startswith("fwdrev: cannot write ")
    assert set(place.iterdir()) == before


@report("microsoft/onnxscript#5")
def test_characters_that_no_name_has(tmp_path: Path) -> None:
    """Such names come from programs."""
    for name in ("a\0b", "\ud800"):
        path = tmp_path / name
        assert obstacle(path).startswith("no name of a file (")
        for call in (status, obstacle, lambda path: write_whole(path, "")):
            if call is not obstacle:
                with pytest.raises(OSError, match="no name of a file"):
                    call(path)


@report("freelabz/secator#1012")
def test_a_folder_that_may_not_be_entered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Depending on its version, Python's Path.exists raises or returns False there."""

    def refused(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", refused)
    assert obstacle(tmp_path / "a") == "Permission denied"
    with pytest.raises(InputError, match=r"--junit: cannot write .*: Permission denied; give a file"):
        judged.reports_of(junit=tmp_path / "a", markdown=None, github=False)


READERS = [
    "crossover RUN",
    "rules RUN",
    "report RUN --out report.html",
    "baseline RUN -o new.json",
    "export RUN --format csv --out run.csv",
    "export RUN --format costs",
    "check --baseline baseline.json --run RUN --junit junit.xml",
]


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param("read-only", marks=report("ostreedev/ostree#281")),
        pytest.param("a:b", marks=[report("npm/cli#633"), pytest.mark.long]),
        pytest.param("git@example.org:team", marks=[report("pypa/virtualenv#395"), pytest.mark.long]),
        pytest.param("a b;c'd\"e$f", marks=[report(OURS), pytest.mark.long]),
        pytest.param("-x", marks=report(OURS)),
        pytest.param("größe→", marks=[report(OURS), pytest.mark.long]),
    ],
)
def test_runs_are_read_where_they_are(
    folder: str, whole: Path, place: Path, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs are read under any folder name, from inside and outside, and nothing is written to them."""
    home = place / folder
    shutil.copytree(whole, home / "run")
    home.chmod(0o555)
    (home / "run").chmod(0o555)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    try:
        for line in READERS:
            words = [str(Path(folder) / "run") if word == "RUN" else word for word in line.split()]
            words[1:2] = ["--", words[1]] if words[1].startswith("-x") and len(words) == 2 else [words[1]]
            code, told = command(*(word.replace("-x/run", "./-x/run") for word in words))
            assert (code, told) == (0, ""), line
        monkeypatch.chdir(home)
        assert command("export", "run", "--format", "csv", "--out", place / "inside.csv") == (0, "")
        assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    finally:
        home.chmod(0o755)
        (home / "run").chmod(0o755)
    assert {"report.html", "new.json", "run.csv", "junit.xml", "inside.csv"} <= {path.name for path in place.iterdir()}


@report(OURS)
def test_a_folder_whose_name_is_no_text(whole: Path, tmp_path: Path) -> None:
    """Any bytes are a valid name; undisplayable ones are shown by number."""
    shutil.copytree(whole, tmp_path / "run\udcff")
    for words in (("rules", "run\udcff"), ("report", "run\udcff")):
        done = fwdrev(*words, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), words
    assert (tmp_path / "run\udcff" / "report.html").read_text(encoding="utf-8").endswith("</html>\n")


@report("sosy-lab/benchexec#283")
def test_sweeps_of_one_second_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each folder is claimed when it is named; one without measurements is removed at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "datetime", _clock(datetime(2026, 1, 31, 12, tzinfo=UTC)))
    monkeypatch.setattr(measure, "fingerprint", lambda *_, **__: {})
    given = {"inputs": [4], "outputs": [2], "engines": ["forward", "reverse"]}
    runs = [measure.new_run(given, quick=False, spec=None, out=None) for _ in range(3)]
    folders = [folder for folder, _ in runs]
    assert len({folder.name for folder in folders}) == 3
    assert [folder.name.removeprefix(folders[0].name) for folder in folders] == ["", "-2", "-3"]
    with ExitStack() as stack:
        for folder, opened in runs:
            stack.enter_context(opened)
            assert {path.name for path in folder.iterdir()} == {"manifest.json", "journal.jsonl"}
    assert list((tmp_path / "runs").iterdir()) == []


@report("NICTA/scoobi#7")
def test_a_sweep_that_never_began_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that it claimed is removed."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "fingerprint", lambda *_, **__: {})
    monkeypatch.setattr(measure, "create", interrupted)
    given = {"inputs": [4], "outputs": [2], "engines": ["forward", "reverse"]}
    _, opened = measure.new_run(given, quick=False, spec=None, out=None)
    with pytest.raises(KeyboardInterrupt), opened:
        pass
    assert list((tmp_path / "runs").iterdir()) == []


@report("doc-detective/doc-detective#334")
def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    """Only one of many simultaneous claims succeeds."""
    found: list[Path] = []
    barrier = threading.Barrier(8)

    def claim() -> None:
        barrier.wait()
        found.extend(claimed_folder(tmp_path / "runs", "today") for _ in range(5))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 40
    assert free_file(tmp_path / "a.jsonl") == tmp_path / "a.jsonl"
    (tmp_path / "a.jsonl").touch()
    assert free_file(tmp_path / "a.jsonl") == tmp_path / "a-2.jsonl"


@report("dbinfrago/capellambse-context-diagrams#88")
def test_no_folder_for_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line names it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").touch()
    with pytest.raises(InputError, match="cannot write to runs/today: File exists; give --out"):
        claimed_folder(Path("runs"), "today")


def _clock(*times: datetime) -> Any:
    """A wall clock that shows these times, then the last one forever."""
    left = list(times)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp((left.pop(0) if len(left) > 1 else left[0]).timestamp(), tz)

    return Clock


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "times",
    [
        pytest.param([NOW, NOW - timedelta(days=400)], marks=report("benchmark-driver/benchmark-driver#63")),
        pytest.param([NOW, NOW + timedelta(days=400)], marks=report("apache/maven#6693")),
        pytest.param([datetime(1970, 1, 1, tzinfo=UTC)], marks=report(OURS)),
        pytest.param([datetime(2106, 2, 7, 7, tzinfo=UTC)], marks=report(OURS)),
    ],
)
def test_a_clock_that_steps(times: list[datetime], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Durations do not follow the wall clock."""
    monkeypatch.setattr(judged, "datetime", _clock(*times))
    reports = judged.reports_of(junit=tmp_path / "junit.xml", markdown=None, github=False)
    with pytest.raises(typer.Exit):
        judged.tell(of(WORSE), {}, reports, as_json=False)
    suite = ET.parse(tmp_path / "junit.xml").find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert 0 <= float(suite.attrib["time"]) < 60
    assert suite.attrib["timestamp"].startswith(f"{times[0]:%Y-%m-%dT%H:%M}")


@pytest.mark.parametrize("year", [pytest.param(1970, marks=pytest.mark.long), 2106])
@report("https://en.wikipedia.org/wiki/Year_2038_problem")
def test_a_run_of_any_year_is_read(
    year: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable[..., tuple[int, str]]
) -> None:
    """The run's name and date are read, also beside a run that began at the same time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "datetime", _clock(datetime(year, 1, 19, 3, 14, 8, tzinfo=UTC)))
    given = {"inputs": [4], "outputs": [2], "engines": ["forward", "reverse"]}
    folder, opened = measure.new_run(given, quick=False, spec=None, out=None)
    with opened:
        assert folder.name.startswith(str(year))
    for name in ("a", "b"):
        shutil.copytree(whole, name)
        manifest = json.loads(Path(name, "manifest.json").read_text(encoding="utf-8"))
        manifest["created"] = datetime(year, 1, 19, 3, 14, 8, tzinfo=UTC).isoformat()
        Path(name, "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert command("plot", "a", "b", "--format", "svg", "--out", "figures") == (0, "")
