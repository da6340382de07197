"""The command, as a user runs it: its answers, and its messages for bad input."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from fwdrev.api.sweep import new_run
from fwdrev.cli.commands import app
from fwdrev.plots.gallery import save_figures
from fwdrev.results import load
from tests.command import TINY, expect_one_line, fwdrev, largest_file, started
from tests.doubles.workers_here import workers_here
from tests.live import until
from tests.plugin import install_plugin
from tests.scripted import scripted_sweeps


def test_sweep_measures_and_answers(measured_and_told: tuple[Path, "subprocess.CompletedProcess[str]"]) -> None:
    """The command makes a run folder, prints the crossover, and names the next command."""
    folder, done = measured_and_told
    assert "forward and reverse break even" in done.stdout
    assert "fwdrev plot here" in done.stdout
    assert len(load(folder).observations) == 4 * (3 + 2)
    for command in (
        ("crossover", folder),
        ("export", folder, "--format", "pyperf"),
        ("export", folder, "--format", "costs"),
    ):
        assert fwdrev(*command).returncode == 0


def test_runs_go_to_runs_by_default(tmp_path: Path) -> None:
    """The folder in the working directory has date, time and problem in its name."""
    with workers_here():
        done = fwdrev(*TINY, "--inputs", "8", "--outputs", "2", "--rounds", "1", "--json", cwd=tmp_path)
    folder = Path(json.loads(done.stdout)["run"])
    assert folder.parent == Path("runs")
    assert folder.name.endswith("-driven")
    assert len(load(tmp_path / folder).observations) == 3


def test_crossover_in_json(whole: Path) -> None:
    """The JSON is strict and has the documented keys."""
    data = json.loads(fwdrev("crossover", whole, "--json").stdout, parse_constant=pytest.fail)
    assert data["pair"] == ["forward", "reverse"]
    assert {"n", "status", "m"} <= set(data["points"][0])
    assert set(data["points"][0]["m"]) >= {"point", "low", "high", "level"}
    assert set(data["law"]) == {"c", "alpha"}


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of each figure only the name of its format is saved."""
    monkeypatch.setattr("fwdrev.plots.gallery._rendered", lambda _, suffix: suffix.encode())


@pytest.mark.usefixtures("unrendered")
def test_plot_prints_paths(whole: Path, tmp_path: Path) -> None:
    """The files exist, each figure in the requested formats; standard error stays empty."""
    pair = "reverse-forward"
    figures = {f"map-{pair}", f"memory-{pair}", f"regret-{pair}", "winners", "cost-curves"}
    options = ("--out", tmp_path / "figures", "--pair", "reverse,forward", "--format", "svg", "--format", "pdf")
    done = fwdrev("plot", whole, *options)
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert {path.name for path in paths} == {f"{name}.{suffix}" for name in figures for suffix in ("svg", "pdf")}
    assert [path.suffix for path in paths if path.suffix != f".{path.read_text()}"] == []
    assert done.stderr == ""


def test_plot_compares_runs(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several runs appear side by side, with the trend of the requested cell; a run given twice counts once."""
    monkeypatch.setattr("fwdrev.plots.gallery._rendered", _texts)  # drawing takes seconds
    other = shutil.copytree(whole, tmp_path / "other")
    done = fwdrev(
        "plot", whole, other, whole, "--cell", "64,16", "--out", tmp_path / "figures", "--format", "svg", "--json"
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
        expect_one_line(fwdrev("plot", whole, *options, "--out", out), code, part)


def _texts(figure: Figure, _: str) -> bytes:
    """The texts of a figure."""
    return "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)).encode()


def test_engines_and_problems() -> None:
    """Each has a line; the JSON has them all."""
    assert fwdrev("engines").stdout.splitlines()[0].startswith("forward ")
    assert {row["name"] for row in json.loads(fwdrev("engines", "--json").stdout)["engines"]} >= {"reverse", "null"}
    assert "depth=4" in fwdrev("problems").stdout
    assert json.loads(fwdrev("problems", "--json").stdout)["problems"][0]["options"]["width"] == 64


@pytest.mark.parametrize(
    "command", ["", "sweep", "crossover", "plot", "rules", "export", "explain", "engines", "problems", "doctor"]
)
def test_help_has_an_example(command: str) -> None:
    """Each command has one."""
    done = fwdrev(*command.split(), "--help")
    assert done.returncode == 0
    assert "Example: fwdrev" in done.stdout or not command


def test_the_list_of_commands_is_whole() -> None:
    """Each command has one line of a terminal of 80 columns, with its whole summary."""
    done = fwdrev("--help", env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})
    lines = done.stdout.partition("Commands:\n")[2].splitlines()
    assert len(lines) == len(app.registered_commands)
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
        (("sweep", "--spec", "none.toml"), "spec none.toml: No such file"),
        (("sweep", "--out", "/proc/none/here"), "cannot write to /proc/none/here"),
        (("sweep", "--out", "."), "exists already"),
        (("sweep", "--out", ""), "exists already"),
        (("sweep", "--option", "width=99999999"), "width = 99999999: give a whole number from 1 to 10000"),
        (("sweep", "--option", "depth=null"), "options.depth = None"),
        (("sweep", "--rounds", "x"), "fwdrev sweep --rounds x: Invalid value for '--rounds'"),
        (("sweep", "--nope"), "No such option"),
        (("crossover",), "Missing argument 'RUN'"),
        (("dance",), "No such command 'dance'"),
        (("crossover", "none"), "none is not a run"),
        (("plot", "none"), "none is not a run"),
        (("export", "none", "--format", "csv"), "none is not a run"),
    ],
)
def test_bad_input_gets_one_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """The exit code is 2; nothing is left behind."""
    expect_one_line(fwdrev(*arguments, cwd=tmp_path), 2, part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("sweep", "--option", "n_of=y"), "unknown n_of 'y'"),
        (("sweep", "--problem", "mlp", "--option", "loss=l1"), "unknown loss 'l1'"),
        (("sweep", "--option", "n_of=1"), "unknown n_of 1"),
        (("sweep", "--option", "width=wide"), "width = 'wide'"),
    ],
)
def test_an_option_of_the_wrong_type_gets_one_line(arguments: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """In a process, since these tests would refuse the type first."""
    expect_one_line(started(*arguments, cwd=tmp_path), 2, part)
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
def test_bad_questions_to_a_run(whole: Path, arguments: tuple[str, ...], code: int, part: str) -> None:
    """The code is 2 for wrong input, 4 for nothing to compare."""
    expect_one_line(fwdrev(arguments[0], whole, *arguments[1:]), code, part)


def test_a_torn_journal_is_plotted_with_a_warning(whole: Path, tmp_path: Path) -> None:
    """The warning goes to standard error, so that the answer stays clean."""
    torn = tmp_path / "torn"
    torn.mkdir()
    (torn / "manifest.json").write_bytes((whole / "manifest.json").read_bytes())
    (torn / "journal.jsonl").write_bytes((whole / "journal.jsonl").read_bytes()[:-70])
    done = fwdrev("crossover", torn, "--json")
    assert done.returncode == 0
    assert done.stderr.startswith("warning: ")
    json.loads(done.stdout)


@pytest.mark.usefixtures("unrendered")
def test_what_a_killed_sweep_leaves_is_a_run(whole: Path, tmp_path: Path) -> None:
    """After any line of its journal, the run can be loaded, and plotted after a round has begun."""
    lines = (whole / "journal.jsonl").read_bytes().splitlines(keepends=True)
    cells = len(load(whole).spec.cells)
    for kept, command, code in (
        (1, "crossover", 4),
        (cells, "crossover", 4),
        (2 * cells, "plot", 4),
        (2 * cells + 1, "plot", 0),
        (len(lines) - 1, "crossover", 0),
    ):
        folder = tmp_path / str(kept)
        folder.mkdir()
        shutil.copy(whole / "manifest.json", folder)
        (folder / "journal.jsonl").write_bytes(b"".join(lines[:kept]))
        assert len(load(folder).observations) == kept
        done = fwdrev(command, folder, *(["--format", "svg"] if command == "plot" else []))
        assert done.returncode == code, done.stderr


def test_a_full_disk_is_one_line_and_loses_nothing(tmp_path: Path) -> None:
    """Files may grow to 2 KiB here: observations within it are kept."""
    with scripted_sweeps(), largest_file(2048):
        done = fwdrev(*TINY, "--out", "run", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "cannot write to run/journal.jsonl: File too large" in done.stderr
    assert "what was measured is kept; go on with: fwdrev sweep --resume run" in done.stderr
    assert len(load(tmp_path / "run").observations) >= 1


def test_version() -> None:
    """`--version` prints name and number."""
    assert fwdrev("--version").stdout.startswith("fwdrev 0.")


@pytest.mark.long
def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    """In a round, one line says where the run is; no process or scratch folder remains; the code is an interrupt's."""
    folder, scratch = tmp_path / "run", tmp_path / "tmp"
    scratch.mkdir()
    more = ("--inputs", "8", "--outputs", "2", "--rounds", "1000", "--out", str(folder))
    command = [sys.executable, "-m", "fwdrev", *TINY, *more]
    pipe, env = subprocess.PIPE, os.environ | {"TMPDIR": str(scratch)}
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env) as process:
        journal = folder / "journal.jsonl"
        until(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 4)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"fwdrev sweep --resume {folder}" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert len(load(folder).observations) >= 4
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
    assert [*scratch.iterdir(), *folder.glob("scratch")] == []


def test_nothing_measured_is_not_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep whose only engine is wrong everywhere ends with 4, and gives the reason."""
    install_plugin(tmp_path, monkeypatch)
    with workers_here():
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
    """The message comes before measuring."""
    said: list[str] = []
    words = dict(zip(given[::2], given[1::2], strict=True))
    fields = {name[2:]: value for name, value in words.items() if name != "--option"}
    options = {"options": dict([words["--option"].split("=")])} if "--option" in words else {}
    new_run(fields | options | {"inputs": [4, 8], "outputs": [2]}, out=tmp_path / "run", told=said.append)
    assert [line for line in said if "n is the size" in line] == said[:1] if told else said == []
    assert told is None or told in said[0]


@pytest.mark.usefixtures("unrendered")
def test_figures_are_told_as_they_are_drawn(whole: Path, tmp_path: Path) -> None:
    """A terminal shows the name of each file before it is drawn."""
    names: list[str] = []
    paths = save_figures(load(whole), tmp_path, formats=["svg"], told=names.append)
    assert [path.name for path in paths] == names != []
