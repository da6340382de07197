from .rules.rules import (
    RULES as RULES,
    Rule as Rule,
    Score as Score,
    Scores as Scores,
    rule_from as rule_from,
    scores as scores,
)
from .rules.scoreboard import Scoreboard as Scoreboard, scoreboard as scoreboard
from .rules.threshold_rule import SimpleRule as SimpleRule, simple_rule as simple_rule
from .runs.blocks import timed_blocks as timed_blocks
from .runs.cells import (
    arms as arms,
    cells as cells,
    engines_measured as engines_measured,
    failures as failures,
    log_count_ratios as log_count_ratios,
    log_ratios as log_ratios,
    times as times,
    values as values,
)
from .runs.export import to_costs as to_costs, to_csv as to_csv, to_pyperf as to_pyperf
from .runs.journal import Journal as Journal, create as create, reopen as reopen
from .runs.memory import (
    Apart as Apart,
    MemoryPlane as MemoryPlane,
    MemoryRatios as MemoryRatios,
    Source as Source,
    memory_ratios as memory_ratios,
)
from .runs.run import Run as Run, load as load
from .runs.trend import Trend as Trend, TrendPoint as TrendPoint, trend as trend
from .runs.winners import winners as winners
from .stats.blocks import Blocks as Blocks
from .stats.crossing import Crossing as Crossing, Status as Status, crossing as crossing
from .stats.crossover import Crossover as Crossover, Law as Law, crossover as crossover
from .stats.estimate import Estimate as Estimate
from .stats.log_ratios import LogRatios as LogRatios
