"""The site is true: links work, references are complete; nothing needs a network."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from typer.main import get_command

from fwdrev.cli.commands import app
from fwdrev.cli.common import exit_codes
from tests.docs.blocks import blocks

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
GROUP: Any = get_command(app)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _reference_pages() -> Any:
    """The module that writes the reference."""
    spec = importlib.util.spec_from_file_location("reference_pages", DOCS / "reference_pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_current() -> None:
    """The reference matches the command and the schemas; otherwise `make schema` rewrites it."""
    pinned = re.search(r"^typer==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    if pinned is None or version("typer") != pinned[1]:
        pytest.skip("another typer words the help in another way")
    module = _reference_pages()
    for path in sorted(module.FOLDER.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert module.generated(text) == text, f"{path.name}: run `make schema`"
        stale = text.replace("\n\n<!-- end -->", " stale\n\n<!-- end -->")
        assert stale != text
        assert module.generated(stale) == text


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link and image leads to a file of the repository; MkDocs checks the anchors."""
    links = re.findall(r"\]\(\s*([^)\s]+)\s*\)", page.read_text(encoding="utf-8"))
    relative = [link.partition("#")[0] for link in links if not link.startswith(("https://", "#"))]
    assert [link for link in relative if not (page.parent / link).is_file()] == []


def test_products_without_the_jacobian_are_those_with_it() -> None:
    """The Python of the page on advice agrees with products of J itself."""
    names: dict[str, Any] = {}
    exec(next(block.text for block in blocks(DOCS / "advise.md") if block.language == "python"), names)  # noqa: S102 - our own page
    J, residuals = jax.jacobian(names["residuals"])(names["p"]), names["residuals"](names["p"])
    expected = {"Jt_r": J.T @ residuals, "J_v": J @ names["v"], "JtJ_v": J.T @ (J @ names["v"])}
    for name, value in expected.items():
        np.testing.assert_allclose(names[name], value, rtol=1e-6, atol=1e-6, err_msg=name)


def test_every_exit_code_has_its_row() -> None:
    """The table has 0 and every other code of the command."""
    codes = {0, *(code for name, code in vars(exit_codes).items() if name.startswith("EXIT_"))}
    rows = re.findall(r"^\| `(\d+)` \|", _page("reference/commands.md"), re.MULTILINE)
    assert sorted(map(int, rows)) == sorted(codes)
    assert len(codes) == 7


@pytest.mark.parametrize("name", GROUP.commands)
def test_the_reference_lists_every_option(name: str) -> None:
    """The section of each command has everything that `--help` names, and its example."""
    command = GROUP.commands[name]
    shown = command.get_help(command.context_class(command, info_name=name, **command.context_settings))
    options = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", shown.partition("Options:")[2].partition("Example:")[0]))
    section = _page("reference/commands.md").partition(f"\n## fwdrev {name}\n")[2].partition("\n## ")[0]
    assert "--help" in options
    assert {option for option in options if not re.search(rf"{option}(?![a-z-])", section)} == set()
    assert f"```sh\nfwdrev {name}" in section


@pytest.mark.parametrize(("page", "more_than"), [("reference/records.md", 40), ("reference/settings.md", 8)])
def test_the_reference_says_what_every_field_means(page: str, more_than: int) -> None:
    """Neither the records nor the table of settings have a row with an empty cell."""
    rows = [line.split(" | ") for line in _page(page).splitlines() if line.startswith("| `")]
    assert len(rows) > more_than
    assert [row[0] for row in rows if any(not cell.strip(" |") for cell in row)] == []


def _build(folder: Path, addition: str = "") -> subprocess.CompletedProcess[str]:
    """Runs `make docs` in a copy, with an extra line on its first page."""
    shutil.copytree(DOCS, folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "mkdocs.yml", folder)
    with (folder / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write(addition)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


class _Fetched(HTMLParser):
    """Collects the addresses that a browser would fetch for a page: scripts, styles, images, frames; not links."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        link = given.get("href") if tag == "link" and given.get("rel") not in {"next", "prev", "canonical"} else None
        self.found += [address for address in (link, given.get("src"), given.get("data")) if address]


@pytest.mark.long
def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    """The build gives no warning; no page or style requests anything from another host."""
    done = _build(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    site = tmp_path / "build" / "site"
    assert {path.stem for path in site.rglob("*.html")} == {"404", *(page.stem for page in PAGES)}
    for page in site.rglob("*.html"):
        parser = _Fetched()
        parser.feed(page.read_text(encoding="utf-8"))
        assert len(parser.found) > 3
        assert [address for address in parser.found if "//" in address] == []
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", style.read_text(encoding="utf-8")) == []
    assert not list(site.rglob("*.py"))


@pytest.mark.long
def test_a_broken_link_fails(tmp_path: Path) -> None:
    """The output names a missing page, anchor or image, and a path that is valid at one address only."""
    broken = {"nowhere.md", "method.md#nowhere", "images/no.png", "/method.md"}
    done = _build(tmp_path, "".join(f"\n[a]({link})\n" for link in broken).replace("[a](images", "![a](images"))
    assert done.returncode != 0
    told = [line for line in done.stderr.splitlines() if "'index.md'" in line]
    assert {link for link in broken if any(f"'{link}'" in line for line in told)} == broken
