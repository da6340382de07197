"""What there is: engines and problems."""

from collections.abc import Sequence
from typing import Any

from fwdrev.cli.common.show import AsJson, answer
from fwdrev.results.display import aligned

__all__ = ["engines", "problems"]


def engines(*, as_json: AsJson = False) -> None:
    """List the engines: what each does, or why it is not available."""
    from fwdrev.modes.errors import FwdrevError
    from fwdrev.modes.registry import engine, engine_names

    rows: list[dict[str, Any]] = []
    for name in engine_names():
        try:
            found = engine(name)
        except FwdrevError as error:
            rows.append(_unavailable(name, error))
        else:
            facts = {"direction": found.direction.value, "library": found.library}
            rows.append({"name": name, "available": True, "summary": found.summary, **facts})
    _show("engine", rows, [(row["name"], row["summary"]) for row in rows], as_json=as_json)


def problems(*, as_json: AsJson = False) -> None:
    """List the problems: which shapes each has, what it is, and its options with their defaults."""
    from fwdrev.modes.errors import FwdrevError
    from fwdrev.modes.registry import problem_names, problem_options, problem_shape, problem_summary

    rows: list[dict[str, Any]] = []
    for name in problem_names():
        try:
            facts = {"shape": problem_shape(name), "summary": problem_summary(name), "options": problem_options(name)}
        except FwdrevError as error:
            rows.append({**_unavailable(name, error), "shape": "", "options": {}})
        else:
            rows.append({"name": name, "available": True, **facts})
    texts = [row["summary"] + "".join(f"  {key}={value}" for key, value in row["options"].items()) for row in rows]
    lines = [(row["name"], row["shape"], text) for row, text in zip(rows, texts, strict=True)]
    _show("problem", rows, lines, as_json=as_json)


def _unavailable(name: str, error: Exception) -> dict[str, Any]:
    return {"name": name, "available": False, "summary": f"not available: {error}"}


def _show(kind: str, rows: list[dict[str, Any]], lines: Sequence[tuple[str, ...]], *, as_json: bool) -> None:
    """The table, then what other packages call by a name of ours; their names and texts may hold anything."""
    from fwdrev.modes.registry import taken_names
    from fwdrev.results.runs.schema import one_line

    taken = taken_names(kind)
    table = aligned(tuple(map(one_line, line)) for line in lines)
    answer({f"{kind}s": rows, "not_used": taken}, [*table, *map(one_line, taken)], as_json=as_json)
