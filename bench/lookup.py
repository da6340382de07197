"""Which sides have the arms that were asked for: looked up before anything is measured.

    with revision("main") as sides:
        lacking(spec, sides)             # {"model:new": Lacking(side="base", reason="model has no function 'new'; …")}

What neither side has was written wrongly. What exists and fails is left to the measuring, which tells it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fwdrev.bench.failure import one_line
from fwdrev.bench.missing import hint
from fwdrev.bench.pair import Pair, started_pair
from fwdrev.bench.revision import Sides
from fwdrev.bench.side_process import ArmLostError
from fwdrev.bench.spec import SweepSpec
from fwdrev.modes.errors import InputError, UnavailableError

__all__ = ["Lacking", "lacking"]

_LACKS, _UNAVAILABLE = "lacks", "unavailable"
"""What a side answers of an arm that it does not have, or cannot load here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """The side that does not have an arm, base or head, and what it has instead."""

    side: str
    reason: str


def lacking(
    spec: SweepSpec, sides: Sides, *, inputs: str | None = None, programs: Path | None = None
) -> dict[str, Lacking]:
    """The arms that one side alone does not have; `inputs` and `programs` as for `fwdrev.bench.against.against`.

    Raises InputError for an arm, or inputs, that neither side has, UnavailableError where neither can load an engine
    here, and as `against` does.
    """
    if inputs is not None and inputs.count(":") != 1:
        msg = f"--point {inputs!r}: write it as MODULE:FUNCTION, of which the function gets n"
        raise InputError(msg)
    asked = [*spec.engines, *([inputs] if inputs is not None else [])]
    light = spec.model_copy(update={"engines": []})  # they are looked up, not run: no library is needed
    with started_pair(light, sides, programs or sides.scratch) as pair:
        found = dict(_answers(asked, pair))
    nowhere = {name: told for name, told in found.items() if all(told)}
    if nowhere:
        raise _nowhere(nowhere, sides)
    return {
        name: Lacking(side="base" if base else "head", reason=(base or head)[_LACKS])
        for name, (base, head) in found.items()
        if name in spec.engines and _LACKS in {*base, *head}
    }


Answers = tuple[dict[str, str], dict[str, str]]


def _answers(asked: Iterable[str], pair: Pair) -> Iterable[tuple[str, Answers]]:
    """Of base and of head for each name, as far as both live: a side that dies of one dies again later."""
    for name in asked:
        try:
            base, head = pair.ask({"do": "find", "arm": name})
        except ArmLostError:
            return
        one, other = _lack(base), _lack(head)
        what = hint(pair, name, {"modules": name.split(":")[-2:-1]}) if _LACKS in one and ":" in name else None
        if what is None:
            yield name, (one, other)
        elif other:
            yield name, (one, other | {_LACKS: f"{other[_LACKS]}; {what}"})
        else:  # base would have it in a checkout as complete as the working tree: the measuring says so
            yield name, ({}, {})


def _lack(answer: dict[str, str]) -> dict[str, str]:
    return {key: one_line(said) for key, said in answer.items() if key in {_LACKS, _UNAVAILABLE}}


def _nowhere(nowhere: dict[str, Answers], sides: Sides) -> InputError | UnavailableError:
    """One line for all of them."""
    whole = all(_UNAVAILABLE in head for _, head in nowhere.values())
    reasons = "; ".join(next(iter(head.values())) for _, head in nowhere.values())
    if whole:
        return UnavailableError(reasons)
    code = f"neither {sides.commit[:12]} nor the working tree has it" if sides.commit else "it is nowhere"
    hint = "" if all(":" in name for name in nowhere) else "; a function is written MODULE:FUNCTION"
    return InputError(f"{', '.join(nowhere)}: {code}: {reasons}{hint}")
