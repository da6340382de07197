"""The gallery shows every figure."""

import pkgutil
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from fwdrev.plots import comparisons, figures
from fwdrev.plots.gallery import OF_A_PAIR, OF_A_RUN
from tests.scripted import scripted_run

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "gallery.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## [^\n]+ \(`([\w-]+)`\)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def _compared() -> set[str]:
    """The names of the figures of two runs, without the engines."""
    runs = [replace(scripted_run(), created=f"2026-01-0{day}T00:00:00+00:00") for day in (1, 2)]
    return {name.removesuffix("-forward-reverse") for name, _ in comparisons(runs, [("forward", "reverse")], None, [])}


def test_every_figure_has_a_section() -> None:
    """Figures of a pair, of a run, of several runs, and of an A/A test in a report all have one."""
    assert set(SECTIONS) == {*OF_A_PAIR, *OF_A_RUN, *_compared(), "selftest"}


def test_every_module_of_figures_is_drawn_by_name() -> None:
    """Each function that makes a whole figure belongs to these figures."""
    modules = [import_module(f"{figures.__name__}.{found.name}") for found in pkgutil.iter_modules(figures.__path__)]
    drawn = {name for module in modules for name in vars(module) if name.endswith("_figure")}
    assert len(drawn) == len(SECTIONS)


def test_every_section_has_a_picture_and_its_command() -> None:
    """The command draws, and the picture is small."""
    for name, text in SECTIONS.items():
        assert re.search(r"^```sh\nfwdrev (plot|selftest) ", text, re.MULTILINE), name
        pictures = re.findall(r"^!\[[^\]]{20,}\]\((images/[\w.-]+)\)$", text, re.MULTILINE)
        assert pictures, name
        assert all((DOCS / picture).stat().st_size < 300_000 for picture in pictures)
