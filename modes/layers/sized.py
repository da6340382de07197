"""`SizedLayer`: an `AutodiffLayer` to which its sizes are given, for formulas whose sizes do not follow from fields."""

from dataclasses import dataclass

from fwdrev.modes.layers.autodiff import AutodiffLayer

__all__ = ["SizedLayer"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SizedLayer(AutodiffLayer):
    """n_in inputs, n_out outputs and n_params parameters; a subclass adds its constants and its `value`."""

    n_in: int
    n_out: int
    n_params: int = 0
