"""Situations of PyTorch: results are those of torch.func.jacrev, with dtype and graph; nothing else changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from tests.reports.situation import OURS, Arguments, at
from tests.reports.torch_on_demand import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchCall:
    """A function, the arguments of its calls, and a module whose state should be as after torch.func.jacrev alone.

    `around`: a transformation of the Jacobian before the call. `options` are jacrev's. `doubt`: forward mode does not
    agree with reverse mode, and a warning may say so.
    """

    f: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    again: Sequence[Arguments] = ()
    module: Any = None
    around: Callable[[Any], Any] = field(default=lambda jacobian: jacobian)
    doubt: bool = False


_Make = Callable[[], TorchCall]

SITUATIONS: dict[str, tuple[str, _Make]] = {}


def situation(report: str) -> Callable[[_Make], _Make]:
    """A decorator that adds to the table, with the public report."""

    def named(make: _Make) -> _Make:
        SITUATIONS[make.__name__] = report, make
        return make

    return named


def _random(*shape: int, dtype: Any = None) -> Any:
    drawn = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return drawn if dtype is None else drawn.to(dtype)


def _network(*sizes: int, dropout: float = 0.0) -> Any:
    layers: list[Any] = []
    for n, m in pairwise(sizes):
        layers += [torch.nn.Linear(n, m), torch.nn.Tanh(), torch.nn.Dropout(dropout)]
    return torch.nn.Sequential(*layers)


def _tall(x: Any) -> Any:
    return torch.outer(torch.sin(x), torch.arange(20, dtype=x.dtype)).ravel()


@situation("pytorch/functorch#636")
def network_of_many_weights() -> TorchCall:
    """20,000 weights and ten outputs."""
    model = _network(100, 180, 10)
    x = _random(100, dtype=torch.float32)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    return TorchCall(f=lambda weights: torch.func.functional_call(model, weights, (x,)), args=(weights,), module=model)


@situation("pytorch/functorch#1058")
def kernel_inside() -> TorchCall:
    """Few inputs, many outputs, and a large matrix between them."""
    points = _random(300, 3)

    def f(x: Any) -> Any:
        return (torch.exp(-((points[:, None] - points[None]) ** 2).sum(-1)) @ points) @ x.reshape(3, -1)

    return TorchCall(f=f, args=(_random(6),), again=[at(_random(9))])


@situation("pytorch/functorch#680")
def in_chunks() -> TorchCall:
    """64 rows at a time."""
    return TorchCall(f=_tall, args=(_random(12),), options={"chunk_size": 64})


@situation("pytorch/pytorch#91326")
def row_by_row() -> TorchCall:
    """One row at a time, without vmap, which would refuse the function."""

    def f(x: Any) -> Any:
        return torch.take(x, torch.tensor([0, 2, 1])) * x.sum()

    return TorchCall(f=f, args=(_random(3),), options={"chunk_size": 1})


@situation("pypose/pypose#59")
def parameter() -> TorchCall:
    """The result can be differentiated once more, as jacrev's."""
    return TorchCall(
        f=_tall, args=(torch.nn.Parameter(_random(3)),), again=[at(_random(3).requires_grad_()), at(_random(3))]
    )


@situation("pytorch/functorch#253")
def result_of_an_operation() -> TorchCall:
    """The input is no leaf of the graph."""
    x = (_random(3).requires_grad_() * 2).exp()
    return TorchCall(f=_tall, args=(x,))


@situation("pytorch/functorch#253")
def without_gradients() -> TorchCall:
    """Under no_grad the result has no graph."""
    return TorchCall(f=_tall, args=(torch.nn.Parameter(_random(3)),), around=torch.no_grad())


@situation("pytorch/pytorch#49171")
def parameters_closed_over() -> TorchCall:
    """The weights of a module require gradients, so the result does too."""
    model = _network(2, 30)
    return TorchCall(f=model, args=(_random(2, dtype=torch.float32),), module=model)


@situation("pytorch/pytorch#84220")
def dropout() -> TorchCall:
    """Random numbers are drawn as by jacrev, and the generator ends in the same state."""
    model = _network(2, 40, dropout=0.5)
    return TorchCall(f=model, args=(_random(2, dtype=torch.float32),), module=model)


@situation("pytorch/functorch#408")
def random_numbers() -> TorchCall:
    """The function draws them."""
    return TorchCall(f=lambda x: torch.outer(x, torch.randn(20)), args=(_random(2, dtype=torch.float32),))


@situation("pytorch/pytorch#85533")
def statistics_of_a_batch() -> TorchCall:
    """A training layer changes its statistics in place, which torch.func refuses."""
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 30))
    return TorchCall(f=model, args=(_random(4, 2, dtype=torch.float32),), module=model)


@situation("pytorch/functorch#273")
def statistics_of_a_batch_as_arguments() -> TorchCall:
    """The buffers come with the weights."""
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 3))
    x = _random(4, 2, dtype=torch.float32)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    return TorchCall(
        f=lambda w, b: torch.func.functional_call(model, (w, b), (x,)), args=(weights, buffers), module=model
    )


@situation("pytorch/functorch#986")
def statistics_that_are_not_tracked() -> TorchCall:
    """There are no buffers."""
    model = torch.nn.Sequential(torch.nn.BatchNorm1d(2, track_running_stats=False), torch.nn.Linear(2, 3))
    return TorchCall(f=model, args=(_random(4, 2, dtype=torch.float32),), module=model)


@situation("pytorch/functorch#867")
def mapped_statistics() -> TorchCall:
    """A vmap of the Jacobian of a layer in evaluation."""
    model = torch.nn.BatchNorm1d(3).eval()
    f = lambda x: model(x[None])[0]  # noqa: E731
    return TorchCall(f=f, args=(_random(4, 3, dtype=torch.float32),), module=model, around=torch.func.vmap)


@situation("pytorch/pytorch#128600")
def block_without_gradients() -> TorchCall:
    """Forward mode does not stop there, reverse mode does."""
    weights = _random(30, 2)

    def f(x: Any) -> Any:
        with torch.no_grad():
            held = weights @ x
        return weights @ x**2 + held

    return TorchCall(f=f, args=(_random(2),), doubt=True)


@situation("pytorch/functorch#353")
def straight_through() -> TorchCall:
    """A detached difference."""

    def f(x: Any) -> Any:
        smooth = torch.tanh(x)
        return (smooth + (torch.clip(torch.round(x), -1, 1) - smooth).detach()).repeat(20)

    return TorchCall(f=f, args=(_random(2),))


@situation("pytorch/pytorch#185639")
def power_of_a_complex_number() -> TorchCall:
    """The absolute value to a complex power."""
    f = lambda z: torch.pow(torch.abs(z), 1 + 1j)  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor([0.5 + 1j, -2j]),), again=[at(torch.tensor([0.5, 2.0]))])


@situation("pytorch/pytorch#185639")
def real_part_of_a_complex_power() -> TorchCall:
    """Real numbers in and out, complex ones between."""
    f = lambda x: torch.view_as_real(torch.pow(torch.abs(x.repeat(20)), 1 + 1j))  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor([0.5, -2.0]),), doubt=True)


@situation("pytorch/pytorch#94397")
def conjugates() -> TorchCall:
    """Conjugates of complex numbers, and their absolute values."""
    z = torch.tensor([0.5 + 1.7j, 1 - 1j])
    return TorchCall(f=lambda z: torch.conj(z).repeat(9), args=(z,))


@situation("pytorch/pytorch#92140")
def complex_sine() -> TorchCall:
    """The two modes give conjugates."""
    return TorchCall(f=torch.sin, args=(torch.tensor(0.5 + 0.5j),))


@situation("pytorch/pytorch#114650")
def conjugate_of_real_numbers() -> TorchCall:
    """Only intermediate values are complex."""
    f = lambda x: torch.conj(x.repeat(9) * 1j).imag  # noqa: E731
    return TorchCall(f=f, args=(_random(2),))


@situation("pytorch/functorch#1073")
def unpacked_and_added() -> TorchCall:
    """Forward mode returns double precision there."""

    def f(x: Any) -> Any:
        q, p = x
        return torch.stack([q + 1.0, p + 1.0] * 10)

    return TorchCall(f=f, args=(torch.zeros(2),))


@situation("jax-ml/jax#6638")
def wider_output() -> TorchCall:
    """Single precision in, double precision out."""
    f = lambda x, y: torch.outer(x, y)  # noqa: E731, PLW0108
    return TorchCall(f=f, args=(_random(2, dtype=torch.float32), _random(30)), again=[at(_random(2), _random(30))])


@situation(OURS)
def narrower_output() -> TorchCall:
    """Double precision in, single precision out."""
    return TorchCall(f=lambda x: x.repeat(20).to(torch.float16), args=(_random(2),))


@situation(OURS)
def two_dtypes() -> TorchCall:
    """Arguments of single and double precision."""
    f = lambda x, y: (torch.outer(x, y), y.repeat(9))  # noqa: E731
    args = (_random(2, dtype=torch.float32), _random(3))
    return TorchCall(f=f, args=args, options={"argnums": (0, 1)})


@situation(OURS)
def few_bits() -> TorchCall:
    """Half precision and brain floats."""
    x = _random(2)
    return TorchCall(f=_tall, args=(x.to(torch.bfloat16),), again=[at(x.to(torch.float16))])


@situation("pytorch/functorch#111")
def several_arguments() -> TorchCall:
    """They are in a tuple, with a held one between."""
    f = lambda x, k, y: torch.outer(torch.sin(x) * k, y)  # noqa: E731
    return TorchCall(f=f, args=(_random(2), 2.0, _random(9)), options={"argnums": (2, 0)})


@situation("pytorch/functorch#111")
def argument_from_the_end() -> TorchCall:
    """torch.func.jacfwd holds the last one: it returns zeros."""
    f = lambda k, x: _tall(x) * k  # noqa: E731
    return TorchCall(f=f, args=(2.0, _random(2)), options={"argnums": -1})


@situation(OURS)
def arguments_from_the_end() -> TorchCall:
    """torch.func.jacrev holds the last one in a tuple, too; the zeros are PyTorch's."""
    f = lambda x, k, y: torch.outer(torch.sin(x) * k, y)  # noqa: E731
    return TorchCall(f=f, args=(_random(2), 2.0, _random(9)), options={"argnums": (-1, 0)})


@situation("pytorch/functorch#111")
def argument_that_is_not_there() -> TorchCall:
    """The call has one too few."""
    return TorchCall(f=_tall, args=(_random(2),), options={"argnums": 1})


@situation("pytorch/functorch#292")
def trees() -> TorchCall:
    """Dictionaries and tuples, in and out."""

    def f(t: Any) -> Any:
        return {"u": torch.outer(t["a"], t["b"][0]), "v": (t["a"].sum(), t["b"][0] * 2)}

    return TorchCall(f=f, args=({"a": _random(2), "b": (_random(9),)},))


@situation("pytorch/functorch#392")
def something_beside() -> TorchCall:
    """A tensor beside the value."""
    return TorchCall(f=lambda x: (_tall(x), {"norm": x @ x}), args=(_random(2),), options={"has_aux": True})


@situation("pytorch/functorch#392")
def something_beside_that_is_no_tensor() -> TorchCall:
    """A string beside the value."""
    return TorchCall(f=lambda x: (_tall(x), "beside"), args=(_random(2),), options={"has_aux": True})


@situation("mfschubert/sparsejac#17")
def keywords() -> TorchCall:
    """Keyword-only arguments, one of them a tensor that requires a gradient."""

    def f(x: Any, *, scale: Any, k: int = 1) -> Any:
        return _tall(x) * scale * k

    return TorchCall(
        f=f,
        args=(_random(2),),
        kwargs={"scale": torch.tensor(2.0, requires_grad=True)},
        again=[at(_random(2), scale=3.0, k=2)],
    )


@cache
def _square() -> Any:
    class Square(torch.autograd.Function):  # type: ignore[misc]  # torch is Any
        """A rule for reverse mode only."""

        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            """Returns the square."""
            return x**2

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, _: Any) -> None:
            """Keeps the input."""
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx: Any, u: Any) -> Any:
            """Returns twice the input, times the cotangent."""
            return 2 * ctx.saved_tensors[0] * u

    return Square


@cache
def _old_square() -> Any:
    class OldSquare(torch.autograd.Function):  # type: ignore[misc]  # torch is Any
        """A rule in the style before torch.func, which refuses it."""

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            """Returns the square."""
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, u: Any) -> Any:
            """Returns twice the input, times the cotangent."""
            return 2 * ctx.saved_tensors[0] * u

    return OldSquare


@situation("flatironinstitute/pytorch-finufft#110")
def rule_for_reverse_mode_alone() -> TorchCall:
    """Forward mode needs a jvp."""
    return TorchCall(f=lambda x: _square().apply(x).repeat(20), args=(_random(2),))


@situation("pytorch/functorch#207")
def rule_of_old() -> TorchCall:
    """It is refused."""
    return TorchCall(f=lambda x: _old_square().apply(x).repeat(20), args=(_random(2),))


@situation(OURS)
def kind_by_a_number() -> TorchCall:
    """The function is tall for 0, and has a rule for reverse mode only for 1."""
    f = lambda x, k: _tall(x) if k == 0 else _square().apply(x).repeat(20)  # noqa: E731
    return TorchCall(f=f, args=(_random(2), 0), again=[at(_random(2), 1), at(_random(2), 0)])


@situation("pytorch/pytorch#103329")
def filled_in_place() -> TorchCall:
    """vmap cannot fill a tensor of zeros, reverse mode can."""

    def f(x: Any) -> Any:
        filled = torch.zeros(40, dtype=x.dtype)
        filled[:2] = x * 3
        return filled

    return TorchCall(f=f, args=(_random(2),))


@situation("facebookresearch/theseus#650")
def assembled_in_place() -> TorchCall:
    """A loop does it."""

    def f(x: Any) -> Any:
        error = torch.zeros((1, 30), dtype=x.dtype)
        for i in range(10):
            error[:, 3 * i : 3 * i + 3] = x * i
        return error

    return TorchCall(f=f, args=(_random(3),))


@situation("pytorch/pytorch#91280")
def changed_in_place() -> TorchCall:
    """It is a copy of the input."""

    def f(x: Any) -> Any:
        y = x.repeat(20)
        y.mul_(2).add_(x[0])
        return y.sin_()

    return TorchCall(f=f, args=(_random(2),))


@situation("pytorch/functorch#273")
def input_changed_in_place() -> TorchCall:
    """The function writes into its argument."""
    return TorchCall(f=lambda x: x.mul_(2).repeat(20), args=(_random(2),))


@situation("pytorch/pytorch#94514")
def data_of_the_input_changed() -> TorchCall:
    """The graph does not see it."""

    def f(p: Any) -> Any:
        p.data = torch.ones(1, 2, 3) * 2
        return p

    return TorchCall(f=f, args=(torch.nn.Parameter(torch.ones(2, 3)),))


@situation("pytorch/functorch#715")
def matrix_exponential() -> TorchCall:
    """It works in place inside."""
    return TorchCall(f=torch.linalg.matrix_exp, args=(torch.eye(3),))


@situation("pytorch/functorch#501")
def second_derivative_of_a_trace() -> TorchCall:
    """It is mapped over matrices."""
    return TorchCall(f=torch.func.jacrev(torch.trace), args=(_random(2, 4, 4),), around=torch.func.vmap)


@situation("pytorch/functorch#776")
def logarithm_of_a_sigmoid() -> TorchCall:
    """It once had no rule for forward mode."""
    return TorchCall(f=lambda x: torch.nn.functional.logsigmoid(x).repeat(20), args=(_random(2),))


@situation("pytorch/pytorch#99187")
def normalised() -> TorchCall:
    """It is mapped over rows."""
    f = lambda t: torch.nn.functional.normalize(t, dim=0).repeat(9)  # noqa: E731
    return TorchCall(f=f, args=(_random(3, 2),), around=torch.func.vmap)


@situation("pytorch/pytorch#94111")
def singular_values() -> TorchCall:
    """They come with their vectors."""
    f = lambda a: torch.linalg.svd(a, full_matrices=False)[1].repeat(20)  # noqa: E731
    return TorchCall(f=f, args=(_random(3, 2),))


@situation("pytorch/pytorch#93028")
def transformed() -> TorchCall:
    """There and back."""
    f = lambda x: torch.fft.irfft(torch.fft.rfft(x, 40) ** 2)  # noqa: E731
    return TorchCall(f=f, args=(_random(3),))


@situation("pytorch/pytorch#160752")
def with_integers() -> TorchCall:
    """Indices are held."""
    f = lambda x, i: (x**2 * torch.nn.functional.one_hot(i, 3)).repeat(9, 1)  # noqa: E731
    return TorchCall(f=f, args=(_random(4, 3), torch.tensor([0, 2, 1, 1])))


@situation("pytorch/functorch#18")
def attention() -> TorchCall:
    """Its kernels may have no rule for forward mode."""
    model = torch.nn.MultiheadAttention(4, 2)
    f = lambda x: model(x.expand(6, 4), x.expand(6, 4), x.expand(6, 4))[0]  # noqa: E731
    return TorchCall(f=f, args=(_random(4, dtype=torch.float32),), module=model)


@situation("pytorch/pytorch#99267")
def functional_call_itself() -> TorchCall:
    """The module is the first argument."""
    model = torch.nn.Linear(3, 3)
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    args = (model, weights, (_random(4, 3, dtype=torch.float32),))
    return TorchCall(f=torch.func.functional_call, args=args, options={"argnums": 1}, module=model)


@situation(OURS)
def branch_on_a_value() -> TorchCall:
    """Python needs the sign, which vmap refuses."""
    f = lambda x: _tall(x) if x.sum() > 0 else x**2  # noqa: E731
    return TorchCall(f=f, args=(torch.ones(2),), again=[at(-torch.ones(2)), at(torch.ones(2))])


@situation(OURS)
def shape_by_values() -> TorchCall:
    """Only the positive entries are returned."""
    f = lambda x: x[x > 0].repeat(20)  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor([1.0, -1.0, 2.0]),), again=[at(torch.tensor([-1.0, -1.0, 2.0]))])


@situation(OURS)
def number_of_a_tensor() -> TorchCall:
    """item() takes it out."""
    return TorchCall(f=lambda x: x.repeat(20) * x[0].item(), args=(_random(2),))


@situation(OURS)
def integers_to_differentiate() -> TorchCall:
    """They are refused, and so are numbers of Python."""
    f = lambda x: x * torch.ones(20)  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor(2),), again=[at(torch.tensor(2.0)), at(torch.tensor([True]))])


@situation(OURS)
def outputs_that_are_no_floats() -> TorchCall:
    """Integers, nothing, and a number of Python."""
    f = lambda x, k: [x.repeat(20).long(), None, 2.0, (x, "name")][k]  # noqa: E731
    return TorchCall(f=f, args=(_random(2), 0), again=[at(_random(2), k) for k in (1, 2, 3)])


@situation(OURS)
def output_that_does_not_depend() -> TorchCall:
    """It is a constant."""
    return TorchCall(f=lambda x: (torch.ones(20), x.repeat(9)), args=(_random(2),))


@situation(OURS)
def empty_tensors() -> TorchCall:
    """No inputs, and no outputs."""
    return TorchCall(f=lambda x: x[:0], args=(_random(2),), again=[at(_random(0)), at(_random(0, 2))])


@situation(OURS)
def no_dimensions() -> TorchCall:
    """A number in, a number out."""
    return TorchCall(f=torch.sin, args=(torch.tensor(0.5),), again=[at(torch.tensor([0.5])), at(torch.ones(2, 2))])


@situation("jax-ml/jax#5798")
def where_and_square_root() -> TorchCall:
    """They are taken at zero."""
    f = lambda x: torch.where(x < 1, x, torch.sqrt(x)).repeat(20)  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor([0.0, 0.5, 2.0]),), doubt=True)


@situation("jax-ml/jax#654")
def distances() -> TorchCall:
    """Some points coincide."""
    f = lambda x: torch.cdist(x.reshape(3, 2), x.reshape(3, 2))  # noqa: E731
    return TorchCall(f=f, args=(torch.tensor([0.0, 1.0, 0.0, 1.0, 2.0, 3.0]),), doubt=True)


@situation("pytorch/pytorch#80928")
def jacobian_of_a_jacobian() -> TorchCall:
    """Reverse mode goes over either mode."""
    import fwdrev

    f = lambda x: torch.outer(torch.sin(x), x.abs()).repeat(3, 3)  # noqa: E731
    return TorchCall(f=f, args=(_random(2),), around=lambda jacobian: fwdrev.jacobian(jacobian))  # noqa: PLW0108


@situation("pytorch/pytorch#162879")
def gradient_of_a_jacobian() -> TorchCall:
    """Forward mode goes over it, and reverse mode too."""
    both = lambda jacobian: lambda x: (torch.func.jacfwd(jacobian)(x), torch.func.jacrev(jacobian)(x))  # noqa: E731
    return TorchCall(f=lambda x: torch.sin(x).prod() * x, args=(_random(3),), around=both)


@situation("pytorch/functorch#1010")
def mapped() -> TorchCall:
    """It is mapped over samples, at once and with another batch."""
    return TorchCall(f=_tall, args=(_random(5, 2),), again=[at(_random(3, 2))], around=torch.func.vmap)


@situation("pytorch/functorch#110")
def function_with_a_state() -> TorchCall:
    """It counts its calls, and its module has a hook."""
    model = torch.nn.Linear(2, 30)
    model.register_forward_hook(lambda *hooked: 2 * hooked[2])
    return TorchCall(f=model, args=(_random(2, dtype=torch.float32),), module=model)


@situation(OURS)
def error_of_the_function() -> TorchCall:
    """It comes at the second call only."""

    def f(x: Any, *, fine: bool) -> Any:
        if not fine:
            raise ZeroDivisionError
        return _tall(x)

    return TorchCall(f=f, args=(_random(2),), kwargs={"fine": True}, again=[at(_random(2), fine=False)])
