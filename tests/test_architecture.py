"""The shape of the house: imports go round nowhere, folders and files stay small, and the picture of them is true."""

import importlib.util
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FULL = {Path("modes/problems"): 20}
"""Of Python files in a folder; in any other 16."""
LONG = {Path("bench/revisions/side.py")}
"""With more than 280 lines: all of ours that runs in the other revision."""


@pytest.fixture(scope="module")
def graph() -> ModuleType:
    """The script that draws the picture."""
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
    """Not even one inside a function; what only a type checker imports does not count."""
    imports = graph.imports()
    assert sum(map(len, imports.values())) > 1000, "the scan sees the imports"
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_folders_are_small() -> None:
    """At most 16 Python files in each."""
    folders = [path.parent for path in _files()]
    full = {folder: folders.count(folder) for folder in set(folders)}
    assert {folder: count for folder, count in full.items() if count > FULL.get(folder, 16)} == {}


def test_files_are_short() -> None:
    """At most 280 lines in each."""
    lines = {path: (ROOT / path).read_text(encoding="utf-8").count("\n") for path in _files()}
    assert {path: count for path, count in lines.items() if count > 280 and path not in LONG} == {}


def test_the_picture_is_that_of_the_code(graph: ModuleType) -> None:
    """Else `python docs/import_graph.py` draws it anew."""
    assert graph.PICTURE.read_text(encoding="utf-8") == graph.drawing()
