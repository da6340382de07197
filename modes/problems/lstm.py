"""`lstm`: the loss of ADBench's recurrent network that predicts the next character, one output."""

import math
from dataclasses import dataclass

from fwdrev.modes.core.arrays import AnyArray, Namespace
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.core.scan import scan
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.sampling import Precision, Rng
from fwdrev.modes.problems.shapes import family, shaped


def _shape(bits: int, *, layers: int, **_: object) -> tuple[int, int]:
    positive(layers=layers)
    return bits * (8 * layers + 3), 1


@shaped("m = 1, n = b (8 layers + 3)", nearest=family(_shape))
def lstm(n: int, m: int, rng: Rng, dtype: Precision, *, layers: int = 2, characters: int = 64) -> Problem:
    """The loss of ADBench's LSTM that predicts so many characters of b bits each, with b cells in each layer.

    Its gates are diagonal: each cell has four weights and four biases. θ holds those of the layers (forget, in, out and
    change gate, one after the other), then the input weights and the output weights and biases; x holds the
    layers' hidden and cell states before the first character. The text is random bits, and θ is drawn from
    [0, 1) as in ADBench, github.com/microsoft/ADBench, whose texts have 14 bits and 1024 characters or more: n = 266
    with 2 layers, 490 with 4.
    """
    positive(layers=layers, characters=characters)
    bits = n // (8 * layers + 3)
    text = rng.integers(0, 2, (characters + 1, bits)).astype(dtype)
    x, theta = rng.random(2 * layers * bits).astype(dtype), rng.random(n).astype(dtype)
    layer = LstmLoss(n_in=x.size, n_out=m, n_params=n, text=text, layers=layers)
    return Problem(name="lstm", chain=Chain((layer,), dtype), x=x, theta=theta, n=n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LstmLoss(Formula):
    """-1/(b c) Σ_t Σ_i s_{t+1,i} (y_{t,i} - log(2 + Σ_j exp y_{t,j})), y_t predicted from characters s_1 … s_t.

    The 2 is ADBench's. `text` has c + 1 characters of b bits, one a row.
    """

    text: AnyArray
    layers: int

    @property
    def bits(self) -> int:
        """The bits of a character, and the cells of a layer."""
        return int(self.text.shape[1])

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The mean over characters and bits, shape (1,)."""
        xp, b, layers = x.__array_namespace__(), self.bits, self.layers
        gates = theta[: 8 * layers * b].reshape(layers, 2, 4 * b)
        into, out, bias = theta[8 * layers * b :].reshape(3, b)
        text = xp.asarray(self.text, dtype=x.dtype)

        def step(carry: tuple[AnyArray, AnyArray], characters: AnyArray) -> tuple[AnyArray, AnyArray]:
            state, total = carry
            signal, after = characters[0] * into, []
            for k in range(layers):
                signal, cell = _cell(xp, gates[k], signal, state[k])
                after.append(xp.stack([signal, cell]))
            y = signal * out + bias
            return xp.stack(after), total + characters[1] @ (y - _log_two_and_exponentials(xp, y))

        pairs = xp.stack([text[:-1], text[1:]], axis=1)
        _, total = scan(xp, step, (x.reshape(layers, 2, b), xp.zeros_like(x[0])), pairs)
        return (-total / (b * pairs.shape[0])).reshape(1)


def _cell(xp: Namespace, gates: AnyArray, signal: AnyArray, state: AnyArray) -> tuple[AnyArray, AnyArray]:
    """The hidden and cell states of a layer after one more character."""
    hidden, cell = state[0], state[1]
    z = (xp.concat([signal, hidden, signal, hidden]) * gates[0] + gates[1]).reshape(4, -1)
    forget, into, out = (0.5 * (1 + xp.tanh(0.5 * z[i])) for i in range(3))  # the sigmoid, without overflow
    cell = cell * forget + into * xp.tanh(z[3])
    return out * xp.tanh(cell), cell


def _log_two_and_exponentials(xp: Namespace, y: AnyArray) -> AnyArray:
    """log(2 + Σ exp y), shifted by the largest so that nothing overflows."""
    terms = xp.concat([y, xp.full_like(y[:1], math.log(2))])
    top = xp.max(terms)
    return top + xp.log(xp.sum(xp.exp(terms - top)))
