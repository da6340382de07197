"""The blocks of code of a page, and a comparison of their real output with the page's.

A block of the language `text` is a part of the output of the last block before it in its section. In an output a line
that is nothing but `…` stands for lines that are left out. Other illustrations have no language.
"""

import re
from dataclasses import dataclass, field
from doctest import ELLIPSIS, Example, OutputChecker
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["PAGES", "ROOT", "Block", "blocks", "difference"]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_VARYING = {
    r"none in range: \S+ is cheaper throughout": "#",
    r"\bas fast\b": "1 % slower",
    r"\d{4}-\d\d-\d\d(T[\d:+]+)?": "#",
    r"\b(?=[a-f]*\d)[0-9a-f]{7,40}\b": "#",
    r"(?<![\w.=/])/[\w./-]+": "#",
    r"(?<![\w.])(?<![nm] = )[-+]?\d[\d.,]*(e[-+]?\d+)?(?<![.,])( ?(ns|µs|ms|s|min|h|B|kB|MB|GB|[%×])(?!\w))?": "#",
    r"# (slower|faster)": "# slower",
    r"≥ #": "#",
    r"# \(# … #\)": "#",
}
"""Parts that vary between measurements: sizes after `n =` and `m =` do not."""


@dataclass(slots=True, kw_only=True)
class Block:
    """`line`: where its text begins, from 1; `before`: the paragraph above; `output`: its output on the page."""

    language: str
    text: str
    line: int
    before: str
    output: list[str] = field(default_factory=list)


def blocks(page: Path) -> list[Block]:
    """The blocks in order; outputs belong to the block that prints them."""
    found: list[Block] = []
    last, before = None, ""
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "heading_open":
            last = None
        elif token.type == "inline":
            before = token.content
        elif token.type == "fence":
            line = (token.map or [0])[0] + 2
            block = Block(language=token.info, text=token.content, line=line, before=before)
            if token.info == "text" and last is not None:
                last.output.append(token.content)
                continue
            found.append(block)
            last = block
    return found


def difference(shown: str, printed: str, *, measured: bool) -> str:
    """Returns "" if the page shows the printed text; if it was `measured`, numbers may differ."""
    want, got = _plain(shown, measured=measured), _plain(printed, measured=measured)
    want = "...\n" + re.sub("^…$", "...", want, flags=re.MULTILINE) + "..."
    checker = OutputChecker()
    if checker.check_output(want, f"\n{got}", ELLIPSIS):
        return ""
    return checker.output_difference(Example("", want), got, ELLIPSIS)


def _plain(text: str, *, measured: bool) -> str:
    """Collapses spaces that align columns, and removes empty lines at both ends."""
    for pattern, name in _VARYING.items() if measured else ():
        text = re.sub(pattern, name, text)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines()) + "\n"
