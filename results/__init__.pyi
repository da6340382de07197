from .blocks import Blocks as Blocks, timed_blocks as timed_blocks
from .crossing import Crossing as Crossing, Status as Status, crossing as crossing
from .crossover import Crossover as Crossover, Law as Law, crossover as crossover
from .estimate import Estimate as Estimate
from .export import to_costs as to_costs, to_csv as to_csv, to_pyperf as to_pyperf
from .journal import Journal as Journal, create as create, reopen as reopen
from .memory import (
    Apart as Apart,
    MemoryPlane as MemoryPlane,
    MemoryRatios as MemoryRatios,
    Source as Source,
    memory_ratios as memory_ratios,
)
from .rules import (
    RULES as RULES,
    Rule as Rule,
    Score as Score,
    Scores as Scores,
    rule_from as rule_from,
    scores as scores,
)
from .run import Run as Run, load as load
from .scoreboard import Scoreboard as Scoreboard, scoreboard as scoreboard
from .simple_rule import SimpleRule as SimpleRule, simple_rule as simple_rule
from .tables import (
    LogRatios as LogRatios,
    arms as arms,
    cells as cells,
    engines_measured as engines_measured,
    failures as failures,
    log_count_ratios as log_count_ratios,
    log_ratios as log_ratios,
    times as times,
    values as values,
)
from .trend import Trend as Trend, TrendPoint as TrendPoint, trend as trend
from .winners import winners as winners
