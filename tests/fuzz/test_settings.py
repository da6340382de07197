"""Whatever a pyproject.toml holds, the gate finds valid settings, none, or a fault, which one line reports."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import event, given, strategies as st

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.cli.gate.project_settings import project_settings
from fwdrev.modes.errors import InputError
from tests.fuzz import samples
from tests.fuzz.guarded import examples, guarded
from tests.fuzz.strategies import damaged, nonsense, tables

_HEADERS = st.sampled_from(
    ["[tool.fwdrev]\n"] * 9 + ["", "[tool]\n", "[[tool.fwdrev]]\n", "[project]\n[tool.fwdrev]\n"]
)

_TABLES = st.builds("{}{}".format, _HEADERS, tables(samples.SETTINGS, samples.SETTING_VALUES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the file of an example, which is written anew for each."""
    return tmp_path_factory.mktemp("fuzz")


@examples(0.2)
@given(
    data=st.one_of(_TABLES.map(str.encode), _TABLES.map(str.encode), damaged(_TABLES), nonsense()),
    inside=st.sampled_from(["", "a", "a/b"]),
)
def test_settings(folder: Path, data: bytes, inside: str) -> None:
    """The file lies in the current folder, or above it."""
    (folder / "pyproject.toml").write_bytes(data)
    here = folder / inside
    here.mkdir(parents=True, exist_ok=True)
    with guarded(), contextlib.chdir(here):
        try:
            found = project_settings(here)
        except InputError as error:
            event("refused")
            line = str(error)
            line.encode()
            assert len(line.splitlines()) == 1
            assert line.startswith(str(Path(*[".."] * len(Path(inside).parts), "pyproject.toml")))
            assert len(line) < 1000
            return
        event("none" if found is None else "settings")
        if found is not None and found.functions is not None:
            assert gate_spec({}, found.functions).engines == found.functions
            assert len(found.points_of(found.functions)) in {0, 1, len(found.functions)}
