"""A synthetic hand of the structure of ADBench's: 22 bones, a skin of triangles, weights that bind skin to bones.

The bones are the wrist, four for each finger (thumb first) and the forearm. A position is an affine map, (3, 4): a
rotation and, in the last column, a shift.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fwdrev.modes.problems.sampling import Rng

FINGERS = 5
BONES = 22
_PARENTS = (-1, *(0 if bone % 4 == 1 else bone - 1 for bone in range(1, 21)), 0)
_RING = 8
_ALONG = (0.15, 0.5, 0.85)
"""Each bone wears three rings of eight vertices, at these shares of its length."""

_OWN = (0.6, 0.9, 1.0)
"""The weight with which each ring follows its own bone; the rest follows the parent bone."""

_LENGTHS = (0.3, *(0.8, 0.45, 0.3, 0.2) * FINGERS, 2.0)
"""The lengths of the bones, in decimetres."""

_SPREAD = (0.7, 0.3, 0.05, -0.2, -0.45)
"""The angles between the fingers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hand:
    """The bones at rest and the skin on them.

    `relative` is each bone's position seen from its parent; `undo` maps the skin's coordinates to the bone's.
    """

    relative: Float[np.ndarray, "22 3 4"]
    undo: Float[np.ndarray, "22 3 4"]
    vertices: Float[np.ndarray, "v 3"]
    weights: Float[np.ndarray, "v 22"]
    triangles: Int[np.ndarray, "t 3"]


def drawn_hand(rng: Rng) -> Hand:
    """A random hand with slightly varied bone lengths and skin: 528 vertices, 704 triangles."""
    lengths = np.array(_LENGTHS) * rng.uniform(0.9, 1.1, BONES)
    relative = np.stack([_relative(rng, bone, lengths) for bone in range(BONES)])
    absolute: list[Float[np.ndarray, "4 4"]] = []
    for parent, affine in zip(_PARENTS, relative, strict=True):
        one = np.vstack([affine, [0, 0, 0, 1]])
        absolute.append(one if parent < 0 else absolute[parent] @ one)
    rings = [
        _rings(rng, length) @ found[:3, :3].T + found[:3, 3] for length, found in zip(lengths, absolute, strict=True)
    ]
    weights = np.zeros((BONES, len(_ALONG), _RING, BONES))
    for bone, parent in enumerate(_PARENTS):
        for ring, own in enumerate(_OWN):
            weights[bone, ring, :, max(parent, 0)] = 1 - own
            weights[bone, ring, :, bone] += own
    return Hand(
        relative=relative,
        undo=np.stack([np.linalg.inv(found)[:3] for found in absolute]),
        vertices=np.concatenate(rings),
        weights=weights.reshape(-1, BONES),
        triangles=_triangles(),
    )


def _relative(rng: Rng, bone: int, lengths: Float[np.ndarray, "22"]) -> Float[np.ndarray, "3 4"]:
    """The bones at rest, each along its own second axis; fingers begin at the wrist's end, the forearm points back."""
    finger, joint = divmod(bone - 1, 4)
    forearm = bone == BONES - 1
    angle = np.pi if forearm else _SPREAD[finger] if bone > 0 and joint == 0 else 0.0
    angle += 0.05 * rng.standard_normal()
    shift = 0.0 if bone == 0 or forearm else lengths[_PARENTS[bone]]
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0, 0], [s, c, 0, shift], [0, 0, 1, 0]])


def _rings(rng: Rng, length: float) -> Float[np.ndarray, "r 3"]:
    """The skin of one bone, in its own coordinates."""
    along, around = np.meshgrid(np.array(_ALONG) * length, 2 * np.pi * np.arange(_RING) / _RING, indexing="ij")
    thick = 0.1 * rng.uniform(0.8, 1.2, along.shape)
    return np.stack([thick * np.cos(around), along, thick * np.sin(around)], axis=-1).reshape(-1, 3)


def _triangles() -> Int[np.ndarray, "t 3"]:
    """The triangles of the skin: two in each quadrangle between neighbouring rings of a bone."""
    found = []
    for ring in range(BONES * len(_ALONG)):
        if (ring + 1) % len(_ALONG):
            for k in range(_RING):
                a, b = ring * _RING + k, ring * _RING + (k + 1) % _RING
                found += [(a, b, a + _RING), (b, b + _RING, a + _RING)]
    return np.array(found)
