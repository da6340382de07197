"""Planning: which bracketing of a chain is the cheapest at given prices, and whether it is worth leaving the modes."""

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
"""Layers for which all bracketings are weighed, in a second or so; of a longer chain only forward and reverse are."""

_PURE: dict[Direction, Engine] = {Direction.FORWARD: Forward(), Direction.REVERSE: Reverse()}

_NEEDS = {Wrt.X: Need.X, Wrt.THETA: Need.THETA, Wrt.BOTH: Need.JOINT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do for a Jacobian: FORWARD, REVERSE, or MIXED with a `program`.

    `price`, and those of the two pure modes, are in the unit of the prices that were given; `tree` is None for a chain
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
        """The cheaper one of the two modes."""
        return _PURE[Direction.FORWARD if self.forward < self.reverse else Direction.REVERSE]

    def products(self, chain: Chain) -> list[Product]:
        """Product by product, of the chain that was planned for."""
        if self.program is None:
            return self.pure.products(chain, self.wrt)
        return products_of(self.program, chain.linearizations(self.program.wishes(chain)))

    def cost(self, chain: Chain) -> EngineCost:
        """At its peak the parts, as far as they are alive at the same time, and the result are held."""
        if self.program is None:
            return self.pure.cost(chain, self.wrt)
        return EngineCost.of(
            self.products(chain),
            passes=self.program.passes,
            peak=sum(self.program.memory()) + chain.n_out * chain.n_columns(self.wrt),
            itemsize=chain.dtype.itemsize,
        )


def plan(chain: Chain, wrt: Wrt, prices: Prices) -> Plan:
    """The cheapest tree; forward or reverse where that is as cheap but for the margin of the prices."""
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
    """What engines share that plan: their prices, and the counts of what they planned."""

    prices: Prices = OPERATIONS

    direction = Direction.MIXED

    def priced(self, prices: Prices) -> Engine:
        """The same, planning at these prices."""
        return replace(self, prices=prices)

    def plan(self, chain: Chain, wrt: Wrt | str) -> Plan:
        """The tree, its price, and those of forward and reverse."""
        return plan(chain, Wrt(wrt), self.prices)

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """Those of the tree."""
        return self.plan(chain, wrt).products(chain)

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """All products of the tree; a compiler may do better, and says so in `program_cost`."""
        return self.plan(chain, wrt).cost(chain)
