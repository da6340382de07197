"""A large run: the time and memory to load it and to write its report, whose size, and how soon its map answers.

    python benchmarks/report.py [--engines 4] [--rounds 5] [--blocks 5] [--keep FOLDER]

The run is synthetic (100 inputs × 100 outputs, times from a formula with noise) and lies on disk as a sweep writes it.
Each is timed in a process of its own, loading without Python's start, the report with it. In the browser, if there is
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
from fwdrev.results.runs.run import JOURNAL

SIDE, LARGEST = 100, 4096
ENGINES = ("forward", "reverse", "jax-jvp", "jax-vjp")
NAMES = ("chromium", "chromium-browser", "google-chrome")
MOVES = 60

LOAD = """
import resource, sys
from time import perf_counter
from fwdrev.results import load
began = perf_counter()
run = load(sys.argv[1])
seconds, kib = perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{len(run.observations):,} observations loaded in {seconds:.1f} s with {kib / 2**20:.2f} GiB at most")
"""

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
    parser.add_argument("--engines", type=int, default=len(ENGINES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="a new folder for the run and its report")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = (given.keep or Path(scratch)) / "run"
        engines = ENGINES[: given.engines]
        write_run(folder, engines, given.rounds, given.blocks)
        megabytes = (folder / JOURNAL).stat().st_size / 1e6
        print(f"{SIDE * SIDE} cells × {len(engines)} engines × {given.rounds} rounds × {given.blocks} blocks, ", end="")
        print(f"{megabytes:.0f} MB", flush=True)
        for _ in range(3):
            subprocess.run([sys.executable, "-c", LOAD, str(folder)], check=True)  # noqa: S603 - our own program
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


def write_run(folder: Path, engines: Sequence[str], rounds: int, blocks: int) -> None:
    """Writes the run like a sweep, without waiting for the disk after each line."""
    rng = np.random.default_rng(0)
    sizes = np.unique(np.geomspace(1, LARGEST, 3 * SIDE).round().astype(int))
    chosen = [int(sizes[i]) for i in np.linspace(0, sizes.size - 1, SIDE).round().astype(int)]
    names = list(engines)
    spec = make_spec({"inputs": chosen, "outputs": chosen, "engines": names, "rounds": rounds, "blocks": blocks})
    with create(folder, spec, fingerprint(threads=1)) as journal:
        journal.append(observation(WEIGHING, spec.cells[0], names, blocks, rng))
    with (folder / JOURNAL).open("w", encoding="utf-8") as stream:
        for number in (PREPARING, WEIGHING, *range(rounds)):
            for cell in spec.cells:
                stream.write(json.dumps(observation(number, cell, names, blocks, rng).to_json()) + "\n")


def observation(number: int, cell: Cell, engines: Sequence[str], blocks: int, rng: np.random.Generator) -> Observation:
    """The observation of a worker."""
    arms = {name: arm(number, name, cell, blocks, rng) for name in engines}
    return Observation(round=number, cell=cell, arms=arms, seconds=0.1)


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
    return ArmResult(status=Status.MEASURED, loops=10, values=tuple(seconds.tolist()))


if __name__ == "__main__":
    main()
