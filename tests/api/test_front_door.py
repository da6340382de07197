"""The front door: the listed names are the public ones, and importing it is light."""

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fwdrev


def test_every_public_name_is_there() -> None:
    """Nothing else is promised."""
    for name in dir(fwdrev):
        assert getattr(fwdrev, name) is not None
    assert {"engine", "problem", "load"} < set(dir(fwdrev))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """Any module does so."""
    with pytest.raises(AttributeError, match="No fwdrev attribute advice"):
        _ = fwdrev.advice  # type: ignore[attr-defined]


@pytest.mark.parametrize("package", ["modes", "bench", "results", "plots"])
def test_packages_list_what_they_export(package: str) -> None:
    """`__all__` is sorted, complete, and exists."""
    module = importlib.import_module(f"fwdrev.{package}")
    assert module.__all__ == sorted(module.__all__)
    assert all(getattr(module, name) is not None for name in module.__all__)


HELP = """
import sys
from fwdrev.cli.app import main
for words in (["--help"], ["sweep", "--help"], ["explain", "--help"], ["--version"]):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        assert ended.code == 0
"""


def test_help_is_light() -> None:
    """`fwdrev --help` and `import fwdrev` load none of the heavy libraries."""
    heavy = {"jax", "numpy", "pandas", "matplotlib", "scipy", "pyperf"}
    command = [sys.executable, "-X", "importtime", "-c", HELP]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in loaded
    assert not heavy & loaded
    assert done.stdout.count("Usage:") == 3


def test_a_checkout_without_symbolic_links_says_what_to_do(tmp_path: Path) -> None:
    """Git then writes them as files that contain the target."""
    copied = tmp_path / "fwdrev"
    copied.mkdir()
    for file in Path(fwdrev.__file__).parent.glob("__init__.py*"):
        shutil.copy(file, copied)
    for package in ("modes", "bench", "results", "plots"):
        (copied / package).write_text(f"../{package}")
    command = [sys.executable, "-S", "-c", "import fwdrev"]  # without the links of an editable install
    env = os.environ | {"PYTHONPATH": str(Path(str(importlib.import_module("lazy_loader").__file__)).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    *_, last = done.stderr.splitlines()
    assert last.startswith("ImportError: ")
    assert "git clone -c core.symlinks=true" in last
