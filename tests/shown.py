"""Reads back the HTML that a notebook shows for a record."""

from html.parser import HTMLParser

from fwdrev.results.display import Displayed

__all__ = ["Reader", "shown"]


class Reader(HTMLParser):
    """Checks that tags are closed in order, and collects the text of each cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Opens a tag, perhaps of a cell."""
        self.open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Allows a tag that closes itself."""

    def handle_endtag(self, tag: str) -> None:
        """Expects the tag that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collects text in a cell."""
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


def shown(record: Displayed) -> str:
    """Returns a record's HTML and checks that it is well formed."""
    html = record._repr_html_()
    Reader(html)
    return html
