"""The command from outside: its streams, its signals, and how errors end: one line on standard error and an exit code.

Exit code 1 is a regression and nothing else. Python ends with it after any exception that is not caught: so everything
that may fail, importing the commands too, happens inside `main`.
"""

import os
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence

from fwdrev.cli.common.exit_codes import EXIT_INTERNAL, EXIT_INTERRUPTED, EXIT_NOTHING, EXIT_USAGE
from fwdrev.cli.common.streams import drop, secure, settle
from fwdrev.modes.errors import FwdrevError, NothingMeasuredError

_LONGEST = 600
"""Of an error's line: what was given may be of any length."""

_DEBUG, _DEBUG_VARIABLE = "--debug", "FWDREV_DEBUG"


class _Stopped(SystemExit):
    """By a signal, which is no `sys.exit` of code that we call."""


def main() -> None:
    """Run the command and exit."""
    try:
        secure()
        code = _code(sys.argv[1:])
        settle(say=code != EXIT_USAGE)  # which said so
    except KeyboardInterrupt:
        drop()
        code = EXIT_INTERRUPTED
    sys.exit(code)


def _code(arguments: Sequence[str]) -> int:
    """The exit code, after an error was told."""
    debug = _DEBUG in arguments or os.environ.get(_DEBUG_VARIABLE, "0") not in {"", "0"}
    try:
        _heed_signals()
        if any(action == "error" for action, *_ in warnings.filters):  # PYTHONWARNINGS is set for the user's own tests
            warnings.simplefilter("default")
        from fwdrev.cli.commands import run

        return run([word for word in arguments if word != _DEBUG])
    except _Stopped as stopped:
        return int(str(stopped.code))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, Python would end with 1
        if debug:
            traceback.print_exception(error)
        code, text = _told(error)
        print(f"fwdrev: {text}", file=sys.stderr, flush=True)
        return code


def _heed_signals() -> None:
    """End in order, with 128 + the signal's number; `nohup` has its way."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _: object) -> None:
    raise _Stopped(128 + number)


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code, and the line: what we refuse, what the system refuses, what should not happen."""
    if isinstance(error, FwdrevError):
        return EXIT_NOTHING if isinstance(error, NothingMeasuredError) else EXIT_USAGE, _line(str(error))
    if isinstance(error, OSError) and error.errno is not None:
        where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        return EXIT_USAGE, _line(f"{where}{error.strerror}")
    what = _line("".join(traceback.format_exception_only(error)))
    return EXIT_INTERNAL, f"internal error: {what}; please report it with what the same command prints with {_DEBUG}"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"
