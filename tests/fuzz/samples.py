"""Small valid files, from which faulty ones are made."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.results import Run, create, load
from fwdrev.results.gate.aa_test.record import Measured, RecordedRun, create as create_record
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.file import baseline_text
from fwdrev.results.gate.sides import Sides
from tests.scripted import scripted_run, with_counts

SPEC = {
    "problem": '"driven"',
    "wrt": '"theta"',
    "inputs": '"4:16:*2"',
    "outputs": "[1, 8]",
    "engines": '["forward", "null", "reverse"]',
    "rounds": "3",
    "blocks": "2",
    "block_seconds": "0.001",
    "dtype": '"float64"',
    "seed": "1",
    "device": '"cpu"',
    "protocol": '"paired"',
    "precision": '"5%"',
    "budget": '"2min"',
    "timeout": "60",
    "memory_limit": '"4GB"',
    "prices": '"operations"',
}
"""The fields of a specification in TOML."""

VALUES = (
    *('"mlp"', '"gmm"', '"lstm"', '"mgh32"', '"hand-tracking"', '"x"', '"both"', '"float32"', '"pyperf"'),
    *('"seconds"', '"gpu"', '["noop"]', '["jax-jvp", "jax-vjp"]', '["forward", "forward"]', "[1000000]"),
    *('"1,1000000"', '"1:1000:+1"', "10000", "1979-05-27", "07:32:00", "inf", "nan", "0x" + "f" * 5000, "{}"),
    *("{depth = 10000}", "{depth = 0}", "{width = -1}", "1e6", "{depth = 1e3}", "{depth = true}"),
    *('{sigma = "nonsense"}', "{a = {b = 1}}", "[[1, 2]]", '""" \n """', "''"),
)
"""Other values for a field."""


SETTINGS = {
    "functions": '["model:step", "lib/model.py:energy"]',
    "points": '["model:point", "lib/model.py:mesh"]',
    "sizes": "[1000, 4000]",
    "threshold": '"5%"',
    "rounds": "5",
    "copy": '["_version.py", "data/*.npz"]',
    "path": '["python"]',
    "allow_different_results": "1e-6",
}
"""The keys of [tool.fwdrev] in TOML."""

SETTING_VALUES = (
    *('"model:step"', '["model:step"]', '["model:step", "model:step"]', '[":"]', '["model:step,energy"]'),
    *('["a b.py:f"]', '["../a.py:f"]', '["/a.py:f"]', '["jacfwd:model:step"]', '["a..b:f"]', '["é:λ"]'),
    *('["a\\u0000:f"]', "[[]]", "[{}]", '"4:4096:*4"', '"1:1000000:+1"', "[1, 1]", "[0]", '"20%"', "1.2", "0.05"),
    *("inf", "-nan", "1e400", "0x" + "f" * 5000, "1979-05-27", "07:32:00", "{}", "{a = 1}", '[""]', '["/"]'),
    *('[".."]', '["a/../b/"]', "[true]", "-1", "3", "10001"),
)
"""Other values for a key."""


@cache
def run() -> Run:
    """A run in four cells: two engines with counts, and null."""
    fields: dict[str, Any] = {"engines": ["forward", "reverse", "null"], "inputs": "64,256", "outputs": "1,64"}
    return with_counts(scripted_run(noise=0.02, rounds=3, blocks=2, **fields))


@cache
def _folder() -> tuple[str, str]:
    """The run's manifest and journal."""
    with TemporaryDirectory() as folder:
        with create(Path(folder) / "run", run().spec, dict(run().machine)) as opened:
            for observation in run().observations:
                opened.append(observation)
        load(Path(folder) / "run")
        return tuple((Path(folder) / "run" / name).read_text() for name in ("manifest.json", "journal.jsonl"))  # type: ignore[return-value]


def manifest_text() -> str:
    """The run's manifest as text."""
    return _folder()[0]


def journal_text() -> str:
    """The run's journal as text."""
    return _folder()[1]


def manifest() -> Any:
    """The run's manifest."""
    return json.loads(_folder()[0])


def journal() -> list[Any]:
    """The lines of the run's journal."""
    return [json.loads(line) for line in _folder()[1].splitlines()]


@cache
def baseline() -> Any:
    """The run's baseline."""
    return json.loads(baseline_text(baseline_of(run())))


@cache
def record() -> list[Any]:
    """The lines of a self-test's record."""
    spec = gate_spec({"inputs": [4, 8], "outputs": [2], "rounds": 3})
    with TemporaryDirectory() as folder:
        made = create_record(
            Path(folder) / "record.jsonl",
            created="2026-01-02T03:04:05+00:00",
            machine={"cpus": 2},
            spec=spec,
            point=None,
            commit="1a2b3c",
            threshold=0.05,
        )
        rng = np.random.default_rng(0)
        for delays in ([], [], ["mode:forward=0.05", "reverse@8,2=0.1"]):
            first, again = (_look(spec, rng) for _ in range(2))
            made.append(RecordedRun(delays=delays, seconds=1.5, first=first, again=again))
        return [json.loads(line) for line in made.path.read_text().splitlines()]


def _look(spec: Any, rng: np.random.Generator) -> Measured:
    shape = (spec.rounds, len(spec.cells), len(spec.engines))
    return Measured.of(
        Sides(
            cells=tuple(spec.cells),
            arms=tuple(spec.engines),
            logs=rng.normal(0, 0.01, shape),
            control=rng.normal(0, 0.001, shape[:2]),
        )
    )


def texts() -> dict[str, str]:
    """All these texts by the names of their files."""
    return {
        "manifest.json": manifest_text(),
        "journal.jsonl": journal_text(),
        "baseline.json": json.dumps(baseline()),
        "record.jsonl": "".join(f"{json.dumps(line)}\n" for line in record()),
    }
