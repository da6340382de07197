"""The pytest plugin is registered, and costs nothing unused."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import fwdrev.pytest_plugin

ROOT = Path(__file__).parents[2]


def test_the_entry_point_leads_to_it() -> None:
    """pyproject names it."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    (loaded,) = (EntryPoint(name, value, "pytest11").load() for name, value in points.items())
    assert loaded is fwdrev.pytest_plugin
    assert list(points) == ["fwdrev"], "the name by which pyproject keeps it out of our own tests"


def test_pytest_finds_it(tmp_path: Path) -> None:
    """pytest uses the entry points of pyproject alone, and shows the fixture with a line of help."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    info = tmp_path / "packages" / "fwdrev_here-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fwdrev-here\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("\n".join(["[pytest11]", *(f"{k} = {v}" for k, v in points.items())]))
    path = os.pathsep.join([str(info.parent), str(ROOT), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "--fixtures", "--rootdir", str(tmp_path)]
    env = os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert "fwdrev_gate -- " in done.stdout, done.stderr
    assert "Call it with f and g to assert that" in done.stdout


def test_unused_it_is_light(tmp_path: Path) -> None:
    """A run whose tests do not measure loads neither the libraries nor our own measuring."""
    (tmp_path / "conftest.py").write_text("import sys\ndef pytest_sessionfinish(): print('loaded:', *sys.modules)\n")
    (tmp_path / "test_it.py").write_text("def test(): pass\ndef test_speed(fwdrev_gate): fwdrev_gate(1)\n")
    command = [sys.executable, "-m", "pytest", "-s", "-p", "fwdrev.pytest_plugin", "--fwdrev-skip"]
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert "1 passed, 1 skipped" in done.stdout
    loaded = set(done.stdout.partition("loaded:")[2].split())
    assert "fwdrev.pytest_plugin" in loaded
    heavy = {"jax", "numpy", "pandas", "matplotlib", "scipy", "pyperf", "pydantic", "typer"}
    assert not (heavy | {"fwdrev.bench.timing.callables"}) & loaded
