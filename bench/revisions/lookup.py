"""Finds out, before anything is measured, which side lacks which arm.

    with revision("main") as sides:
        looked_up(spec, sides).lacking   # {"model:new": Lacking(side="base", reason="model has no function 'new'; …")}

An arm that neither side has is misspelt. One that exists and fails is left to the measurement, which reports it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fwdrev.bench.processes.side_process import ArmLostError
from fwdrev.bench.records.gate_spec import points_of
from fwdrev.bench.records.parsing import all_functions, names_function
from fwdrev.bench.records.reasons import one_line
from fwdrev.bench.records.sides import Lacking
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.bench.revisions.missing import hint
from fwdrev.bench.revisions.pair import Pair, started_pair
from fwdrev.modes.errors import InputError, UnavailableError

_LACKS, _UNAVAILABLE = "lacks", "unavailable"
"""The keys of a side's answer about an arm that it lacks, or cannot load here."""


def looked_up(spec: SweepSpec, sides: Sides, *, inputs: str | None = None) -> "LookedUp":
    """The arms that only one side lacks, and the parameters of functions. A function without its point is lacking, too.

    `inputs` as for `bench.revisions.rounds.against`. Raises InputError for an arm, or a point, that
    neither side has, UnavailableError if neither can load an engine here, and like `against`.
    """
    points = points_of(spec.engines, inputs)
    asked = dict.fromkeys([*spec.engines, *points.values()])
    light = spec.model_copy(update={"engines": []})  # they are only looked up, which needs no library
    takes: dict[str, bool] = {}
    with started_pair(light, sides) as pair:
        found = dict(_answers(asked, pair, takes))
    nowhere = {name: told for name, told in found.items() if all(told)}
    if nowhere:
        raise _nowhere(nowhere, sides)
    apart = {
        name: Lacking(side="base" if base else "head", reason=(base or head)[_LACKS])
        for name, (base, head) in found.items()
        if _LACKS in {*base, *head}
    }
    for name, point in points.items():
        if name not in apart and point in apart and takes.get(name):
            lack = apart[point]
            apart[name] = Lacking(side=lack.side, reason=f"its point {point}, {lack.reason}")
    return LookedUp(lacking={name: apart[name] for name in spec.engines if name in apart}, points=points, takes=takes)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp:
    """`lacking`: arms that only one side lacks; `takes`: whether a function, or a point, has parameters, if known."""

    lacking: Mapping[str, Lacking]
    points: Mapping[str, str]
    takes: Mapping[str, bool]

    def sized(self, spec: SweepSpec, *, asked: bool) -> SweepSpec:
        """The specification with its functions' sizes: 1 if no point takes a size; `asked`: the user gave sizes.

        Raises InputError for a function that takes an input and has no point, and for sizes that have no meaning.
        """
        functions = [name for name in spec.engines if names_function(name)]
        bare = [name for name in functions if self.takes.get(name) and name not in self.points]
        if bare:
            raise InputError(
                f"{', '.join(bare)}: no input to call it with: give --point MODULE:FUNCTION, a function that "
                "returns it, of the size, as in `def start(n): return numpy.linspace(0, 1, n)`, or of nothing"
            )
        sizeless = [name for name in functions if not self._has_sizes(name)]
        if sizeless and asked and (len(spec.inputs) > 1 or len(sizeless) == len(functions)):
            msg = (
                f"--sizes {','.join(map(str, spec.inputs))}: {', '.join(sizeless)} has none, as its point takes no size"
            )
            raise InputError(f"{msg}: leave the sizes out, or measure it apart")
        return spec.model_copy(update={"inputs": [1]}) if sizeless and len(sizeless) == len(functions) else spec

    def _has_sizes(self, name: str) -> bool:
        """Whether a function may have parameters, also if unknown."""
        return self.takes.get(name, True) and self.takes.get(self.points.get(name, ""), True)


Answers = tuple[dict[str, str], dict[str, str]]


def _answers(asked: Iterable[str], pair: Pair, takes: dict[str, bool]) -> Iterable[tuple[str, Answers]]:
    """The answers of base and head for each name, while both live: a side that dies of one dies again later.

    Records what each `takes`, from head if it has the arm.
    """
    for name in asked:
        try:
            base, head = pair.ask({"do": "find", "arm": name})
        except ArmLostError:
            return
        if "takes" in (known := {**base, **head}):
            takes[name] = bool(known["takes"])
        one, other = _lack(base), _lack(head)
        what = hint(pair, name, {"modules": name.split(":")[-2:-1]}) if _LACKS in one and names_function(name) else None
        if what is None:
            yield name, (one, other)
        elif other:
            yield name, (one, other | {_LACKS: f"{other[_LACKS]}; {what}"})
        else:  # a complete checkout would have it: the measurement says so
            yield name, ({}, {})


def _lack(answer: Mapping[str, Any]) -> dict[str, str]:
    return {key: one_line(said) for key, said in answer.items() if key in {_LACKS, _UNAVAILABLE}}


def _nowhere(nowhere: dict[str, Answers], sides: Sides) -> InputError | UnavailableError:
    """One line for all of them."""
    whole = all(_UNAVAILABLE in head for _, head in nowhere.values())
    reasons = "; ".join(next(iter(head.values())) for _, head in nowhere.values())
    if whole:
        return UnavailableError(reasons)
    code = f"neither {sides.commit[:12]} nor the working tree has it" if sides.commit else "it is nowhere"
    hint = "" if all_functions(list(nowhere)) else "; a function is written MODULE:FUNCTION"
    return InputError(f"{', '.join(nowhere)}: {code}: {reasons}{hint}")
