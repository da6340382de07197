"""Mixed mode for functions of pytrees: the Jacobian of f_l ∘ … ∘ f_1 by the cheapest bracketing of its stages.

    mixed([encode, decode])(x)        # what jax.jacobian(lambda x: decode(encode(x)))(x) returns

The values between two stages count as one real vector. The plan is made from shapes and counts, once
for each combination of them, so that the Jacobian can be traced (jit, vmap). Forward and reverse are two of the
bracketings.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache, reduce, wraps
from itertools import pairwise
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.bracketing.program import program_of
from fwdrev.modes.bracketing.search import Costs, Need, best_tree
from fwdrev.modes.bracketing.tree import Tree, forward_tree, reverse_tree
from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import (
    Function,
    checked_argnums,
    checked_chunk,
    curried,
    of_kind,
    present,
    selected,
)
from fwdrev.modes.core.prices import Number
from fwdrev.modes.engines.jax_bracketed import executed
from fwdrev.modes.engines.planner import LONGEST
from fwdrev.modes.errors import InputError, Raised, attempt
from fwdrev.modes.functions.stage_vector import StageVector
from fwdrev.modes.jaxpr.cost import RATES, cost_of
from fwdrev.modes.layers.sized import Formula

_MOST = 1024
"""The number of plans kept for one function, since new shapes may keep coming."""


def mixed(
    stages: Sequence[Function],
    argnums: SupportsIndex | Sequence[SupportsIndex] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    chunk: int | None = None,
) -> Function:
    """The Jacobian of the composition of `stages`, the first of which is called first.

    The first stage takes all arguments, each later stage the result before it. With `has_aux`, the last one returns
    a pair, and only its first half is differentiated. `chunk`: the number of seeds that go through a stage at a time.
    Integers among the arguments, and complex ones of a function that is not holomorphic, are left to jax.jacrev.

    Raises InputError unless all stages are functions, and whatever jax.jacobian raises.
    """
    stages, numbers, chunk = checked_stages(stages), checked_argnums(argnums), checked_chunk(chunk)
    options: dict[str, Any] = {"has_aux": has_aux, "holomorphic": holomorphic}
    plain = jax.jacrev(composed(stages), numbers, allow_int=allow_int, **options)
    kind = jnp.complexfloating if holomorphic else jnp.floating
    trees: dict[Any, Tree] = {}

    @wraps(stages[0])
    def jacobian(*args: Pytree, **kwargs: Pytree) -> Pytree:
        if not present(numbers, args):
            return plain(*args, **kwargs)
        wanted = selected(numbers, args)
        if not _all_of_kind(wanted, kind):
            return plain(*args, **kwargs)
        functions = [curried(stages[0], numbers, args, kwargs), *stages[1:]]
        values, aux = _values(functions, wanted, has_aux=has_aux)
        if not _all_of_kind(values[-1], kind):
            return plain(*args, **kwargs)
        first = StageVector(values[0], held_imaginary=holomorphic)
        vectors = [first, *(StageVector(value) for value in values[1:])]
        found = _assembled(_matrix(functions, vectors, trees, has_aux=has_aux, chunk=chunk), vectors[0], vectors[-1])
        return (found, aux) if has_aux else found

    return jacobian


def _all_of_kind(tree: Pytree, kind: type[Any]) -> bool:
    """Whether it has leaves, all of that kind of numbers; JAX refuses a Jacobian of, or by, nothing."""
    leaves = jax.tree.leaves(tree)
    return bool(leaves) and all(of_kind(leaf, kind) for leaf in leaves)


def checked_stages(stages: object) -> list[Function]:
    """The stages as a list; raises InputError unless there are some and all are functions."""
    if callable(stages) or not isinstance(stages, Sequence) or not stages or not all(map(callable, stages)):
        raise InputError(f"{stages!r:.100}: give the stages of the function, [f_1, f_2, …], f_1 to be called first")
    return list(stages)


def composed(stages: Sequence[Function]) -> Function:
    """The function whose stages these are."""
    first, *rest = stages

    @wraps(first)
    def f(*args: Pytree, **kwargs: Pytree) -> Pytree:
        return reduce(lambda value, stage: stage(value), rest, first(*args, **kwargs))

    return f


def composition(names: Sequence[str], arguments: int) -> str:
    """Their composition as an expression: `lambda x: decode(encode(x))` for the stages encode and decode."""
    given = "x" if arguments == 1 else "*xs"
    return f"lambda {given}: {reduce(lambda inner, name: f'{name}({inner})', names, given)}"


def _values(functions: Sequence[Function], wanted: Pytree, *, has_aux: bool) -> tuple[list[Pytree], Pytree]:
    """The inputs of each stage, the output of the last one, and its auxiliary output."""
    values, aux = [wanted], None
    for number, function in enumerate(functions, 1):
        value = function(values[-1])
        if has_aux and number == len(functions):
            value, aux = value
        values.append(value)
    return values, aux


def _matrix(
    functions: Sequence[Function],
    vectors: Sequence[StageVector],
    trees: dict[Any, Tree],
    *,
    has_aux: bool,
    chunk: int | None,
) -> AnyArray:
    """The Jacobian between the first vector and the last one."""
    dtype = jnp.result_type(*(vector.dtype for vector in vectors))
    if not all(vector.size for vector in vectors):  # of which JAX makes no batches
        return jnp.zeros((vectors[-1].size, vectors[0].size), dtype)
    chain = Chain(
        tuple(
            _Stage(
                n_in=one.size,
                n_out=other.size,
                function=function,
                given=one,
                dtype=dtype,
                has_aux=has_aux and other is vectors[-1],
            )
            for function, (one, other) in zip(functions, pairwise(vectors), strict=True)
        )
    )
    tree = _planned(trees, tuple(vector.key for vector in vectors), chain, dtype)
    x = vectors[0].read(dtype)
    return executed(program_of(tree, chain, Wrt.X), chunk)(chain, x, jnp.zeros(0, dtype))


def _planned(trees: dict[Any, Tree], key: Hashable, chain: Chain, dtype: np.dtype[Any]) -> Tree:
    """The tree for vectors of these shapes, from the cache or planned now; the cache is bounded."""
    known = attempt(lambda: trees.get(key))
    if isinstance(known, Raised):  # held values may raise when they are compared
        return _cheapest(chain, dtype)
    if known is None:
        if len(trees) >= _MOST:
            trees.clear()
        trees[key] = known = _cheapest(chain, dtype)
    return known


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stage(Formula):
    """A stage as a layer from vector to vector, in one dtype, since seeds must have the dtype of the point."""

    function: Function
    given: StageVector
    dtype: np.dtype[Any]
    has_aux: bool

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        value = self.function(self.given.write(x))
        return StageVector(value[0] if self.has_aux else value).read(self.dtype)


def _cheapest(chain: Chain, dtype: np.dtype[Any]) -> Tree:
    """The best tree; forward or reverse for a chain too long to plan."""
    costs, length = StageCosts(chain, dtype), len(chain.layers)
    if length <= LONGEST:
        return best_tree(costs, Need.X)[1]
    pushed = sum(costs.push(k, chain.n_in) for k in range(length))
    pulled = sum(costs.pull(k, chain.n_out, x=True, theta=False) for k in range(length))
    return forward_tree(length) if pushed < pulled else reverse_tree(length)


class StageCosts(Costs):
    """The costs of pushing and pulling through layers without parameters, in seconds expected from counts.

    The value costs once, and each seed adds the same.
    """

    def __init__(self, chain: Chain, dtype: np.dtype[Any]) -> None:
        self.n = [chain.n_in, *(layer.n_out for layer in chain.layers)]
        self.p = [0] * len(chain.layers)
        self._layers, self._dtype = chain.layers, dtype
        self._push, self._pull = cache(self._pushed), cache(self._pulled)

    def push(self, k: int, q: int) -> Number:
        """The cost of pushing tangents, by jax.linearize."""
        value, seed = self._push(k)
        return value + q * seed

    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        """The cost of pulling cotangents, by jax.vjp."""
        value, seed = self._pull(k)
        return value + r * seed

    def dense(self, k: int, *, x: bool, theta: bool) -> Number:
        """The cost of writing out the Jacobian by the mode with fewer seeds, as JaxLayer does."""
        if self.n[k] > self.n[k + 1]:
            return self.pull(k, self.n[k + 1], x=x, theta=theta)
        return self.push(k, self.n[k])

    def multiply(self, rows: int, inner: int, columns: int) -> Number:
        """The cost of one matrix product, at the same rates."""
        product = 2 * rows * inner * columns * RATES["flops"] + rows * columns * RATES["products"]
        return product + inner * (rows + columns) * RATES["operands"] + RATES["product calls"]

    def _pushed(self, k: int) -> tuple[float, float]:
        def push(x: AnyArray, V: AnyArray) -> AnyArray:
            _, linear = jax.linearize(lambda x: self._layers[k].value(x, jnp.zeros(0)), x)
            return jax.vmap(linear, in_axes=1, out_axes=1)(V)

        return self._line(push, k, [(self.n[k], 1), (self.n[k], 2)])

    def _pulled(self, k: int) -> tuple[float, float]:
        def pull(x: AnyArray, U: AnyArray) -> AnyArray:
            _, transposed = jax.vjp(lambda x: self._layers[k].value(x, jnp.zeros(0)), x)
            return jax.vmap(transposed)(U)

        return self._line(pull, k, [(1, self.n[k + 1]), (2, self.n[k + 1])])

    def _line(self, program: Function, k: int, shapes: Sequence[tuple[int, int]]) -> tuple[float, float]:
        """The cost of no seed and of each seed, from the counts of one and two; infinite where JAX refuses the mode."""
        x, *seeds = (jax.ShapeDtypeStruct(shape, self._dtype) for shape in [(self.n[k],), *shapes])  # type: ignore[no-untyped-call]
        found = attempt(lambda: [cost_of(program, x, each).seconds for each in seeds])
        if isinstance(found, Raised):  # whatever a stage raises, the user sees it when the Jacobian is computed
            return math.inf, 0.0
        one, two = found
        seed = max(two - one, 0.0)
        return max(one - seed - RATES["calls"], 0.0), seed  # all stages are one call


def _assembled(J: AnyArray, inputs: StageVector, outputs: StageVector) -> Pytree:
    """The matrix as a pytree like that of jax.jacrev: dtypes are those of the inputs."""
    rows = []
    for y, (real, imaginary) in zip(outputs.leaves, outputs.parts, strict=True):
        row = []
        for x, (columns, _) in zip(inputs.leaves, inputs.parts, strict=True):
            block = J[real, columns] if imaginary is None else J[real, columns] + 1j * J[imaginary, columns]
            row.append(block.reshape(jnp.shape(y) + jnp.shape(x)).astype(jnp.result_type(x)))
        rows.append(jax.tree.unflatten(inputs.tree, row))
    return jax.tree.unflatten(outputs.tree, rows)
