"""Whatever a file holds, the command ends with a documented exit code, and an error is one line."""

import contextlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import event, given, strategies as st

from fwdrev.cli.app import main
from fwdrev.cli.common.exit_codes import EXIT_INCONCLUSIVE, EXIT_NOTHING, EXIT_REGRESSION, EXIT_USAGE
from tests.fuzz import samples
from tests.fuzz.guarded import examples, guarded
from tests.fuzz.strategies import changed, damaged, joined, nonsense

_FINE = 0

_FILES = {
    "manifest.json": changed(samples.manifest()),
    "journal.jsonl": joined(samples.journal()),
    "baseline.json": changed(samples.baseline()),
    "record.jsonl": joined(samples.record()),
}

_COMMANDS: dict[str, Sequence[Sequence[str]]] = {
    "manifest.json": [
        ["crossover", "."],
        ["export", ".", "--format", "costs"],
        ["baseline", ".", "-o", "new", "--force"],
    ],
    "journal.jsonl": [["crossover", ".", "--json"], ["export", ".", "--format", "csv"], ["rules", "."]],
    "baseline.json": [["check", "--baseline", "baseline.json", "--run", "."]],
    "record.jsonl": [["report", "record.jsonl", "--out", "report.html"]],
    "factors.txt": [["explain", "--factors", "factors.txt"]],
}
"""Commands that read each file."""

_FACTORS = st.lists(st.sampled_from(["1", "3 4 5", "2", "x", "3 3 29", "1 3 14", "-1 2 3"])).map("\n".join)


@st.composite
def _situations(draw: st.DrawFn) -> tuple[str, bytes, Sequence[str]]:
    """A file, its content, and a command that reads it."""
    name = draw(st.sampled_from(list(_COMMANDS)))
    texts = _FILES.get(name, _FACTORS)
    plain = texts.map(lambda text: text.encode(errors="surrogatepass"))
    return name, draw(st.one_of(plain, plain, damaged(texts), nonsense())), draw(st.sampled_from(_COMMANDS[name]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, a baseline and a record."""
    return tmp_path_factory.mktemp("fuzz")


@examples(0.03)
@given(situation=_situations())
def test_the_command(folder: Path, situation: tuple[str, bytes, Sequence[str]]) -> None:
    """One kind of file has faults, the others are valid."""
    name, data, arguments = situation
    for other, text in samples.texts().items():
        (folder / other).write_text(text)
    (folder / name).write_bytes(data)
    with guarded():
        code, said = _run(folder, arguments)
    event(f"exit code {code}")
    lines = [line for line in said.splitlines() if not line.startswith(("warning: ", "::"))]
    if code in {EXIT_USAGE, EXIT_NOTHING}:
        assert [line[:8] for line in lines] in (["fwdrev: "], [])
        assert lines or name == "baseline.json", said
    else:
        assert code in {_FINE, EXIT_INCONCLUSIVE} or (code == EXIT_REGRESSION and name == "baseline.json"), said
        assert not lines


def _run(folder: Path, arguments: Sequence[str]) -> tuple[object, str]:
    """Returns the exit code and standard error."""
    out, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["fwdrev", *arguments])
        patched.setenv("GITHUB_ACTIONS", "false")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors), pytest.raises(SystemExit) as ended:
            main()
    if "--json" in arguments and ended.value.code == _FINE:
        json.loads(out.buffer.getvalue())
    return ended.value.code, errors.buffer.getvalue().decode()
