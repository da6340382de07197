"""Trees: the brackets in a product of layers.

str(reverse_tree(4))     # '((4·3)·2)·1'
"""

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """What multiplies the two factors of a split."""

    PUSH = "push"
    """The left factor is a single layer and an operator: the right one is pushed through it."""
    PULL = "pull"
    """The right factor is a single layer and an operator: the left one is pulled through it."""
    MULTIPLY = "multiply"
    """Both are matrices."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single layer, counted from 0."""

    layer: int

    def __str__(self) -> str:
        """Its number, counted from 1 as in the formulas."""
        return str(self.layer + 1)


@dataclass(frozen=True, slots=True)
class Split:
    """A product: `left` are the later layers, `right` the earlier ones, as they stand in the product."""

    left: "Tree"
    right: "Tree"
    how: How

    def __str__(self) -> str:
        """Layers in the order of the product, brackets where they matter, [k] a layer that is formed and multiplied."""
        written = ""
        rest: list[Tree | str] = [self]
        while rest:  # no recursion: a tree may be as deep as the chain is long
            part = rest.pop()
            if isinstance(part, Split):
                rest += [*_factor(part.right, part.how), "·", *_factor(part.left, part.how)]
            else:
                written += str(part)
        return written


Tree = Leaf | Split


def _factor(tree: Tree, how: How) -> list[Tree | str]:
    """How a factor is written, from right to left."""
    if isinstance(tree, Split):
        return [")", tree, "("]
    return [f"[{tree}]" if how is How.MULTIPLY else tree]


def forward_tree(layers: int) -> Tree:
    """The G recursion: l·(…·(3·(2·1)))."""
    tree: Tree = Leaf(0)
    for k in range(1, layers):
        tree = Split(Leaf(k), tree, How.PUSH)
    return tree


def reverse_tree(layers: int) -> Tree:
    """The D recursion: (((l·(l-1))·…)·2)·1."""
    tree: Tree = Leaf(layers - 1)
    for k in reversed(range(layers - 1)):
        tree = Split(tree, Leaf(k), How.PULL)
    return tree
