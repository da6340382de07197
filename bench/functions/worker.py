"""The process that runs a user's function: reads commands line by line, and answers each line.

The function may make it hang or die; its ledger then names the arm. What the function prints goes to
standard error.
"""

import gc
import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from fwdrev.bench.processes.inside import end_with_command, own_streams

Answer = dict[str, Any]


def main() -> None:
    """Answer each line of standard input."""
    commands, out = own_streams()
    end_with_command()
    sys.path.append(str(Path.cwd()))
    worker = _Worker()
    for line in commands:
        command = json.loads(line)
        action: Callable[..., Answer] = getattr(worker, command.pop("do"))
        print(json.dumps(_tried(action, command)), file=out, flush=True)


class _Worker:
    """A method for each command, with the state that they share."""

    def __init__(self) -> None:
        """Imports nothing yet."""
        self.trials: Any = None
        self.ledger: Any = None

    def start(self) -> Answer:
        """Import our own libraries."""
        import jax

        import fwdrev.bench.functions.in_process

        jax.devices()
        return {"loaded": fwdrev.bench.functions.in_process.__name__}

    def load(self, target: dict[str, Any], seconds: float, ledger: str) -> Answer:
        """Import the user's code, make the point, probe both; the ledger is for the possible `arms`."""
        from fwdrev.bench.functions.in_process import FunctionTrials
        from fwdrev.bench.functions.point import point_of
        from fwdrev.bench.functions.target import Target, functions_of
        from fwdrev.bench.workers.ledger import Ledger
        from fwdrev.modes.functions.candidates import CHUNKED
        from fwdrev.modes.functions.probe import probe_function
        from fwdrev.modes.functions.staged import composed, composition
        from fwdrev.modes.functions.torch_function import probe_torch
        from fwdrev.modes.functions.torch_products import has_tensors

        asked = Target(**target)
        functions = functions_of(asked)
        stages = list(functions.values())
        function = stages[0] if len(stages) == 1 else composed(stages)
        point = point_of(asked, stages[0])
        look = probe_torch if has_tensors(point) else probe_function
        name = next(iter(functions)) if len(stages) == 1 else composition(list(functions), len(point))
        found = look(function, point, name=name, argnums=asked.argnums, has_aux=asked.has_aux, vmap=asked.vmap)
        named = functions if len(stages) > 1 else None
        self.trials = FunctionTrials(found, named, at=self.enter, may_die=True)
        facts = replace(self.trials.facts(seconds), title=asked.what)
        arms = list(dict.fromkeys([*facts.codes, *CHUNKED.values()]))
        self.ledger = Ledger(Path(ledger), arms)
        gc.freeze()
        return {"facts": asdict(facts), "arms": arms}

    def count(self, arm: str, seconds: float, *, measured: bool) -> Answer:
        """The predictions from counts for an arm."""
        return {"expected": asdict(self.trials.count(arm, seconds, measured=measured))}

    def prepare(self, arm: str, held: dict[str, int], seconds: float) -> Answer:
        """Compile an arm and call it; `held`: the bytes that decide the chunk size, for chunked arms."""
        self._offer(held)
        with _limited():
            return {"prepared": asdict(self.trials.prepare(arm, seconds))}

    def round(self, loops: dict[str, int], blocks: int, seed: int, held: dict[str, int]) -> Answer:
        """Time these arms in paired blocks."""
        self._offer(held)
        with _limited():
            return {"values": self.trials.round(loops, blocks, seed)}

    def enter(self, arm: str) -> None:
        """Note in the ledger that this arm comes next."""
        self.ledger.enter(arm)

    def _offer(self, held: dict[str, int]) -> None:
        for arm, size in held.items():
            self.trials.offer(arm, size)


def _limited() -> AbstractContextManager[None]:
    """Limit the memory to what is free, so that the arm fails and not another of the user's programs."""
    import jax

    from fwdrev.bench.machine.memory import available_bytes, limited

    on_gpu = jax.default_backend() != "cpu"  # a GPU driver maps far more than it uses
    return limited(None if on_gpu else available_bytes())


def _tried(action: Callable[..., Answer], command: dict[str, Any]) -> Answer:
    from fwdrev.bench.records.reasons import one_line
    from fwdrev.bench.records.trials import LostArmError
    from fwdrev.modes.errors import FwdrevError, InputError, Raised, attempt

    answer = attempt(partial(action, **command))
    if not isinstance(answer, Raised):
        return answer
    match answer.error:
        case InputError() as error:
            return {"refused": str(error)}
        case LostArmError() as error:
            return {"failed": str(error), "late": error.late, "needs": error.needs}
        case FwdrevError() as error:
            return {"failed": str(error)}
        case error:
            return {"failed": one_line(f"{type(error).__name__}: {error}")}


if __name__ == "__main__":
    main()
