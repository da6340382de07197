"""The data for the figures of one pair of engines, computed once."""

from dataclasses import dataclass

import pandas as pd

from fwdrev.results.costs.calibration import Calibration
from fwdrev.results.costs.prediction import Prediction, prediction
from fwdrev.results.runs.cells import log_count_ratios, log_ratios
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.log_ratios import LogRatios


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRun:
    """`ratios` as measured, `counts` as operations predict them.

    `found` is the comparison with the cost model, None for an uncalibrated machine.
    """

    run: Run
    ratios: LogRatios
    counts: LogRatios
    found: Prediction | None

    @property
    def pair(self) -> tuple[str, str]:
        """The names of the two engines."""
        return self.ratios.pair

    @property
    def model(self) -> LogRatios | None:
        """The log ratios that the cost model predicts."""
        return None if self.found is None else self.found.ratios


def pair_of_run(
    run: Run,
    pair: tuple[str, str],
    known: Calibration | None,
    blocks: Blocks | None = None,
    table: pd.DataFrame | None = None,
) -> PairOfRun:
    """Computes the data, given a run's blocks and table of arms if already made.

    Raises NothingMeasuredError if no cell has both engines.
    """
    return PairOfRun(
        run=run,
        ratios=log_ratios(run, pair, blocks),
        counts=log_count_ratios(run, pair, table),
        found=None if known is None else prediction(run, pair, known.seconds),
    )
