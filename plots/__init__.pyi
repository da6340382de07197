from .caption import caption as caption
from .cost_curves import (
    Curve as Curve,
    CurvesLayout as CurvesLayout,
    draw_curves as draw_curves,
    lay_out_curves as lay_out_curves,
)
from .crossover_map import MapLayout as MapLayout, draw_map as draw_map, lay_out_map as lay_out_map
from .figures import figures as figures, save_figures as save_figures
from .memory_map import (
    MemoryLayout as MemoryLayout,
    MemoryPanel as MemoryPanel,
    draw_memory as draw_memory,
    lay_out_memory as lay_out_memory,
)
