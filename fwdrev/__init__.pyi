from .modes.chain import Chain as Chain, Wrt as Wrt
from .modes.errors import (
    FwdrevError as FwdrevError,
    InputError as InputError,
    NothingMeasuredError as NothingMeasuredError,
    UnavailableError as UnavailableError,
)
from .modes.jax_layer import JaxLayer as JaxLayer
from .modes.registry import (
    engine as engine,
    engine_names as engine_names,
    problem as problem,
    problem_names as problem_names,
)
from .results.advising import advise as advise
from .results.automatic import jacobian as jacobian
from .results.run import load as load
