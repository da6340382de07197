"""Writes files whole or not at all, whatever the disk or a signal does in between.

All functions raise only OSError. The content goes to `.fwdrev-….part` beside the file, is synced and renamed over it;
only a kill leaves that name behind. A file keeps its mode and, if possible, its owner; a link leads to its target;
another hard link keeps the old content. A device or pipe, such as `/dev/stdout`, is written straight, and so is a file
in a folder that is read-only: there a kill can leave half of it.
"""

import errno
import os
import re
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
"""Errors of a file system without fsync."""

_NOT_BESIDE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV}
"""No file can be made beside the target or renamed over it, as with a mounted single file."""

_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES}

_STREAM = re.compile(r"/dev/(?P<name>stdout|stderr)|/(?:dev|proc/self)/fd/(?P<number>\d{1,9})")


def write_whole(path: Path, content: str | bytes, *, new: bool = False) -> None:
    """Writes text as UTF-8, with `?` for letters that it cannot encode. With `new`, an existing file is left alone."""
    data = content if isinstance(content, bytes) else content.encode(errors="replace")
    with _named(path):
        there = status(path)
        if there is not None and _is_stream(path, there):
            _write_straight(path, there, data)
        elif new and (there is not None or path.is_symlink()):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        elif there is not None and _descriptor(path, there) is not None:
            _write_straight(path, there, data)
        else:
            _replace(Path(os.path.realpath(path)), there, data, new=new)


def append_whole(path: Path, text: str) -> None:
    """Appends text as UTF-8; makes the file if needed, and leaves it unchanged if writing fails."""
    with _named(path):
        there = status(path)
        with _opened(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT) as descriptor, ExitStack() as unless_done:
            if there is None or stat.S_ISREG(there.st_mode):
                unless_done.callback(os.ftruncate, descriptor, 0 if there is None else there.st_size)
            _write(descriptor, text.encode(errors="replace"))
            _sync(descriptor)
            unless_done.pop_all()


def status(path: Path) -> os.stat_result | None:
    """The status of the file that `path` leads to, None if there is none; raises OSError if that is unknown.

    Path.exists raises, or says no, for different names in different versions of Python.
    """
    with _named(path):
        try:
            return path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None


def obstacle(path: Path) -> str:
    """The reason why the file cannot be written, found without touching it; empty if there is none."""
    try:
        there = status(path)
        if there is not None and stat.S_ISDIR(there.st_mode):
            return "it is a folder"
        place = path if there is not None else Path(os.path.realpath(path)).parent
        if there is None and not place.is_dir():
            return f"{place if path.is_symlink() else path.parent} is no folder"
        if os.access(place, os.W_OK if there is not None else os.W_OK | os.X_OK):
            return ""
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return "the file system is read-only"
    except OSError as error:
        return str(error.strerror)
    return "there is no permission"


def taken(path: Path) -> bool:
    """Whether the path is taken: by a file, or by a link that leads nowhere. Raises OSError like `status`."""
    there = status(path)
    return path.is_symlink() if there is None else not _is_stream(path, there)


def _is_stream(path: Path, there: os.stat_result) -> bool:
    """A device, a pipe, or what `/dev/stdout` leads to: it is always there, and nothing is lost by writing to it."""
    return bool(_STREAM.fullmatch(str(path))) or not stat.S_ISREG(there.st_mode)


def _replace(path: Path, there: os.stat_result | None, data: bytes, *, new: bool) -> None:
    """Writes by a file beside the target, or in place where there can be none."""
    beside = path.with_name(f".fwdrev-{secrets.token_hex(8)}.part")
    try:
        _write_new(beside, there, data)
        if new:
            _rename_to_new(beside, path)
        else:
            beside.replace(path)
    except OSError as error:
        if there is None or error.errno not in _NOT_BESIDE or not os.access(path, os.R_OK | os.W_OK):
            raise
        _overwrite(path, data)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _write_new(path: Path, like: os.stat_result | None, data: bytes) -> None:
    """Writes and syncs the content, with the owner and the mode of another file, if given."""
    with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as descriptor:
        if like is not None:
            with suppress(OSError):  # only root may give files away
                os.fchown(descriptor, like.st_uid, like.st_gid)
            with suppress(OSError):  # some file systems have no modes
                os.fchmod(descriptor, stat.S_IMODE(like.st_mode))
        _write(descriptor, data)
        _sync(descriptor)


def _rename_to_new(made: Path, path: Path) -> None:
    """Puts the part in place by a hard link: a rename could replace a file that appeared meanwhile."""
    try:
        os.link(made, path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        if status(path) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        made.rename(path)


def _overwrite(path: Path, data: bytes) -> None:
    """Writes in place; restores the old content if the new one cannot be written."""
    old = path.read_bytes()
    with _opened(path, os.O_WRONLY) as descriptor, ExitStack() as unless_done:
        unless_done.callback(_fill, descriptor, old)
        _fill(descriptor, data)
        _sync(descriptor)
        unless_done.pop_all()


def _write_straight(path: Path, there: os.stat_result, data: bytes) -> None:
    """Writes to a non-regular file, or to one already open, after its present content."""
    if stat.S_ISDIR(there.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    already = _descriptor(path, there)
    if already is None:
        with _opened(path, os.O_WRONLY) as descriptor:
            _write(descriptor, data)
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    _write(already, data)


def _descriptor(path: Path, there: os.stat_result) -> int | None:
    """Our own descriptor, if the file is our output: later output must not go to a renamed-over file."""
    named = _STREAM.fullmatch(str(path))
    number = named and named["number"]
    for descriptor in [int(number)] if number else [1, 2]:
        with suppress(OSError):
            if os.path.samestat(os.fstat(descriptor), there):
                return descriptor
    return None


def _fill(descriptor: int, data: bytes) -> None:
    os.lseek(descriptor, 0, os.SEEK_SET)
    _write(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _write(descriptor: int, data: bytes) -> None:
    """Writes all data; a signal or a limit may cut a single write short."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


@contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    """Opens a descriptor; closing it is part of writing, since a network file system may refuse only then."""
    descriptor = os.open(path, flags, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Errors name this path and not the file beside it; a name that the system cannot take is one like any other."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(path), None
        raise
    except ValueError as error:  # a null character, or a letter that the locale cannot encode
        raise OSError(errno.EINVAL, f"no name of a file ({error})", str(path)) from None
