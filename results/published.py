"""The published JSON Schemas: what the files may contain, for readers that are not this package.

`python -m fwdrev.results.published` writes them, as `make schema` does.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import Field

from fwdrev.bench.spec import SweepSpec
from fwdrev.bench.whole_file import write_whole
from fwdrev.results.baseline_file import BASELINE_FORMAT, Baseline
from fwdrev.results.schema import FORMAT, Line, Manifest

__all__ = ["published", "schemas"]


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of `manifest`, of a line of the `journal`, and of a `baseline`, as they are written now."""
    made = {
        "manifest": (_WrittenManifest.model_json_schema(mode="serialization"), FORMAT),
        "journal": (Line.model_json_schema(), FORMAT),
        "baseline": (_WrittenBaseline.model_json_schema(mode="serialization"), BASELINE_FORMAT),
    }
    head = "https://json-schema.org/draft/2020-12/schema"
    return {
        name: {"$schema": head, "title": f"fwdrev {name}, format {number}"}
        | {k: v for k, v in one.items() if k != "title"}
        for name, (one, number) in made.items()
    }


def published(name: str) -> Path:
    """The file in this package that holds the schema of that name; `make schema` writes it."""
    return Path(__file__).with_name(f"{name}.schema.json")


class _WrittenManifest(Manifest):
    """What was to be measured, where and when: the specification is spelled out."""

    spec: SweepSpec = Field(description="What was to be measured, and how.")  # type: ignore[assignment]


class _WrittenBaseline(Baseline):
    """What a run showed, on which machine: the specification is spelled out."""

    spec: SweepSpec = Field(description="What was measured, and how: enough to measure it again.")  # type: ignore[assignment]


if __name__ == "__main__":
    for schema_name, schema in schemas().items():
        write_whole(published(schema_name), json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
