from .comparisons import comparisons as comparisons, save_comparisons as save_comparisons
from .core.frame import caption as caption
from .figures.cost_curves import (
    Curve as Curve,
    CurvesLayout as CurvesLayout,
    draw_curves as draw_curves,
    lay_out_curves as lay_out_curves,
)
from .figures.crossover_map import MapLayout as MapLayout, draw_map as draw_map, lay_out_map as lay_out_map
from .figures.memory_map import (
    MemoryLayout as MemoryLayout,
    MemoryPanel as MemoryPanel,
    draw_memory as draw_memory,
    lay_out_memory as lay_out_memory,
)
from .figures.preparation import (
    Payback as Payback,
    PreparationLayout as PreparationLayout,
    draw_payback as draw_payback,
    draw_preparation as draw_preparation,
    lay_out_preparation as lay_out_preparation,
)
from .figures.regret import RegretLayout as RegretLayout, draw_regret as draw_regret, lay_out_regret as lay_out_regret
from .figures.side_by_side import (
    SideBySideLayout as SideBySideLayout,
    draw_side_by_side as draw_side_by_side,
    lay_out_side_by_side as lay_out_side_by_side,
)
from .figures.trend import (
    TrendLayout as TrendLayout,
    draw_ratio as draw_ratio,
    draw_times as draw_times,
    lay_out_trend as lay_out_trend,
)
from .figures.winner_map import (
    WinnerLayout as WinnerLayout,
    draw_winners as draw_winners,
    lay_out_winners as lay_out_winners,
)
from .gallery import all_figures as all_figures, save_figures as save_figures
from .svg import inline_svg as inline_svg, svg_text as svg_text
