"""A large report: the time to write it, its size, and how soon its map answers.

    python benchmarks/report.py [--rounds 5] [--blocks 5] [--keep FOLDER]

The run is synthetic (100 inputs × 100 outputs, four engines, times from a formula with noise) and lies on disk as a
sweep writes it. It times the whole command, Python's start included. In the browser, if there is
one: from opening the file to the map; from the pointer's move to the tooltip, by the page's own clock; and the time
to show another metric.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pyperf import perf_counter

from fwdrev.bench import PREPARING, WEIGHING, Cell, Observation, fingerprint, make_spec
from fwdrev.bench.records.observation import ArmResult, Memory, Status
from fwdrev.modes.core.cost import EngineCost, ProgramCost
from fwdrev.results import create

SIDE, LARGEST = 100, 4096
ENGINES = ("forward", "reverse", "jax-jvp", "jax-vjp")
NAMES = ("chromium", "chromium-browser", "google-chrome")
MOVES = 60

WATCH = """() => {
    const map = document.querySelector("#map");
    let moved = 0;
    window.took = [];
    map.addEventListener("mousemove", () => { moved = performance.now(); }, true);
    map.on("plotly_hover", () => {
        const since = moved;
        requestAnimationFrame(() => window.took.push(performance.now() - since));
    });
}"""

CHOOSE = """() => {
    const metric = document.querySelector("#metric"), began = performance.now();
    metric.value = "2";
    metric.onchange();
    return performance.now() - began;
}"""


def main() -> None:
    """Writes the run, then the report three times, then opens it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a new folder for the run and its report")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)) / "run"
        write_run(folder, given.rounds, given.blocks)
        print(f"{SIDE * SIDE} cells × {len(ENGINES)} engines × {given.rounds} rounds × {given.blocks} blocks")
        command = [sys.executable, "-m", "fwdrev", "report", str(folder)]
        seconds = [timed(command) for _ in range(3)]
        path = folder / "report.html"
        print(f"fwdrev report: {', '.join(f'{one:.1f}' for one in seconds)} s, {path.stat().st_size / 1e6:.1f} MB")
        look(path)


def timed(command: Sequence[str]) -> float:
    """Wall seconds of a whole command."""
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    return float(perf_counter() - began)


def look(path: Path) -> None:
    """Opens the report in a browser and prints its times."""
    from playwright.sync_api import sync_playwright

    browser_path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if browser_path is None:
        print("no browser here: nothing was opened")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 1200})
        began = perf_counter()
        page.goto(path.as_uri())
        page.locator("#map .nsewdrag").wait_for(state="attached")
        print(f"opened and drawn: {perf_counter() - began:.1f} s")
        took = hovers(page)
        print(
            f"tooltip: {statistics.median(took):.0f} ms in the median of {len(took)} moves, {max(took):.0f} ms at most"
        )
        print(f"another metric: {page.evaluate(CHOOSE):.0f} ms")
        browser.close()


def hovers(page: Any) -> list[float]:
    """Milliseconds from each move of the pointer to the frame in which the tooltip is drawn."""
    page.locator("#map").scroll_into_view_if_needed()
    page.evaluate(WATCH)
    box = page.locator("#map .nsewdrag").bounding_box()
    for i in range(MOVES):  # all over the map
        page.mouse.move(box["x"] + box["width"] * (37 * i % 97) / 97, box["y"] + box["height"] * (53 * i % 89) / 89)
        page.wait_for_timeout(100)
    found: list[float] = page.evaluate("window.took")
    return found


def write_run(folder: Path, rounds: int, blocks: int) -> None:
    """Writes the run like a sweep, without waiting for the disk after each line."""
    rng = np.random.default_rng(0)
    sizes = np.unique(np.geomspace(1, LARGEST, 3 * SIDE).round().astype(int))
    chosen = [int(sizes[i]) for i in np.linspace(0, sizes.size - 1, SIDE).round().astype(int)]
    names = list(ENGINES)
    spec = make_spec({"inputs": chosen, "outputs": chosen, "engines": names, "rounds": rounds, "blocks": blocks})
    with create(folder, spec, fingerprint(threads=1)) as journal:
        journal.append(observation(WEIGHING, spec.cells[0], blocks, rng))
    with (folder / "journal.jsonl").open("w", encoding="utf-8") as stream:
        for number in (PREPARING, WEIGHING, *range(rounds)):
            for cell in spec.cells:
                stream.write(json.dumps(observation(number, cell, blocks, rng).to_json()) + "\n")


def observation(number: int, cell: Cell, blocks: int, rng: np.random.Generator) -> Observation:
    """The observation of a worker."""
    return Observation(
        round=number, cell=cell, arms={name: arm(number, name, cell, blocks, rng) for name in ENGINES}, seconds=0.1
    )


def arm(number: int, name: str, cell: Cell, blocks: int, rng: np.random.Generator) -> ArmResult:
    """Synthetic seconds per call."""
    n, m = cell.n, cell.m
    passes, other = (n, m) if name in {"forward", "jax-jvp"} else (m, n)
    if number == PREPARING:
        cost = EngineCost(
            multiply_adds=passes * (60 + other), passes=passes, bytes_moved=8 * n * m, peak_bytes=8 * passes * 64
        )
        program = ProgramCost(flops=2 * n * m, peak_bytes=8 * n * m) if name.startswith("jax") else None
        return ArmResult(status=Status.MEASURED, prepare_seconds=0.01, error=1e-16, cost=cost, program=program)
    if number == WEIGHING:
        allocated = None if name.startswith("jax") else 8 * n * m
        return ArmResult(status=Status.MEASURED, memory=Memory(allocated=allocated, resident=8 * n * m))
    seconds = (5e-6 + 2e-9 * passes * (50 + other)) * np.exp(rng.normal(0, 0.03) + rng.normal(0, 0.05, blocks))
    return ArmResult(status=Status.MEASURED, loops=10, values=tuple(seconds.tolist()), error=1e-16)


if __name__ == "__main__":
    main()
