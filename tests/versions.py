"""Runs the short suite with the newest and the lowest versions of what fwdrev needs, on each Python that is here.

    python -m tests.versions [NAME …]             such as newest-3.13 or lowest-3.11; all of them by default

An environment lives beside the other one, in `.venv-NAME`, and is made anew when its constraints change. Two run at a
time, each on one core; a log of each is in `build/versions`. Ends with 1 where a test fails, or where no Python is new
enough for the newest versions.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from tests.short_suite import SHORT

__all__ = ["Environment", "environments", "main", "pythons"]

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "versions"

OLDEST, NEWEST = (3, 11), (3, 20)
"""Of Python: what fwdrev needs, and where to stop looking."""

FOR_NEWEST = (3, 12)
"""The newest JAX needs it."""

JOBS = 2
LINES = 60
"""Of a log that are shown when something fails."""

_PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2])"
_JAX = "from importlib.metadata import version; print(version('jax'))"

_editable = Lock()
"""Two at a time would both write `fwdrev.egg-info`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Of versions ("newest" or "lowest") for a Python; `extras`: what is installed of fwdrev beside the rest."""

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
        """Where it is installed."""
        return ROOT / f".venv-{self.name}"

    @property
    def interpreter(self) -> Path:
        """Its own Python."""
        return self.folder / "bin" / "python"

    def install(self) -> None:
        """Unless the same is installed already."""
        constraints = ROOT / f"constraints-{self.versions}.txt"
        wanted = "\n".join([self.python, self.extras, (ROOT / "pyproject.toml").read_text(), constraints.read_text()])
        stamp = self.folder / "installed"
        if stamp.exists() and stamp.read_text() == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._run(self.python, "-m", "venv", self.folder)
        pip = (self.interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        self._run(*pip, "--requirement", constraints)
        with _editable:
            self._run(*pip, "--constraint", constraints, "--editable", f".[{self.extras}]")
        stamp.write_text(wanted)

    def test(self) -> int:
        """The short suite; returns its exit code."""
        options = ["-q", "-p", "no:cacheprovider", *self.options, *SHORT]
        return self._run(self.interpreter, "-m", "pytest", *options, check=False)

    def told(self, code: int) -> str:
        """How it went, in a line; the end of the log before it where it went wrong."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        jax = subprocess.run([self.interpreter, "-c", _JAX], capture_output=True, text=True, check=False).stdout.strip()
        shown = lines[-LINES:] if code else lines[-1:]
        return "\n".join([*shown[:-1], f"{self.name}, jax {jax or 'not installed'}: {shown[-1] if shown else code}"])

    @property
    def _log(self) -> Path:
        return LOGS / f"{self.name}.log"

    def _run(self, *command: object, check: bool = True) -> int:
        """With all that it prints in the log."""
        with self._log.open("ab") as log:
            words = list(map(str, command))
            return subprocess.run(words, cwd=ROOT, stdout=log, stderr=log, check=check).returncode


def pythons() -> dict[tuple[int, int], str]:
    """An interpreter of each minor version that can make environments, the lowest version first."""
    found: dict[tuple[int, int], str] = {}
    for path in _candidates():
        try:
            done = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, check=True, timeout=60)
        except (OSError, subprocess.SubprocessError):  # a shim of a version that is not chosen, or no venv module
            continue
        major, minor = map(int, done.stdout.split())
        if (major, minor) >= OLDEST:
            found.setdefault((major, minor), path)
    return dict(sorted(found.items()))


def environments(found: dict[tuple[int, int], str]) -> list[Environment]:
    """The newest versions on the newest Python, the lowest on the lowest one, then the newest on those between."""
    newest = [
        Environment(versions="newest", minor=minor, python=path, extras="sparse,test")
        for minor, path in found.items()
        if minor >= FOR_NEWEST
    ]
    lowest = [
        # what old releases call is deprecated by newer ones of what they need: none of our business
        Environment(
            versions="lowest", minor=minor, python=path, extras="test", options=("-W", "ignore::DeprecationWarning")
        )
        for minor, path in list(found.items())[:1]
    ]
    return [*newest[-1:], *lowest, *newest[:-1]]


def main(names: Sequence[str]) -> int:
    """The exit code."""
    wanted = [each for each in environments(pythons()) if not names or each.name in names]
    if not names and not any(each.versions == "newest" for each in wanted):
        _say(
            f"the newest versions need Python {FOR_NEWEST[0]}.{FOR_NEWEST[1]} or newer, which is not here: install one"
        )
        return 1
    if len(wanted) < len(names):
        _say(f"{', '.join(names)}: give names among {', '.join(each.name for each in environments(pythons()))}")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(JOBS) as pool:
        codes = list(pool.map(_tested, wanted))
    return 1 if any(codes) else 0


def _tested(environment: Environment) -> int:
    environment._log.write_bytes(b"")
    try:
        environment.install()
        code = environment.test()
    except subprocess.CalledProcessError as error:
        code = error.returncode
    _say(environment.told(code))
    return code


def _candidates() -> Iterator[str]:
    """Of this environment, in PATH, and of pyenv."""
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
