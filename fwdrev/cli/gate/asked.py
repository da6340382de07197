"""What the gate is asked for: by options of the command, and without them by the project's `[tool.fwdrev]`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fwdrev.bench.records.gate_spec import gate_spec, points_of
from fwdrev.bench.records.parsing import all_functions, names, names_function, threshold_of
from fwdrev.bench.records.project_table import ProjectSettings
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.function_files import in_modules
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.bench.revisions.lookup import LookedUp, looked_up
from fwdrev.cli.common.options import ANY, DIFFERENT
from fwdrev.cli.gate.project_settings import project_settings
from fwdrev.modes.errors import InputError, shown
from fwdrev.results.stats.paired_shifts import FEWEST

_THRESHOLD = 0.05

_OF_PLANES = {"outputs": "--outputs", "problem": "--problem", "options": "--option", "wrt": "--wrt"}
"""Options that say nothing of a function."""

_OF_FUNCTIONS = ("functions", "sizes", "threshold", "find", "rounds", "allow_different_results")
"""Settings that say nothing of an engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`spec` and `point`: the arms and their inputs; `sized`: sizes were given; `find`: the slow-down to be found.

    `tolerance`: by how much results may differ, infinite for as they like; `copy`, `path`: see `git_worktree`.
    """

    spec: SweepSpec
    point: str | None
    sized: bool
    threshold: float
    find: float | None = None
    tolerance: float | None = None
    copy: Sequence[str] = ()
    path: Sequence[str] = ()
    allow_missing: bool = False

    def check_rounds(self) -> None:
        """Raises InputError where they are too few to decide anything."""
        if self.spec.rounds < FEWEST:
            msg = f"rounds {self.spec.rounds}: nothing is decided by fewer than {FEWEST}; give at least {FEWEST}"
            raise InputError(msg)

    def on(self, opened: Sides) -> tuple["Asked", Sides, LookedUp]:
        """By the names, with the sizes and from the folders that the sides have; raises InputError for what lacks."""
        spec, point, sides = in_modules(self.spec, self.point, opened)
        found = looked_up(spec, sides, inputs=point)
        spec = found.sized(spec, asked=self.sized)
        return replace(self, spec=spec, point=point, path=[str(place) for place in sides.path]), sides, found

    def words_for(self, functions: Sequence[str]) -> list[str]:
        """The options that ask for these functions alone."""
        points = points_of(self.spec.engines, self.point)
        own = [points[name] for name in functions if name in points]
        words = ["--functions", ",".join(functions)]
        words += ["--point", ",".join(own if len(set(own)) > 1 else own[:1])] if own else []
        words += ["--sizes", ",".join(map(str, self.spec.inputs))] if self.sized else []
        share = (self.threshold, "--threshold") if self.find is None else (self.find, "--find")
        words += [share[1], f"{100 * share[0]:g}%"] if share[0] != _THRESHOLD else []
        if self.tolerance is not None:
            words += [DIFFERENT] if math.isinf(self.tolerance) else [DIFFERENT, f"{self.tolerance:g}"]
        for option, values in (("--copy", self.copy), ("--path", self.path)):
            words += [word for value in values for word in (option, str(value))]
        return words

    @property
    def functions(self) -> bool:
        """Whether it is functions that are compared."""
        return all_functions(self.spec.engines)


def asked(given: Mapping[str, Any], *, allow_missing: bool = False, looked_up_later: bool = True) -> Asked:
    """What the options mean, `given` by the names of `SweepSpec` and `Asked`.

    Raises InputError for what cannot be meant: engines and functions together, sizes of the one for the other.
    """
    settings = project_settings(Path.cwd()) or ProjectSettings()
    arms = names(given["engines"]) if "engines" in given else settings.functions
    fields = {key: value for key, value in given.items() if key in SweepSpec.model_fields and key != "engines"}
    if arms and all_functions(arms):
        _check_functions(arms, fields)
        settings_given = {"inputs": settings.sizes, "rounds": settings.rounds}
        fields = {key: value for key, value in settings_given.items() if value is not None} | fields
    else:
        _check_engines(arms or (), given.get("point"))
        settings = settings.model_copy(update=dict.fromkeys(_OF_FUNCTIONS) | {"points": []})
    spec = gate_spec(fields, arms, looked_up_later=looked_up_later)
    points = given.get("point") or ",".join(settings.points_of(spec.engines)) or None
    each = list(points_of(spec.engines, points).values())
    accepted, wanted = _levels(given.get("threshold"), given.get("find"), settings)
    return Asked(
        spec=spec,
        point=",".join(each[:1] if len(set(each)) == 1 else each) or None,
        sized="inputs" in fields,
        threshold=accepted,
        find=wanted,
        tolerance=_tolerance(given.get("allow_different_results"), settings),
        copy=given.get("copy", settings.copy_patterns),
        path=given.get("path", settings.path),
        allow_missing=allow_missing,
    )


def _check_functions(arms: Sequence[str], given: Mapping[str, Any]) -> None:
    for key, option in _OF_PLANES.items():
        if key in given:
            msg = f"{option} with {', '.join(arms)}: a function has sizes (--sizes) and its point; leave {option} out"
            raise InputError(msg)


def _check_engines(arms: Sequence[str], point: str | None) -> None:
    functions = [name for name in arms if names_function(name)]
    if functions:
        engines = ", ".join(name for name in arms if not names_function(name))
        raise InputError(
            f"engines {engines} and functions {', '.join(functions)}: engines have inputs and outputs, functions have "
            "sizes; check them apart (a function is written MODULE:FUNCTION)"
        )
    if point is not None:
        msg = f"--point {point}: engines have the inputs of their problem; give it with --functions MODULE:FUNCTION"
        raise InputError(msg)


def _levels(threshold: str | None, find: str | None, settings: ProjectSettings) -> tuple[float, float | None]:
    """The threshold, and the slow-down to be found: its threshold is half of it, so that it is as far from none.

    An option of one kind replaces a setting of the other.
    """
    if threshold is not None and find is not None:
        raise InputError(f"--threshold {threshold} and --find {find}: give one of them; --find chooses the threshold")
    accepted = settings.threshold if threshold is None else threshold_of(threshold)
    wanted = settings.find if find is None else threshold_of(find)
    if threshold is None and wanted is not None:
        return math.sqrt(1 + wanted) - 1, wanted
    return _THRESHOLD if accepted is None else accepted, None


def _tolerance(given: str | None, settings: ProjectSettings) -> float | None:
    """Infinite for any difference."""
    if given is None:
        allowed = settings.allow_different_results
        return (math.inf if allowed else None) if isinstance(allowed, bool | None) else allowed
    if given == ANY:
        return math.inf
    try:
        tolerance = float(given)
    except ValueError:
        tolerance = math.nan
    if not 0 < tolerance < math.inf:
        msg = f"{DIFFERENT} {shown(given)}: give the relative difference that is allowed, e.g. 1e-6, or none"
        raise InputError(msg)
    return tolerance
