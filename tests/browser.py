"""A browser for tests: Debian's Chromium or another installed one, driven by Playwright.

Without a browser its tests are skipped, unless FWDREV_BROWSER=required demands one, as in CI.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

__all__ = ["SCREENSHOTS", "Opened", "centre", "chromium", "drawn", "opened"]

SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
"""Screenshots are kept here, for people to look at."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser with a fresh profile."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        missing = f"no browser: install one of {', '.join(_NAMES)}"
        if os.environ.get("FWDREV_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_OPTIONS))
        yield browser
        browser.close()


@dataclass(slots=True)
class Opened:
    """A page with its errors, its requests and the texts of its dialogs."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@contextmanager
def opened(browser: Browser, address: str, **context: Any) -> Iterator[Opened]:
    """Opens the page at an address and waits until it is drawn; `context` are browser options, such as the viewport."""
    made = browser.new_context(**({"viewport": {"width": 1280, "height": 1200}} | context))
    page = made.new_page()
    found = Opened(page)
    page.on("console", lambda message: found.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on("request", lambda request: found.requests.append(request.url))

    def close(dialog: Any) -> None:
        found.dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", close)
    page.goto(address)
    drawn(page)
    yield found
    made.close()


def drawn(page: Page) -> None:
    """Waits until the page is drawn."""
    page.locator("#map .nsewdrag, #state:not(:empty)").first.wait_for(state="attached")


def centre(page: Page, n: int, m: int) -> tuple[float, float]:
    """Scrolls a cell of the map into view and returns the position of its centre in the window."""
    page.locator("#map").scroll_into_view_if_needed()
    at = page.evaluate(
        """([n, m]) => {
            const map = document.querySelector("#map"), { xaxis, yaxis } = map._fullLayout;
            const box = map.getBoundingClientRect();
            const at = (axis, size) => axis.d2p(axis.tickvals[axis.ticktext.indexOf(String(size))]);
            return [box.x + xaxis._offset + at(xaxis, n), box.y + yaxis._offset + at(yaxis, m)];
        }""",
        [n, m],
    )
    return float(at[0]), float(at[1])
