"""Reverse mode: the D recursion, through the chain against the order in which it is computed.

    D = I_m;    for k = l … 1:    save D · J_θ L^k as J_{θ^k} f,    D ← D · J_x L^k;    at the end D = J_x f

This is the usual answer to the forum question: with one output, every product is vector × matrix (backpropagation), and
each layer's own backward pass is one turn of the loop. `d_recursion` is the textbook form, with k counted from
0; `Reverse` is the engine that sweeps measure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Matrix
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.core.linear_map import LinearMap, shared_scaling
from fwdrev.modes.engines.output_pool import OutputPool


def d_recursion(J_x: Sequence[Matrix], J_theta: Sequence[Matrix]) -> tuple[Matrix, Matrix]:
    """J_x f, (m, n_1), and J_θ f, (m, P), from the layers' Jacobians: `d_recursion(*chain.jacobians(x, theta))`."""
    D = np.eye(len(J_x[-1]))  # D = I_m
    saved: list[Matrix] = []
    for k in reversed(range(len(J_x))):
        saved.append(D @ J_theta[k])  # save D · J_θ L^k as J_{θ^k} f
        D = D @ J_x[k]  # D ← D · J_x L^k
    return D, np.hstack(saved[::-1])


class Reverse(Engine):
    """The fast D recursion: it allocates once, writes products in place, and keeps the layers' structure.

    It carries the m rows of D back through the chain, and keeps all linearizations until then.
    """

    __slots__ = ()

    name = "reverse"
    summary = "the D recursion, save D · J_θ L^k, then D ← D · J_x L^k, in NumPy"
    direction = Direction.REVERSE

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Allocates a workspace for each layer; each call saves the blocks into the result."""
        wrt = Wrt(wrt)
        layers = chain.linearizations()
        steps = list(zip(layers, chain.cuts, strict=True))
        unplaced = _turns(layers, wrt, chain.n_out)
        shape = chain.n_out, chain.n_columns(wrt)
        results = OutputPool(lambda: np.empty(shape, chain.dtype), lambda J: _placed(unplaced, J, chain, wrt))

        def jacobian(x: AnyArray, theta: AnyArray) -> Matrix:
            x, theta = chain.point(x, theta)
            for layer, cut in steps:
                x = layer.move_to(x, theta[cut])
            result, turns = results.take()
            D: Matrix | None = None  # I_m: the first turn has nothing to multiply
            for turn in turns:
                if turn.S is not None and D is not None:
                    D = turn.S.pull(D)  # the factor that J_θ L^k and J_x L^k share on the left
                J_theta, J_x = turn.J_theta, turn.J_x
                if J_theta is not None:  # save D · J_θ L^k
                    J_theta.dense(turn.theta_block) if D is None else J_theta.pull(D, turn.theta_block)
                if J_x is not None:  # D ← D · J_x L^k
                    D = J_x.dense(turn.x_block) if D is None else J_x.pull(D, turn.x_block)
            return result

        return jacobian

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """For k = l … 1: the m rows of D pulled through J_θ L^k and J_x L^k; the first turn only writes these out."""
        wrt, m = Wrt(wrt), chain.n_out
        lines: list[Product] = []
        last = len(chain.layers)
        for k, turn in zip(range(last, 0, -1), _turns(chain.linearizations(), wrt, m), strict=False):
            for J, name in ((turn.S, f"S^{k}"), (turn.J_theta, f"J_θ L^{k}"), (turn.J_x, f"J_x L^{k}")):
                if J is None or not J.n_in:
                    continue
                if k == last:
                    lines.append(Product(line=name, factors=(J.shape,), shape=J.shape, cost=J.dense_cost()))
                else:
                    factors, cost = ((m, J.n_out), J.shape), J.pull_cost(m)
                    cost = cost.fresh if J is turn.J_x and k > 1 else cost
                    lines.append(Product(line=f"D · {name}", factors=factors, shape=(m, J.n_in), cost=cost))
        return lines

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """The sum over all products; the peak holds D, D · S or the next D, and the result. I_m is never formed."""
        wrt, m = Wrt(wrt), chain.n_out
        widest = max((layer.n_out + max(layer.n_in, layer.n_out) for layer in chain.layers[:-1]), default=0)
        return EngineCost.of(
            self.products(chain, wrt), passes=m, peak=m * (widest + chain.n_columns(wrt)), itemsize=chain.dtype.itemsize
        )


@dataclass(frozen=True, slots=True)
class _Turn:
    """One turn of the loop: the maps for D, and the places of the results; None where a product is not needed."""

    S: LinearMap | None
    """The diagonal factor that J_θ L^k and J_x L^k share on the left."""
    J_theta: LinearMap | None
    J_x: LinearMap | None
    theta_block: Matrix | None = None
    """The columns of θ^k in the result, (m, p_k)."""
    x_block: Matrix | None = None
    """The columns of x in the result, which take the last D."""


def _turns(layers: Sequence[Linearization], wrt: Wrt, m: int) -> list[_Turn]:
    """The turns for k = l … 1, or down to the first layer with parameters if x is not asked for, without places."""
    first = 0 if wrt.has_x else next((k for k, layer in enumerate(layers) if layer.J_theta.n_in), len(layers))
    turns: list[_Turn] = []
    for k in reversed(range(first, len(layers))):
        J_theta = layers[k].J_theta if wrt.has_theta else None
        J_x = layers[k].J_x if k > first or wrt.has_x else None
        S, (J_theta, J_x) = shared_scaling((J_theta, J_x), m) if turns else (None, (J_theta, J_x))
        turns.append(_Turn(S, J_theta, J_x))
    return turns


def _placed(turns: Sequence[_Turn], J: Matrix, chain: Chain, wrt: Wrt) -> list[_Turn]:
    """The turns with their places in J = ( J_x f │ J_{θ^1} f │ … │ J_{θ^l} f )."""
    n_x = chain.n_in if wrt.has_x else 0
    placed: list[_Turn] = []
    for k, turn in zip(reversed(range(len(chain.layers))), turns, strict=False):
        theta_block = J[:, n_x:][:, chain.cuts[k]] if wrt.has_theta else None
        x_block = J[:, :n_x] if wrt.has_x and k == 0 else None
        placed.append(replace(turn, theta_block=theta_block, x_block=x_block))
    return placed
