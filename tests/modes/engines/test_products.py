"""The engines' description of their work, product by product, with its cost, for chains small enough to check."""

from collections.abc import Sequence

import numpy as np
import pytest

from fwdrev.modes import Chain, Driven, Wrt, engine, problem
from fwdrev.modes.core.cost import EngineCost, Operation, Product
from fwdrev.modes.core.prices import OPERATIONS, Number, Prices
from fwdrev.modes.engines import planner
from fwdrev.modes.engines.planner import plan


def chain(*sizes: tuple[int, int, int], dtype: str = "float32") -> Chain:
    """A chain of layers with these outputs, inputs and parameters; J_x and J_θ share the diagonal S on the left."""
    draw = np.random.default_rng(0).standard_normal
    layers = (Driven(*(draw(s).astype(dtype) for s in ((m, n), (m, p), (m,)))) for m, n, p in sizes)
    return Chain(tuple(layers), np.dtype(dtype))


def told(product: Product) -> str:
    """One line: the formula, the shapes, the array operations (rows × inner × columns)."""
    operations = [f"{o.kind}{' fresh' * o.fresh} {o.rows}×{o.inner}×{o.columns}" for o in product.cost.operations]
    factors = " · ".join(f"{a}×{b}" for a, b in product.factors)
    return f"{product.line}: {factors} → {product.shape[0]}×{product.shape[1]}: {', '.join(operations)}"


PRODUCTS: Sequence[tuple[str, str, tuple[int, int, int, int], list[str]]] = [
    (
        "forward",
        "theta",
        (39, 6, 328, 76),
        [
            "J_θ L^1: 3×1 → 3×1: scale rows 3×1×1",
            "J_x L^2 · G^1: 4×3 · 3×1 → 4×1: push 4×3×1, scale rows 4×1×1",
            "J_x L^3 · G^2: 2×4 · 4×1 → 2×1: pull 2×4×1, scale rows 2×1×1",
            "J_θ L^3: 2×5 → 2×5: scale rows 2×1×5",
        ],
    ),
    (
        "forward",
        "x",
        (58, 2, 364, 72),
        [
            "J_x L^1: 3×2 → 3×2: scale rows 3×1×2",
            "J_x L^2 · F^1: 4×3 · 3×2 → 4×2: push 4×3×2, scale rows 4×1×2",
            "J_x L^3 · F^2: 2×4 · 4×2 → 2×2: pull 2×4×2, scale rows 2×1×2",
        ],
    ),
    (
        "forward",
        "both",
        (97, 8, 588, 148),
        [
            "J_x L^1: 3×2 → 3×2: scale rows 3×1×2",
            "J_θ L^1: 3×1 → 3×1: scale rows 3×1×1",
            "J_x L^2 · J^1: 4×3 · 3×3 → 4×3: push 4×3×3, scale rows 4×1×3",
            "J_x L^3 · J^2: 2×4 · 4×3 → 2×3: pull 2×4×3, scale rows 2×1×3",
            "J_θ L^3: 2×5 → 2×5: scale rows 2×1×5",
        ],
    ),
    (
        "reverse",
        "theta",
        (59, 2, 424, 112),
        [
            "J_θ L^3: 2×5 → 2×5: scale rows 2×1×5",
            "J_x L^3: 2×4 → 2×4: scale rows 2×1×4",
            "D · S^2: 2×4 · 4×4 → 2×4: scale columns 2×1×4",
            "D · J_x L^2: 2×4 · 4×3 → 2×3: pull fresh 2×4×3",
            "D · J_θ L^1: 2×3 · 3×1 → 2×1: scale rows 3×1×1, pull 2×3×1",
        ],
    ),
    (
        "reverse",
        "x",
        (58, 2, 380, 80),
        [
            "J_x L^3: 2×4 → 2×4: scale rows 2×1×4",
            "D · S^2: 2×4 · 4×4 → 2×4: scale columns 2×1×4",
            "D · J_x L^2: 2×4 · 4×3 → 2×3: pull fresh 2×4×3",
            "D · S^1: 2×3 · 3×3 → 2×3: scale columns 2×1×3",
            "D · J_x L^1: 2×3 · 3×2 → 2×2: pull 2×3×2",
        ],
    ),
    (
        "reverse",
        "both",
        (74, 2, 512, 128),
        [
            "J_θ L^3: 2×5 → 2×5: scale rows 2×1×5",
            "J_x L^3: 2×4 → 2×4: scale rows 2×1×4",
            "D · S^2: 2×4 · 4×4 → 2×4: scale columns 2×1×4",
            "D · J_x L^2: 2×4 · 4×3 → 2×3: pull fresh 2×4×3",
            "D · S^1: 2×3 · 3×3 → 2×3: scale columns 2×1×3",
            "D · J_θ L^1: 2×3 · 3×1 → 2×1: pull 2×3×1",
            "D · J_x L^1: 2×3 · 3×2 → 2×2: pull 2×3×2",
        ],
    ),
    (
        "jax-jvp",
        "x",
        (70, 2, 464, 48),
        [
            "J_x L^1 · V: 3×2 · 2×2 → 3×2: pull 3×2×2, scale rows 3×1×2",
            "J_x L^2 · V: 4×3 · 3×2 → 4×2: pull 4×3×2, scale rows 4×1×2",
            "J_x L^3 · V: 2×4 · 4×2 → 2×2: pull 2×4×2, scale rows 2×1×2",
        ],
    ),
    (
        "jax-jvp",
        "both",
        (424, 8, 2428, 320),
        [
            "J_x L^1 · V: 3×2 · 2×8 → 3×8: pull 3×2×8, scale rows 3×1×8",
            "J_θ L^1 · V: 3×1 · 1×8 → 3×8: pull 3×1×8, scale rows 3×1×8",
            "J_x L^2 · V: 4×3 · 3×8 → 4×8: pull 4×3×8, scale rows 4×1×8",
            "J_x L^3 · V: 2×4 · 4×8 → 2×8: pull 2×4×8, scale rows 2×1×8",
            "J_θ L^3 · V: 2×5 · 5×8 → 2×8: pull 2×5×8, scale rows 2×1×8",
        ],
    ),
    (
        "jax-vjp",
        "theta",
        (88, 2, 588, 80),
        [
            "U · J_θ L^3: 2×2 · 2×5 → 2×5: scale columns 2×1×2, pull 2×2×5",
            "U · J_x L^3: 2×2 · 2×4 → 2×4: scale columns 2×1×2, pull 2×2×4",
            "U · J_x L^2: 2×4 · 4×3 → 2×3: scale columns 2×1×4, pull 2×4×3",
            "U · J_θ L^1: 2×3 · 3×1 → 2×1: scale rows 2×1×1, pull 2×3×1",
        ],
    ),
    (
        "jax-vjp",
        "x",
        (70, 2, 464, 48),
        [
            "U · J_x L^3: 2×2 · 2×4 → 2×4: scale columns 2×1×2, pull 2×2×4",
            "U · J_x L^2: 2×4 · 4×3 → 2×3: scale columns 2×1×4, pull 2×4×3",
            "U · J_x L^1: 2×3 · 3×2 → 2×2: scale columns 2×1×3, pull 2×3×2",
        ],
    ),
    (
        "jax-vjp",
        "both",
        (106, 2, 724, 96),
        [
            "U · J_θ L^3: 2×2 · 2×5 → 2×5: scale columns 2×1×2, pull 2×2×5",
            "U · J_x L^3: 2×2 · 2×4 → 2×4: scale columns 2×1×2, pull 2×2×4",
            "U · J_x L^2: 2×4 · 4×3 → 2×3: scale columns 2×1×4, pull 2×4×3",
            "U · J_θ L^1: 2×3 · 3×1 → 2×1: scale rows 2×1×1, pull 2×3×1",
            "U · J_x L^1: 2×3 · 3×2 → 2×2: scale columns 2×1×3, pull 2×3×2",
        ],
    ),
]
"""Engine, wrt; multiply–adds, passes, bytes moved and at the peak; every product."""


@pytest.mark.parametrize(("name", "wrt", "counts", "lines"), PRODUCTS, ids=str)
def test_products_of_three_layers(name: str, wrt: str, counts: tuple[int, int, int, int], lines: list[str]) -> None:
    """The layers have three, four and two outputs, and two inputs; the second one has no parameters, so no line."""
    three = chain((3, 2, 1), (4, 3, 0), (2, 4, 5))
    assert [told(product) for product in engine(name).products(three, wrt)] == lines
    multiply_adds, passes, moved, peak = counts
    assert engine(name).cost(three, wrt) == EngineCost(
        multiply_adds=multiply_adds, passes=passes, bytes_moved=moved, peak_bytes=peak
    )


def test_nothing_is_multiplied_for_parameters_that_are_not_there() -> None:
    """With respect to θ, the layers before the first parameters are not multiplied either."""
    none, late = chain((3, 2, 0), (2, 3, 0)), chain((3, 2, 0), (4, 3, 2), (2, 4, 0))
    lines = {
        "forward": ["J_θ L^2", "J_x L^3 · G^2"],
        "reverse": ["J_x L^3", "D · S^2", "D · J_θ L^2"],
        "jax-jvp": ["J_x L^2 · V", "J_θ L^2 · V", "J_x L^3 · V"],
        "jax-vjp": ["U · J_x L^3", "U · J_θ L^2", "U · J_x L^2"],
    }
    for name, expected in lines.items():
        assert [product.line for product in engine(name).products(late, "theta")] == expected
        if name != "jax-vjp":  # which pulls through every layer but the first in any case
            assert engine(name).cost(none, "theta").multiply_adds == 0


def test_the_noop_engine_holds_zeros() -> None:
    """The engine does nothing else, so it has neither products nor passes."""
    three = chain((3, 2, 1), (4, 3, 0), (2, 4, 5))
    assert engine("null").cost(three, "both") == EngineCost(multiply_adds=0, passes=0, bytes_moved=0, peak_bytes=64)
    J = engine("null").prepare(three, "both")(np.ones(2), np.ones(6))
    assert (J.shape, J.dtype.name, J.any()) == ((2, 8), "float32", False)


WAIST = problem("autoencoder", n=6, m=6, hidden=4, waist=1).chain


def test_a_plan_of_mixed_mode() -> None:
    """Through a waist of one, neither mode is best: the plan has the tree, all prices, its products and its cost."""
    found = plan(WAIST, Wrt.X, OPERATIONS)
    assert (found.wrt, found.direction, str(found.tree)) == (Wrt.X, "mixed", "(7·(6·(5·4)))·((3·2)·1)")
    assert (found.price, found.forward, found.reverse) == (96, 246, 246)
    assert [told(product) for product in found.products(WAIST)] == [
        "J_x L^4: 1×1 → 1×1: copy 1×1×1",
        "J_x L^5 · J_x L^4: 4×1 · 1×1 → 4×1: pull 4×1×1",
        "J_x L^6 · X(4..5): 4×4 · 4×1 → 4×1: scale rows 4×1×1",
        "J_x L^7 · X(4..6): 6×4 · 4×1 → 6×1: pull 6×4×1",
        "J_x L^3: 1×4 → 1×4: copy 1×1×4",
        "J_x L^3 · J_x L^2: 1×4 · 4×4 → 1×4: scale columns 1×1×4",
        "X(2..3) · J_x L^1: 1×4 · 4×6 → 1×6: pull 1×4×6",
        "X(4..7) · X(1..3): 6×1 · 1×6 → 6×6: pull 6×1×6",
    ]
    assert found.cost(WAIST) == EngineCost(multiply_adds=96, passes=2, bytes_moved=1272, peak_bytes=416)
    assert engine("bracketed").cost(WAIST, "x") == found.cost(WAIST)
    assert found.products(WAIST) == engine("jax-bracketed").products(WAIST, "x")


@pytest.mark.parametrize(("wrt", "price", "forward", "reverse"), [("theta", 280, 1537, 294), ("both", 364, 1783, 438)])
def test_prices_of_a_plan(wrt: str, price: int, forward: int, reverse: int) -> None:
    """The prices of a plan are those of the whole Jacobian, as `cost` counts them."""
    found = plan(WAIST, Wrt(wrt), OPERATIONS)
    assert (found.price, found.forward, found.reverse) == (price, forward, reverse)
    assert found.price == found.cost(WAIST).multiply_adds
    assert [engine(name).cost(WAIST, wrt).multiply_adds for name in ("forward", "reverse")] == [forward, reverse]
    assert found.pure.name == "reverse"


class Sure(Prices):
    """A price in multiply–adds with a margin that a plan has to save."""

    unit = "multiply–adds"
    margin = 0.0

    def of(self, operation: Operation) -> Number:
        """The multiply–adds of a cost."""
        return operation.multiply_adds


@pytest.mark.parametrize(("margin", "direction"), [(1.5, "mixed"), (1.5625, "reverse"), (2.0, "reverse")])
def test_a_pure_mode_that_is_as_cheap_but_for_the_margin_is_taken(
    monkeypatch: pytest.MonkeyPatch, margin: float, direction: str
) -> None:
    """Reverse takes 246 multiply–adds here, the best tree 96: reverse costs 1.5625 times more."""
    monkeypatch.setattr(Sure, "margin", margin)
    found = plan(WAIST, Wrt.X, Sure())
    assert found.direction == direction
    assert (found.program is None, found.price) == ((False, 96) if direction == "mixed" else (True, 246))
    if direction == "reverse":
        assert str(found.tree) == "(((((7·6)·5)·4)·3)·2)·1"
        assert found.cost(WAIST) == engine("reverse").cost(WAIST, "x")
        assert found.products(WAIST) == engine("reverse").products(WAIST, "x")
    assert engine("bracketed").priced(Sure()).cost(WAIST, "x") == found.cost(WAIST)


def test_chains_that_are_too_long_have_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the longest chain, the cheaper of the two modes is taken."""
    monkeypatch.setattr(planner, "LONGEST", 7)
    assert plan(WAIST, Wrt.X, OPERATIONS).tree is not None
    monkeypatch.setattr(planner, "LONGEST", 6)
    for wrt, direction, price in ((Wrt.X, "reverse", 246), (Wrt.THETA, "reverse", 294)):
        found = plan(WAIST, wrt, OPERATIONS)
        assert (found.tree, found.program, found.direction, found.price) == (None, None, direction, price)
    tall = chain((9, 2, 0), (9, 9, 0), (9, 9, 0), (9, 9, 0), (9, 9, 0), (9, 9, 0), (9, 9, 0))
    found = plan(tall, Wrt.X, OPERATIONS)
    assert (found.direction, found.price, found.pure.name) == ("forward", found.forward, "forward")
    assert found.forward < found.reverse
