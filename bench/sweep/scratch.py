"""The scratch folder of a sweep: compiled programs, references and ledgers, shared by its rounds, then removed.

It is inside the run, so that `--resume` finds and removes the one that a killed sweep left behind.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwdrev.bench.records.reasons import needed


@contextmanager
def scratch_folder(run: Path) -> Iterator[Path]:
    """Makes an empty `RUN/scratch`; raises SurroundingsError if it cannot."""
    folder = run.absolute() / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    with needed(f"make {folder}"):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
