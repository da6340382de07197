"""Files from elsewhere: editors, shells and crashes leave their marks, and other programs read our exports."""

import codecs
import gzip
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fwdrev.bench.functions.point import point_of
from fwdrev.bench.functions.target import Target
from fwdrev.bench.records.observation import Status
from fwdrev.bench.records.parsing import cell_of, engine_pair, problem_options
from fwdrev.bench.records.spec import make_spec, read_spec
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import engine
from fwdrev.results import Run, load, to_costs, to_csv, to_pyperf
from fwdrev.results.costs.factor_file import read_factors
from fwdrev.results.gate.aa_test.record import load_record
from fwdrev.results.gate.baseline.file import load_baseline
from fwdrev.results.runs.cells import failures, values
from fwdrev.results.text.summary import failure_lines
from tests.fuzz import samples
from tests.wild.reports import OURS, report

Read = Callable[[Path], Any]


def _manifest(path: Path) -> Any:
    return _beside(path, "manifest.json").spec


def _journal(path: Path) -> Any:
    run = _beside(path, "journal.jsonl")
    assert not [warning for warning in run.warnings if "zero" not in warning]
    return run.observations


def _beside(path: Path, name: str) -> Run:
    """Loads a run with this file, whose other file is valid."""
    folder = path.parent / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "manifest.json").write_text(samples.manifest_text())
    (folder / "journal.jsonl").write_text(samples.journal_text())
    (folder / name).unlink()
    (folder / name).hardlink_to(path) if path.is_file() else (folder / name).symlink_to(path.resolve())
    return load(folder)


def _record(path: Path) -> Any:
    return load_record(path).runs


FILES: dict[str, tuple[Read, bytes]] = {
    "spec": (read_spec, b'problem = "mlp"\ninputs = "4:16:*2"\n'),
    "manifest": (_manifest, samples.manifest_text().encode()),
    "journal": (_journal, samples.journal_text().encode()),
    "baseline": (load_baseline, json.dumps(samples.baseline()).encode()),
    "record": (_record, "".join(f"{json.dumps(line)}\n" for line in samples.record()).encode()),
    "factors": (read_factors, b"2\n3 3 29\n1 3 14\n"),
}
"""Every kind of text that we read, with its reader and a valid example."""

each_kind = pytest.mark.parametrize("kind", FILES)


def read(kind: str, data: bytes, folder: Path) -> Any:
    """Reads these bytes as a file of that kind."""
    path = folder / "given"
    path.write_bytes(data)
    return FILES[kind][0](path)


def refused(kind: str, path: Path) -> str:
    """Returns the one-line refusal of a file of that kind."""
    with pytest.raises(InputError) as caught:
        FILES[kind][0](path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@each_kind
@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(lambda data: codecs.BOM_UTF8 + data, marks=report("hukkin/tomli#304"), id="mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), marks=report("BurntSushi/toml#233"), id="returns"),
        pytest.param(lambda data: data.removesuffix(b"\n"), marks=report(OURS), id="no-last-end"),
        pytest.param(lambda data: data + b"\n\n", marks=report(OURS), id="empty-lines"),
    ],
)
def test_what_an_editor_does_changes_nothing(kind: str, edited: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """A byte-order mark or other line ends change nothing."""
    data = FILES[kind][1]
    assert read(kind, edited(data), tmp_path) == read(kind, data, tmp_path)


@each_kind
@pytest.mark.parametrize(
    ("packed", "said"),
    [
        pytest.param(
            lambda data: data.decode().encode("utf-16"), "it is UTF-16", marks=report("anchore/grype#3505"), id="utf-16"
        ),
        pytest.param(
            lambda data: data.decode().encode("utf-16-be"),
            "it is UTF-16",
            marks=report("wonderwhy-er/DesktopCommanderMCP#610"),
            id="utf-16-without-mark",
        ),
        pytest.param(gzip.compress, "compressed by gzip: unpack it first", marks=report(OURS), id="gzip"),
    ],
)
def test_what_is_no_utf_8_says_so(kind: str, packed: Callable[[bytes], bytes], said: str, tmp_path: Path) -> None:
    """Output of PowerShell's `>`, or an archive not yet unpacked, is refused with the reason."""
    path = tmp_path / "given"
    path.write_bytes(packed(FILES[kind][1]))
    assert said in refused(kind, path)


@each_kind
@report("golang/go#33050")
@pytest.mark.usefixtures("impatient")
def test_a_pipe_into_which_nothing_writes_does_not_hang(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe may be given by mistake."""
    monkeypatch.setattr("fwdrev.bench.records.given_file._PATIENCE", 0.1)
    os.mkfifo(tmp_path / "given")
    assert "a pipe into which nothing writes" in refused(kind, tmp_path / "given")


@pytest.fixture
def impatient() -> Iterator[None]:
    """Fails a test that takes a minute."""
    before = signal.signal(signal.SIGALRM, lambda *_: pytest.fail("it hangs"))
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@report("https://www.gnu.org/software/bash/manual/html_node/Process-Substitution.html")
def test_a_pipe_into_which_something_writes_is_read(tmp_path: Path) -> None:
    """`fwdrev explain --factors <(…)` works."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["/bin/sh", "-c", f"printf '1\\n3 4 5\\n' > {path}"]):
        assert read_factors(path) == [(3, 4, 5)]


@each_kind
@pytest.mark.parametrize(
    "place",
    [
        pytest.param("folder", marks=report(OURS)),
        pytest.param("nowhere", marks=report(OURS)),
        pytest.param("empty", marks=report("codee-com/open-catalog#24")),
    ],
)
def test_what_is_no_file_is_refused(kind: str, place: str, tmp_path: Path) -> None:
    """Folders and devices are refused. An empty journal is valid."""
    path = tmp_path / place
    if place == "folder":
        path.mkdir()
    elif place == "empty":
        path.touch()
    if kind in {"journal", "spec"} and place == "empty":
        assert not FILES[kind][0](path)
    else:
        assert refused(kind, path)


@pytest.mark.parametrize(
    "kind", [kind if kind in {"spec", "manifest"} else pytest.param(kind, marks=pytest.mark.long) for kind in FILES]
)
@report(OURS)
def test_of_an_endless_file_little_is_read(kind: str, tmp_path: Path) -> None:
    """It is refused, except that a journal may have lines that cannot be read."""
    path = tmp_path / "zeros"
    with path.open("wb") as stream:
        stream.truncate(2**30)
    if kind == "journal":
        run = _beside(path, "journal.jsonl")
        assert (len(run.observations), len(run.warnings)) == (0, 1)
    else:
        assert refused(kind, path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[" * 100_000, marks=report("simplejson/simplejson#270"), id="deep"),
        pytest.param('{"format": ' + "9" * 5000 + "}", marks=report("run-llama/llama_index#18877"), id="digits"),
        pytest.param('{"format": NaN}', marks=report(OURS), id="nan"),
        pytest.param('{"created": "\\ud800"}', marks=report(OURS), id="surrogate"),
        pytest.param('{"format": 1, // the first\n}', marks=report(OURS), id="comment"),
        pytest.param("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n", marks=report(OURS), id="conflict"),
        pytest.param('{"created": "\x1b[2J\x00"}', marks=report(OURS), id="control"),
        pytest.param("null", marks=report("ionelmc/pytest-benchmark#81"), id="null"),
    ],
)
@pytest.mark.parametrize("kind", ["manifest", "baseline", "record"])
def test_json_that_means_nothing_is_refused(kind: str, text: str, tmp_path: Path) -> None:
    """Each is refused in one line."""
    path = tmp_path / "given"
    path.write_text(text)
    assert refused(kind, path)


@pytest.mark.parametrize("kind", ["manifest", "baseline", "record"])
@report(OURS)
def test_bytes_that_are_no_letters_are_no_error_of_python(kind: str, tmp_path: Path) -> None:
    """A name in Latin-1 is read with a substitute letter, or refused."""
    path = tmp_path / "given"
    path.write_bytes(FILES[kind][1].replace(b"<script>", b"\xe9").replace(b'"created"', b'"cr\xe9"'))
    assert refused(kind, path)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = " + "[" * 100_000, marks=report("simplejson/simplejson#270"), id="deep"),
        pytest.param("rounds = " + "9" * 5000, marks=report("run-llama/llama_index#18877"), id="digits"),
        pytest.param("precision = nan\n[options]\na = 1979-05-27\nb = inf", marks=report(OURS), id="date"),
        pytest.param('problem = "\x1b[2J"', marks=report(OURS), id="control"),
        pytest.param("rounds = 3\nrounds = 4", marks=report(OURS), id="twice"),
        pytest.param("rounds = 0x" + "f" * 5000, marks=report(OURS), id="hexadecimal"),
        pytest.param("inputs = [0x" + "f" * 5000 + "]", marks=report(OURS), id="hexadecimal-size"),
        pytest.param('problem = "\\ud800"', marks=report(OURS), id="surrogate"),
    ],
)
def test_toml_that_means_nothing_is_refused(text: str, tmp_path: Path) -> None:
    """Each is refused in one line."""
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        make_spec(read_spec(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@report(OURS)
def test_a_baseline_whose_errors_no_interval_can_have_is_refused(tmp_path: Path) -> None:
    """The end of its interval would not be finite."""
    made = samples.baseline()
    path = tmp_path / "given"
    path.write_text(json.dumps(made | {"ratios": [made["ratios"][0] | {"error": 900}, *made["ratios"][1:]]}))
    assert "ratios.0.error" in refused("baseline", path)


@report(OURS)
def test_a_run_of_a_record_whose_ratios_nothing_can_have_is_left_out(tmp_path: Path) -> None:
    """A warning reports it."""
    made = [json.dumps(line) for line in samples.record()]
    first = samples.record()[1]["first"]["logs"][0][0][0]
    path = tmp_path / "given"
    path.write_text("\n".join([made[0], made[1].replace(str(first), "1e300", 1), *made[2:]]))
    found = load_record(path)
    assert (len(found.runs), len(found.warnings)) == (len(made) - 2, 1)


@report(OURS)
def test_a_field_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Merging can duplicate fields of a baseline."""
    text = FILES["baseline"][1].decode()
    path = tmp_path / "given"
    path.write_text('{"ratios": [], ' + text[1:])
    assert "'ratios' is there twice" in refused("baseline", path)


def lines() -> list[str]:
    """The lines of the journal."""
    return samples.journal_text().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("text", "lost", "warned"),
    [
        pytest.param("".join(lines() * 2), 0, True, marks=report(OURS), id="twice"),
        pytest.param("".join(reversed(lines())), 0, False, marks=report(OURS), id="reversed"),
        pytest.param("".join(lines())[:-30], 1, True, marks=report("sipyourdrink-ltd/bernstein#5919"), id="torn"),
        pytest.param("".join(lines()) + "\0" * 500, 0, True, marks=report("gastownhall/gascity#5336"), id="zeros"),
        pytest.param(
            lines()[0] + "\0" * 500 + "".join(lines()[1:]),
            0,
            False,
            marks=report("gastownhall/gascity#5336"),
            id="hole",
        ),
        pytest.param("".join("\ufeff" + line for line in lines()), 0, False, marks=report(OURS), id="joined"),
        pytest.param("".join(lines()).replace('"null"', '"noop"'), 0, False, marks=report(OURS), id="noop"),
    ],
)
def test_a_journal_loses_no_line_that_can_be_read(text: str, lost: int, warned: bool, tmp_path: Path) -> None:  # noqa: FBT001 - of the table
    """Lost lines cause a warning."""
    path = tmp_path / "given"
    path.write_text(text)
    run = _beside(path, "journal.jsonl")
    assert len(run.observations) == len(lines()) - lost
    assert bool(run.warnings) is warned
    if not lost:
        order = ["round", "n", "m", "engine", "block"]
        found, expected = (values(one).sort_values(order, ignore_index=True) for one in (run, samples.run()))
        pd.testing.assert_frame_equal(found, expected)


@report(OURS)
def test_a_reason_commands_no_terminal(tmp_path: Path) -> None:
    """The text of an exception may contain colour codes or other control characters."""
    arms = {name: {"status": "crashed", "reason": "\x1b[2J\x07\nboom"} for name in ("forward", "reverse")}
    path = tmp_path / "given"
    path.write_text(json.dumps({"round": -1, "n": 64, "m": 1, "arms": arms}))
    text = "".join(failure_lines(_beside(path, "journal.jsonl")))
    assert "\ufffd[2J\ufffd boom" in text
    assert text.isprintable()


@report("pandas-dev/pandas#32084")
@pytest.mark.parametrize("write", [to_csv, to_costs])
def test_pandas_reads_every_name_of_an_export(write: Callable[[Run], str]) -> None:
    """pandas reads the engine null as a name too."""
    read = pd.read_csv(io.StringIO(write(samples.run())))
    assert set(read["engine"]) == {"forward", "reverse", "noop"}
    assert "noop" in to_pyperf(samples.run())
    assert "null" not in to_pyperf(samples.run())


@report("pandas-dev/pandas#10647")
def test_whatever_a_name_is_pandas_reads_it() -> None:
    """pandas also reads a name that it would take for a missing value."""
    names = ["NA", "nan", "None", "N/A", "-nan", "NULL", "n/a", "#N/A", "<NA>"]
    for name in names:
        read = pd.read_csv(io.StringIO(to_csv(_called(name))))
        assert set(read["engine"].astype(str)) == {"reverse", "noop", f"'{name}"}


@report("hhurz/tableExport.jquery.plugin#230")
@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)"])
def test_no_name_is_a_formula(name: str) -> None:
    """Spreadsheets find no formula in names or reasons of failures."""
    run = _called(name)
    broken = [
        replace(
            o,
            arms={
                key: replace(arm, status=Status.WRONG, reason=name, values=(), loops=0) for key, arm in o.arms.items()
            },
        )
        for o in run.observations
        if o.round < 0
    ]
    for text in (to_csv(run), to_costs(replace(run, observations=tuple(broken)))):
        cells = pd.read_csv(io.StringIO(text), dtype=str).to_numpy().ravel()
        assert f"'{name}" in cells
        assert name not in cells


def _called(name: str) -> Run:
    """A run in which forward has another name."""
    run = samples.run()
    observations = tuple(
        replace(o, arms={name if key == "forward" else key: arm for key, arm in o.arms.items()})
        for o in run.observations
    )
    spec = run.spec.model_copy(update={"engines": [name, "reverse", "null"]})
    return replace(run, spec=spec, observations=observations)


@report(OURS)
def test_null_may_be_called_noop_wherever_an_engine_is_named() -> None:
    """Options, pairs, specifications and baselines accept noop."""
    assert engine("noop").name == "null"
    assert engine_pair("noop,forward", ["forward"]) == ("null", "forward")
    assert make_spec({"engines": ["noop", "forward"]}).engines == ["null", "forward"]
    with pytest.raises(InputError, match="name each one once"):
        make_spec({"engines": ["noop", "null"]})


@report(OURS)
def test_a_baseline_may_call_null_noop(tmp_path: Path) -> None:
    """null and noop are the same engine."""
    text = FILES["baseline"][1].decode()
    assert '"null"' in text
    one, other = (read("baseline", each.encode(), tmp_path) for each in (text, text.replace('"null"', '"noop"')))
    for part in ("arms", "ratios", "crossovers", "sweep"):
        assert getattr(one, part) == getattr(other, part)


@report(OURS)
def test_failures_are_in_the_order_of_sizes() -> None:
    """16 comes before 1024."""
    run = samples.run()
    failed = [o for o in run.observations if o.round == -1]
    lost = {name: replace(arm, status=Status.CRASHED, values=(), loops=0) for name, arm in failed[0].arms.items()}
    cells = [replace(failed[0], cell=replace(failed[0].cell, n=n), arms=lost) for n in (1024, 16, 128)]
    assert list(failures(replace(run, observations=tuple(cells)))["n"].unique()) == [16, 128, 1024]


@report("https://pyperf.readthedocs.io/en/latest/cli.html")
@pytest.mark.parametrize(
    "command",
    [
        "show --metadata --dump",
        "compare_to FILE",
        *(
            pytest.param(command, marks=pytest.mark.long)
            for command in ("show", "stats", "hist", "check", "metadata", "dump", "slowest", "convert -o OUT")
        ),
    ],
)
def test_pyperf_commands_read_an_export(command: str, tmp_path: Path) -> None:
    """All of pyperf's commands that read files work."""
    path, verb, *rest = tmp_path / "run.json", *command.split()
    path.write_text(to_pyperf(samples.run()))
    others = [{"FILE": str(path), "OUT": str(tmp_path / "out.json")}.get(word, word) for word in rest]
    done = subprocess.run(
        [sys.executable, "-m", "pyperf", verb, str(path), *others], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def archive(folder: Path, **arrays: Any) -> Path:
    """Writes a file of arrays."""
    path = folder / "point.npz"
    np.savez(path, **arrays)
    return path


def point(path: Path) -> Any:
    """Reads the one argument that it holds."""
    (argument,) = point_of(Target(what="mine:f", at=str(path)), lambda x: x)
    return argument


@report(OURS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(3, dtype=">f8"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0)[::-2],
        np.array(0.5),
        np.zeros(0),
        np.array([math.nan, math.inf]),
        np.arange(3) * 1j,
    ],
    ids=["big-endian", "fortran", "backwards", "scalar", "nothing", "not-finite", "complex"],
)
def test_arrays_are_read_as_this_machine_writes_them(array: Any, tmp_path: Path) -> None:
    """Arrays are read in this machine's byte order, with the same values."""
    found = point(archive(tmp_path, x=array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype.isnative
    assert found.shape == array.shape


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.array([{"a": 1}, None], dtype=object), marks=report("obspy/obspy#2409"), id="object"),
        pytest.param(np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), marks=report(OURS), id="structured"),
        pytest.param(np.array(["a", "b"]), marks=report(OURS), id="text"),
        pytest.param(np.array(["2026-01-01"], dtype="M8[D]"), marks=report(OURS), id="date"),
        pytest.param(np.arange(3, dtype=np.longdouble), marks=report(OURS), id="longdouble"),
    ],
)
def test_arrays_of_no_numbers_are_refused(array: Any, tmp_path: Path) -> None:
    """Above all, pickled objects are refused, since they would run code."""
    with pytest.raises(InputError, match=r"point\.npz"):
        point(archive(tmp_path, x=array))


@report(OURS)
def test_what_is_no_file_of_numpy_is_not_advised_to_be_unpickled(tmp_path: Path) -> None:
    """For a table of numbers in text, NumPy's own message would advise to unpickle."""
    path = tmp_path / "point.npz"
    path.write_text("1.0\n2.0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"point\.npz: it is neither an \.npz file nor an \.npy file; write it with"):
        point(path)


class _Runs:
    """Unpickling this class runs code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


@report("pynapple-org/pynapple#607")
def test_a_point_runs_no_code(tmp_path: Path) -> None:
    """A pickled object could."""
    path = archive(tmp_path, x=np.array([_Runs(tmp_path / "made")], dtype=object))
    with pytest.raises(InputError, match="plain arrays only"):
        point(path)
    assert not (tmp_path / "made").exists()


@report("keras-team/keras#23016")
def test_an_archive_that_does_not_fit_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros compress a thousandfold."""
    monkeypatch.setattr("fwdrev.bench.functions.point.available_bytes", lambda: 2**20)
    path = tmp_path / "point.npz"
    np.savez_compressed(path, x=np.zeros(2**18))
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match=r"unpacked it takes 0.0021 GB, 3 times over, and 0.00105 GB are free"):
        point(path)


@report("keras-team/keras#23016")
def test_an_archive_whose_header_lies_is_refused(tmp_path: Path) -> None:
    """The header announces more data than the file has."""
    path, header = tmp_path / "point.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("x.npy", header.getvalue() + b"\0" * 80)
    with pytest.raises(InputError, match="cannot read"):
        point(path)


@report(OURS)
@pytest.mark.parametrize(
    "given",
    [
        {"inputs": "1:1000000000:+1"},
        {"inputs": "1:" + "9" * 5000 + ":+1"},
        {"outputs": list(range(1, 100_000))},
        {"rounds": 10**9},
        {"rounds": 16**5000},
        {"timeout": 16**5000},
        {"inputs": [16**5000]},
        {"options": {"depth": 16**5000}},
        {"options": {"depth": 10**9}},
        {"seed": 10**30},
        {"engines": ["forward\n"]},
        {"problem": "\x1b[2J"},
        {"budget": "1e999"},
        {"dtype": "5%"},
        {"dtype": "(1,"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_specification_beyond_measure_is_refused(given: dict[str, Any]) -> None:
    """Huge specifications are refused at once, in a line of readable length."""
    with pytest.raises(InputError) as caught:
        make_spec(given)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


@report(OURS)
@pytest.mark.parametrize(
    ("grid", "sizes"),
    [
        ("4:4:*2", [4]),
        (" 16, 4 ,16", [4, 16]),
        ("10:55:+20", [10, 30, 50]),
        ([8, 2, 8], [2, 8]),
        ("10:1:*2", None),
        ("1:9:*1", None),
        ("1:9:+0", None),
        ("0:9:*2", None),
        ("4,,16", None),
        ("4:16", None),
        ("1e3", None),
        ("-4", None),
        ("", None),
        ([], None),
        ([True], None),
        ([4.0], None),
    ],
    ids=str,
)
def test_odd_grids(grid: object, sizes: list[int] | None) -> None:
    """Each grid has its literal meaning, with each size once, or is refused in one line."""
    if sizes is not None:
        assert make_spec({"inputs": grid}).inputs == sizes
        return
    with pytest.raises(InputError, match=r"^grid .*: [^\n]*$"):
        make_spec({"inputs": grid})


@report(OURS)
def test_options_beyond_measure_are_refused() -> None:
    """Numbers of thousands of digits and depths of thousands of brackets are refused."""
    with pytest.raises(InputError, match=r"cell '9{99}…: give"):
        cell_of("9" * 5000 + ",1")
    assert problem_options(["depth=" + "[" * 100_000])
    with pytest.raises(InputError, match="more than 181800 bytes"):
        read_factors(_written("100000\n" + "3 3 29\n" * 100_000))


def _written(text: str) -> Path:
    path = Path(os.environ["XDG_CACHE_HOME"]) / "factors.txt"
    path.write_text(text)
    return path
