"""What matplotlib needs before it is imported by a command, and what it says then that is no answer of ours."""

import atexit
import importlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fwdrev.modes.errors import InputError

_PLACE = "MPLCONFIGDIR"


def prepare_drawing() -> None:
    """Raises InputError where matplotlib finds no folder to write to, which it cannot do without.

    It warns of each folder that it could not use, and of fonts that it looks for then: nothing is wrong with the
    figures. Versions before 3.11 fail for a user without a home, as containers have.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if not os.environ.get(_PLACE) and not _has_home():
        with suppress(OSError):  # matplotlib says what to do
            place = tempfile.mkdtemp(prefix="matplotlib-")
            os.environ[_PLACE] = place
            atexit.register(shutil.rmtree, place, ignore_errors=True)
    try:
        importlib.import_module("matplotlib")  # here it looks for its folder
    except OSError as error:
        raise InputError(str(error)) from None


@contextmanager
def drawing() -> Iterator[Callable[[str], None]]:
    """Yields a function that shows on a terminal which file is drawn now; elsewhere nothing is shown."""
    from rich.console import Console
    from rich.markup import escape

    from fwdrev.bench.sweep.progress import can_redraw

    console = Console(stderr=True)
    if not can_redraw(console):
        yield lambda _: None
        return
    with console.status("drawing") as status:
        yield lambda name: status.update(f"drawing {escape(name)}")


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:
        return False
    return True
