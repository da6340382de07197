from .activation import Activate as Activate, Activation as Activation, activation as activation
from .chain import Chain as Chain, Wrt as Wrt
from .cost import Cost as Cost, EngineCost as EngineCost
from .dense import Dense as Dense
from .driven import Driven as Driven
from .errors import (
    FwdrevError as FwdrevError,
    InputError as InputError,
    NothingMeasuredError as NothingMeasuredError,
    UnavailableError as UnavailableError,
)
from .instance import Problem as Problem
from .interface import Direction as Direction, Engine as Engine, Jacobian as Jacobian
from .layer import Layer as Layer, Linearization as Linearization
from .linear_map import LinearMap as LinearMap
from .loss import SoftmaxCrossEntropy as SoftmaxCrossEntropy, SquaredError as SquaredError
from .registry import (
    engine as engine,
    engine_names as engine_names,
    nearest_shape as nearest_shape,
    problem as problem,
    problem_names as problem_names,
    problem_options as problem_options,
    problem_shape as problem_shape,
    problem_summary as problem_summary,
)
from .shapes import shaped as shaped
from .traced import Traced as Traced
