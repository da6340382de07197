"""The scratch folder of a sweep: compiled programs, references and ledgers, shared by its rounds and gone with it.

It is inside the run, so that one which a killed sweep left behind is found and removed when the run is resumed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwdrev.bench.records.reasons import needed


@contextmanager
def scratch_folder(run: Path) -> Iterator[Path]:
    """`RUN/scratch`, empty; raises SurroundingsError where it cannot be made."""
    folder = run.absolute() / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    with needed(f"make {folder}"):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
