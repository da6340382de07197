"""Forward mode: the G recursion, through the chain in the order in which it is computed.

    G^1 = J_θ L^1,    G^k = ( J_x L^k · G^{k-1} │ J_θ L^k ),    J_θ f = G^l

A forum question asks why everyone goes backwards when this recursion is so easy to derive. `g_recursion` is the
textbook form, with k counted from 0; `Forward` is the engine that sweeps measure.
"""

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Matrix, Order, empty, order
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.engines.output_pool import OutputPool


def g_recursion(J_x: Sequence[Matrix], J_theta: Sequence[Matrix]) -> Matrix:
    """J_θ f, (m, P), from the J_x L^k and J_θ L^k of all layers: `g_recursion(*chain.jacobians(x, theta))`."""
    G = J_theta[0]  # G^1 = J_θ L^1
    for k in range(1, len(J_theta)):
        G = np.hstack([J_x[k] @ G, J_theta[k]])  # G^k = ( J_x L^k · G^{k-1} │ J_θ L^k )
    return G


class Forward(Engine):
    """The fast G recursion: it allocates once, writes products in place, and keeps the layers' structure.

    With respect to (x, θ) it starts from J^1 = ( J_x L^1 │ J_θ L^1 ), with respect to x from F^1 = J_x L^1, without
    the columns of θ. All N columns are carried through the chain, and no intermediate state is stored.
    """

    __slots__ = ()

    name = "forward"
    summary = "the G recursion, G^k = ( J_x L^k · G^{k-1} │ J_θ L^k ), in NumPy"
    direction = Direction.FORWARD

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Allocates two buffers that G^1, G^2, … use alternately; G^l is written into the result."""
        wrt = Wrt(wrt)
        old = _columns_before(chain, wrt)
        layers = _linearizations(chain, old)
        orders = _orders(layers)
        buffers = _buffers(chain, wrt, orders)
        steps = list(zip(layers, chain.cuts, strict=True))
        has_x, has_theta = wrt.has_x, wrt.has_theta
        results = OutputPool(lambda: empty(chain.n_out, old[-1], chain.dtype, orders[-1]), lambda J: _split(J, old[-2]))

        def jacobian(x: AnyArray, theta: AnyArray) -> Matrix:
            x, theta = chain.point(x, theta)
            result, whole = results.take()
            G = None
            for (layer, cut), (H, left, right) in zip(steps, (*buffers, whole), strict=True):
                x = layer.move_to(x, theta[cut])
                if G is not None:
                    if left.size:  # nothing before the first θ^k
                        layer.J_x.push(G, left)  # J_x L^k · G^{k-1}
                elif has_x:
                    layer.J_x.dense(left)  # J_x L^1 · I
                if has_theta:
                    layer.J_theta.dense(right)  # │ J_θ L^k
                G = H
            return result

        return jacobian

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """For each layer: G^{k-1} pushed through J_x L^k, and J_θ L^k written out."""
        wrt = Wrt(wrt)
        lines: list[Product] = []
        letter = {Wrt.THETA: "G", Wrt.X: "F", Wrt.BOTH: "J"}[wrt]
        columns = _columns_before(chain, wrt)
        for k, (layer, old) in enumerate(zip(_linearizations(chain, columns), columns, strict=False), 1):
            J_x, J_theta = layer.J_x, layer.J_theta
            if k == 1 and wrt.has_x:
                lines.append(Product(line="J_x L^1", factors=(J_x.shape,), shape=J_x.shape, cost=J_x.dense_cost()))
            elif old:
                factors, line = (J_x.shape, (J_x.n_in, old)), f"J_x L^{k} · {letter}^{k - 1}"
                lines.append(Product(line=line, factors=factors, shape=(J_x.n_out, old), cost=J_x.push_cost(old)))
            if wrt.has_theta and J_theta.n_in:
                shape, cost = J_theta.shape, J_theta.dense_cost()
                lines.append(Product(line=f"J_θ L^{k}", factors=(shape,), shape=shape, cost=cost))
        return lines

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """The sum over all products; at its peak it holds two G^k and the result."""
        wrt = Wrt(wrt)
        return EngineCost.of(
            self.products(chain, wrt),
            passes=chain.n_columns(wrt),
            peak=sum(_scratch_sizes(chain, wrt)) + chain.n_out * chain.n_columns(wrt),
            itemsize=chain.dtype.itemsize,
        )


Buffer = tuple[Matrix, Matrix, Matrix]
"""G^k and its two parts: the columns of G^{k-1}, and the new columns of θ^k."""


def _columns_before(chain: Chain, wrt: Wrt) -> list[int]:
    """The number of columns of G before each layer, and after the last."""
    new = (layer.n_params if wrt.has_theta else 0 for layer in chain.layers)
    return list(accumulate(new, initial=chain.n_in if wrt.has_x else 0))


def _split(H: Matrix, old: int) -> Buffer:
    return H, H[:, :old], H[:, old:]


def _scratch_sizes(chain: Chain, wrt: Wrt) -> tuple[int, int]:
    """The sizes of the largest G^k, k < l, for odd and for even k."""
    columns = _columns_before(chain, wrt)[1:]
    sizes = [layer.n_out * q for layer, q in zip(chain.layers[:-1], columns, strict=False)]
    return max(sizes[::2], default=0), max(sizes[1::2], default=0)


def _linearizations(chain: Chain, columns: Sequence[int]) -> list[Linearization]:
    """Stores a layer's constants by columns where G^k is tall."""
    return chain.linearizations(order(a.n_out, q) for a, q in zip(chain.layers, columns[1:], strict=True))


def _orders(layers: Sequence[Linearization]) -> list[Order]:
    """The memory order of each G^k: the layer's own, or that of the G before it."""
    orders: list[Order] = []
    for layer in layers:
        orders.append(layer.J_x.order or (orders[-1] if orders else "C"))
    return orders


def _buffers(chain: Chain, wrt: Wrt, orders: Sequence[Order]) -> list[Buffer]:
    """The buffers of G^1 … G^{l-1}, in two pieces of memory."""
    scratch = [np.empty(size, chain.dtype) for size in _scratch_sizes(chain, wrt)]
    columns = _columns_before(chain, wrt)
    return [
        _split(empty(layer.n_out, columns[k + 1], chain.dtype, orders[k], scratch[k % 2]), columns[k])
        for k, layer in enumerate(chain.layers[:-1])
    ]
