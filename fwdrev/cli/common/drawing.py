"""What matplotlib needs before it is imported by a command, and what it says then that is no answer of ours."""

import atexit
import importlib
import logging
import os
import shutil
import tempfile
from contextlib import suppress
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


def _has_home() -> bool:
    try:
        Path.home()
    except RuntimeError:
        return False
    return True
