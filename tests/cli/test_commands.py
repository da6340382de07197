"""The command, as a user runs it: what it answers, and what it says to bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fwdrev.api.sweep import new_run
from fwdrev.cli.commands import app
from fwdrev.plots.gallery import save_figures
from fwdrev.results import load
from tests.command import TINY, expect_one_line, fwdrev
from tests.scripted import on_disk, scripted_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scripted run on disk."""
    made = scripted_run(noise=0.02, shift=0.01)
    folder = tmp_path_factory.mktemp("runs") / "run"
    return on_disk(folder, made)


def test_sweep_measures_and_answers(tmp_path: Path) -> None:
    """A run folder, the crossover on standard output, the next command."""
    done = fwdrev(*TINY, "--out", "here", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "forward and reverse break even" in done.stdout
    assert "fwdrev plot here" in done.stdout
    assert len(load(tmp_path / "here").observations) == 4 * (3 + 2)
    for command in (
        ("plot", "here"),
        ("crossover", "here"),
        ("export", "here", "--format", "pyperf"),
        ("export", "here", "--format", "costs"),
    ):
        assert fwdrev(*command, cwd=tmp_path).returncode == 0


def test_runs_go_to_runs_by_default(tmp_path: Path) -> None:
    """In the working directory, named by date, time and problem."""
    done = fwdrev(*TINY, "--inputs", "8", "--outputs", "2", "--json", cwd=tmp_path)
    folder = Path(json.loads(done.stdout)["run"])
    assert folder.parent == Path("runs")
    assert folder.name.endswith("-driven")
    assert (tmp_path / folder / "manifest.json").exists()


def test_crossover_in_json(run: Path) -> None:
    """The documented keys, strictly JSON."""
    data = json.loads(fwdrev("crossover", run, "--json").stdout, parse_constant=pytest.fail)
    assert data["pair"] == ["forward", "reverse"]
    assert {"n", "status", "m"} <= set(data["points"][0])
    assert set(data["points"][0]["m"]) >= {"point", "low", "high", "level"}
    assert set(data["law"]) == {"c", "alpha"}


def test_plot_prints_paths(run: Path, tmp_path: Path) -> None:
    """Of files that exist, each figure in the formats that were asked for."""
    pair = "reverse-forward"
    figures = {f"map-{pair}", f"memory-{pair}", f"regret-{pair}", "winners", "cost-curves"}
    options = ("--out", tmp_path / "figures", "--pair", "reverse,forward", "--format", "svg", "--format", "pdf")
    paths = [Path(line) for line in fwdrev("plot", run, *options).stdout.splitlines()]
    assert {path.name for path in paths} == {f"{name}.{suffix}" for name in figures for suffix in ("svg", "pdf")}
    assert all(path.stat().st_size > 1000 for path in paths)


def test_plot_compares_runs(run: Path, tmp_path: Path) -> None:
    """Several runs: side by side, and the trend of the cell that was asked for; a run given twice is one."""
    other = shutil.copytree(run, tmp_path / "other")
    done = fwdrev(
        "plot", run, other, run, "--cell", "64,16", "--out", tmp_path / "figures", "--format", "svg", "--json"
    )
    names = [Path(path).name for path in json.loads(done.stdout)["figures"]]
    assert names == ["side-by-side-forward-reverse.svg", "trend-forward-reverse.svg"]
    assert "n = 64, m = 16" in (tmp_path / "figures" / names[1]).read_text()
    for options, code, part in (
        ((other, "--cell", "5,5"), 4, "fewer than two have n = 5, m = 5"),
        ((other, "--cell", "64x16"), 2, "cell '64x16': give the inputs and the outputs"),
        ((other, "--cell", "0,1"), 2, "cell '0,1'"),
        (("--cell", "64,16"), 2, "is for the trend over several runs"),
        (("--format", "gif"), 2, "'gif' is not one of"),
    ):
        out = tmp_path / "-".join(map(str, options[-1:]))
        expect_one_line(fwdrev("plot", run, *options, "--out", out), code, part)


def test_engines_and_problems() -> None:
    """One line each; all of it in JSON."""
    assert fwdrev("engines").stdout.splitlines()[0].startswith("forward ")
    assert {row["name"] for row in json.loads(fwdrev("engines", "--json").stdout)["engines"]} >= {"reverse", "null"}
    assert "depth=4" in fwdrev("problems").stdout
    assert json.loads(fwdrev("problems", "--json").stdout)["problems"][0]["options"]["width"] == 64


@pytest.mark.parametrize(
    "command", ["", "sweep", "crossover", "plot", "rules", "export", "explain", "engines", "problems", "doctor"]
)
def test_help_has_an_example(command: str) -> None:
    """For each command."""
    done = fwdrev(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example: fwdrev" in done.stdout or not command


def test_the_list_of_commands_is_whole() -> None:
    """Each on one line of a terminal of 80 columns, its summary not cut off."""
    done = fwdrev("--help", env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    lines = done.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == [command.callback.__name__ for command in app.registered_commands]
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line.endswith("...") or not line.endswith(".")] == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("sweep", "--engines", "forwrd"), "unknown engine 'forwrd'"),
        (("sweep", "--problem", "drivn"), "unknown problem 'drivn'"),
        (("sweep", "--inputs", "0,4"), "has 0: sizes go from 1"),
        (("sweep", "--outputs", "many"), "grid 'many': write"),
        (("sweep", "--inputs", "1000000", "--outputs", "1000000"), "too large for this machine"),
        (("sweep", "--wrt", "y"), "wrt = 'y': input should be"),
        (("sweep", "--rounds", "0"), "rounds = 0"),
        (("sweep", "--option", "depth"), "write it as name=value"),
        (("sweep", "--option", "width=wide"), "width = 'wide'"),
        (("sweep", "--option", "n_of=y"), "unknown n_of 'y'"),
        (("sweep", "--problem", "mlp", "--option", "loss=l1"), "unknown loss 'l1'"),
        (("sweep", "--spec", "none.toml"), "spec none.toml: No such file"),
        (("sweep", "--out", "/proc/none/here"), "cannot write to /proc/none/here"),
        (("sweep", "--out", "."), "exists already"),
        (("sweep", "--out", ""), "exists already"),
        (("sweep", "--option", "n_of=1"), "unknown n_of 1"),
        (("sweep", "--option", "width=99999999"), "width = 99999999: give a whole number from 1 to 10000"),
        (("sweep", "--option", "depth=null"), "options.depth = None"),
        (("sweep", "--rounds", "x"), "fwdrev sweep --rounds x: Invalid value for '--rounds'"),
        (("sweep", "--nope"), "No such option: --nope"),
        (("crossover",), "Missing argument 'RUN'"),
        (("dance",), "No such command 'dance'"),
        (("crossover", "none"), "none is not a run"),
        (("plot", "none"), "none is not a run"),
        (("export", "none", "--format", "csv"), "none is not a run"),
    ],
)
def test_bad_input_gets_one_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """And exit code 2; nothing is left behind."""
    expect_one_line(fwdrev(*arguments, cwd=tmp_path), 2, part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (("crossover", "--pair", "forward"), 2, "name two different engines"),
        (("crossover", "--pair", "forward,revers"), 2, "unknown engine 'revers'"),
        (("crossover", "--pair", "forward,jax-vjp"), 4, "no time of jax-vjp"),
        (("plot", "--out", "/proc/none"), 2, "cannot write /proc/none"),
        (("export", "--format", "csv", "--out", "/proc/none"), 2, "cannot write /proc/none"),
        (("export", "--format", "csv", "--out", "/dev/full"), 2, "cannot write /dev/full: No space left on device"),
    ],
)
def test_bad_questions_to_a_run(run: Path, arguments: tuple[str, ...], code: int, part: str) -> None:
    """2 for wrong input, 4 where there is nothing to compare."""
    expect_one_line(fwdrev(arguments[0], run, *arguments[1:]), code, part)


def test_a_torn_journal_is_plotted_with_a_warning(run: Path, tmp_path: Path) -> None:
    """On standard error, so that the answer stays clean."""
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "manifest.json").write_bytes((run / "manifest.json").read_bytes())
    (torn / "journal.jsonl").write_bytes((run / "journal.jsonl").read_bytes()[:-70])
    done = fwdrev("crossover", torn, "--json")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    json.loads(done.stdout)


def _started(folder: Path, lines: int, **env: str) -> subprocess.Popen[str]:
    """A sweep in its rounds, with at least so many lines in its journal."""
    command = [sys.executable, "-m", "fwdrev", *TINY, "--rounds", "1000", "--out", str(folder)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=dict(os.environ) | env)
    journal = folder / "journal.jsonl"
    while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= lines):
        time.sleep(0.01)
    assert process.poll() is None, process.communicate()
    return process


@pytest.mark.parametrize("lines", [1, 4, 5, 9, 23])
def test_kill_9_loses_at_most_the_cells_in_flight(tmp_path: Path, lines: int) -> None:
    """Everything that was in the journal is there and can be plotted; the worker goes too."""
    process = _started(tmp_path / "run", lines)
    process.kill()
    process.communicate()
    found = load(tmp_path / "run")
    assert len(found.observations) >= lines
    done = fwdrev("plot", tmp_path / "run")
    assert done.returncode == (0 if any(o.round >= 0 for o in found.observations) else 4), done.stderr


@pytest.mark.parametrize("lines", [0, 1])
def test_ctrl_c_while_compiling_leaves_nothing_behind(tmp_path: Path, lines: int) -> None:
    """No process, no scratch folder."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    process = _started(tmp_path / "run", lines, TMPDIR=str(scratch))
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert not [worker for worker in workers if worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE]
    assert list(scratch.iterdir()) == []


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """A file may grow to 2 KiB here: what fits is kept."""
    command = f"ulimit -f 4; exec {sys.executable} -m fwdrev {' '.join(TINY)} --out run 2>&1"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stdout
    assert "cannot write to run/journal.jsonl: File too large" in done.stdout
    assert "what was measured is kept; go on with: fwdrev sweep --resume run" in done.stdout
    assert "Traceback" not in done.stdout
    assert len(load(tmp_path / "run").observations) >= 1


def test_nobody_reads(run: Path) -> None:
    """A closed pipe or a full device is no traceback, and a lost progress line does not end a sweep."""
    for shell in ("crossover {} | true", "crossover {} >/dev/full", "export {} --format csv | head -1"):
        command = f"{sys.executable} -m fwdrev {shell.format(run)}"
        done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
    command = f"{sys.executable} -m fwdrev {' '.join(TINY)} --out {run.parent / 'unread'} 2>/dev/full"
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert len(load(run.parent / "unread").observations) == 20


def test_version() -> None:
    """Name and number."""
    assert fwdrev("--version").stdout.startswith("fwdrev 0.")


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    """One line says where it is, and the exit code is that of an interrupt."""
    process = _started(tmp_path / "run", 10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"fwdrev sweep --resume {tmp_path / 'run'}" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert len(load(tmp_path / "run").observations) >= 10


def test_nothing_measured_is_not_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep whose only engine is wrong everywhere ends with 4, and says why."""
    from tests.plugin import install_plugin

    install_plugin(tmp_path, monkeypatch)
    done = fwdrev("sweep", "--inputs", "4", "--outputs", "2", "--engines", "doubled", "--out", tmp_path / "run")
    assert done.returncode == 4
    assert "doubled: wrong in 1 of 1 cells" in done.stdout
    assert len(load(tmp_path / "run").observations) == 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--problem", "mlp"), "n is the size of x; with respect to theta J has 1,282 columns at n = 4, m = 2"),
        (("--wrt", "both"), "n is the size of theta; with respect to both J has 68 columns at n = 4, m = 2"),
        (("--wrt", "x", "--option", "n_of=theta"), "n is the size of theta; with respect to x J has 64 columns"),
        (("--wrt", "x"), None),
        (("--problem", "mlp", "--wrt", "x"), None),
    ],
)
def test_what_n_means_is_said_where_it_is_not_the_columns(
    given: tuple[str, ...], told: str | None, tmp_path: Path
) -> None:
    """Before anything is measured."""
    said: list[str] = []
    words = dict(zip(given[::2], given[1::2], strict=True))
    fields = {name[2:]: value for name, value in words.items() if name != "--option"}
    options = {"options": dict([words["--option"].split("=")])} if "--option" in words else {}
    new_run(fields | options | {"inputs": [4, 8], "outputs": [2]}, out=tmp_path / "run", told=said.append)
    assert [line for line in said if "n is the size" in line] == said[:1] if told else said == []
    assert told is None or told in said[0]


def test_figures_are_told_as_they_are_drawn(run: Path, tmp_path: Path) -> None:
    """On a terminal; elsewhere standard error stays empty."""
    names: list[str] = []
    paths = save_figures(load(run), tmp_path, formats=["svg"], told=names.append)
    assert [path.name for path in paths] == names
    assert fwdrev("plot", run, "--format", "svg", "--out", tmp_path / "again").stderr == ""
