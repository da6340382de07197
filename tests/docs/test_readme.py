"""The README is one page with working links, and the commands on the page of commands measure as it says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = README) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def test_it_is_one_page() -> None:
    """A newcomer reads it in a few minutes."""
    assert README.count("\n") <= 120
    assert len(README.encode()) <= 8_000


@pytest.mark.long
def test_commands_run(tmp_path: Path) -> None:
    """Each runs as printed, with real measurements, in order, in an empty folder; `make demo` runs the demo's sweep."""
    lines = [line.split("  #")[0] for line in blocks("sh", COMMANDS)[0].splitlines()]
    commands = [shlex.split(line) for line in lines if line != "fwdrev sweep --quick"]
    assert len(commands) == 14
    for command in commands:
        assert command[0] == "fwdrev"
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)h][^)]*)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    """Links within the repository lead to files, with an existing heading after #."""
    file, _, anchor = path.partition("#")
    assert (ROOT / file).exists()
    headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
    assert not anchor or anchor in {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
