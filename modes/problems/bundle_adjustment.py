"""`bundle-adjustment`: ADBench's reprojection errors of cameras and points, tall and sparse."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.rotation import rotated
from fwdrev.modes.problems.sampling import Precision, Rng
from fwdrev.modes.problems.shapes import nearest_of, shaped

CAMERA = 11
"""The parameters of a camera: rotation (3), centre (3), focal length, principal point (2), radial distortion (2)."""


def _nearest(n: int, m: int, *, cameras: int) -> tuple[int, int]:
    """Rounds m to whole observations, then chooses the number of points nearest to n."""
    positive(cameras=cameras)
    known = CAMERA * cameras
    shapes = {
        (known + 3 * q + p, 3 * p)
        for p in (max(1, m // 3), m // 3 + 1)
        for q in (max(1, (n - known - p) // 3), max(1, (n - known - p) // 3 + 1))
    }
    return nearest_of(shapes, n, m, least=(known + 4, 3))


@shaped("m = 3p, n = 11 cameras + 3q + p", nearest=_nearest)
def bundle_adjustment(n: int, m: int, rng: Rng, dtype: Precision, *, cameras: int = 2) -> Problem:
    """Reprojection errors of p observations: cameras with radial distortion see q points; 15 entries in a row at most.

    θ holds the cameras, the points and the weights of the observations; x holds the observed features, two to an
    observation. An observation has two errors and one of its weight: together 31 entries of the Jacobian at most are
    not zero. Cameras and points are random: the cameras look at a cloud of points five units away; every camera
    and every point is used in turn while observations last.

    Source: Šrajer, Kukelova, Fitzgibbon, A benchmark of selected algorithmic differentiation tools on some problems in
    computer vision and machine learning (2018), and ADBench, github.com/microsoft/ADBench. The smallest published
    size has 49 cameras, 7776 points and 31 843 observations, 95 529 × 55 710.
    """
    p = m // 3
    q = (n - CAMERA * cameras - p) // 3
    layer = ReprojectionErrors(
        n_in=2 * p,
        n_out=m,
        n_params=n,
        seen_by=np.arange(p) % cameras,
        points=rng.permutation(np.arange(p) % q),
        n_cameras=cameras,
        n_points=q,
    )
    theta = np.concatenate([_cameras(rng, cameras).ravel(), 0.5 * rng.standard_normal(3 * q), rng.uniform(0.5, 1.5, p)])
    seen = layer.projected(theta) + rng.standard_normal((p, 2))
    x, theta = seen.ravel().astype(dtype), theta.astype(dtype)
    return Problem(name="bundle-adjustment", chain=Chain((layer,), dtype), x=x, theta=theta, n=n)


def _cameras(rng: Rng, cameras: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Random cameras, slightly turned, five units in front of the points, with pictures some hundred pixels wide."""
    spread = np.array([0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 50, 5, 5, 0.05, 0.01])
    middle = np.array([0, 0, 0, 0, 0, -5, 500, 320, 240, 0, 0])
    return middle + spread * rng.standard_normal((cameras, CAMERA))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReprojectionErrors(Formula):
    """w (projection - feature), two for each observation, then 1 - w² for each.

    With camera (r, C, f, c, k): projection = f (1 + k_1 ρ + k_2 ρ²) y + c, where ρ = |y|², y = (X, Y) / Z and
    (X, Y, Z) is the point minus C, rotated by r. Observation i is of point `points[i]` by camera `seen_by[i]`.
    """

    seen_by: AnyArray
    points: AnyArray
    n_cameras: int
    n_points: int

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The errors, (3p,)."""
        w = theta[CAMERA * self.n_cameras + 3 * self.n_points :]
        off = w[:, None] * (self.projected(theta) - x.reshape(-1, 2))
        return x.__array_namespace__().concat([off.reshape(-1), 1 - w**2])

    def projected(self, theta: AnyArray) -> AnyArray:
        """The place of each observed point in its camera's picture, (p, 2)."""
        split = CAMERA * self.n_cameras
        camera = theta[:split].reshape(-1, CAMERA)[self.seen_by]
        point = theta[split : split + 3 * self.n_points].reshape(-1, 3)[self.points]
        there = rotated(camera[:, :3], point - camera[:, 3:6])
        y = there[:, :2] / there[:, 2:]
        rho = (y[:, :1] ** 2) + (y[:, 1:] ** 2)
        stretch = 1 + camera[:, 9:10] * rho + camera[:, 10:] * rho**2
        return camera[:, 6:7] * stretch * y + camera[:, 7:9]
