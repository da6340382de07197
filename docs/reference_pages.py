"""Writes the parts of the reference that follow from the command and the schemas: `python docs/reference_pages.py`.

A part stands between `<!-- generated: commands -->` and `<!-- end -->`, so that the pages read well unbuilt, too. A
test fails when a part is not current; `make schema` writes the schemas and then these pages.
"""

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from typer.main import get_command

from fwdrev.cli.commands import app
from fwdrev.cli.common import exit_codes
from fwdrev.results.published import published

__all__ = ["FOLDER", "generated"]

FOLDER = Path(__file__).parent / "reference"

_PART = re.compile(r"^(<!-- generated: ([a-z ]+) -->\n).*?^(<!-- end -->)$", re.MULTILINE | re.DOTALL)

_EXITS = {
    "REGRESSION": "A regression was found.",
    "USAGE": "Wrong usage, or input that cannot be used: an option, a file, a folder.",
    "INCONCLUSIVE": "The measurements do not decide the question.",
    "NOTHING": "Nothing was measured of what was asked for.",
    "INTERNAL": "An error that is not yours: one line says what to report. `--debug` shows where it comes from.",
    "INTERRUPTED": "Stopped by Ctrl-C; measurements made so far are kept.",
}


def generated(markdown: str) -> str:
    """The page with every part written anew; raises KeyError for the name of a part that does not exist."""
    return _PART.sub(lambda part: f"{part[1]}\n{_PARTS[part[2]]()}\n\n{part[3]}", markdown)


def _commands() -> str:
    """One section for each command, in the order of the app."""
    group: Any = get_command(app)
    context = _context(group, "fwdrev")
    sections = ["## fwdrev", group.help, _block("text", group.get_usage(context))]
    sections += [_table(("Option", "Meaning"), _options(group, context))]
    for name, command in group.commands.items():
        inside = _context(command, name, context)
        sections += [f"## fwdrev {name}", command.help, _block("text", command.get_usage(inside))]
        sections += [_table(("Argument or option", "Meaning"), _options(command, inside))]
        example = (command.epilog or "").removeprefix("Example: ")
        sections += [_block("sh", example)] if example else []
        sections += ["Exit codes: [those of every command](#exit-codes)."]
    return "\n\n".join(sections)


def _context(command: Any, name: str, parent: Any = None) -> Any:  # noqa: ANN401 - typer's, which it does not export
    return command.context_class(command, info_name=name, parent=parent, **command.context_settings)


def _options(command: Any, context: Any) -> Iterable[tuple[str, str]]:  # noqa: ANN401 - likewise
    for parameter in command.get_params(context):
        name, text = parameter.get_help_record(context)
        yield _code(name), _cell(text)


def _exit_codes() -> str:
    """0, and every code that the command names."""
    named = {name.removeprefix("EXIT_"): code for name, code in vars(exit_codes).items() if name.startswith("EXIT_")}
    rows = sorted((code, _EXITS.get(name, name.capitalize())) for name, code in named.items())
    return _table(("Code", "Meaning"), [("`0`", "Fine."), *((f"`{code}`", text) for code, text in rows)])


def _schema(name: str) -> str:
    """A table for the record, then one for each record in it."""
    schema = json.loads(published(name).read_text(encoding="utf-8"))
    records = {"": schema} | {k: v for k, v in schema.get("$defs", {}).items() if "properties" in v}
    sections = []
    for record, one in records.items():
        sections += [f"### {_title(record)}"] if record else []
        sections += [_cell(one["description"])] if "description" in one else []
        rows = [
            (_code(field), _type(of, schema), _meaning(record, field, of, schema))
            for field, of in one["properties"].items()
        ]
        sections.append(_table(("Field", "Type", "Meaning"), rows))
    return "\n\n".join(sections)


def _title(record: str) -> str:
    return record.lstrip("_")


def _meaning(record: str, field: str, of: dict[str, Any], schema: dict[str, Any]) -> str:
    """What the schema says, or the option of a sweep that sets the field; and the default."""
    text = of.get("description") or (_sweep_help().get(field, "") if record == "SweepSpec" else "")
    referred = _referred(of, schema)
    text = text or referred.get("description", "")
    default = of.get("default")
    if default in (None, [], {}) or "; default " in text:
        return _cell(text)
    return f"{_cell(text)} Default `{json.dumps(default, ensure_ascii=False)}`."


def _sweep_help() -> dict[str, str]:
    group: Any = get_command(app)
    texts = {parameter.name: parameter.help for parameter in group.commands["sweep"].params}
    return texts | {"options": texts["option"]}


def _referred(of: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    one = of
    for choice in [of, *of.get("anyOf", [])]:
        one = choice if "$ref" in choice else one
    found: dict[str, Any] = schema.get("$defs", {}).get(one.get("$ref", "").rpartition("/")[2], {})
    return found


def _type(of: dict[str, Any], schema: dict[str, Any]) -> str:
    """In words: what it may be, and its range."""
    if "$ref" in of:
        name, found = of["$ref"].rpartition("/")[2], _referred(of, schema)
        if "enum" in found:
            return " or ".join(f"`{value}`" for value in found["enum"])
        return f"[{_title(name)}](#{_title(name).lower()})"
    if "anyOf" in of:
        return " or ".join(_type(choice, schema) for choice in of["anyOf"])
    kind = of.get("type", "any")
    if kind == "array":
        return f"list of {_type(of.get('items', {}), schema)}"
    if kind == "object" and isinstance(of.get("additionalProperties"), dict):
        return f"object of {_type(of['additionalProperties'], schema)}"
    bounds = [f"{sign} {of[key]:,}" for key, sign in _BOUNDS.items() if key in of and abs(of[key]) < _UNBOUNDED]
    return ", ".join([kind, *bounds])


_BOUNDS = {"minimum": "≥", "ge": "≥", "exclusiveMinimum": ">", "maximum": "≤", "le": "≤", "exclusiveMaximum": "<"}
_UNBOUNDED = 1e9
"""A bound that no record reaches is left out."""


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`"


def _cell(text: str) -> str:
    """One line of a table, in which nothing is markup but code."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;").replace("*", r"\*")


_PARTS: dict[str, Callable[[], str]] = {
    "commands": _commands,
    "exit codes": _exit_codes,
    "manifest": lambda: _schema("manifest"),
    "journal": lambda: _schema("journal"),
    "baseline": lambda: _schema("baseline"),
    "pyproject": lambda: _schema("pyproject"),
}


if __name__ == "__main__":
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(generated(path.read_text(encoding="utf-8")), encoding="utf-8")
