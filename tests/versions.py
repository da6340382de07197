"""Runs the short suite with the newest and the lowest versions of fwdrev's dependencies, on the Pythons found here.

python -m tests.versions [NAME …]             such as newest-3.12; by default both ends, newest-3.13 and lowest-3.11
python -m tests.versions --whole [NAME …]     the suite of `make test` instead of the short one

Each environment lives in `.venv-NAME` and is made anew when its constraints change. Two run at a time, each on one
core; `build/versions` has their logs. Exits with 1 if a test fails, or if no Python is new enough for the newest
versions.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from tests.short_suite import SHORT

__all__ = ["Environment", "environments", "main", "pythons"]

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "versions"

OLDEST, NEWEST = (3, 11), (3, 20)
"""The range of Pythons to look for."""

FOR_NEWEST = (3, 12)
"""The Python that the newest JAX needs."""

WHOLE = "--whole"

JOBS = 2
LINES = 60
"""The last lines of a log to show after a failure."""

_PROBE = "import sys, venv; print(*sys.version_info[:2])"
_JAX = "from importlib.metadata import version; print(version('jax'))"

_editable = Lock()
"""Held while installing, since two would both write `fwdrev.egg-info`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A Python's environment with the newest or the lowest `versions`; `extras`: the extras of fwdrev to install."""

    versions: str
    minor: tuple[int, int]
    python: str
    extras: str
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Such as `newest-3.13`."""
        return f"{self.versions}-{self.minor[0]}.{self.minor[1]}"

    @property
    def folder(self) -> Path:
        """The folder of the environment."""
        return ROOT / f".venv-{self.name}"

    @property
    def interpreter(self) -> Path:
        """The environment's own Python."""
        return self.folder / "bin" / "python"

    def install(self) -> None:
        """Installs it, unless it is up to date."""
        constraints = ROOT / f"constraints-{self.versions}.txt"
        wanted = "\n".join([self.python, self.extras, (ROOT / "pyproject.toml").read_text(), constraints.read_text()])
        stamp = self.folder / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._run(self.python, "-m", "venv", "--without-pip", self.folder)
        pip = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", self.interpreter)
        self._run(*pip, "--requirement", constraints)
        with _editable:
            self._run(*pip, "--constraint", constraints, "--editable", f".[{self.extras}]")
        stamp.write_text(wanted)

    def test(self, *, whole: bool) -> int:
        """Runs the short suite, or the whole one; returns its exit code."""
        options = ["-q", "-p", "no:cacheprovider", *self.options, *(() if whole else SHORT)]
        return self._run(self.interpreter, "-m", "pytest", *options, check=False)

    def told(self, code: int) -> str:
        """The result in one line, preceded by the end of the log after a failure."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        jax = subprocess.run([self.interpreter, "-c", _JAX], capture_output=True, text=True, check=False).stdout.strip()
        shown = lines[-LINES:] if code else lines[-1:]
        return "\n".join([*shown[:-1], f"{self.name}, jax {jax or 'not installed'}: {shown[-1] if shown else code}"])

    @property
    def _log(self) -> Path:
        return LOGS / f"{self.name}.log"

    def _run(self, *command: object, check: bool = True) -> int:
        """Runs a command with its output in the log."""
        with self._log.open("ab") as log:
            words = list(map(str, command))
            return subprocess.run(words, cwd=ROOT, stdout=log, stderr=log, check=check).returncode


def pythons() -> dict[tuple[int, int], str]:
    """An interpreter for each minor version that can make environments, lowest version first."""
    found: dict[tuple[int, int], str] = {}
    for path in _candidates():
        try:
            done = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):  # a shim of an inactive version, or no venv module
            continue
        major, minor = map(int, done.stdout.split())
        if (major, minor) >= OLDEST:
            found.setdefault((major, minor), path)
    return dict(sorted(found.items()))


def environments(found: dict[tuple[int, int], str]) -> list[Environment]:
    """The newest versions on the newest Python, the lowest on the lowest, then the newest on those between."""
    newest = [
        Environment(versions="newest", minor=minor, python=path, extras="sparse,test")
        for minor, path in found.items()
        if minor >= FOR_NEWEST
    ]
    lowest = [
        # old releases call functions that newer dependencies deprecate, which is not our fault
        Environment(
            versions="lowest", minor=minor, python=path, extras="test", options=("-W", "ignore::DeprecationWarning")
        )
        for minor, path in list(found.items())[:1]
    ]
    return [*newest[-1:], *lowest, *newest[:-1]]


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    whole = WHOLE in arguments
    names = [name for name in arguments if name != WHOLE]
    known = environments(pythons())
    wanted = [each for each in known if each.name in names] if names else known[:2]
    if not names and not any(each.versions == "newest" for each in wanted):
        _say(
            f"the newest versions need Python {FOR_NEWEST[0]}.{FOR_NEWEST[1]} or newer, which is not here: install one"
        )
        return 1
    if len(wanted) < len(names):
        _say(f"{', '.join(names)}: give names among {', '.join(each.name for each in known)}")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(JOBS) as pool:
        codes = list(pool.map(partial(_tested, whole=whole), wanted))
    return 1 if any(codes) else 0


def _tested(environment: Environment, *, whole: bool) -> int:
    environment._log.write_bytes(b"")
    try:
        environment.install()
        code = environment.test(whole=whole)
    except subprocess.CalledProcessError as error:
        code = error.returncode
    _say(environment.told(code))
    return code


def _candidates() -> Iterator[str]:
    """The Pythons of this environment, in PATH, and of pyenv."""
    yield sys.executable
    names = ["python3", *(f"python{OLDEST[0]}.{minor}" for minor in range(OLDEST[1], NEWEST[1]))]
    yield from filter(None, map(shutil.which, names))
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        yield from map(str, sorted(Path(os.environ.get("PYENV_ROOT", root)).glob("versions/3.*/bin/python")))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
