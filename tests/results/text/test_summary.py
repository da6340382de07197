"""Lines about failures in a run: the arms, the cells, and the reason."""

from dataclasses import replace

from fwdrev.bench.records.observation import ArmResult, Status
from fwdrev.results.text.summary import failure_lines
from tests.scripted import scripted_run


def test_one_line_for_what_failed_for_one_reason() -> None:
    """A reason's numbers differ from cell to cell; any other reason has its own line."""
    run = scripted_run(inputs="64,128", outputs="1,4,16", rounds=1)
    wrong = {cell: f"off by {10.0**-i:.1e} in {i}" for i, cell in enumerate(run.spec.cells[:5])}
    seen = []
    for o in run.observations:
        reason = wrong.get(o.cell, "it hung")
        status = Status.WRONG if o.cell in wrong else Status.TIMED_OUT
        seen.append(replace(o, arms=dict(o.arms) | {"reverse": ArmResult(status=status, reason=reason)}))
    lines = failure_lines(replace(run, observations=tuple(seen)))
    assert lines == [
        "reverse: timed out in 1 of 6 cells, n × m = 128 × 16: it hung",
        "reverse: wrong in 5 of 6 cells, n × m = 64 × 1, 64 × 4, 64 × 16, 128 × 1, and 1 more: off by 1.0e+00 in 0",
    ]
