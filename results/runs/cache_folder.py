"""The folder that keeps facts about a machine between runs."""

import errno
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The user's cache folder, which may not exist yet; raises OSError if there is neither a home nor XDG_CACHE_HOME.

    Containers may run as a user whom the system does not know.
    """
    try:
        folder = Path(platformdirs.user_cache_dir("fwdrev", appauthor=False))
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():  # older versions of platformdirs leave the `~`
        raise OSError(errno.ENOENT, "this user has no home folder")
    return folder
