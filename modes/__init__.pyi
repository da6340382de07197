from .core.chain import Chain as Chain, Wrt as Wrt
from .core.cost import Cost as Cost, EngineCost as EngineCost
from .core.engine import Direction as Direction, Engine as Engine, Jacobian as Jacobian
from .core.layer import Layer as Layer, Linearization as Linearization
from .core.linear_map import LinearMap as LinearMap
from .core.problem import Problem as Problem
from .engines.forward import g_recursion as g_recursion
from .engines.reverse import d_recursion as d_recursion
from .errors import (
    FwdrevError as FwdrevError,
    InputError as InputError,
    NothingMeasuredError as NothingMeasuredError,
    UnavailableError as UnavailableError,
)
from .layers.activation import Activate as Activate, Activation as Activation, activation as activation
from .layers.autodiff import AutodiffLayer as AutodiffLayer, Traced as Traced
from .layers.dense import Dense as Dense
from .layers.driven import Driven as Driven
from .layers.loss import SoftmaxCrossEntropy as SoftmaxCrossEntropy, SquaredError as SquaredError
from .problems.shapes import shaped as shaped
from .registry import (
    engine as engine,
    engine_names as engine_names,
    natural_shape as natural_shape,
    nearest_shape as nearest_shape,
    problem as problem,
    problem_names as problem_names,
    problem_options as problem_options,
    problem_shape as problem_shape,
    problem_summary as problem_summary,
)
