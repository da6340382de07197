"""Draws the rooms of the packages and which of them import which, read off the code.

    python docs/import_graph.py

A room is a folder of a package, or a file beside them. An arrow that follows from others is left out: where A imports
B and B imports C, there is none from A to C.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from graphlib import TopologicalSorter
from itertools import pairwise
from math import fsum
from pathlib import Path

__all__ = ["PICTURE", "drawing", "imports", "modules", "rooms"]

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "import-graph.svg"

PACKAGES = {"fwdrev": "#f0f0f0", "plots": "#fbe3d6", "results": "#d9ebf7", "bench": "#d8f0e6", "modes": "#f3ecd0"}
"""From the top of the picture to its ground; `fwdrev` is what stands beside the four: the command, the plugin."""

_TOP, _LEFT, _FLOOR, _BOX, _GAP, _LETTER, _LANE = 6, 90, 46, 26, 16, 7, 10
"""In pixels: the margins, a floor and a room in it, what is between two rooms, a letter, the lane of an arrow."""

_PULL = 0.2
"""To the middle, of a room or lane; an arrow has 1."""

_HEAD = (
    "<title>The rooms of the packages; an arrow leads from a room to one that it imports</title>",
    '<marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">',
    '<path d="M0 0 8 4 0 8z" fill="#555"/></marker>',
)
_LINE = 'fill="none" stroke="#555" marker-end="url(#tip)"'

Graph = Mapping[str, set[str]]
"""Who imports whom."""


def modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    found = {}
    for package in ("fwdrev", "modes", "bench", "results", "plots"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = ("fwdrev", *path.relative_to(ROOT).with_suffix("").parts)
            name = ".".join(parts[1:] if parts[1] == "fwdrev" else parts)
            found[name.removesuffix(".__init__")] = path
    return found


def imports() -> Graph:
    """Which modules each one imports, also inside its functions; not what only a type checker imports."""
    known = modules()
    return {name: set(_imported(name, path, known)) for name, path in known.items()}


def _imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8"))):
        asked = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            asked = [inner if (inner := f"{node.module}.{one}") in known else str(node.module) for one in asked]
        yield from (one for one in asked if one in known and one != name)


def _nodes(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
            yield from _nodes(node)


def rooms() -> Graph:
    """Which rooms each one imports: `modes/core`, `fwdrev/cli`."""
    found: dict[str, set[str]] = {}
    for name, targets in imports().items():
        if name.count("."):  # not the front door, which opens the rooms when something is asked of it
            own = {_room(target) for target in targets if target.count(".")} - {_room(name)}
            found.setdefault(_room(name), set()).update(own)
    return {room: targets for room, targets in found.items() if room not in PACKAGES}


def _room(module: str) -> str:
    """A package's own `__init__` is no room: it holds what the package exports."""
    parts = module.split(".")
    return "/".join(parts[1:3] if parts[1] in PACKAGES else parts[:2])


def _arrows(graph: Graph) -> Graph:
    """Without those that follow from others."""

    @cache
    def below(room: str) -> frozenset[str]:
        return frozenset(graph[room]).union(*map(below, graph[room]))

    return {
        room: {one for one in targets if not any(one in below(other) for other in targets)}
        for room, targets in graph.items()
    }


def _floors(graph: Graph) -> list[list[str]]:
    """The rooms from the top to the ground, package by package; each stands above all that it imports."""
    floors = []
    for package in PACKAGES:
        own = [room for room in TopologicalSorter(graph).static_order() if room.startswith(f"{package}/")]
        height: dict[str, int] = {}
        for room in own:  # what it imports comes first
            height[room] = max((height[target] + 1 for target in graph[room] if target in height), default=0)
        floors += [sorted(r for r in own if height[r] == h) for h in sorted(set(height.values()), reverse=True)]
    return floors


def _with_lanes(floors: list[list[str]], arrows: Graph) -> tuple[list[list[str]], list[list[str]]]:
    """The same with a lane on each floor that an arrow passes; and the ways of all arrows."""
    floors, at = [list(floor) for floor in floors], {room: i for i, floor in enumerate(floors) for room in floor}
    ways = []
    for room, target in sorted((room, target) for room, targets in arrows.items() for target in targets):
        lanes = [f"{room}>{target}>{i}" for i in range(at[room] + 1, at[target])]
        for i, lane in enumerate(lanes, start=at[room] + 1):
            floors[i].append(lane)
        ways.append([room, *lanes, target])
    return floors, ways


def _places(floors: Sequence[Sequence[str]], ways: Sequence[Sequence[str]]) -> dict[str, float]:
    """How far right the middle of each room and lane is: near those that it is tied to, and apart from its floor's."""
    beside: dict[str, list[str]] = {one: [] for floor in floors for one in floor}
    for way in ways:
        for one, other in pairwise(way):
            beside[one].append(other)
            beside[other].append(one)
    x = {one: 60.0 * (i - len(floor) / 2) for floor in floors for i, one in enumerate(floor)}
    for _ in range(100):
        for floor in floors:
            wanted = {one: fsum(x[other] for other in beside[one]) / (len(beside[one]) + _PULL) for one in floor}
            x |= _apart(sorted(floor, key=lambda one: (wanted[one], one)), wanted)
    left = min(x[one] - _width(one) / 2 for one in x)
    return {one: at - left + _LEFT for one, at in x.items()}


def _apart(floor: Sequence[str], wanted: Mapping[str, float]) -> dict[str, float]:
    """From left to right as close to where each is wanted as the others let it; the floor's mean stays."""
    x: dict[str, float] = {}
    end = float("-inf")
    for one in floor:
        x[one] = max(wanted[one], end + _width(one) / 2)
        end = x[one] + _width(one) / 2 + _GAP
    shift = fsum(wanted[one] - x[one] for one in floor) / len(floor)
    return {one: at + shift for one, at in x.items()}


def _width(one: str) -> int:
    return _LANE if ">" in one else 20 + _LETTER * len(one.partition("/")[2])


def drawing() -> str:
    """The picture as SVG: one box for each room, a band behind those of a package."""
    graph = rooms()
    bare = _floors(graph)
    floors, ways = _with_lanes(bare, _arrows(graph))
    x = _places(floors, ways)
    y = {one: _TOP + _FLOOR * i + _FLOOR // 2 for i, floor in enumerate(floors) for one in floor}
    width, height = round(max(x[one] + _width(one) / 2 for one in x)) + 20, _TOP + _FLOOR * len(floors)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
    lines = [f'{head} font-size="12">', *_HEAD, f'<rect width="{width}" height="{height}" fill="white"/>']
    for package, hue in PACKAGES.items():
        own = [y[room] for room in graph if room.startswith(f"{package}/")]
        lines += [_rectangle(6, min(own) - _FLOOR // 2, width - 12, max(own) - min(own) + _FLOOR - 4, hue)]
        lines += [f'<text x="16" y="{min(own) + 4}" font-size="15" font-weight="bold">{package}</text>']
    lines += [f'<path d="{_curve([(x[one], y[one]) for one in way])}" {_LINE}/>' for way in ways]
    for room in sorted(graph):
        across = _width(room)
        lines += [_rectangle(round(x[room] - across / 2), y[room] - _BOX // 2, across, _BOX, "white")]
        lines += [f'<text x="{x[room]:.0f}" y="{y[room] + 4}" text-anchor="middle">{room.partition("/")[2]}</text>']
    return "\n".join([*lines, "</svg>", ""])


def _rectangle(x: int, y: int, width: int, height: int, hue: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{hue}" stroke="#aaa"/>'


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Down from the edge of the first box through the lanes to the edge of the last."""
    (x, y), *rest = points
    way = f"M{x:.0f} {y + _BOX / 2:.0f}"
    y += _BOX / 2
    for number, (u, v) in enumerate(rest, start=1):
        low = v - _BOX / 2 if number == len(rest) else v
        middle = (y + low) / 2
        way += f"C{x:.0f} {middle:.0f} {u:.0f} {middle:.0f} {u:.0f} {low:.0f}"
        x, y = u, low
    return way


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
