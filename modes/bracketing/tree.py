"""Trees: the brackets in a product of layers.

str(reverse_tree(4))     # '((4·3)·2)·1'
"""

from dataclasses import dataclass
from enum import StrEnum


class How(StrEnum):
    """The operation that joins the two factors of a split."""

    PUSH = "push"
    """The left factor is a single layer, applied as an operator: the right factor is pushed through it."""
    PULL = "pull"
    """The right factor is a single layer, applied as an operator: the left factor is pulled through it."""
    MULTIPLY = "multiply"
    """Both factors are matrices."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single layer, counted from 0."""

    layer: int

    def __str__(self) -> str:
        """The layer's number, counted from 1 as in the formulas."""
        return str(self.layer + 1)


@dataclass(frozen=True, slots=True)
class Split:
    """A product: `left` holds the later layers, `right` the earlier ones, in the order of the product."""

    left: "Tree"
    right: "Tree"
    how: How

    def __str__(self) -> str:
        """The layers in the product's order, with the brackets that matter; [k] is a layer formed and multiplied."""
        written = ""
        rest: list[Tree | str] = [self]
        while rest:  # not recursive, since a tree may be as deep as the chain is long
            part = rest.pop()
            if isinstance(part, Split):
                rest += [*_factor(part.right, part.how), "·", *_factor(part.left, part.how)]
            else:
                written += str(part)
        return written


Tree = Leaf | Split


def _factor(tree: Tree, how: How) -> list[Tree | str]:
    """The text of a factor, from right to left."""
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
