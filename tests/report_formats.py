"""Reads the formats of a report back as their consumers do."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from markdown_it import MarkdownIt

__all__ = ["Page", "annotation", "cases"]


class Page(HTMLParser):
    """The parts of rendered Markdown: elements, rows of tables, list items, headlines and paragraphs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: dict[str, list[str]] = {name: [] for name in ("td", "th", "li", "h2", "p", "summary")}
        self._inside: list[str] = []
        self.feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text))
        self.close()

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The rows of a table of three columns."""
        cells = iter(self.texts["td"])
        return list(zip(cells, cells, cells, strict=True))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Starts an element, and collects its text if needed."""
        self.elements.append(tag)
        if tag in self.texts:
            self._inside.append(tag)
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        """Ends the innermost element with collected text."""
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        """Adds text to the innermost element."""
        if self._inside:
            self.texts[self._inside[-1]][-1] += data


def annotation(line: str) -> tuple[str, dict[str, str], str]:
    """Reads an annotation as GitHub's runner does: level, properties up to the next `::`, message, all unescaped."""
    match = re.fullmatch(r"::([a-z]+)(?: ([^:\r\n]*))?::([^\r\n]*)", line)
    assert match is not None, line
    pairs = (each.split("=", 1) for each in (match[2] or "").split(","))
    return match[1], {name: _plain(value, {"3A": ":", "2C": ","}) for name, value in pairs}, _plain(match[3], {})


def _plain(text: str, more: dict[str, str]) -> str:
    signs = {"25": "%", "0D": "\r", "0A": "\n"} | more
    return re.sub(r"%([0-9A-F]{2})", lambda found: signs[found[1]], text)


def cases(xml: str) -> dict[str, str]:
    """The tests of a JUnit file, each with its result: failure, skipped, error, or passed."""
    (suite,) = ET.fromstring(xml)  # noqa: S314 - our own file
    results = {"failure", "skipped", "error"}
    return {
        str(case.get("name")): next((each.tag for each in case if each.tag in results), "passed")
        for case in suite.iter("testcase")
    }
