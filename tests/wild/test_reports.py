"""The sources of situations can be looked up."""

import pytest

from tests.wild.reports import OURS, report


@report(OURS)
@pytest.mark.parametrize("source", ["", "pyperf", "pyperf#110", "psf/pyperf#", "http://example.org/1"])
def test_a_source_can_be_looked_up(source: str) -> None:
    """A source is an owner, a repository and a number, or the address of a page."""
    with pytest.raises(ValueError, match="OWNER/REPOSITORY#NUMBER"):
        report(source)
