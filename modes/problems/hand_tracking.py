"""`hand-tracking`: ADBench's distances between measured points and the skin of a posed hand, tall."""

from dataclasses import dataclass

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Namespace
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.hand import BONES, FINGERS, drawn_hand
from fwdrev.modes.problems.rotation import rotated
from fwdrev.modes.problems.sampling import Precision, Rng
from fwdrev.modes.problems.shapes import family, shaped

POSE = 26
"""Rotation and shift of the hand; of each finger, flexion and spread of its second bone, flexion of the next two."""

Affine = tuple[AnyArray, AnyArray]
"""A rotation, (…, 3, 3), and a shift, (…, 3)."""


@shaped("m = 3N, n = 26 + 2N", nearest=family(lambda points: (POSE + 2 * points, 3 * points)))
def hand_tracking(n: int, m: int, rng: Rng, dtype: Precision) -> Problem:
    """From a hand's skin to N measured points: 26 parameters pose 22 bones, two more place each point on its triangle.

    ADBench calls this formulation complicated. θ holds the pose, then the barycentric coordinates of the
    points; x holds the measured points. ADBench reads its hand from a file; this one is synthetic, of the same
    structure (22 bones, 528 vertices instead of 544), and random like the points.

    Source: Taylor et al., User-specific hand modeling from monocular depth sequences (2014); Šrajer, Kukelova,
    Fitzgibbon, A benchmark of selected algorithmic differentiation tools on some problems in computer vision and
    machine learning (2018); ADBench, github.com/microsoft/ADBench. Published N go from 100 to 100 000.
    """
    points = m // 3
    hand = drawn_hand(rng)
    layer = SkinDistances(
        n_in=m,
        n_out=m,
        n_params=n,
        relative=hand.relative.astype(dtype),
        undo=hand.undo.astype(dtype),
        vertices=hand.vertices.astype(dtype),
        weights=hand.weights.astype(dtype),
        corners=hand.triangles[rng.integers(0, len(hand.triangles), points)],
    )
    pose = np.concatenate([0.5 * rng.standard_normal(6), 0.3 * rng.standard_normal(POSE - 6)])
    theta = np.concatenate([pose, rng.dirichlet(np.ones(3), points)[:, :2].ravel()]).astype(dtype)
    found = -layer.value(np.zeros(3 * points, dtype), theta)
    measured = found + 0.1 * rng.standard_normal(3 * points)
    return Problem(name="hand-tracking", chain=Chain((layer,), dtype), x=measured.astype(dtype), theta=theta, n=n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkinDistances(Formula):
    """Measured points minus points on the skin.

    The bones are posed, each after its parent, and move the skin by linear blend skinning; then everything is
    turned and shifted. A point on the skin has the barycentric coordinates (u, v, 1 - u - v) in its triangle.

    The first four fields are those of a `Hand`; `corners` are the vertices of each point's triangle, (N, 3).
    """

    relative: AnyArray
    undo: AnyArray
    vertices: AnyArray
    weights: AnyArray
    corners: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The three differences of each point, (3N,)."""
        u, v = theta[POSE::2][:, None], theta[POSE + 1 :: 2][:, None]
        at = self._skin(theta.__array_namespace__(), theta[:POSE])[self.corners]
        found = u * at[:, 0] + v * at[:, 1] + (1 - u - v) * at[:, 2]
        return x - found.reshape(-1)

    def _skin(self, xp: Namespace, pose: AnyArray) -> AnyArray:
        """The vertices of the posed hand, (V, 3)."""
        bones = self._bones(xp, pose[6:].reshape(FINGERS, 4))
        turn, shift = _then(bones, (self.undo[:, :, :3], self.undo[:, :, 3]))
        turns = (self.weights @ turn.reshape(BONES, 9)).reshape(-1, 3, 3)
        bent = xp.sum(turns * self.vertices[:, None, :], axis=2) + self.weights @ shift
        return rotated(pose[None, :3], bent) + pose[None, 3:6]

    def _bones(self, xp: Namespace, angles: AnyArray) -> Affine:
        """The positions of the bones, joint by joint for all fingers; wrist, first bones and forearm never move."""
        base, shift = self.relative[:, :, :3], self.relative[:, :, 3]
        still = xp.zeros_like(angles[:, 0])
        flexions, spreads = (still, angles[:, 0], angles[:, 2], angles[:, 3]), (still, angles[:, 1], still, still)
        wrist = base[:1], shift[:1]
        joint, joints = wrist, []
        for k in range(4):
            turned = base[1 + k : BONES - 1 : 4] @ _turn(xp, flexions[k], spreads[k])
            joint = _then(joint, (turned, shift[1 + k : BONES - 1 : 4]))
            joints.append(joint)
        forearm = _then(wrist, (base[-1:], shift[-1:]))
        fingers = [
            xp.stack(parts, axis=1).reshape(4 * FINGERS, *parts[0].shape[1:]) for parts in zip(*joints, strict=True)
        ]
        turns, shifts = (xp.concat(parts) for parts in zip(wrist, fingers, forearm, strict=True))
        return turns, shifts


def _then(one: Affine, other: Affine) -> Affine:
    """The position `other` as seen from `one`."""
    return one[0] @ other[0], (one[0] @ other[1][:, :, None])[:, :, 0] + one[1]


def _turn(xp: Namespace, flexion: AnyArray, spread: AnyArray) -> AnyArray:
    """Rotations by the flexion about the first axis, then by the spread about the third, (…, 3, 3)."""
    c, s, C, S = xp.cos(flexion), xp.sin(flexion), xp.cos(spread), xp.sin(spread)
    zero = xp.zeros_like(c)
    rows = ((C, -S * c, S * s), (S, C * c, -C * s), (zero, s, c))
    return xp.stack([xp.stack(row, axis=-1) for row in rows], axis=-2)
