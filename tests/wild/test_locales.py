"""Encodings that lack our characters, and file names that are text in no encoding."""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pytest

from fwdrev.bench.machine.environment import worker_environment
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.plots import gallery
from fwdrev.plots.figures.crossover_map import map_figure
from tests.command import fwdrev
from tests.wild.outcomes import command, environment
from tests.wild.reports import OURS, report

IO = "PYTHONIOENCODING"

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""With these, Python uses ASCII only; without the last two it would choose UTF-8."""

NAME = os.fsdecode(b"caf\xe9")
"""Not UTF-8: a folder from an archive or a disk of another system."""


def _fwdrev(*arguments: str, cwd: Path, **env: str) -> "subprocess.CompletedProcess[bytes]":
    line = [sys.executable, "-m", "fwdrev", *arguments]
    return subprocess.run(line, capture_output=True, check=False, cwd=cwd, env=environment(**env), timeout=120)


def _judged(env: Mapping[str, str], *form: str) -> "subprocess.CompletedProcess[bytes]":
    line = command("inconclusive", "check", "--against", "HEAD", *form)
    return subprocess.run(line, capture_output=True, check=False, env=environment(**env), timeout=120)


@pytest.mark.parametrize(
    ("env", "encoding", "said"),
    [
        pytest.param({IO: "latin-1"}, "latin-1", "10 -> 12 · \\u65e5", marks=report("aws/aws-cli#1386")),
        pytest.param(
            {IO: "cp1252"}, "cp1252", "10 -> 12 · ", marks=[report("pre-commit/pre-commit#1862"), pytest.mark.long]
        ),
        pytest.param(
            {IO: "cp437:strict"}, "cp437", "10 -> 12 · ", marks=[report("deftai/directive#814"), pytest.mark.long]
        ),
        pytest.param(
            {IO: "ascii"}, "ascii", "10 -> 12 * ", marks=[report("pre-commit/pre-commit#161"), pytest.mark.long]
        ),
        pytest.param({IO: "utf-8"}, "utf-8", "10 → 12 · 日本", marks=[report(OURS), pytest.mark.long]),
        pytest.param(C_LOCALE, "ascii", "10 -> 12 * ", marks=report("pre-commit/pre-commit#309")),
        pytest.param({"LC_ALL": "POSIX"}, "utf-8", "10 → 12 · 日本", marks=report("pre-commit/pre-commit-hooks#276")),
        pytest.param({"LC_ALL": "xx_YY.none"}, "utf-8", "10 → 12 · 日本", marks=[report(OURS), pytest.mark.long]),
    ],
)
def test_the_verdict_survives_an_encoding(env: Mapping[str, str], encoding: str, said: str) -> None:
    """Missing characters are replaced by ones that the encoding has; the exit code is the verdict's."""
    done = _judged(env)
    assert (done.returncode, done.stderr) == (3, b"")
    assert done.stdout.decode(encoding).startswith(said)


@pytest.mark.parametrize(
    ("env", "encoding"), [pytest.param({IO: "cp1252"}, "cp1252", marks=pytest.mark.long), (C_LOCALE, "ascii")]
)
@report("pre-commit/pre-commit#1862")
def test_data_survive_an_encoding(env: Mapping[str, str], encoding: str) -> None:
    """In JSON each character is unchanged."""
    done = _judged(env, "--json")
    assert (done.returncode, done.stderr) == (3, b"")
    assert json.loads(done.stdout.decode(encoding))["told"][7] == "finding 7 →"


@pytest.mark.parametrize(
    "words",
    ["explain --inputs 8 --outputs 2", "--help", "nope θ", pytest.param("engines", marks=pytest.mark.long)],
)
@report("maxbbraun/trump2cash#34")
def test_all_that_is_printed_can_be(words: str, tmp_path: Path) -> None:
    """In ASCII there is no traceback, and the exit code is the same."""
    plain, rich = _fwdrev(*words.split(), cwd=tmp_path, **C_LOCALE), fwdrev(*words.split())
    assert plain.returncode == rich.returncode != 5
    assert b"Traceback" not in plain.stderr
    assert len(plain.stdout.splitlines()) == len(rich.stdout.splitlines())


@report("pypa/pipenv#3131")
def test_a_locale_of_the_system(tmp_path: Path) -> None:
    """In ISO 8859-1, as on a German system of 2005, texts lose only the letters that it lacks."""
    made = shutil.which("localedef") and subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")],  # noqa: S607 - wherever it is
        capture_output=True,
        check=False,
    )
    if not made or made.returncode:
        pytest.skip("localedef makes no de_DE.ISO-8859-1 here")
    env = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.ISO-8859-1"}
    done = _fwdrev("explain", "--inputs", "8", "--outputs", "2", cwd=tmp_path, **env)
    assert done.returncode == 0, done.stderr
    assert "J_x L^2 · G^1" in done.stdout.decode("latin-1")
    assert "J_theta" in done.stdout.decode("latin-1")


@report("samschott/maestral#230")
def test_a_folder_whose_name_is_no_text(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON has its exact name, and files are written into it."""
    monkeypatch.setattr(gallery, "OF_A_PAIR", {"map": map_figure})
    monkeypatch.setattr(gallery, "OF_A_RUN", {})
    shutil.copytree(whole, tmp_path / NAME)
    answered = fwdrev("plot", NAME, "--format", "svg", "--pair", "forward,reverse", "--json", cwd=tmp_path)
    (figure,) = json.loads(answered.stdout.encode("ascii"))["figures"]
    assert ET.parse(tmp_path / figure).getroot().tag.endswith("svg")  # noqa: S314 - our own file
    for words in (("crossover",), ("baseline", "-o", "b.json"), ("export", "--format", "csv")):
        done = fwdrev(words[0], NAME, *words[1:], cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, ""), words


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("crossover", NAME), b"caf\\udce9 is not a run"),
        (("check", "--against", NAME), b"git"),
        (("check", "--baseline", NAME), b"caf\\udce9"),
        ((NAME,), b"No such command 'caf\\udce9'"),
        (("sweep", "--engines", NAME), b"'caf\\udce9'"),
        (("sweep", "--problem", NAME), b"'caf\\udce9'"),
        (("explain", "--factors", NAME), b"caf\\udce9"),
    ],
)
@report("fwupd/fwupd#448")
def test_an_argument_that_is_no_text(words: tuple[str, ...], said: bytes, tmp_path: Path) -> None:
    """One line refuses it, with the exit code of wrong usage."""
    done = fwdrev(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr.encode("ascii", "backslashreplace")


@report("fwupd/fwupd#448")
def test_an_argument_that_is_no_text_is_shown_by_number(tmp_path: Path) -> None:
    """The message shows it as Python reads it, in the encoding of standard error."""
    done = _fwdrev(NAME, cwd=tmp_path)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1), done.stderr
    assert b"No such command 'caf\\udce9'" in done.stderr


@report(OURS)
def test_jax_gets_no_cache_whose_name_is_no_text(tmp_path: Path) -> None:
    """The cache would fail, and every engine with it."""
    spec = SweepSpec()
    kept, none = (worker_environment(spec, tmp_path / name) for name in ("café", NAME))
    assert kept["JAX_COMPILATION_CACHE_DIR"] == str(tmp_path / "café" / "programs")
    assert none["JAX_ENABLE_COMPILATION_CACHE"] == "0"
