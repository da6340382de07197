from .api.advise import advise as advise
from .api.crossover import crossover as crossover
from .api.jacobian import jacobian as jacobian
from .modes.core.chain import Chain as Chain, Wrt as Wrt
from .modes.errors import (
    FwdrevError as FwdrevError,
    InputError as InputError,
    NothingMeasuredError as NothingMeasuredError,
    UnavailableError as UnavailableError,
)
from .modes.layers.jax_layer import JaxLayer as JaxLayer
from .modes.registry import (
    engine as engine,
    engine_names as engine_names,
    problem as problem,
    problem_names as problem_names,
)
from .results.runs.run import load as load
