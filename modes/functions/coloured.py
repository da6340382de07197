"""The arm for sparse Jacobians: several columns or rows in each pass, by asdex, where it is installed.

arm, sample = coloured_arm(found), sampled(found)   # a tenth of a second: what asdex would find of a few columns
sample.passes, sample.entries                       # how many passes, and entries of the Jacobian, that lets expect
arm.program()                                       # asdex looks at all columns: seconds, or minutes if they are dense
"""

import importlib
import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Function, curried, selected
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.functions.candidates import Counted, FunctionArm, arm_of, options_code
from fwdrev.modes.functions.checks import without_aux
from fwdrev.modes.functions.probe import FunctionProbe
from fwdrev.modes.jaxpr.cost import RATES

_COLUMNS = 16
"""The number of random columns that tell a sparse Jacobian from a dense one."""

_WORTHWHILE = 0.5
"""The share of a dense Jacobian's passes that a sample must promise to save at least."""

_INDEX_BYTES = 8
"""The bytes of a row or column index in a sparse result."""

T = TypeVar("T")


class NotSparseError(Exception):
    """Colouring does not help; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The estimate from a few columns of the pattern: passes (a lower bound) and entries of the whole Jacobian."""

    passes: int
    entries: int


def coloured_arm(found: FunctionProbe) -> FunctionArm | str:
    """The arm, whose program colours the pattern when made; or the reason why there is none. Runs nothing."""
    if found.batch is not None:
        return "a batch of sparse Jacobians is not tried"
    if found.static:
        return "asdex takes arrays only: bind other arguments by functools.partial"
    if min(found.n, found.m) == 1:
        return "a Jacobian of one row or column takes one pass"
    spec = importlib.util.find_spec("asdex")
    if spec is None or spec.origin is None:  # a folder of that name is not the package
        return "asdex is not installed: pip install 'fwdrev[sparse]' lets a sparse Jacobian be tried"
    aux = {"has_aux": True} if found.has_aux else {}

    @cache
    def jacobian() -> Function:
        coloring = _by_asdex(lambda a: a.jacobian_coloring(found.function, *found.args, argnums=found.argnums, **aux))
        colours = int(coloring.num_colors)
        if colours >= min(found.n, found.m):
            raise NotSparseError(f"the pattern of the Jacobian needs {colours} passes, no fewer than a dense one")
        made: Function = sys.modules["asdex"].jacobian_from_coloring(found.function, coloring, **aux)
        return made

    point = "x" if len(found.args) == 1 else "*args"
    colours = f"asdex.jacobian_coloring({found.name}, {point}{options_code(found)})"
    code = f"asdex.jacobian_from_coloring({found.name}, {colours}{', has_aux=True' if aux else ''})"
    arm = arm_of(found, "coloured", code, jacobian)
    return replace(arm, code=f"{arm.code}  # sparse")


def sampled(found: FunctionProbe) -> Sample:
    """Look at a few columns; raises NotSparseError for a Jacobian that is about dense."""
    at = np.sort(np.random.default_rng(0).choice(found.n, min(_COLUMNS, found.n), replace=False))
    pattern = _by_asdex(lambda asdex: asdex.jacobian_sparsity(_of_few(found, at), jnp.asarray(found.x[at])))
    columns = np.bincount(np.asarray(pattern.cols), minlength=at.size)
    entries = int(columns.mean() * found.n)
    passes = max(1, min(int(columns.max()), round(entries / found.m)))
    dense = min(found.n, found.m)
    if passes > _WORTHWHILE * dense:
        raise NotSparseError(
            f"a sample of its columns lets expect {passes} passes or more, hardly fewer than the {dense} of a dense one"
        )
    return Sample(passes=passes, entries=entries)


def cost_of_sample(found: FunctionProbe, sample: Sample, plain: Mapping[str, Counted]) -> Counted:
    """The cost of the arm before its colours are known: the passes of the cheaper mode, and gathering the entries."""
    each = min((plain[mode].seconds / size for mode, size in found.passes.items() if mode in plain), default=0.0)
    item = found.x.itemsize
    return Counted(
        seconds=RATES["calls"] + sample.passes * each + RATES["gathered"] * sample.entries,
        peak_bytes=2 * sample.passes * (found.n + found.m) * item + sample.entries * (item + 2 * _INDEX_BYTES),
    )


def _of_few(found: FunctionProbe, at: Int[np.ndarray, " k"]) -> Function:
    """The outputs as a function of only the inputs at `at`."""
    leaves, tree = jax.tree.flatten(selected(found.argnums, found.args))
    ends = np.cumsum([0, *found.shapes[1]])
    cuts = np.searchsorted(at, ends)
    function = curried(found.function, found.argnums, found.args, {})

    def of(few: AnyArray) -> Pytree:
        parts = zip(leaves, ends, cuts, cuts[1:], strict=False)
        moved = [
            leaf.ravel().at[at[a:b] - first].set(few[a:b].astype(leaf.dtype)).reshape(leaf.shape) if b > a else leaf
            for leaf, first, a, b in parts
        ]
        return without_aux(function(jax.tree.unflatten(tree, moved)), found.name, has_aux=found.has_aux)

    return of


def _by_asdex(call: Callable[[Any], T]) -> T:
    """Runs asdex. Its warnings add nothing to its result, and its failures must not stop other arms."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = attempt(lambda: call(importlib.import_module("asdex")))
    if isinstance(found, Raised):
        error = found.error
        msg = f"asdex does not get as far as a pattern: {type(error).__name__}: {' '.join(str(error).split())}"
        raise NotSparseError(msg) from None
    return found
