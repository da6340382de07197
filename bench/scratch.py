"""The scratch folder of a sweep: compiled programs and references, shared by its rounds and gone with it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fwdrev.modes.errors import InputError

__all__ = ["scratch_folder"]


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A temporary folder; raises InputError where none can be made."""
    try:
        made = tempfile.TemporaryDirectory(prefix="fwdrev-", ignore_cleanup_errors=True)
    except OSError as error:
        msg = f"cannot make a temporary folder: {error.strerror}; set TMPDIR to a folder that can be written"
        raise InputError(msg) from None
    with made as name:
        yield Path(name)
