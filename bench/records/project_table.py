"""The table `[tool.fwdrev]` of a pyproject.toml: its keys and their checks.

[tool.fwdrev]
functions = ["model:step", "model:energy"]
points = "model:point"
threshold = "5%"
"""

import math
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fwdrev.bench.records.given_file import explained
from fwdrev.bench.records.parsing import is_function, sizes_of, threshold_of
from fwdrev.bench.records.sides import function_of
from fwdrev.modes.core.problem import LARGEST
from fwdrev.modes.errors import InputError, shown

_LONGEST = 500
"""The most letters of a name or a folder."""

_ONE_LINE = r"[^:,\x00-\x1f\x7f-\x9f\u2028\u2029]"
_NAMED = rf"([^\s:,/]+|{_ONE_LINE}+\.py):[^\s\d:,/()\[\]-][^\s:,/()\[\]-]*$"
"""The part of a function's name that a pattern can express in every dialect; `is_function` checks the rest."""

_GRID = r"^[0-9 ]+:[0-9 ]+: *[*+][0-9 ]+$|^[0-9 ]+(,[0-9 ]+)*$"
_SHARE = r"^\s*([0-9.]+(e[+-]?[0-9]+)?\s*%|0?\.[0-9]+)\s*$"


def _check_named(text: str) -> str:
    if re.fullmatch(_NAMED, text) and is_function(text):
        return text
    hint = "; each function is a text of its own in the list" if "," in text else ""
    raise InputError(f"{shown(text)}: write it as MODULE:FUNCTION or FILE.py:FUNCTION{hint}")


def _check_function(text: str) -> str:
    _check_named(function_of(text))
    return text


def _check_each_once(given: list[str]) -> list[str]:
    twice = next((text for number, text in enumerate(given) if text in given[:number]), None)
    if twice is not None:
        raise InputError(f"{shown(twice)} stands there twice: name each one once")
    return given


def _listed(given: object) -> object:
    """A single text stands for a list with one item."""
    return [given] if isinstance(given, str) else given


def _tolerance(given: object) -> float | bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, int | float) and 0 < given < math.inf:
        return float(given)
    raise InputError(f"{shown(given)}: give true, or the relative difference that is allowed, a number such as 1e-6")


Function = Annotated[
    str,
    Field(max_length=_LONGEST, json_schema_extra={"pattern": f"^(jac(fwd|rev):)?{_NAMED}"}),
    AfterValidator(_check_function),
]
Point = Annotated[
    str, Field(max_length=_LONGEST, json_schema_extra={"pattern": f"^{_NAMED}"}), AfterValidator(_check_named)
]
Place = Annotated[str, Field(min_length=1, max_length=_LONGEST, pattern=r"^[^\x00-\x1f\x7f]+$")]

_ONCE = Field(json_schema_extra={"uniqueItems": True})
Places = Annotated[list[Place], _ONCE, AfterValidator(_check_each_once)]
Functions = Annotated[list[Function], Field(min_length=1), _ONCE, AfterValidator(_check_each_once)]
Points = Annotated[list[Point], BeforeValidator(_listed, json_schema_input_type=Point | list[Point])]

_Grid = Annotated[str, Field(json_schema_extra={"pattern": _GRID})]
_SizeList = Annotated[list[Annotated[int, Field(ge=1, le=LARGEST)]], Field(min_length=1)]
Sizes = Annotated[list[int], BeforeValidator(sizes_of, json_schema_input_type=_SizeList | _Grid)]

_Percent = Annotated[str, Field(json_schema_extra={"pattern": _SHARE})]
Share = Annotated[
    float, BeforeValidator(threshold_of, json_schema_input_type=_Percent | Annotated[float, Field(gt=0, lt=1)])
]

Tolerance = Annotated[
    float | bool, BeforeValidator(_tolerance, json_schema_input_type=bool | Annotated[float, Field(gt=0)])
]


class ProjectSettings(BaseModel):
    """The settings of `fwdrev check` for this project. An option of the command takes precedence over its key."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, json_schema_extra={"not": {"required": ["threshold", "find"]}}
    )

    functions: Functions | None = Field(
        default=None,
        description="The functions to time, as MODULE:FUNCTION or FILE.py:FUNCTION; the path of a file starts at the "
        "folder of this pyproject.toml. Without them the engines of fwdrev are compared, and the other keys but `copy` "
        "and `path` are for functions that an option names.",
    )
    points: Points = Field(
        default_factory=list,
        description="MODULE:FUNCTION or FILE.py:FUNCTION that returns the input of the functions, an array or a tuple "
        "of arguments; it is called with the size if it has a parameter. One for all functions, or a list with one for "
        "each, in their order.",
    )
    sizes: Sizes | None = Field(
        default=None,
        description="What the points are called with: a list, or a grid such as `1000:4000:+1000`. Default 1000.",
    )
    threshold: Share | None = Field(
        default=None,
        description="The slow-down that is accepted, such as `5%` or 0.05. Default 5%, and 10% beside a baseline.",
    )
    find: Share | None = Field(
        default=None,
        description="In place of a threshold: the slow-down to find in 95 of 100 runs, such as `20%`; threshold and "
        "rounds follow from it. It does not count beside a baseline.",
    )
    rounds: int | None = Field(
        default=None,
        ge=3,
        le=10_000,
        description="Fresh pairs of processes in which both sides are timed. Default 14 in a check. A baseline takes "
        "20, or this many if that is more; only the option `--rounds` can lower it.",
    )
    copy_patterns: Places = Field(
        default_factory=list,
        alias="copy",
        description="Patterns of generated files, ignored by git, that the revision needs too, such as `_version.py`.",
    )
    path: Places = Field(
        default_factory=list,
        description="Folders from which both sides import, such as `python`; they start at the folder of this "
        "pyproject.toml. `src` is found without.",
    )
    allow_different_results: Tolerance | None = Field(
        default=None,
        description="Time functions whose results differ between the sides: true for any difference, or the relative "
        "difference that is allowed. Default: they must agree up to rounding.",
    )

    @model_validator(mode="after")
    def _together(self) -> "ProjectSettings":
        """Check that the keys fit together; raises InputError."""
        if self.threshold is not None and self.find is not None:
            raise InputError("threshold and find: give one of them, since find chooses the threshold")
        if self.functions is not None and len(self.points) not in {0, 1, len(self.functions)}:
            functions = f"{len(self.functions)} function{'s' * (len(self.functions) > 1)}"
            msg = f"points: {len(self.points)} for {functions}: give one for all, or one for each, in their order"
            raise InputError(msg)
        return self

    def points_of(self, functions: Sequence[str]) -> list[str]:
        """The points of these functions, where an option may choose some functions of the table; raises InputError."""
        if len(self.points) <= 1 or self.functions is None:
            return self.points
        own = dict(zip(self.functions, self.points, strict=True))
        for name in functions:
            if name not in own:
                msg = f"function {shown(name)}: [tool.fwdrev] has points for its own functions alone; give --point"
                raise InputError(msg)
        return [own[name] for name in functions]


def settings_of(table: object, where: str) -> ProjectSettings:
    """Reads the table; raises InputError that begins with `where` it stands and names the key."""
    if not isinstance(table, dict):
        raise InputError(f"{where} is {shown(table)}: make it one table of keys, such as functions = ['model:step']")
    try:
        return ProjectSettings.model_validate(table)
    except ValidationError as errors:
        known = [field.alias or name for name, field in ProjectSettings.model_fields.items()]
        raise InputError(f"{where}: {explained(errors, kind='key', known=known, named=True)}") from None
