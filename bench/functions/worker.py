"""The process in which a user's function runs: it reads commands line by line, and answers each line.

It may hang or die of what the function does; the lines in between say at which arm it was. What the function prints
goes to standard error.
"""

import gc
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fwdrev.bench.processes.inside import end_with_command, own_streams

__all__ = ["main"]

Answer = dict[str, Any]


def main() -> None:
    """Answer each line of standard input."""
    commands, out = own_streams()
    end_with_command()
    sys.path.append(str(Path.cwd()))
    worker = _Worker(lambda answer: print(json.dumps(answer), file=out, flush=True))
    actions: Mapping[str, Callable[..., Answer]] = {
        "start": worker.start,
        "load": worker.load,
        "count": worker.count,
        "prepare": worker.prepare,
        "round": worker.round,
    }
    for line in commands:
        command = json.loads(line)
        worker.tell(_tried(actions[command.pop("do")], command))


class _Worker:
    """What is kept from one command to the next."""

    def __init__(self, tell: Callable[[Answer], None]) -> None:
        """Nothing is imported yet."""
        self.tell = tell
        self.trials: Any = None

    def start(self) -> Answer:
        """Import our own libraries."""
        import jax

        import fwdrev.bench.functions.in_process

        jax.devices()
        return {"loaded": fwdrev.bench.functions.in_process.__name__}

    def load(self, target: dict[str, Any], seconds: float) -> Answer:
        """Import the user's code, make the point, look at both."""
        from fwdrev.bench.functions.in_process import FunctionTrials
        from fwdrev.bench.functions.target import Target, functions_of, point_of
        from fwdrev.modes.functions.probe import probe_function
        from fwdrev.modes.functions.staged import composed
        from fwdrev.modes.functions.torch_function import probe_torch
        from fwdrev.modes.functions.torch_products import has_tensors

        asked = Target(**target)
        functions = functions_of(asked)
        stages = list(functions.values())
        function = stages[0] if len(stages) == 1 else composed(stages)
        point = point_of(asked, stages[0])
        look = probe_torch if has_tensors(point) else probe_function
        options: dict[str, Any] = {"argnums": asked.argnums, "has_aux": asked.has_aux, "vmap": asked.vmap}
        found = look(function, point, name=_name(functions), **options)
        named = functions if len(stages) > 1 else None
        self.trials = FunctionTrials(found, named, at=lambda arm: self.tell({"at": arm}), may_die=True)
        gc.freeze()
        return {"facts": asdict(self.trials.facts(seconds))}

    def count(self, arm: str, seconds: float, *, measured: bool) -> Answer:
        """What the counts of an arm let expect."""
        return {"expected": asdict(self.trials.count(arm, seconds, measured=measured))}

    def prepare(self, arm: str, held: dict[str, int], seconds: float) -> Answer:
        """Compile an arm and call it; `held`: bytes from which the size of a chunk follows, for arms with chunks."""
        self._offer(held)
        with _limited():
            return {"prepared": asdict(self.trials.prepare(arm, seconds))}

    def round(self, loops: dict[str, int], blocks: int, seed: int, held: dict[str, int]) -> Answer:
        """Time arms."""
        self._offer(held)
        with _limited():
            return {"values": self.trials.round(loops, blocks, seed)}

    def _offer(self, held: dict[str, int]) -> None:
        for arm, size in held.items():
            self.trials.offer(arm, size)


def _limited() -> Any:  # noqa: ANN401 - a context manager
    """No more memory than is free: the arm ends here, not another program of the user's."""
    import jax

    from fwdrev.bench.machine.memory import available_bytes, limited

    on_gpu = jax.default_backend() != "cpu"  # whose driver maps far more than it takes
    return limited(None if on_gpu else available_bytes())


def _tried(action: Callable[..., Answer], command: dict[str, Any]) -> Answer:
    from fwdrev.bench.records.reasons import one_line
    from fwdrev.bench.records.trials import LostArmError
    from fwdrev.modes.errors import FwdrevError, InputError

    try:
        return action(**command)
    except InputError as error:
        return {"refused": str(error)}
    except LostArmError as error:
        return {"failed": str(error), "late": error.late, "needs": error.needs}
    except FwdrevError as error:
        return {"failed": str(error)}
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        return {"failed": one_line(f"{type(error).__name__}: {error}")}


def _name(functions: Mapping[str, Any]) -> str:
    """Of the function that is advised on, as a line of code can name it."""
    return next(iter(functions)) if len(functions) == 1 else "f"


if __name__ == "__main__":
    main()
