"""Makes the checks of annotations quick: jaxtyping's wrapper only where names of dimensions have to agree.

The wrapper takes ten times as long as beartype's check, and half of the time of many tests.
"""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any, ForwardRef, get_args

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import AbstractArray, TypeCheckError

__all__ = ["check_quickly"]

_slowly = jaxtyping.jaxtyped

_quickly: Callable[[Any], Any] = beartype(conf=BeartypeConf(violation_type=TypeCheckError))


def check_quickly() -> None:
    """Affects modules that are imported later; any wrong type or rank raises as before."""
    jaxtyping.__dict__["jaxtyped"] = _jaxtyped


def _jaxtyped(*, typechecker: Any) -> Callable[[Any], Any]:
    """Replaces jaxtyping's decorator in its import hook."""

    def decorate(checked: Any) -> Any:
        if inspect.isfunction(checked) and not _needs_names(checked):
            return _quickly(checked)
        made = vars(checked).get("__init__") if dataclasses.is_dataclass(checked) else None
        if made is None or _needs_names(made):
            return _slowly(typechecker=typechecker)(checked)
        type.__setattr__(checked, "__init__", _quickly(made))
        return checked

    return decorate


def _needs_names(function: Any) -> bool:
    """Whether jaxtyping's wrapper is needed: for dimensions with names, types in quotes, and a hidden traceback."""
    return "__tracebackhide__" in function.__code__.co_varnames or any(
        _named(annotation) for annotation in function.__annotations__.values()
    )


def _named(annotation: Any) -> bool:
    if isinstance(annotation, str | ForwardRef):
        return True
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return any(sign.isalpha() for sign in annotation.dim_str)
    return any(_named(part) for part in get_args(annotation))
