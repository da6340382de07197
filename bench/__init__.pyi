from .cell import (
    PREPARING as PREPARING,
    WEIGHING as WEIGHING,
    ArmResult as ArmResult,
    Cell as Cell,
    Observation as Observation,
    Status as Status,
)
from .executor import Executor as Executor
from .fingerprint import fingerprint as fingerprint
from .grid import parse_grid as parse_grid
from .local import LocalExecutor as LocalExecutor
from .memory import Memory as Memory
from .plan import FixedPlan as FixedPlan, Forecast as Forecast, Plan as Plan, Step as Step
from .processors import available_cpus as available_cpus
from .scripted import ScriptedExecutor as ScriptedExecutor
from .skips import Skips as Skips
from .spec import QUICK as QUICK, SweepSpec as SweepSpec, make_spec as make_spec, read_spec as read_spec
from .sweep import Sweep as Sweep
