"""The arm for sparse Jacobians: several columns, or rows, in each pass, by asdex, where that is installed.

arm, sample = coloured_arm(found)       # a tenth of a second: what asdex would find of a few columns
sample.passes, sample.entries           # how many passes, and entries of the Jacobian, that lets expect
arm.program()                           # asdex looks at all columns: seconds, or minutes where they are dense
"""

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.jacobians import curried, selected
from fwdrev.modes.errors import UnavailableError
from fwdrev.modes.functions.candidates import FunctionArm, jit_code, options_code, program_of
from fwdrev.modes.functions.probe import FlatFunction, Function

__all__ = ["NotSparseError", "Sample", "coloured_arm", "sampled"]

_COLUMNS = 16
"""So many columns, drawn at random, tell a sparse Jacobian from a dense one."""

_WORTHWHILE = 0.5
"""Of the passes of a dense Jacobian: what a sample has to promise."""


class NotSparseError(Exception):
    """Colours do not help, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a few columns of the pattern let expect: passes, at least, and entries of the whole Jacobian."""

    passes: int
    entries: int


def coloured_arm(found: FlatFunction) -> FunctionArm | str:
    """The arm, whose program colours the pattern when it is made; or why there is none. Runs nothing."""
    if found.batch is not None:
        return "a batch of sparse Jacobians is not tried"
    if found.static:
        return "asdex takes arrays only: bind other arguments by functools.partial"
    if min(found.n, found.m) == 1:
        return "a Jacobian of one row or column takes one pass"
    spec = importlib.util.find_spec("asdex")
    if spec is None or spec.origin is None:  # a folder of that name is no package
        return "asdex is not installed: pip install 'fwdrev[sparse]' lets a sparse Jacobian be tried"

    @cache
    def jacobian() -> Function:
        asdex = _asdex()
        aux = {"has_aux": True} if found.has_aux else {}
        with _refusing():
            coloring = asdex.jacobian_coloring(found.function, *found.args, argnums=found.argnums, **aux)
        colours = int(coloring.num_colors)
        if colours >= min(found.n, found.m):
            msg = f"the pattern of the Jacobian needs {colours} passes, no fewer than a dense one"
            raise NotSparseError(msg)
        made: Function = asdex.jacobian_from_coloring(found.function, coloring, **aux)
        return made

    point = "x" if len(found.args) == 1 else "*args"
    colours = f"asdex.jacobian_coloring({found.name}, {point}{options_code(found)})"
    aux_code = ", has_aux=True" if found.has_aux else ""
    code = jit_code(found, f"asdex.jacobian_from_coloring({found.name}, {colours}{aux_code})")
    return FunctionArm(name="coloured", code=f"{code}  # sparse", program=program_of(found, jacobian))


def sampled(found: FlatFunction) -> Sample:
    """Look at a few columns; raises NotSparseError for a Jacobian that is about dense."""
    at = np.sort(np.random.default_rng(0).choice(found.n, min(_COLUMNS, found.n), replace=False))
    with _refusing():
        pattern = _asdex().jacobian_sparsity(_of_few(found, at), jnp.asarray(found.x[at]))
    columns = np.bincount(np.asarray(pattern.cols), minlength=at.size)
    entries = int(columns.mean() * found.n)
    passes = max(1, min(int(columns.max()), round(entries / found.m)))
    dense = min(found.n, found.m)
    if passes > _WORTHWHILE * dense:
        msg = (
            f"a sample of its columns lets expect {passes} passes or more, hardly fewer than the {dense} of a dense one"
        )
        raise NotSparseError(msg)
    return Sample(passes=passes, entries=entries)


def _of_few(found: FlatFunction, at: Any) -> Function:  # noqa: ANN401 - indices
    """The outputs as a function of the inputs `at` alone."""
    leaves, tree = jax.tree.flatten(selected(found.argnums, found.args))
    ends = np.cumsum([0, *found.shapes[1]])
    cuts = np.searchsorted(at, ends)
    function = curried(found.function, found.argnums, found.args, {})

    def of(few: Any) -> Any:  # noqa: ANN401 - an array
        parts = zip(leaves, ends, cuts, cuts[1:], strict=False)
        moved = [
            leaf.ravel().at[at[a:b] - first].set(few[a:b].astype(leaf.dtype)).reshape(leaf.shape) if b > a else leaf
            for leaf, first, a, b in parts
        ]
        outputs = function(jax.tree.unflatten(tree, moved))
        return outputs[0] if found.has_aux else outputs

    return of


def _asdex() -> Any:  # noqa: ANN401 - a module that need not be there
    try:
        return importlib.import_module("asdex")
    except Exception as error:  # noqa: BLE001 - whatever its import raises, it is not there
        msg = f"asdex does not import: {type(error).__name__}: {error}"
        raise UnavailableError(msg) from None


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever asdex cannot do, there are the other arms; its warnings say nothing that its colours do not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except Exception as error:  # noqa: BLE001 - of asdex or of the user's function
            msg = f"asdex does not get as far as a pattern: {type(error).__name__}: {' '.join(str(error).split())}"
            raise NotSparseError(msg) from None
