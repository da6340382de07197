"""The quality of the gate on user functions: how often it errs on unchanged code, and what it finds.

    python benchmarks/function_gate.py [--unchanged 60] [--slower 20] [--out FILE]

A project of two functions, one of NumPy and one of JAX, at their default size. In each run, head equals base, or one
of the two runs its loop 20 % or 10 % more often, with the same result: Newton's square root has long converged.
`fwdrev check --against HEAD` gets only the functions and their point. It writes a line of JSON for each run, then a
table. It continues a file that already has some of the runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from fwdrev.results.gate.aa_test.summary import Share

_SOURCE = """
import jax
import numpy as np
from jax import lax

def smooth(x):
    y = a = 1.0 + x * x
    for _ in range({smooth}):
        y = 0.5 * (y + a / y)
    return y

@jax.jit
def energy(x):
    a = 1.0 + x * x
    return lax.fori_loop(0, {energy}, lambda _, y: 0.5 * (y + a / y), a)

def start(n):
    return np.linspace(-1.0, 1.0, n)
"""

_TURNS = {"smooth": 50, "energy": 1000}
"""The passes of each loop, so that the lines around it take at most two per cent of the time."""

_CHANGES = (0, 20, 10)
"""The percentage by which a function's loop runs more often in head."""

_COMMAND = (
    "check",
    "--against",
    "HEAD",
    "--functions",
    "model:smooth,model:energy",
    "--point",
    "model:start",
    "--json",
)


def _model(slower: str = "", per_cent: int = 0) -> str:
    return _SOURCE.format(
        **{name: turns + (name == slower) * turns * per_cent // 100 for name, turns in _TURNS.items()}
    )


def _plan(wanted: Mapping[int, int], done: Counter[int]) -> Iterator[tuple[str, int]]:
    """The runs left, with kinds mixed, so that the time of day affects all alike; the functions take turns."""
    while left := [change for change in wanted if done[change] < wanted[change]]:
        change = min(left, key=lambda each: done[each] / wanted[each])
        yield ("" if not change else list(_TURNS)[done[change] % 2]), change
        done[change] += 1


def _run(project: Path, slower: str, per_cent: int) -> dict[str, Any]:
    """One check, as a user would call it."""
    (project / "model.py").write_text(_model(slower, per_cent), encoding="utf-8")
    began = perf_counter()
    command = [sys.executable, "-P", "-m", "fwdrev", *_COMMAND]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    answer = json.loads(done.stdout)
    found = {
        each["subject"]["name"]: {
            "verdict": each["verdict"],
            "ratio": (each["again"] or each["change"] or {}).get("point"),
            "detectable": each["detectable"],
        }
        for each in answer["findings"]
        if each["subject"]["kind"] == "cell"
    }
    return {"slower": slower, "per_cent": per_cent, "seconds": perf_counter() - began} | {
        "outcome": answer["outcome"],
        "exit_code": done.returncode,
        "found": found,
    }


def _table(runs: list[dict[str, Any]]) -> Iterator[str]:
    for change in _CHANGES:
        own = [run for run in runs if run["per_cent"] == change]
        if not own:
            continue
        seconds = [run["seconds"] for run in own]
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in Counter(run["outcome"] for run in own).items())
        hit = [_own(run)["verdict"] == "regressed" for run in own if change]
        told = Share(count=sum(hit) if change else sum(run["exit_code"] == 1 for run in own), among=len(own))
        ratios = [_own(run)["ratio"] for run in own if change]
        seen = f"; measured {median(ratios):.3f} in the median" if ratios else ""
        took = f"{median(seconds):.0f} s (median), {max(seconds):.0f} s (longest)"
        yield f"{change} % slower: red {told}; {outcomes}; {took}{seen}"


def _own(run: Mapping[str, Any]) -> Any:
    """The finding for the slower function."""
    return run["found"][f"model:{run['slower']}"]


def main() -> None:
    """Runs the missing checks and prints the table of the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unchanged", type=int, default=60)
    parser.add_argument("--slower", type=int, default=20, help="runs with each of the two slow-downs")
    parser.add_argument("--out", type=Path, default=Path("function-gate.jsonl"))
    given = parser.parse_args()
    lines = given.out.read_text(encoding="utf-8").splitlines() if given.out.exists() else []
    runs = [json.loads(line) for line in lines]
    wanted = {change: given.slower if change else given.unchanged for change in _CHANGES}
    with tempfile.TemporaryDirectory() as folder, given.out.open("a", encoding="utf-8") as record:
        git = ["git", "-C", folder, "-c", "user.name=fwdrev", "-c", "user.email=fwdrev@localhost"]
        Path(folder, "model.py").write_text(_model(), encoding="utf-8")
        for words in (["init", "--quiet"], ["add", "model.py"], ["commit", "--quiet", "-m", "base"]):
            subprocess.run([*git, *words], check=True)  # noqa: S603 - git, as installed
        for slower, change in _plan(wanted, Counter(run["per_cent"] for run in runs)):
            runs.append(_run(Path(folder), slower, change))
            record.write(json.dumps(runs[-1]) + "\n")
            record.flush()
            print(f"{len(runs)}: {slower or 'nothing'} {change} % slower: {runs[-1]['outcome']}", file=sys.stderr)
    print("\n".join(_table(runs)))


if __name__ == "__main__":
    main()
