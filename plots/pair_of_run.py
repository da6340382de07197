"""All that the figures of one pair of engines start from, computed once."""

from dataclasses import dataclass

from fwdrev.results.calibration import Calibration
from fwdrev.results.journal import Run
from fwdrev.results.prediction import Prediction, prediction
from fwdrev.results.tables import LogRatios, log_count_ratios, log_ratios

__all__ = ["PairOfRun", "pair_of_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRun:
    """`ratios` as measured, `counts` as operations predict them; `found`: None where the machine was not calibrated."""

    run: Run
    pair: tuple[str, str]
    ratios: LogRatios
    counts: LogRatios
    found: Prediction | None

    @property
    def model(self) -> LogRatios | None:
        """What the cost model predicts."""
        return None if self.found is None else self.found.ratios


def pair_of_run(run: Run, pair: tuple[str, str], known: Calibration | None) -> PairOfRun:
    """Raises NothingMeasuredError when no cell has both engines."""
    return PairOfRun(
        run=run,
        pair=pair,
        ratios=log_ratios(run, pair),
        counts=log_count_ratios(run, pair),
        found=None if known is None else prediction(run, pair, known.seconds),
    )
