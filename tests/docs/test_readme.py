"""The README is one page with working links."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_it_is_one_page() -> None:
    """A newcomer reads it in a few minutes."""
    assert README.count("\n") <= 120
    assert len(README.encode()) <= 8_000


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)h][^)]*)\)", README))
def test_links_lead_somewhere(path: str) -> None:
    """Links within the repository lead to files, with an existing heading after #."""
    file, _, anchor = path.partition("#")
    assert (ROOT / file).exists()
    headings = re.findall(r"^#+ (.*)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
    assert not anchor or anchor in {re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-") for heading in headings}
