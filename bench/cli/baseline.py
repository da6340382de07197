"""What a later run is compared with: `fwdrev baseline`."""

from pathlib import Path
from typing import Annotated

import typer

from fwdrev.bench.cli.show import AsJson, RunFolder, answer, loaded, note, quoted

__all__ = ["baseline"]


def baseline(
    run: RunFolder,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write, to be kept with the code.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep what a run showed in a small file, with which `fwdrev check --baseline FILE` compares later ones."""
    from fwdrev.results.baseline import baseline_of
    from fwdrev.results.baseline_file import baseline_text, save_baseline

    made = baseline_of(loaded(run))
    save_baseline(made, out, force=force)
    size, cells = len(baseline_text(made)), {entry.cell for entry in made.arms}
    parts = {
        "cells": len(cells),
        "arms": len({entry.arm for entry in made.arms}),
        "ratios": len(made.ratios),
        "crossovers": len(made.crossovers),
    }
    kept = ", ".join(f"{number} {name}" for name, number in parts.items())
    lines = [f"baseline: {out} ({size / 1e3:.1f} kB): {kept}", f"compare:  fwdrev check --baseline {quoted(out)}"]
    answer({"baseline": str(out), "bytes": size, **parts}, lines, as_json=as_json)
    if not made.ratios:
        note(f"warning: {run} has no ratio of two arms in three rounds: only counts can be compared")
