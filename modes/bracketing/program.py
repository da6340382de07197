"""Programs: a bracketing as an ordered list of products, with the place that each one writes to.

Results lie in blocks (columns) of buffers; buffer 0 is the result, ( J_x f │ J_θ f ). A product that can be written
to its place in the result goes there. NumPy and JAX execute the same program; its cost is counted from it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from fwdrev.modes.bracketing.tree import How, Leaf, Tree
from fwdrev.modes.core.arrays import Order, order
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import Cost, Kind, Product
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.core.linear_map import Diagonal, LinearMap, shared_scaling


@dataclass(frozen=True, slots=True)
class Block:
    """Columns start … stop-1 of a buffer, and `name`, the formula of what they hold."""

    buffer: int
    start: int
    stop: int
    name: str

    @property
    def width(self) -> int:
        """The number of columns."""
        return self.stop - self.start

    def part(self, start: int, stop: int) -> "Block":
        """A block of some of these columns, counted from the start of this block."""
        return Block(self.buffer, self.start + start, self.start + stop, self.name)


@dataclass(frozen=True, slots=True)
class Dense:
    """Write out J_x (or J_θ, if `theta`) of a layer, counted from 0."""

    layer: int
    theta: bool
    out: Block


@dataclass(frozen=True, slots=True)
class Push:
    """out = J_x L^layer · source."""

    layer: int
    source: Block
    out: Block


@dataclass(frozen=True, slots=True)
class Pull:
    """theta = source · J_θ L^layer and x = source · J_x L^layer, whichever is wanted."""

    layer: int
    source: Block
    x: Block | None
    theta: Block | None


@dataclass(frozen=True, slots=True)
class Multiply:
    """out = left · right."""

    left: Block
    right: Block
    out: Block


Instruction = Dense | Push | Pull | Multiply


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions, and the shape (rows, columns) of each buffer they use."""

    instructions: Sequence[Instruction]
    buffers: Sequence[tuple[int, int]]

    @property
    def passes(self) -> int:
        """The most tangents pushed at once, and the most cotangents pulled at once."""
        tangents = max((one.source.width for one in self.instructions if isinstance(one, Push)), default=0)
        pulls = (self.buffers[one.source.buffer][0] for one in self.instructions if isinstance(one, Pull))
        return tangents + max(pulls, default=0)

    def wishes(self, chain: Chain) -> list[Order]:
        """The order in which each layer should store its constants: by columns if the pushed matrix is tall."""
        wishes: list[Order] = ["C"] * len(chain.layers)
        for one in self.instructions:
            if isinstance(one, Push):
                wishes[one.layer] = order(*self.buffers[one.out.buffer])
        return wishes

    def slots(self) -> list[int]:
        """Assigns each buffer, except the result, to a piece of memory that no live buffer uses."""
        last = {block.buffer: at for at, one in enumerate(self.instructions) for block in _blocks(one)}
        slots, free_at = [-1] * len(self.buffers), list[int]()
        for at, one in enumerate(self.instructions):
            for block in _blocks(one):
                if block.buffer and slots[block.buffer] < 0:
                    slot = next((s for s, until in enumerate(free_at) if until < at), len(free_at))
                    free_at[slot : slot + 1] = [last[block.buffer]]
                    slots[block.buffer] = slot
        return slots

    def memory(self) -> list[int]:
        """The size of each piece of memory, in entries."""
        slots, sizes = self.slots(), dict[int, int]()
        for (rows, columns), slot in zip(self.buffers, slots, strict=True):
            if slot >= 0:
                sizes[slot] = max(sizes.get(slot, 0), rows * columns)
        return [sizes[slot] for slot in sorted(sizes)]


def program_of(tree: Tree, chain: Chain, wrt: Wrt) -> Program:
    """The program that executes a bracketing of a whole chain."""
    n_x, n_theta = wrt.has_x * chain.n_in, wrt.has_theta * chain.n_params
    writer = _Writer(chain)
    whole = writer.new(chain.n_out, n_x + n_theta, "J f")
    x = whole.part(0, n_x) if n_x else None
    theta = whole.part(n_x, n_x + n_theta) if n_theta else None
    if x is not None or theta is not None:
        writer.write(tree, 0, len(chain.layers), x, theta)
    return Program(tuple(writer.instructions), tuple(writer.buffers))


class _Writer:
    """Emits instructions. Segments are half-open, [i, j), with layers from 0; a place of None means not wanted."""

    def __init__(self, chain: Chain) -> None:
        self._sizes = [chain.n_in, *(layer.n_out for layer in chain.layers)]
        self._before = list(accumulate((layer.n_params for layer in chain.layers), initial=0))
        self.instructions: list[Instruction] = []
        self.buffers: list[tuple[int, int]] = []

    def new(self, rows: int, columns: int, name: str) -> Block:
        """Makes a new buffer and returns the block of all its columns."""
        self.buffers.append((rows, columns))
        return Block(len(self.buffers) - 1, 0, columns, name)

    def write(self, tree: Tree, i: int, j: int, x: Block | None, theta: Block | None) -> None:
        """Emits the instructions that compute X(i..j) and Θ(i..j) into these places."""
        if isinstance(tree, Leaf):
            dense = ((x, False), (theta, True))
            self.instructions += [Dense(i, is_theta, out) for out, is_theta in dense if out is not None]
            return
        k = _first_layer(tree.left)
        own = self._before[k] - self._before[i]
        old, new = (None, None) if theta is None else (theta.part(0, own), theta.part(own, theta.width))
        old, new = (block if block is not None and block.width else None for block in (old, new))
        if x is None and old is None:
            self.write(tree.left, k, j, None, new)  # no parameters in the right factor, nothing to multiply
        elif tree.how is How.PUSH:
            self.instructions += [Push(k, source, out) for source, out in self._right(tree.right, i, k, x, old)]
            self.instructions += [Dense(k, theta=True, out=new)] if new is not None else []
        elif tree.how is How.PULL:
            self.instructions.append(Pull(i, self._left(tree.left, k, j, new), x, old))
        else:
            left = self._left(tree.left, k, j, new)
            pairs = self._right(tree.right, i, k, x, old)
            self.instructions += [Multiply(left, source, out) for source, out in pairs]

    def _left(self, tree: Tree, k: int, j: int, theta: Block | None) -> Block:
        """Computes the left factor into its own buffer, and its Θ into the given place."""
        X = self.new(self._sizes[j], self._sizes[k], _name("X", k, j))
        self.write(tree, k, j, X, theta)
        return X

    def _right(self, tree: Tree, i: int, k: int, x: Block | None, theta: Block | None) -> list[tuple[Block, Block]]:
        """Computes the right factor into its own buffer; returns which columns go where, ideally all to one place."""
        widths = [0 if out is None else out.width for out in (x, theta)]
        letters = "│".join(letter for letter, out in (("X", x), ("Θ", theta)) if out is not None)
        whole = self.new(self._sizes[k], sum(widths), _name(letters, i, k))
        X = None if x is None else Block(whole.buffer, 0, widths[0], _name("X", i, k))
        Theta = None if theta is None else Block(whole.buffer, widths[0], sum(widths), _name("Θ", i, k))
        self.write(tree, i, k, X, Theta)
        if x is not None and theta is not None and (x.buffer, x.stop) == (theta.buffer, theta.start):
            return [(whole, Block(x.buffer, x.start, theta.stop, ""))]
        return [(source, out) for source, out in ((X, x), (Theta, theta)) if source is not None and out is not None]


def _first_layer(tree: Tree) -> int:
    while not isinstance(tree, Leaf):
        tree = tree.right
    return tree.layer


def _name(letters: str, i: int, j: int) -> str:
    """The formula of a segment, with layers counted from 1: `X(2..4)`, or `J_x L^3` for a single layer."""
    if j - i > 1:
        return f"{letters if len(letters) == 1 else f'({letters})'}({i + 1}..{j})"
    single = "│".join({"X": "J_x", "Θ": "J_θ"}[letter] for letter in letters.split("│"))
    return f"{single if len(letters) == 1 else f'({single})'} L^{i + 1}"


def _blocks(one: Instruction) -> list[Block]:
    """The blocks that an instruction reads or writes."""
    match one:
        case Dense(out=out):
            return [out]
        case Push(source=source, out=out):
            return [source, out]
        case Pull(source=source, x=x, theta=theta):
            return [block for block in (source, x, theta) if block is not None]
        case Multiply(left=left, right=right, out=out):
            return [left, right, out]


def products_of(program: Program, layers: Sequence[Linearization]) -> list[Product]:
    """The cost of the instructions, one line for each product."""
    return [line for one in program.instructions for line in _lines(one, program, layers)]


def _lines(one: Instruction, program: Program, layers: Sequence[Linearization]) -> Iterator[Product]:
    match one:
        case Dense(layer=k, theta=theta):
            J, name = (layers[k].J_theta, "J_θ") if theta else (layers[k].J_x, "J_x")
            yield Product(line=f"{name} L^{k + 1}", factors=(J.shape,), shape=J.shape, cost=J.dense_cost())
        case Push(layer=k, source=V):
            J = layers[k].J_x
            factors, shape = (J.shape, (J.n_in, V.width)), (J.n_out, V.width)
            yield Product(line=f"J_x L^{k + 1} · {V.name}", factors=factors, shape=shape, cost=J.push_cost(V.width))
        case Pull(layer=k, source=U):
            r = program.buffers[U.buffer][0]
            S, maps = pulled_maps(one, layers, r)
            for name, map_ in zip(("S^", "J_θ L^", "J_x L^"), (S, *maps), strict=True):
                if map_ is not None:
                    line, factors = f"{U.name} · {name}{k + 1}", ((r, map_.n_out), map_.shape)
                    yield Product(line=line, factors=factors, shape=(r, map_.n_in), cost=map_.pull_cost(r))
        case Multiply(left=U, right=V):
            rows, inner = program.buffers[U.buffer]
            factors, shape = ((rows, inner), (inner, V.width)), (rows, V.width)
            cost = Cost.product(rows, inner, V.width, Kind.PULL)
            yield Product(line=f"{U.name} · {V.name}", factors=factors, shape=shape, cost=cost)


def pulled_maps(
    one: Pull, layers: Sequence[Linearization], r: int
) -> tuple[Diagonal | None, Sequence[LinearMap | None]]:
    """The diagonal that J_θ and J_x share on the left, if splitting it off pays; then the two maps, if wanted."""
    layer = layers[one.layer]
    return shared_scaling((None if one.theta is None else layer.J_theta, None if one.x is None else layer.J_x), r)
