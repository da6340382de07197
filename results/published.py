"""The published JSON Schemas of our files, for other readers than this package.

`python -m fwdrev.results.published` writes them, as `make schema` does.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from fwdrev.bench.records.project_table import ProjectSettings
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.records.whole_file import write_whole
from fwdrev.results.gate.baseline.record import BASELINE_FORMAT, Baseline, FunctionSpec
from fwdrev.results.runs.schema import FORMAT, Line, Manifest


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schemas of the `manifest`, of a line of the `journal` and of a `baseline`, as written now.

    `pyproject`: the schema of the table [tool.fwdrev], which people write.
    """
    made = {
        "manifest": (_WrittenManifest.model_json_schema(mode="serialization"), f"fwdrev manifest, format {FORMAT}"),
        "journal": (Line.model_json_schema(), f"fwdrev journal, format {FORMAT}"),
        "baseline": (
            _WrittenBaseline.model_json_schema(mode="serialization"),
            f"fwdrev baseline, format {BASELINE_FORMAT}",
        ),
        "pyproject": (ProjectSettings.model_json_schema(schema_generator=_WithoutNull), "[tool.fwdrev] of fwdrev"),
    }
    head = "https://json-schema.org/draft/2020-12/schema"
    return {
        name: {"$schema": head, "title": title} | {k: v for k, v in one.items() if k != "title"}
        for name, (one, title) in made.items()
    }


def published(name: str) -> Path:
    """The file in this package that holds the schema of that name; `make schema` writes it."""
    return Path(__file__).parent / "runs" / "schemas" / f"{name}.schema.json"


class _WrittenManifest(Manifest):
    """The plan of a run, its machine and its date, with the specification spelled out."""

    spec: SweepSpec = Field(description="What was to be measured, and how.")  # type: ignore[assignment]


class _WrittenBaseline(Baseline):
    """The findings of a run and its machine, with the specification spelled out."""

    spec: SweepSpec | FunctionSpec = Field(description="What was measured, and how: enough to measure it again.")  # type: ignore[assignment]


class _WithoutNull(GenerateJsonSchema):
    """The schema without null, which TOML lacks: a key that is not given is absent."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """The schema of the value without null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The schema without a default that is null."""
        made = super().default_schema(schema)
        return {key: value for key, value in made.items() if key != "default" or value is not None}


if __name__ == "__main__":
    for schema_name, schema in schemas().items():
        write_whole(published(schema_name), json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
