"""The shape of the code: imports form no cycle, folders and files stay small, and the import graph is up to date."""

import importlib.util
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FULL = {Path("modes/problems"): 20}
"""Folders that may hold more than 16 Python files, with their limits."""
LONG = {Path("bench/revisions/side.py")}
"""Files that may exceed 280 lines: this one is all of fwdrev that runs in the other revision."""


@pytest.fixture(scope="module")
def graph() -> ModuleType:
    """Loads the script that draws the picture."""
    spec = importlib.util.spec_from_file_location("import_graph", ROOT / "docs" / "import_graph.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def _files() -> Iterator[Path]:
    for package in ("fwdrev", "modes", "bench", "results", "plots"):
        yield from (path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py"))


def test_no_import_goes_round(graph: ModuleType) -> None:
    """Imports inside functions count too; imports for type checkers do not."""
    imports = graph.imports()
    assert sum(map(len, imports.values())) > 1000, "the scan sees the imports"
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_folders_are_small() -> None:
    """A folder holds at most 16 Python files."""
    folders = [path.parent for path in _files()]
    full = {folder: folders.count(folder) for folder in set(folders)}
    assert {folder: count for folder, count in full.items() if count > FULL.get(folder, 16)} == {}


def test_files_are_short() -> None:
    """A file has at most 280 lines."""
    lines = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in _files()}
    assert {path: count for path, count in lines.items() if count > 280 and path not in LONG} == {}


def test_the_picture_is_that_of_the_code(graph: ModuleType) -> None:
    """The picture matches the imports; otherwise `python docs/import_graph.py` redraws it."""
    assert graph.PICTURE.read_text(encoding="utf-8") == graph.drawing()
