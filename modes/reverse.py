"""Reverse mode: the D recursion, through the chain against the order in which it is computed.

    D = I_m;    for k = l … 1:    save D · J_θ L^k as J_{θ^k} f,    D ← D · J_x L^k;    at the end D = J_x f

With one output every product is vector × matrix: this is backpropagation, and each layer's own backward pass is one
turn of the loop.
"""

from fwdrev.modes.arrays import AnyArray, Matrix
from fwdrev.modes.chain import Chain, Wrt
from fwdrev.modes.cost import Cost, EngineCost
from fwdrev.modes.engine import Direction, Engine, Jacobian
from fwdrev.modes.result_pool import ResultPool

__all__ = ["Reverse"]

Rooms = tuple[Matrix, list[Matrix]]
"""The columns of x in the result, and those of θ^1 … θ^l."""


class Reverse(Engine):
    """The D recursion in NumPy: carries m rows back through the chain, which it has to remember."""

    __slots__ = ()

    name = "reverse"
    summary = "the D recursion, save D · J_θ L^k, then D ← D · J_x L^k, in NumPy"
    direction = Direction.REVERSE

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """A workspace per layer, and the places in the result where its blocks are saved."""
        wrt = Wrt(wrt)
        layers, cuts = chain.linearizations(), chain.cuts
        first, backwards = layers[0], range(len(layers) - 1, -1, -1)
        results = ResultPool((chain.n_out, chain.n_columns(wrt)), chain.dtype, lambda J: _split(J, chain, wrt))

        def jacobian(x: AnyArray, theta: AnyArray) -> Matrix:
            x, theta = chain.point(x, theta)
            for layer, cut in zip(layers, cuts, strict=True):
                x = layer.move_to(x, theta[cut])
            result, (x_block, theta_blocks) = results.take()
            D = None  # I_m, which no product needs
            for k in backwards:
                layer = layers[k]
                if wrt.has_theta:  # save D · J_θ L^k
                    layer.J_theta.dense(theta_blocks[k]) if D is None else layer.J_theta.pull(D, theta_blocks[k])
                if layer is not first:  # D ← D · J_x L^k
                    D = layer.J_x.dense() if D is None else layer.J_x.pull(D)
            if wrt.has_x:
                first.J_x.dense(x_block) if D is None else first.J_x.pull(D, x_block)
            return result

        return jacobian

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """Σ_k of pulling the m rows of D through J_θ L^k and through J_x L^k; the first turn only writes these out."""
        wrt = Wrt(wrt)
        m, last, total, peak = chain.n_out, len(chain.layers) - 1, Cost(), 0
        for k, layer in reversed(list(enumerate(chain.linearizations()))):
            wanted = [layer.J_theta] * wrt.has_theta + [layer.J_x] * (k > 0 or wrt.has_x)
            for J in wanted:
                total += J.dense_cost() if k == last else J.pull_cost(m)
            peak = max(peak, m * layer.J_x.n_out + m * layer.J_x.n_in)
        itemsize = chain.dtype.itemsize
        return EngineCost(
            multiply_adds=total.multiply_adds,
            passes=m,
            bytes_moved=total.moved * itemsize,
            peak_bytes=(peak + m * chain.n_columns(wrt)) * itemsize,
        )


def _split(J: Matrix, chain: Chain, wrt: Wrt) -> Rooms:
    """J = ( J_x f │ J_{θ^1} f │ … │ J_{θ^l} f )."""
    n_x = chain.n_in if wrt.has_x else 0
    in_theta = J[:, n_x:]
    return J[:, :n_x], [in_theta[:, cut] for cut in chain.cuts] if wrt.has_theta else []
