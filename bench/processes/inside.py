"""The first steps of a child process: it answers only the command, and ends when the command ends."""

import os
import signal
import threading
from typing import TextIO

ALIVE = "FWDREV_ALIVE"
"""The variable with the number of a pipe that the command keeps open while it lives."""


def own_streams() -> tuple[TextIO, TextIO]:
    """Takes the pipes of commands and answers for itself; nothing else in this process can use them afterwards.

    Measured code finds standard input at its end, since a debugger would wait there or take our lines; what it
    prints goes to standard error.
    """
    commands, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return commands, answers


def end_with_command() -> None:
    """End this process, and its children, as soon as the command is gone, however that ended.

    Does nothing where no command has started this process.
    """
    alive = os.environ.pop(ALIVE, None)
    if alive is not None:
        threading.Thread(target=_end_after, args=(int(alive),), daemon=True).start()


def _end_after(alive: int) -> None:
    """Waits until the pipe closes, which costs nothing; kills the whole group if this process leads one."""
    os.read(alive, 1)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
