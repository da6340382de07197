"""Prices of a chain's products, in the form that the search for the cheapest bracketing uses."""

from itertools import repeat

from fwdrev.modes.bracketing.search import Costs
from fwdrev.modes.core.arrays import order
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.cost import Cost, Kind
from fwdrev.modes.core.linear_map import shared_scaling
from fwdrev.modes.core.prices import Number, Prices


class ChainCosts(Costs):
    """The costs of a chain's products at these prices."""

    def __init__(self, chain: Chain, prices: Prices) -> None:
        """Asks the layers' maps for their costs, which do not depend on the point."""
        self.n = [chain.n_in, *(layer.n_out for layer in chain.layers)]
        self.p = [layer.n_params for layer in chain.layers]
        self._prices = prices
        self._maps = [(layer.J_x, layer.J_theta) for layer in chain.linearizations()]
        self._by_columns = [layer.J_x for layer in chain.linearizations(repeat("F"))]
        self._products: dict[tuple[int, int, int], Number] = {}

    def push(self, k: int, q: int) -> Number:
        """The cost of pushing the columns through J_x."""
        J_x = self._by_columns[k] if order(self.n[k + 1], q) == "F" else self._maps[k][0]
        return self._prices.total(J_x.push_cost(q))

    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        """The cost of pulling the rows through J_θ and J_x, with a shared left factor counted once."""
        J_x, J_theta = self._maps[k]
        S, maps = shared_scaling((J_theta if theta else None, J_x if x else None), r)
        return self._prices.total(Cost.all(J.pull_cost(r) for J in (S, *maps) if J is not None and J.n_in))

    def dense(self, k: int, *, x: bool, theta: bool) -> Number:
        """The cost of writing out J_x, J_θ or both."""
        J_x, J_theta = self._maps[k]
        cost = self._prices.total
        return (cost(J_x.dense_cost()) if x else 0) + (cost(J_theta.dense_cost()) if theta else 0)

    def multiply(self, rows: int, inner: int, columns: int) -> Number:
        """A matrix × matrix product; cached, since the same shapes come up often."""
        key = rows, inner, columns
        if key not in self._products:
            self._products[key] = self._prices.total(Cost.product(rows, inner, columns, Kind.PULL))
        return self._products[key]
