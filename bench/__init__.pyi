from .cell import (
    PREPARING as PREPARING,
    ArmResult as ArmResult,
    Cell as Cell,
    Observation as Observation,
    Status as Status,
)
from .executor import Executor as Executor
from .fingerprint import fingerprint as fingerprint
from .grid import parse_grid as parse_grid
from .local import LocalExecutor as LocalExecutor
from .scripted import ScriptedExecutor as ScriptedExecutor
from .spec import QUICK as QUICK, SweepSpec as SweepSpec, make_spec as make_spec, read_spec as read_spec
from .sweep import sweep as sweep, visits as visits
