"""`convolution`: a small convolutional network on an image."""

import math
from dataclasses import dataclass

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.layers.activation import Activate, activation
from fwdrev.modes.layers.autodiff import AutodiffLayer
from fwdrev.modes.layers.dense import Dense
from fwdrev.modes.problems.sampling import Precision, Rng, vector, weights
from fwdrev.modes.problems.shapes import nearest_of, shaped

KERNEL = 3
STRIDE = 2


def _nearest(n: int, m: int, **_: object) -> tuple[int, int]:
    return nearest_of([(side * side, m) for side in (math.isqrt(n), math.isqrt(n) + 1)], n, m, least=(1, m))


@shaped("n = s², any m", nearest=_nearest)
def convolution(n: int, m: int, rng: Rng, dtype: Precision, *, channels: int = 4, sigma: str = "tanh") -> Problem:
    """A convolutional network: an image of s × s pixels, two convolutions that halve it, a dense layer to m outputs.

    Kernels are 3 × 3, the second convolution has twice the channels of the first; θ are weights and biases, n counts
    the pixels of the image x.
    """
    positive(channels=channels)
    first = Convolution(math.isqrt(n), 1, channels)
    second = Convolution(first.side_out, channels, 2 * channels)
    inner = (first, Activate(first.n_out, activation(sigma)), second, Activate(second.n_out, activation(sigma)))
    chain = Chain((*inner, Dense(second.n_out, m)), dtype)
    theta = weights(rng, [(a.n_params, a.fan if isinstance(a, Convolution) else a.n_in) for a in chain.layers], dtype)
    return Problem(name="convolution", chain=chain, x=vector(rng, n, dtype), theta=theta, n=n)


@dataclass(frozen=True, slots=True)
class Convolution(AutodiffLayer):
    """Kernels of 3 × 3 over every second pixel of a `side` × `side` image with channels, padded by a frame of zeros.

    x holds the channels one after the other, each by rows; θ holds the kernels, for each output channel those of all
    input channels, then the biases.
    """

    side: int
    channels_in: int
    channels_out: int

    @property
    def side_out(self) -> int:
        """Half the side, rounded up."""
        return (self.side + STRIDE - 1) // STRIDE

    @property
    def fan(self) -> int:
        """The number of terms in one output pixel."""
        return self.channels_in * KERNEL * KERNEL

    @property
    def n_in(self) -> int:
        """The pixels of all input channels."""
        return self.channels_in * self.side**2

    @property
    def n_out(self) -> int:
        """The pixels of all output channels."""
        return self.channels_out * self.side_out**2

    @property
    def n_params(self) -> int:
        """The number of kernel entries and biases."""
        return self.channels_out * (self.fan + 1)

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """Multiplies kernels by the patches under them and adds biases."""
        xp, s = x.__array_namespace__(), self.side
        frame = (KERNEL - 1) // 2
        image = xp.pad(x.reshape(self.channels_in, s, s), ((0, 0), (frame, frame), (frame, frame)))
        ends = [slice(k, k + STRIDE * (self.side_out - 1) + 1, STRIDE) for k in range(KERNEL)]
        patches = xp.stack([image[:, rows, columns] for rows in ends for columns in ends], axis=1)
        weights, biases = theta[: -self.channels_out], theta[-self.channels_out :]
        kernels = weights.reshape(self.channels_out, self.fan)
        return (kernels @ patches.reshape(self.fan, -1) + biases[:, None]).reshape(-1)
