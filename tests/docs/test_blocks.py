"""Every block of the README and of the docs with code, a command or an output does what the page says.

A line that cannot run in a test is in `NOT_RUN`; the command line is parsed all the same.
"""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from fwdrev.modes.errors import InputError
from tests.command import fwdrev
from tests.docs.blocks import PAGES, ROOT, Block
from tests.docs.page_runner import USAGE_ERROR, Page
from tests.docs.recipes import add_rows
from tests.doubles.instant import instant
from tests.project import commit, make_project

NOT_RUN = {
    r"--cluster|^(dask|srun) ": "needs a cluster; tests/cli/test_cluster.py has one",
    r"^(make|git|pip|pyperf) ": "another program, which installs, fetches, or runs all of the tests",
    r"benchmarks/": "measures for minutes up to an hour, on a machine with nothing else to do",
    r"^fwdrev calibrate": "takes a minute of the processor",
    r"-sharded": "needs several devices; tests/modes/engines/test_jax_sharded.py has four",
    r"--torch": "needs a library that is not everywhere",
    r"--watch": "serves until Ctrl-C",
    r"^python -m pytest|docs/import_graph.py": "runs in a clone to which a recipe has added its files",
}
"""Patterns of command lines that are only parsed, with the reason."""

SHORTER = {
    "gradient_descent.py": "gradient_descent.py --steps 9 --widths 4,5,6,7,8,9",
    "--runs 120 --delayed 40": "--runs 6 --delayed 3",
    "selftest --runs 20": "selftest --runs 4 --delayed 2",
}
"""Words of commands that are slow even without measuring, and quicker ones."""

LONG = {
    f"docs/{name}.md"
    for name in (
        "architecture",
        "commands",
        "gallery",
        "gate-your-function",
        "measurements",
        "reference/commands",
        "why-backwards",
    )
}
"""Pages whose commands take more than ten seconds of the processor: the short suite runs those that only count."""

MEASURING = r"^(?!fwdrev (explain|problems|engines|--version))"
"""Matches all other commands."""

OLD, NEW = "np.diff(x) ** 2", "np.diff(x) * np.diff(x)"
"""Code of base, and its replacement in head."""

MODEL = """
import jax.numpy as jnp

def residuals(p):
    t = jnp.linspace(0.0, 1.0, 1000)
    return p[0] * jnp.exp(-p[1] * t) + p[2]

def parameters():
    return jnp.ones(3)

def loss(p):
    return (residuals(p) ** 2).sum()

def encode(x):
    return jnp.tanh(x.reshape(4, -1).sum(axis=1))

def decode(h):
    return jnp.sin(jnp.outer(h, jnp.arange(200.0))).ravel()

def step(x):
    return 2 * jnp.tanh(x)

def start(n):
    return jnp.linspace(0.0, 1.0, n)

class Decay:
    def residuals(self, p, t):
        return p[0] * jnp.exp(-p[1] * t), None

decay = Decay()
"""
"""The functions in commands of the pages."""

MINE = f"""
import numpy as np

def step(x):
    return np.cumsum(np.sin(x))

def energy(x):
    return np.sum({OLD})

def start(n):
    return np.linspace(0.0, 1.0, n)
"""
"""The functions in commands of a gate."""

MESH = """
import numpy as np

def assemble(x):
    return np.outer(x, x)

def mesh(n):
    return np.linspace(0.0, 1.0, 100)
"""
"""The functions of a module in a folder of its own."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's project."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = make_project(tmp_path / "project", {"model.py": MODEL, "mymodule.py": MINE, "benchmarks/mesh.py": MESH})
    subprocess.run(["git", "-C", made, "branch", "--move", "main"], check=True)  # noqa: S607 - as installed
    np.savez(made / "point.npz", p=np.ones(3))
    np.savez(made / "data.npz", p=np.ones(3), t=np.ones(50))
    return made


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _sweep(run: str, folder: Path) -> None:
    """Makes a run that the page assumes."""
    with instant():
        assert not fwdrev("sweep", "--quick", "--out", run, cwd=folder).returncode


@pytest.mark.parametrize("path", [path for path in PAGES if _name(path) in LONG], ids=_name)
def test_commands_of_long_pages_parse(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `fwdrev` line is one that the command accepts, scripts and targets exist, and counts are those shown."""
    if path.name == "architecture.md":
        add_rows(monkeypatch)
    for run in set(re.findall(r'load\("(runs/[\w-]+)"\)', path.read_text(encoding="utf-8"))):
        _sweep(run, folder)
    page = Page(path, folder, [*NOT_RUN, MEASURING], {})
    page.run()
    assert len(page.parsed) > 4


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.long] if _name(path) in LONG else [], id=_name(path)) for path in PAGES],
)
def test_a_page_does_what_it_shows(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page's blocks run in order, and each output matches word for word."""
    text = path.read_text(encoding="utf-8")
    for run in set(re.findall(r"\bruns/\w[\w-]*", text)) - set(re.findall(r"--out (runs/\w[\w-]*)", text)):
        _sweep(run, folder)
    if path.name == "architecture.md":
        add_rows(monkeypatch)

    def commit_and_change(block: Block) -> None:
        """Commits and then changes the project before the first command, as the page on the gate says."""
        file = folder / "mymodule.py"
        text = file.read_text(encoding="utf-8")
        if block.language == "sh" and OLD in text:
            commit(folder)
            file.write_text(text.replace(OLD, NEW), encoding="utf-8")

    Page(path, folder, list(NOT_RUN), SHORTER).run(commit_and_change)
    if path.name == "jacobian.md":
        assert not (folder.parent / "cache").exists(), "by default nothing is written"


SWEEP = "```sh\nfwdrev sweep --inputs 8,64 --outputs 2,64 --engines forward,reverse --rounds 3 --out runs/x\n```\n\n"
COUNTS = "```sh\nfwdrev explain --inputs 8 --outputs 2\n```\n\n"

RIGHT = (
    SWEEP + "```text\nforward and reverse break even at m* outputs (95% interval):\n…\nmeasured: runs/x\n…\n```",
    COUNTS + "```text\n…\nreverse needs 32 % fewer multiply–adds than forward; no other brackets need fewer.\n```",
    "```python\nprint(6 * 7)  # prints 42\n```",
)
WRONG = (
    SWEEP + "```text\nforward and reverse break even at m* outputs (95% intervals):\n```",
    SWEEP + "```text\nended:    all 3 rounds of 4 cells are measured\n```",
    SWEEP + "## Another section\n\n```text\nmeasured: runs/x\n```",
    COUNTS + "```text\nreverse needs 33 % fewer multiply–adds than forward; no other brackets need fewer.\n```",
    "```console\n$ fwdrev engines\nforwards\n```",
    "```sh\nfwdrev sweep --inputs 8 --roundz 3\n```",
    "```sh\nfwdrev crossover runs/none\n```",
    "```sh\npython benchmarks/nowhere.py\n```",
    "```sh\nmake nothing\n```",
    "```sh\nrm -r runs\n```",
    "```python\nprint(6 * 7)  # prints 43\n```",
    "```python\nprint(6 * 7)\n```\n\n```text\n43\n```",
    "```python\nassert False\n```",
    "```toml\n[tool.fwdrev]\nfunction = 3\n```",
    "```toml\nroundz = 3\n```",
    "```yaml\nsteps:\n  - uses: OWNER/fwdrev@COMMIT\n    with: {comments: true}\n```",
    "```text\nmeasured: runs/x\n```",
    "```julia\n1 + 1\n```",
)


def _run_page(text: str, folder: Path) -> None:
    (folder / "page.md").write_text(text, encoding="utf-8")
    Page(folder / "page.md", folder, list(NOT_RUN), SHORTER).run()


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_page_passes(text: str, folder: Path) -> None:
    """Numbers are compared unless they were measured."""
    _run_page(text, folder)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_page_fails(text: str, folder: Path) -> None:
    """A word, an option, a name, a setting or a value may be wrong, or an output have no source."""
    with pytest.raises((AssertionError, pytest.fail.Exception, USAGE_ERROR, InputError)):
        _run_page(text, folder)
