from .machine.facts import fingerprint as fingerprint
from .machine.processors import available_cpus as available_cpus
from .records.observation import (
    PREPARING as PREPARING,
    WEIGHING as WEIGHING,
    ArmResult as ArmResult,
    Cell as Cell,
    Memory as Memory,
    Observation as Observation,
    Status as Status,
)
from .records.parsing import parse_grid as parse_grid
from .records.plan import Executor as Executor, FixedPlan as FixedPlan, Forecast as Forecast, Plan as Plan, Step as Step
from .records.skips import Skips as Skips
from .records.spec import QUICK as QUICK, SweepSpec as SweepSpec, make_spec as make_spec, read_spec as read_spec
from .sweep.local import LocalExecutor as LocalExecutor
from .sweep.runner import Sweep as Sweep
