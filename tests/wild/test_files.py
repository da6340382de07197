"""Whole files or none, despite full disks, odd targets and kills; a failing file stops no other and no verdict."""

import errno
import os
import re
import resource
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import typer

from fwdrev.api.choice_cache import remember, remembered
from fwdrev.bench.records.whole_file import append_whole, obstacle, write_whole
from fwdrev.cli.gate import reports as judged
from fwdrev.modes import InputError
from fwdrev.plots import gallery
from fwdrev.plots.figures.crossover_map import map_figure
from fwdrev.plots.figures.memory_map import memory_figure
from fwdrev.plots.figures.winner_map import winner_figure
from fwdrev.results import load
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.file import load_baseline, save_baseline
from fwdrev.results.gate.verdicts.report import Outcome
from fwdrev.results.runs.journal import _write_manifest
from tests.gate_reports import SAME, WORSE, of
from tests.wild.reports import OURS, report

OLD, NEW = "what was there\n", "what is new\n" * 1000

FAILURES = [
    pytest.param("write", errno.ENOSPC, marks=report("herbie-fp/herbie#513")),
    pytest.param("write", errno.EDQUOT, marks=report("gsamokovarov/jump#9")),
    pytest.param("write", errno.EFBIG, marks=report(OURS)),
    pytest.param("fsync", errno.EIO, marks=report(OURS)),
    pytest.param("fsync", errno.ENOSPC, marks=report(OURS)),
    pytest.param("close", errno.EDQUOT, marks=report(OURS)),
    pytest.param("open", errno.EMFILE, marks=report(OURS)),
]
"""Errors of the system, and the calls that raise them."""


def _refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int, *, times: int = 10**6) -> None:
    """Makes calls of `os.name` fail; a write first gets part of it done, and a descriptor is closed anyway."""
    real = getattr(os, name)
    left = [times]

    def refused(*given: Any, **named: Any) -> Any:
        if left[0] == 0:
            return real(*given, **named)
        left[0] -= 1
        if name == "close":
            real(*given)
        if name == "write" and len(given[1]) > 10:
            left[0] += 1
            return real(given[0], given[1][:10])
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, refused)


@contextmanager
def full_disk(most: int = 0) -> Iterator[None]:
    """Limits the files of this process to this many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("name", "number"), FAILURES)
def test_a_write_that_fails_leaves_what_was_there(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old file stays, and no new one appears; the error names the file, and no temporary file remains beside it."""
    path, new = tmp_path / "old.txt", tmp_path / "new.txt"
    path.write_text(OLD, encoding="utf-8")
    with monkeypatch.context() as patched:
        _refuse(patched, name, number)
        for target, only_new in ((path, False), (new, False), (new, True)):
            with pytest.raises(OSError, match=re.escape(os.strerror(number))) as raised:
                write_whole(target, NEW, new=only_new)
            assert raised.value.filename == str(target)
    assert {each.name: each.read_text(encoding="utf-8") for each in tmp_path.iterdir()} == {"old.txt": OLD}
    write_whole(path, NEW)
    write_whole(new, NEW, new=True)
    assert [path.read_text(encoding="utf-8"), new.read_text(encoding="utf-8")] == [NEW, NEW]


@pytest.mark.parametrize(("name", "number"), FAILURES[:-1])
def test_what_is_added_to_stays_whole(name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For example, other commands also append to the summary of a step."""
    path = tmp_path / "summary.md"
    path.write_text(OLD, encoding="utf-8")
    with monkeypatch.context() as patched:
        _refuse(patched, name, number)
        with pytest.raises(OSError, match=re.escape(os.strerror(number))):
            append_whole(path, NEW)
    assert path.read_text(encoding="utf-8") == OLD or name == "close"
    path.write_text(OLD, encoding="utf-8")
    append_whole(path, NEW)
    assert path.read_text(encoding="utf-8") == OLD + NEW


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
@report("untitaker/python-atomicwrites#27")
def test_a_file_system_without_sync_is_written_to(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written without a sync."""
    _refuse(monkeypatch, "fsync", number)
    write_whole(tmp_path / "a", NEW)
    append_whole(tmp_path / "a", NEW)
    assert (tmp_path / "a").read_text(encoding="utf-8") == NEW * 2


@pytest.mark.parametrize(
    ("name", "number"),
    [
        pytest.param("open", errno.EACCES, marks=report("chmln/sd#191")),
        pytest.param("open", errno.EROFS, marks=report("jordansissel/ruby-filewatch#54")),
        pytest.param("replace", errno.EBUSY, marks=report("stacklok/toolhive#3979")),
    ],
)
def test_a_file_may_be_written_where_its_folder_may_not(
    name: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is then overwritten in place; if the disk is full, its old content is restored."""
    path = tmp_path / "mounted"
    path.write_text(OLD, encoding="utf-8")
    inode = path.stat().st_ino
    with monkeypatch.context() as patched:
        _refuse(patched, name, number, times=1)
        write_whole(path, NEW)
    assert (path.read_text(encoding="utf-8"), path.stat().st_ino) == (NEW, inode)
    with monkeypatch.context() as patched:
        _refuse(patched, name, number, times=1)
        write_whole(path, OLD)
    assert path.read_text(encoding="utf-8") == OLD
    with monkeypatch.context() as patched:
        _refuse(patched, name, number, times=1)
        with pytest.raises(OSError, match="No space left"):
            _full_in_place(patched, path)
    assert path.read_text(encoding="utf-8") == OLD
    assert list(tmp_path.iterdir()) == [path]


def _full_in_place(patched: pytest.MonkeyPatch, path: Path) -> None:
    """A full disk fails writes to the file itself, but not to the temporary one beside it."""
    real = os.ftruncate

    def refused(_: int, __: int) -> None:
        patched.setattr(os, "ftruncate", real)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patched.setattr(os, "ftruncate", refused)
    write_whole(path, NEW)


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(0o600, marks=report("untitaker/python-atomicwrites#11")),
        pytest.param(0o755, marks=report(OURS)),
        pytest.param(None, marks=report("NVIDIA/k8s-device-plugin#792")),
    ],
)
def test_modes_are_kept(mode: int | None, tmp_path: Path) -> None:
    """A new file has the mode that the umask allows."""
    path = tmp_path / "a"
    mask = os.umask(0o027)
    try:
        if mode is not None:
            path.touch()
            path.chmod(mode)
        write_whole(path, NEW)
        assert path.stat().st_mode & 0o777 == (0o640 if mode is None else mode)
    finally:
        os.umask(mask)


@report("GothenburgBitFactory/timewarrior#547")
def test_links_lead_to_their_targets(tmp_path: Path) -> None:
    """Chains of links work, and so do targets that do not exist yet."""
    (tmp_path / "there").mkdir()
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to("there/target")
    for text in (OLD, NEW):
        assert obstacle(tmp_path / "first") == ""
        write_whole(tmp_path / "first", text)
        assert (tmp_path / "there" / "target").read_text(encoding="utf-8") == text
    assert (tmp_path / "first").is_symlink()
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "first", OLD, new=True)


@report("Gitlawb/zero#941")
def test_another_name_of_a_file_keeps_its_content(tmp_path: Path) -> None:
    """A copy made of hard links is a snapshot: last week's must not change."""
    (tmp_path / "a").write_text(OLD, encoding="utf-8")
    (tmp_path / "snapshot").hardlink_to(tmp_path / "a")
    write_whole(tmp_path / "a", NEW)
    assert (tmp_path / "snapshot").read_text(encoding="utf-8") == OLD


@report("npm/write-file-atomic#63")
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path: Path) -> None:
    """The temporary file beside it has a short name."""
    write_whole(tmp_path / ("x" * 255), NEW)
    assert (tmp_path / ("x" * 255)).read_text(encoding="utf-8") == NEW


STRAIGHT = [
    pytest.param("{} /dev/stdout", marks=report("ocaml-ppx/ocamlformat#398")),
    pytest.param("{} /dev/stdout > file && cat file", marks=report(OURS)),
    pytest.param("echo -n > file; {} /dev/fd/5 5>> file && cat file", marks=report(OURS)),
    pytest.param("mkfifo read; cat read > file & {} >(cat > read) && wait && cat file", marks=report(OURS)),
    pytest.param("mkfifo pipe; cat pipe & {} pipe; wait", marks=report(OURS)),
    pytest.param("{} null && {} /dev/stdout", marks=report("jordansissel/ruby-filewatch#54")),
]

WRITER = """
import sys
from pathlib import Path
from fwdrev.bench.records.whole_file import obstacle, write_whole
assert obstacle(Path(sys.argv[1])) == ""
write_whole(Path(sys.argv[1]), "a,b\\n" * 10)
"""
"""Does what a command does with its `--out`, without the slow imports."""


def _shell(line: str, folder: Path) -> str:
    """Runs a line of bash that must succeed silently, and returns its output; no temporary file may remain."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["/bin/bash", "-c", line], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]
    return done.stdout


@pytest.mark.parametrize("line", STRAIGHT)
def test_what_is_no_file_is_written_straight(line: str, tmp_path: Path, null_device: Path) -> None:
    """Pipes and devices are written directly, as by a shell; no file replaces them."""
    writer = shlex.join([sys.executable, "-c", WRITER])
    assert _shell(line.replace("{}", writer), tmp_path) == "a,b\n" * 10
    assert null_device.is_char_device()


@report("ocaml-ppx/ocamlformat#398")
def test_a_command_writes_to_what_is_no_file(whole: Path, tmp_path: Path) -> None:
    """A pipe that the shell provides as `--out` works."""
    export = shlex.join([sys.executable, "-m", "fwdrev", "export", str(whole), "--format", "costs", "--out"])
    assert _shell(f"mkfifo pipe; cat pipe & {export} pipe; wait", tmp_path).startswith("n,m,engine,")


@report("karatelabs/karate#475")
def test_a_kill_leaves_one_name_that_can_be_told(tmp_path: Path) -> None:
    """The old file stays, beside a recognisable temporary one."""
    path = tmp_path / "junit.xml"
    path.write_text(OLD, encoding="utf-8")
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from fwdrev.bench.records.whole_file import write_whole\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(Path(sys.argv[1]), 'x' * 100000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], check=False, capture_output=True)
    assert done.returncode == -9, done.stderr
    assert path.read_text(encoding="utf-8") == OLD
    assert [each.suffix for each in tmp_path.glob(".fwdrev-*")] == [".part"]


@report("hydra-ecosystem/hydra#2925")
def test_one_of_many_makes_a_new_file(tmp_path: Path) -> None:
    """Only one of several simultaneous writers makes it, and its content is whole."""
    path, made = tmp_path / "a", []
    barrier = threading.Barrier(8)

    def write(text: str) -> None:
        barrier.wait()
        with suppress(FileExistsError):
            write_whole(path, text, new=True)
            made.append(text)

    threads = [threading.Thread(target=write, args=[str(number) * 100_000]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [path.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("export RUN --format csv --out FILE", marks=report("aras-p/ClangBuildAnalyzer#2")),
        pytest.param("export RUN --format pyperf --out FILE", marks=report("aras-p/ClangBuildAnalyzer#2")),
        pytest.param("export RUN --format costs --out FILE", marks=report("aras-p/ClangBuildAnalyzer#2")),
        pytest.param("baseline RUN --out FILE", marks=report("floating/frame#1556")),
        pytest.param("report RUN --out FILE", marks=report("intel/luv-yocto#99")),
    ],
)
def test_a_full_disk_leaves_nothing(
    arguments: str, whole: Path, tmp_path: Path, command: Callable[..., tuple[int, str]]
) -> None:
    """One line names the file; with room again, the same command works."""
    path = tmp_path / "file"
    words = [{"RUN": str(whole), "FILE": str(path)}.get(word, word) for word in arguments.split()]
    assert command(*words) == (0, "")  # this imports, and so may write compiled Python
    size = path.stat().st_size
    path.unlink()
    with full_disk(1000):
        code, told = command(*words)
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(f"fwdrev: cannot write {path}: File too large; give ")
    assert list(tmp_path.iterdir()) == []
    assert command(*words) == (0, "")
    assert path.stat().st_size == size > 1000


@report("mifi/lossless-cut#244")
def test_a_full_disk_leaves_old_figures(
    whole: Path, tmp_path: Path, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No half-written figure replaces them."""
    monkeypatch.setattr(gallery, "OF_A_RUN", {})
    monkeypatch.setattr(gallery, "OF_A_PAIR", {"map": map_figure})
    words = ("plot", whole, "--format", "svg", "--out", tmp_path / "figures")
    assert command(*words) == (0, "")
    before = {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()}
    with full_disk(4096):
        code, told = command(*words)
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith(f"fwdrev: cannot write all figures into {tmp_path / 'figures'}: File too large (map-")
    assert {path: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == before


@report(OURS)
def test_a_figure_that_fails_stops_no_other(
    whole: Path, tmp_path: Path, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a folder has the name of its file."""
    monkeypatch.setattr(gallery, "OF_A_PAIR", {"map": map_figure, "memory": memory_figure})
    monkeypatch.setattr(gallery, "OF_A_RUN", {"winners": winner_figure})
    (tmp_path / "map-forward-reverse.svg").mkdir()
    code, told = command("plot", whole, "--format", "svg", "--out", tmp_path)
    why = "Is a directory (map-forward-reverse.svg); give --out a folder that can be written"
    assert (code, told) == (2, f"fwdrev: cannot write all figures into {tmp_path}: {why}\n")
    assert {"winners.svg", "memory-forward-reverse.svg"} <= {p.name for p in tmp_path.iterdir()}


@report("balena-os/balena-supervisor#63")
def test_a_full_disk_leaves_baselines_and_manifests(whole: Path, tmp_path: Path) -> None:
    """Baselines and manifests are replaced on purpose, but only by whole ones."""
    run, path = load(whole), tmp_path / "baseline.json"
    save_baseline(baseline_of(run), path)
    before = load_baseline(path)
    with full_disk(1000), pytest.raises(InputError, match=r"cannot write .*: File too large"):
        save_baseline(before, path, force=True)
    assert load_baseline(path) == before
    manifest = (whole / "manifest.json").read_bytes()
    (tmp_path / "manifest.json").write_bytes(manifest)
    with full_disk(100), pytest.raises(OSError, match="File too large"):
        _write_manifest(tmp_path, run.created, run.spec, run.machine)
    assert (tmp_path / "manifest.json").read_bytes() == manifest
    assert {each.name for each in tmp_path.iterdir()} == {"baseline.json", "manifest.json"}


@report("aws/aws-cdk#7737")
def test_a_full_disk_costs_a_choice_and_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first failure causes a warning, and the choice is measured again next time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("fwdrev.api.choice_cache._warned", [])
    with full_disk(10), pytest.warns(UserWarning, match="cannot be written .File too large."):
        remember("key", "forward", {"forward": 1e-6})
    assert remembered("key", ["forward"]) is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _tell(outcome: Outcome, reports: judged.Reports, told: Sequence[Any]) -> int:
    with pytest.raises(typer.Exit) as ended:
        judged.tell(of(*told, outcome=outcome), {}, reports, as_json=False)
    return int(ended.value.exit_code)


@report("microsoft/azure-pipelines-tasks#8187")
def test_a_full_disk_leaves_good_verdict_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the last run stay, each failure is reported, and the exit code is that of the verdict."""
    names = ["junit.xml", "check.md", "summary.md"]
    files = [tmp_path / name for name in names]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(files[2]))
    reports = judged.reports_of(junit=files[0], markdown=files[1], github=True)
    assert _tell(Outcome.REGRESSED, reports, [WORSE, SAME]) == 1
    before = [path.read_bytes() for path in files]
    capsys.readouterr()
    with full_disk(len(before[2]) + 10):
        assert _tell(Outcome.REGRESSED, reports, [WORSE] * 50) == 1
        assert _tell(Outcome.UNCHANGED, reports, [SAME] * 50) == 2
    assert [path.read_bytes() for path in files] == before
    lines = [line for line in capsys.readouterr().err.splitlines() if "cannot write" in line]
    assert [line.split(":")[1].strip() for line in lines] == ["--junit", "--markdown", "GITHUB_STEP_SUMMARY"] * 2
    assert {path.name for path in tmp_path.iterdir()} == set(names)


@report("intel/luv-yocto#99")
def test_verdict_files_come_before_any_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdict files are written even if the text fails."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(judged, "answer", broken)
    reports = judged.reports_of(junit=tmp_path / "junit.xml", markdown=tmp_path / "check.md", github=False)
    with pytest.raises(RuntimeError):
        judged.tell(of(WORSE), {}, reports, as_json=False)
    assert {path.name for path in tmp_path.iterdir()} == {"junit.xml", "check.md"}


_WRITES = re.compile(
    r"\.write_(text|bytes)\(|\bopen\([^)]*\"[rb+]*[wax][b+]*\"|\.savefig\((?!buffer|stream)|\.dump\((?!buffer)"
)

_OTHER_WRITERS = {
    "bench/revisions/side.py": "standard output by another number",
    "bench/processes/inside.py": "standard output by another number",
    "bench/processes/process.py": "a log that grows",
    "bench/sweep/pyperf_runner.py": "a request in the scratch folder",
    "bench/processes/leftovers.py": "a record that is locked",
    "bench/workers/ledger.py": "shared memory",
    "bench/machine/memory.py": "a file of the kernel",
    "bench/timing/primitives.py": "standard output",
    "bench/timing/noise.py": "standard output",
    "results/runs/journal.py": "a journal that grows",
}


@report(OURS)
def test_every_file_is_written_by_the_same_helper() -> None:
    """The exceptions are pipes, devices and files that grow."""
    root = Path(__file__).parents[2]
    found = {
        str(path.relative_to(root))
        for folder in ("bench", "modes", "plots", "results")
        for path in (root / folder).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if _WRITES.search(line) and not line.startswith("    Path(")  # examples in docstrings
    }
    assert found <= set(_OTHER_WRITERS)
