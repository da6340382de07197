"""Runs the command in tests: in this process, which is quick, or as a process where the test needs a real one.

done = fwdrev("crossover", folder, "--json")        # here: exit code, standard output, standard error
done = started("sweep", "--quick", cwd=tmp_path)    # a process: its streams, its signals, its environment
"""

import contextlib
import io
import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from fwdrev.cli import app

__all__ = ["TINY", "expect_one_line", "fwdrev", "largest_file", "modules_kept", "started"]

TINY = ("sweep", "--inputs=8,32", "--outputs=2,16", "--engines=forward,reverse", "--rounds=3", "--blocks=3")
"""A sweep of four cells with NumPy engines only."""

_PACKAGES = Path(pytest.__file__).parents[1]


def fwdrev(*arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """Calls the command in this process; forgets the user's modules that it imported.

    Use `started` for closed streams, signals, locales, limits, entry points, and checks of what was imported.
    """
    words = [*map(str, arguments)]
    shown, err = io.BytesIO(), io.StringIO()  # exports write bytes
    out = io.TextIOWrapper(shown, encoding="utf-8", errors="backslashreplace", write_through=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        modules_kept(),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        warnings.resetwarnings()
        patch.setattr(app, "_heed_signals", lambda: None)  # a signal that ends pytest must not end the command only
        patch.chdir(cwd or Path.cwd())
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["fwdrev", *words])
        patch.setattr(sys, "path", ["", *sys.path])  # as with `python -m`
        with pytest.raises(SystemExit) as ended:
            app.main()
    code, answer = ended.value.code, shown.getvalue().decode()
    return CompletedProcess(words, code if isinstance(code, int) else int(bool(code)), answer, err.getvalue())


def started(
    *arguments: object, cwd: Path | None = None, env: Mapping[str, str] | None = None, timeout: float = 120
) -> CompletedProcess[str]:
    """Starts the command as a process; `env` is added to this environment."""
    command = [sys.executable, "-m", "fwdrev", *map(str, arguments)]
    surroundings = os.environ | (env or {})
    return subprocess.run(
        command, cwd=cwd, env=surroundings, capture_output=True, text=True, check=False, timeout=timeout
    )


def expect_one_line(done: CompletedProcess[str], code: int, part: str) -> None:
    """Expects this exit code, no output, and a single line on standard error that contains this text."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert part in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limits the size of each file to this many bytes, as `ulimit -f` does, to imitate a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def modules_kept() -> Iterator[None]:
    """Forgets modules imported meanwhile, except installed packages and this repository."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file is not None and not _is_ours(Path(file)):
                del sys.modules[name]


def _is_ours(file: Path) -> bool:
    return any(file.is_relative_to(home) for home in (_PACKAGES, sys.base_prefix, Path(__file__).parents[1]))
