"""Planning: the cheapest bracketing of a chain at given prices, and whether it pays beside the two pure modes."""

from dataclasses import dataclass, replace
from typing import Any

from fwdrev.modes.bracketing.prices import ChainCosts
from fwdrev.modes.bracketing.program import Program, products_of, program_of
from fwdrev.modes.bracketing.search import Need, best_tree
from fwdrev.modes.bracketing.tree import Tree, forward_tree, reverse_tree
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product
from fwdrev.modes.core.engine import Direction, Engine
from fwdrev.modes.core.prices import OPERATIONS, Number, Prices
from fwdrev.modes.engines.forward import Forward
from fwdrev.modes.engines.reverse import Reverse

LONGEST = 200
"""The longest chain whose bracketings are all compared, in about a second; longer ones get forward or reverse."""

_PURE: dict[Direction, Engine] = {Direction.FORWARD: Forward(), Direction.REVERSE: Reverse()}

_NEEDS = {Wrt.X: Need.X, Wrt.THETA: Need.THETA, Wrt.BOTH: Need.JOINT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan for a Jacobian: FORWARD, REVERSE, or MIXED with a `program`.

    `price` and the prices of the two pure modes are in the unit of the given prices; `tree` is None for a chain
    that is too long to weigh its trees.
    """

    wrt: Wrt
    direction: Direction
    price: Number
    forward: Number
    reverse: Number
    tree: Tree | None
    program: Program | None = None

    @property
    def pure(self) -> Engine:
        """The cheaper of the two pure modes."""
        return _PURE[Direction.FORWARD if self.forward < self.reverse else Direction.REVERSE]

    def products(self, chain: Chain) -> list[Product]:
        """The products of the plan, for the chain that it was made for."""
        if self.program is None:
            return self.pure.products(chain, self.wrt)
        return products_of(self.program, chain.linearizations(self.program.wishes(chain)))

    def cost(self, chain: Chain) -> EngineCost:
        """The cost of the plan; the peak holds the result and the parts that are alive at the same time."""
        if self.program is None:
            return self.pure.cost(chain, self.wrt)
        return EngineCost.of(
            self.products(chain),
            passes=self.program.passes,
            peak=sum(self.program.memory()) + chain.n_out * chain.n_columns(self.wrt),
            itemsize=chain.dtype.itemsize,
        )


def plan(chain: Chain, wrt: Wrt, prices: Prices) -> Plan:
    """The cheapest tree; forward or reverse where one of them is as cheap within the margin of the prices."""
    forward, reverse = (
        prices.jacobian(one.name, one.cost(chain, wrt), one.products(chain, wrt), chain) for one in _PURE.values()
    )
    pure, direction, of = (
        (forward, Direction.FORWARD, forward_tree) if forward < reverse else (reverse, Direction.REVERSE, reverse_tree)
    )
    both: Any = {"wrt": wrt, "forward": forward, "reverse": reverse}
    if len(chain.layers) > LONGEST:
        return Plan(direction=direction, price=pure, tree=None, **both)
    _, tree = best_tree(ChainCosts(chain, prices), _NEEDS[wrt])
    mixed = Plan(direction=Direction.MIXED, price=0, tree=tree, program=program_of(tree, chain, wrt), **both)
    price = prices.jacobian("bracketed", mixed.cost(chain), mixed.products(chain), chain)
    if pure <= price * (1 + prices.margin):
        return Plan(direction=direction, price=pure, tree=of(len(chain.layers)), **both)
    return replace(mixed, price=price)


@dataclass(frozen=True, slots=True)
class Planner(Engine):
    """The base of engines that plan: their prices, and the counts of their plans."""

    prices: Prices = OPERATIONS

    direction = Direction.MIXED

    def priced(self, prices: Prices) -> Engine:
        """This engine with plans made at these prices."""
        return replace(self, prices=prices)

    def plan(self, chain: Chain, wrt: Wrt | str) -> Plan:
        """The plan: the tree, its price, and the prices of forward and reverse."""
        return plan(chain, Wrt(wrt), self.prices)

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """The products of the plan."""
        return self.plan(chain, wrt).products(chain)

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """The sum over the products of the plan; a compiler may do better, which `program_cost` shows."""
        return self.plan(chain, wrt).cost(chain)
