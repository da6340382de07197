"""All that the figures of one pair of engines start from, computed once."""

from dataclasses import dataclass, replace

from fwdrev.results.costs.calibration import Calibration
from fwdrev.results.costs.prediction import Prediction, prediction
from fwdrev.results.runs.cells import log_count_ratios, log_ratios
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.log_ratios import LogRatios

__all__ = ["PairOfRun", "pair_of_run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairOfRun:
    """`ratios` as measured, `counts` as operations predict them and `model` as the cost model does.

    `found` is the comparison with the latter; both are None where the machine was not calibrated.
    """

    run: Run
    pair: tuple[str, str]
    ratios: LogRatios
    counts: LogRatios
    found: Prediction | None
    model: LogRatios | None

    @property
    def turned(self) -> "PairOfRun":
        """The same with the engines in the other order; a comparison with the prediction it has no longer."""
        model = None if self.model is None else _turned(self.model)
        return PairOfRun(
            run=self.run,
            pair=self.ratios.pair[::-1],
            ratios=_turned(self.ratios),
            counts=_turned(self.counts),
            found=None,
            model=model,
        )


def _turned(ratios: LogRatios) -> LogRatios:
    return replace(ratios, pair=ratios.pair[::-1], table=-ratios.table)


def pair_of_run(run: Run, pair: tuple[str, str], known: Calibration | None) -> PairOfRun:
    """Raises NothingMeasuredError when no cell has both engines."""
    found = None if known is None else prediction(run, pair, known.seconds)
    return PairOfRun(
        run=run,
        pair=pair,
        ratios=log_ratios(run, pair),
        counts=log_count_ratios(run, pair),
        found=found,
        model=None if found is None else found.ratios,
    )
