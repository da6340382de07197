"""The cost of a Jacobian, product by product, for one problem at one size and any engines."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.engines.planner import LONGEST, Planner
from fwdrev.modes.layers.autodiff import AutodiffLayer
from fwdrev.modes.registry import engine
from fwdrev.results.display import aligned

EXPLAINED = ("forward", "reverse", "bracketed")
"""The engines that are explained unless others are named."""

_FORWARD = {
    Wrt.THETA: "G^1 = J_θ L^1;  G^k = ( J_x L^k · G^{k-1} │ J_θ L^k );  J_θ f = G^l",
    Wrt.X: "F^0 = I;  F^k = J_x L^k · F^{k-1};  J_x f = F^l",
    Wrt.BOTH: "J^1 = ( J_x L^1 │ J_θ L^1 );  J^k = ( J_x L^k · J^{k-1} │ J_θ L^k );  J f = J^l",
}
_REVERSE = {
    Wrt.THETA: "D = I;  for k = l … 1:  save D · J_θ L^k;  D ← D · J_x L^k",
    Wrt.X: "D = I;  for k = l … 1:  D ← D · J_x L^k;  J_x f = D",
    Wrt.BOTH: "D = I;  for k = l … 1:  save D · J_θ L^k;  D ← D · J_x L^k;  at the end J_x f = D",
}

_NOTES = {
    r"· S(\^| L)": "S: the diagonal that J_x L^k and J_θ L^k both begin with, applied once for both.",
    r"\(\d+\.\.\d+\)": "X(i..j), Θ(i..j): the Jacobians of layers i to j with respect to their input and parameters.",
    r"\[\d+\]": "[k]: the Jacobian of layer k is written out as a matrix first, and that is multiplied.",
}
"""Signs in a table or a tree, with their meanings."""

_STRUCTURE = "Multiply–adds are exact: a diagonal takes one for each entry of what it scales, known zeros take none."
_TRACED = "Multiply–adds of a layer that JAX traces are half the operations of XLA's analysis, its value included."

_UNIT = " multiply–adds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The products of an engine in order, with their total; for `bracketed` also its brackets."""

    recursion: str
    products: list[Product]
    cost: EngineCost
    itemsize: int
    direction: Direction
    tree: str | None = None
    planned: bool = False

    def to_json(self) -> dict[str, Any]:
        """This record as plain data: totals, then products."""
        products = [
            {
                "line": one.line,
                "factors": [list(shape) for shape in one.factors],
                "shape": list(one.shape),
                "kind": _kind(one),
                "multiply_adds": one.cost.multiply_adds,
                "bytes": self.moved(one),
            }
            for one in self.products
        ]
        return asdict(self.cost) | {"products": products}

    def moved(self, one: Product) -> int:
        """The bytes that a product reads and writes."""
        return one.cost.moved * self.itemsize


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A problem at one size, with the engines' accounts by name."""

    spec: SweepSpec
    problem: Problem
    accounts: Mapping[str, Account]

    def to_json(self) -> dict[str, Any]:
        """This record as plain data: the problem and its engines."""
        engines = {name: account.to_json() for name, account in self.accounts.items()}
        for name, account in self.accounts.items():
            if account.planned:
                engines[name] |= {"tree": account.tree, "direction": account.direction.value}
        spec, chain = self.spec, self.problem.chain
        problem = {
            "name": spec.problem,
            "n": spec.cells[0].n,
            "m": spec.cells[0].m,
            "wrt": spec.wrt.value,
            "dtype": spec.dtype,
            "seed": spec.seed,
            "options": spec.options_made,
            "layers": len(chain.layers),
            "jacobian": [chain.n_out, chain.n_columns(spec.wrt)],
        }
        return {"problem": problem, "engines": engines}


def explain(spec: SweepSpec) -> Explanation:
    """The accounts for the first cell of a specification."""
    problem, wrt = spec.problem_at(spec.cells[0]), spec.wrt
    accounts = {name: _account(name, problem.chain, wrt) for name in spec.engines}
    return Explanation(spec=spec, problem=problem, accounts=accounts)


def _account(name: str, chain: Chain, wrt: Wrt) -> Account:
    """What the engine itself says of its products; of its brackets, if it plans."""
    found, itemsize = engine(name), chain.dtype.itemsize
    if not isinstance(found, Planner):
        recursion = {"forward": _FORWARD[wrt], "reverse": _REVERSE[wrt]}.get(name, found.summary)
        cost, products = found.cost(chain, wrt), found.products(chain, wrt)
        return Account(recursion=recursion, products=products, cost=cost, itemsize=itemsize, direction=found.direction)
    plan = found.plan(chain, wrt)
    tree = None if plan.tree is None else str(plan.tree)
    return Account(
        recursion=_brackets(tree, plan.direction, len(chain.layers)),
        products=plan.products(chain),
        cost=plan.cost(chain),
        itemsize=itemsize,
        direction=plan.direction,
        tree=tree,
        planned=True,
    )


def _brackets(tree: str | None, direction: Direction, layers: int) -> str:
    if tree is None:
        return f"{direction}, the cheaper mode: {layers} layers are too many to weigh all brackets (at most {LONGEST})"
    kind = "mixed, neither of the two modes" if direction is Direction.MIXED else f"{direction}, as above"
    return f"the cheapest brackets are {tree}: {kind}"


def explanation_lines(found: Explanation) -> list[str]:
    """The tables of all engines, with a conclusion."""
    spec, chain = found.spec, found.problem.chain
    of = {Wrt.THETA: "J_θ f", Wrt.X: "J_x f", Wrt.BOTH: "J f = ( J_x f │ J_θ f )"}[spec.wrt]
    size = _size((chain.n_out, chain.n_columns(spec.wrt)))
    title = f"{spec.problem} with n = {spec.cells[0].n} and m = {spec.cells[0].m}, {chain.dtype}"
    lines = [
        f"{title}: a chain of length l = {len(chain.layers)}; {of} is {size}.",
        "J_x L^k and J_θ L^k are the Jacobians of layer k with respect to its input and to its parameters.",
        "",
    ]
    for name, account in found.accounts.items():
        lines += [f"{name}:  {account.recursion}", "", *_table(account), *_notes(account), ""]
    if any(isinstance(layer, AutodiffLayer) for layer in chain.layers):
        return [*lines, _TRACED, _verdict(found)]
    if any(_structured(one) for account in found.accounts.values() for one in account.products):
        lines.append(_STRUCTURE)
    return [*lines, _verdict(found)]


def _table(account: Account) -> list[str]:
    """A row for each product, then the totals."""
    head = ("", "product", "shapes", "", "multiply–adds", "bytes")
    rows = [
        (str(number), one.line, _shapes(one), _kind(one), f"{one.cost.multiply_adds:,}", f"{account.moved(one):,}")
        for number, one in enumerate(account.products, 1)
    ]
    total = ("", "total", "", "", f"{account.cost.multiply_adds:,}", f"{account.cost.bytes_moved:,}")
    peak = ("", "held at once, at most", "", "", "", f"{account.cost.peak_bytes:,}")
    return [f"  {line}" for line in aligned([head, *rows, total, peak], "><<<>>")]


def _notes(account: Account) -> list[str]:
    """The meanings of the signs in the table or the tree."""
    text = "\n".join([account.tree or "", *(one.line for one in account.products)])
    return [f"  {note}" for sign, note in _NOTES.items() if re.search(sign, text)]


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]}×{shape[1]}"


def _shapes(one: Product) -> str:
    factors = " · ".join(map(_size, one.factors))
    return f"{factors} → {_size(one.shape)}" if len(one.factors) > 1 else _size(one.shape)


def _kind(one: Product) -> str:
    if len(one.factors) == 1:
        return "written out"
    if not one.vector:
        return "matrix × matrix"
    return "vector × matrix" if one.shape[0] == 1 else "matrix × vector"


def _structured(one: Product) -> bool:
    """Whether its multiply–adds differ from those of dense matrices of its shapes."""
    (rows, columns), (_, inner) = one.shape, one.factors[0]
    plain = rows * inner * columns if len(one.factors) > 1 else 0
    return one.cost.multiply_adds != plain


def _verdict(found: Explanation) -> str:
    """The engine with the fewest multiply–adds, and its lead."""
    needs = {name: account.cost.multiply_adds for name, account in found.accounts.items()}
    if needs.keys() != set(EXPLAINED):
        return _compared(needs)
    best, direction = needs["bracketed"], found.accounts["bracketed"].direction
    better, other = sorted(("forward", "reverse"), key=needs.__getitem__)
    if direction is Direction.MIXED:
        if needs[better] == needs[other]:
            return f"bracketed needs {fewer(best, needs[better])} than forward or reverse, which need equally many."
        least, most = fewer(best, needs[better]), fewer(best, needs[other]).removesuffix(_UNIT)
        return f"bracketed needs {least} than {better}, the better of the two modes, and {most} than {other}."
    others = "; no other brackets need fewer" if found.accounts["bracketed"].tree is not None else ""
    if needs[better] == needs[other]:
        return f"forward and reverse need equally many multiply–adds{others}."
    return f"{better} needs {fewer(needs[better], needs[other])} than {other}{others}."


def _compared(needs: Mapping[str, int]) -> str:
    """Which of any engines needs the fewest multiply–adds."""
    (name, few), *others = sorted(needs.items(), key=lambda each: each[1])
    if not others:
        return f"{name} needs {few:,}{_UNIT}."
    other, many = others[0]
    return f"{name} needs {f'as many{_UNIT} as' if few == many else f'{fewer(few, many)} than'} {other}."


def fewer(few: int, many: int) -> str:
    """The difference of two counts in words; exact for whole numbers of any size."""
    if few == 0:
        return "no multiply–adds at all, fewer"
    if 2 * many < 3 * few:  # from there on, a factor says more than a percentage
        return f"{100 * (many - few) / many:.2g} % fewer{_UNIT}"
    tenths = (20 * many + few) // (2 * few)
    return f"{tenths // 10:,}.{tenths % 10} times fewer{_UNIT}"
