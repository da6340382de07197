"""Streams fail in many ways: closed, full, abandoned. The exit code is always that of the verdict."""

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fwdrev.cli.common import streams
from tests.project import make_project
from tests.wild.outcomes import CODES, SIGNALS, command, environment, started
from tests.wild.reports import OURS, report

WAYS = {
    "{} >&-": "forseti-security/terraform-google-forseti#479",
    "{} > /dev/full": "uutils/coreutils#9782",
    "{} | true": "Comfy-Org/comfy-cli#615",
    "{} | head -1": "openvax/mhctools#387",
    "{} 1< /dev/null": OURS,
    "{} 2>&-": "pixelb/crudini#82",
    "{} 2> /dev/full": "uutils/coreutils#10613",
    "{} 2> >(true)": "tqdm/tqdm#1033",
    "{} 2>&1 | true": "mildsunrise/mp4parser#12",
    "{} > /dev/full 2>&1": "uutils/coreutils#11767",
    "{} >&- 2> /dev/full": "cockpit-project/bots#2109",
    "{} <&-": "pixelb/crudini#67",
    "{} <&- >&- 2>&-": "streamlink/streamlink#6197",
    "PYTHONUNBUFFERED=1 {} > /dev/full": OURS,
}
"""Shell lines that run a command with failing streams."""

DEAF = ["{} >&-", "{} > /dev/full", "{} | true"]
"""The ways for standard output, for commands that write only there."""

JUDGED = ("check", "--against", "HEAD")
Case = tuple[str, Sequence[str]]
ANSWERED: list[Case] = [(one, JUDGED) for one in CODES if one not in {"refused", "broken"}]
ANSWERED += [("inconclusive", (*JUDGED, "--json", "--github"))]
"""Outcomes that write to standard output, with their arguments."""
TOLD: list[Case] = [("refused", JUDGED), ("broken", JUDGED)]
"""Outcomes that write to standard error."""

LATER = {"{} | head -1", "{} 1< /dev/null", "{} 2>&-", "{} 2> >(true)", "{} >&- 2> /dev/full", "{} <&-"}
"""The ways that are much like others."""

each_way = pytest.mark.parametrize(
    "way",
    [
        pytest.param(way, marks=[report(source), pytest.mark.long] if way in LATER else report(source))
        for way, source in WAYS.items()
    ],
)


def _ended(line: str) -> tuple[int, str]:
    """The exit code of the first command of a pipeline, and its standard error."""
    process = started(f"{line}; exit ${{PIPESTATUS[0]}}")
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors.decode()


@each_way
def test_the_exit_code_survives(way: str) -> None:
    """The exit code of an answer or an error survives each way in which its text can fail."""
    _assert_survive(way, _some(way))


@pytest.mark.long
@pytest.mark.parametrize("way", ["{} >&-", "{} > /dev/full", "{} 2> /dev/full", "{} <&- >&- 2>&-"])
@report("uutils/coreutils#9782")
def test_every_exit_code_survives(way: str) -> None:
    """The other outcomes survive the most different of these ways."""
    _assert_survive(way, [case for case in (*ANSWERED, *TOLD) if case not in _some(way)])


def _some(way: str) -> list[Case]:
    """The outcomes that write to the streams failing in this way; over the ways, each outcome occurs."""
    index = list(WAYS).index(way)
    answered, told = ANSWERED[index % len(ANSWERED)], TOLD[index % len(TOLD)]
    if "2>" not in way:
        return [answered]
    return [told] if way.startswith("{} 2>") and "&1" not in way else [answered, told]


def _assert_survive(way: str, cases: Sequence[Case]) -> None:
    """Expects the same exit code, and no traceback where standard error can be read."""
    lines = [way.format(shlex.join(command(outcome, *words))) for outcome, words in cases]
    running = [started(f"{line}; exit ${{PIPESTATUS[0]}}") for line in lines]
    said = [process.communicate(timeout=120)[1].decode() for process in running]
    assert [process.returncode for process in running] == [CODES[outcome] for outcome, _ in cases]
    assert not [errors for errors in said if "Traceback" in errors or "Exception ignored" in errors]


@pytest.mark.parametrize("way", DEAF)
@pytest.mark.parametrize("words", [pytest.param("--help", marks=pytest.mark.long), "explain --json"])
@report("aws/aws-cli#1113")
def test_what_only_tells_has_nothing_to_fail(words: str, way: str) -> None:
    """Such a command shows no answer, so nothing else can go wrong."""
    code, errors = _ended(way.format(f"{sys.executable} -m fwdrev {words}"))
    assert code == 0, errors
    full = "fwdrev: standard output was lost: No space left on device\n"
    assert errors == (full if "full" in way else "")


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("{} > /dev/full", 2),
        pytest.param("{} | head -1", 0, marks=pytest.mark.long),
        pytest.param("{} >&-", 2, marks=pytest.mark.long),
        pytest.param("{} | true", 0, marks=pytest.mark.long),
    ],
)
@report("util-linux/util-linux#4448")
def test_a_file_that_is_not_written_is_an_error(way: str, code: int, whole: Path) -> None:
    """Exporting means writing: half a file is an error, unless its reader stopped early."""
    found, errors = _ended(way.format(f"{sys.executable} -m fwdrev export {whole} --format csv"))
    assert (found, errors.count("\n")) == (code, code // 2), errors
    assert code == 0 or errors.startswith("fwdrev: cannot write standard output: ")


@report("Textualize/rich#2492")
def test_a_pipe_that_does_not_wait_gets_everything() -> None:
    """Another program that shares the pipe may have set O_NONBLOCK."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = subprocess.Popen(
        command("regressed", "check", "--against", "HEAD", "--json"), stdout=writing, env=environment()
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        select.select([pipe], [], [])
        assert process.poll() is None, "all of it went into the pipe at once: this shows nothing"
        told = json.load(pipe)["told"]
    assert (process.wait(120), told[-1]) == (1, f"finding {len(told) - 1} →")


@report("halfline/git-stage-batch#32")
def test_ctrl_c_while_nobody_reads() -> None:
    """The command waits for its reader, and ends at once on Ctrl-C."""
    line = command("regressed", "check", "--against", "HEAD", "--json")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        select.select([process.stdout], [], [])
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()


@report("halfline/git-stage-batch#32")
def test_what_waits_for_a_reader_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python itself would wait once more at its end."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        monkeypatch.setattr(sys, "stdout", streams._stream(None, writing, closed=False))
        sys.stdout.write("kept\n")
        sys.stdout.flush()
        sys.stdout.write("dropped")
        streams.drop()
        sys.stdout.flush()
        os.close(writing)
        assert pipe.read() == b"kept\n"


@pytest.mark.parametrize("outcome", SIGNALS)
@report("cockpit-project/bots#2109")
def test_signals_end_with_their_number(outcome: str) -> None:
    """The exit code is 128 + N, as in shells."""
    done = subprocess.run(command(outcome), capture_output=True, check=False, env=environment(), timeout=120)
    assert (done.returncode, done.stderr) == (128 + SIGNALS[outcome], b"")


@report("science-learner/ScienceFlow#2")
def test_nohup_has_its_way() -> None:
    """A hang-up that was ignored from the start stays ignored."""
    code, errors = _ended(f"trap '' HUP; {shlex.join(command('hung up'))} > /dev/null")
    assert (code, errors) == (1, "")


@report("forseti-security/terraform-google-forseti#479")
def test_files_are_written_where_no_text_can_be(tmp_path: Path) -> None:
    """Verdict files depend on no stream."""
    junit = tmp_path / "junit.xml"
    line = shlex.join(command("regressed", "check", "--against", "HEAD", "--junit", str(junit)))
    assert _ended(f"{line} <&- >&- 2>&-") == (1, "")
    assert junit.read_text(encoding="utf-8").rstrip().endswith("</testsuites>")


@report("ingelabs/classpath#53")
def test_both_sides_start_where_everything_is_closed(tmp_path: Path) -> None:
    """A pipe of ours with number 0 would otherwise become the sides' standard input."""
    project = make_project(tmp_path / "project")
    source = project / "mine.py"
    source.write_text(source.read_text(encoding="utf-8").replace("COUNT = 10", "COUNT = 12"), encoding="utf-8")
    cells = "--engines mine --inputs 4 --outputs 2 --rounds 3 --threshold 900% --junit junit.xml"
    code, _ = _ended(f"cd {project} && {sys.executable} -m fwdrev check --against HEAD {cells} <&- >&- 2>&-")
    assert code == 1
    assert "multiply adds 10 → 12" in (project / "junit.xml").read_text(encoding="utf-8")
