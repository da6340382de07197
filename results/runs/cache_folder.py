"""The folder that keeps facts about a machine between runs."""

import errno
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The user's, which need not be there yet; raises OSError where there is neither a home nor XDG_CACHE_HOME.

    Containers run with numbers of users that no system knows.
    """
    try:
        folder = Path(platformdirs.user_cache_dir("fwdrev", appauthor=False))
    except RuntimeError:
        folder = Path()
    if not folder.is_absolute():  # as older platformdirs leave it, `~` and all
        raise OSError(errno.ENOENT, "this user has no home folder")
    return folder
