"""Errors of all kinds, including those of other packages, end with the exit code that says whose fault it is."""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fwdrev.cli import commands
from tests.command import fwdrev
from tests.wild.outcomes import command, environment
from tests.wild.reports import OURS, report


class _Odd(BaseException):
    def __str__(self) -> str:
        raise RuntimeError


def _raised(error: BaseException) -> Callable[[object], int]:
    def raised(_: object) -> int:
        raise error

    return raised


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ZeroDivisionError("division by zero"), 5, "internal error: ZeroDivisionError: division by zero; please"),
        (KeyError("num_consts"), 5, "internal error: KeyError: 'num_consts'; please"),
        (ImportError("no module"), 5, "internal error: ImportError: no module; please"),
        (SyntaxError("invalid", ("their.py", 3, 1, "x y", 3, 2)), 5, "SyntaxError: invalid; please"),
        (MemoryError(), 5, "internal error: MemoryError; please"),
        (RecursionError("maximum depth"), 5, "internal error: RecursionError: maximum depth; please"),
        (DeprecationWarning("old"), 5, "internal error: DeprecationWarning: old; please"),
        (SystemExit(1), 5, "internal error: SystemExit: 1; please"),
        (SystemExit(0), 5, "internal error: SystemExit: 0; please"),
        (GeneratorExit(), 5, "internal error: GeneratorExit; please"),
        (EOFError("No data left in file"), 5, "internal error: EOFError: No data left in file; please"),
        (BaseExceptionGroup("two", [ValueError("a\nb"), KeyboardInterrupt()]), 5, "two (2 sub-exceptions)"),
        (_Odd(), 5, "_Odd: <exception str() failed>; please"),
        (ValueError("x" * 9999), 5, "xxx …; please report it"),
        (PermissionError(errno.EACCES, "Permission denied", "/ro/file"), 2, "/ro/file: Permission denied"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 2, "Broken pipe"),
        (OSError("without a number"), 5, "internal error: OSError: without a number; please"),
        (KeyboardInterrupt(), 130, ""),
    ],
    ids=lambda value: f"{value!r:.30}" if isinstance(value, BaseException) and not isinstance(value, _Odd) else None,
)
@report("web-platform-tests/wpt#60431")
def test_no_error_is_a_regression(error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends with one line and the exit code that says whose fault it is."""
    monkeypatch.setattr(commands, "run", _raised(error))
    done = fwdrev("check")
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == (1 if said else 0)


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("--debug", "check", "--against", "HEAD"), {}),
        (("check", "--against", "HEAD", "--debug"), {}),
        (("check", "--against", "HEAD"), {"FWDREV_DEBUG": "1"}),
    ],
)
@report(OURS)
def test_where_an_error_comes_from_is_shown_on_demand(
    words: tuple[str, ...], env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option adds the traceback above the same line; it belongs to no single command."""
    given: list[object] = []

    def broken(words: object) -> int:
        given.append(words)
        msg = "no code of the user's"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(commands, "run", broken)
    done = fwdrev(*words, env=env)
    lines = done.stderr.splitlines()
    assert given == [["check", "--against", "HEAD"]]
    assert (done.returncode, lines[0]) == (5, "Traceback (most recent call last):")
    assert lines[-2] == "ZeroDivisionError: no code of the user's"
    assert lines[-1].startswith("fwdrev: internal error: ")


@pytest.mark.parametrize("package", ["typer", "numpy", "pydantic"])
@report("gungraun/gungraun#362")
def test_a_broken_package_is_no_regression(package: str, tmp_path: Path) -> None:
    """Python itself would exit with 1 after a failed import."""
    (tmp_path / f"{package}.py").write_text("raise ImportError('half installed')\n", encoding="utf-8")
    line = [sys.executable, "-m", "fwdrev", "explain"]
    env = environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(line, capture_output=True, text=True, check=False, env=env, timeout=120)
    assert (done.returncode, done.stderr.count("\n")) == (5, 1), done.stderr
    assert "internal error: ImportError: half installed" in done.stderr


@report("boto/botocore#2822")
def test_another_packages_warning_decides_nothing() -> None:
    """PYTHONWARNINGS is meant for the user's own tests."""
    env = environment(PYTHONWARNINGS="error:a package is old")
    done = subprocess.run(command("warned"), capture_output=True, text=True, check=False, env=env, timeout=120)
    assert done.returncode == 1
    assert "DeprecationWarning: a package is old" in done.stderr


@report(OURS)
def test_completion_of_a_shell_is_not_asked_for() -> None:
    """typer's own start would answer this variable with exit code 1."""
    env = environment(_FWDREV_COMPLETE="bash_source")
    done = subprocess.run(command("unchanged"), capture_output=True, check=False, env=env, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
